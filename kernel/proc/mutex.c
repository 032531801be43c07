/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping locks: mutexes, and read-write locks.
 *
 * Both are one atomic word and a wait queue.  Taking a free lock and releasing one that nobody
 * waits for is one atomic instruction.  A release changes the word and then, after a full barrier,
 * looks for waiters; a waiter queues itself and then tries the word again, so that one of the two
 * notices.  A lock is not handed over: whoever comes first after the release has it, which spares a
 * switch.  Most are held for less time than a sleep and a wake-up take, so with several CPUs a task
 * looks at the word for a while before it queues itself, and again before it goes back to sleep.
 * Releases do not wake one waiter after the other: as long as the first of the queue is awake and
 * has not tried yet, it is the one that has been woken.
 *
 * The read-write lock works in phases.  While writers wait no new reader gets in; the last reader
 * out wakes one writer; a writer that leaves wakes the readers that have queued meanwhile, and
 * these get in even past waiting writers.  So neither side starves.
 *
 * Who goes to sleep for a lock lends a real-time priority to its owner (proc/lend.h), if there is
 * one: readers are not known by name.  The owner's word says so in bit 0; an owner that finds it
 * set when it has released the lock gives back what it was lent, under the lock of all lenders.  As
 * long as that lock is held and the bit set, the owner cannot get away.  The order of things:
 *
 *	waiter: on the queue; bit set; lends; sleeps; takes back; off the queue
 *	owner:  word cleared; looks at the queue; wakes; gives back
 *
 * so who finds the queue empty has been lent nothing.  The owner wakes before it gives back, or its
 * low priority would keep it from waking anybody.  The new owner is lent nothing at first: it is
 * the waiter with the greatest priority, or one that came between, to which that waiter lends anew
 * when it finds the lock taken.  Whoever leaves the queue sees to it that the first one lends.
 */
#include "arch/clock.h"
#include "arch/mmu.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "proc/lend.h"
#include "proc/sched.h"
#include "proc/sync_internal.h"
#include "proc/task.h"

/* How long a task looks at a lock before it goes to sleep: about what a sleep and a wake-up take.
 */
#define LOOKING_TIME (50 * NSEC_PER_USEC)

/*
 * Tries to take a lock for a while; false when it is time to sleep.  Nobody else could release it
 * while the only CPU looks.  Meanwhile this CPU need not hear of changes of the space, which are
 * what most of these locks are held for.
 */
static bool look(bool (*take)(void *lock), void *lock)
{
	cpumask_t cpus = cpus_online();
	bool taken;

	if (!(cpus & (cpus - 1)))
		return false;
	preempt_disable();
	bool paused = tlb_pause();
	nsec_t until = clock_monotonic() + LOOKING_TIME;
	do {
		cpu_relax();
		taken = take(lock);
	} while (!taken && !need_resched() && clock_monotonic() < until);
	tlb_resume(paused);
	preempt_enable();
	return taken;
}

/* --- Waiting, and lending to the owner --- */

#define LENT ((uintptr_t)1) /* in an owner's word */

static struct task *owner_of(uintptr_t word)
{
	return (struct task *)(word & ~LENT);
}

struct lock_waiter {
	struct waiter waiter;
	struct lender lender;
	wait_queue_t *queue; /* const */
	uintptr_t *word;     /* const: where the owner is written */
	bool shared;         /* const: it is the owner only if it is negative */
};

static struct lock_waiter *lock_waiter_of(struct lender *lender)
{
	return container_of(lender, struct lock_waiter, lender);
}

/* Who has the lock, if that is a task that we know and is not the waiter; marked. */
static struct task *lock_owner(struct lender *lender)
{
	struct lock_waiter *own = lock_waiter_of(lender);
	uintptr_t word = __atomic_load_n(own->word, __ATOMIC_RELAXED);

