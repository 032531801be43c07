/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the interfaces' controls share.  All may sleep; 0 or an error.
 */
#ifndef NET_IOCTL_INTERNAL_H
#define NET_IOCTL_INTERNAL_H

#include "net/device.h"

/* An IPv4 address, mask or broadcast address by the name in the request. */
int __must_check net_ioctl_get_address(unsigned command, struct linux_ifreq *request);
int __must_check net_ioctl_set_address(struct net_device *device, unsigned command,
				       const struct linux_ifreq *request);
/* SIOCGIFCONF; empty: there is none. */
int __must_check net_ioctl_list(vaddr_t argument, bool empty);
/* SIOCADDRT, SIOCDELRT. */
int __must_check net_ioctl_route(bool add, vaddr_t argument);

#endif
