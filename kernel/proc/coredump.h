/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core dumps: the memory and registers of a process that a signal kills, in an ELF file (core(5)).
 */
#ifndef PROC_COREDUMP_H
#define PROC_COREDUMP_H

#include "lib/abi/signal.h"
#include "lib/types.h"

struct process;

/* What the file is called, with core(5)'s percent signs; at most this long. */
#define CORE_PATTERN_SIZE 128
void coredump_get_pattern(char *pattern); /* CORE_PATTERN_SIZE bytes */
/* -EINVAL when it is too long, or names a program ("|"). */
int __must_check coredump_set_pattern(const char *pattern);

/*
 * A signal ends the current process, and its default action is to leave a core: ends the other
 * threads and writes it, if limits and rights allow.  The exit status says so then.  The caller
 * goes on to exit.  May sleep.
 */
void coredump(const struct siginfo *info);

/* A thread that exits waits here while another one of its process writes a core.  May sleep. */
void coredump_park(void);

#endif
