/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All the clocks of clock_gettime(2), CPU-time clocks of processes and threads among them.
 *
 * The machine never sleeps with its clock stopped, so boot time is monotonic time; coarse clocks
 * are as fine as the others.
 */
#include "arch/clock.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/time.h"
#include "proc/time_internal.h"

nsec_t time_process_cpu(struct process *process, int which)
{
	struct process_usage usage;

	process_usage(process, &usage);
	return which == CPUCLOCK_VIRT ? usage.user_time : usage.user_time + usage.system_time;
}

nsec_t time_task_cpu(struct task *task, int which)
{
	struct process_usage usage;

	task_usage(task, &usage);
	return which == CPUCLOCK_VIRT ? usage.user_time : usage.user_time + usage.system_time;
}

int time_find_cpu_clock(clockid_t clock, struct cpu_clock *found)
{
	bool thread = clock == CLOCK_THREAD_CPUTIME_ID;
	pid_t pid = 0;

	found->which = CPUCLOCK_SCHED;
	if (clock < 0) {
		pid = (pid_t) ~(clock >> 3);
		thread = clock & CPUCLOCK_PERTHREAD;
		found->which = clock & CPUCLOCK_MASK;
		if (found->which > CPUCLOCK_SCHED)
			return -EINVAL;
	}
	found->task = NULL;
	found->process = NULL;
	if (thread) {
		found->task = pid == 0 ? task_get(current) : task_find(pid);
		if (found->task == NULL)
			return -EINVAL;
		if (found->task->process != current->process) {
			task_put(found->task);
			return -EINVAL;
		}
		return 0;
	}
	found->process = pid == 0 ? process_get(current->process) : process_find(pid);
	return found->process != NULL ? 0 : -EINVAL;
}

nsec_t time_read_cpu_clock(const struct cpu_clock *clock)
{
	return clock->task != NULL ? time_task_cpu(clock->task, clock->which)
				   : time_process_cpu(clock->process, clock->which);
}

void time_drop_cpu_clock(struct cpu_clock *clock)
{
	if (clock->task != NULL)
		task_put(clock->task);
	if (clock->process != NULL)
		process_put(clock->process);
}

int time_read_clock(clockid_t clock, nsec_t *now)
{
	struct cpu_clock cpu;
	int result;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*now = time_wall();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*now = clock_monotonic();
		return 0;
	default:
		break;
	}
	if (!time_is_cpu_clock(clock))
		return -EINVAL;
	result = time_find_cpu_clock(clock, &cpu);
	if (result < 0)
		return result;
	*now = time_read_cpu_clock(&cpu);
	time_drop_cpu_clock(&cpu);
	return 0;
}
