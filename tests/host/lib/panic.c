/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's parts call when an invariant is broken: in a test program, the end of the
 * program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/panic.h"
#include "lib/spinlock.h"

_Thread_local u32 test_cpu;

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "panic: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	abort();
}

void spin_lock_wait(u32 *held, bool interrupts __attribute__((unused)))
{
	while (__atomic_exchange_n(held, cpu_token(), __ATOMIC_ACQUIRE) != 0)
		cpu_relax();
}

void spin_lock_misuse(const spinlock_t *lock, const char *what)
{
	panic("spin lock %p %s", (const void *)lock, what);
}

void preempt_offer(void) {}

bool in_interrupt(void)
{
	return false;
}
