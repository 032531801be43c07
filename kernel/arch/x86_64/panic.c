/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end.  One CPU panics; it stops the others by NMI, breaks the log's locks, and tells what it
 * knows.  A second panic on the same CPU, from within the first, goes straight to the end.
 */
#include "lib/panic.h"
#include "arch/clock.h"
#include "arch/machine.h"
#include "boot/boot_info.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "x86.h"

enum { NOBODY = UINT_MAX, MESSAGE_SIZE = 4096, HIDDEN_LINES = 20 };

static u32 panicking = NOBODY; /* atomic: CPU that got here first */

void trap_frame_print(const struct trap_frame *frame)
{
	size_t offset = 0;
	const char *name = symbol_lookup(frame->rip, &offset);

	log_write(LOG_EMERGENCY, "rip %04lx:%016lx %s+0x%zx", frame->cs, frame->rip,
		  name != NULL ? name : "?", offset);
	log_write(LOG_EMERGENCY, "rsp %04lx:%016lx rflags %08lx cr2 %016lx cr3 %016lx", frame->ss,
		  frame->rsp, frame->rflags, cr2_read(), cr3_read());
	log_write(LOG_EMERGENCY, "rax %016lx rbx %016lx rcx %016lx rdx %016lx", frame->rax,
		  frame->rbx, frame->rcx, frame->rdx);
	log_write(LOG_EMERGENCY, "rsi %016lx rdi %016lx rbp %016lx r8  %016lx", frame->rsi,
		  frame->rdi, frame->rbp, frame->r8);
	log_write(LOG_EMERGENCY, "r9  %016lx r10 %016lx r11 %016lx r12 %016lx", frame->r9,
		  frame->r10, frame->r11, frame->r12);
	log_write(LOG_EMERGENCY, "r13 %016lx r14 %016lx r15 %016lx cpu %u", frame->r13, frame->r14,
		  frame->r15, cpu_id());
	log_write(LOG_EMERGENCY, "image moved by %lx", KERNEL_IMAGE_BASE - KERNEL_LINK_BASE);
}

/* panic=n: reboot after n seconds; n < 0: at once; 0 or nothing: stay. */
static void __noreturn finish(void)
{
	char text[16];
	s64 seconds = 0;
	nsec_t start = clock_monotonic();

	if (cmdline_get(boot_info.command_line, "panic", text, sizeof(text)) <= 0 ||
	    parse_s64(text, 10, &seconds) != 0 || seconds == 0)
		machine_halt();
	/* A clock that stands still (a panic before it was calibrated) must not hold the reboot up.
	 */
	while (seconds > 0 && start != 0 &&
	       clock_monotonic() - start < (nsec_t)seconds * NSEC_PER_SEC)
		cpu_relax();
	machine_restart();
}

static void begin(void)
{
	u32 expected = NOBODY, self = cpu_id();
	static const char again[] = "panic within a panic\n";

	irq_disable();
	if (!__atomic_compare_exchange_n(&panicking, &expected, self, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (expected != self)
			machine_halt();
		early_console_write(again, sizeof(again) - 1);
		finish();
	}
	cpus_stop();
	log_bust_locks();
}

static void __printf(1, 0) message(const char *format, va_list arguments)
{
	static char text[MESSAGE_SIZE];
	const char *what = "Kernel panic: ";

	kvsnprintf(text, sizeof(text), format, arguments);
	for (char *line = text, *end; line != NULL; line = end, what = "") {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		log_write(LOG_EMERGENCY, "%s%s", what, line);
	}
}

static void __noreturn end(void)
{
	log_show_hidden(HIDDEN_LINES);
	log_write(LOG_EMERGENCY, "---[ end of the panic ]---");
	finish();
}

void panic(const char *format, ...)
{
	va_list arguments;

	begin();
	va_start(arguments, format);
	message(format, arguments);
	va_end(arguments);
	log_write(LOG_EMERGENCY, "cpu %u, task %p, cr3 %016lx, image moved by %lx", cpu_id(),
		  (void *)current, cr3_read(), KERNEL_IMAGE_BASE - KERNEL_LINK_BASE);
	backtrace_from(0, (vaddr_t)__builtin_frame_address(0));
	end();
}

void panic_frame(const struct trap_frame *frame, const char *format, ...)
{
	va_list arguments;
	u64 caller;

	begin();
	va_start(arguments, format);
	message(format, arguments);
	va_end(arguments);
	trap_frame_print(frame);
	/* After a call to nowhere, the caller is on top of the stack. */
	if (frame->rip >= KERNEL_IMAGE_BASE || !probe_read_u64(&caller, frame->rsp))
		caller = frame->rip;
	backtrace_from(caller, frame->rbp);
	end();
}
