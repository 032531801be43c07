/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commitment: how much memory programs were promised, and whether one more promise is made
 * (overcommit_memory in proc_sys_vm(5)).
 *
 * Private writable mappings and shared anonymous memory are promises: the frames come when they are
 * touched.  In heuristic mode only a request that could never be met is refused; in strict mode
 * the sum of all promises stays within swap and a part of memory.
 *
 * A check and the counting that follows are two steps, so programs that ask at the same time can
 * together pass the limit by what they asked for.  Nothing depends on exactness.
 */
#ifndef MM_COMMIT_H
#define MM_COMMIT_H

#include "lib/types.h"

struct address_space;

/* As /proc/sys/vm/overcommit_memory numbers them. */
enum commit_mode { COMMIT_HEURISTIC, COMMIT_ALWAYS, COMMIT_STRICT, COMMIT_MODES };

/* For a reserve: the kernel's own choice, a 32nd of memory up to a bound. */
#define COMMIT_DEFAULT UINT64_MAX

/* Each field is read and written by itself, with single loads and stores. */
struct commit_settings {
	u32 mode;         /* enum commit_mode */
	u32 ratio;        /* strict: per cent of memory that may be promised */
	u64 kbytes;       /* … or that many KiB, when not 0 */
	u64 admin_kbytes; /* strict: kept for privileged programs */
	u64 user_kbytes;  /* strict: kept from a single large program */
};
extern struct commit_settings commit_settings;

/* The reserves in force, in KiB. */
u64 commit_admin_reserve(void);
u64 commit_user_reserve(void);

/* Notes that so many pages more (fewer, if negative) are promised.  Any context. */
void commit_account(s64 pages);
/* Pages that are promised, over all programs. */
size_t commit_total(void);
/* Pages that may be promised in strict mode. */
size_t commit_limit(void);

/* May so many pages more be promised to the space (NULL: to none in particular)?  0 or -ENOMEM.
 * Does not sleep. */
int __must_check commit_check(const struct address_space *space, size_t pages);
/* The same for all that fork promises a second time. */
int __must_check commit_check_fork(const struct address_space *parent);

/* Is MAP_NORESERVE heeded?  Not in strict mode. */
static inline bool commit_heeds_noreserve(void)
{
	return READ_ONCE(commit_settings.mode) != COMMIT_STRICT;
}

/* Says whether the current task may use the reserve of the privileged; proc's, once.  Must not
 * sleep. */
void commit_set_privilege_hook(bool (*hook)(void));

#endif
