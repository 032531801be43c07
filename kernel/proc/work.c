/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred work: a list and a thread that runs what is on it.
 */
#include "proc/work.h"

#include "lib/panic.h"
#include "lib/sync.h"
#include "proc/task.h"

static struct list_head pending = LIST_INIT(pending); /* pending_lock */
static spinlock_t pending_lock;                       /* taken with interrupts off */
static wait_queue_t worker_wait = WAIT_QUEUE_INIT(worker_wait);

void work_init(struct work *work, void (*function)(struct work *work))
{
	list_init(&work->link);
	work->function = function;
}

bool work_queue(struct work *work)
{
	unsigned long flags = spin_lock_irqsave(&pending_lock);
	bool fresh = list_empty(&work->link);
	if (fresh)
		list_add_tail(&work->link, &pending);
	spin_unlock_irqrestore(&pending_lock, flags);
	if (fresh)
		wake_up_one(&worker_wait);
	return fresh;
}

static struct work *take_first(void)
{
	unsigned long flags = spin_lock_irqsave(&pending_lock);
	struct work *work = list_first_entry_or_null(&pending, struct work, link);
	if (work)
		list_remove(&work->link);
	spin_unlock_irqrestore(&pending_lock, flags);
	return work;
}

static void worker(void *argument __unused)
{
	for (;;) {
		struct work *work;
		int interrupted =
			wait_event_interruptible(&worker_wait, (work = take_first()) != NULL);
		if (interrupted == 0)
			work->function(work);
	}
}

void work_start(void)
{
	struct task *task = kernel_thread_create(worker, NULL, "worker");

	if (IS_ERR(task))
		panic("no memory for the worker thread");
	task_put(task);
}
