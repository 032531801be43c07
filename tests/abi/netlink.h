/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink's structures and numbers, which the C library does not bring: netlink(7), rtnetlink(7).
 */
#ifndef ABI_NETLINK_H
#define ABI_NETLINK_H

#include <stdint.h>
#include <sys/socket.h>

#define SOL_NETLINK 270
enum {
	NETLINK_ROUTE = 0,
	NETLINK_USERSOCK = 2,
	NETLINK_SOCK_DIAG = 4,
	NETLINK_KOBJECT_UEVENT = 15
};
enum {
	NETLINK_ADD_MEMBERSHIP = 1,
	NETLINK_DROP_MEMBERSHIP = 2,
	NETLINK_PKTINFO = 3,
	NETLINK_LIST_MEMBERSHIPS = 9,
	NETLINK_CAP_ACK = 10,
	NETLINK_EXT_ACK = 11,
};
enum { NLMSG_ERROR = 2, NLMSG_DONE = 3 };
enum {
	NLM_F_REQUEST = 1,
	NLM_F_MULTI = 2,
	NLM_F_ACK = 4,
	NLM_F_DUMP = 0x300,
	NLM_F_EXCL = 0x200,
	NLM_F_CREATE = 0x400,
	NLM_F_CAPPED = 0x100,
	NLM_F_ACK_TLVS = 0x200,
};
enum {
	RTM_NEWLINK = 16,
	RTM_GETLINK = 18,
	RTM_SETLINK = 19,
	RTM_NEWADDR = 20,
	RTM_DELADDR = 21,
	RTM_GETADDR = 22,
	RTM_NEWROUTE = 24,
	RTM_DELROUTE = 25,
	RTM_GETROUTE = 26,
	RTM_NEWNEIGH = 28,
	RTM_GETNEIGH = 30,
	RTM_NEWRULE = 32,
	RTM_GETRULE = 34,
};

struct sockaddr_nl {
	uint16_t family, pad;
	uint32_t port, groups;
};
struct nl_header {
	uint32_t length;
	uint16_t type, flags;
	uint32_t sequence, port;
};
struct nl_error {
	int32_t error;
	struct nl_header request;
};
struct nl_attribute {
	uint16_t length, type;
};
struct nl_link {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};
struct nl_address {
	uint8_t family, prefix, flags, scope;
	uint32_t index;
};
struct nl_route {
	uint8_t family, destination_prefix, source_prefix, tos;
	uint8_t table, protocol, scope, type;
	uint32_t flags;
};
struct nl_rule {
	uint8_t family, pad[3], table, pad2[2], action;
	uint32_t flags;
};

#define NL_ALIGN(length) (((length) + 3u) & ~3u)
#define NL_DATA(header)  ((void *)((struct nl_header *)(header) + 1))

/* The attribute of that type behind the fixed part, of `size` bytes, of a message; NULL. */
static inline const struct nl_attribute *nl_find(const struct nl_header *header, size_t size,
						 unsigned type)
{
	const char *at = (const char *)(header + 1) + NL_ALIGN(size);
	const char *end = (const char *)header + header->length;

	while (at + sizeof(struct nl_attribute) <= end) {
		const struct nl_attribute *attribute = (const void *)at;

		if ((attribute->type & 0x3fff) == type)
			return attribute;
		if (attribute->length < sizeof(*attribute))
			break;
		at += NL_ALIGN(attribute->length);
	}
	return NULL;
}

#endif
