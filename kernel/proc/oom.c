/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When memory is exhausted: which process dies so that the others live.
 *
 * The victim is the one that would free most: its resident memory, its page tables and what its
 * open files cost the kernel, moved by its oom_score_adjust in thousandths of all memory; -1000
 * exempts it, and so is init.  One decides at a time.  A victim chosen before that has not gone yet
 * is waited for first, but not for ever: it may itself be waiting for a lock of somebody who waits
 * for memory here, and then the next one has to go.
 */
#include "arch/clock.h"
#include "lib/abi/signal.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/pressure.h"
#include "mm/vmm.h"
#include "proc/hooks.h"
#include "proc/oom.h"
#include "proc/process.h"
#include "proc/sched.h"

#define PATIENCE \
	(20 * NSEC_PER_MSEC) /* between two looks whether the victim's memory has come back */
#define VICTIM_TIME \
	(1 * NSEC_PER_SEC) /* so long a victim is waited for before another one is chosen */
#define OOM_EXEMPT   (-1000)
#define OOM_PER_UNIT 1000

static mutex_t decision = MUTEX_INIT(decision); /* who dies; only ever tried */
static nsec_t last_kill;                        /* atomic: when the last victim was chosen */

/* What ends with the process; 0 when it has given its memory back already. */
static s64 bytes_of(struct process *process)
{
	s64 pages = 0, open_files = 0;
	struct task *task;

	for_each_thread(task, process)
	{
		spin_lock(&task->lock);
		if (task->space)
			pages += (s64)vmm_space_weight(task->space);
		if (task->files)
			open_files = (s64)file_hooks->files_weight(task->files);
		spin_unlock(&task->lock);
		if (pages)
			break;
	}
	return pages * (s64)PAGE_SIZE + open_files;
}

s64 oom_badness(struct process *process)
{
	if (process == init_process() || process->oom_score_adjust == OOM_EXEMPT || process->zombie)
		return INT64_MIN;
	s64 bytes = bytes_of(process);
	if (bytes == 0)
		return INT64_MIN;
	return bytes + (s64)(frame_get_total_memory() / OOM_PER_UNIT) * process->oom_score_adjust;
}

/*
 * The victim, with a reference; NULL when nobody qualifies.  *dying: it is on its way out already,
 * and what it had may not be its own any more, as it is being taken apart.  Such a one is waited
 * for until it has had its time, and then if there is nobody else.
 */
static struct process *choose_victim(bool *dying)
{
	bool waited =
		clock_monotonic() - __atomic_load_n(&last_kill, __ATOMIC_RELAXED) > VICTIM_TIME;
	struct process *process, *victim = NULL, *leaving = NULL;
	s64 worst = INT64_MIN;

	unsigned long flags = process_tree_lock();
	for_each_process_locked(process)
	{
		if (process->exiting) {
			if (!process->zombie)
				leaving = process;
			continue;
		}
		s64 badness = oom_badness(process);
		if (badness > worst) {
			worst = badness;
			victim = process;
		}
	}
	*dying = leaving && (!waited || !victim);
	if (*dying)
		victim = leaving;
	if (victim)
		process_get(victim);
	process_tree_unlock(flags);
	return victim;
}

static void kill_victim(struct process *victim)
{
	char name[TASK_COMM_LENGTH] = "?";

	__atomic_store_n(&last_kill, clock_monotonic(), __ATOMIC_RELAXED);

	unsigned long irq = process_tree_lock();
	struct task *leader = victim->leader;
	if (leader)
		task_get_name(leader, name);
	process_tree_unlock(irq);
	log_warn("out of memory: killed process %d (%s)", victim->pid, name);
	unsigned long flags = spin_lock_irqsave(&victim->lock);
	process_begin_exit_locked(victim, SIGKILL);
	spin_unlock_irqrestore(&victim->lock, flags);
}

/* Lets a process die, unless one does already; false: current itself has to.  `decision` is held. */
static bool decide(void)
{
	bool dying;
	struct process *victim = choose_victim(&dying);

	if (!victim)
		return false;
	bool self = victim == current->process;
	if (!dying)
		kill_victim(victim);
	process_put(victim);
	return !self;
}

/* Gives memory back, or lets a process die; false: current itself has to. */
static bool make_room(void)
{
	bool again = true;

	if (task_kill_pending(current))
		return false;
	if (frame_relieve() != 0)
		return true;
	/* One death at a time: who comes meanwhile sees first what has come of it. */
	if (mutex_trylock(&decision)) {
		again = decide();
		mutex_unlock(&decision);
	}
	if (again)
		task_sleep(PATIENCE);
	return again;
}

/* mm's hook: see vmm_set_out_of_memory_hook. */
static bool out_of_memory(struct address_space *space __unused)
{
	bool begun = pressure_enter(PRESSURE_MEMORY);
	bool again = make_room();

	pressure_leave(PRESSURE_MEMORY, begun);
	return again;
}

void oom_init(void)
{
	vmm_set_out_of_memory_hook(out_of_memory);
}
