/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet sockets as programs see them: packet(7), and filters of sockets: socket(7). */
#ifndef LIB_ABI_PACKET_H
#define LIB_ABI_PACKET_H

#include "lib/types.h"

enum { SOL_PACKET = 263 };

struct linux_sockaddr_ll {
	u16 family;
	u16 protocol; /* network's order */
	s32 index;
	u16 hardware_type;
	u8 packet_type;
	u8 length;
	u8 address[8];
};
_Static_assert(sizeof(struct linux_sockaddr_ll) == 20, "Linux's size");

enum packet_options {
	PACKET_ADD_MEMBERSHIP = 1,
	PACKET_DROP_MEMBERSHIP = 2,
	PACKET_STATISTICS = 6,
	PACKET_AUXDATA = 8,
	PACKET_ORIGDEV = 9,
	PACKET_IGNORE_OUTGOING = 23,
};

enum packet_memberships {
	PACKET_MR_MULTICAST = 0,
	PACKET_MR_PROMISC = 1,
	PACKET_MR_ALLMULTI = 2,
	PACKET_MR_UNICAST = 3,
};

struct linux_packet_mreq {
	s32 index;
	u16 type;
	u16 length;
	u8 address[8];
};

struct linux_tpacket_stats {
	u32 packets;
	u32 drops;
};

/* The control message of PACKET_AUXDATA. */
struct linux_tpacket_auxdata {
	u32 status;
	u32 length;
	u32 kept;
	u16 link, network; /* where the headers begin */
	u16 vlan_tag, vlan_protocol;
};
_Static_assert(sizeof(struct linux_tpacket_auxdata) == 20, "Linux's size");

enum { TP_STATUS_USER = 1 };

/* Where a filter's loads begin that are not in what it sees. */
#define SKF_AD_OFFSET  0xfffff000u
#define SKF_NET_OFFSET 0xfff00000u
#define SKF_LL_OFFSET  0xffe00000u

enum filter_extras {
	SKF_AD_PROTOCOL = 0,
	SKF_AD_PKTTYPE = 4,
	SKF_AD_IFINDEX = 8,
	SKF_AD_MARK = 20,
	SKF_AD_QUEUE = 24,
	SKF_AD_HATYPE = 28,
	SKF_AD_RXHASH = 32,
	SKF_AD_CPU = 36,
	SKF_AD_VLAN_TAG = 44,
	SKF_AD_VLAN_TAG_PRESENT = 48,
	SKF_AD_RANDOM = 56,
	SKF_AD_LIMIT = 64,
};

#endif
