/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink: putting answers together.  See struct netlink_reply.
 *
 * A reply belongs to one thread.  After an error (no memory, or a message that is too large)
 * nothing more is written, and the error is what the request gets.
 */
#include "net/netlink/netlink_internal.h"

#include "mm/kmalloc.h"

void netlink_reply_init(struct netlink_reply *reply, const struct netlink_request *request)
{
	netlink_notice_init(reply);
	reply->port = request->from->port;
	reply->sequence = request->header->sequence;
	if ((request->header->flags & NLM_F_DUMP) == NLM_F_DUMP)
		reply->flags = NLM_F_MULTI;
}

void netlink_notice_init(struct netlink_reply *reply)
{
	*reply = (struct netlink_reply){.work = kmalloc(NETLINK_ONE_MAX)};
	list_init(&reply->datagrams);
	if (reply->work == NULL)
		reply->error = -ENOBUFS;
}

/* --- One message --- */

static u8 *reserve(struct netlink_reply *reply, size_t size)
{
	size_t aligned = NETLINK_ALIGN(size);

	if (reply->error == 0 && aligned > NETLINK_ONE_MAX - reply->length)
		reply->error = -EMSGSIZE;
	if (reply->error)
		return NULL;
	u8 *to = reply->work + reply->length;
	memset(to, 0, aligned);
	reply->length += (u32)aligned;
	return to;
}

void netlink_begin(struct netlink_reply *reply, u16 type, const void *fixed, size_t size)
{
	struct linux_nlmsghdr header = {.type = type,
					.flags = reply->flags,
					.sequence = reply->sequence,
					.port = reply->port};

	reply->length = 0;
	u8 *to = reserve(reply, sizeof(header) + size);
	if (to == NULL)
		return;
	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), fixed, size);
}

void netlink_put_bytes(struct netlink_reply *reply, u16 type, const void *value, size_t size)
{
	struct linux_nlattr header = {(u16)(sizeof(header) + size), type};
	u8 *to = reserve(reply, header.length);

	if (to == NULL)
		return;
	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), value, size);
}

void netlink_put_u8(struct netlink_reply *reply, u16 type, u8 value)
{
	netlink_put_bytes(reply, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_reply *reply, u16 type, u32 value)
{
	netlink_put_bytes(reply, type, &value, sizeof(value));
}

void netlink_put_string(struct netlink_reply *reply, u16 type, const char *value)
{
	netlink_put_bytes(reply, type, value, strlen(value) + 1);
}

u32 netlink_nest(struct netlink_reply *reply, u16 type)
{
	u32 start = reply->length;

	netlink_put_bytes(reply, type, NULL, 0);
	return start;
}

void netlink_nest_end(struct netlink_reply *reply, u32 nest)
{
	if (reply->error)
		return;
	struct linux_nlattr *header = (struct linux_nlattr *)(reply->work + nest);
	header->length = (u16)(reply->length - nest);
}

/* --- Datagrams --- */

void netlink_end(struct netlink_reply *reply)
{
	struct netlink_message *last = NULL;

	if (reply->error)
		return;
	((struct linux_nlmsghdr *)reply->work)->length = reply->length;
	if (!list_empty(&reply->datagrams))
		last = list_last_entry(&reply->datagrams, struct netlink_message, link);
	if (last == NULL || last->capacity - last->length < reply->length) {
		last = netlink_message_create(reply->flags & NLM_F_MULTI ? NETLINK_DATAGRAM
									 : reply->length);
		if (last == NULL) {
			reply->error = -ENOBUFS;
			return;
		}
		list_add_tail(&last->link, &reply->datagrams);
	}
	memcpy(last->bytes + last->length, reply->work, reply->length);
	last->length += reply->length;
}

static void discard(struct netlink_reply *reply)
{
	while (!list_empty(&reply->datagrams)) {
		struct netlink_message *message =
			list_first_entry(&reply->datagrams, struct netlink_message, link);

		list_remove(&message->link);
		kfree(message);
	}
	kfree(reply->work);
	reply->work = NULL;
}

/* Queues all; what does not fit is an overrun. */
static void queue_all(struct netlink_reply *reply, struct netlink_socket *to)
{
	while (!list_empty(&reply->datagrams)) {
		struct netlink_message *message =
			list_first_entry(&reply->datagrams, struct netlink_message, link);

		list_remove(&message->link);
		if (netlink_queue(to, message)) {
			kfree(message);
			netlink_overrun(to);
		}
	}
}

int netlink_reply_send(struct netlink_reply *reply, struct netlink_request *request)
{
	int error = reply->error;

	if (!error)
		queue_all(reply, request->from);
	discard(reply);
	return error;
}

static bool begin_dump(struct netlink_socket *netlink)
{
	spin_lock(&netlink->lock);
	bool free = !netlink->dumping;
	netlink->dumping = true;
	spin_unlock(&netlink->lock);
	return free;
}

int netlink_reply_dump(struct netlink_reply *reply, struct netlink_request *request)
{
	struct netlink_message *datagram, *end = netlink_message_create(32);
	struct linux_nlmsghdr header = {.length = sizeof(header) + sizeof(s32),
					.type = NLMSG_DONE,
					.flags = NLM_F_MULTI,
					.sequence = reply->sequence,
					.port = reply->port};
	int error = reply->error;

	if (!error && end == NULL)
		error = -ENOBUFS;
	if (!error && !begin_dump(request->from))
		error = -EBUSY;
	if (error) {
		kfree(end);
		discard(reply);
		return error;
	}
	/* The end: a header, and what the dump came to, which is no error. */
	memset(end->bytes, 0, header.length);
	memcpy(end->bytes, &header, sizeof(header));
	end->length = header.length;
	end->last_of_dump = true;
	list_add_tail(&end->link, &reply->datagrams);
	list_for_each_entry (datagram, &reply->datagrams, link)
		datagram->of_dump = true;
	queue_all(reply, request->from);
	discard(reply);
	return -EINTR;
}

void netlink_notice_send(struct netlink_reply *reply, u32 protocol, u32 group)
{
	struct netlink_message *message;

	if (!reply->error) {
		struct namespace *first = namespace_first(NAMESPACE_NET);

		list_for_each_entry (message, &reply->datagrams, link)
			(void)netlink_broadcast(protocol, group, first, message, 0, NULL);
	}
	discard(reply);
}
