# SPDX-License-Identifier: BSD-2-Clause
#
# Programs of the system tests that are our own.

SYSTEM_OUT := $(BUILD)/system

.PHONY: system-programs
system-programs: $(SYSTEM_OUT)/hostile $(SYSTEM_OUT)/pressure $(SYSTEM_OUT)/pressure_file $(SYSTEM_OUT)/disk $(SYSTEM_OUT)/direct $(SYSTEM_OUT)/attributes $(SYSTEM_OUT)/traced $(SYSTEM_OUT)/load_module $(SYSTEM_OUT)/powercut $(SYSTEM_OUT)/tree $(SYSTEM_OUT)/faults $(SYSTEM_OUT)/corrupt $(SYSTEM_OUT)/file_append $(SYSTEM_OUT)/file_random $(SYSTEM_OUT)/overlay_calls $(SYSTEM_OUT)/overlay_random
system-programs: $(BUILD)/host/powercut

# With symbols, for debuggers.
$(SYSTEM_OUT)/traced: tests/system/traced.c
	@mkdir -p $(@D)
	musl-gcc -pthread -std=gnu11 -O1 -g -Wall -Wextra -Werror -static -o $@ $<

# Programs of the abi ring.
$(addprefix $(SYSTEM_OUT)/,file_append file_random overlay_calls overlay_random): $(SYSTEM_OUT)/%: tests/abi/%.c tests/abi/abi.c $(wildcard tests/abi/*.h)
	@mkdir -p $(@D)
	musl-gcc -D_GNU_SOURCE -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-format-truncation -static -s -o $@ $(filter %.c,$^) -lpthread

$(SYSTEM_OUT)/%: tests/system/%.c
	@mkdir -p $(@D)
	musl-gcc -pthread -std=gnu11 -O1 -fno-optimize-sibling-calls -Wall -Wextra -Werror -Wno-infinite-recursion -static -s -o $@ $<
