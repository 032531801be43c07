/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the calls on processes. */
#ifndef SYSCALL_PROCESS_INTERNAL_H
#define SYSCALL_PROCESS_INTERNAL_H

#include "proc/process.h"

struct user_iovec;

/* Writes a struct rusage to the program.  0 or -EFAULT. */
int __must_check put_rusage(vaddr_t address, const struct process_usage *usage);

/* Copies a structure of which the program says the size: what we do not know of it must be zero.
 * -E2BIG, -EFAULT. */
int __must_check copy_versioned(void *to, size_t known, vaddr_t from, size_t size);

/*
 * Copies a list of buffers that lie in another process; the addresses in it are checked when they
 * are used.  Freed by kfree.  ERR_PTR: -EINVAL, -EFAULT, -ENOMEM.
 */
struct user_iovec *copy_remote_vector(vaddr_t vector, size_t count);

#endif
