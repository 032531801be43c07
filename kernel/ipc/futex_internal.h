/* SPDX-License-Identifier: BSD-2-Clause */
/* What ipc/futex.c and ipc/futex_robust.c share. */
#ifndef IPC_FUTEX_INTERNAL_H
#define IPC_FUTEX_INTERNAL_H

#include "ipc/futex.h"
#include "lib/types.h"

/* Wakes up to `count` waiters whose bit set meets `bits`; how many, or -EINVAL, -EFAULT.  May
 * sleep. */
long futex_wake(vaddr_t address, bool shared, u32 count, u32 bits);

#endif
