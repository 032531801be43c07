/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets that wait to be read: which a socket takes, and reading them.
 *
 * A socket of type SOCK_RAW sees a frame from the link's header on, one of SOCK_DGRAM from the
 * network's; so does its filter.
 */
#include "net/packet/packet_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/iov.h"
#include "mm/kmalloc.h"

/* How many bytes at the front of a frame the socket does not see. */
static u32 hidden(const struct packet_socket *packet)
{
	return packet->socket.type == SOCK_RAW ? 0 : ETHERNET_HEADER;
}

/* --- Taking --- */

static bool wants(const struct packet_socket *packet, const struct net_device *device,
		  const struct net_frame *frame)
{
	if (packet->index != 0 && packet->index != device->index)
		return false;
	if (frame->type == PACKET_OUTGOING &&
	    (packet->no_outgoing || frame->sender == &packet->socket ||
	     packet->protocol != ETH_P_ALL))
		return false;
	return packet->protocol == ETH_P_ALL ||
	       (packet->protocol != 0 && packet->protocol == frame->protocol);
}

/* The bytes that the filter lets through. */
static u32 filter(const struct packet_socket *packet, const struct net_device *device,
		  const struct net_frame *frame)
{
	u32 skip = hidden(packet), length = frame->length - skip;
	const struct filter_packet view = {
		.bytes = frame->data + skip,
		.length = length,
		.link = frame->data,
		.network = frame->data + ETHERNET_HEADER,
		.link_length = frame->length,
		.network_length = frame->length - ETHERNET_HEADER,
		.protocol = frame->protocol,
		.type = frame->type,
		.hardware_type = device->type,
		.index = device->index,
	};

	return packet->filter != NULL ? MIN(socket_filter_run(packet->filter, &view), length)
				      : length;
}

void packet_offer(struct packet_socket *packet, struct net_device *device, struct net_frame *frame)
{
	struct packet_entry *entry = NULL;

	spin_lock(&packet->lock);
	u32 kept = wants(packet, device, frame) && packet_sees(packet, device)
			   ? filter(packet, device, frame)
			   : 0;
	if (kept != 0 && packet->queued < READ_ONCE(packet->socket.receive_buffer))
		entry = kmalloc(sizeof(*entry));
	if (kept != 0)
		packet->packets++;
	if (entry != NULL) {
		entry->frame = net_frame_get(frame);
		entry->kept = kept;
		list_add_tail(&entry->link, &packet->queue);
		packet->queued += sizeof(*frame) + sizeof(*entry);
	} else if (kept != 0) {
		packet->drops++;
	}
	spin_unlock(&packet->lock);
	if (entry != NULL)
		wake_up_events(&packet->read_wait, 1, POLLIN | POLLRDNORM);
}

/* --- Reading --- */

static void free_entry(struct packet_entry *entry)
{
	net_frame_put(entry->frame);
	kfree(entry);
}

/* The first packet, off the queue; or, to be looked at, a copy of its entry.  NULL: none, or for a
 * copy no memory. */
static struct packet_entry *take(struct packet_socket *packet, bool peek)
{
	struct packet_entry *copy = peek ? kmalloc(sizeof(*copy)) : NULL, *entry;

	spin_lock(&packet->lock);
	entry = list_first_entry_or_null(&packet->queue, struct packet_entry, link);
	if (entry != NULL && copy != NULL) {
		*copy = *entry;
		net_frame_get(copy->frame);
		packet->last = entry->frame->arrived;
		entry = copy;
		copy = NULL;
	} else if (entry != NULL && !peek) {
		list_remove(&entry->link);
		packet->queued -= sizeof(*entry->frame) + sizeof(*entry);
		packet->last = entry->frame->arrived;
	} else {
		entry = NULL;
	}
	spin_unlock(&packet->lock);
	kfree(copy);
	return entry;
}

static bool is_readable(struct packet_socket *packet)
{
	spin_lock(&packet->lock);
	bool readable = !list_empty(&packet->queue);
	spin_unlock(&packet->lock);
	return readable || READ_ONCE(packet->socket.error) != 0;
}

