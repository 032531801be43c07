/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagram sockets: what has come, and receiving it.
 *
 * A message is a copy of a packet's bytes; it counts against the receiver's buffer with its memory,
 * and what does not fit is lost.  Errors that IP_RECVERR wants told lie in a queue of their own.
 */
#include "net/inet/datagram.h"

#include <lwip/pbuf.h>

#include "arch/clock.h"
#include "lib/abi/time.h"
#include "lib/errno.h"
#include "mm/iov.h"
#include "mm/kmalloc.h"
#include "net/inet/stack.h"
#include "proc/time.h"

enum { OVERHEAD = 256 }; /* of each message, besides its bytes */

/* --- Coming in --- */

static u32 charge_of(const struct datagram_message *message)
{
	return message->length + OVERHEAD;
}

static struct datagram_message *copy_packet(const struct datagram *about, struct pbuf *packet,
					    u32 offset, u32 length)
{
	struct datagram_message *message = kmalloc(sizeof(*message) + length);

	if (message == NULL)
		return NULL;
	list_init(&message->link);
	message->about = *about;
	message->length = length;
	message->time = time_wall();
	message->error = (struct linux_sock_extended_err){0};
	pbuf_copy_partial(packet, message->bytes, (u16_t)length, (u16_t)offset);
	return message;
}

/* Is there no room for so many bytes more?  One that does not fit alone comes nevertheless. */
static bool is_full(const struct datagram_socket *datagram, u32 length)
{
	u32 charge = READ_ONCE(datagram->charge);

	return charge != 0 &&
	       charge + length + OVERHEAD > READ_ONCE(datagram->inet.socket.receive_buffer);
}

static bool queue(struct datagram_socket *datagram, struct datagram_message *message,
		  struct list_head *where, u32 *count)
{
	spin_lock(&datagram->lock);
	list_add_tail(&message->link, where);
	WRITE_ONCE(*count, *count + 1);
	WRITE_ONCE(datagram->charge, datagram->charge + charge_of(message));
	spin_unlock(&datagram->lock);
	return true;
}

static void lose(struct datagram_socket *datagram)
{
	spin_lock(&datagram->lock);
	datagram->dropped++;
	spin_unlock(&datagram->lock);
}

void datagram_deliver(struct datagram_socket *datagram, const struct datagram *about,
		      struct pbuf *packet, u32 offset, u32 length)
{
	struct datagram_message *message = NULL;

	if (READ_ONCE(datagram->shutdown) & 1)
		return;
	if (!is_full(datagram, length))
		message = copy_packet(about, packet, offset, length);
	if (message == NULL) {
		lose(datagram);
		return;
	}
	queue(datagram, message, &datagram->queue, &datagram->queued);
	wake_up_events(&datagram->wait, UINT_MAX, POLLIN | POLLRDNORM);
}

void datagram_fail(struct datagram_socket *datagram, const struct datagram *about,
		   const struct linux_sock_extended_err *error, bool fatal, struct pbuf *packet,
		   u32 offset, u32 length)
{
	const struct inet_socket *inet = &datagram->inet;
	bool wanted = inet_has(inet, IP_IS_V4_VAL(about->to) ? INET_RECVERR : INET_RECVERR6);
	struct datagram_message *message = NULL;

	if (!wanted && (!fatal || inet_is_any(&inet->remote)))
		return;
	if (wanted && !is_full(datagram, length))
		message = copy_packet(about, packet, offset, length);
	if (message != NULL) {
		message->error = *error;
		queue(datagram, message, &datagram->errors, &datagram->error_count);
	}
	WRITE_ONCE(datagram->inet.socket.error, error->number);
	wake_up_events(&datagram->wait, UINT_MAX, POLLIN | POLLRDNORM | POLLERR);
}

void datagram_clear(struct datagram_socket *datagram)
{
	struct datagram_message *message, *next;

	list_splice(&datagram->errors, &datagram->queue);
	list_for_each_entry_safe (message, next, &datagram->queue, link) {
		list_remove(&message->link);
		kfree(message);
	}
}

/* --- What comes along --- */

static void put_stamp(const struct datagram_socket *datagram, nsec_t time,
		      struct socket_message *to)
{
	struct linux_timespec exact = nsec_to_timespec(time);
	struct linux_timeval coarse = nsec_to_timeval(time);
	u32 which = READ_ONCE(datagram->stamps);

	if (which == SO_TIMESTAMPNS_OLD || which == SO_TIMESTAMPNS_NEW)
		socket_put_control(to, SOL_SOCKET, (int)which, &exact, sizeof(exact));
	else if (which != 0)
		socket_put_control(to, SOL_SOCKET, (int)which, &coarse, sizeof(coarse));
}

static void put_ip4_extras(const struct inet_socket *inet, const struct datagram *about,
			   struct socket_message *to)
{
	u32 address = ip_addr_get_ip4_u32(&about->to);
	s32 ttl = about->ttl;

