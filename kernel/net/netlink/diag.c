/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_SOCK_DIAG: sockets of the internet's families, as ss(8) asks for them (sock_diag(7)).
 *
 * A dump is one moment's, made under the stack's lock.  Families that are not there answer ENOENT,
 * and ss reads the files in /proc/net instead.  No state.
 */
#include "lib/abi/inet.h"
#include "net/inet/shown.h"
#include "net/netlink/netlink_internal.h"
#include "proc/user_namespace.h"

enum { SOCK_DIAG_BY_FAMILY = 20 };

struct linux_inet_diag_id {
	u16 source_port, destination_port; /* the network's order */
	u8 source[16], destination[16];
	u32 device;
	u32 cookie[2];
};

struct linux_inet_diag_request {
	u8 family, protocol, extensions, pad;
	u32 states; /* BIT(LINUX_TCP_*) */
	struct linux_inet_diag_id id;
};

struct linux_inet_diag_message {
	u8 family, state, timer, retransmits;
	struct linux_inet_diag_id id;
	u32 expires, receive_queue, send_queue, uid, inode;
};

struct dump {
	struct netlink_reply reply;
	struct linux_inet_diag_request asked;
};

static bool is_wanted(const struct inet_shown *shown, const struct linux_inet_diag_request *asked)
{
	const struct linux_inet_diag_id *id = &asked->id;

	return asked->states & BIT(shown->state) &&
	       (id->source_port == 0 || id->source_port == __builtin_bswap16(shown->local_port)) &&
	       (id->destination_port == 0 ||
		id->destination_port == __builtin_bswap16(shown->remote_port));
}

static int dump_one(const struct inet_shown *shown, void *context)
{
	struct dump *dump = context;
	struct linux_inet_diag_message message = {
		.family = shown->family,
		.state = shown->state,
		.timer = shown->timer,
		.retransmits = shown->retransmits,
		.id = {.source_port = __builtin_bswap16(shown->local_port),
		       .destination_port = __builtin_bswap16(shown->remote_port),
		       .device = shown->device,
		       .cookie = {(u32)shown->inode, (u32)(shown->inode >> 32)}},
		.receive_queue = shown->receive_queue,
		.send_queue = shown->send_queue,
		.uid = uid_shown(shown->uid),
		.inode = (u32)shown->inode};

	memcpy(message.id.source, shown->local, sizeof(message.id.source));
	memcpy(message.id.destination, shown->remote, sizeof(message.id.destination));
	if (!is_wanted(shown, &dump->asked))
		return 0;
	netlink_begin(&dump->reply, SOCK_DIAG_BY_FAMILY, &message, sizeof(message));
	netlink_end(&dump->reply);
	return 0;
}

int netlink_diag_handle(struct netlink_request *request)
{
	struct dump dump;

	if (request->header->type != SOCK_DIAG_BY_FAMILY)
		return -EINVAL;
	if (netlink_body_length(request) < sizeof(u16))
		return -EINVAL;
	u8 family = *(const u8 *)netlink_body(request);
	if (family != AF_INET && family != AF_INET6)
		return -ENOENT;
	if (netlink_body_length(request) < sizeof(dump.asked))
		return -EINVAL;
	if (!(request->header->flags & NLM_F_DUMP))
		return -EOPNOTSUPP;
	memcpy(&dump.asked, netlink_body(request), sizeof(dump.asked));
	switch (dump.asked.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_RAW:
		break;
	default:
		return -ENOENT;
	}
	netlink_reply_init(&dump.reply, request);
	if (request->from->space == namespace_first(NAMESPACE_NET))
		inet_shown_for_each(family, dump.asked.protocol, dump_one, &dump);
	return netlink_reply_dump(&dump.reply, request);
}
