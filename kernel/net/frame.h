/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of a network: memory of one size, large enough for a frame of Ethernet, with a count of
 * references, so that a driver, the protocols and programs that listen share what came in.
 *
 * The memory is contiguous for devices.  `data` is where the link's header begins; in front of it
 * is room for what the driver needs there, such that the header behind Ethernet's is aligned.
 * A frame with more than one reference is only read.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include "lib/list.h"
#include "lib/types.h"

struct net_device;

enum {
	NET_FRAME_HEADROOM = 18, /* bytes in front of an empty frame's `data` */
	NET_FRAME_ROOM = 1600,   /* bytes of an empty frame from `data` on */
	NET_FRAME_STACK = 64,
};

struct net_frame {
	struct list_head
		link;   /* the driver's, or whose turn it is; nobody else's who has a reference */
	u32 references; /* atomic */
	u32 length;     /* bytes from data */
	u8 *data;
	struct net_device *device; /* where it came from; not counted */
	const void *sender;        /* the socket that sent it, to compare with; NULL: none */
	nsec_t arrived;            /* time of day */
	u16 protocol;              /* Ethernet's, in the machine's order */
	u16 type;                  /* PACKET_*: for whom */
	u8 stack[NET_FRAME_STACK] __attribute__((aligned(16))); /* what the protocols keep of it */
	u8 memory[NET_FRAME_HEADROOM + NET_FRAME_ROOM] __attribute__((aligned(16)));
};

/* An empty frame with one reference, or NULL.  Any context. */
struct net_frame *__must_check net_frame_alloc(void);

static inline struct net_frame *net_frame_get(struct net_frame *frame)
{
	__atomic_add_fetch(&frame->references, 1, __ATOMIC_RELAXED);
	return frame;
}

/* Gives a reference back.  Any context. */
void net_frame_put(struct net_frame *frame);
/* Gives back each frame of a list, which is empty afterwards. */
void net_frames_put(struct list_head *frames);

#endif
