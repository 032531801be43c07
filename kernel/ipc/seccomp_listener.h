/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are asked about other processes' system calls: seccomp_unotify(2). */
#ifndef IPC_SECCOMP_LISTENER_H
#define IPC_SECCOMP_LISTENER_H

/* Gives proc/seccomp.c its hooks.  Once, at start-up. */
void seccomp_listener_init(void);

#endif
