/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running another program in the current process: execve(2).
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "lib/types.h"

/*
 * execveat(2): path in kernel memory; argv and envp are a program's arrays of pointers (0 stands
 * for an empty one). Returns 0, with the frame set to enter the new program, or negative errno.
 * After the point of no return an error kills the process.  May sleep.
 */
long exec_user(int dirfd, const char *path, vaddr_t argv, vaddr_t envp, int flags);

/* The same with NULL-terminated arrays in kernel memory: for the first program. */
long exec_kernel(const char *path, const char *const *argv, const char *const *envp);

/*
 * Turns the calling kernel thread into the first program (process 1): opens the console, tries
 * `path`, then, with `fall_back`, /sbin/init, /etc/init, /bin/init and /bin/sh.  argv[0] is
 * replaced by what is tried.  Panics when none can be run.
 */
void kernel_exec_init(const char *path, const char *const *argv, const char *const *envp,
		      bool fall_back) __noreturn;

/* The auxiliary vector that a program was given: /proc/PID/auxv.  process->lock. */
#define EXEC_AUXILIARY_WORDS 48
struct exec_auxiliary {
	u64 words[EXEC_AUXILIARY_WORDS]; /* pairs, AT_NULL included */
	u32 count;
};

#endif
