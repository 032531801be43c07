/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed virtqueues (Virtual I/O Device specification 1.2, 2.8).
 *
 *	descriptors[size]   address, length, id, flags; the driver and the device write them in turn
 *	driver_event        when the driver wants interrupts
 *	device_event        when the device wants to be told
 *
 * Both sides go round the ring, each with a wrap bit that is 1 in the first round and changes with
 * each.  A descriptor is available when its AVAIL bit is the driver's wrap bit and its USED bit is
 * not; it is used when both are the wrap bit of the one who looks.
 *
 * A buffer takes descriptors that follow each other.  The first one's flags are written last: with
 * them the device has the buffer.  A used buffer comes back as one descriptor, in any order, at the
 * place where the device stands, which then goes on by as many as the buffer had.  How many that
 * were says `buffers`, as the descriptors may have been written over by then.
 */
#include "drivers/bus/virtio_ring.h"

#include "arch/cpu.h"
#include "arch/mmu.h"

enum { FLAG_AVAILABLE = 1 << 7, FLAG_USED = 1 << 15 };
enum event_flags { EVENT_ALWAYS = 0, EVENT_NEVER = 1, EVENT_AT = 2 };
enum { EVENT_WRAP = 1 << 15 };

struct packed_descriptor {
	u64 address;
	u32 length;
	u16 id, flags;
};

/* An event at a place of the ring, in the round of this wrap bit (EVENT_WRAP). */
struct packed_event {
	u16 place, flags;
};

static size_t layout(struct virtio_queue *queue)
{
	queue->available_offset = queue->size * sizeof(struct packed_descriptor);
	queue->used_offset = queue->available_offset + sizeof(struct packed_event);
	return queue->used_offset + sizeof(struct packed_event);
}

static void reset(struct virtio_queue *queue)
{
	char *base = phys_to_virt(queue->memory);

	queue->packed.descriptors = (volatile struct packed_descriptor *)base;
	queue->packed.driver_event = (struct packed_event *)(base + queue->available_offset);
	queue->packed.device_event = (volatile struct packed_event *)(base + queue->used_offset);
	queue->packed.put_at = queue->packed.take_at = 0;
	queue->packed.put_wrap = queue->packed.take_wrap = true;
}

/* Goes `count` places on, at most once round. */
static void advance(const struct virtio_queue *queue, u16 *at, bool *wrap, u32 count)
{
	u32 next = *at + count;

	if (next >= queue->size) {
		next -= queue->size;
		*wrap = !*wrap;
	}
	*at = (u16)next;
}

static u16 flags_of(const struct virtio_chain *chain, u32 i)
{
	return (u16)((i + 1 < chain->count ? VIRTIO_DESCRIPTOR_NEXT : 0) |
		     (i >= chain->out ? VIRTIO_DESCRIPTOR_WRITE : 0));
}

/* All but the flags of a descriptor at the driver's place, which goes on; the flags. */
static u16 describe(struct virtio_queue *queue, const struct virtio_segment *segment, u16 id,
		    u16 flags)
{
	volatile struct packed_descriptor *to = &queue->packed.descriptors[queue->packed.put_at];

	to->address = segment->address;
	to->length = segment->length;
	to->id = id;
	flags |= queue->packed.put_wrap ? FLAG_AVAILABLE : FLAG_USED;
	advance(queue, &queue->packed.put_at, &queue->packed.put_wrap, 1);
	return flags;
}

/* The first descriptor's flags. */
static u16 put_table(struct virtio_queue *queue, const struct virtio_chain *chain, u16 id)
{
	struct packed_descriptor *table = queue->buffers[id].table;
	struct virtio_segment outer = {virt_to_phys(table), chain->count * VIRTIO_DESCRIPTOR_SIZE};

	for (u32 i = 0; i < chain->count; i++)
		table[i] = (struct packed_descriptor){
			.address = chain->segments[i].address,
			.length = chain->segments[i].length,
			.flags = flags_of(chain, i) & VIRTIO_DESCRIPTOR_WRITE,
		};
	return describe(queue, &outer, id, VIRTIO_DESCRIPTOR_INDIRECT);
}

