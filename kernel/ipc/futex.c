/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: sleeping on a word, and waking.
 *
 * Each bucket of the table has a lock and the waiters whose keys hash to it, oldest first.  A
 * waiter lives on its thread's stack; it is on a list exactly as long as nobody has woken it.
 *
 * No wake-up is lost: the waiter enters the list first and reads the word afterwards, the waker has
 * changed the word first and looks at the list afterwards.  Either the waiter's entry into the
 * bucket's lock came before the waker's, so that the waker finds it, or after it, so that it reads
 * the new word.  The word is read without the lock, because that may fault and sleep.  A waiter
 * that finds another value than expected, but was taken off the list meanwhile, has used up a
 * wake-up and must report success.
 *
 * A waker wakes under the bucket's lock, and a waiter passes through that lock before it returns,
 * so the waiter and its task are there while they are looked at.  Two buckets are locked in the
 * order of their addresses.  Wake-ups of the same bucket go in the order of arrival.
 */
#include "ipc/futex.h"

#include "arch/usercopy.h"
#include "ipc/futex_internal.h"
#include "lib/abi/futex.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/hooks.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/time.h"

enum { BUCKET_BITS = 8, BUCKETS = 1 << BUCKET_BITS };

static struct futex_bucket buckets[BUCKETS];

/* Fibonacci hashing: the upper bits of the product with 2^64 over the golden ratio. */
static inline struct futex_bucket *bucket_of(const struct vm_word_key *key)
{
	u64 sum = (uintptr_t)key->object + key->offset;

	return &buckets[sum * 0x9e3779b97f4a7c15 >> (64 - BUCKET_BITS)];
}

struct futex_bucket *futex_bucket_of(const struct vm_word_key *key)
{
	return bucket_of(key);
}

/* A waiter's bucket changes when it is requeued: lock the one that it is in. */
static struct futex_bucket *lock_bucket_of_waiter(struct futex_waiter *waiter)
{
	for (;;) {
		struct futex_bucket *bucket = READ_ONCE(waiter->bucket);

		spin_lock(&bucket->lock);
		if (bucket == waiter->bucket)
			return bucket;
		spin_unlock(&bucket->lock);
	}
}

static inline bool leave(struct futex_waiter *waiter)
{
	struct futex_bucket *bucket = lock_bucket_of_waiter(waiter);
	bool woken = list_empty(&waiter->link);

	list_remove(&waiter->link);
	spin_unlock(&bucket->lock);
	return woken;
}

bool futex_leave(struct futex_waiter *waiter)
{
	return leave(waiter);
}

static inline void enter(struct futex_waiter *waiter)
{
	struct futex_bucket *bucket = bucket_of(&waiter->key);

	waiter->bucket = bucket;
	spin_lock(&bucket->lock);
	list_add_tail(&waiter->link, &bucket->waiters);
	spin_unlock(&bucket->lock);
}

void futex_enter(struct futex_waiter *waiter)
{
	enter(waiter);
}

/* Sleeps until woken: 0, -ERESTARTSYS, -ETIMEDOUT. */
static inline int sleep_until_woken(struct futex_waiter *waiter, nsec_t deadline)
{
	int result = 0;

	while (result == 0) {
		task_set_state(TASK_INTERRUPTIBLE);
		if (futex_is_woken(waiter))
			break;
		result = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
	}
	task_set_state(TASK_RUNNING);
	return leave(waiter) ? 0 : result;
}

static int wait_once(vaddr_t address, bool shared, u32 expected, nsec_t deadline, u32 bits)
{
	struct futex_waiter waiter;
	u32 value;
	int result = futex_find_key(address, shared, &waiter.key);

	if (result < 0)
		return result;
	waiter.task = current;
	waiter.bits = bits;
	waiter.requeue = NULL;
	enter(&waiter);
	result = arch_get_user_u32(&value, address);
	if (result == 0 && value != expected)
		result = -EAGAIN;
	if (result < 0)
		return leave(&waiter) ? 0 : result;
	return sleep_until_woken(&waiter, deadline);
}

