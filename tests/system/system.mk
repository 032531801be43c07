# SPDX-License-Identifier: BSD-2-Clause
#
# Programs of the system tests that are our own.

SYSTEM_OUT := $(BUILD)/system

.PHONY: system-programs
system-programs: $(SYSTEM_OUT)/hostile $(SYSTEM_OUT)/pressure $(SYSTEM_OUT)/pressure_file $(SYSTEM_OUT)/disk $(SYSTEM_OUT)/direct $(SYSTEM_OUT)/attributes $(SYSTEM_OUT)/traced $(SYSTEM_OUT)/load_module $(SYSTEM_OUT)/powercut $(SYSTEM_OUT)/tree $(SYSTEM_OUT)/faults $(SYSTEM_OUT)/file_random
system-programs: $(BUILD)/host/powercut

# With symbols, for debuggers.
$(SYSTEM_OUT)/traced: tests/system/traced.c
	@mkdir -p $(@D)
	musl-gcc -pthread -std=gnu11 -O1 -g -Wall -Wextra -Werror -static -o $@ $<

# A program of the abi ring.
$(SYSTEM_OUT)/file_random: tests/abi/file_random.c tests/abi/abi.c tests/abi/abi.h
	@mkdir -p $(@D)
	musl-gcc -D_GNU_SOURCE -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-format-truncation -static -s -o $@ $(filter %.c,$^) -lpthread

$(SYSTEM_OUT)/%: tests/system/%.c
	@mkdir -p $(@D)
	musl-gcc -pthread -std=gnu11 -O1 -fno-optimize-sibling-calls -Wall -Wextra -Werror -Wno-infinite-recursion -static -s -o $@ $<
