/* SPDX-License-Identifier: BSD-2-Clause */
/* membarrier(2): a memory barrier on every CPU that runs certain programs. */
#ifndef PROC_MEMBARRIER_H
#define PROC_MEMBARRIER_H

#include "lib/types.h"

/*
 * The call; `cpu` counts with MEMBARRIER_FLAG_CPU only.  0, the commands that there are
 * (MEMBARRIER_QUERY), -EINVAL, -EPERM for a private command that was not registered for.
 */
long membarrier(int command, u32 flags, int cpu);

#endif
