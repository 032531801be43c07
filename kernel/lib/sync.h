/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that sleep, and waiting for events.
 *
 * The structures are declared on the lowest floor so that every subsystem can hold them; the
 *functions are the scheduler's (proc/sync.c).  None may be called with a spin lock held, interrupts
 *off or from an interrupt handler, except the wake functions, which work everywhere.
 *
 * Waiting for a condition is always a loop:
 *
 *	int result = wait_event(&queue, condition);              // until the condition holds
 *	int result = wait_event_interruptible(&queue, condition); // 0, or -ERESTARTSYS when a
 *signal is pending int result = wait_event_timeout(&queue, condition, deadline, interruptible); //
 *also -ETIMEDOUT
 *
 * The waker changes the condition first and wakes afterwards; no wake-up is lost, because the
 *waiter is on the queue before it looks at the condition.
 */
#ifndef LIB_SYNC_H
#define LIB_SYNC_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct task;

typedef struct wait_queue {
	spinlock_t lock; /* taken with interrupts off; innermost but for the run queue's */
	struct list_head waiters;
} wait_queue_t;

/*
 * One waiter.  `wake` runs under the queue's lock, interrupts off, and says whether the waiter was
 * woken (an exclusive waiter then ends a wake_up_one).  The default, wake_task, makes `task`
 * runnable; epoll and poll give their own.
 */
struct waiter {
	struct list_head link; /* guarded by the queue's lock; empty when off the queue */
	struct task *task;
	bool (*wake)(struct waiter *waiter, u32 events);
	bool exclusive;
};

#define WAIT_QUEUE_INIT(name)                                     \
	{                                                         \
		.lock = {0}, .waiters = LIST_INIT((name).waiters) \
	}

void wait_queue_init(wait_queue_t *queue);

/* Puts a waiter on the queue (exclusive ones at the tail) or takes it off; both idempotent.  Any
 * context. */
void wait_queue_add(wait_queue_t *queue, struct waiter *waiter);
void wait_queue_remove(wait_queue_t *queue, struct waiter *waiter);

/* Wakes every non-exclusive waiter and up to `exclusive` exclusive ones; `events` is handed to them
 * (POLL* bits). */
void wake_up_events(wait_queue_t *queue, unsigned exclusive, u32 events);
static inline void wake_up_all(wait_queue_t *queue)
{
	wake_up_events(queue, UINT_MAX, 0);
}
static inline void wake_up_one(wait_queue_t *queue)
{
	wake_up_events(queue, 1, 0);
}
/* Is anybody waiting?  The caller has made its change visible first (full barrier). */
static inline bool wait_queue_active(const wait_queue_t *queue)
{
	return READ_ONCE(queue->waiters.next) != &queue->waiters;
}

/* The steps that the wait_event macros are made of. */
enum wait_mode { WAIT_UNINTERRUPTIBLE, WAIT_INTERRUPTIBLE, WAIT_KILLABLE };
#define NO_DEADLINE UINT64_MAX

void waiter_init(struct waiter *waiter); /* for the current task, default wake */
void wait_prepare(wait_queue_t *queue, struct waiter *waiter,
		  enum wait_mode mode); /* queue it, mark the task sleeping */
/* Sleeps until woken.  0; -ERESTARTSYS when a signal ends the wait; -ETIMEDOUT once
 * clock_monotonic() >= deadline. */
int wait_sleep(enum wait_mode mode, nsec_t deadline);
void wait_finish(wait_queue_t *queue, struct waiter *waiter);

#define wait_event_full(queue, condition, mode, deadline)                      \
	({                                                                     \
		int wait_result_ = 0;                                          \
		if (!(condition)) {                                            \
			struct waiter wait_waiter_;                            \
			waiter_init(&wait_waiter_);                            \
			for (;;) {                                             \
				wait_prepare((queue), &wait_waiter_, (mode));  \
				if (condition) {                               \
					wait_result_ = 0;                      \
					break;                                 \
				}                                              \
				if (wait_result_ != 0)                         \
					break;                                 \
				wait_result_ = wait_sleep((mode), (deadline)); \
			}                                                      \
			wait_finish((queue), &wait_waiter_);                   \
		}                                                              \
		wait_result_;                                                  \
	})
#define wait_event(queue, condition) \
	((void)wait_event_full(queue, condition, WAIT_UNINTERRUPTIBLE, NO_DEADLINE))
#define wait_event_interruptible(queue, condition) \
	wait_event_full(queue, condition, WAIT_INTERRUPTIBLE, NO_DEADLINE)
#define wait_event_killable(queue, condition) \
	wait_event_full(queue, condition, WAIT_KILLABLE, NO_DEADLINE)
#define wait_event_timeout(queue, condition, deadline, mode) \
	wait_event_full(queue, condition, mode, deadline)

/* A lock that sleeps.  Not recursive; the owner releases it. */
typedef struct mutex {
	struct task *owner; /* atomic: NULL when free */
	wait_queue_t queue; /* waiters, exclusive */
} mutex_t;

#define MUTEX_INIT(name)                                              \
	{                                                             \
		.owner = NULL, .queue = WAIT_QUEUE_INIT((name).queue) \
	}

void mutex_init(mutex_t *mutex);
void mutex_lock(mutex_t *mutex);
int __must_check mutex_lock_interruptible(mutex_t *mutex); /* 0 or -ERESTARTSYS */
bool mutex_trylock(mutex_t *mutex);
void mutex_unlock(mutex_t *mutex);
bool mutex_is_mine(const mutex_t *mutex); /* does the current task hold it? for assertions */

/* Many readers or one writer; writers are not starved.  Neither side is recursive. */
typedef struct rwlock {
	s32 holders;         /* atomic: readers, or -1 for a writer */
	u32 writers_waiting; /* atomic */
	wait_queue_t queue;
} rwlock_t;

#define RWLOCK_INIT(name)                                                                  \
	{                                                                                  \
		.holders = 0, .writers_waiting = 0, .queue = WAIT_QUEUE_INIT((name).queue) \
	}

void rwlock_init(rwlock_t *lock);
void rwlock_read_lock(rwlock_t *lock);
bool rwlock_try_read_lock(rwlock_t *lock);
void rwlock_read_unlock(rwlock_t *lock);
void rwlock_write_lock(rwlock_t *lock);
bool rwlock_try_write_lock(rwlock_t *lock);
void rwlock_write_unlock(rwlock_t *lock);
void rwlock_downgrade(rwlock_t *lock);

#endif
