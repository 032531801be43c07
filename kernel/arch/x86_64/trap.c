/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts and exceptions, from entry.S: who is to deal with them.
 *
 * From a program, an exception becomes a signal.  In the kernel, an exception is a bug, but for
 * those of instructions that touch a program's memory: these are listed in .ex_table with the place
 * where to go on.
 */
#include "arch/trap.h"
#include "arch/machine.h"
#include "arch/probe.h"
#include "boot/x86_64/start.h"
#include "lib/abi/signal.h"
#include "lib/panic.h"
#include "machine_internal.h"
#include "x86.h"

enum vector {
	VECTOR_DIVISION = 0,
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_X87 = 16,
	VECTOR_SIMD = 19,
	VECTOR_FIRST_INTERRUPT = 32,
};

struct exception {
	const char *name;
	u8 signal;
	u8 code;
	bool has_address; /* si_addr is the instruction's */
};

static const struct exception exceptions[VECTOR_FIRST_INTERRUPT] = {
	[0] = {"division error", SIGFPE, FPE_INTDIV, true},
	[1] = {"debug", SIGTRAP, TRAP_TRACE, true},
	[2] = {"NMI", 0, 0, false},
	[3] = {"breakpoint", SIGTRAP, SI_KERNEL, false},
	[4] = {"overflow", SIGSEGV, SI_KERNEL, false},
	[5] = {"bound range", SIGSEGV, SI_KERNEL, false},
	[6] = {"invalid opcode", SIGILL, ILL_ILLOPN, true},
	[7] = {"device not available", SIGSEGV, SI_KERNEL, false},
	[8] = {"double fault", 0, 0, false},
	[9] = {"coprocessor overrun", SIGFPE, SI_KERNEL, false},
	[10] = {"invalid TSS", SIGSEGV, SI_KERNEL, false},
	[11] = {"segment not present", SIGBUS, SI_KERNEL, false},
	[12] = {"stack segment", SIGBUS, SI_KERNEL, false},
	[13] = {"general protection", SIGSEGV, SI_KERNEL, false},
	[14] = {"page fault", SIGSEGV, SI_KERNEL, false},
	[16] = {"x87 error", SIGFPE, FPE_FLTINV, true},
	[17] = {"alignment check", SIGBUS, BUS_ADRALN, false},
	[18] = {"machine check", 0, 0, false},
	[19] = {"SIMD error", SIGFPE, FPE_FLTINV, true},
	[21] = {"control protection", SIGSEGV, SI_KERNEL, false},
};

/* The table is short and only looked through for faults that are errors anyway. */
static bool fix_up(struct trap_frame *frame)
{
	for (const struct fixup *fixup = exception_table_start; fixup < exception_table_end;
	     fixup++) {
		if (fixup->from == frame->rip) {
			frame->rip = fixup->to;
			return true;
		}
	}
	return false;
}

static void __noreturn die(struct trap_frame *frame, u32 vector, u64 error)
{
	const char *name = vector < VECTOR_FIRST_INTERRUPT ? exceptions[vector].name : NULL;

	panic_frame(frame, "%s in the kernel (vector %u, error %lx)",
		    name != NULL ? name : "exception", vector, error);
}

static void page_fault(struct trap_frame *frame, u64 error)
{
	vaddr_t address = cr2_read();
	bool user = trap_from_user(frame);

	if (!user) {
		/* Only the copy routines may touch the lower half, and they set AC, which SMAP
		 * looks at. */
		bool allowed = address < USER_TOP && !(error & FAULT_EXECUTE) &&
			       (!cpu_features.smap || (frame->rflags & RFLAGS_AC));
		if (allowed) {
			if (frame->rflags & RFLAGS_IF)
				irq_enable();
			allowed = fault_entry(frame, address, (unsigned)(error & 0x3f));
			irq_disable();
		}
		if (!allowed && !fix_up(frame))
			panic_frame(frame, "page fault in the kernel at %lx (error %lx)", address,
				    error);
		return;
	}
	irq_enable();
	if (!fault_entry(frame, address, (unsigned)(error & 0x3f)))
		exception_entry(frame, SIGSEGV, SI_KERNEL, address, VECTOR_PAGE_FAULT, error);
}

/* Which of the conditions that are flagged and not masked comes first (Intel SDM vol. 1, 8.5
 * and 11.5). */
static int float_code(u32 raised)
{
	if (raised & 0x01)
		return FPE_FLTINV;
	if (raised & 0x04)
		return FPE_FLTDIV;
	if (raised & 0x08)
		return FPE_FLTOVF;
	if (raised & 0x12)
		return FPE_FLTUND;
	return FPE_FLTRES;
}

static int exception_code(u32 vector)
{
	if (vector == VECTOR_X87) {
		u16 status, control;
		__asm__ volatile("fnstsw %0; fnstcw %1" : "=am"(status), "=m"(control));
		return float_code(status & ~control & 0x3f);
	}
	if (vector == VECTOR_SIMD) {
		u32 mxcsr;
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return float_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
	}
	return exceptions[vector].code;
}

static void exception(struct trap_frame *frame, u32 vector, u64 error)
{
	const struct exception *what = &exceptions[vector];

	if (!trap_from_user(frame)) {
		if (!fix_up(frame))
			die(frame, vector, error);
		return;
	}
	bool breakpoint = vector == VECTOR_DEBUG && debug_settle(frame);
	irq_enable();
	exception_entry(frame, what->signal != 0 ? what->signal : SIGSEGV,
			breakpoint ? TRAP_HWBKPT : exception_code(vector),
			what->has_address ? frame->rip : 0, (int)vector, error);
}

static void interrupt(struct trap_frame *frame, u32 vector)
{
	struct cpu_head *head = &this_cpu()->head;

	const struct trap_frame *outer = this_cpu()->interrupted;

	this_cpu()->interrupted = frame;
	head->interrupt_depth++;
	interrupt_handle(vector);
	head->interrupt_depth--;
	this_cpu()->interrupted = outer;
	if (!trap_from_user(frame) && head->need_resched && head->preempt_count == 0 &&
	    head->interrupt_depth == 0 && head->task != NULL)
		preempt_from_interrupt();
}

__noprobe void trap_dispatch(struct trap_frame *frame, u32 vector, u64 error)
{
	if (vector == VECTOR_PAGE_FAULT)
		page_fault(frame, error);
	else if (vector >= VECTOR_FIRST_INTERRUPT)
		interrupt(frame, vector);
	else if (vector != VECTOR_BREAKPOINT || trap_from_user(frame) || !probe_breakpoint(frame))
		exception(frame, vector, error);

	if (trap_from_user(frame)) {
		irq_disable();
		if (user_return_work_pending())
			user_return_work(frame);
	}
}

/* On a stack of its own, perhaps in the middle of the entry code: nothing here may fault, sleep or
 * take a lock. */
void special_dispatch(struct trap_frame *frame, u32 vector, u64 error)
{
	vaddr_t address = cr2_read();

	if (vector == VECTOR_NMI) {
		nmi_handle();
		return;
	}
	if (vector == VECTOR_DEBUG) {
		debug_pass_over();
		return;
	}
	/* A push below the stack's end: the page fault could not be delivered there either. */
	if (vector == VECTOR_DOUBLE_FAULT && address - (frame->rsp - PAGE_SIZE) < 2 * PAGE_SIZE)
		panic_frame(frame, "kernel stack overflow (stack pointer %lx)", frame->rsp);
	die(frame, vector, error);
}