	if (inet_has(inet, INET_PKTINFO)) {
		struct linux_in_pktinfo info = {(s32)about->device, address, address};

		socket_put_control(to, SOL_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (inet_has(inet, INET_RECVTTL))
		socket_put_control(to, SOL_IP, IP_TTL, &ttl, sizeof(ttl));
	if (inet_has(inet, INET_RECVTOS))
		socket_put_control(to, SOL_IP, IP_TOS, &about->tos, sizeof(about->tos));
}

static void put_ip6_extras(const struct inet_socket *inet, const struct datagram *about,
			   struct socket_message *to)
{
	s32 hops = about->ttl, class = about->tos;

	if (inet_has(inet, INET_RECVPKTINFO6)) {
		struct linux_in6_pktinfo info = {.device = about->device};
		struct linux_sockaddr_in6 shown;
		struct socket_address address;

		inet_put_address(inet, &about->to, 0, &address);
		memcpy(&shown, address.bytes, sizeof(shown));
		memcpy(info.address, shown.address, sizeof(info.address));
		socket_put_control(to, SOL_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	if (IP_IS_V4_VAL(about->to))
		return;
	if (inet_has(inet, INET_RECVHOPLIMIT6))
		socket_put_control(to, SOL_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
	if (inet_has(inet, INET_RECVTCLASS6))
		socket_put_control(to, SOL_IPV6, IPV6_TCLASS, &class, sizeof(class));
}

static void put_extras(struct datagram_socket *datagram, const struct datagram_message *from,
		       struct socket_message *to)
{
	const struct inet_socket *inet = &datagram->inet;

	put_stamp(datagram, from->time, to);
	if (socket_has_option(&inet->socket, SO_RXQ_OVFL)) {
		u32 dropped = READ_ONCE(datagram->dropped);

		socket_put_control(to, SOL_SOCKET, SO_RXQ_OVFL, &dropped, sizeof(dropped));
	}
	if (IP_IS_V4_VAL(from->about.to))
		put_ip4_extras(inet, &from->about, to);
	if (inet->socket.family == AF_INET6)
		put_ip6_extras(inet, &from->about, to);
}

/* Who complained is behind the record, as an address of the socket's family. */
static void put_error(const struct inet_socket *inet, const struct datagram_message *from,
		      struct socket_message *to)
{
	struct {
		struct linux_sock_extended_err error;
		u8 offender[sizeof(struct linux_sockaddr_in6)];
	} record = {.error = from->error};
	struct socket_address name;
	bool ip6 = inet->socket.family == AF_INET6;

	inet_put_address(inet, &from->about.from, 0, &name);
	memcpy(record.offender, name.bytes, name.length);
	socket_put_control(to, ip6 ? SOL_IPV6 : SOL_IP, ip6 ? IPV6_RECVERR : IP_RECVERR, &record,
			   sizeof(record.error) + name.length);
}

/* --- Going out --- */

static struct datagram_message *choose(struct datagram_socket *datagram, u32 flags)
{
	bool errors = flags & MSG_ERRQUEUE;
	struct list_head *from = errors ? &datagram->errors : &datagram->queue;
	u32 *count = errors ? &datagram->error_count : &datagram->queued;
	struct datagram_message *found;

	spin_lock(&datagram->lock);
	found = list_first_entry_or_null(from, struct datagram_message, link);
	if (found != NULL && !(flags & MSG_PEEK)) {
		list_remove(&found->link);
		WRITE_ONCE(*count, *count - 1);
		WRITE_ONCE(datagram->charge, datagram->charge - charge_of(found));
	}
	spin_unlock(&datagram->lock);
	return found;
}

static ssize_t deliver(struct datagram_socket *datagram, struct socket_message *to,
		       const struct datagram_message *from, u32 flags)
{
	const struct inet_socket *inet = &datagram->inet;
	size_t count = MIN((size_t)from->length, to->cursor->remaining);
	bool error = flags & MSG_ERRQUEUE;

	if (count < from->length)
		to->flags |= MSG_TRUNC;
	if (count != 0 && io_copy_to(to->cursor, from->bytes, count) != (ssize_t)count)
		return -EFAULT;
	if (to->address != NULL)
		inet_put_address(inet, error ? &from->about.to : &from->about.from,
				 error ? from->about.to_port : from->about.from_port, to->address);
	if (error) {
		to->flags |= MSG_ERRQUEUE;
		put_error(inet, from, to);
	} else {
		put_extras(datagram, from, to);
	}
	return (ssize_t)(flags & MSG_TRUNC ? from->length : count);
}

/* 0 to look again, 1 at the end, or an error; read_lock is dropped meanwhile. */
static int wait_for_message(struct datagram_socket *datagram, nsec_t deadline)
{
	if (deadline == 0)
		return -EAGAIN;
	if (READ_ONCE(datagram->shutdown) & 1)
		return 1;
	mutex_unlock(&datagram->read_lock);
	int error = wait_event_timeout(&datagram->wait,
				       READ_ONCE(datagram->queued) != 0 ||
					       READ_ONCE(datagram->inet.socket.error) != 0 ||
					       READ_ONCE(datagram->shutdown) & 1,
				       deadline, WAIT_INTERRUPTIBLE);
	mutex_lock(&datagram->read_lock);
	return error ? socket_wait_error(error, deadline) : 0;
}

static ssize_t find_message(struct datagram_socket *datagram, u32 flags, nsec_t deadline,
			    struct datagram_message **found)
{
	ssize_t result = 0;

	*found = NULL;
	if (flags & MSG_ERRQUEUE) {
		*found = choose(datagram, flags);
		return *found != NULL ? 0 : -EAGAIN;
	}
	while (result == 0) {
		result = socket_take_error(&datagram->inet.socket);
		if (result == 0)
			*found = choose(datagram, flags);
		if (*found != NULL)
			return 0;
		if (result == 0)
			result = wait_for_message(datagram, deadline);
	}
	return MIN(result, (ssize_t)0);
}

ssize_t datagram_receive(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct datagram_socket *datagram = datagram_of(socket);
	struct datagram_message *from;

	nsec_t deadline = socket_deadline(socket->receive_timeout, flags);
	mutex_lock(&datagram->read_lock);
	ssize_t result = find_message(datagram, flags, deadline, &from);
	if (from != NULL)
		result = deliver(datagram, message, from, flags);
	mutex_unlock(&datagram->read_lock);
	if (from != NULL && !(flags & MSG_PEEK))
		kfree(from);
	return result;
}
