/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces as files: /proc/net/dev, /sys/class/net and /sys/devices/virtual/net.
 */
#ifndef NET_DEVICE_FILES_H
#define NET_DEVICE_FILES_H

/* Registers them.  Once, at start-up, after sysfs_init. */
void net_device_files_init(void);

#endif
