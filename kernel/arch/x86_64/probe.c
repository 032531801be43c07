/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breakpoints at functions of the kernel.
 *
 * A function that begins with PUSH RBP, one byte, gets INT3, one byte, in its place: no CPU ever
 * sees half of it, whenever it looks (Intel SDM vol. 3, 9.1.3).  The handler does what the PUSH
 * would have done, so nothing needs to be put back for it.  There is room: a function is called
 * with the stack pointer 8 short of a multiple of 16, and the CPU aligns it before it pushes the
 * trap's frame, so the word that the PUSH writes lies unused between the two.
 *
 * The text is read-only everywhere; it is changed with CR0.WP off on this CPU, interrupts off, for
 * the one store.
 *
 * Functions marked __noprobe are those on the way of a breakpoint itself.
 */
#include "arch/probe.h"

#include "arch/cpu.h"
#include "arch/machine.h"
#include "boot/x86_64/start.h"
#include "lib/errno.h"
#include "machine_internal.h"
#include "x86.h"

enum { OPCODE_PUSH_RBP = 0x55, OPCODE_INT3 = 0xcc, STACK_ALIGN = 16 };

static __noprobe void write_text(vaddr_t address, u8 value)
{
	unsigned long flags = irq_save();
	u64 cr0 = cr0_read();

	cr0_write(cr0 & ~(u64)CR0_WP);
	*(volatile u8 *)address = value;
	cr0_write(cr0);
	irq_restore(flags);
}

static bool may_have_probe(vaddr_t function)
{
	bool text = function >= (vaddr_t)image_text_start && function < (vaddr_t)image_text_end;
	bool refused =
		function >= (vaddr_t)noprobe_text_start && function < (vaddr_t)noprobe_text_end;

	return text && !refused && *(const u8 *)function == OPCODE_PUSH_RBP;
}

int arch_probe_insert(vaddr_t function)
{
	if (!may_have_probe(function))
		return -EINVAL;
	write_text(function, OPCODE_INT3);
	return 0;
}

void arch_probe_remove(vaddr_t function)
{
	if (*(const u8 *)function == OPCODE_INT3)
		write_text(function, OPCODE_PUSH_RBP);
}

static void answer(void *argument __unused) {}

/* A handler runs with interrupts off, so whoever answers is in none. */
void arch_probe_synchronize(void)
{
	cpus_call(cpus_online(), answer, NULL);
}

/*
 * The function's first byte is what it was: this CPU still had the breakpoint, which goes on as if
 * it were there.  An emulated CPU may keep it for long, even until the next one is put there: so
 * the byte is looked at before the table.  If the breakpoint is there, so is the table, which does
 * not go before this CPU has answered; in the other order, the table could be missing and the next
 * breakpoint be there already.
 */
static __noprobe bool was_removed(vaddr_t function)
{
	return *(const volatile u8 *)function == OPCODE_PUSH_RBP;
}

__noprobe bool probe_breakpoint(struct trap_frame *frame)
{
	vaddr_t function = frame->rip - 1;

	if (function < (vaddr_t)image_text_start || function >= (vaddr_t)image_text_end)
		return false;
	bool removed = was_removed(function);
	if (!probe_hit(function) && !removed)
		return false;
	if (frame->rsp % STACK_ALIGN != STACK_ALIGN / 2) {
		/* Assembly that calls as it likes: this function goes without. */
		write_text(function, OPCODE_PUSH_RBP);
		frame->rip = function;
		return true;
	}
	frame->rsp -= sizeof(u64);
	*(u64 *)frame->rsp = frame->rbp;
	return true;
}
