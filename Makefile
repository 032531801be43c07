# Cowslip: `make help` lists what can be made.
#
# The kernel is every source file below kernel/ and boot/ but for those of other machines; a new file is found by itself.
# DEBUG=1 makes the checking build, in a folder of its own: assertions, lock checks, poisoning, and the tests of tests/kernel.

ARCH  ?= x86_64
DEBUG ?= 0
BUILD ?= build

ifeq ($(DEBUG),0)
VARIANT := $(ARCH)
else
VARIANT := $(ARCH)-debug
endif
OUT    := $(BUILD)/$(VARIANT)
KERNEL := $(OUT)/cowslip

CC      ?= gcc
OBJCOPY ?= objcopy
NM      ?= nm

.DEFAULT_GOAL := kernel
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# --- Flags -----------------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wno-sign-compare \
	    -Wno-missing-field-initializers
CFLAGS := -std=gnu11 -O2 -g -D__KERNEL__ -ffreestanding -fno-pie -fno-common -fno-stack-protector \
	  -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-optimize-sibling-calls \
	  -fno-delete-null-pointer-checks -fwrapv -ffunction-sections -fdata-sections $(WARNINGS) \
	  -I. -Ikernel -Ikernel/arch/include -Ikernel/arch/$(ARCH)/include
LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--gc-sections \
	   -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments

# The result does not tell where it was made.
PLACELESS := -ffile-prefix-map=$(CURDIR)=.

# The checking build panics on undefined behaviour (kernel/lib/undefined.c), and guards its stacks.
ifneq ($(DEBUG),0)
CFLAGS += -DCONFIG_CHECKING
CFLAGS += -fsanitize=bounds,shift,integer-divide-by-zero,bool,enum,unreachable,null,vla-bound,alignment,object-size
CFLAGS := $(filter-out -fno-stack-protector,$(CFLAGS)) -fstack-protector-strong -mstack-protector-guard=global
endif

# The loops of memcpy and memset must not become calls of memcpy and memset.
CFLAGS_kernel/lib/memory := -fno-tree-loop-distribute-patterns

# What runs seldom, or waits for a device, is built small: the kernel is a fifth of the memory of a small machine.
SMALL := kernel/drivers/block kernel/drivers/bus kernel/drivers/memory kernel/drivers/net kernel/fs/fat kernel/fs/iso9660 kernel/fs/procfs \
	 kernel/module kernel/net/netlink kernel/net/packet kernel/trace
$(foreach file,$(shell find $(SMALL) -name '*.c'),$(eval CFLAGS_$(file:.c=) := -Os))

# Libraries that are not ours.
include tools/sources.mk
CFLAGS_kernel/lib/lz4 := $(LZ4_CFLAGS)
LWIP_USERS := $(shell find kernel/net/inet -name '*.c')
$(foreach file,$(LWIP_USERS),$(eval CFLAGS_$(file:.c=) := $(LWIP_CFLAGS)))

# --- Sources ---------------------------------------------------------------------------------------------------------

SOURCES := $(sort $(shell find kernel boot -name '*.[cS]' -not -path 'kernel/arch/*' -not -path 'boot/*/*')) \
	   $(sort $(shell find kernel/arch/$(ARCH) boot/$(ARCH) -name '*.[cS]' -not -path '*/vdso/*' 2>/dev/null))
ifneq ($(DEBUG),0)
SOURCES += $(sort $(wildcard tests/kernel/*.c))
SOURCES := $(filter-out kernel/selftest_absent.c,$(SOURCES))
else
SOURCES := $(filter-out kernel/lib/lock_order% kernel/lib/undefined% %/memory_check.c,$(SOURCES))
endif
LWIP_OBJECTS := $(LWIP_FILES:%=$(OUT)/lwip/%.o)
OBJECTS := $(addprefix $(OUT)/,$(addsuffix .o,$(SOURCES))) $(LWIP_OBJECTS)

# --- The kernel ------------------------------------------------------------------------------------------------------

.PHONY: all kernel help clean run debug test bench lint setup
all kernel: $(KERNEL)

$(OUT)/%.c.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(CFLAGS) $(CFLAGS_$*) $(PLACELESS) -MMD -MP -c -o $@ $<

$(OUT)/%.S.o: %.S $(OUT)/flags
	@mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(CFLAGS) $(PLACELESS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $<

# The network's files include the library's headers, which are fetched before.
$(LWIP_USERS:%=$(OUT)/%.o): $(LWIP_PORT) | $(LWIP_STAMP)

LWIP_BUILD_FLAGS = $(filter-out -fsanitize=%,$(CFLAGS)) $(LWIP_CFLAGS) -Os -w
$(OUT)/lwip/%.o: $(LWIP_STAMP) $(LWIP_PORT) $(OUT)/flags
	@mkdir -p $(@D)
	$(if $(filter 1,$(V)),,@echo "  CC   $(LWIP)/src/$*.c";)$(CC) $(LWIP_BUILD_FLAGS) $(PLACELESS) -MMD -MP -c -o $@ $(LWIP)/src/$*.c

# Objects are remade when the flags change.
.PHONY: FORCE
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS)' > $@

-include $(OBJECTS:.o=.d)

include modules/modules.mk

V ?= 0
ifeq ($(V),0)
QUIET_CC = @echo "  CC   $<";
QUIET_LD = @echo "  LD   $@";
endif

# The machine's flags, and its rule that links $(KERNEL) from $(OBJECTS).
include kernel/arch/$(ARCH)/arch.mk

# --- Everything else -------------------------------------------------------------------------------------------------

-include tests/host/host.mk
-include tests/abi/abi.mk
-include tools/tools.mk
-include tests/system/system.mk
-include bench/bench.mk

clean:
	rm -rf $(BUILD)

help:
	@echo "make                  the kernel: $(BUILD)/x86_64/cowslip"
	@echo "make run              boots it in QEMU to a shell on this terminal"
	@echo "make run-debian       a Debian root on a disk, to a login"
	@echo "make debug            the same, waiting for gdb on port 1234, with the checking build"
	@echo "make modules          the loadable modules: $(BUILD)/x86_64/modules/"
	@echo "make test             every test; RING=host|kernel|abi|system and T=NAME choose"
	@echo "make nightly          random and concurrent tests for hours; NIGHT=0.01: a hundredth of that"
	@echo "make coverage         how many lines of kernel/mm the host's tests run"
	@echo "make bench            Debian's Linux and Cowslip side by side, in instructions"
	@echo "make lint             formatting, static analysis, and who may include whom"
	@echo "make setup            installs what is missing (tools/setup)"
	@echo "make clean            removes $(BUILD)/"
	@echo
	@echo "DEBUG=1 makes the checking build; V=1 shows the commands."
