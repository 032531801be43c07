/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of futexes share.
 *
 * Locks, outermost first: buckets, in the order of their addresses; the lock of all PI states
 * (futex_pi_internal.h).
 */
#ifndef IPC_FUTEX_INTERNAL_H
#define IPC_FUTEX_INTERNAL_H

#include "ipc/futex.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/task.h"

struct futex_pi_waiter;
struct task;

struct futex_bucket {
	spinlock_t lock;
	struct list_head waiters; /* lock */
} __cacheline;

struct futex_waiter {
	struct list_head link;                 /* bucket's lock; empty once woken */
	struct vm_word_key key;                /* bucket's lock */
	struct futex_bucket *bucket;           /* changes under the locks of both buckets */
	struct task *task;                     /* const */
	u32 bits;                              /* const */
	struct futex_pi_waiter *requeue;       /* const: FUTEX_WAIT_REQUEUE_PI's, or NULL */
	const struct vm_word_key *requeue_key; /* const: where it is to be moved */
};

/* The key of a word of current's memory.  -EINVAL when it is not aligned, -EFAULT. */
static inline int __must_check futex_find_key(vaddr_t address, bool shared, struct vm_word_key *key)
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
struct futex_bucket *futex_bucket_of(const struct vm_word_key *key);

static inline bool futex_same_key(const struct vm_word_key *left, const struct vm_word_key *right)
{
	return left->object == right->object && left->offset == right->offset;
}

/* A waiter whose key, task and bits are set goes on its bucket's list. */
void futex_enter(struct futex_waiter *waiter);
/* And leaves it; true if it was woken before. */
bool futex_leave(struct futex_waiter *waiter);

static inline bool futex_is_woken(const struct futex_waiter *waiter)
{
	return READ_ONCE(waiter->link.next) == &waiter->link;
}

/* Takes a waiter off its list and wakes it.  The bucket's lock is held. */
void futex_wake_waiter_locked(struct futex_waiter *waiter);

/* Two buckets, which may be the same. */
void futex_lock_pair(struct futex_bucket *left, struct futex_bucket *right);
void futex_unlock_pair(struct futex_bucket *left, struct futex_bucket *right);

/* Wakes up to `count` waiters whose bit set meets `bits`; how many, or -EINVAL, -EFAULT.  May
 * sleep. */
long futex_wake(vaddr_t address, bool shared, u32 count, u32 bits);

/* --- Locks with priority inheritance: futex_pi.c, futex_requeue_pi.c --- */

/* FUTEX_LOCK_PI and FUTEX_LOCK_PI2; `only_try`: FUTEX_TRYLOCK_PI. */
long futex_lock_pi(vaddr_t address, bool shared, nsec_t deadline, bool only_try);
long futex_unlock_pi(vaddr_t address, bool shared);
long futex_wait_requeue_pi(vaddr_t address, bool shared, u32 expected, nsec_t deadline,
			   vaddr_t lock_address);
long futex_requeue_pi(vaddr_t address, vaddr_t lock_address, bool shared, u32 wake, u32 move,
		      u32 expected);

/* The locks that a task holds go to those who wait for them. */
void futex_pi_release(struct task *task);
void futex_pi_init(void);

#endif
