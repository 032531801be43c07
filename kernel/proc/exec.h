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

/* The same with arrays in kernel memory, NULL-terminated.  For kernel threads: turns the caller
 * into a process's first thread. */
long exec_kernel(const char *path, const char *const *argv, const char *const *envp);

/*
 * Turns the calling kernel thread into the first program (process 1): opens the console, tries
 * `path` when not NULL (init= or /init), then, unless the path was asked for on the command line,
 * /sbin/init, /etc/init, /bin/init, /bin/sh. Panics when none can be run.
 */
void kernel_exec_init(const char *path, const char *const *argv, const char *const *envp,
		      bool fall_back) __noreturn;

/* What /proc/PID shows of the program's memory; filled by exec, changed by prctl; process->lock. */
struct exec_layout {
	vaddr_t arguments_start, arguments_end;
	vaddr_t environment_start, environment_end;
	vaddr_t stack_start;
	vaddr_t code_start, code_end, data_start, data_end;
	vaddr_t break_start;
	vaddr_t entry;
	u64 auxiliary[48]; /* the auxiliary vector, for /proc/PID/auxv */
	u32 auxiliary_words;
};

#endif
