/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What virtio_queue.c and the two kinds of ring share.  A queue's functions are serialised by its
 * user, so nothing here has a lock.
 *
 * What the driver hands over is a buffer.  It has an id, which the device gives back: its number in
 * `buffers`, the driver's own memory, where everything is that must be right whatever the device
 * writes into the rings.  A buffer takes `count` of the ring's descriptors, or, when it is long, one
 * that names a table of them (indirect descriptors).
 *
 * Free ids are a list from `free_head` by `next`; `free_count` is how many descriptors are free.  A
 * buffer takes one descriptor or more, so while one is free there is a free id, too.
 */
#ifndef DRIVERS_BUS_VIRTIO_RING_H
#define DRIVERS_BUS_VIRTIO_RING_H

#include "drivers/bus/virtio.h"

enum { VIRTIO_END = 0xffff };

/* Flags of descriptors of both kinds. */
enum virtio_descriptor_flag {
	VIRTIO_DESCRIPTOR_NEXT = 1,
	VIRTIO_DESCRIPTOR_WRITE = 2,
	VIRTIO_DESCRIPTOR_INDIRECT = 4,
};

enum { VIRTIO_DESCRIPTOR_SIZE = 16 }; /* bytes, of both kinds */

struct virtio_buffer {
	void *token; /* NULL: the id is free */
	void *table; /* of indirect descriptors, or NULL */
	u32 room;    /* bytes that the device may write */
	u16 count;   /* the ring's descriptors that it takes */
	u16 next;
};

struct virtio_ring_ops;

struct virtio_queue {
	struct virtio_device *device;
	const struct virtio_ring_ops *ops;
	u32 index, size, cpu;
	void (*callback)(struct virtio_queue *queue);
	void *data;
	bool broken;
	bool event_index, indirect; /* features */
	u16 free_head, free_count;
	u16 added;  /* split: buffers, packed: descriptors that were added; runs on and wraps */
	u16 kicked; /* … at the last kick */
	struct virtio_buffer *buffers;
	phys_t memory; /* of the rings */
	u32 order;
	size_t available_offset, used_offset; /* the areas' places in it */
	union {
		struct {
			struct split_descriptor *descriptors;
			struct split_available *available;
			volatile struct split_used *used;
			u16 consumed; /* used entries taken */
		} split;
		struct {
			volatile struct packed_descriptor *descriptors;
			struct packed_event *driver_event;
			volatile struct packed_event *device_event;
			u16 put_at, take_at; /* places in the ring */
			bool put_wrap, take_wrap;
		} packed;
	};
};

/* A buffer that is handed over: `count` segments, of which the device writes those from `out`. */
struct virtio_chain {
	const struct virtio_segment *segments;
	u32 out, count;
};

/* What the kinds of ring do each in their way. */
struct virtio_ring_ops {
	/* Says where the areas are in the ring's memory, which begins with the descriptors; its
	 * size. */
	size_t (*layout)(struct virtio_queue *queue);
	/* The memory is zeros and all ids are free: the rest of an empty ring. */
	void (*reset)(struct virtio_queue *queue);
	/* Makes the buffer of the first free id visible to the device, and takes the id. */
	void (*put)(struct virtio_queue *queue, const struct virtio_chain *chain);
	/* Does the device want to know of what was added since the last kick? */
	bool (*wants_kick)(const struct virtio_queue *queue);
	/* The id of the next used buffer, checked and passed over; -1: none, or the ring is broken.
	 */
	int (*take)(struct virtio_queue *queue, u32 *written);
	/* Puts the id back on the free list. */
	void (*release)(struct virtio_queue *queue, u16 id);
	bool (*rearm)(struct virtio_queue *queue); /* as virtio_queue_rearm */
	void (*quiet)(struct virtio_queue *queue);
};

extern const struct virtio_ring_ops virtio_split_ring, virtio_packed_ring;

/* The device has written nonsense: says so, and nothing more is given or taken. */
void virtio_queue_break(struct virtio_queue *queue, const char *why);
/* May the device give back `id` with so many bytes written?  Else the queue is broken. */
bool virtio_queue_accepts(struct virtio_queue *queue, u32 id, u32 written);

#endif
