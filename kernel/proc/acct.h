/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process accounting, acct(2): a record in a file for every process that ends.
 *
 * A namespace of processes has at most one such file, which gets the records of the namespaces
 * below, too.  The file must have room: below a share of the file system that is free, records are
 * left out until there is more again.
 */
#ifndef PROC_ACCT_H
#define PROC_ACCT_H

#include "lib/types.h"

struct file;
struct pid_namespace;
struct process;

/* Turns it on for current's namespace; takes over the reference, in the sense of
 * file_hooks->append_close.  NULL: off.  0 or -ENOMEM (the reference stays the caller's).  May
 * sleep. */
int __must_check acct_set(struct file *file);

/* Current is the last thread of its process, has let its files go, and ends with a wait(2) status;
 * `pages` is how large its memory was.  May sleep. */
void acct_process_end(int status, u64 pages);
/* Is there anybody who wants records?  Without a lock. */
bool acct_is_on(void);

/* A namespace has come to its end.  May sleep. */
void acct_forget_namespace(const struct pid_namespace *space);

/* /proc/sys/kernel/acct: per cent free that turns it on again, and off; seconds between looks.
 * Single words. */
struct acct_settings {
	u32 resume, suspend, interval;
};
extern struct acct_settings acct_settings;

#endif
