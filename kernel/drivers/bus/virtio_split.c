/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (Virtual I/O Device specification 1.2, 2.7).
 *
 *	descriptors[size]   address, length, flags, next: chains; those that are free form one, too
 *	available           flags, index, ring[size] of chain heads, used_event
 *	used                flags, index, ring[size] of {head, bytes written}, avail_event
 *
 * The driver writes the first two, the device the third.  A buffer's id is the number of its first
 * descriptor.  The chains are also kept in `buffers` (`next` of each descriptor), so that a device
 * that writes over its descriptors confuses nobody but itself.
 *
 * Index 16-bit counters run on and wrap; an entry's place is its number modulo the size, which is
 * a power of two.
 */
#include "drivers/bus/virtio_ring.h"

#include "arch/cpu.h"
#include "arch/mmu.h"

enum { AVAILABLE_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

struct split_descriptor {
	u64 address;
	u32 length;
	u16 flags, next;
};

struct split_available {
	u16 flags, index;
	u16 ring[]; /* and used_event */
};

struct used_entry {
	u32 head, written;
};

struct split_used {
	u16 flags, index;
	struct used_entry ring[]; /* and avail_event */
};

static u16 *used_event(struct virtio_queue *queue)
{
	return &queue->split.available->ring[queue->size];
}

static u16 available_event(const struct virtio_queue *queue)
{
	return *(const volatile u16 *)&queue->split.used->ring[queue->size];
}

/* The rings' alignments are 16, 2 and 4. */
static size_t layout(struct virtio_queue *queue)
{
	size_t bytes = queue->size * sizeof(struct split_descriptor);

	queue->available_offset = bytes;
	bytes += sizeof(struct split_available) + (queue->size + 1) * sizeof(u16);
	queue->used_offset = bytes = ALIGN_UP(bytes, sizeof(struct used_entry));
	return bytes + sizeof(struct split_used) + queue->size * sizeof(struct used_entry) +
	       sizeof(u16);
}

static void reset(struct virtio_queue *queue)
{
	char *base = phys_to_virt(queue->memory);

	queue->split.descriptors = (struct split_descriptor *)base;
	queue->split.available = (struct split_available *)(base + queue->available_offset);
	queue->split.used = (volatile struct split_used *)(base + queue->used_offset);
	queue->split.consumed = 0;
}

static struct split_descriptor describe(const struct virtio_chain *chain, u32 i, u16 next)
{
	return (struct split_descriptor){
		.address = chain->segments[i].address,
		.length = chain->segments[i].length,
		.flags = (u16)((i + 1 < chain->count ? VIRTIO_DESCRIPTOR_NEXT : 0) |
			       (i >= chain->out ? VIRTIO_DESCRIPTOR_WRITE : 0)),
		.next = next,
	};
}

/* Fills in the table and the descriptor that names it; the last descriptor taken. */
static u16 put_table(struct virtio_queue *queue, const struct virtio_chain *chain, u16 head)
{
	struct split_descriptor *table = queue->buffers[head].table;

	for (u32 i = 0; i < chain->count; i++)
		table[i] = describe(chain, i, (u16)(i + 1));
	queue->split.descriptors[head] = (struct split_descriptor){
		.address = virt_to_phys(table),
		.length = chain->count * VIRTIO_DESCRIPTOR_SIZE,
		.flags = VIRTIO_DESCRIPTOR_INDIRECT,
	};
	return head;
}

/* Fills in free descriptors; the last one. */
static u16 put_chain(struct virtio_queue *queue, const struct virtio_chain *chain, u16 head)
{
	u16 at = head, last = head;

	for (u32 i = 0; i < chain->count; i++) {
		queue->split.descriptors[at] = describe(chain, i, queue->buffers[at].next);
		last = at;
		at = queue->buffers[at].next;
	}
	return last;
}

static void put(struct virtio_queue *queue, const struct virtio_chain *chain)
{
	u16 head = queue->free_head;
	u16 last = queue->buffers[head].table != NULL ? put_table(queue, chain, head)
						      : put_chain(queue, chain, head);

	queue->free_head = queue->buffers[last].next;
	queue->buffers[last].next = VIRTIO_END;
	queue->split.available->ring[queue->added & (queue->size - 1)] = head;
	queue->added++;
	/* The entry is there before the index says so. */
	wmb();
	WRITE_ONCE(queue->split.available->index, queue->added);
}

static bool wants_kick(const struct virtio_queue *queue)
{
	u16 now = queue->added;

	if (queue->event_index)
		return (u16)(now - available_event(queue) - 1) < (u16)(now - queue->kicked);
	return !(queue->split.used->flags & USED_NO_NOTIFY);
}

static int take(struct virtio_queue *queue, u32 *written)
{
	u16 index = queue->split.used->index, consumed = queue->split.consumed;
	volatile struct used_entry *entry;
	u32 head;

	if (index == consumed)
		return -1;
	if ((u16)(index - consumed) > queue->size) {
		virtio_queue_break(queue, "it has used more than it was given");
		return -1;
	}
	/* The entry is read after the index that covers it. */
	rmb();
	entry = &queue->split.used->ring[consumed & (queue->size - 1)];
	head = entry->head;
	*written = entry->written;
	if (!virtio_queue_accepts(queue, head, *written))
		return -1;
	queue->split.consumed++;
	return (int)head;
}

static void release(struct virtio_queue *queue, u16 head)
{
	u16 last = head;

	while (queue->buffers[last].next != VIRTIO_END)
		last = queue->buffers[last].next;
	queue->buffers[last].next = queue->free_count > 0 ? queue->free_head : VIRTIO_END;
	queue->free_head = head;
}

static bool rearm(struct virtio_queue *queue)
{
	if (queue->event_index)
		WRITE_ONCE(*used_event(queue), queue->split.consumed);
	else
		WRITE_ONCE(queue->split.available->flags, 0);
	/* Said before looking: whatever comes later interrupts. */
	mb();
	return queue->split.used->index == queue->split.consumed;
}

static void quiet(struct virtio_queue *queue)
{
	/* An event half the counter's range away does not come by. */
	if (queue->event_index)
		WRITE_ONCE(*used_event(queue), (u16)(queue->split.consumed - 0x8000));
	else
		WRITE_ONCE(queue->split.available->flags, AVAILABLE_NO_INTERRUPT);
}

const struct virtio_ring_ops virtio_split_ring = {
	.layout = layout,
	.reset = reset,
	.put = put,
	.wants_kick = wants_kick,
	.take = take,
	.release = release,
	.rearm = rearm,
	.quiet = quiet,
};