static u16 put_chain(struct virtio_queue *queue, const struct virtio_chain *chain, u16 id)
{
	u16 first = describe(queue, &chain->segments[0], id, flags_of(chain, 0));

	for (u32 i = 1; i < chain->count; i++) {
		u16 at = queue->packed.put_at;

		queue->packed.descriptors[at].flags =
			describe(queue, &chain->segments[i], id, flags_of(chain, i));
	}
	return first;
}

static void put(struct virtio_queue *queue, const struct virtio_chain *chain)
{
	u16 id = queue->free_head, at = queue->packed.put_at, flags;
	struct virtio_buffer *buffer = &queue->buffers[id];

	flags = buffer->table != NULL ? put_table(queue, chain, id) : put_chain(queue, chain, id);
	queue->free_head = buffer->next;
	queue->added = (u16)(queue->added + buffer->count);
	/* The whole buffer is there before the flags say so. */
	wmb();
	queue->packed.descriptors[at].flags = flags;
}

/* The event's place is among those that were filled since the last kick (2.8.10.1). */
static bool wants_kick(const struct virtio_queue *queue)
{
	u16 flags = queue->packed.device_event->flags, place, count, beyond;

	if (flags != EVENT_AT || !queue->event_index)
		return flags != EVENT_NEVER;
	/* The place is read after the flags that make it count. */
	rmb();
	place = queue->packed.device_event->place;
	count = (u16)(queue->added - queue->kicked);
	beyond = (u16)(queue->packed.put_at - (place & ~EVENT_WRAP));
	if (!!(place & EVENT_WRAP) != queue->packed.put_wrap)
		beyond = (u16)(beyond + queue->size);
	return (u16)(beyond - 1) < count;
}

/* Is there a used descriptor at the driver's place? */
static bool has_used(const struct virtio_queue *queue)
{
	u16 flags = queue->packed.descriptors[queue->packed.take_at].flags;
	bool wrap = queue->packed.take_wrap;

	return !!(flags & FLAG_AVAILABLE) == wrap && !!(flags & FLAG_USED) == wrap;
}

static int take(struct virtio_queue *queue, u32 *written)
{
	volatile struct packed_descriptor *used = &queue->packed.descriptors[queue->packed.take_at];
	u16 id;

	if (!has_used(queue))
		return -1;
	/* The rest is read after the flags that say that it is there. */
	rmb();
	id = used->id;
	*written = used->length;
	if (!virtio_queue_accepts(queue, id, *written))
		return -1;
	advance(queue, &queue->packed.take_at, &queue->packed.take_wrap, queue->buffers[id].count);
	return id;
}

static void release(struct virtio_queue *queue, u16 id)
{
	queue->buffers[id].next = queue->free_head;
	queue->free_head = id;
}

static bool rearm(struct virtio_queue *queue)
{
	struct packed_event *event = queue->packed.driver_event;
	u16 place = (u16)(queue->packed.take_at | (queue->packed.take_wrap ? EVENT_WRAP : 0));

	if (queue->event_index) {
		WRITE_ONCE(event->place, place);
		wmb();
	}
	WRITE_ONCE(event->flags, queue->event_index ? EVENT_AT : EVENT_ALWAYS);
	/* Said before looking: whatever comes later interrupts. */
	mb();
	return !has_used(queue);
}

static void quiet(struct virtio_queue *queue)
{
	WRITE_ONCE(queue->packed.driver_event->flags, EVENT_NEVER);
}

const struct virtio_ring_ops virtio_packed_ring = {
	.layout = layout,
	.reset = reset,
	.put = put,
	.wants_kick = wants_kick,
	.take = take,
	.release = release,
	.rearm = rearm,
	.quiet = quiet,
};
