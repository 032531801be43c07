/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose time it is: what is told adds up, never goes back, and shows who was found at work. */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "proc/account.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

#define PATIENCE (20 * NSEC_PER_SEC)

KTEST(proc_account_time_without_ticks_is_the_programs)
{
	struct time_split told = {0};

	account_split(&told, 1000, 0, 0);
	KEXPECT(told.user == 1000 && told.system == 0);
	account_split(&told, 3000, 0, 5);
	KEXPECT(told.user == 1000 && told.system == 2000);
}

KTEST(proc_account_time_is_divided_like_the_ticks)
{
	struct time_split told = {0};

	account_split(&told, 100 * NSEC_PER_SEC, 3, 1);
	KEXPECT(told.user == 75 * NSEC_PER_SEC && told.system == 25 * NSEC_PER_SEC);
	/* A century of it, and as many ticks: 31 bits of the proportion are kept. */
	told = (struct time_split){0};
	nsec_t century = 36525ULL * 86400 * NSEC_PER_SEC;
	u64 ticks = century / ACCOUNT_TICK;
	account_split(&told, century, ticks / 2, ticks / 2);
	KEXPECT(told.user + told.system == century);
	KEXPECT(told.user >= century / 2 - 4 * NSEC_PER_SEC);
	KEXPECT(told.user <= century / 2 + 4 * NSEC_PER_SEC);
}

KTEST(proc_account_neither_part_goes_back)
{
	struct time_split told = {0}, last = {0};
	u64 random = 12345, user = 0, kernel = 0;
	nsec_t total = 0;

	for (u32 i = 0; i < 100000; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		u32 bits = (u32)(random >> 33);
		total += bits % 3 == 0 ? 0 : bits % 5000000;
		user += bits % 7 == 1;
		kernel += bits % 11 < (i / 1000) % 11;
		account_split(&told, total, user, kernel);
		if (told.user + told.system != total || told.user < last.user ||
		    told.system < last.system) {
			KEXPECT(false);
			return;
		}
		last = told;
	}
}

KTEST(proc_account_what_is_older_than_told_changes_nothing)
{
	struct time_split told = {0};

	account_split(&told, 1000, 1, 1);
	account_split(&told, 900, 0, 1);
	KEXPECT(told.user == 500 && told.system == 500);
}

/* This thread is found at work, by its CPU and by itself, and never in a program. */
KTEST(proc_account_a_kernel_threads_time_is_system_time)
{
	struct process_usage before, now;
	struct cpu_times cpu_before, cpu_now;
	u32 cpu = task_cpu(current);
	nsec_t end = clock_monotonic() + PATIENCE;

	KREQUIRE(task_set_affinity(current, cpumask_of(cpu)) == 0);
	scheduler_cpu_times(cpu, &cpu_before);
	task_usage(current, &before);
	do {
		cpu_relax();
		task_usage(current, &now);
	} while (now.kernel_ticks < before.kernel_ticks + 5 && clock_monotonic() < end);
	scheduler_cpu_times(cpu, &cpu_now);
	KEXPECT(task_set_affinity(current, CPUMASK_ALL) == 0);
	KEXPECT(now.kernel_ticks >= before.kernel_ticks + 5);
	KEXPECT(now.user_ticks == 0 && now.user_time == 0);
	KEXPECT(now.system_time - before.system_time >= 5 * ACCOUNT_TICK / 2);
	KEXPECT(cpu_now.system > cpu_before.system);
	KEXPECT(cpu_now.user >= cpu_before.user && cpu_now.idle >= cpu_before.idle);
}

/* Who sleeps from tick to tick uses no time, and one that idles has none. */
KTEST(proc_account_sleepers_have_no_ticks)
{
	struct process_usage before, now;

	task_usage(current, &before);
	for (u32 i = 0; i < 10; i++)
		task_sleep(ACCOUNT_TICK + NSEC_PER_MSEC);
	task_usage(current, &now);
	nsec_t used = now.system_time - before.system_time;
	KEXPECT((now.kernel_ticks - before.kernel_ticks) * ACCOUNT_TICK <=
		used + 10 * ACCOUNT_TICK);
}