/* restart_syscall(2): the deadline is the one of the first attempt. */
static long resume_wait(struct task *task);

static long futex_wait(vaddr_t address, bool shared, u32 expected, nsec_t deadline, u32 bits)
{
	if (bits == 0)
		return -EINVAL;
	int result = wait_once(address, shared, expected, deadline, bits);

	if (result != -ERESTARTSYS || deadline == NO_DEADLINE)
		return result;
	current->restart[0] = address;
	current->restart[1] = shared;
	current->restart[2] = expected;
	current->restart[3] = deadline;
	current->restart[4] = bits;
	return signal_restart_later(resume_wait);
}

static long resume_wait(struct task *task)
{
	return futex_wait((vaddr_t)task->restart[0], task->restart[1] != 0, (u32)task->restart[2],
			  task->restart[3], (u32)task->restart[4]);
}

void futex_wake_waiter_locked(struct futex_waiter *waiter)
{
	struct task *task = waiter->task;

	list_remove(&waiter->link);
	task_wake_if(task, TASK_INTERRUPTIBLE);
}

static long wake_locked(struct futex_bucket *bucket, const struct vm_word_key *key, u32 count,
			u32 bits)
{
	struct futex_waiter *waiter, *following;
	long woken = 0;

	list_for_each_entry_safe (waiter, following, &bucket->waiters, link) {
		if (!(waiter->bits & bits) || !futex_same_key(&waiter->key, key))
			continue;
		if (woken >= count)
			break;
		if (waiter->requeue != NULL)
			return -EINVAL;
		futex_wake_waiter_locked(waiter);
		if (++woken == count)
			break;
	}
	return woken;
}

long futex_wake(vaddr_t address, bool shared, u32 count, u32 bits)
{
	struct vm_word_key key;
	int result = futex_find_key(address, shared, &key);

	if (result < 0)
		return result;
	if (bits == 0)
		return -EINVAL;
	struct futex_bucket *bucket = bucket_of(&key);
	spin_lock(&bucket->lock);
	long woken = wake_locked(bucket, &key, count, bits);
	spin_unlock(&bucket->lock);
	return woken;
}

void futex_lock_pair(struct futex_bucket *left, struct futex_bucket *right)
{
	if (left > right) {
		futex_lock_pair(right, left);
		return;
	}
	spin_lock(&left->lock);
	if (left != right)
		spin_lock_nested(&right->lock, 1);
}

void futex_unlock_pair(struct futex_bucket *left, struct futex_bucket *right)
{
	spin_unlock(&left->lock);
	if (left != right)
		spin_unlock(&right->lock);
}

/* Wakes the first `wake` waiters of a word and moves up to `move` more to another; how many of
 * both. */
static long requeue_locked(struct futex_bucket *from, const struct vm_word_key *from_key,
			   struct futex_bucket *to, const struct vm_word_key *to_key, u32 wake,
			   u32 move)
{
	struct futex_waiter *waiter, *following;
	u32 woken = 0, moved = 0;
	struct list_head arrivals = LIST_INIT(arrivals);

	list_for_each_entry_safe (waiter, following, &from->waiters, link) {
		if (!futex_same_key(&waiter->key, from_key))
			continue;
		if (waiter->requeue != NULL) {
			list_splice_tail(&arrivals, &to->waiters);
			return -EINVAL;
		}
		if (woken < wake) {
			futex_wake_waiter_locked(waiter);
			woken++;
		} else if (moved < move) {
			list_move_tail(&waiter->link, &arrivals);
			waiter->key = *to_key;
			WRITE_ONCE(waiter->bucket, to);
			moved++;
		} else {
			break;
		}
	}
	list_splice_tail(&arrivals, &to->waiters);
	return (long)woken + moved;
}

/* FUTEX_REQUEUE, and with `compare` FUTEX_CMP_REQUEUE, which reads the word under the locks,
 * without sleeping. */
