/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces as files: /proc/net/dev, /sys/class/net and /sys/devices/virtual/net.
 */
#ifndef NET_DEVICE_FILES_H
#define NET_DEVICE_FILES_H

#include "lib/types.h"

/* Registers them.  Once, at start-up, after sysfs_init. */
void net_device_files_init(void);

/* /proc/net/route and its like.  Once, likewise. */
void net_route_files_init(void);

struct proc_node;
/* Does a file of /proc/PID/net show the first namespace? */
bool proc_net_is_first(const struct proc_node *node);

#endif
