/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets between the processes of one machine: unix(7).
 */
#ifndef NET_UNIX_UNIX_H
#define NET_UNIX_UNIX_H

/* Registers the family, and /proc/net/unix.  Once, at start-up, after procfs_init. */
void unix_init(void);

#endif
