# SPDX-License-Identifier: BSD-2-Clause
#
# Loadable modules: each folder of modules/ is one, and so is each of tests/modules, for the tests.  doc/modules.md.
#
#	make modules	builds them, $(OUT)/modules/NAME.ko and $(OUT)/test-modules/NAME.ko

MODULES      := $(notdir $(patsubst %/,%,$(wildcard modules/*/)))
TEST_MODULES := $(notdir $(patsubst %/,%,$(wildcard tests/modules/*/)))

# A module gets into the kernel whose headers and flags it was compiled with: the hash of both is in the kernel and in each module.
MODULE_HASHED := $(sort $(shell find kernel boot -name '*.h' -o -name '*.def'))
MODULE_HASH   := $(OUT)/module-hash

$(MODULE_HASH): $(MODULE_HASHED) $(OUT)/flags
	@{ cat $(MODULE_HASHED) $(OUT)/flags; $(CC) --version; } | sha1sum | cut -c 1-16 > $@.new
	@cmp -s $@.new $@ || mv $@.new $@
	@rm -f $@.new

$(MODULE_HASH).h: $(MODULE_HASH)
	@echo "#define MODULE_BUILD_HASH \"$$(cat $<)\"" > $@

$(OUT)/kernel/module/information.c.o: $(MODULE_HASH).h
$(OUT)/kernel/module/information.c.o: private CFLAGS += -include $(MODULE_HASH).h

# Undefined behaviour in a module is not looked for, and its stack frames are not guarded.
MODULE_CFLAGS = $(filter-out -fsanitize=% -fstack-protector-strong -mstack-protector-guard=% -ffunction-sections -fdata-sections,$(CFLAGS)) \
	-fno-stack-protector -DMODULE
MODULE_VERMAGIC = 6.1.0-cowslip SMP preempt mod_unload $(shell cat $(MODULE_HASH))

# $(1) name, $(2) folder of its sources, $(3) folder of the result
define module_rules
$(OUT)/$(3)/$(1).o/%.o: $(2)/$(1)/%.c $(OUT)/flags
	@mkdir -p $$(@D)
	$$(QUIET_CC)$$(CC) $$(MODULE_CFLAGS) -MMD -MP -c -o $$@ $$<

$(OUT)/$(3)/$(1).ko: $(patsubst $(2)/$(1)/%.c,$(OUT)/$(3)/$(1).o/%.o,$(wildcard $(2)/$(1)/*.c)) $(MODULE_HASH) modules/modules.mk
	@printf 'name=%s\0vermagic=%s\0depends=%s\0' '$(1)' "$$(MODULE_VERMAGIC)" \
		'$(shell cat $(2)/$(1)/depends 2>/dev/null)' > $(OUT)/$(3)/$(1).o/modinfo
	@$$(OBJCOPY) -I binary -O elf64-x86-64 -B i386:x86-64 --rename-section .data=.modinfo,alloc,load,readonly,data,contents \
		--strip-all $(OUT)/$(3)/$(1).o/modinfo $(OUT)/$(3)/$(1).o/modinfo.o
	$$(QUIET_LD)ld -r -z noexecstack -o $$@ $$(filter %.o,$$^) $(OUT)/$(3)/$(1).o/modinfo.o

-include $(patsubst $(2)/$(1)/%.c,$(OUT)/$(3)/$(1).o/%.d,$(wildcard $(2)/$(1)/*.c))
endef

$(foreach module,$(MODULES),$(eval $(call module_rules,$(module),modules,modules)))
$(foreach module,$(TEST_MODULES),$(eval $(call module_rules,$(module),tests/modules,test-modules)))

.PHONY: modules
modules: $(MODULES:%=$(OUT)/modules/%.ko) $(TEST_MODULES:%=$(OUT)/test-modules/%.ko)