static long futex_requeue(vaddr_t address, vaddr_t address2, bool shared, u32 wake, u32 move,
			  const u32 *compare)
{
	struct vm_word_key from_key, to_key;
	u32 value;

	if ((s32)wake < 0 || (s32)move < 0)
		return -EINVAL;
	int result = futex_find_key(address, shared, &from_key);
	if (result == 0)
		result = futex_find_key(address2, shared, &to_key);
	if (result < 0)
		return result;
	struct futex_bucket *from = futex_bucket_of(&from_key), *to = futex_bucket_of(&to_key);
	for (;;) {
		if (compare != NULL && user_read_u32(&value, address) < 0)
			return -EFAULT;
		futex_lock_pair(from, to);
		if (compare == NULL || user_read_u32(&value, address) == 0)
			break;
		futex_unlock_pair(from, to);
	}
	long count = compare != NULL && value != *compare
			     ? -EAGAIN
			     : requeue_locked(from, &from_key, to, &to_key, wake, move);
	futex_unlock_pair(from, to);
	return count;
}

static bool compare_old(u32 comparison, s32 old, s32 operand, bool *valid)
{
	*valid = true;
	switch (comparison) {
	case FUTEX_OP_CMP_EQ:
		return old == operand;
	case FUTEX_OP_CMP_NE:
		return old != operand;
	case FUTEX_OP_CMP_LT:
		return old < operand;
	case FUTEX_OP_CMP_LE:
		return old <= operand;
	case FUTEX_OP_CMP_GT:
		return old > operand;
	case FUTEX_OP_CMP_GE:
		return old >= operand;
	default:
		*valid = false;
		return false;
	}
}

static const enum user_atomic word_operations[] = {
	[FUTEX_OP_SET] = USER_ATOMIC_SET, [FUTEX_OP_ADD] = USER_ATOMIC_ADD,
	[FUTEX_OP_OR] = USER_ATOMIC_OR,   [FUTEX_OP_ANDN] = USER_ATOMIC_ANDN,
	[FUTEX_OP_XOR] = USER_ATOMIC_XOR,
};

/*
 * FUTEX_WAKE_OP: changes the second word, wakes waiters of the first, and of the second if its old
 * value compares.  The change needs no bucket's lock: as far as waiters can tell the program itself
 * might have made it.
 */
static long futex_wake_op(vaddr_t address, vaddr_t address2, bool shared, u32 wake, u32 wake2,
			  u32 packed)
{
	u32 operation = packed >> 28 & 7;
	u32 comparison = packed >> 24 & 15;
	s32 operand = (s32)(packed << 8) >> 20;
	s32 compare_operand = (s32)(packed << 20) >> 20;
	struct vm_word_key key, key2;
	bool valid;
	u32 old;

	int result = futex_find_key(address, shared, &key);
	if (result == 0)
		result = futex_find_key(address2, shared, &key2);
	if (result < 0)
		return result;
	if (operation >= ARRAY_SIZE(word_operations) || comparison > FUTEX_OP_CMP_GE)
		return -ENOSYS;
	if (packed >> 28 & FUTEX_OP_OPARG_SHIFT)
		operand = (s32)(1u << (operand & 31));
	result = arch_user_atomic_u32(word_operations[operation], address2, (u32)operand, &old);
	if (result < 0)
		return result;
	bool second = compare_old(comparison, (s32)old, compare_operand, &valid);

	struct futex_bucket *bucket = futex_bucket_of(&key), *bucket2 = futex_bucket_of(&key2);
	futex_lock_pair(bucket, bucket2);
	long woken = wake_locked(bucket, &key, wake, FUTEX_BITSET_MATCH_ANY);
	if (second && woken >= 0)
		woken += wake_locked(bucket2, &key2, wake2, FUTEX_BITSET_MATCH_ANY);
	futex_unlock_pair(bucket, bucket2);
	return woken;
}

