/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagram sockets: options that only they have, first of all groups (multicast).
 *
 * A membership is a socket's; lwIP counts those of an interface and tells the routers.  On lo there
 * is nobody to tell, so there it is ours alone.  Memberships are under the stack's lock.
 */
#include <lwip/igmp.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>

#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "net/inet/datagram.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"

enum { MEMBERSHIPS_MAX = 20 }; /* of a socket, as net.ipv4.igmp_max_memberships */

/* --- Groups --- */

static err_t tell(struct netif *netif, const ip_addr_t *group, bool join)
{
	if (netif == stack_loopback())
		return ERR_OK;
	if (IP_IS_V4_VAL(*group))
		return join ? igmp_joingroup_netif(netif, ip_2_ip4(group))
			    : igmp_leavegroup_netif(netif, ip_2_ip4(group));
	return join ? mld6_joingroup_netif(netif, ip_2_ip6(group))
		    : mld6_leavegroup_netif(netif, ip_2_ip6(group));
}

static struct datagram_membership *find_membership(const struct datagram_socket *datagram,
						   const ip_addr_t *group, u32 device)
{
	struct datagram_membership *membership;

	list_for_each_entry (membership, &datagram->memberships, link)
		if (ip_addr_cmp_zoneless(&membership->group, group) &&
		    (device == 0 || membership->device == device))
			return membership;
	return NULL;
}

static int join_locked(struct datagram_socket *datagram, const ip_addr_t *group, u32 device)
{
	struct netif *netif = inet_netif_by_index(device);
	struct datagram_membership *new;

	if (netif == NULL)
		return -ENODEV;
	if (find_membership(datagram, group, device) != NULL)
		return -EADDRINUSE;
	if (list_length(&datagram->memberships) >= MEMBERSHIPS_MAX)
		return -ENOBUFS;
	new = kmalloc(sizeof(*new));
	if (new == NULL)
		return -ENOBUFS;
	err_t error = tell(netif, group, true);
	if (error != ERR_OK) {
		kfree(new);
		return error == ERR_VAL ? -ENODEV : -ENOBUFS;
	}
	ip_addr_copy(new->group, *group);
	new->device = device;
	list_add_tail(&new->link, &datagram->memberships);
	return 0;
}

static void leave_locked(struct datagram_membership *membership)
{
	struct netif *netif = inet_netif_by_index(membership->device);

	if (netif != NULL)
		(void)tell(netif, &membership->group, false);
	list_remove(&membership->link);
	kfree(membership);
}

void datagram_leave_all(struct datagram_socket *datagram)
{
	while (!list_empty(&datagram->memberships))
		leave_locked(
			list_first_entry(&datagram->memberships, struct datagram_membership, link));
}

bool datagram_hears(const struct datagram_socket *datagram, const struct datagram *about)
{
	bool ip4 = IP_IS_V4_VAL(about->to);

	if (!ip_addr_ismulticast(&about->to) ||
	    find_membership(datagram, &about->to, about->device) != NULL)
		return true;
	/* What others have joined may be for it, too. */
	return inet_has(&datagram->inet, ip4 ? INET_MULTICAST_ALL : INET_MULTICAST_ALL6) &&
	       about->device != loopback_device.index;
}

/* The interface by which packets to `to` go; 0: there is none. */
static u32 device_towards(const struct inet_socket *inet, const ip_addr_t *to)
{
	struct netif *netif;
	ip_addr_t source;

	if (inet_find_source(inet, to, &source, &netif))
		return 0;
	const struct net_device *device = inet_device_of(netif);
	return device != NULL ? device->index : 0;
}

/* The interface that has the IPv4 address. */
static u32 device_with(u32 address)
{
	struct netif *netif;

	if ((address & PP_HTONL(IP_CLASSA_NET)) == PP_HTONL(127ul << 24))
		return loopback_device.index;
	NETIF_FOREACH(netif)
	{
		const struct net_device *device = inet_device_of(netif);

		if (device != NULL && ip4_addr_get_u32(netif_ip4_addr(netif)) == address)
			return device->index;
	}
	return 0;
}

