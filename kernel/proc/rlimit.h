/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits (getrlimit(2)): a table a process, embedded in struct process as `limits`.
 *
 * Reading one value needs no lock: words are read untorn.  The lock keeps the two values of a limit
 * together.
 */
#ifndef PROC_RLIMIT_H
#define PROC_RLIMIT_H

#include "lib/abi/resource.h"
#include "lib/types.h"

struct process;
struct vm_limits;

/* The first process's limits: Linux's defaults.  `max_tasks` bounds RLIMIT_NPROC and
 * RLIMIT_SIGPENDING. */
void rlimits_init(struct process *process, u64 max_tasks);
/* Fork. */
void rlimits_copy(struct process *child, struct process *parent);

/* What a fresh address space of the process (exec) is to know of its limits. */
void rlimits_to_space(const struct process *process, struct vm_limits *limits);
/* Tells mm who may map the lowest addresses, and what else privileges permit.  Once, by scheduler_init. */
void low_addresses_init(void);

/* The soft limit of current's process (of another). */
u64 rlimit_current(unsigned resource);
u64 rlimit_of(const struct process *process, unsigned resource);
struct rlimit64 rlimit_pair(struct process *process, unsigned resource);

/*
 * prlimit64(2) after the permission check: `update` and `old` may be NULL.  Tells the address space
 * about changes that concern it.  -EINVAL, -EPERM.
 */
int __must_check rlimit_exchange(struct process *process, unsigned resource,
				 const struct rlimit64 *update, struct rlimit64 *old);

#endif
