# SPDX-License-Identifier: BSD-2-Clause
#
# x86-64: flags of the kernel, and how it is linked.

CFLAGS += -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fcf-protection=none

# The vDSO, an ELF shared object of its own, goes into the kernel's read-only data.
VDSO := $(OUT)/vdso.so
VDSO_FLAGS := -std=gnu11 -O2 -g0 -m64 -fPIC -ffreestanding -fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
	      -fasynchronous-unwind-tables -D__KERNEL__ -Ikernel -Ikernel/arch/$(ARCH)/include $(WARNINGS) -Wno-missing-prototypes

$(VDSO): kernel/arch/x86_64/vdso/vdso.c kernel/arch/x86_64/vdso/vdso.ld kernel/arch/x86_64/vdso_data.h
	@mkdir -p $(@D)
	@$(CC) $(VDSO_FLAGS) -shared -nostdlib -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=sha1 \
		-Wl,-Bsymbolic -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--eh-frame-hdr \
		-Wl,-T,kernel/arch/x86_64/vdso/vdso.ld -o $@ $<

$(OUT)/kernel/arch/x86_64/vdso_image.S.o: $(VDSO)
$(OUT)/kernel/arch/x86_64/vdso_image.S.o: private CFLAGS += -DVDSO_IMAGE='"$(VDSO)"'

LINKER_SCRIPT := kernel/arch/x86_64/kernel.ld
LINK := $(CC) $(CFLAGS) $(LDFLAGS)

$(OUT)/kernel.ld: $(LINKER_SCRIPT) kernel/arch/x86_64/include/machine/layout.h
	@mkdir -p $(@D)
	@$(CC) -E -P -x c -D__ASSEMBLER__ -Ikernel/arch/x86_64/include -o $@ $<

# Linked three times: to learn the functions' addresses; with the table of their names, which lies behind the text and so does
# not move it, to learn where addresses stand; and with the list of these places, which lies behind them all.
$(KERNEL): $(OBJECTS) $(OUT)/kernel.ld tools/ksyms.awk tools/kaddrs
	@: | awk -f tools/ksyms.awk > $(OUT)/ksyms0.S
	@$(CC) -c -o $(OUT)/ksyms0.o $(OUT)/ksyms0.S
	@$(LINK) -T $(OUT)/kernel.ld -o $(OUT)/cowslip.nameless $(OBJECTS) $(OUT)/ksyms0.o
	@$(NM) -n $(OUT)/cowslip.nameless | awk -f tools/ksyms.awk > $(OUT)/ksyms.S
	@$(CC) -c -o $(OUT)/ksyms.o $(OUT)/ksyms.S
	@$(LINK) -Wl,--emit-relocs -T $(OUT)/kernel.ld -o $(OUT)/cowslip.fixed $(OBJECTS) $(OUT)/ksyms.o
	@tools/kaddrs $(OUT)/cowslip.fixed > $(OUT)/kaddrs.S
	@$(CC) -c -o $(OUT)/kaddrs.o $(OUT)/kaddrs.S
	$(QUIET_LD)$(LINK) -T $(OUT)/kernel.ld -o $@ $(OBJECTS) $(OUT)/ksyms.o $(OUT)/kaddrs.o
