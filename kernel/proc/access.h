/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May one process look into another's memory?  The rules of ptrace(2), "Ptrace access mode
 * checking".
 */
#ifndef PROC_ACCESS_H
#define PROC_ACCESS_H

#include "lib/types.h"

struct address_space;
struct task;

/*
 * Is the current task allowed to inspect `task`, judged by its real user and group (the modes
 * PTRACE_MODE_READ_REALCREDS and PTRACE_MODE_ATTACH_REALCREDS)?  0 or -EPERM.
 */
int __must_check task_may_inspect(struct task *task);

/*
 * The memory of the thread with that number (0: the current task's own) for inspection, with a
 * reference in *space.  0; -ESRCH: no such thread; -EPERM; `no_memory` (a negative errno) for a
 * kernel thread, or one that has left its memory.
 */
int __must_check task_inspect_space(pid_t tid, int no_memory, struct address_space **space);

#endif
