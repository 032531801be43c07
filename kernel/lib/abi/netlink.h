/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink as programs see it: netlink(7). */
#ifndef LIB_ABI_NETLINK_H
#define LIB_ABI_NETLINK_H

#include "lib/types.h"

enum netlink_protocols {
	NETLINK_ROUTE = 0,
	NETLINK_USERSOCK = 2,
	NETLINK_SOCK_DIAG = 4,
	NETLINK_KOBJECT_UEVENT = 15,
	NETLINK_PROTOCOLS = 32,
};

struct linux_sockaddr_nl {
	u16 family;
	u16 pad;
	u32 port;
	u32 groups;
};

struct linux_nlmsghdr {
	u32 length; /* with the header */
	u16 type;
	u16 flags;
	u32 sequence;
	u32 port;
};

enum netlink_types {
	NLMSG_NOOP = 1,
	NLMSG_ERROR = 2,
	NLMSG_DONE = 3,
	NLMSG_MIN_TYPE = 0x10, /* below: control messages */
};

enum netlink_flags {
	NLM_F_REQUEST = 0x1,
	NLM_F_MULTI = 0x2,
	NLM_F_ACK = 0x4,
	NLM_F_ECHO = 0x8,
	NLM_F_DUMP_FILTERED = 0x20,
	NLM_F_DUMP = 0x300,
	NLM_F_REPLACE = 0x100,
	NLM_F_EXCL = 0x200,
	NLM_F_CREATE = 0x400,
	NLM_F_APPEND = 0x800,
	NLM_F_CAPPED = 0x100,   /* of errors: the request is not repeated */
	NLM_F_ACK_TLVS = 0x200, /* of errors: attributes follow */
};

struct linux_nlmsgerr {
	s32 error;
	struct linux_nlmsghdr request;
};
enum netlink_error_attributes { NLMSGERR_ATTR_MSG = 1, NLMSGERR_ATTR_OFFS = 2 };

struct linux_nlattr {
	u16 length; /* with the header */
	u16 type;
};
enum { NLA_F_NESTED = 0x8000, NLA_TYPE_MASK = 0x3fff };
#define NETLINK_ALIGN(length) ALIGN_UP((size_t)(length), sizeof(u32))

enum { SOL_NETLINK = 270 };
enum netlink_options {
	NETLINK_ADD_MEMBERSHIP = 1,
	NETLINK_DROP_MEMBERSHIP = 2,
	NETLINK_PKTINFO = 3,
	NETLINK_BROADCAST_ERROR = 4,
	NETLINK_NO_ENOBUFS = 5,
	NETLINK_LISTEN_ALL_NSID = 8,
	NETLINK_LIST_MEMBERSHIPS = 9,
	NETLINK_CAP_ACK = 10,
	NETLINK_EXT_ACK = 11,
	NETLINK_GET_STRICT_CHK = 12,
};

#endif
