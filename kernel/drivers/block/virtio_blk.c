/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio disks (Virtual I/O Device specification 1.2, 5.2).
 *
 * A request is a header that the device reads, the data, and a status byte that it writes.  Header
 * and status lie in one of a queue's slots; as many as there are slots are under way at most.  The
 * block layer's queues and the device's are the same, each with its own interrupt where the
 * transport can, on the CPU that submits to it.
 *
 * A slot is guarded by its queue's lock, which also serialises the virtqueue.
 */
#include "drivers/block/drivers.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "drivers/bus/virtio.h"
#include "fs/block/block_device.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum feature {
	FEATURE_SEG_MAX = 2,
	FEATURE_READ_ONLY = 5,
	FEATURE_BLOCK_SIZE = 6,
	FEATURE_FLUSH = 9,
	FEATURE_WRITEBACK = 11,
	FEATURE_QUEUES = 12,
	FEATURE_DISCARD = 13,
	FEATURE_WRITE_ZEROS = 14,
};

enum config {
	CONFIG_CAPACITY = 0,
	CONFIG_SEG_MAX = 12,
	CONFIG_BLOCK_SIZE = 20,
	CONFIG_WRITEBACK = 32,
	CONFIG_QUEUES = 34,
	CONFIG_MAX_DISCARD = 36,
	CONFIG_MAX_ZEROS = 48,
};

enum request_type {
	TYPE_IN = 0,
	TYPE_OUT = 1,
	TYPE_FLUSH = 4,
	TYPE_DISCARD = 11,
	TYPE_WRITE_ZEROS = 13,
};

enum request_status { STATUS_OK = 0, STATUS_UNSUPPORTED = 2, STATUS_NONE = 0xff };

enum {
	MAJOR = 254,
	MINORS = 16,
	MAX_DISKS = 26,
	QUEUE_LIMIT = 256,
	SEGMENT_LIMIT = 128,
	DEPTH_LIMIT = 64,
	MAX_SECTORS = 2048,
};

/* What the device reads and writes, for one request. */
struct slot {
	u32 type, reserved;
	u64 sector;
	struct {
		u64 sector;
		u32 sectors, flags;
	} range; /* of a discard or write of zeros */
	u8 status;
	u8 next;    /* free slots, by number */
	u32 wanted; /* bytes that the device writes if it does all of the request */
	struct block_request *request;
};

enum { HEADER_SIZE = 16, NO_SLOT = 0xff };

struct disk_queue {
	struct virtio_queue *virtio;
	struct slot *slots;
	u8 free;
	bool resetting; /* takes no requests */
	struct virtio_segment segments[SEGMENT_LIMIT + 2];
	struct block_segment pieces[SEGMENT_LIMIT];
};

struct virtio_disk {
	struct virtio_device *device;
	struct block_disk *disk;
	phys_t slot_memory;
	u32 slot_order;
	struct disk_queue queues[];
};

static u32 disk_count; /* the bus probes one device at a time */

/* --- Requests --- */

static const u32 types[BLOCK_OPS] = {
	[BLOCK_READ] = TYPE_IN,
	[BLOCK_WRITE] = TYPE_OUT,
	[BLOCK_FLUSH] = TYPE_FLUSH,
	[BLOCK_DISCARD] = TYPE_DISCARD,
	[BLOCK_WRITE_ZEROS] = TYPE_WRITE_ZEROS,
};

static struct virtio_segment segment_of(const void *memory, u32 length)
{
	return (struct virtio_segment){virt_to_phys(memory), length};
}

/* Fills in the queue's segments for a request; how many the device reads and how many it writes. */
static void describe(struct disk_queue *queue, struct slot *slot,
		     const struct block_request *request, u32 *out, u32 *in)
{
	struct virtio_segment *segments = queue->segments;
	u32 count = 1, data = 0;

	segments[0] = segment_of(slot, HEADER_SIZE);
	if (request->op == BLOCK_READ || request->op == BLOCK_WRITE) {
		data = MIN(block_request_segments(request, queue->pieces, SEGMENT_LIMIT),
			   (u32)SEGMENT_LIMIT);
		for (u32 i = 0; i < data; i++)
			segments[count++] = (struct virtio_segment){queue->pieces[i].address,
								    queue->pieces[i].length};
	} else if (request->op != BLOCK_FLUSH) {
		slot->range.sector = request->sector;
		slot->range.sectors = (u32)request->sectors;
		slot->range.flags = 0;
		segments[count++] = segment_of(&slot->range, sizeof(slot->range));
	}
	segments[count++] = segment_of(&slot->status, 1);
	*in = request->op == BLOCK_READ ? 1 + data : 1;
	*out = count - *in;
	slot->wanted = 0;
	for (u32 i = *out; i < count; i++)
		slot->wanted += segments[i].length;
}

