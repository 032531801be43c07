/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of frames; the heap's caches recycle it.  No state, so no locks. */
#include "net/frame.h"

#include "mm/kmalloc.h"

struct net_frame *net_frame_alloc(void)
{
	struct net_frame *frame = kmalloc(sizeof(*frame));

	if (frame == NULL)
		return NULL;
	list_init(&frame->link);
	frame->references = 1;
	frame->length = 0;
	frame->data = frame->memory + NET_FRAME_HEADROOM;
	frame->device = NULL;
	frame->sender = NULL;
	frame->arrived = 0;
	frame->protocol = 0;
	frame->type = 0;
	return frame;
}

void net_frame_put(struct net_frame *frame)
{
	if (__atomic_sub_fetch(&frame->references, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(frame);
}

void net_frames_put(struct list_head *frames)
{
	while (!list_empty(frames)) {
		struct net_frame *frame = list_first_entry(frames, struct net_frame, link);

		list_remove(&frame->link);
		net_frame_put(frame);
	}
}
