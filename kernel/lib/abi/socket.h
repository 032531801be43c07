/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets as programs see them: socket(2), socket(7), unix(7), cmsg(3). */
#ifndef LIB_ABI_SOCKET_H
#define LIB_ABI_SOCKET_H

#include "lib/types.h"

enum address_families {
	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	AF_PACKET = 17,
	AF_LIMIT = 46, /* one more than the last that has a number */
};

enum socket_types {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_RDM = 4,
	SOCK_SEQPACKET = 5,
	SOCK_TYPE_LIMIT = 11,
	SOCK_TYPE_MASK = 0xf,
	SOCK_NONBLOCK = 04000,
	SOCK_CLOEXEC = 02000000,
};

enum message_flags {
	MSG_OOB = 0x1,
	MSG_PEEK = 0x2,
	MSG_DONTROUTE = 0x4,
	MSG_CTRUNC = 0x8,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_EOR = 0x80,
	MSG_WAITALL = 0x100,
	MSG_ERRQUEUE = 0x2000,
	MSG_NOSIGNAL = 0x4000,
	MSG_MORE = 0x8000,
	MSG_WAITFORONE = 0x10000,
	MSG_CMSG_CLOEXEC = 0x40000000,
};

enum shutdown_ways { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2 };

enum { SOMAXCONN = 4096 }; /* listen(2): no longer list of connections */
/* A unix datagram socket holds one message more than this, from senders to whom it is not
 * connected: /proc/sys/net/unix/max_dgram_qlen. */
enum { UNIX_QUEUE_LIMIT = 10 };
enum { SOL_SOCKET = 1 };
enum control_types { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
enum { SCM_MAX_FD = 253 };

/* Options of SOL_SOCKET. */
enum socket_options {
	SO_DEBUG = 1,
	SO_REUSEADDR = 2,
	SO_TYPE = 3,
	SO_ERROR = 4,
	SO_DONTROUTE = 5,
	SO_BROADCAST = 6,
	SO_SNDBUF = 7,
	SO_RCVBUF = 8,
	SO_KEEPALIVE = 9,
	SO_OOBINLINE = 10,
	SO_NO_CHECK = 11,
	SO_PRIORITY = 12,
	SO_LINGER = 13,
	SO_REUSEPORT = 15,
	SO_PASSCRED = 16,
	SO_PEERCRED = 17,
	SO_RCVLOWAT = 18,
	SO_SNDLOWAT = 19,
	SO_RCVTIMEO_OLD = 20,
	SO_SNDTIMEO_OLD = 21,
	SO_BINDTODEVICE = 25,
	SO_PEERNAME = 28,
	SO_ACCEPTCONN = 30,
	SO_PEERSEC = 31,
	SO_SNDBUFFORCE = 32,
	SO_RCVBUFFORCE = 33,
	SO_PASSSEC = 34,
	SO_MARK = 36,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
	SO_RXQ_OVFL = 40,
	SO_PEEK_OFF = 42,
	SO_COOKIE = 57,
	SO_PEERGROUPS = 59,
	SO_RCVTIMEO_NEW = 66,
	SO_SNDTIMEO_NEW = 67,
};

enum socket_ioctls {
	SIOCOUTQ = 0x5411,
	SIOCINQ = 0x541b,
	SIOCATMARK = 0x8905,
	SIOCOUTQNSD = 0x894b
};

struct linux_linger {
	s32 on;
	s32 seconds;
};

struct linux_ucred {
	s32 pid;
	u32 uid;
	u32 gid;
};

struct linux_sockaddr_un {
	u16 family;
	char path[108];
};

struct linux_msghdr {
	u64 name;
	s32 name_length;
	s32 pad;
	u64 vector;
	u64 vector_count;
	u64 control;
	u64 control_length;
	u32 flags;
	u32 pad2;
};

struct linux_mmsghdr {
	struct linux_msghdr header;
	u32 length;
	u32 pad;
};

/* The header of a control message; its data follows, and the next one at a multiple of 8 bytes. */
struct linux_cmsghdr {
	u64 length; /* with the header */
	s32 level;
	s32 type;
};
#define CONTROL_ALIGN(length) ALIGN_UP((size_t)(length), sizeof(u64))

#endif