static int start(struct block_queue *block_queue, struct block_request *request)
{
	struct disk_queue *queue = block_queue->private;
	struct slot *slot = &queue->slots[queue->free];
	u32 out, in;
	int error;

	if (queue->free == NO_SLOT || queue->resetting)
		return -EBUSY;
	slot->type = types[request->op];
	slot->reserved = 0;
	slot->sector =
		request->op == BLOCK_READ || request->op == BLOCK_WRITE ? request->sector : 0;
	slot->status = STATUS_NONE;
	describe(queue, slot, request, &out, &in);
	error = virtio_queue_add(queue->virtio, queue->segments, out, in, slot);
	/* No room, or a broken queue, which waits for the reset. */
	if (error != 0)
		return -EBUSY;
	queue->free = slot->next;
	slot->request = request;
	virtio_queue_kick(queue->virtio);
	return 0;
}

static void slot_free(struct disk_queue *queue, struct slot *slot)
{
	slot->request = NULL;
	slot->next = queue->free;
	queue->free = (u8)(slot - queue->slots);
}

/* A read of which the device says that it is well, but that it wrote less, is short: an error, as
 * the rest of the memory is what it was. */
static int result_of(const struct slot *slot, u32 written)
{
	if (slot->wanted > 1 && written < slot->wanted)
		return -EIO;
	switch (*(const volatile u8 *)&slot->status) {
	case STATUS_OK:
		return 0;
	case STATUS_UNSUPPORTED:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* Ends what the device has done, and gives it more. */
static void take_answers(struct block_queue *block_queue)
{
	struct disk_queue *queue = block_queue->private;
	struct virtio_queue *virtio = queue->virtio;
	unsigned long flags = spin_lock_irqsave(&block_queue->lock);
	struct slot *slot;
	u32 written;

	/* An interrupt of before the reset: the rings are being made anew. */
	if (queue->resetting) {
		spin_unlock_irqrestore(&block_queue->lock, flags);
		return;
	}
	do {
		while ((slot = virtio_queue_take(virtio, &written)) != NULL) {
			struct block_request *request = slot->request;
			int result = result_of(slot, written);

			slot_free(queue, slot);
			if (request != NULL)
				block_request_end(request, result);
		}
	} while (!virtio_queue_rearm(virtio));
	block_queue_run(block_queue);
	spin_unlock_irqrestore(&block_queue->lock, flags);
	block_queue_deliver(block_queue);
}

/* Interrupt context. */
static void queue_done(struct virtio_queue *virtio)
{
	struct block_queue *block_queue = virtio_queue_data(virtio);

	take_answers(block_queue);
	if (virtio_queue_is_broken(virtio))
		block_disk_recover(block_queue->disk);
}

static void set_resetting(struct block_queue *block_queue, bool resetting)
{
	struct disk_queue *queue = block_queue->private;
	unsigned long flags = spin_lock_irqsave(&block_queue->lock);

	queue->resetting = resetting;
	spin_unlock_irqrestore(&block_queue->lock, flags);
}

/* Ends what a device that was stopped has not done. */
static void end_detached(struct block_queue *block_queue)
{
	struct disk_queue *queue = block_queue->private;
	unsigned long flags = spin_lock_irqsave(&block_queue->lock);
	struct slot *slot;

	while ((slot = virtio_queue_detach(queue->virtio)) != NULL) {
		struct block_request *request = slot->request;

		slot_free(queue, slot);
		block_request_end(request, -ETIMEDOUT);
	}
	spin_unlock_irqrestore(&block_queue->lock, flags);
}

/* The device is silent: a reset ends what it has, and it starts anew; or never again. */
static void recover(struct block_disk *disk)
{
	struct virtio_disk *virtio = disk->private;
	int error;

	/* What it has finished without an interrupt counts. */
	for (u32 i = 0; i < disk->queue_count; i++) {
		take_answers(&disk->queues[i]);
		set_resetting(&disk->queues[i], true);
	}
	virtio_stop(virtio->device);
	for (u32 i = 0; i < disk->queue_count; i++)
		end_detached(&disk->queues[i]);
	error = virtio_restart(virtio->device);
	for (u32 i = 0; i < disk->queue_count; i++)
		set_resetting(&disk->queues[i], false);
	if (error != 0) {
		log_error("%s: does not come back after a reset: error %d", disk->name, -error);
		block_disk_remove(disk);
	}
}

static const struct block_disk_ops disk_ops = {.start = start, .recover = recover};

/* --- Probing --- */

static void config_changed(struct virtio_device *device)
{
	log_info("%s: the disk's configuration has changed", device->name);
}

static u32 queue_count(struct virtio_device *device)
{
	u32 count =
		virtio_has(device, FEATURE_QUEUES) ? virtio_config_u16(device, CONFIG_QUEUES) : 1;

	count = MIN(MIN(count, cpumask_count(cpus_online())), device->max_vectors);
	return CLAMP(count, 1u, (u32)VIRTIO_MAX_QUEUES);
}

static void read_limits(struct virtio_device *device, struct block_disk *disk)
{
	u32 block = virtio_has(device, FEATURE_BLOCK_SIZE)
			    ? virtio_config_u32(device, CONFIG_BLOCK_SIZE)
			    : SECTOR_SIZE;

	if (block >= SECTOR_SIZE && block <= PAGE_SIZE && (block & (block - 1)) == 0)
		disk->logical_size = disk->physical_size = block;
	disk->max_segments = SEGMENT_LIMIT;
	if (virtio_has(device, FEATURE_SEG_MAX))
		disk->max_segments =
			CLAMP(virtio_config_u32(device, CONFIG_SEG_MAX), 1u, (u32)SEGMENT_LIMIT);
	disk->max_sectors = MAX_SECTORS;
	disk->read_only = virtio_has(device, FEATURE_READ_ONLY);
	disk->write_cache = virtio_has(device, FEATURE_FLUSH);
	if (disk->write_cache && virtio_has(device, FEATURE_WRITEBACK))
		disk->write_cache = virtio_config_u8(device, CONFIG_WRITEBACK) != 0;
	disk->discard = virtio_has(device, FEATURE_DISCARD) &&
			virtio_config_u32(device, CONFIG_MAX_DISCARD) >= MAX_SECTORS;
	disk->write_zeros = virtio_has(device, FEATURE_WRITE_ZEROS) &&
			    virtio_config_u32(device, CONFIG_MAX_ZEROS) >= MAX_SECTORS;
}

/* Slots of all queues in one block of memory, none across a page. */
static int make_slots(struct virtio_disk *virtio, u32 queues)
{
	size_t bytes = ALIGN_UP(DEPTH_LIMIT * sizeof(struct slot), PAGE_SIZE) * queues;

	while (PAGE_SIZE << virtio->slot_order < bytes)
		virtio->slot_order++;
	virtio->slot_memory = frames_alloc(virtio->slot_order);
	if (virtio->slot_memory == 0)
		return -ENOMEM;
	memset(phys_to_virt(virtio->slot_memory), 0, bytes);
	for (u32 q = 0; q < queues; q++) {
		struct disk_queue *queue = &virtio->queues[q];

		queue->slots = phys_to_virt(virtio->slot_memory + bytes / queues * q);
		queue->free = NO_SLOT;
		for (u32 i = DEPTH_LIMIT; i > 0; i--)
			slot_free(queue, &queue->slots[i - 1]);
	}
	return 0;
}

static int make_queues(struct virtio_disk *virtio)
{
	struct block_disk *disk = virtio->disk;
	u32 smallest = SEGMENT_LIMIT + 2;

	for (u32 i = 0; i < disk->queue_count; i++) {
		struct virtio_queue *queue =
			virtio_queue_create(virtio->device, i, QUEUE_LIMIT, queue_done, i);

		if (IS_ERR(queue))
			return (int)PTR_ERR(queue);
		virtio->queues[i].virtio = queue;
		disk->queues[i].private = &virtio->queues[i];
		virtio_queue_set_data(queue, &disk->queues[i]);
		smallest = MIN(smallest, virtio_queue_size(queue));
	}
	if (smallest < 3)
		return -EINVAL;
	disk->max_segments = MIN(disk->max_segments, smallest - 2);
	return 0;
}

static int probe(struct virtio_device *device)
{
	u32 queues = queue_count(device);
	struct virtio_disk *virtio;
	int error = -ENOMEM;

	if (disk_count == MAX_DISKS)
		return -ENOSPC;
	virtio = kzalloc(sizeof(*virtio) + queues * sizeof(virtio->queues[0]));
	if (virtio == NULL)
		return -ENOMEM;
	virtio->device = device;
	virtio->disk = block_disk_alloc(&disk_ops, queues, virtio);
	if (virtio->disk == NULL)
		goto fail;
	read_limits(device, virtio->disk);
	error = make_slots(virtio, queues);
	if (error == 0)
		error = make_queues(virtio);
	if (error != 0)
		goto fail;
	snprintf(virtio->disk->name, sizeof(virtio->disk->name), "vd%c", 'a' + (int)disk_count);
	virtio->disk->driver = "virtblk";
	virtio->disk->major = MAJOR;
	virtio->disk->first_minor = disk_count * MINORS;
	virtio->disk->minors = MINORS;
	virtio->disk->depth = DEPTH_LIMIT;
	device->driver_data = virtio;
	device->config_changed = config_changed;
	virtio_start(device);
	error = block_disk_add(virtio->disk, virtio_config_u64(device, CONFIG_CAPACITY));
	if (error != 0) {
		virtio_stop(device);
		goto fail;
	}
	disk_count++;
	return 0;
fail:
	if (virtio->slot_memory != 0)
		frames_free(virtio->slot_memory, virtio->slot_order);
	block_disk_free(virtio->disk);
	kfree(virtio);
	return error;
}

static struct virtio_driver driver = {
	.name = "virtio-blk",
	.type = VIRTIO_BLOCK,
	.features = BIT(FEATURE_SEG_MAX) | BIT(FEATURE_READ_ONLY) | BIT(FEATURE_BLOCK_SIZE) |
		    BIT(FEATURE_FLUSH) | BIT(FEATURE_WRITEBACK) | BIT(FEATURE_QUEUES) |
		    BIT(FEATURE_DISCARD) | BIT(FEATURE_WRITE_ZEROS) | BIT(VIRTIO_F_INDIRECT),
	.probe = probe,
};

void virtio_blk_init(void)
{
	virtio_driver_register(&driver);
}
