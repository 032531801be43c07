/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between futex_pi.c and futex_requeue_pi.c.
 */
#ifndef IPC_FUTEX_PI_INTERNAL_H
#define IPC_FUTEX_PI_INTERNAL_H

#include "ipc/futex_internal.h"
#include "proc/lend.h"

struct futex_pi_state;

/* A task that waits for a lock; on its stack.  All under the lock of all lenders. */
struct futex_pi_waiter {
	struct list_head link;        /* in state->waiters */
	struct futex_pi_state *state; /* NULL: not queued */
	struct lender lender;         /* of its task's priority to the owner */
	bool granted;                 /* it has the lock; read without that lock, too */
	bool died;                    /* because the owner died: the word is still to be written */
};

/*
 * One attempt to take a lock: what its word said and who that is.  Prepared without locks, because
 * looking may sleep; if the word has changed since, the attempt is made again.
 */
struct futex_pi_attempt {
	vaddr_t address;
	struct vm_word_key key;
	u32 seen;
	struct task *owner; /* a reference, or NULL */
};

enum futex_pi_outcome { PI_TAKEN = 0, PI_QUEUED = 1, PI_RETRY = 2 };

/* Reads the word, which becomes present and writable.  0 or -EFAULT. */
int __must_check futex_pi_prepare(struct futex_pi_attempt *attempt);
/* After each successful prepare. */
void futex_pi_forget(struct futex_pi_attempt *attempt);

/* The current task is about to wait. */
void futex_pi_init_waiter(struct futex_pi_waiter *waiter);

/*
 * Takes the lock for the waiter's task or queues the waiter.  `more`: others will wait for it at once.
 * An outcome, or -EAGAIN with only_try, -EDEADLK, -EINVAL, -EPERM, -ESRCH, -ENOMEM.  The lock of
 * all lenders (proc/lend.h) is held.
 */
int __must_check futex_pi_take_locked(struct futex_pi_attempt *attempt,
				      struct futex_pi_waiter *waiter, bool only_try, bool more);

/* Sleeps until the lock is granted: 0, -ETIMEDOUT, -ERESTARTSYS. */
int __must_check futex_pi_sleep(struct futex_pi_waiter *waiter, nsec_t deadline);
/*
 * The end of a wait that came out as `result`: 0 when the lock was granted meanwhile, else it stays
 * and the waiter is queued no more.  -EFAULT when the word cannot be written.
 */
int __must_check futex_pi_finish(struct futex_pi_waiter *waiter, vaddr_t address, int result);

#endif
