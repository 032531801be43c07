/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lending priority: who waits for a lock lends its priority to the task that has it.
 *
 * Without it a task of low priority that has a lock is kept from the CPU by one of middle priority,
 * and with it the one of high priority that waits for the lock.  Futexes with priority inheritance
 * (ipc/futex_pi.c), mutexes and read-write locks (proc/mutex.c) lend through here.
 *
 * A lender stands for a task that waits.  It is on the list of the task to which it lends, by
 * priority; that task's inherited priority is the first one's.  A task knows the lender by which it
 * waits, so that a change of its priority travels along the chain of those who wait for each other.
 * Fair tasks have nothing to lend: they are on no list, but changes travel through them, too.
 *
 * One spin lock guards all lenders and lists, and what the locks that use them say it does: a chain
 * leads through many of them.  It is taken only where a task goes to sleep for a lock.  Inside it:
 * wait queues of locks, run queues.  Interrupts stay on: no handler takes it.
 */
#ifndef PROC_LEND_H
#define PROC_LEND_H

#include "lib/list.h"
#include "lib/types.h"

struct lender;
struct task;

/* What a kind of lock does; with the lock of all lenders held. */
struct lend_ops {
	/* Who has the lock now, and will call lend_move when it has it no more; or NULL.  Not the
	 * waiter itself. */
	struct task *(*owner)(struct lender *lender);
	/* The waiter's priority has become another: takes its place among the waiters. */
	void (*reorder)(struct lender *lender);
};

/* All but what is const is guarded by the lock of all lenders. */
struct lender {
	const struct lend_ops *ops; /* const */
	struct task *task;          /* const: who waits */
	const void *lock;           /* const: for what */
	struct task *owner;         /* to whom it lends; NULL: to nobody */
	struct list_head link;      /* in owner->lending.lenders */
	int priority;               /* the task's, when it was last looked at: 0 to 100 */
};

/* The lock of all lenders.  Not in interrupts. */
void lend_lock(void);
void lend_unlock(void);

/* The rest wants that lock.  The task begins to wait, and lends nothing yet; it waits no more, and
 * takes back what it has lent.  A task waits for one lock at a time. */
void lend_begin(struct lender *lender);
void lend_end(struct lender *lender);
/* Lends to who has the lock now, by what ops->owner says. */
void lend_now(struct lender *lender);
/* `before` has the lock no more: what it was lent for it goes to `owner`, or back if that is NULL. */
void lend_move(struct task *before, const void *lock, struct task *owner);

/* The task's own priority has changed.  Without the lock; may not sleep. */
void lend_changed(struct task *task);

#endif
