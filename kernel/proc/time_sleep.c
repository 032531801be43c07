/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock_nanosleep(2).
 *
 * A sleep until a wall-clock time must notice when the clock is set, so it waits on a queue that
 * setting wakes, and computes its deadline again.  A sleep on a CPU-time clock looks again at the
 * earliest moment at which the time can be used up.
 */
#include "arch/clock.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/time_internal.h"

static wait_queue_t wall_queue = WAIT_QUEUE_INIT(wall_queue);

void time_wake_wall_sleepers(void)
{
	wake_up_all(&wall_queue);
}

/* 0 or -ERESTARTSYS, until the wall clock shows `wall`. */
static int sleep_wall(nsec_t wall)
{
	int result = wait_event_timeout(&wall_queue, time_wall() >= wall,
					time_wall_to_monotonic(wall), WAIT_INTERRUPTIBLE);

	return result == -ETIMEDOUT ? 0 : result;
}

static int sleep_cpu(const struct cpu_clock *clock, nsec_t until)
{
	for (;;) {
		nsec_t now = time_read_cpu_clock(clock);

		if (now >= until)
			return 0;
		int result = task_sleep_until(cpu_clock_next_look(until - now), WAIT_INTERRUPTIBLE);
		if (result < 0)
			return result;
	}
}

/* The rest of a relative sleep for the program, if it asked. */
static int put_remaining(vaddr_t address, nsec_t remaining)
{
	return address != 0 ? timespec_to_user(address, remaining) : 0;
}

/* After a stop the sleep goes on to its old deadline: the arguments are the deadline and where the
 * rest is wanted. */
static long sleep_monotonic(nsec_t deadline, vaddr_t remaining_address);

static long resume_sleep(struct task *task)
{
	return sleep_monotonic(task->restart[0], (vaddr_t)task->restart[1]);
}

static long sleep_monotonic(nsec_t deadline, vaddr_t remaining_address)
{
	if (task_sleep_until(deadline, WAIT_INTERRUPTIBLE) == 0)
		return 0;
	nsec_t now = clock_monotonic();
	if (now >= deadline)
		return 0;
	if (put_remaining(remaining_address, deadline - now) < 0)
		return -EFAULT;
	current->restart[0] = deadline;
	current->restart[1] = remaining_address;
	return signal_restart_later(resume_sleep);
}

static long sleep_on_cpu_clock(clockid_t clock, nsec_t value, bool absolute,
			       vaddr_t remaining_address)
{
	struct cpu_clock cpu;
	int result = time_find_cpu_clock(clock, &cpu);

	if (result < 0)
		return result;
	nsec_t until = absolute ? value : time_read_cpu_clock(&cpu) + value;
	result = cpu.task == current ? -EINVAL : sleep_cpu(&cpu, until);
	if (result == -ERESTARTSYS && !absolute) {
		nsec_t now = time_read_cpu_clock(&cpu);

		result = put_remaining(remaining_address, until > now ? until - now : 0) < 0
				 ? -EFAULT
				 : -EINTR;
	}
	time_drop_cpu_clock(&cpu);
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

long time_sleep(clockid_t clock, nsec_t value, bool absolute, vaddr_t remaining_address)
{
	nsec_t deadline;

	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	if (time_is_cpu_clock(clock))
		return sleep_on_cpu_clock(clock, value, absolute, remaining_address);
	if (time_deadline(clock, value, absolute, &deadline) < 0)
		return clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
				       clock == CLOCK_MONOTONIC_COARSE
			       ? -EOPNOTSUPP
			       : -EINVAL;
	if (!absolute)
		return sleep_monotonic(deadline, remaining_address);
	bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
	int result = wall ? sleep_wall(value) : task_sleep_until(deadline, WAIT_INTERRUPTIBLE);
	return result < 0 ? -ERESTARTNOHAND : 0;
}
