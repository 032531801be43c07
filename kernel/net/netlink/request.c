/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink: requests to the kernel, and the acknowledgements that they get.
 *
 * A datagram holds one message or several, each worked on in turn.  One that fails is answered with
 * its error, one that succeeds only if it asks for that (NLM_F_ACK).  No state, so no locks.
 */
#include "net/netlink/netlink_internal.h"

#include "mm/kmalloc.h"

static void put_attribute(struct netlink_message *answer, u16 type, const void *value, size_t size)
{
	struct linux_nlattr header = {(u16)(sizeof(header) + size), type};
	u8 *to = answer->bytes + answer->length;

	memset(to, 0, NETLINK_ALIGN(header.length));
	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), value, size);
	answer->length += (u32)NETLINK_ALIGN(header.length);
}

/* struct nlmsghdr, struct nlmsgerr, what follows the request's header, attributes. */
static void acknowledge(struct netlink_request *request, int result)
{
	const struct linux_nlmsghdr *asked = request->header;
	struct netlink_socket *to = request->from;
	bool explain = result != 0 && netlink_switch(to, NETLINK_EXT_ACK);
	bool whole = result != 0 && !netlink_switch(to, NETLINK_CAP_ACK);
	size_t reason = explain && request->reason != NULL ? strlen(request->reason) + 1 : 0;
	u32 repeated = whole ? netlink_body_length(request) : 0;
	struct linux_nlmsghdr header = {.type = NLMSG_ERROR,
					.flags = whole ? 0 : NLM_F_CAPPED,
					.sequence = asked->sequence,
					.port = to->port};
	struct linux_nlmsgerr error = {result, *asked};
	struct netlink_message *answer = netlink_message_create(
		(u32)(sizeof(header) + sizeof(error) + NETLINK_ALIGN(repeated) + reason + 64));

	if (answer == NULL) {
		netlink_overrun(to);
		return;
	}
	memcpy(answer->bytes + sizeof(header), &error, sizeof(error));
	answer->length = sizeof(header) + sizeof(error);
	memset(answer->bytes + answer->length, 0, NETLINK_ALIGN(repeated));
	memcpy(answer->bytes + answer->length, asked + 1, repeated);
	answer->length += (u32)NETLINK_ALIGN(repeated);
	if (reason != 0)
		put_attribute(answer, NLMSGERR_ATTR_MSG, request->reason, reason);
	if (explain && request->offset != 0)
		put_attribute(answer, NLMSGERR_ATTR_OFFS, &request->offset,
			      sizeof(request->offset));
	if (answer->length > sizeof(header) + sizeof(error) + NETLINK_ALIGN(repeated))
		header.flags |= NLM_F_ACK_TLVS;
	header.length = answer->length;
	memcpy(answer->bytes, &header, sizeof(header));
	if (netlink_queue(to, answer)) {
		kfree(answer);
		netlink_overrun(to);
	}
}

void netlink_requests(const struct netlink_protocol *protocol, struct netlink_socket *from,
		      const struct netlink_message *datagram)
{
	u32 position = 0;

	while (datagram->length - position >= sizeof(struct linux_nlmsghdr)) {
		struct netlink_request request = {
			.from = from,
			.header = (const struct linux_nlmsghdr *)(datagram->bytes + position)};
		const struct linux_nlmsghdr *header = request.header;
		int result = 0;

		if (header->length < sizeof(*header) ||
		    header->length > datagram->length - position)
			return;
		if (header->flags & NLM_F_REQUEST && header->type >= NLMSG_MIN_TYPE)
			result = protocol->handle(&request);
		if (result != -EINTR && (result != 0 || header->flags & NLM_F_ACK))
			acknowledge(&request, result);
		position += MIN((u32)NETLINK_ALIGN(header->length), datagram->length - position);
	}
}
