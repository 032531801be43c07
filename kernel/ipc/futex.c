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
#include "lib/hash.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/hooks.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/time.h"

enum { BUCKETS = 256 };

struct bucket {
	spinlock_t lock;
	struct list_head waiters; /* lock */
} __cacheline;

struct futex_waiter {
	struct list_head link;  /* bucket's lock; empty once woken */
	struct vm_word_key key; /* bucket's lock */
	struct bucket *bucket;  /* changes under the locks of both buckets */
	struct task *task;      /* const */
	u32 bits;               /* const */
};

static struct bucket buckets[BUCKETS];

static int find_key(vaddr_t address, bool shared, struct vm_word_key *key)
{
	if (address % sizeof(u32) != 0)
		return -EINVAL;
	if (!user_range_ok(address, sizeof(u32)))
		return -EFAULT;
	if (shared)
		return vmm_word_key(current->space, address, true, key);
	key->object = current->space;
	key->offset = address;
	return 0;
}

static struct bucket *bucket_of(const struct vm_word_key *key)
{
	return &buckets[hash_u64((uintptr_t)key->object + key->offset) % BUCKETS];
}

static bool same_key(const struct vm_word_key *left, const struct vm_word_key *right)
{
	return left->object == right->object && left->offset == right->offset;
}

/* A waiter's bucket changes when it is requeued: lock the one that it is in. */
static struct bucket *lock_bucket_of_waiter(struct futex_waiter *waiter)
{
	for (;;) {
		struct bucket *bucket = READ_ONCE(waiter->bucket);

		spin_lock(&bucket->lock);
		if (bucket == waiter->bucket)
			return bucket;
		spin_unlock(&bucket->lock);
	}
}

/* Leaves the list; true if it was woken before. */
static bool leave(struct futex_waiter *waiter)
{
	struct bucket *bucket = lock_bucket_of_waiter(waiter);
	bool woken = list_empty(&waiter->link);

	list_remove(&waiter->link);
	spin_unlock(&bucket->lock);
	return woken;
}

static bool is_woken(const struct futex_waiter *waiter)
{
	return READ_ONCE(waiter->link.next) == &waiter->link;
}

/* Sleeps until woken: 0, -ERESTARTSYS, -ETIMEDOUT. */
static int sleep_until_woken(struct futex_waiter *waiter, nsec_t deadline)
{
	int result = 0;

	while (result == 0) {
		task_set_state(TASK_INTERRUPTIBLE);
		if (is_woken(waiter))
			break;
		result = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
	}
	task_set_state(TASK_RUNNING);
	return leave(waiter) ? 0 : result;
}

