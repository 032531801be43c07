/* SPDX-License-Identifier: BSD-2-Clause */
/* Pressure stall information: what is lost is counted, and nothing else. */
#include "arch/clock.h"
#include "proc/pressure.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

#define STALL (50 * NSEC_PER_MSEC)

static u32 running; /* atomic: helpers */

static nsec_t total(enum pressure_resource resource, enum pressure_extent extent)
{
	struct pressure_figures figures;

	pressure_figures(resource, extent, &figures);
	return figures.total;
}

static void busy_helper(void *argument)
{
	nsec_t end = clock_monotonic() + (nsec_t)(uintptr_t)argument;

	while (clock_monotonic() < end)
		cpu_relax();
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	task_exit(0);
}

static bool start(void (*entry)(void *), nsec_t argument)
{
	__atomic_fetch_add(&running, 1, __ATOMIC_RELAXED);
	struct task *task = kernel_thread_create_on(0, entry, (void *)(uintptr_t)argument, "busy");

	if (!KEXPECT(!IS_ERR(task)))
		return false;
	task_put(task);
	return true;
}

KTEST(proc_pressure_a_stall_that_leaves_nothing_to_do_is_full)
{
	nsec_t some = total(PRESSURE_OF_IO, PRESSURE_SOME);
	nsec_t full = total(PRESSURE_OF_IO, PRESSURE_FULL);
	bool begun = pressure_enter(PRESSURE_IO);

	KEXPECT(begun);
	KEXPECT(!pressure_enter(PRESSURE_IO));
	task_sleep(STALL);
	pressure_leave(PRESSURE_IO, false);
	KEXPECT(total(PRESSURE_OF_IO, PRESSURE_SOME) - some >= STALL);
	pressure_leave(PRESSURE_IO, begun);
	some = total(PRESSURE_OF_IO, PRESSURE_SOME) - some;
	KEXPECT(some >= STALL);
	full = total(PRESSURE_OF_IO, PRESSURE_FULL) - full;
	KEXPECT(full >= STALL / 2 && full <= some);
	nsec_t before = total(PRESSURE_OF_IO, PRESSURE_SOME);
	task_sleep(STALL / 10);
	KEXPECT(total(PRESSURE_OF_IO, PRESSURE_SOME) == before);
}

KTEST(proc_pressure_a_stall_beside_useful_work_is_not_full)
{
	nsec_t some = total(PRESSURE_OF_MEMORY, PRESSURE_SOME);
	nsec_t full = total(PRESSURE_OF_MEMORY, PRESSURE_FULL);

	KREQUIRE(start(busy_helper, 2 * STALL));
	bool begun = pressure_enter(PRESSURE_MEMORY);
	task_sleep(STALL);
	pressure_leave(PRESSURE_MEMORY, begun);
	KEXPECT(total(PRESSURE_OF_MEMORY, PRESSURE_SOME) - some >= STALL);
	KEXPECT(total(PRESSURE_OF_MEMORY, PRESSURE_FULL) - full < STALL / 2);
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) != 0)
		task_sleep(NSEC_PER_MSEC);
}

KTEST(proc_pressure_waiting_for_a_cpu_is_counted)
{
	nsec_t before = total(PRESSURE_OF_CPU, PRESSURE_SOME);

	KREQUIRE(start(busy_helper, 20 * STALL));
	KREQUIRE(start(busy_helper, 20 * STALL));
	/* Both may only run on one CPU. */
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) != 0)
		task_sleep(NSEC_PER_MSEC);
	/* The next sample has it. */
	task_sleep(45 * STALL);
	KEXPECT(total(PRESSURE_OF_CPU, PRESSURE_SOME) - before >= 8 * STALL);
	KEXPECT(total(PRESSURE_OF_CPU, PRESSURE_FULL) == 0);
}