static int change_group(struct datagram_socket *datagram, const ip_addr_t *group, u32 device,
			bool join)
{
	struct datagram_membership *membership;
	int error = 0;

	if (!ip_addr_ismulticast(group))
		return -EINVAL;
	stack_lock();
	if (join) {
		if (device == 0)
			device = device_towards(&datagram->inet, group);
		error = inet_is_isolated(&datagram->inet) ? -ENODEV
							  : join_locked(datagram, group, device);
	} else {
		membership = find_membership(datagram, group, device);
		if (membership != NULL)
			leave_locked(membership);
		else
			error = -EADDRNOTAVAIL;
	}
	stack_unlock();
	return error;
}

/* struct ip_mreqn, or the shorter struct ip_mreq. */
static int get_request(vaddr_t value, u32 length, struct linux_ip_mreqn *request)
{
	*request = (struct linux_ip_mreqn){0};
	if (length < IP_MREQ)
		return -EINVAL;
	if (copy_from_user(request, (const void __user *)value,
			   length >= sizeof(*request) ? sizeof(*request) : IP_MREQ))
		return -EFAULT;
	return 0;
}

static int change_ip4_group(struct datagram_socket *datagram, vaddr_t value, u32 length, bool join)
{
	struct linux_ip_mreqn request;
	ip_addr_t group;
	int error = get_request(value, length, &request);

	if (error)
		return error;
	u32 device = (u32)request.device;
	if (device == 0 && request.address != 0) {
		stack_lock();
		device = device_with(request.address);
		stack_unlock();
		if (device == 0)
			return -ENODEV;
	}
	ip_addr_set_ip4_u32_val(group, request.group);
	return change_group(datagram, &group, device, join);
}

static int change_ip6_group(struct datagram_socket *datagram, vaddr_t value, u32 length, bool join)
{
	struct linux_ipv6_mreq request;
	ip_addr_t group;

	if (length < sizeof(request))
		return -EINVAL;
	if (get_user(request, value))
		return -EFAULT;
	ip_addr_set_zero_ip6(&group);
	memcpy(ip_2_ip6(&group)->addr, request.group, sizeof(request.group));
	return change_group(datagram, &group, (u32)request.device, join);
}

/* By which interface what is sent to groups goes. */
static int set_multicast_device(struct datagram_socket *datagram, int level, vaddr_t value,
				u32 length)
{
	struct linux_ip_mreqn request = {0};
	u32 device = 0;

	if (length < sizeof(u32))
		return -EINVAL;
	if (level == SOL_IPV6 || length < IP_MREQ) {
		u32 number;

		if (get_user(number, value))
			return -EFAULT;
		if (level == SOL_IPV6)
			device = number;
		else
			request.address = number;
	} else {
		int error = get_request(value, length, &request);

		if (error)
			return error;
		device = (u32)request.device;
	}
	stack_lock();
	if (device == 0 && request.address != 0)
		device = device_with(request.address);
	bool known = device != 0 ? inet_netif_by_index(device) != NULL : request.address == 0;
	stack_unlock();
	if (!known)
		return level == SOL_IPV6 ? -ENODEV : -EADDRNOTAVAIL;
	WRITE_ONCE(datagram->multicast_device, device);
	return 0;
}

/* --- The others --- */

static bool is_stamp(int option)
{
	return option == SO_TIMESTAMP_OLD || option == SO_TIMESTAMP_NEW ||
	       option == SO_TIMESTAMPNS_OLD || option == SO_TIMESTAMPNS_NEW;
}

