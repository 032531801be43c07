/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (Virtual I/O Device specification 1.2, 2.7).
 *
 *	descriptors[size]   address, length, flags, next: chains; those that are free form one, too
 *	available           flags, index, ring[size] of chain heads, used_event
 *	used                flags, index, ring[size] of {head, bytes written}, avail_event
 *
 * The driver writes the first two, the device the third.  All are in one block of memory.  Free
 * chains and lengths are also kept in memory of our own (`next`, `tokens`), so that a device that
 * writes over its descriptors confuses nobody but itself.
 *
 * Index 16-bit counters run on and wrap; an entry's place is its number modulo the size, which is
 * a power of two.
 */
#include "drivers/bus/virtio_internal.h"

#include "arch/mmu.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum {
	DESCRIPTOR_NEXT = 1,
	DESCRIPTOR_WRITE = 2,
	AVAILABLE_NO_INTERRUPT = 1,
	USED_NO_NOTIFY = 1,
	QUEUE_LIMIT = 1024,
	END_OF_CHAIN = 0xffff,
};

struct descriptor {
	u64 address;
	u32 length;
	u16 flags, next;
};

struct available_ring {
	u16 flags, index;
	u16 ring[]; /* and used_event */
};

struct used_entry {
	u32 head, written;
};

struct used_ring {
	u16 flags, index;
	struct used_entry ring[]; /* and avail_event */
};

struct virtio_queue {
	struct virtio_device *device;
	u32 index, size, cpu;
	void (*callback)(struct virtio_queue *queue);
	void *data;
	bool broken;
	bool event_index;
	u16 free_head, free_count;
	u16 added;     /* the available index that the device sees next */
	u16 kicked;    /* … at the last kick */
	u16 consumed;  /* used entries taken */
	u16 *next;     /* of each descriptor, our own copy */
	void **tokens; /* of each chain, by its head */
	phys_t memory;
	u32 order;
	struct descriptor *descriptors;
	struct available_ring *available;
	volatile struct used_ring *used;
	size_t available_offset, used_offset;
};

static u16 *used_event(struct virtio_queue *queue)
{
	return &queue->available->ring[queue->size];
}

static u16 available_event(const struct virtio_queue *queue)
{
	return *(const volatile u16 *)&queue->used->ring[queue->size];
}

/* All descriptors free, both rings empty. */
static void reset_rings(struct virtio_queue *queue)
{
	memset(phys_to_virt(queue->memory), 0, PAGE_SIZE << queue->order);
	for (u32 i = 0; i < queue->size; i++)
		queue->next[i] = (u16)(i + 1);
	queue->next[queue->size - 1] = END_OF_CHAIN;
	memset(queue->tokens, 0, queue->size * sizeof(*queue->tokens));
	queue->free_head = 0;
	queue->free_count = (u16)queue->size;
	queue->added = queue->kicked = queue->consumed = 0;
	queue->broken = false;
}

static void queue_free(struct virtio_queue *queue)
{
	if (queue->memory != 0)
		frames_free(queue->memory, queue->order);
	kfree(queue->next);
	kfree(queue->tokens);
	kfree(queue);
}

/* Memory for a queue of queue->size; the rings' alignments are 16, 2 and 4. */
static bool allocate_rings(struct virtio_queue *queue)
{
	size_t bytes = queue->size * sizeof(struct descriptor);

	queue->available_offset = bytes;
	bytes += sizeof(struct available_ring) + (queue->size + 1) * sizeof(u16);
	queue->used_offset = bytes = ALIGN_UP(bytes, sizeof(struct used_entry));
	bytes += sizeof(struct used_ring) + queue->size * sizeof(struct used_entry) + sizeof(u16);
	while (PAGE_SIZE << queue->order < bytes)
		queue->order++;
	queue->memory = frames_alloc(queue->order);
	queue->next = kcalloc(queue->size, sizeof(*queue->next));
	queue->tokens = kcalloc(queue->size, sizeof(*queue->tokens));
	if (queue->memory == 0 || queue->next == NULL || queue->tokens == NULL)
		return false;
	char *base = phys_to_virt(queue->memory);
	queue->descriptors = (struct descriptor *)base;
	queue->available = (struct available_ring *)(base + queue->available_offset);
	queue->used = (volatile struct used_ring *)(base + queue->used_offset);
	return true;
}

