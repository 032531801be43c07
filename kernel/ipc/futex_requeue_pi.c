/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting on a word to be moved to a lock: FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI, what
 * condition variables with priority inheritance are made of.
 *
 * The waiter is on the word's list like any other, and brings a PI waiter along.  The requeue takes
 * the lock for the first of them or queues it there, and queues the others; it does so under the
 * bucket's lock and the lock of all lenders, so a waiter that wakes early finds itself in one of the two
 * places.
 */
#include "ipc/futex_pi_internal.h"
#include "lib/abi/futex.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/sched.h"
#include "proc/task.h"

/* What becomes of a wait that was not moved, or was and got no lock in time. */
static int translate(int result, bool moved)
{
	if (result != -ERESTARTSYS)
		return result;
	return moved ? -EAGAIN : -ERESTARTNOINTR;
}

long futex_wait_requeue_pi(vaddr_t address, bool shared, u32 expected, nsec_t deadline,
			   vaddr_t lock_address)
{
	struct futex_pi_waiter pi;
	struct vm_word_key lock_key;
	struct futex_waiter waiter = {.task = current,
				      .bits = FUTEX_BITSET_MATCH_ANY,
				      .requeue = &pi,
				      .requeue_key = &lock_key};
	u32 value;

	futex_pi_init_waiter(&pi);
	if (address == lock_address)
		return -EINVAL;
	int result = futex_find_key(address, shared, &waiter.key);
	if (result == 0)
		result = futex_find_key(lock_address, shared, &lock_key);
	if (result < 0)
		return result;
	futex_enter(&waiter);
	result = user_read_u32(&value, address);
	if (result == 0 && value != expected)
		result = -EAGAIN;
	if (result < 0 && !futex_leave(&waiter))
		return result;
	result = futex_pi_sleep(&pi, deadline);
	bool moved = futex_leave(&waiter);
	result = moved ? futex_pi_finish(&pi, lock_address, result) : result;
	return translate(result, moved);
}

/* The first waiter's lock; it goes on as the owner. */
static void grant(struct futex_waiter *waiter)
{
	list_remove(&waiter->link);
	WRITE_ONCE(waiter->requeue->granted, true);
	task_wake_if(waiter->task, TASK_INTERRUPTIBLE);
}

/*
 * Moves up to `count` waiters of a word; *moved counts them.  0 when there are no more, PI_RETRY,
 * or an error.  The bucket's lock and that of all lenders are held.
 */
static int move_locked(struct futex_bucket *bucket, const struct vm_word_key *key,
		       struct futex_pi_attempt *attempt, u32 count, u32 *moved)
{
	struct futex_waiter *waiter, *following;

	list_for_each_entry_safe (waiter, following, &bucket->waiters, link) {
		if (*moved >= count)
			break;
		if (!futex_same_key(&waiter->key, key))
			continue;
		if (waiter->requeue == NULL || !futex_same_key(waiter->requeue_key, &attempt->key))
			return -EINVAL;
		int outcome =
			futex_pi_take_locked(attempt, waiter->requeue, false, count - *moved > 1);
		if (outcome < 0 || outcome == PI_RETRY)
			return outcome;
		if (outcome == PI_TAKEN)
			grant(waiter);
		else
			list_remove(&waiter->link);
		++*moved;
	}
	return 0;
}

/* One attempt, with the words looked at. */
static int try_move(vaddr_t address, const struct vm_word_key *key, u32 expected,
		    struct futex_pi_attempt *attempt, u32 count, u32 *moved)
{
	struct futex_bucket *bucket = futex_bucket_of(key);
	u32 value;

	int result = futex_pi_prepare(attempt);
	if (result < 0)
		return result;
	if (user_read_u32(&value, address) < 0) {
		futex_pi_forget(attempt);
		return -EFAULT;
	}
	spin_lock(&bucket->lock);
	if (user_read_u32(&value, address) < 0) {
		result = PI_RETRY;
	} else if (value != expected) {
		result = -EAGAIN;
	} else {
		lend_lock();
		result = move_locked(bucket, key, attempt, count, moved);
		lend_unlock();
	}
	spin_unlock(&bucket->lock);
	futex_pi_forget(attempt);
	return result;
}

long futex_requeue_pi(vaddr_t address, vaddr_t lock_address, bool shared, u32 wake, u32 move,
		      u32 expected)
{
	struct futex_pi_attempt attempt = {.address = lock_address};
	struct vm_word_key key;
	u32 moved = 0;

	if (wake != 1 || (s32)move < 0 || address == lock_address)
		return -EINVAL;
	int result = futex_find_key(address, shared, &key);
	if (result == 0)
		result = futex_find_key(lock_address, shared, &attempt.key);
	if (result < 0)
		return result;
	if (futex_same_key(&key, &attempt.key))
		return -EINVAL;
	do {
		result = try_move(address, &key, expected, &attempt, wake + move, &moved);
	} while (result == PI_RETRY && !task_kill_pending(current));
	return moved > 0 || result == PI_RETRY ? (long)moved : result;
}
