/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lending priority: the lists, and the chains.
 *
 * What a task has lent is settled in two steps: first all links are set, then the inherited
 * priority of each task concerned, and from there along the chain until a priority stays what it
 * was.  A ring, which only broken programs make, ends there as well: a priority that went round is
 * the same.
 */
#include "proc/lend.h"

#include "lib/assert.h"
#include "lib/spinlock.h"
#include "proc/sched.h"
#include "proc/task.h"

static spinlock_t lenders_lock;

void lend_lock(void)
{
	spin_lock(&lenders_lock);
}

void lend_unlock(void)
{
	spin_unlock(&lenders_lock);
}

/* Puts a lender where it belongs among those of `owner` (NULL: of nobody). */
static void attach(struct lender *lender, struct task *owner)
{
	struct lender *other;

	list_remove(&lender->link);
	lender->owner = lender->priority != 0 ? owner : NULL;
	if (lender->owner == NULL)
		return;
	list_for_each_entry_reverse(other, &owner->lending.lenders,
				    link) if (other->priority >= lender->priority) break;
	list_add(&lender->link, &other->link);
}

/* Gives a task what it is lent; says whether its priority is another now. */
static bool settle(struct task *task)
{
	const struct list_head *lenders = &task->lending.lenders;

	return task_inherit_priority(
		task,
		list_empty(lenders) ? 0 : list_first_entry(lenders, struct lender, link)->priority);
}

/* Follows the chain that begins with this task, whose priority may have changed. */
static void follow(struct task *task)
{
	struct lender *lender;

	while ((lender = task->lending.waiting) != NULL &&
	       lender->priority != task_priority(task)) {
		struct task *before = lender->owner;
		lender->priority = task_priority(task);
		lender->ops->reorder(lender);
		task = lender->ops->owner(lender);
		attach(lender, task);
		if (before != NULL && before != task)
			settle(before);
		if (task == NULL || !settle(task))
			break;
	}
}

static void adjust(struct task *task)
{
	if (task != NULL && settle(task))
		follow(task);
}

void lend_begin(struct lender *lender)
{
	ASSERT(lender->task->lending.waiting == NULL);
	list_init(&lender->link);
	lender->owner = NULL;
	/* Either we see a change of the priority, or who makes it sees that we wait. */
	__atomic_store_n(&lender->task->lending.waiting, lender, __ATOMIC_SEQ_CST);
	lender->priority = task_priority(lender->task);
}

void lend_end(struct lender *lender)
{
	struct task *before = lender->owner;

	WRITE_ONCE(lender->task->lending.waiting, NULL);
	attach(lender, NULL);
	adjust(before);
}

void lend_now(struct lender *lender)
{
	struct task *before = lender->owner;

	attach(lender, lender->priority != 0 ? lender->ops->owner(lender) : NULL);
	if (before != lender->owner)
		adjust(before);
	adjust(lender->owner);
}

void lend_move(struct task *before, const void *lock, struct task *owner)
{
	struct lender *lender, *following;

	list_for_each_entry_safe (lender, following, &before->lending.lenders, link)
		if (lender->lock == lock)
			attach(lender, owner);
	adjust(before);
	adjust(owner);
}

void lend_changed(struct task *task)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (READ_ONCE(task->lending.waiting) == NULL)
		return;
	lend_lock();
	follow(task);
	lend_unlock();
}