struct virtio_queue *virtio_queue_create(struct virtio_device *device, u32 index, u32 limit,
					 void (*callback)(struct virtio_queue *queue), u32 cpu)
{
	u32 size = MIN(MIN(device->transport->queue_limit(device, index), limit), QUEUE_LIMIT);
	struct virtio_queue *queue;
	int error = -ENOMEM;

	if (size == 0 || device->queue_count == VIRTIO_MAX_QUEUES)
		return ERR_PTR(-ENOENT);
	/* A power of two, the greatest that fits. */
	while (size & (size - 1))
		size &= size - 1;
	queue = kzalloc(sizeof(*queue));
	if (queue == NULL)
		return ERR_PTR(-ENOMEM);
	queue->device = device;
	queue->index = index;
	queue->size = size;
	queue->callback = callback;
	queue->cpu = cpu;
	queue->event_index = virtio_has(device, VIRTIO_F_EVENT_INDEX);
	if (!allocate_rings(queue))
		goto fail;
	reset_rings(queue);
	error = device->transport->queue_enable(device, queue, cpu);
	if (error != 0)
		goto fail;
	device->queues[device->queue_count] = queue;
	__atomic_store_n(&device->queue_count, device->queue_count + 1, __ATOMIC_RELEASE);
	return queue;
fail:
	queue_free(queue);
	return ERR_PTR(error);
}

void virtio_queues_destroy(struct virtio_device *device)
{
	u32 count = device->queue_count;

	__atomic_store_n(&device->queue_count, 0, __ATOMIC_RELEASE);
	for (u32 i = 0; i < count; i++)
		queue_free(device->queues[i]);
}

int virtio_queue_restart(struct virtio_queue *queue)
{
	struct virtio_device *device = queue->device;

	if (device->transport->queue_limit(device, queue->index) < queue->size)
		return -ENODEV;
	reset_rings(queue);
	return device->transport->queue_enable(device, queue, queue->cpu);
}

void virtio_queue_interrupt(struct virtio_queue *queue)
{
	if (queue->callback != NULL)
		queue->callback(queue);
}

static void break_queue(struct virtio_queue *queue, const char *why)
{
	queue->broken = true;
	log_error("%s: virtio queue %u is broken: %s", queue->device->name, queue->index, why);
}

int virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segments, u32 out,
		     u32 in, void *token)
{
	u32 count = out + in;
	u16 head = queue->free_head, at = head, last = head;

	if (queue->broken)
		return -EIO;
	if (count == 0 || count > queue->free_count)
		return -ENOSPC;
	for (u32 i = 0; i < count; i++) {
		queue->descriptors[at] = (struct descriptor){
			.address = segments[i].address,
			.length = segments[i].length,
			.flags = (u16)((i + 1 < count ? DESCRIPTOR_NEXT : 0) |
				       (i >= out ? DESCRIPTOR_WRITE : 0)),
			.next = queue->next[at],
		};
		last = at;
		at = queue->next[at];
	}
	queue->next[last] = END_OF_CHAIN;
	queue->free_head = at;
	queue->free_count = (u16)(queue->free_count - count);
	queue->tokens[head] = token;
	queue->available->ring[queue->added & (queue->size - 1)] = head;
	queue->added++;
	/* The entry is there before the index says so. */
	wmb();
	WRITE_ONCE(queue->available->index, queue->added);
	return 0;
}

