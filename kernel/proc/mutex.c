/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping locks: mutexes, and read-write locks.
 *
 * Both are one atomic word and a wait queue.  Taking a free lock and releasing one that nobody
 * waits for is one atomic instruction.  A release changes the word and then, after a full barrier,
 * looks for waiters; a waiter queues itself and then tries the word again, so that one of the two
 * notices.  A lock is not handed over: whoever comes first after the release has it, which spares a
 * switch.  Most are held for less time than a sleep and a wake-up take, so with several CPUs a task
 * looks at the word for a while before it queues itself.
 *
 * The read-write lock works in phases.  While writers wait no new reader gets in; the last reader
 * out wakes one writer; a writer that leaves wakes the readers that have queued meanwhile, and
 * these get in even past waiting writers.  So neither side starves.
 */
#include "arch/clock.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "proc/sync_internal.h"
#include "proc/task.h"

/* How long a task looks at a lock before it goes to sleep: about what a sleep and a wake-up take.
 */
#define LOOKING_TIME (50 * NSEC_PER_USEC)

/* Before the next look: false when it is time to sleep.  Nobody else could release the lock while
 * the only CPU looks. */
static bool look_again(nsec_t *until)
{
	cpumask_t cpus = cpus_online();
	nsec_t now;

	if (!(cpus & (cpus - 1)) || need_resched())
		return false;
	now = clock_monotonic();
	if (*until == 0)
		*until = now + LOOKING_TIME;
	cpu_relax();
	return now < *until;
}

/* --- Mutexes --- */