static int set_raw(struct datagram_socket *datagram, int level, int option, vaddr_t value,
		   u32 length)
{
	u16 protocol = datagram->inet.socket.protocol;
	bool is_icmp6 = level == SOL_ICMPV6;
	s32 number;

	if (option == RAW_ICMP_FILTER && level != SOL_IPV6) {
		if (protocol != (is_icmp6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
			return -EOPNOTSUPP;
		length = MIN(length,
			     is_icmp6 ? (u32)sizeof(datagram->icmp_filter) : (u32)sizeof(u32));
		return copy_from_user(datagram->icmp_filter, (const void __user *)value, length);
	}
	if (length < sizeof(number))
		return -EINVAL;
	if (get_user(number, value))
		return -EFAULT;
	if (option != RAW_IPV6_CHECKSUM || datagram->inet.socket.family != AF_INET6)
		return -ENOPROTOOPT;
	/* ICMPv6 always has one; saying so is in vain, but by this level no mistake. */
	if (protocol == IPPROTO_ICMPV6 && level == SOL_RAW)
		return 0;
	if (protocol == IPPROTO_ICMPV6 || (number >= 0 && number & 1))
		return -EINVAL;
	WRITE_ONCE(datagram->checksum_offset, MAX(number, -1));
	return 0;
}

int datagram_set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length)
{
	struct datagram_socket *datagram = datagram_of(socket);
	bool ip6 = level == SOL_IPV6 && socket->family == AF_INET6;
	s32 number;

	if (level == SOL_SOCKET && is_stamp(option)) {
		if (get_user(number, value))
			return -EFAULT;
		WRITE_ONCE(datagram->stamps, number != 0 ? (u32)option : 0);
		return 0;
	}
	if (level == SOL_IP && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP))
		return change_ip4_group(datagram, value, length, option == IP_ADD_MEMBERSHIP);
	if (ip6 && (option == IPV6_ADD_MEMBERSHIP || option == IPV6_DROP_MEMBERSHIP))
		return change_ip6_group(datagram, value, length, option == IPV6_ADD_MEMBERSHIP);
	if ((level == SOL_IP && option == IP_MULTICAST_IF) || (ip6 && option == IPV6_MULTICAST_IF))
		return set_multicast_device(datagram, level, value, length);
	if (socket->type == SOCK_RAW &&
	    (level == SOL_RAW || level == SOL_ICMPV6 || (ip6 && option == RAW_IPV6_CHECKSUM)))
		return set_raw(datagram, level, option, value, length);
	if (socket->type == SOCK_RAW && level == SOL_IP && option == IP_HDRINCL) {
		int error = inet_get_number(&number, value, length);

		if (!error && number != 0)
			__atomic_or_fetch(&datagram->inet.switches, BIT(INET_HDRINCL),
					  __ATOMIC_RELAXED);
		else if (!error)
			__atomic_and_fetch(&datagram->inet.switches, ~BIT(INET_HDRINCL),
					   __ATOMIC_RELAXED);
		return error;
	}
	return inet_set_option(socket, level, option, value, length);
}

int datagram_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length)
{
	struct datagram_socket *datagram = datagram_of(socket);
	s32 number;

	if (level == SOL_SOCKET && is_stamp(option))
		number = READ_ONCE(datagram->stamps) == (u32)option;
	else if (level == SOL_SOCKET && option == SO_ACCEPTCONN)
		number = 0;
	else if (option == RAW_ICMP_FILTER && socket->type == SOCK_RAW &&
		 (level == SOL_RAW || level == SOL_ICMPV6))
		return socket_put_option(value, length, datagram->icmp_filter,
					 level == SOL_RAW ? (u32)sizeof(u32)
							  : (u32)sizeof(datagram->icmp_filter));
	else if (level == SOL_IPV6 && option == IPV6_MULTICAST_IF && socket->family == AF_INET6)
		number = (s32)READ_ONCE(datagram->multicast_device);
	else if (level == SOL_IP && option == IP_HDRINCL && socket->type == SOCK_RAW)
		number = inet_has(&datagram->inet, INET_HDRINCL);
	else
		return inet_get_option(socket, level, option, value, length);
	return socket_put_option(value, length, &number, sizeof(number));
}
