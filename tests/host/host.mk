# SPDX-License-Identifier: BSD-2-Clause
#
# Tests that run on the host: unit tests, model tests and fuzzers of code that does not need a machine.
#
# Targets (also alone, as `make -f tests/host/host.mk host-run`):
#	host-tests	(or host) builds every test program, into $(BUILD)/host/
#	host-run	runs them all; T=name runs one; fails if any fails
#	host-list	prints the names of all test programs
#	host-fuzz	runs every fuzzer for FUZZ_SECONDS seconds (default 20); T=name runs one
#
# To add a test program, name it and say what it is made of, here or in a .mk file of your own beside your
# tests (tests/host/*/tests.mk are read from here):
#
#	HOST_TESTS += mm_buddy
#	mm_buddy_SOURCES = tests/host/mm/buddy.c kernel/mm/buddy.c kernel/lib/list.c
#	mm_buddy_CFLAGS = -Itests/host/machine		(optional)
#	mm_buddy_UNCHECKED = -fno-sanitize=null		(optional: what the sanitizers are not to look at)
#	mm_buddy_DEPENDS = $(BUILD)/host/data		(optional: what must exist before it runs)
#
# Code that calls what the host's C library does not have (strscpy, ksnprintf, ...) adds $(LIB_STRINGS) to its
# sources and $(LIB_RENAMED) to its flags: the whole program then uses the kernel's functions, under names that do
# not take the place of the host's.
#
# A fuzzer is the same with HOST_FUZZERS; its source defines LLVMFuzzerTestOneInput, and the files of
# NAME_CORPUS (optional) are its first inputs.
#
# Each source is compiled once for each program that wants it, or once for all programs that name the same folder of
# objects (NAME_SHARED := folder, with folder_CFLAGS instead of NAME_CFLAGS), for the host, with the address and undefined
# behaviour sanitizers, CONFIG_CHECKING and no __KERNEL__.  Programs are linked with cmocka.  A test is passed
# the folder $(BUILD)/host as its working directory.

BUILD ?= build
HOST_BUILD := $(BUILD)/host
HOST_CC ?= gcc
HOST_FUZZ_CC ?= clang
FUZZ_SECONDS ?= 20

HOST_SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_CFLAGS := -std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-strict-aliasing -Wall -Wextra -Werror \
	-Wno-sign-compare -Wno-missing-field-initializers -MMD -MP \
	-D_GNU_SOURCE -DCONFIG_CHECKING -Ikernel -Ikernel/arch/include -Itests/host

LOCK_ORDER := kernel/lib/lock_order.c kernel/lib/lock_order_graph.c kernel/lib/lock_order_report.c
LIB_STRINGS := kernel/lib/string.c kernel/lib/memory.c kernel/lib/format.c
LIB_RENAMED := -include tests/host/lib/renamed.h -fno-builtin

# LZ4: a program that uses it has kernel/lib/lz4.c among its sources, and $(LZ4_CFLAGS).  Alone, this file reads tools/sources.mk.
ifndef LZ4_CFLAGS
include tools/sources.mk
endif

include $(sort $(wildcard tests/host/*/tests.mk))

# The folder of a program's objects is its own, or one that it shares with others of the same flags.
host_folder = $(or $($(1)_SHARED),$(1))
host_objects = $(patsubst %.c,$(HOST_BUILD)/$(call host_folder,$(1)).o/%.o,$($(1)_SOURCES))

# $(1) folder of objects, $(2) compiler, $(3) flags
define host_objects_rule
$(HOST_BUILD)/$(1).o/%.o: %.c $(MAKEFILE_LIST)
	@mkdir -p $$(@D)
	$(2) $$($(1)_CFLAGS) $(HOST_CFLAGS) $(HOST_SANITIZERS) $$($(1)_UNCHECKED) $(3) -c $$< -o $$@
endef

# $(1) program, $(2) compiler, $(3) flags for compiling, $(4) for linking
define host_program
$(HOST_BUILD)/$(1): $(call host_objects,$(1))
	$(2) $(HOST_SANITIZERS) $(3) $$^ $(4) -o $$@
endef

HOST_FOLDERS := $(sort $(foreach program,$(HOST_TESTS),$(call host_folder,$(program))))
$(foreach folder,$(HOST_FOLDERS),$(eval $(call host_objects_rule,$(folder),$(HOST_CC),)))
$(foreach folder,$(HOST_FUZZERS),$(eval $(call host_objects_rule,$(folder),$(HOST_FUZZ_CC),-fsanitize=fuzzer)))
$(foreach program,$(HOST_TESTS),$(eval $(call host_program,$(program),$(HOST_CC),,-lcmocka -lpthread)))
$(foreach program,$(HOST_FUZZERS),$(eval $(call host_program,$(program),$(HOST_FUZZ_CC),-fsanitize=fuzzer,)))
-include $(patsubst %.o,%.d,$(sort $(foreach program,$(HOST_TESTS) $(HOST_FUZZERS),$(call host_objects,$(program)))))

.PHONY: host host-tests host-run host-list host-fuzz host-clean
host: host-tests
host-tests: $(HOST_TESTS:%=$(HOST_BUILD)/%)

host_chosen_fuzzers = $(if $(T),$(filter $(T),$(HOST_FUZZERS)),$(HOST_FUZZERS))
host_chosen = $(if $(T),$(filter $(T),$(HOST_TESTS)),$(HOST_TESTS))

host-run: $(host_chosen:%=$(HOST_BUILD)/%) $(foreach test,$(host_chosen),$($(test)_DEPENDS))
	@failed=; for test in $(host_chosen); do \
		echo "# $$test"; \
		(cd $(HOST_BUILD) && ASAN_OPTIONS=detect_stack_use_after_return=1 ./$$test) || failed="$$failed $$test"; \
	done; \
	[ -z "$$failed" ] || { echo "host tests failed:$$failed"; exit 1; }; \
	echo "host tests passed: $(words $(host_chosen)) programs"

host-list:
	@echo $(HOST_TESTS)

host-fuzz: $(HOST_FUZZERS:%=$(HOST_BUILD)/%) $(foreach fuzzer,$(HOST_FUZZERS),$($(fuzzer)_DEPENDS))
	@$(foreach fuzzer,$(host_chosen_fuzzers),echo "# $(fuzzer)"; mkdir -p $(HOST_BUILD)/corpus/$(fuzzer); \
		$(HOST_BUILD)/$(fuzzer) -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
			-artifact_prefix=$(HOST_BUILD)/$(fuzzer)- $(HOST_BUILD)/corpus/$(fuzzer) \
			$($(fuzzer)_CORPUS) >$(HOST_BUILD)/$(fuzzer).log 2>&1 || \
			{ tail -n 50 $(HOST_BUILD)/$(fuzzer).log; exit 1; }; \
		grep ^Done $(HOST_BUILD)/$(fuzzer).log; ) \
	echo "host fuzzers passed: $(words $(host_chosen_fuzzers)) of $(FUZZ_SECONDS) seconds each"

host-clean:
	rm -rf $(HOST_BUILD)