static bool mutex_try(mutex_t *mutex)
{
	struct task *nobody = NULL;

	return __atomic_compare_exchange_n(&mutex->owner, &nobody, current, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

bool mutex_trylock_at(mutex_t *mutex, struct lock_site *site)
{
	if (!mutex_try(mutex))
		return false;
	lock_tag_take(mutex, &mutex->tag, LOCK_TRY, 0, site);
	return true;
}

static int lock_slowly(mutex_t *mutex, enum wait_mode mode)
{
	struct waiter waiter;
	int result = 0;

	ASSERT(!mutex_is_mine(mutex));
	for (nsec_t until = 0; look_again(&until);)
		if (!READ_ONCE(mutex->owner) && mutex_try(mutex))
			return 0;
	waiter_init(&waiter);
	waiter.exclusive = true;
	for (;;) {
		wait_prepare(&mutex->queue, &waiter, mode);
		if (mutex_try(mutex)) {
			result = 0;
			break;
		}
		if (result != 0)
			break;
		result = wait_sleep(mode, NO_DEADLINE);
		if (mutex_try(mutex)) {
			result = 0;
			break;
		}
	}
	wait_finish(&mutex->queue, &waiter);
	return result;
}

void mutex_lock_at(mutex_t *mutex, unsigned nest, struct lock_site *site)
{
	lock_tag_take(mutex, &mutex->tag, 0, nest, site);
	if (unlikely(!mutex_try(mutex)))
		lock_slowly(mutex, WAIT_UNINTERRUPTIBLE);
}

int mutex_lock_interruptible_at(mutex_t *mutex, struct lock_site *site)
{
	int result = 0;

	lock_tag_take(mutex, &mutex->tag, 0, 0, site);
	if (unlikely(!mutex_try(mutex)))
		result = lock_slowly(mutex, WAIT_INTERRUPTIBLE);
	if (unlikely(result != 0))
		lock_tag_drop(mutex);
	return result;
}

void mutex_unlock(mutex_t *mutex)
{
	ASSERT(mutex_is_mine(mutex));
	lock_tag_drop(mutex);
	__atomic_store_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
	if (unlikely(wait_queue_active(&mutex->queue)))
		wake_up_one(&mutex->queue);
}

bool mutex_is_mine(const mutex_t *mutex)
{
	return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == current;
}

/* --- Read-write locks --- */

/* Gets in beside other readers; `pass`: even when writers wait. */
static bool enter_reader(rwlock_t *lock, bool pass)
{
	s32 holders = __atomic_load_n(&lock->holders, __ATOMIC_RELAXED);

	while (holders >= 0) {
		if (!pass && __atomic_load_n(&lock->writers_waiting, __ATOMIC_RELAXED) != 0)
			return false;
		if (__atomic_compare_exchange_n(&lock->holders, &holders, holders + 1, true,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

bool rwlock_try_read_lock_at(rwlock_t *lock, struct lock_site *site)
{
	if (!enter_reader(lock, false))
		return false;
	lock_tag_take(lock, &lock->tag, LOCK_TRY, 0, site);
	return true;
}

void rwlock_read_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site)
{
	lock_tag_take(lock, &lock->tag, 0, nest, site);
	if (likely(enter_reader(lock, false)))
		return;
	for (nsec_t until = 0; look_again(&until);)
		if (enter_reader(lock, false))
			return;

	struct waiter waiter;
	waiter_init(&waiter);
	wait_prepare(&lock->queue, &waiter, WAIT_UNINTERRUPTIBLE);
	if (!enter_reader(lock, false)) {
		for (;;) {
			wait_sleep(WAIT_UNINTERRUPTIBLE, NO_DEADLINE);
			if (enter_reader(lock, true))
				break;
			wait_prepare(&lock->queue, &waiter, WAIT_UNINTERRUPTIBLE);
			if (enter_reader(lock, true))
				break;
		}
	}
	wait_finish(&lock->queue, &waiter);
}

static bool enter_writer(rwlock_t *lock)
{
	s32 nobody = 0;

	return __atomic_compare_exchange_n(&lock->holders, &nobody, -1, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

bool rwlock_try_write_lock_at(rwlock_t *lock, struct lock_site *site)
{
	if (!enter_writer(lock))
		return false;
	lock_tag_take(lock, &lock->tag, LOCK_TRY, 0, site);
	return true;
}

void rwlock_write_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site)
{
	lock_tag_take(lock, &lock->tag, 0, nest, site);
	if (likely(enter_writer(lock)))
		return;
	for (nsec_t until = 0; look_again(&until);)
		if (READ_ONCE(lock->holders) == 0 && enter_writer(lock))
			return;

	struct waiter waiter;
	waiter_init(&waiter);
	waiter.exclusive = true;
	__atomic_add_fetch(&lock->writers_waiting, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		wait_prepare(&lock->queue, &waiter, WAIT_UNINTERRUPTIBLE);
		if (enter_writer(lock))
			break;
		wait_sleep(WAIT_UNINTERRUPTIBLE, NO_DEADLINE);
		if (enter_writer(lock))
			break;
	}
	__atomic_sub_fetch(&lock->writers_waiting, 1, __ATOMIC_SEQ_CST);
	wait_finish(&lock->queue, &waiter);
}

/* Wakes those who may go on after a release: the readers that wait, or if there are none, or
 * `writer_first`, a writer. */
static __noinline void wake_waiting(wait_queue_t *queue, bool writer_first)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	if (!list_empty(&queue->waiters)) {
		bool readers = !list_first_entry(&queue->waiters, struct waiter, link)->exclusive;
		bool writers = list_last_entry(&queue->waiters, struct waiter, link)->exclusive;
		if (readers && writers && writer_first)
			wake_first_exclusive_locked(queue);
		else
			wake_waiters_locked(queue, readers ? 0 : 1, 0);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}

static inline void wake_next(rwlock_t *lock, bool writer_first)
{
	if (unlikely(wait_queue_active(&lock->queue)))
		wake_waiting(&lock->queue, writer_first);
}

void rwlock_read_unlock(rwlock_t *lock)
{
	lock_tag_drop(lock);
	if (__atomic_sub_fetch(&lock->holders, 1, __ATOMIC_SEQ_CST) == 0)
		wake_next(lock, true);
}

void rwlock_write_unlock(rwlock_t *lock)
{
	ASSERT(lock->holders == -1);
	lock_tag_drop(lock);
	__atomic_store_n(&lock->holders, 0, __ATOMIC_SEQ_CST);
	wake_next(lock, false);
}

void rwlock_downgrade(rwlock_t *lock)
{
	ASSERT(lock->holders == -1);
	__atomic_store_n(&lock->holders, 1, __ATOMIC_SEQ_CST);
	wake_next(lock, false);
}