	do {
		if (!owner_of(word) || owner_of(word) == lender->task ||
		    (own->shared && (s64)word > 0))
			return NULL;
	} while (!(word & LENT) &&
		 !__atomic_compare_exchange_n(own->word, &word, word | LENT, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return owner_of(word);
}

static void lock_reorder(struct lender *lender)
{
	struct lock_waiter *own = lock_waiter_of(lender);

	wait_queue_reorder(own->queue, &own->waiter, lender->priority);
}

static const struct lend_ops lock_ops = {.owner = lock_owner, .reorder = lock_reorder};

/* Who is awake will try the lock again before it sleeps: that is enough, too, and nobody else need
 * come for the same release. */
static bool wake_locker(struct waiter *waiter, u32 events __unused)
{
	task_wake(waiter->task);
	return true;
}

static void lock_wait_begin(struct lock_waiter *own, bool exclusive)
{
	waiter_init(&own->waiter);
	own->waiter.wake = wake_locker;
	own->waiter.exclusive = exclusive;
	own->lender.ops = &lock_ops;
	own->lender.task = current;
	own->lender.lock = own->word;
	lend_lock();
	lend_begin(&own->lender);
	own->waiter.priority = (u8)own->lender.priority;
	lend_unlock();
}

/* On the queue, and without the lock: sleeps until the next look. */
static int lock_wait_sleep(struct lock_waiter *own, enum wait_mode mode)
{
	if (unlikely(READ_ONCE(own->lender.priority) != 0)) {
		lend_lock();
		lend_now(&own->lender);
		lend_unlock();
	}
	return wait_sleep(mode, NO_DEADLINE);
}

/* Who of those that wait has the most to lend, or NULL. */
static struct lender *greatest_lender(wait_queue_t *queue)
{
	struct waiter *waiter, *greatest = NULL;

	unsigned long flags = spin_lock_irqsave(&queue->lock);
	list_for_each_entry (waiter, &queue->waiters, link) {
		if (waiter->priority > (greatest ? greatest->priority : 0))
			greatest = waiter;
		if (waiter->exclusive)
			break;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return greatest ? &container_of(greatest, struct lock_waiter, waiter)->lender : NULL;
}

/* Has the lock, or has given up. */
static void lock_wait_end(struct lock_waiter *own)
{
	struct lender *greatest = NULL;

	lend_lock();
	lend_end(&own->lender);
	wait_finish(own->queue, &own->waiter);
	/* A reader that leaves is in, with nobody to lend to. */
	if (own->waiter.exclusive && wait_queue_active(own->queue))
		greatest = greatest_lender(own->queue);
	if (unlikely(greatest != NULL))
		lend_now(greatest);
	lend_unlock();
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

static bool mutex_look(void *mutex)
{
	return !READ_ONCE(((mutex_t *)mutex)->owner) && mutex_try(mutex);
}

static __noinline int lock_slowly(mutex_t *mutex, enum wait_mode mode)
{
	struct lock_waiter own = {.queue = &mutex->queue, .word = (uintptr_t *)&mutex->owner};
	int result = 0;

	ASSERT(!mutex_is_mine(mutex));
	if (look(mutex_look, mutex))
		return 0;
	lock_wait_begin(&own, true);
	for (;;) {
		wait_prepare(&mutex->queue, &own.waiter, mode);
		if (mutex_try(mutex)) {
			result = 0;
			break;
		}
		if (result != 0)
			break;
		result = lock_wait_sleep(&own, mode);
		if (mutex_try(mutex) || look(mutex_look, mutex)) {
			result = 0;
			break;
		}
	}
	lock_wait_end(&own);
	/* The wake-up that was the release's only one may have come when we had given up. */
	if (result != 0 && !READ_ONCE(mutex->owner) && wait_queue_active(&mutex->queue))
		wake_up_one(&mutex->queue);
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

static __noinline void mutex_wake(mutex_t *mutex, bool lent)
{
	if (lent)
		lend_lock();
	wake_up_one(&mutex->queue);
	if (lent) {
		lend_move(current, &mutex->owner, NULL);
		lend_unlock();
	}
}

void mutex_unlock(mutex_t *mutex)
{
	ASSERT(mutex_is_mine(mutex));
	lock_tag_drop(mutex);
	uintptr_t word = (uintptr_t)__atomic_exchange_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
	if (unlikely(wait_queue_active(&mutex->queue)))
		mutex_wake(mutex, word & LENT);
}

bool mutex_is_mine(const mutex_t *mutex)
{
	return owner_of((uintptr_t)__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED)) == current;
}

/* --- Read-write locks --- */

static struct lock_waiter rwlock_waiter(rwlock_t *lock)
{
	return (struct lock_waiter){
		.queue = &lock->queue, .word = (uintptr_t *)&lock->holders, .shared = true};
}

/* Gets in beside other readers; `pass`: even when writers wait. */
static bool enter_reader(rwlock_t *lock, bool pass)
{
	s64 holders = __atomic_load_n(&lock->holders, __ATOMIC_RELAXED);

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

static bool reader_look(void *lock)
{
	return enter_reader(lock, false);
}

static bool woken_reader_look(void *lock)
{
	return enter_reader(lock, true);
}

static __noinline void read_lock_slowly(rwlock_t *lock)
{
	if (look(reader_look, lock))
		return;

	struct lock_waiter own = rwlock_waiter(lock);
	lock_wait_begin(&own, false);
	wait_prepare(&lock->queue, &own.waiter, WAIT_UNINTERRUPTIBLE);
	if (!enter_reader(lock, false)) {
		for (;;) {
			lock_wait_sleep(&own, WAIT_UNINTERRUPTIBLE);
			if (enter_reader(lock, true) || look(woken_reader_look, lock))
				break;
			wait_prepare(&lock->queue, &own.waiter, WAIT_UNINTERRUPTIBLE);
			if (enter_reader(lock, true))
				break;
		}
	}
	lock_wait_end(&own);
}

void rwlock_read_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site)
{
	lock_tag_take(lock, &lock->tag, 0, nest, site);
	if (unlikely(!enter_reader(lock, false)))
		read_lock_slowly(lock);
}

static bool enter_writer(rwlock_t *lock)
{
	s64 nobody = 0;

	return __atomic_compare_exchange_n(&lock->holders, &nobody, (s64)current, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

bool rwlock_try_write_lock_at(rwlock_t *lock, struct lock_site *site)
{
	if (!enter_writer(lock))
		return false;
	lock_tag_take(lock, &lock->tag, LOCK_TRY, 0, site);
	return true;
}

static bool writer_look(void *lock)
{
	return READ_ONCE(((rwlock_t *)lock)->holders) == 0 && enter_writer(lock);
}

static __noinline void write_lock_slowly(rwlock_t *lock)
{
	if (look(writer_look, lock))
		return;

	struct lock_waiter own = rwlock_waiter(lock);
	lock_wait_begin(&own, true);
	__atomic_add_fetch(&lock->writers_waiting, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		wait_prepare(&lock->queue, &own.waiter, WAIT_UNINTERRUPTIBLE);
		if (enter_writer(lock))
			break;
		lock_wait_sleep(&own, WAIT_UNINTERRUPTIBLE);
		if (enter_writer(lock) || look(writer_look, lock))
			break;
	}
	__atomic_sub_fetch(&lock->writers_waiting, 1, __ATOMIC_SEQ_CST);
	lock_wait_end(&own);
}

void rwlock_write_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site)
{
	lock_tag_take(lock, &lock->tag, 0, nest, site);
	if (unlikely(!enter_writer(lock)))
		write_lock_slowly(lock);
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

static __noinline void wake_lent(rwlock_t *lock)
{
	lend_lock();
	wake_waiting(&lock->queue, false);
	lend_move(current, &lock->holders, NULL);
	lend_unlock();
}

void rwlock_read_unlock(rwlock_t *lock)
{
	lock_tag_drop(lock);
	if (__atomic_sub_fetch(&lock->holders, 1, __ATOMIC_SEQ_CST) == 0 &&
	    unlikely(wait_queue_active(&lock->queue)))
		wake_waiting(&lock->queue, true);
}

/* The writer is one no more; `readers`: it goes on as a reader. */
static inline void writer_leaves(rwlock_t *lock, s64 readers)
{
	uintptr_t word = (uintptr_t)__atomic_exchange_n(&lock->holders, readers, __ATOMIC_SEQ_CST);

	ASSERT(owner_of(word) == current);
	if (likely(!wait_queue_active(&lock->queue)))
		return;
	if (word & LENT)
		wake_lent(lock);
	else
		wake_waiting(&lock->queue, false);
}

void rwlock_write_unlock(rwlock_t *lock)
{
	lock_tag_drop(lock);
	writer_leaves(lock, 0);
}

void rwlock_downgrade(rwlock_t *lock)
{
	writer_leaves(lock, 1);
}
