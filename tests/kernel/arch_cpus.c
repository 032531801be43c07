/* SPDX-License-Identifier: BSD-2-Clause */
/* Several CPUs: calls from one to the others, waiting for each other, and one clock for all. */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/machine.h"
#include "arch/mmu.h"
#include "lib/panic.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

enum { ROUNDS = 100, CALLERS = 4 };

static void count(void *argument)
{
	__atomic_fetch_add((u32 *)argument, 1, __ATOMIC_SEQ_CST);
}

KTEST(arch_calls_reach_every_other_cpu_exactly_once)
{
	u32 counted = 0, others;

	preempt_disable();
	others = cpumask_count(cpus_online()) - 1;
	for (int round = 0; round < ROUNDS; round++)
		cpus_call(CPUMASK_ALL, count, &counted);
	preempt_enable();
	KEXPECT(counted == others * ROUNDS);
}

struct storm {
	u32 calls, expected, finished; /* atomic */
};

static void storm_thread(void *argument)
{
	struct storm *storm = argument;

	for (int round = 0; round < ROUNDS; round++) {
		preempt_disable();
		__atomic_fetch_add(&storm->expected, cpumask_count(cpus_online()) - 1,
				   __ATOMIC_SEQ_CST);
		cpus_call(CPUMASK_ALL, count, &storm->calls);
		preempt_enable();
	}
	count(&storm->finished);
	task_exit(0);
}

KTEST(arch_calls_from_all_cpus_at_once_all_arrive)
{
	static struct storm storm;

	storm = (struct storm){0};
	for (int i = 0; i < CALLERS; i++) {
		struct task *task = kernel_thread_create(storm_thread, &storm, "storm");
		KREQUIRE(!IS_ERR(task));
		task_put(task);
	}
	for (int wait = 0;
	     wait < 1000 && __atomic_load_n(&storm.finished, __ATOMIC_SEQ_CST) < CALLERS; wait++)
		task_sleep(10 * NSEC_PER_MSEC);
	KEXPECT(storm.finished == CALLERS);
	KEXPECT(storm.calls == storm.expected);
}

/* Longer than anybody looks before it halts. */
static void dawdle(void)
{
	nsec_t end = clock_monotonic() + 200 * NSEC_PER_USEC;

	while (clock_monotonic() < end)
		cpu_relax();
}

static void count_late(void *argument)
{
	dawdle();
	count(argument);
}

KTEST(arch_calls_wait_for_those_that_answer_late)
{
	u32 counted = 0, others;

	preempt_disable();
	others = cpumask_count(cpus_online()) - 1;
	for (int round = 1; round <= ROUNDS / 10; round++) {
		cpus_call(CPUMASK_ALL, count_late, &counted);
		KEXPECT(counted == others * (u32)round);
	}
	preempt_enable();
}

/* A lock that is held for so long that those who wait halt; some with interrupts off in between. */
struct halting {
	spinlock_t lock;
	u32 inside, together, turns; /* lock */
	u32 finished;                /* atomic */
};

static void stay(struct halting *halting)
{
	halting->inside++;
	dawdle();
	halting->together += halting->inside != 1;
	halting->inside--;
	halting->turns++;
}

static void halting_thread(void *argument)
{
	struct halting *halting = argument;

	for (int round = 0; round < ROUNDS; round++) {
		unsigned long flags = spin_lock_irqsave(&halting->lock);
		stay(halting);
		spin_unlock_irqrestore(&halting->lock, flags);
		KEXPECT(irq_enabled());
	}
	count(&halting->finished);
	task_exit(0);
}

KTEST(arch_those_who_wait_for_a_lock_halt_and_all_get_it)
{
	static struct halting halting;

	halting = (struct halting){0};
	spin_lock_init(&halting.lock);
	for (int i = 0; i < CALLERS; i++) {
		struct task *task = kernel_thread_create(halting_thread, &halting, "halting");
		KREQUIRE(!IS_ERR(task));
		task_put(task);
	}
	while (__atomic_load_n(&halting.finished, __ATOMIC_SEQ_CST) < CALLERS)
		task_sleep(10 * NSEC_PER_MSEC);
	KEXPECT(halting.turns == CALLERS * ROUNDS);
	KEXPECT(halting.together == 0);
}

KTEST(arch_a_cpu_that_has_paused_its_tlb_is_excused)
{
	preempt_disable();
	cpumask_t own = cpumask_of(cpu_id());
	KEXPECT(tlb_excuse_paused(own) == own);
	bool outer = tlb_pause();
	KEXPECT(outer);
	bool inner = tlb_pause();
	KEXPECT(!inner);
	KEXPECT(tlb_excuse_paused(own) == 0);
	tlb_resume(inner);
	/* Once more: it has been told already. */
	KEXPECT(tlb_excuse_paused(own) == 0);
	tlb_resume(outer);
	KEXPECT(tlb_excuse_paused(own) == own);
	preempt_enable();
}

struct clock_check {
	nsec_t last; /* only one CPU runs at a time: the caller waits */
	u32 backwards;
};

static void check_clock(void *argument)
{
	struct clock_check *check = argument;
	nsec_t now = clock_monotonic();

	if (now < check->last)
		check->backwards++;
	check->last = now;
}

KTEST(arch_clock_never_goes_back_from_cpu_to_cpu)
{
	struct clock_check check = {0};

	for (int round = 0; round < ROUNDS; round++) {
		for (cpumask_t cpus = cpus_online(); cpus != 0; cpus &= cpus - 1) {
			cpus_call(cpumask_of((u32)__builtin_ctzll(cpus)), check_clock, &check);
			preempt_disable();
			check_clock(&check);
			preempt_enable();
		}
	}
	KEXPECT(check.backwards == 0);
	KEXPECT(check.last > 0);
}

KTEST(arch_timer_wakes_at_or_after_the_deadline)
{
	for (nsec_t wait = 100 * NSEC_PER_USEC; wait <= 20 * NSEC_PER_MSEC; wait *= 4) {
		nsec_t start = clock_monotonic();
		task_sleep(wait);
		KEXPECT(clock_monotonic() - start >= wait);
	}
}

KTEST(arch_symbols_name_functions)
{
	size_t offset = 1;
	const char *name = symbol_lookup((vaddr_t)panic, &offset);

	KEXPECT(name != NULL && strcmp(name, "panic") == 0 && offset == 0);
	name = symbol_lookup((vaddr_t)panic + 3, &offset);
	KEXPECT(name != NULL && strcmp(name, "panic") == 0 && offset == 3);
	KEXPECT(symbol_lookup(0, &offset) == NULL);
	KEXPECT(symbol_lookup((vaddr_t)&offset, &offset) == NULL);
}
