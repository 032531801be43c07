/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a trap to a system call's function and back.
 *
 * A call that is missing answers ENOSYS and is logged once, by name and with the program that
 * asked.  `reported` has a bit a number; it is set atomically, so that the log line appears once
 * however many CPUs race.
 */
#include "arch/debug.h"
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/lock_order.h"
#include "lib/log.h"
#include "lib/trace.h"
#include "proc/ptrace.h"
#include "proc/seccomp.h"
#include "proc/task.h"
#include "syscall/table.h"
#include "trace/trace.h"

#define REPORTED_NUMBERS 1024

static u64 reported[REPORTED_NUMBERS / 64]; /* atomic */

/* The arguments are whatever the program had in its registers. */
long syscall_missing(void)
{
	u32 number = (u32)trap_syscall_number(task_frame());
	const char *name = number < SYSCALL_LIMIT ? syscall_names[number] : NULL;
	u32 slot = MIN(number, (u32)REPORTED_NUMBERS - 1);
	u64 bit = BIT(slot % 64);

	if (__atomic_fetch_or(&reported[slot / 64], bit, __ATOMIC_RELAXED) & bit)
		return -ENOSYS;
	log_warn("%s[%d]: system call %u (%s) is not implemented", current->comm, current->tid,
		 number, name != NULL ? name : "unknown");
	return -ENOSYS;
}

/* With a tracer, who may change number, arguments and result, or filters, which may refuse. */
static long call_traced(void)
{
	struct trap_frame *frame = task_frame();
	bool refused = current->call_work & CALL_EMULATE;
	long result = -ENOSYS;

	trap_set_result(frame, result);
	if (!ptrace_syscall_enter())
		return -EINTR;
	if (!refused)
		refused = current->call_work & CALL_SECCOMP && !seccomp_enter(frame);
	u32 number = (u32)arch_syscall_number(frame);
	if (!refused && number < SYSCALL_LIMIT)
		result = syscall_table[number](
			trap_syscall_argument(frame, 0), trap_syscall_argument(frame, 1),
			trap_syscall_argument(frame, 2), trap_syscall_argument(frame, 3),
			trap_syscall_argument(frame, 4), trap_syscall_argument(frame, 5));
	else
		result = trap_result(frame);
	trap_set_result(frame, result);
	ptrace_syscall_exit();
	return trap_result(frame);
}

const char *trace_syscall_name(u32 number)
{
	return number < SYSCALL_LIMIT ? syscall_names[number] : NULL;
}

/* With somebody who wants to know, or who may change or refuse it. */
static long __attribute__((noinline, cold))
call_watched(u64 first, u64 second, u64 third, u64 fourth, u64 fifth, u64 sixth, u32 number)
{
	long result;

	trace_point(TRACE_SYSCALL_ENTER, number, first, second, third);
	if (current->call_work & ~(u32)CALL_WATCHED)
		result = call_traced();
	else if (number < SYSCALL_LIMIT)
		result = syscall_table[number](first, second, third, fourth, fifth, sixth);
	else
		result = syscall_missing();
	trace_point(TRACE_SYSCALL_EXIT, number, (u64)result, 0, 0);
	return result;
}

long syscall_entry(u64 first, u64 second, u64 third, u64 fourth, u64 fifth, u64 sixth, u32 number)
{
	long result;

	if (unlikely(current->call_work))
		result = call_watched(first, second, third, fourth, fifth, sixth, number);
	else if (likely(number < SYSCALL_LIMIT))
		result = syscall_table[number](first, second, third, fourth, fifth, sixth);
	else
		result = syscall_missing();
	lock_order_expect_none("a system call returns");
	return result;
}
