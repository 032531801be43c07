/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams and what comes along with them as programs see them: udp(7), raw(7), icmp(7), ip(7). */
#ifndef LIB_ABI_DATAGRAM_H
#define LIB_ABI_DATAGRAM_H

#include "lib/types.h"

enum { SOL_IP = 0, SOL_UDP = 17, SOL_IPV6 = 41, SOL_ICMPV6 = 58, SOL_RAW = 255 };
enum { RAW_ICMP_FILTER = 1, RAW_IPV6_CHECKSUM = 7 };

enum datagram_socket_options {
	SO_TIMESTAMP_OLD = 29,
	SO_TIMESTAMPNS_OLD = 35,
	SO_TIMESTAMP_NEW = 63,
	SO_TIMESTAMPNS_NEW = 64,
};

struct linux_in_pktinfo {
	s32 device;
	u32 source, to; /* the network's order */
};
struct linux_in6_pktinfo {
	u8 address[16];
	u32 device;
};
struct linux_ip_mreqn {
	u32 group, address; /* the network's order */
	s32 device;
};
enum { IP_MREQ = 8 }; /* bytes of struct ip_mreq, which ends before `device` */
struct linux_ipv6_mreq {
	u8 group[16];
	s32 device;
};

/* What MSG_ERRQUEUE tells; the address of who complained follows. */
struct linux_sock_extended_err {
	u32 number;
	u8 origin, type, code, pad;
	u32 information, data;
};
enum { SO_EE_ORIGIN_LOCAL = 1, SO_EE_ORIGIN_ICMP = 2, SO_EE_ORIGIN_ICMP6 = 3 };

#endif
