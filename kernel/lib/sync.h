/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that sleep, and waiting for events.
 *
 * The structures are declared on the lowest floor so that every subsystem can hold them; the
 * functions are the scheduler's (proc/sync.c).  None may be called with a spin lock held,
 * interrupts off or from an interrupt handler, except the wake functions, which work everywhere.
 *
 * Waiting for a condition is always a loop:
 *
 *	wait_event(&queue, condition)                  0: until the condition holds
 *	wait_event_interruptible(&queue, condition)    or -ERESTARTSYS when a signal is pending
 *	wait_event_timeout(&queue, condition, deadline, interruptible)   or -ETIMEDOUT
 *
 * The waker changes the condition first and wakes afterwards; no wake-up is lost, because the
 * waiter is on the queue before it looks at the condition.
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
	u8 priority; /* real-time, of an exclusive waiter: its place; the queue's lock */
};

#define WAIT_QUEUE_INIT(name)                                     \
	{                                                         \
		.lock = {0}, .waiters = LIST_INIT((name).waiters) \
	}

static inline void wait_queue_init_at(wait_queue_t *queue, struct lock_site *site)
{
	spin_lock_init_at(&queue->lock, site);
	list_init(&queue->waiters);
}
#define wait_queue_init(queue) wait_queue_init_at((queue), LOCK_SITE(queue))

/* Puts a waiter on the queue (exclusive ones at the tail, by priority) or takes it off; both
 * idempotent.  Any context. */
void wait_queue_add(wait_queue_t *queue, struct waiter *waiter);
void wait_queue_remove(wait_queue_t *queue, struct waiter *waiter);

/* Wakes every non-exclusive waiter and up to `exclusive` exclusive ones; `events` is handed to them
 * (POLL* bits). */
void wake_up_events(wait_queue_t *queue, unsigned exclusive, u32 events);
/* The same for queues of a sort that wake each other, in an order without circles. */
void wake_up_nested(wait_queue_t *queue, unsigned exclusive, u32 events);
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

/* A lock that sleeps.  Not recursive; the owner releases it.  Who waits lends it a real-time
 * priority (proc/lend.h), and the waiter with the greatest is woken. */
typedef struct mutex {
	struct task *owner; /* atomic: NULL when free; bit 0: it has been lent a priority */
	wait_queue_t queue; /* waiters, exclusive */
	struct lock_tag tag;
} mutex_t;

#define MUTEX_INIT(name)                                              \
	{                                                             \
		.owner = NULL, .queue = WAIT_QUEUE_INIT((name).queue) \
	}

/*
 * Each is called through the macro of the same name without _at.  `nest`: for a mutex that is taken
 * inside others of its class, as with spin_lock_nested.
 */
void mutex_lock_at(mutex_t *mutex, unsigned nest, struct lock_site *site);
int __must_check mutex_lock_interruptible_at(mutex_t *mutex,
					     struct lock_site *site); /* 0 or -ERESTARTSYS */
bool mutex_trylock_at(mutex_t *mutex, struct lock_site *site);
void mutex_unlock(mutex_t *mutex);
bool mutex_is_mine(const mutex_t *mutex); /* does the current task hold it? for assertions */

/* Many readers or one writer; writers are not starved.  Neither side is recursive.  A writer is
 * lent the priority of those who wait for it; readers are not. */
typedef struct rwlock {
	s64 holders; /* atomic: how many readers; negative: the writer, as a mutex's owner */
	u32 writers_waiting; /* atomic */
	wait_queue_t queue;
	struct lock_tag tag;
} rwlock_t;

#define RWLOCK_INIT(name)                                                                  \
	{                                                                                  \
		.holders = 0, .writers_waiting = 0, .queue = WAIT_QUEUE_INIT((name).queue) \
	}

void rwlock_read_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site);
bool rwlock_try_read_lock_at(rwlock_t *lock, struct lock_site *site);
void rwlock_read_unlock(rwlock_t *lock);
void rwlock_write_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site);
bool rwlock_try_write_lock_at(rwlock_t *lock, struct lock_site *site);
void rwlock_write_unlock(rwlock_t *lock);
void rwlock_downgrade(rwlock_t *lock);

/* What the checking build knows of such a lock: lib/lock_order.h. */
#ifdef CONFIG_CHECKING
static inline struct lock_tag lock_tag_at(struct lock_site *site)
{
	return (struct lock_tag){.class = lock_order_class(site)};
}
static inline void lock_tag_take(const void *lock, struct lock_tag *tag, unsigned kind,
				 unsigned nest, struct lock_site *site)
{
	lock_order_take(lock, &tag->class, LOCK_SLEEP | kind, nest, site);
}
static inline void lock_tag_drop(const void *lock)
{
	lock_order_drop(lock, LOCK_SLEEP);
}
#else
static inline struct lock_tag lock_tag_at(struct lock_site *site __unused)
{
	return (struct lock_tag){};
}
static inline void lock_tag_take(const void *lock __unused, struct lock_tag *tag __unused,
				 unsigned kind __unused, unsigned nest __unused,
				 struct lock_site *site __unused)
{
}
static inline void lock_tag_drop(const void *lock __unused) {}
#endif

static inline void mutex_init_at(mutex_t *mutex, struct lock_site *site)
{
	mutex->owner = NULL;
	wait_queue_init(&mutex->queue);
	mutex->tag = lock_tag_at(site);
}

static inline void rwlock_init_at(rwlock_t *lock, struct lock_site *site)
{
	lock->holders = 0;
	lock->writers_waiting = 0;
	wait_queue_init(&lock->queue);
	lock->tag = lock_tag_at(site);
}

#define mutex_init(mutex)               mutex_init_at((mutex), LOCK_SITE(mutex))
#define mutex_lock(mutex)               mutex_lock_at((mutex), 0, LOCK_SITE(mutex))
#define mutex_lock_nested(mutex, nest)  mutex_lock_at((mutex), (nest), LOCK_SITE(mutex))
#define mutex_lock_interruptible(mutex) mutex_lock_interruptible_at((mutex), LOCK_SITE(mutex))
#define mutex_trylock(mutex)            mutex_trylock_at((mutex), LOCK_SITE(mutex))

#define rwlock_init(lock)                    rwlock_init_at((lock), LOCK_SITE(lock))
#define rwlock_read_lock(lock)               rwlock_read_lock_at((lock), 0, LOCK_SITE(lock))
#define rwlock_read_lock_nested(lock, nest)  rwlock_read_lock_at((lock), (nest), LOCK_SITE(lock))
#define rwlock_try_read_lock(lock)           rwlock_try_read_lock_at((lock), LOCK_SITE(lock))
#define rwlock_write_lock(lock)              rwlock_write_lock_at((lock), 0, LOCK_SITE(lock))
#define rwlock_write_lock_nested(lock, nest) rwlock_write_lock_at((lock), (nest), LOCK_SITE(lock))
#define rwlock_try_write_lock(lock)          rwlock_try_write_lock_at((lock), LOCK_SITE(lock))

#endif
