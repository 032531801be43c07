/* SPDX-License-Identifier: BSD-2-Clause */
/* Links, addresses, routes and neighbours as programs ask for them: rtnetlink(7). */
#ifndef LIB_ABI_RTNETLINK_H
#define LIB_ABI_RTNETLINK_H

#include "lib/types.h"

/* In groups of four: new, delete, get, set. */
enum rtnetlink_types {
	RTM_BASE = 16,
	RTM_NEWLINK = 16,
	RTM_DELLINK,
	RTM_GETLINK,
	RTM_SETLINK,
	RTM_NEWADDR = 20,
	RTM_DELADDR,
	RTM_GETADDR,
	RTM_NEWROUTE = 24,
	RTM_DELROUTE,
	RTM_GETROUTE,
	RTM_NEWNEIGH = 28,
	RTM_DELNEIGH,
	RTM_GETNEIGH,
	RTM_NEWRULE = 32,
	RTM_DELRULE,
	RTM_GETRULE,
	RTM_MAX = 123,
};

enum rtnetlink_groups {
	RTNLGRP_LINK = 1,
	RTNLGRP_NEIGH = 3,
	RTNLGRP_IPV4_IFADDR = 5,
	RTNLGRP_IPV4_ROUTE = 7,
	RTNLGRP_IPV6_IFADDR = 9,
	RTNLGRP_IPV6_ROUTE = 11,
};

/* --- Links --- */

struct linux_ifinfomsg {
	u8 family;
	u8 pad;
	u16 type; /* ARPHRD_* */
	s32 index;
	u32 flags;
	u32 change;
};

enum link_attributes {
	IFLA_ADDRESS = 1,
	IFLA_BROADCAST = 2,
	IFLA_IFNAME = 3,
	IFLA_MTU = 4,
	IFLA_QDISC = 6,
	IFLA_STATS = 7,
	IFLA_TXQLEN = 13,
	IFLA_OPERSTATE = 16,
	IFLA_LINKMODE = 17,
	IFLA_STATS64 = 23,
	IFLA_AF_SPEC = 26,
	IFLA_GROUP = 27,
	IFLA_EXT_MASK = 29,
	IFLA_PROMISCUITY = 30,
	IFLA_NUM_TX_QUEUES = 31,
	IFLA_NUM_RX_QUEUES = 32,
	IFLA_CARRIER = 33,
	IFLA_MIN_MTU = 50,
	IFLA_MAX_MTU = 51,
	IFLA_ALT_IFNAME = 53,
	IFLA_MAX = 60,
};
enum { IF_OPER_UNKNOWN = 0, IF_OPER_DOWN = 2, IF_OPER_UP = 6 };

/* struct rtnl_link_stats64; struct rtnl_link_stats has 32 bits of each. */
struct linux_link_statistics {
	u64 rx_packets, tx_packets, rx_bytes, tx_bytes;
	u64 rx_errors, tx_errors, rx_dropped, tx_dropped;
	u64 multicast, collisions;
	u64 rx_length_errors, rx_over_errors, rx_crc_errors, rx_frame_errors, rx_fifo_errors;
	u64 rx_missed_errors;
	u64 tx_aborted_errors, tx_carrier_errors, tx_fifo_errors, tx_heartbeat_errors;
	u64 tx_window_errors;
	u64 rx_compressed, tx_compressed, rx_nohandler;
};
enum { LINK_STATISTICS = sizeof(struct linux_link_statistics) / sizeof(u64) };

/* --- Addresses --- */

struct linux_ifaddrmsg {
	u8 family;
	u8 prefix;
	u8 flags;
	u8 scope;
	u32 index;
};

enum address_attributes {
	IFA_ADDRESS = 1,
	IFA_LOCAL = 2,
	IFA_LABEL = 3,
	IFA_BROADCAST = 4,
	IFA_CACHEINFO = 6,
	IFA_FLAGS = 8,
	IFA_MAX = 11,
};

struct linux_ifa_cacheinfo {
	u32 preferred, valid; /* seconds; all ones: for ever */
	u32 created, updated; /* hundredths of seconds since the start */
};

/* --- Routes --- */

struct linux_rtmsg {
	u8 family;
	u8 destination_prefix;
	u8 source_prefix;
	u8 tos;
	u8 table;
	u8 protocol;
	u8 scope;
	u8 type;
	u32 flags;
};

enum route_attributes {
	RTA_DST = 1,
	RTA_SRC = 2,
	RTA_IIF = 3,
	RTA_OIF = 4,
	RTA_GATEWAY = 5,
	RTA_PRIORITY = 6,
	RTA_PREFSRC = 7,
	RTA_CACHEINFO = 12,
	RTA_TABLE = 15,
	RTA_UID = 25,
	RTA_PREF = 20,
	RTA_MAX = 31,
};

struct linux_rta_cacheinfo {
	u32 references, last_use;
	s32 expires;
	u32 error, used, id, ts, tsage;
};

enum { RTM_F_CLONED = 0x200, RTM_F_LOOKUP_TABLE = 0x1000, RTM_F_FIB_MATCH = 0x2000 };

/* --- Neighbours --- */

struct linux_ndmsg {
	u8 family;
	u8 pad[3];
	s32 index;
	u16 state;
	u8 flags;
	u8 type;
};

enum neighbour_attributes { NDA_DST = 1, NDA_LLADDR = 2, NDA_CACHEINFO = 3, NDA_PROBES = 4 };
enum neighbour_states {
	NUD_INCOMPLETE = 0x01,
	NUD_REACHABLE = 0x02,
	NUD_STALE = 0x04,
	NUD_DELAY = 0x08,
	NUD_PROBE = 0x10,
	NUD_PERMANENT = 0x80,
};

/* --- Rules --- */

struct linux_fib_rule {
	u8 family;
	u8 destination_prefix;
	u8 source_prefix;
	u8 tos;
	u8 table;
	u8 pad[2];
	u8 action;
	u32 flags;
};

enum rule_attributes {
	FRA_PRIORITY = 6,
	FRA_SUPPRESS_PREFIXLEN = 14,
	FRA_TABLE = 15,
	FRA_PROTOCOL = 21
};
enum { FR_ACT_TO_TBL = 1 };

#endif
