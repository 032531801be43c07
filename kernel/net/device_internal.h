/* SPDX-License-Identifier: BSD-2-Clause */
/* Between device.c, device_change.c and device_thread.c. */
#ifndef NET_DEVICE_INTERNAL_H
#define NET_DEVICE_INTERNAL_H

#include "lib/sync.h"
#include "net/device.h"

extern mutex_t net_devices_lock; /* the registry's */

/* Is the name taken, or is there room under a template?  Under the registry's mutex. */
struct net_device *net_device_find_locked(const char *name);
/* Tells those who subscribed. */
void net_device_tell_locked(struct net_device *device, enum net_event event, u32 changed);
int net_device_change_flags_locked(struct net_device *device, u32 flags);

/* The thread looks at the device no more.  Sleeps. */
void net_device_unschedule(struct net_device *device);

#endif
