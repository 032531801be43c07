/* SPDX-License-Identifier: BSD-2-Clause */
/* Killing a process when memory is exhausted: see oom.c. */
#ifndef PROC_OOM_H
#define PROC_OOM_H

#include "lib/types.h"

struct process;

/* Offers itself to mm.  Once, by scheduler_init. */
void oom_init(void);

/* How much killing the process would help, in bytes moved by its oom_score_adjust; INT64_MIN: it is
 * exempt.  For /proc/PID/oom_score. process_tree_lock held. */
s64 oom_badness(struct process *process);

#endif
