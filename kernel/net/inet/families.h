/* SPDX-License-Identifier: BSD-2-Clause */
/* The families AF_INET and AF_INET6, for start-up. */
#ifndef NET_INET_FAMILIES_H
#define NET_INET_FAMILIES_H

void inet_init(void); /* once, after stack_init */

#endif
