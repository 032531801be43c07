# SPDX-License-Identifier: BSD-2-Clause
#
# x86-64: flags of the kernel, and how it is linked.

CFLAGS += -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fcf-protection=none

LINKER_SCRIPT := kernel/arch/x86_64/kernel.ld

$(OUT)/kernel.ld: $(LINKER_SCRIPT) kernel/arch/x86_64/include/machine/layout.h
	@mkdir -p $(@D)
	@$(CC) -E -P -x c -D__ASSEMBLER__ -Ikernel/arch/x86_64/include -o $@ $<

$(KERNEL): $(OBJECTS) $(OUT)/kernel.ld
	$(QUIET_LD)$(CC) $(CFLAGS) $(LDFLAGS) -T $(OUT)/kernel.ld -o $@ $(OBJECTS)
