/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controls of network interfaces: netdevice(7).
 */
#ifndef NET_IOCTL_H
#define NET_IOCTL_H

#include "lib/types.h"

struct socket;

/*
 * What an ioctl(2) on any socket does that the socket's family does not know: 0, -ENOTTY for what is
 * no control of interfaces, -ENODEV, -EPERM, -EFAULT, and what the change says.  May sleep.
 */
long net_ioctl(struct socket *socket, unsigned command, vaddr_t argument);

#endif
