/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP, its port and our interfaces, addresses and routes as a program of the host: one card,
 * eth0 with 10.0.2.15/24, to which frames are given, and what it sends.
 */
#ifndef TESTS_HOST_NET_STACK_HOST_H
#define TESTS_HOST_NET_STACK_HOST_H

#include "net/device.h"

extern struct net_device card;
extern u32 frames_sent;              /* since host_stack_begin */
extern u8 last_sent[NET_FRAME_ROOM]; /* the newest, */
extern u32 last_length;              /* and its length */
extern u64 bytes_received;           /* through the TCP, UDP and raw endpoints */

/* A fresh card, with a listener at TCP port 80 and an endpoint at UDP port 53. */
void host_stack_begin(void);
/* A frame comes in; `shared`: somebody else looks at it, too. */
void host_stack_receive(const u8 *bytes, u32 length, bool shared);
/* So many seconds go by. */
void host_stack_wait(u32 seconds);
/* Takes everything down.  How many blocks of memory are left that were not there before. */
long host_stack_end(void);

#endif
