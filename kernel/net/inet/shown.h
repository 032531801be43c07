/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets of AF_INET and AF_INET6 as tools see them: in /proc/net and over NETLINK_SOCK_DIAG.
 */
#ifndef NET_INET_SHOWN_H
#define NET_INET_SHOWN_H

#include "lib/types.h"

struct inet_shown {
	u8 family; /* of the socket */
	u8 protocol;
	u8 state; /* LINUX_TCP_*; of datagram sockets ESTABLISHED when connected, else CLOSE */
	u8 local[16] __attribute__((aligned(4))), remote[16] __attribute__((aligned(4)));
	u16 local_port, remote_port;
	u32 receive_queue, send_queue; /* bytes; listening: connections that wait, and may */
	uid_t uid;                     /* the kernel's number */
	u64 inode;                     /* 0: it has no file (any more) */
	u32 device;                    /* bound to; 0: none */
	u32 dropped;
	u8 timer, retransmits; /* as /proc/net/tcp has them */
};

/*
 * Calls visit for each socket of a protocol (IPPROTO_TCP, _UDP, _ICMP, _RAW for all raw sockets) and
 * family until it returns something but 0, which is the result.  Under the stack's lock.
 */
int inet_shown_for_each(int family, int protocol,
			int (*visit)(const struct inet_shown *shown, void *context), void *context);

/* Registers /proc/net/tcp and its like.  Once, at start-up. */
void inet_shown_init(void);

#endif
