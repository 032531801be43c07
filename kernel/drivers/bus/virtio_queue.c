/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues, whatever kind of ring they have: virtio_split.c and virtio_packed.c know how the
 * device is told of a buffer and how it gives it back; here are the buffers and the queue's life.
 * virtio_ring.h says what is kept.
 *
 * A long buffer goes by way of a table of indirect descriptors where device and driver have agreed
 * on them, so that few long ones do not fill the ring; without memory for the table it takes
 * descriptors of the ring, as it would otherwise.
 */
#include "drivers/bus/virtio_internal.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "drivers/bus/virtio_ring.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum { QUEUE_LIMIT = 1024, TABLE_FROM = 8 };

/* All descriptors free, nothing under way. */
static void reset_rings(struct virtio_queue *queue)
{
	memset(phys_to_virt(queue->memory), 0, PAGE_SIZE << queue->order);
	for (u32 i = 0; i < queue->size; i++) {
		kfree(queue->buffers[i].table);
		queue->buffers[i] = (struct virtio_buffer){.next = (u16)(i + 1)};
	}
	queue->buffers[queue->size - 1].next = VIRTIO_END;
	queue->free_head = 0;
	queue->free_count = (u16)queue->size;
	queue->added = queue->kicked = 0;
	queue->ops->reset(queue);
	queue->broken = false;
}

static void queue_free(struct virtio_queue *queue)
{
	if (queue->memory != 0)
		frames_free(queue->memory, queue->order);
	for (u32 i = 0; queue->buffers != NULL && i < queue->size; i++)
		kfree(queue->buffers[i].table);
	kfree(queue->buffers);
	kfree(queue);
}

/* Memory for a queue of queue->size. */
static bool allocate_rings(struct virtio_queue *queue)
{
	size_t bytes = queue->ops->layout(queue);

	while (PAGE_SIZE << queue->order < bytes)
		queue->order++;
	queue->memory = frames_alloc(queue->order);
	queue->buffers = kcalloc(queue->size, sizeof(*queue->buffers));
	return queue->memory != 0 && queue->buffers != NULL;
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
	queue->ops =
		virtio_has(device, VIRTIO_F_RING_PACKED) ? &virtio_packed_ring : &virtio_split_ring;
	queue->event_index = virtio_has(device, VIRTIO_F_EVENT_INDEX);
	queue->indirect = virtio_has(device, VIRTIO_F_INDIRECT);
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

void virtio_queue_break(struct virtio_queue *queue, const char *why)
{
	queue->broken = true;
	log_error("%s: virtio queue %u is broken: %s", queue->device->name, queue->index, why);
}

bool virtio_queue_accepts(struct virtio_queue *queue, u32 id, u32 written)
{
	if (id >= queue->size || queue->buffers[id].token == NULL) {
		virtio_queue_break(queue, "it gives back what it does not have");
		return false;
	}
	if (written > queue->buffers[id].room) {
		virtio_queue_break(queue, "it has written more than there is room for");
		return false;
	}
	return true;
}

int virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segments, u32 out,
		     u32 in, void *token)
{
	struct virtio_chain chain = {segments, out, out + in};
	struct virtio_buffer *buffer;
	void *table = NULL;
	u32 room = 0;

	if (queue->broken)
		return -EIO;
	if (chain.count == 0 || chain.count > queue->size || queue->free_count == 0)
		return -ENOSPC;
	if (queue->indirect && chain.count >= TABLE_FROM)
		table = kmalloc(chain.count * VIRTIO_DESCRIPTOR_SIZE);
	if (table == NULL && chain.count > queue->free_count)
		return -ENOSPC;
	for (u32 i = out; i < chain.count; i++)
		room += segments[i].length;
	buffer = &queue->buffers[queue->free_head];
	buffer->token = token;
	buffer->table = table;
	buffer->room = room;
	buffer->count = (u16)(table != NULL ? 1 : chain.count);
	queue->free_count = (u16)(queue->free_count - buffer->count);
	queue->ops->put(queue, &chain);
	return 0;
}

void virtio_queue_kick(struct virtio_queue *queue)
{
	bool wanted;

	if (queue->broken || queue->added == queue->kicked)
		return;
	/* What was added must be visible before we look whether the device wants to be told. */
	mb();
	wanted = queue->ops->wants_kick(queue);
	queue->kicked = queue->added;
	if (wanted)
		queue->device->transport->notify(queue->device, queue);
}

/* Takes a buffer's token from it and gives its id and descriptors back. */
static void *finish(struct virtio_queue *queue, u32 id)
{
	struct virtio_buffer *buffer = &queue->buffers[id];
	void *token = buffer->token;

	buffer->token = NULL;
	if (buffer->table != NULL) {
		kfree(buffer->table);
		buffer->table = NULL;
	}
	queue->ops->release(queue, (u16)id);
	queue->free_count = (u16)(queue->free_count + buffer->count);
	return token;
}

void *virtio_queue_take(struct virtio_queue *queue, u32 *written)
{
	u32 bytes;
	int id = queue->broken ? -1 : queue->ops->take(queue, &bytes);

	if (id < 0)
		return NULL;
	if (written != NULL)
		*written = bytes;
	return finish(queue, (u32)id);
}

bool virtio_queue_rearm(struct virtio_queue *queue)
{
	return queue->broken || queue->ops->rearm(queue);
}

void virtio_queue_quiet(struct virtio_queue *queue)
{
	queue->ops->quiet(queue);
}

void *virtio_queue_detach(struct virtio_queue *queue)
{
	for (u32 id = 0; id < queue->size; id++)
		if (queue->buffers[id].token != NULL)
			return finish(queue, id);
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
