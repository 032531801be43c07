# How the x86-64 kernel is compiled and linked; included by the top Makefile.

CFLAGS += -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fcf-protection=none

$(KERNEL): $(OBJECTS) kernel/arch/x86_64/kernel.ld
	$(QUIET_LD)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,-T,kernel/arch/x86_64/kernel.ld -o $@ $(OBJECTS)
