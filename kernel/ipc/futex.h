/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes (futex(2)): sleeping on a word of a program's memory.
 *
 * A hash table of buckets, each a lock and a list of waiters.  A waiter is named by a key: (address
 * space, address) for private words, (object, offset) for words in shared mappings, so that all who
 * map it meet.
 */
#ifndef IPC_FUTEX_H
#define IPC_FUTEX_H

#include "lib/types.h"

struct task;

/* Sizes the table, and fills in proc's futex_hooks. */
void futex_init(void);

/* futex(2); `timeout` is the address of a timespec, or a count for the operations that move
 * waiters. */
long futex_call(vaddr_t address, int operation, u32 value, vaddr_t timeout, vaddr_t address2,
		u32 value3);

/* futex_waitv(2): `vector` is the address of `count` struct futex_waitv. */
long futex_wait_any(vaddr_t vector, u32 count, nsec_t deadline);

/* Wakes up to `count` waiters on a word of current's memory; errors are ignored.  For
 * clear_child_tid: shared form. */
void futex_wake_address(vaddr_t address, u32 count);

/*
 * The current thread gives up its memory (exit, or exec): marks its robust locks as abandoned and
 * wakes a waiter of each. Trusts nothing in the list.  May sleep.
 */
void futex_exit_robust(struct task *task);

#endif
