/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of packet sockets.
 *
 * Every packet socket is in one list, which the tap of the interfaces walks for each frame.  A
 * socket that takes a frame queues an entry, with a reference to the frame; so all that take it
 * share it.
 *
 * Locks, both spin locks: list_lock of socket.c guards the list; inside it a socket's own lock
 * guards what it is bound to, its filter and its queue.  change_lock (a mutex, outside both, and
 * outside the registry's) orders binding, memberships and filters.
 */
#ifndef NET_PACKET_PACKET_INTERNAL_H
#define NET_PACKET_PACKET_INTERNAL_H

#include "lib/abi/packet.h"
#include "lib/sync.h"
#include "net/device.h"
#include "net/filter.h"
#include "net/socket.h"
#include "proc/namespace.h"

struct packet_entry {
	struct list_head link; /* the socket's lock, then the reader's */
	struct net_frame *frame;
	u32 kept; /* bytes that the filter lets through, of what the socket sees */
};

struct packet_membership {
	struct list_head link;
	struct linux_packet_mreq request;
	u32 count;
};

struct packet_socket {
	struct socket socket;
	struct list_head link;   /* list_lock */
	struct namespace *space; /* const; counted */
	mutex_t change_lock;
	struct list_head memberships; /* change_lock */
	spinlock_t lock;
	u32 index;    /* lock: of the interface it is bound to; 0: all */
	u16 protocol; /* lock: ETH_P_*; 0: nothing is received */
	bool auxiliary, no_outgoing, filter_locked; /* single words; change_lock to set */
	struct socket_filter *filter;               /* lock */
	struct list_head queue;                     /* lock */
	u32 queued;                                 /* lock: bytes of memory */
	u32 packets, drops;                         /* lock: since they were last asked for */
	nsec_t last;                                /* lock: when the last that was read came */
	wait_queue_t read_wait;
};

static inline struct packet_socket *packet_of(struct socket *socket)
{
	return container_of(socket, struct packet_socket, socket);
}

/* Does the socket see the interface: are both in one namespace of the network? */
bool packet_sees(const struct packet_socket *packet, const struct net_device *device);
/* The interface of that index, with a reference; NULL: none that the socket sees. */
struct net_device *packet_find_device(const struct packet_socket *packet, u32 index);

/* --- queue.c --- */

/* A frame that comes or goes, for every socket that wants it. */
void packet_offer(struct packet_socket *packet, struct net_device *device, struct net_frame *frame);
ssize_t packet_receive(struct socket *socket, struct socket_message *message, u32 flags);
u32 packet_poll(struct socket *socket, struct poll_table *table);
/* Bytes of the packet that is read next; 0: none. */
u32 packet_next_length(struct packet_socket *packet);
void packet_drop_queue(struct packet_socket *packet);

/* --- send.c --- */

ssize_t packet_send(struct socket *socket, struct socket_message *message, u32 flags);

/* --- option.c --- */

int packet_set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length);
int packet_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length);
void packet_leave_all(struct packet_socket *packet);

#endif
