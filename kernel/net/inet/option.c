/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that all sockets of AF_INET and AF_INET6 have: ip(7), ipv6(7), and SO_BINDTODEVICE.
 *
 * Switches and numbers of a certain range are data; single words without a lock.
 */
#include <lwip/netif.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "net/device.h"
#include "net/inet/inet.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"
#include "proc/credentials.h"

#define DEFAULT_TTL 64

struct switch_option {
	u8 level, option, which; /* enum inet_switch */
};

static const struct switch_option switches[] = {
	{IPPROTO_IP, IP_FREEBIND, INET_FREEBIND},
	{IPPROTO_IP, IP_RECVERR, INET_RECVERR},
	{IPPROTO_IP, IP_RECVTTL, INET_RECVTTL},
	{IPPROTO_IP, IP_RECVTOS, INET_RECVTOS},
	{IPPROTO_IP, IP_PKTINFO, INET_PKTINFO},
	{IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, INET_BIND_NO_PORT},
	{IPPROTO_IP, IP_MULTICAST_LOOP, INET_MULTICAST_LOOP},
	{IPPROTO_IP, IP_MULTICAST_ALL, INET_MULTICAST_ALL},
	{IPPROTO_IP, IP_RECVORIGDSTADDR, INET_RECVORIGDST},
	{IPPROTO_IP, IP_RECVOPTS, INET_RECVOPTS},
	{IPPROTO_IP, IP_RETOPTS, INET_RETOPTS},
	{IPPROTO_IPV6, IPV6_FREEBIND, INET_FREEBIND},
	{IPPROTO_IPV6, IPV6_RECVERR, INET_RECVERR6},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, INET_RECVPKTINFO6},
	{IPPROTO_IPV6, IPV6_RECVHOPLIMIT, INET_RECVHOPLIMIT6},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, INET_RECVTCLASS6},
	{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, INET_MULTICAST_LOOP6},
	{IPPROTO_IPV6, IPV6_MULTICAST_ALL, INET_MULTICAST_ALL6},
	{IPPROTO_IPV6, IPV6_DONTFRAG, INET_DONTFRAG},
};

static const struct switch_option *find_switch(int level, int option)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (switches[i].level == level && switches[i].option == option)
			return &switches[i];
	return NULL;
}

static void set_switch(struct inet_socket *inet, u32 which, bool on)
{
	if (on)
		__atomic_or_fetch(&inet->switches, BIT(which), __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&inet->switches, ~BIT(which), __ATOMIC_RELAXED);
}

int inet_get_number(s32 *number, vaddr_t value, u32 length)
{
	u8 byte;

	if (length >= sizeof(*number))
		return get_user(*number, value) ? -EFAULT : 0;
	if (length < sizeof(byte))
		return -EINVAL;
	if (get_user(byte, value))
		return -EFAULT;
	*number = byte;
	return 0;
}

/* --- Setting --- */

