/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticks of user and kernel mode, and time that is divided like them: see account.h.
 *
 * A CPU counts without a lock: its own running task stays the same in an interrupt, and nobody else
 * writes that task's ticks or the CPU's meanwhile.  Who reads them may miss the latest.
 */
#include "proc/account.h"

#include "proc/sched_internal.h"

static void count(u64 *ticks)
{
	WRITE_ONCE(*ticks, *ticks + 1);
}

void account_tick(bool user)
{
	struct run_queue *queue = this_run_queue();
	struct task *task = queue->running;

	if (!user) {
		count(&task->times.kernel_ticks);
		count(&queue->ticks.system);
		return;
	}
	count(&task->times.user_ticks);
	count(task->sched.nice > 0 ? &queue->ticks.nice : &queue->ticks.user);
}

/* total * part / whole, where part is not the greater; no product leaves 64 bits. */
static nsec_t scale(nsec_t total, u64 part, u64 whole)
{
	while (whole >> 31) {
		whole >>= 1;
		part >>= 1;
	}
	return total / whole * part + total % whole * part / whole;
}

void account_split(struct time_split *told, nsec_t total, u64 user_ticks, u64 kernel_ticks)
{
	nsec_t user = total;

	if (told->user + told->system >= total)
		return;
	if (kernel_ticks != 0)
		user = scale(total, user_ticks, user_ticks + kernel_ticks);
	user = MIN(MAX(user, told->user), total - told->system);
	*told = (struct time_split){.user = user, .system = total - user};
}
