/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a trap to a system call's function and back.
 *
 * A call that is missing answers ENOSYS and is logged once, by name and with the program that
 * asked.  `reported` has a bit a number; it is set atomically, so that the log line appears once
 * however many CPUs race.
 */
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "proc/account.h"
#include "proc/task.h"
#include "syscall/table.h"

#define REPORTED_NUMBERS 1024

static u64 reported[REPORTED_NUMBERS / 64]; /* atomic */

static long __attribute__((noinline, cold)) answer_missing(u64 number, const struct syscall *call)
{
	u64 slot = MIN(number, (u64)REPORTED_NUMBERS - 1);
	u64 bit = BIT(slot % 64);

	if (__atomic_fetch_or(&reported[slot / 64], bit, __ATOMIC_RELAXED) & bit)
		return -ENOSYS;
	log_warn("%s[%d]: system call %lu (%s) is not implemented", current->comm, current->tid,
		 (unsigned long)number,
		 call != NULL && call->name != NULL ? call->name : "unknown");
	return -ENOSYS;
}

void syscall_entry(struct trap_frame *frame)
{
	u64 number = (u64)trap_syscall_number(frame);
	const struct syscall *call = syscall_find(number);
	struct task *task = current;

	account_enter_kernel(task);
	if (unlikely(call == NULL || call->function == NULL))
		trap_set_result(frame, answer_missing(number, call));
	else
		trap_set_result(frame, call->function(trap_syscall_argument(frame, 0),
						      trap_syscall_argument(frame, 1),
						      trap_syscall_argument(frame, 2),
						      trap_syscall_argument(frame, 3),
						      trap_syscall_argument(frame, 4),
						      trap_syscall_argument(frame, 5)));
	account_leave_kernel(task);
}