/* The time-out of a wait as a monotonic deadline.  Only FUTEX_WAIT's is relative, and only
 * FUTEX_LOCK_PI always means the real-time clock. */
static int read_deadline(vaddr_t timeout, int command, bool realtime, nsec_t *deadline)
{
	nsec_t time;

	*deadline = NO_DEADLINE;
	if (timeout == 0)
		return 0;
	int result = timespec_from_user(&time, timeout);
	if (result < 0)
		return result;
	realtime = realtime || command == FUTEX_LOCK_PI;
	return time_deadline(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, time,
			     command != FUTEX_WAIT, deadline);
}

/* FUTEX_WAIT and FUTEX_WAIT_BITSET. */
static long wait_call(vaddr_t address, int command, bool shared, bool realtime, u32 value,
		      vaddr_t timeout, u32 bits)
{
	nsec_t deadline = NO_DEADLINE;
	int result = 0;

	if (timeout != 0)
		result = read_deadline(timeout, command, realtime, &deadline);
	return result < 0 ? result : futex_wait(address, shared, value, deadline, bits);
}

/* The commands on locks. */
static long lock_call(vaddr_t address, int command, bool shared, bool realtime, u32 value,
		      vaddr_t timeout, vaddr_t address2)
{
	nsec_t deadline;
	int result = read_deadline(timeout, command, realtime, &deadline);

	if (result < 0)
		return result;
	if (command == FUTEX_WAIT_REQUEUE_PI)
		return futex_wait_requeue_pi(address, shared, value, deadline, address2);
	return futex_lock_pi(address, shared, deadline, false);
}

static __noinline long rare_call(vaddr_t address, int operation, u32 value, vaddr_t timeout,
				 vaddr_t address2, u32 value3)
{
	bool shared = !(operation & FUTEX_PRIVATE_FLAG);
	bool realtime = operation & FUTEX_CLOCK_REALTIME;
	int command = operation & FUTEX_COMMAND_MASK;

	switch (command) {
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return lock_call(address, command, shared, realtime, value, timeout, address2);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, shared, MAX(value, 1u), value3);
	case FUTEX_REQUEUE:
		return futex_requeue(address, address2, shared, value, (u32)timeout, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(address, address2, shared, value, (u32)timeout, &value3);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_requeue_pi(address, address2, shared, value, (u32)timeout, value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(address, address2, shared, value, (u32)timeout, value3);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(address, shared, NO_DEADLINE, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(address, shared);
	default:
		return -ENOSYS;
	}
}

long futex_call(vaddr_t address, int operation, u32 value, vaddr_t timeout, vaddr_t address2,
		u32 value3)
{
	int command = operation & FUTEX_COMMAND_MASK;
	bool shared = !(operation & FUTEX_PRIVATE_FLAG);
	bool realtime = operation & FUTEX_CLOCK_REALTIME;

	if (unlikely(realtime) && command != FUTEX_WAIT_BITSET &&
	    command != FUTEX_WAIT_REQUEUE_PI && command != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (command == FUTEX_WAKE)
		return futex_wake(address, shared, MAX(value, 1u), FUTEX_BITSET_MATCH_ANY);
	if (command == FUTEX_WAIT)
		value3 = FUTEX_BITSET_MATCH_ANY;
	if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET)
		return wait_call(address, command, shared, realtime, value, timeout, value3);
	return rare_call(address, operation, value, timeout, address2, value3);
}

void futex_wake_address(vaddr_t address, u32 count)
{
	long woken = futex_wake(address, true, count, FUTEX_BITSET_MATCH_ANY);

	(void)woken;
}

/* The task gives up its memory: its locks go to others. */
static void release(struct task *task)
{
	futex_exit_robust(task);
	futex_pi_release(task);
}

static const struct futex_hooks hooks = {
	.release = release,
	.wake = futex_wake_address,
};

void futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_lock_init(&buckets[i].lock);
		list_init(&buckets[i].waiters);
	}
	futex_pi_init();
	futex_hooks = &hooks;
}