static int wait_for_entry(struct packet_socket *packet, u32 flags, struct packet_entry **entry)
{
	nsec_t deadline = socket_deadline(READ_ONCE(packet->socket.receive_timeout), flags);

	for (;;) {
		int error = socket_take_error(&packet->socket);

		if (error != 0)
			return error;
		*entry = take(packet, flags & MSG_PEEK);
		if (*entry != NULL)
			return 0;
		error = deadline == 0 ? -ETIMEDOUT
				      : wait_event_timeout(&packet->read_wait, is_readable(packet),
							   deadline, WAIT_INTERRUPTIBLE);
		if (error != 0)
			return socket_wait_error(error, deadline);
	}
}

static void tell_sender(const struct net_frame *frame, struct socket_address *address)
{
	const struct net_device *device = frame->device;
	struct linux_sockaddr_ll name = {
		.family = AF_PACKET,
		.protocol = __builtin_bswap16(frame->protocol),
		.index = (s32)device->index,
		.hardware_type = device->type,
		.packet_type = (u8)frame->type,
		.length = ETHERNET_ADDRESS,
	};

	memcpy(name.address, frame->data + ETHERNET_ADDRESS, ETHERNET_ADDRESS);
	memcpy(address->bytes, &name, sizeof(name));
	address->length = sizeof(name);
}

static void put_auxiliary(struct packet_socket *packet, const struct packet_entry *entry,
			  struct socket_message *message)
{
	const struct linux_tpacket_auxdata data = {
		.status = TP_STATUS_USER,
		.length = entry->frame->length - hidden(packet),
		.kept = entry->kept,
		.network = (u16)(ETHERNET_HEADER - hidden(packet)),
	};

	socket_put_control(message, SOL_PACKET, PACKET_AUXDATA, &data, sizeof(data));
}

ssize_t packet_receive(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct packet_socket *packet = packet_of(socket);
	struct packet_entry *entry;
	ssize_t result;
	int error;

	if (flags & ~(MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC | MSG_ERRQUEUE))
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	error = wait_for_entry(packet, flags, &entry);
	if (error != 0)
		return error;
	u32 length = entry->kept;
	u32 copied = MIN(length, (u32)MIN(message->cursor->remaining, (size_t)UINT_MAX));
	result = copied > 0
			 ? io_copy_to(message->cursor, entry->frame->data + hidden(packet), copied)
			 : 0;
	if (result >= 0 && (u32)result < copied)
		result = -EFAULT;
	if (result >= 0) {
		if (copied < length)
			message->flags |= MSG_TRUNC;
		if (message->address != NULL)
			tell_sender(entry->frame, message->address);
		if (packet->auxiliary)
			put_auxiliary(packet, entry, message);
		result = flags & MSG_TRUNC ? length : copied;
	}
	free_entry(entry);
	return result;
}

u32 packet_poll(struct socket *socket, struct poll_table *table)
{
	struct packet_socket *packet = packet_of(socket);
	u32 events = POLLOUT | POLLWRNORM | POLLWRBAND;

	poll_wait(socket->file, &packet->read_wait, table);
	if (READ_ONCE(socket->error) != 0)
		events |= POLLERR;
	spin_lock(&packet->lock);
	if (!list_empty(&packet->queue))
		events |= POLLIN | POLLRDNORM;
	spin_unlock(&packet->lock);
	return events;
}

u32 packet_next_length(struct packet_socket *packet)
{
	u32 length = 0;

	spin_lock(&packet->lock);
	if (!list_empty(&packet->queue))
		length = list_first_entry(&packet->queue, struct packet_entry, link)->kept;
	spin_unlock(&packet->lock);
	return length;
}

void packet_drop_queue(struct packet_socket *packet)
{
	while (!list_empty(&packet->queue)) {
		struct packet_entry *entry =
			list_first_entry(&packet->queue, struct packet_entry, link);

		list_remove(&entry->link);
		free_entry(entry);
	}
}
