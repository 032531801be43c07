/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses of network interfaces.
 *
 * Of IPv4 an interface may have many: lwIP knows the first, its primary one, and this table them
 * all; what comes for another of them is received as if that were the primary one.  Of IPv6 lwIP
 * keeps the addresses itself, LWIP_IPV6_NUM_ADDRESSES at most, those that it made up from a
 * router's word among them.
 *
 * An address brings its routes: to itself, and to its network.
 *
 * Everything is under the stack's lock, which the functions without _locked take.
 */
#ifndef NET_INET_ADDRESS_H
#define NET_INET_ADDRESS_H

#include "lib/types.h"

struct net_device;
struct netif;

enum inet_address_flags { /* IFA_F_* */
			  INET_ADDRESS_SECONDARY = 0x01,
			  INET_ADDRESS_DAD_FAILED = 0x08,
			  INET_ADDRESS_DEPRECATED = 0x20,
			  INET_ADDRESS_TENTATIVE = 0x40,
			  INET_ADDRESS_PERMANENT = 0x80,
};

enum inet_scope { /* RT_SCOPE_* */
		  INET_SCOPE_UNIVERSE = 0,
		  INET_SCOPE_SITE = 200,
		  INET_SCOPE_LINK = 253,
		  INET_SCOPE_HOST = 254,
		  INET_SCOPE_NOWHERE = 255,
};

enum { INET_FOREVER = -1 };

struct inet_address {
	u8 family; /* AF_INET or AF_INET6 */
	u8 prefix; /* bits of the network's part */
	u8 scope;
	bool has_broadcast;
	u32 flags;
	u8 bytes[16] __attribute__((aligned(4))); /* network's order; the first 4 of IPv4 */
	u8 broadcast[4];
	char label[16];            /* IPv4: "eth0" or "eth0:1"; empty: the device's name */
	struct net_device *device; /* not counted: the registry's lock or a reference keeps it */
	u32 valid, preferred;      /* seconds that are left; INET_FOREVER: no end */
};

/* How many bits a mask of IPv4, network's order, begins with. */
static inline u8 inet_prefix_of(u32 mask)
{
	u32 zeros = ~__builtin_bswap32(mask);

	return zeros != 0 ? (u8)__builtin_clz(zeros) : 32;
}

/*
 * Adds one.  0; -EEXIST: the interface has it; -EINVAL: no address of an interface; -ENOBUFS: no
 * room (IPv6) or memory; -EOPNOTSUPP: the interface has no place for IP.  May sleep.
 */
int __must_check inet_address_add(const struct inet_address *address);
/* Takes one away: family, device, bytes, and the prefix unless it is 0xff.  -EADDRNOTAVAIL. */
int __must_check inet_address_remove(const struct inet_address *address);
/* Calls visit for each until it returns something but 0, which is the result; under the lock. */
int inet_address_for_each(int (*visit)(const struct inet_address *address, void *context),
			  void *context);
/* callback(address, added): one came or went; under the stack's lock.  At start-up. */
void inet_address_subscribe(void (*callback)(const struct inet_address *address, bool added));
/* Is it an address of this machine? */
bool inet_address_is_local(u8 family, const u8 *bytes);

/* --- For netif.c and autoconfiguration: the lock held --- */

void inet_addresses_init(void); /* those of lo */
/* Does the device have that IPv4 address, network's order? */
bool inet_address_has4_locked(const struct net_device *device, u32 address);
/* Is it an IPv6 address of any interface? */
struct ip6_addr;
bool inet_address_is_local6_locked(const struct ip6_addr *address);
/* The interface comes up or goes down: its routes with it. */
void inet_addresses_up_locked(struct net_device *device, struct netif *netif);
void inet_addresses_down_locked(struct net_device *device, struct netif *netif);
/* lwIP's client of DHCP has set, or taken away, the primary address. */
void inet_address_adopt_locked(struct net_device *device, struct netif *netif);

#endif
