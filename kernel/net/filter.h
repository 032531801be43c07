/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters of sockets (SO_ATTACH_FILTER of socket(7)): classic BPF that says of each packet how many
 * of its bytes a socket is to have.
 *
 * A filter is immutable.  Who has one sees to it that it stays while it runs.
 */
#ifndef NET_FILTER_H
#define NET_FILTER_H

#include "lib/abi/packet.h"
#include "lib/abi/seccomp.h"
#include "lib/types.h"

struct socket_filter {
	u32 length;
	struct linux_sock_filter code[];
};

/* What a filter looks at. */
struct filter_packet {
	const u8 *bytes; /* where its offsets begin */
	u32 length;
	/* For loads at SKF_LL_OFFSET and SKF_NET_OFFSET; of SKF_NET_OFFSET the network's header. */
	const u8 *link, *network;
	u32 link_length, network_length;
	u16 protocol, type, hardware_type;
	u32 index; /* the interface's; 0: none */
};

/* A filter from a program's struct sock_fprog, or ERR_PTR(-EINVAL, -EFAULT, -ENOMEM).  May sleep.
 */
struct socket_filter *socket_filter_create(vaddr_t program, u32 length);
/* NULL is allowed. */
void socket_filter_free(struct socket_filter *filter);
/* How many bytes of the packet to keep; 0: none of it.  Any context. */
u32 socket_filter_run(const struct socket_filter *filter, const struct filter_packet *packet);
/* getsockopt(SO_GET_FILTER): how many instructions, which are written if *length, in instructions,
 * is not 0.  0, -EINVAL, -EFAULT. */
int __must_check socket_filter_get(const struct socket_filter *filter, vaddr_t value, u32 *length);

#endif
