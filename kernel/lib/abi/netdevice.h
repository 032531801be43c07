/* SPDX-License-Identifier: BSD-2-Clause */
/* Network interfaces as programs see them: netdevice(7), packet(7). */
#ifndef LIB_ABI_NETDEVICE_H
#define LIB_ABI_NETDEVICE_H

#include "lib/types.h"

enum {
	IFNAMSIZ = 16, /* bytes of a name, with its end */
};

enum interface_flags {
	IFF_UP = 0x1,
	IFF_BROADCAST = 0x2,
	IFF_DEBUG = 0x4,
	IFF_LOOPBACK = 0x8,
	IFF_POINTOPOINT = 0x10,
	IFF_NOTRAILERS = 0x20,
	IFF_RUNNING = 0x40,
	IFF_NOARP = 0x80,
	IFF_PROMISC = 0x100,
	IFF_ALLMULTI = 0x200,
	IFF_MULTICAST = 0x1000,
	IFF_DYNAMIC = 0x8000,
	IFF_LOWER_UP = 0x10000,
	IFF_DORMANT = 0x20000,
};

enum hardware_types { ARPHRD_ETHER = 1, ARPHRD_LOOPBACK = 772, ARPHRD_NONE = 0xfffe };

/* The protocol of an Ethernet frame. */
enum ethernet_protocols {
	ETH_P_802_3_MIN = 0x600, /* less is a length */
	ETH_P_ALL = 0x3,
	ETH_P_802_2 = 0x4,
	ETH_P_IP = 0x800,
	ETH_P_ARP = 0x806,
	ETH_P_IPV6 = 0x86dd,
};

/* For whom a frame is. */
enum packet_types {
	PACKET_HOST = 0,
	PACKET_BROADCAST = 1,
	PACKET_MULTICAST = 2,
	PACKET_OTHERHOST = 3,
	PACKET_OUTGOING = 4,
};

enum interface_ioctls {
	SIOCADDRT = 0x890b,
	SIOCDELRT = 0x890c,
	SIOCGIFNAME = 0x8910,
	SIOCGIFCONF = 0x8912,
	SIOCGIFFLAGS = 0x8913,
	SIOCSIFFLAGS = 0x8914,
	SIOCGIFADDR = 0x8915,
	SIOCSIFADDR = 0x8916,
	SIOCGIFDSTADDR = 0x8917,
	SIOCSIFDSTADDR = 0x8918,
	SIOCGIFBRDADDR = 0x8919,
	SIOCSIFBRDADDR = 0x891a,
	SIOCGIFNETMASK = 0x891b,
	SIOCSIFNETMASK = 0x891c,
	SIOCGIFMETRIC = 0x891d,
	SIOCGIFMTU = 0x8921,
	SIOCSIFMTU = 0x8922,
	SIOCSIFNAME = 0x8923,
	SIOCSIFHWADDR = 0x8924,
	SIOCGIFHWADDR = 0x8927,
	SIOCGIFINDEX = 0x8933,
	SIOCDIFADDR = 0x8936,
	SIOCGIFTXQLEN = 0x8942,
	SIOCSIFTXQLEN = 0x8943,
	SIOCGIFMAP = 0x8970,
};

/* struct ifreq. */
struct linux_ifreq {
	char name[IFNAMSIZ];
	union {
		s16 flags;
		s32 value; /* an index, an MTU … */
		struct {
			u16 family;
			u8 data[14];
		} address;
		char new_name[IFNAMSIZ];
		u8 map[24];
	};
};

struct linux_ifconf {
	s32 length; /* bytes at `requests` */
	s32 pad;
	u64 requests; /* 0: how many are wanted? */
};

#endif
