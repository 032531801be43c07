/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace points: places in the kernel that say what happens, when somebody wants to know.
 *
 * A point that is off costs the test of a bit and a branch that is not taken.  Arguments should be
 * values that are at hand; they are computed before the test unless the compiler sees that they
 * need not be.  Any context; no locks are taken.  What an event's four arguments mean is in the
 * table of kernel/trace/text.c.
 */
#ifndef LIB_TRACE_H
#define LIB_TRACE_H

#include "lib/types.h"

enum trace_event {
	TRACE_SCHED_SWITCH,  /* state of the one that leaves, number, name of the next (2 words) */
	TRACE_SCHED_WAKEUP,  /* number, CPU, name (2 words) */
	TRACE_PAGE_FAULT,    /* address, flags, instruction */
	TRACE_SYSCALL_ENTER, /* number, first three arguments */
	TRACE_SYSCALL_EXIT,  /* number, result */
	TRACE_BLOCK_START,   /* device, operation, sector, sectors */
	TRACE_BLOCK_END,     /* device, operation, sector, error */
	TRACE_IRQ,           /* vector */
	TRACE_TASK_NEW,      /* number, clone's flags, name (2 words) */
	TRACE_TASK_EXEC,     /* number that it had before */
	TRACE_TASK_EXIT,     /* status as for wait */
	TRACE_SIGNAL,        /* signal, to whom, si_code */
	TRACE_EVENTS
};

#define TRACE_CALL_EVENTS ((u32)(BIT(TRACE_SYSCALL_ENTER) | BIT(TRACE_SYSCALL_EXIT)))

extern u32 trace_mask; /* bit n: event n is wanted; read anywhere, changed by kernel/trace */

static inline bool trace_is_on(enum trace_event event)
{
	return unlikely(READ_ONCE(trace_mask) & BIT(event));
}

/* Writes an event into this CPU's buffer. */
void trace_record(enum trace_event event, u64 a, u64 b, u64 c, u64 d);

static inline void trace_point(enum trace_event event, u64 a, u64 b, u64 c, u64 d)
{
	if (trace_is_on(event))
		trace_record(event, a, b, c, d);
}

/* A name as two words, for an event's arguments. */
static inline u64 trace_name_word(const char *name, u32 word)
{
	u64 value;

	__builtin_memcpy(&value, name + word * sizeof(value), sizeof(value));
	return value;
}

#endif
