/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userfaultfd(2): a descriptor for the faults that a program resolves itself (mm/userfault.h).
 */
#ifndef IPC_USERFAULTFD_H
#define IPC_USERFAULTFD_H

#include "fs/file.h"
#include "lib/abi/userfault.h"

enum { UFFD_CLOEXEC = O_CLOEXEC, UFFD_NONBLOCK = O_NONBLOCK };

/* Whether those without CAP_SYS_PTRACE may ask about the kernel's faults: 0 or 1; read without
 * lock. */
extern u32 userfaultfd_unprivileged;

/* A descriptor for the current space, with checked flags; -EINVAL, -EMFILE, -ENFILE, -ENOMEM. */
int __must_check userfaultfd_open(u32 flags);
/* Registers /dev/userfaultfd; in a task, once. */
void userfaultfd_init(void);

#endif
