/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/net/core, ipv4 and ipv6. */
#ifndef NET_INET_SETTINGS_H
#define NET_INET_SETTINGS_H

/* Registers them.  Once, at start-up. */
void inet_settings_init(void);

#endif