void virtio_queue_kick(struct virtio_queue *queue)
{
	u16 now = queue->added, before = queue->kicked;
	bool wanted;

	if (queue->broken || now == before)
		return;
	/* The index must be visible before we look whether the device wants to be told. */
	mb();
	queue->kicked = now;
	if (queue->event_index)
		wanted = (u16)(now - available_event(queue) - 1) < (u16)(now - before);
	else
		wanted = !(queue->used->flags & USED_NO_NOTIFY);
	if (wanted)
		queue->device->transport->notify(queue->device, queue);
}

/* Puts a chain back on the free list; false if it is longer than can be. */
static void free_chain(struct virtio_queue *queue, u16 head)
{
	u16 last = head;
	u32 count = 1;

	for (; queue->next[last] != END_OF_CHAIN; count++)
		last = queue->next[last];
	queue->next[last] = queue->free_count > 0 ? queue->free_head : END_OF_CHAIN;
	queue->free_head = head;
	queue->free_count = (u16)(queue->free_count + count);
}

void *virtio_queue_take(struct virtio_queue *queue, u32 *written)
{
	u16 index = queue->used->index;
	struct used_entry entry;
	void *token;

	if (queue->broken || index == queue->consumed)
		return NULL;
	if ((u16)(index - queue->consumed) > queue->size) {
		break_queue(queue, "it has used more than it was given");
		return NULL;
	}
	/* The entry is read after the index that covers it. */
	rmb();
	entry.head = queue->used->ring[queue->consumed & (queue->size - 1)].head;
	entry.written = queue->used->ring[queue->consumed & (queue->size - 1)].written;
	if (entry.head >= queue->size || queue->tokens[entry.head] == NULL) {
		break_queue(queue, "it gives back what it does not have");
		return NULL;
	}
	token = queue->tokens[entry.head];
	queue->tokens[entry.head] = NULL;
	free_chain(queue, (u16)entry.head);
	queue->consumed++;
	if (written != NULL)
		*written = entry.written;
	return token;
}

bool virtio_queue_rearm(struct virtio_queue *queue)
{
	if (queue->broken)
		return true;
	if (queue->event_index)
		WRITE_ONCE(*used_event(queue), queue->consumed);
	else
		WRITE_ONCE(queue->available->flags, 0);
	/* Said before looking: whatever comes later interrupts. */
	mb();
	return queue->used->index == queue->consumed;
}

void virtio_queue_quiet(struct virtio_queue *queue)
{
	/* An event half the counter's range away does not come by. */
	if (queue->event_index)
		WRITE_ONCE(*used_event(queue), (u16)(queue->consumed - 0x8000));
	else
		WRITE_ONCE(queue->available->flags, AVAILABLE_NO_INTERRUPT);
}

void *virtio_queue_detach(struct virtio_queue *queue)
{
	for (u32 head = 0; head < queue->size; head++) {
		void *token = queue->tokens[head];

		if (token == NULL)
			continue;
		queue->tokens[head] = NULL;
		free_chain(queue, (u16)head);
		return token;
	}
	return NULL;
}

u32 virtio_queue_size(const struct virtio_queue *queue)
{
	return queue->size;
}

u32 virtio_queue_free(const struct virtio_queue *queue)
{
	return queue->free_count;
}

struct virtio_device *virtio_queue_device(const struct virtio_queue *queue)
{
	return queue->device;
}

u32 virtio_queue_index(const struct virtio_queue *queue)
{
	return queue->index;
}

bool virtio_queue_is_broken(const struct virtio_queue *queue)
{
	return READ_ONCE(queue->broken);
}

void virtio_queue_set_data(struct virtio_queue *queue, void *data)
{
	queue->data = data;
}

void *virtio_queue_data(const struct virtio_queue *queue)
{
	return queue->data;
}

void virtio_queue_rings(const struct virtio_queue *queue, struct virtio_rings *rings)
{
	*rings = (struct virtio_rings){
		.descriptors = queue->memory,
		.available = queue->memory + queue->available_offset,
		.used = queue->memory + queue->used_offset,
		.size = queue->size,
	};
}