static int wait_once(vaddr_t address, bool shared, u32 expected, nsec_t deadline, u32 bits)
{
	struct futex_waiter waiter = {.task = current, .bits = bits};
	u32 value;
	int result = find_key(address, shared, &waiter.key);

	if (result < 0)
		return result;
	struct bucket *bucket = bucket_of(&waiter.key);
	waiter.bucket = bucket;
	spin_lock(&bucket->lock);
	list_add_tail(&waiter.link, &bucket->waiters);
	spin_unlock(&bucket->lock);

	result = user_read_u32(&value, address);
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

static void wake_waiter_locked(struct futex_waiter *waiter)
{
	struct task *task = waiter->task;

	list_remove(&waiter->link);
	task_wake_if(task, TASK_INTERRUPTIBLE);
}

static long wake_locked(struct bucket *bucket, const struct vm_word_key *key, u32 count, u32 bits)
{
	struct futex_waiter *waiter, *following;
	long woken = 0;

	list_for_each_entry_safe (waiter, following, &bucket->waiters, link) {
		if (woken >= count)
			break;
		if (!(waiter->bits & bits) || !same_key(&waiter->key, key))
			continue;
		wake_waiter_locked(waiter);
		woken++;
	}
	return woken;
}

long futex_wake(vaddr_t address, bool shared, u32 count, u32 bits)
{
	struct vm_word_key key;
	int result = find_key(address, shared, &key);

	if (result < 0)
		return result;
	if (bits == 0)
		return -EINVAL;
	struct bucket *bucket = bucket_of(&key);
	spin_lock(&bucket->lock);
	long woken = wake_locked(bucket, &key, count, bits);
	spin_unlock(&bucket->lock);
	return woken;
}

static void lock_pair(struct bucket *left, struct bucket *right)
{
	if (left > right) {
		lock_pair(right, left);
		return;
	}
	spin_lock(&left->lock);
	if (left != right)
		spin_lock(&right->lock);
}

static void unlock_pair(struct bucket *left, struct bucket *right)
{
	spin_unlock(&left->lock);
	if (left != right)
		spin_unlock(&right->lock);
}

/* Wakes the first `wake` waiters of a word and moves up to `move` more to another; how many of
 * both. */
static long requeue_locked(struct bucket *from, const struct vm_word_key *from_key,
			   struct bucket *to, const struct vm_word_key *to_key, u32 wake, u32 move)
{
	struct futex_waiter *waiter, *following;
	u32 woken = 0, moved = 0;
	struct list_head arrivals = LIST_INIT(arrivals);

	list_for_each_entry_safe (waiter, following, &from->waiters, link) {
		if (!same_key(&waiter->key, from_key))
			continue;
		if (woken < wake) {
			wake_waiter_locked(waiter);
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
	int result = find_key(address, shared, &from_key);
	if (result == 0)
		result = find_key(address2, shared, &to_key);
	if (result < 0)
		return result;
	struct bucket *from = bucket_of(&from_key), *to = bucket_of(&to_key);
	for (;;) {
		if (compare != NULL && user_read_u32(&value, address) < 0)
			return -EFAULT;
		lock_pair(from, to);
		if (compare == NULL || user_read_u32(&value, address) == 0)
			break;
		unlock_pair(from, to);
	}
	long count = compare != NULL && value != *compare
			     ? -EAGAIN
			     : requeue_locked(from, &from_key, to, &to_key, wake, move);
	unlock_pair(from, to);
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

	int result = find_key(address, shared, &key);
	if (result == 0)
		result = find_key(address2, shared, &key2);
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

	struct bucket *bucket = bucket_of(&key), *bucket2 = bucket_of(&key2);
	lock_pair(bucket, bucket2);
	long woken = wake_locked(bucket, &key, wake, FUTEX_BITSET_MATCH_ANY);
	if (second)
		woken += wake_locked(bucket2, &key2, wake2, FUTEX_BITSET_MATCH_ANY);
	unlock_pair(bucket, bucket2);
	return woken;
}

/* The time-out of a wait as a monotonic deadline: relative for FUTEX_WAIT, absolute for
 * FUTEX_WAIT_BITSET. */
static int read_deadline(vaddr_t timeout, int command, bool realtime, nsec_t *deadline)
{
	nsec_t time;

	*deadline = NO_DEADLINE;
	if (timeout == 0)
		return 0;
	int result = timespec_from_user(&time, timeout);
	if (result < 0)
		return result;
	return time_deadline(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, time,
			     command == FUTEX_WAIT_BITSET, deadline);
}

long futex_call(vaddr_t address, int operation, u32 value, vaddr_t timeout, vaddr_t address2,
		u32 value3)
{
	int command = operation & FUTEX_COMMAND_MASK;
	bool shared = !(operation & FUTEX_PRIVATE_FLAG);
	bool realtime = operation & FUTEX_CLOCK_REALTIME;
	nsec_t deadline;
	int result;

	if (realtime && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		result = read_deadline(timeout, command, realtime, &deadline);
		if (result < 0)
			return result;
		return futex_wait(address, shared, value, deadline,
				  command == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : value3);
	case FUTEX_WAKE:
		return futex_wake(address, shared, MAX(value, 1u), FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, shared, MAX(value, 1u), value3);
	case FUTEX_REQUEUE:
		return futex_requeue(address, address2, shared, value, (u32)timeout, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(address, address2, shared, value, (u32)timeout, &value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(address, address2, shared, value, (u32)timeout, value3);
	default:
		return -ENOSYS;
	}
}

void futex_wake_address(vaddr_t address, u32 count)
{
	long woken = futex_wake(address, true, count, FUTEX_BITSET_MATCH_ANY);

	(void)woken;
}

static const struct futex_hooks hooks = {
	.release = futex_exit_robust,
	.wake = futex_wake_address,
};

void futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&buckets[i].waiters);
	futex_hooks = &hooks;
}
