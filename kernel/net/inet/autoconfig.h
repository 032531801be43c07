/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's address from its command line: ip=, as Linux reads it (nfsroot(7) of Linux's
 * documentation, "Kernel parameters"), and /proc/net/pnp, which tells what came of it.
 */
#ifndef NET_INET_AUTOCONFIG_H
#define NET_INET_AUTOCONFIG_H

/* Does what ip= says, if it is there; waits for an answer of DHCP.  From the init thread, after the
 * drivers; sleeps. */
void inet_autoconfigure(const char *command_line);

#endif