static int set_ip(struct inet_socket *inet, int option, s32 number)
{
	switch (option) {
	case IP_TOS:
		/* The two lowest bits are the network's. */
		WRITE_ONCE(inet->tos, inet->socket.type == SOCK_STREAM
					      ? (u8)((number & ~3) | (inet->tos & 3))
					      : (u8)number);
		return 0;
	case IP_TTL:
		if (number != -1 && (number < 1 || number > 255))
			return -EINVAL;
		WRITE_ONCE(inet->ttl, number == -1 ? 0 : (u8)number);
		return 0;
	case IP_MTU_DISCOVER:
		if (number < IP_PMTUDISC_DONT || number > IP_PMTUDISC_OMIT)
			return -EINVAL;
		WRITE_ONCE(inet->mtu_discover, (u8)number);
		return 0;
	case IP_MINTTL:
		if (number < 0 || number > 255)
			return -EINVAL;
		WRITE_ONCE(inet->min_ttl, (u8)number);
		return 0;
	case IP_TRANSPARENT:
		if (number != 0 && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		set_switch(inet, INET_TRANSPARENT, number != 0);
		return 0;
	case IP_MULTICAST_TTL:
		if (inet->socket.type == SOCK_STREAM || number < -1 || number > 255)
			return -EINVAL;
		WRITE_ONCE(inet->multicast_ttl, number == -1 ? 1 : (u8)number);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_v6only(struct inet_socket *inet, bool on)
{
	int error = -EINVAL;

	stack_lock();
	if (inet->local_port == 0) {
		set_switch(inet, INET_V6ONLY, on);
		inet_set_any(inet, &inet->local);
		inet_set_any(inet, &inet->remote);
		error = 0;
	}
	stack_unlock();
	return error;
}

static int set_ip6(struct inet_socket *inet, int option, s32 number)
{
	switch (option) {
	case IPV6_V6ONLY:
		return set_v6only(inet, number != 0);
	case IPV6_UNICAST_HOPS:
	case IPV6_MULTICAST_HOPS:
		if (number < -1 || number > 255)
			return -EINVAL;
		if (option == IPV6_UNICAST_HOPS)
			WRITE_ONCE(inet->hops, (s16)number);
		else
			WRITE_ONCE(inet->multicast_hops, (s16)number);
		return 0;
	case IPV6_TCLASS:
		if (number < -1 || number > 255)
			return -EINVAL;
		WRITE_ONCE(inet->tclass, number == -1 ? 0 : (u8)number);
		return 0;
	case IPV6_MTU_DISCOVER:
		if (number < IP_PMTUDISC_DONT || number > IP_PMTUDISC_OMIT)
			return -EINVAL;
		WRITE_ONCE(inet->mtu_discover6, (u8)number);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_device(struct inet_socket *inet, vaddr_t value, u32 length)
{
	char name[IFNAMSIZ] = "";
	struct netif *netif = NULL;
	u32 index = 0;

	if (inet->device != 0 && !capable(CAP_NET_RAW))
		return -EPERM;
	length = MIN(length, (u32)sizeof(name) - 1);
	if (copy_from_user(name, (const void __user *)value, length))
		return -EFAULT;
	if (name[0] != '\0') {
		struct net_device *device = net_device_find(name);

		if (device == NULL)
			return -ENODEV;
		index = device->index;
		netif = inet_netif_of(device);
		net_device_put(device);
		if (netif == NULL)
			return -ENODEV;
	}
	WRITE_ONCE(inet->device, index);
	WRITE_ONCE(inet->netif, netif != NULL ? netif_get_index(netif) : 0);
	return 0;
}

int inet_set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length)
{
	struct inet_socket *inet = inet_of(socket);
	const struct switch_option *which = find_switch(level, option);
	s32 number = 0;

	if (level == SOL_SOCKET)
		return option == SO_BINDTODEVICE ? set_device(inet, value, length) : -ENOPROTOOPT;
	if (level != IPPROTO_IP && (level != IPPROTO_IPV6 || socket->family != AF_INET6))
		return -ENOPROTOOPT;
	if (level == IPPROTO_IPV6 && length < sizeof(number))
		return -EINVAL;
	int error = length > 0 ? inet_get_number(&number, value, length) : 0;
	if (error)
		return error;
	if (which != NULL) {
		set_switch(inet, which->which, number != 0);
		return 0;
	}
	return level == IPPROTO_IP ? set_ip(inet, option, number) : set_ip6(inet, option, number);
}

/* --- Getting --- */

/* The MTU of the way to the peer. */
static int get_mtu(struct inet_socket *inet, s32 *number)
{
	struct netif *netif = NULL;
	ip_addr_t source;
	int error = -ENOTCONN;

	stack_lock();
	if (inet->remote_port != 0)
		error = inet_find_source(inet, &inet->remote, &source, &netif);
	if (error == 0)
		*number = netif == stack_loopback() ? 65536 : netif->mtu;
	stack_unlock();
	return error ? -ENOTCONN : 0;
}

static int get_ip(struct inet_socket *inet, int option, s32 *number)
{
	switch (option) {
	case IP_TOS:
		*number = inet->tos;
		return 0;
	case IP_TTL:
		*number = inet->ttl != 0 ? inet->ttl : DEFAULT_TTL;
		return 0;
	case IP_MTU_DISCOVER:
		*number = inet->mtu_discover;
		return 0;
	case IP_MINTTL:
		*number = inet->min_ttl;
		return 0;
	case IP_TRANSPARENT:
		*number = inet_has(inet, INET_TRANSPARENT);
		return 0;
	case IP_MULTICAST_TTL:
		*number = inet->multicast_ttl;
		return 0;
	case IP_MTU:
		return get_mtu(inet, number);
	default:
		return -ENOPROTOOPT;
	}
}

static int get_ip6(struct inet_socket *inet, int option, s32 *number)
{
	switch (option) {
	case IPV6_V6ONLY:
		*number = inet_has(inet, INET_V6ONLY);
		return 0;
	case IPV6_UNICAST_HOPS:
		*number = inet->hops >= 0 ? inet->hops : DEFAULT_TTL;
		return 0;
	case IPV6_MULTICAST_HOPS:
		*number = inet->multicast_hops >= 0 ? inet->multicast_hops : 1;
		return 0;
	case IPV6_TCLASS:
		*number = inet->tclass;
		return 0;
	case IPV6_MTU_DISCOVER:
		*number = inet->mtu_discover6;
		return 0;
	case IPV6_MTU:
		return get_mtu(inet, number);
	default:
		return -ENOPROTOOPT;
	}
}

/* The name of the interface that the socket is bound to; nothing when there is none. */
static int get_device(struct inet_socket *inet, vaddr_t value, u32 *length)
{
	char name[IFNAMSIZ];
	struct net_device *device = inet->device != 0 ? net_device_by_index(inet->device) : NULL;

	if (device == NULL) {
		*length = 0;
		return 0;
	}
	strscpy(name, device->name, sizeof(name));
	net_device_put(device);
	if (*length < IFNAMSIZ)
		return -EINVAL;
	return socket_put_option(value, length, name, (u32)strlen(name) + 1);
}

/* A number of IPPROTO_IP that fits is also told in a single byte. */
static int put_number(int level, vaddr_t value, u32 *length, s32 number)
{
	u8 byte = (u8)number;

	if (level == IPPROTO_IP && *length > 0 && *length < sizeof(number) && number >= 0 &&
	    number <= 255)
		return socket_put_option(value, length, &byte, sizeof(byte));
	return socket_put_option(value, length, &number, sizeof(number));
}

int inet_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length)
{
	struct inet_socket *inet = inet_of(socket);
	const struct switch_option *which = find_switch(level, option);
	s32 number = 0;
	int error = 0;

	if (level == SOL_SOCKET)
		return option == SO_BINDTODEVICE ? get_device(inet, value, length) : -ENOPROTOOPT;
	if (level != IPPROTO_IP && (level != IPPROTO_IPV6 || socket->family != AF_INET6))
		return -EOPNOTSUPP;
	if (which != NULL)
		number = inet_has(inet, (enum inet_switch)which->which);
	else if (level == IPPROTO_IP)
		error = get_ip(inet, option, &number);
	else
		error = get_ip6(inet, option, &number);
	return error ? error : put_number(level, value, length, number);
}
