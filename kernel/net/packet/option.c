/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of packet sockets: memberships, filters, what comes along with a packet.
 *
 * Rings that are shared with the program (PACKET_RX_RING, PACKET_TX_RING) are not there, and so
 * neither are the options about them.
 */
#include "net/packet/packet_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"

enum { SO_ATTACH_FILTER = 26, SO_DETACH_FILTER = 27, SO_LOCK_FILTER = 44 };

/* --- Filters --- */

static int set_filter(struct packet_socket *packet, struct socket_filter *filter)
{
	struct socket_filter *old = filter;
	int error = 0;

	mutex_lock(&packet->change_lock);
	if (packet->filter_locked) {
		error = -EPERM;
	} else if (filter == NULL && packet->filter == NULL) {
		error = -ENOENT;
	} else {
		spin_lock(&packet->lock);
		old = packet->filter;
		packet->filter = filter;
		spin_unlock(&packet->lock);
	}
	mutex_unlock(&packet->change_lock);
	socket_filter_free(old);
	return error;
}

static int set_socket_option(struct packet_socket *packet, int option, vaddr_t value, u32 length)
{
	struct socket_filter *filter;
	s32 number;

	switch (option) {
	case SO_ATTACH_FILTER:
		filter = socket_filter_create(value, length);
		return IS_ERR(filter) ? (int)PTR_ERR(filter) : set_filter(packet, filter);
	case SO_DETACH_FILTER:
		return set_filter(packet, NULL);
	case SO_LOCK_FILTER:
		if (get_user(number, value))
			return -EFAULT;
		if (packet->filter_locked && number == 0)
			return -EPERM;
		packet->filter_locked = number != 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* --- Memberships --- */

static void count(struct net_device *device, u16 type, int change)
{
	if (type == PACKET_MR_PROMISC)
		net_device_count_promiscuous(device, change);
	else if (type == PACKET_MR_ALLMULTI)
		net_device_count_multicast(device, change);
}

static void leave(struct packet_membership *membership)
{
	struct net_device *device = net_device_by_index((u32)membership->request.index);

	if (device != NULL) {
		count(device, membership->request.type, -1);
		net_device_put(device);
	}
	list_remove(&membership->link);
	kfree(membership);
}

static bool is_same(const struct linux_packet_mreq *one, const struct linux_packet_mreq *other)
{
	return one->index == other->index && one->type == other->type &&
	       one->length == other->length &&
	       memcmp(one->address, other->address, one->length) == 0;
}

static struct packet_membership *find_membership(struct packet_socket *packet,
						 const struct linux_packet_mreq *request)
{
	struct packet_membership *membership;

	list_for_each_entry (membership, &packet->memberships, link)
		if (is_same(&membership->request, request))
			return membership;
	return NULL;
}

/* change_lock held. */
static int join_locked(struct packet_socket *packet, const struct linux_packet_mreq *request)
{
	struct packet_membership *membership = find_membership(packet, request);
	struct net_device *device;

	if (membership != NULL) {
		membership->count++;
		return 0;
	}
	device = packet_find_device(packet, (u32)request->index);
	if (device == NULL)
		return -ENODEV;
	int error = request->length > device->address_length ? -EINVAL : 0;
	membership = error == 0 ? kmalloc(sizeof(*membership)) : NULL;
	if (membership != NULL) {
		membership->request = *request;
		membership->count = 1;
		list_add_tail(&membership->link, &packet->memberships);
		count(device, request->type, 1);
	} else if (error == 0) {
		error = -ENOMEM;
	}
	net_device_put(device);
	return error;
}

/* change_lock held. */
static int drop_locked(struct packet_socket *packet, const struct linux_packet_mreq *request)
{
	struct packet_membership *membership = find_membership(packet, request);

	if (membership != NULL && --membership->count == 0)
		leave(membership);
	return 0;
}

void packet_leave_all(struct packet_socket *packet)
{
	while (!list_empty(&packet->memberships))
		leave(list_first_entry(&packet->memberships, struct packet_membership, link));
}

static int change_membership(struct packet_socket *packet, bool join, vaddr_t value, u32 length)
{
	struct linux_packet_mreq request;
	int error;

	if (length < sizeof(request))
		return -EINVAL;
	if (get_user(request, value))
		return -EFAULT;
	if (request.type > PACKET_MR_UNICAST || request.length > sizeof(request.address))
		return -EINVAL;
	mutex_lock(&packet->change_lock);
	error = join ? join_locked(packet, &request) : drop_locked(packet, &request);
	mutex_unlock(&packet->change_lock);
	return error;
}

/* --- Options --- */

int packet_set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length)
{
	struct packet_socket *packet = packet_of(socket);
	s32 number;

	if (level == SOL_SOCKET)
		return set_socket_option(packet, option, value, length);
	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	if (option == PACKET_ADD_MEMBERSHIP || option == PACKET_DROP_MEMBERSHIP)
		return change_membership(packet, option == PACKET_ADD_MEMBERSHIP, value, length);
	if (option != PACKET_AUXDATA && option != PACKET_IGNORE_OUTGOING &&
	    option != PACKET_ORIGDEV)
		return -ENOPROTOOPT;
	if (length < sizeof(number))
		return -EINVAL;
	if (get_user(number, value))
		return -EFAULT;
	if (option == PACKET_AUXDATA)
		packet->auxiliary = number != 0;
	else if (option == PACKET_IGNORE_OUTGOING)
		packet->no_outgoing = number != 0;
	return 0;
}

static int get_statistics(struct packet_socket *packet, vaddr_t value, u32 *length)
{
	struct linux_tpacket_stats statistics;

	spin_lock(&packet->lock);
	statistics.packets = packet->packets;
	statistics.drops = packet->drops;
	packet->packets = packet->drops = 0;
	spin_unlock(&packet->lock);
	return socket_put_option(value, length, &statistics, sizeof(statistics));
}

int packet_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length)
{
	struct packet_socket *packet = packet_of(socket);
	s32 number = 0;

	if (level == SOL_SOCKET && option == SO_ATTACH_FILTER) {
		mutex_lock(&packet->change_lock);
		int error = socket_filter_get(packet->filter, value, length);
		mutex_unlock(&packet->change_lock);
		return error;
	}
	if (level == SOL_PACKET && option == PACKET_STATISTICS)
		return get_statistics(packet, value, length);
	if (level == SOL_SOCKET && option == SO_LOCK_FILTER)
		number = packet->filter_locked;
	else if (level == SOL_PACKET && option == PACKET_AUXDATA)
		number = packet->auxiliary;
	else if (level == SOL_PACKET && option == PACKET_IGNORE_OUTGOING)
		number = packet->no_outgoing;
	else if (level != SOL_PACKET || option != PACKET_ORIGDEV)
		return -ENOPROTOOPT;
	return socket_put_option(value, length, &number, sizeof(number));
}
