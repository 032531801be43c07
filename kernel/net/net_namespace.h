/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of the network (network_namespaces(7)): what each has of its own are the abstract names
 * of Unix sockets.
 */
#ifndef NET_NET_NAMESPACE_H
#define NET_NET_NAMESPACE_H

#include "proc/namespace.h"

void net_namespaces_init(void); /* once */

#endif
