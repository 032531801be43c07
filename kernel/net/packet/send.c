/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending through packet sockets: whole frames (SOCK_RAW), or what is in them (SOCK_DGRAM). */
#include "net/packet/packet_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/iov.h"

/* Where a message goes. */
struct target {
	struct net_device *device; /* counted */
	u16 protocol;
	u8 address[ETHERNET_ADDRESS];
	bool has_address;
};

static int find_target(struct packet_socket *packet, const struct socket_address *to,
		       struct target *target)
{
	struct linux_sockaddr_ll name;
	u32 index;

	spin_lock(&packet->lock);
	target->protocol = packet->protocol;
	index = packet->index;
	spin_unlock(&packet->lock);
	if (to != NULL && to->length > 0) {
		if (to->length < offsetof(struct linux_sockaddr_ll, address))
			return -EINVAL;
		memset(&name, 0, sizeof(name));
		memcpy(&name, to->bytes, MIN(to->length, (u32)sizeof(name)));
		if (to->length < offsetof(struct linux_sockaddr_ll, address) + name.length)
			return -EINVAL;
		target->protocol = __builtin_bswap16(name.protocol);
		index = (u32)name.index;
		if (packet->socket.type == SOCK_DGRAM && name.length < ETHERNET_ADDRESS)
			return -EINVAL;
		memcpy(target->address, name.address, ETHERNET_ADDRESS);
		target->has_address = true;
	}
	target->device = packet_find_device(packet, index);
	return target->device != NULL ? 0 : -ENXIO;
}

static void put_header(struct net_frame *frame, const struct target *target)
{
	memcpy(frame->data, target->address, ETHERNET_ADDRESS);
	memcpy(frame->data + ETHERNET_ADDRESS, target->device->address, ETHERNET_ADDRESS);
	frame->data[2 * ETHERNET_ADDRESS] = (u8)(target->protocol >> 8);
	frame->data[2 * ETHERNET_ADDRESS + 1] = (u8)target->protocol;
}

static ssize_t send_to(struct packet_socket *packet, struct socket_message *message,
		       const struct target *target)
{
	bool raw = packet->socket.type == SOCK_RAW;
	size_t length = message->cursor->remaining, header = raw ? 0 : ETHERNET_HEADER;
	struct net_frame *frame;

	if (!net_device_is_up(target->device))
		return -ENETDOWN;
	if (header + length > READ_ONCE(target->device->mtu) + ETHERNET_HEADER ||
	    header + length > NET_FRAME_ROOM)
		return -EMSGSIZE;
	if (header + length < ETHERNET_HEADER || (!raw && !target->has_address))
		return -EINVAL;
	frame = net_frame_alloc();
	if (frame == NULL)
		return -ENOBUFS;
	if (!raw)
		put_header(frame, target);
	ssize_t copied =
		length > 0 ? io_copy_from(message->cursor, frame->data + header, length) : 0;
	if (copied < 0 || (size_t)copied < length) {
		net_frame_put(frame);
		return -EFAULT;
	}
	frame->length = (u32)(header + length);
	frame->sender = &packet->socket;
	int error = net_device_send(target->device, frame);
	return error != 0 ? error : (ssize_t)length;
}

ssize_t packet_send(struct socket *socket, struct socket_message *message, u32 flags __unused)
{
	struct packet_socket *packet = packet_of(socket);
	struct target target = {0};
	ssize_t result = socket_take_error(socket);

	if (result == 0)
		result = find_target(packet, message->address, &target);
	if (result == 0)
		result = send_to(packet, message, &target);
	if (target.device != NULL)
		net_device_put(target.device);
	return result;
}
