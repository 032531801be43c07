/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of block devices: disks and their partitions, their names, numbers and nodes in
 * /dev, and who has them open.
 *
 * The list holds a reference on each device; one that was taken out (its disk removed, its
 * partition gone from the table) lives on, marked `gone`, while somebody uses it.  A disk stays
 * once it was added: its queues may still be asked by late users.
 */
#include "fs/block/block_device.h"

#include "fs/block/block_internal.h"
#include "fs/block/partition.h"
#include "fs/device.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum { PARTITION_LIMIT = 256, NODE_MODE = 0660, DISK_GROUP = 6 };

mutex_t block_registry_lock = MUTEX_INIT(block_registry_lock);
struct list_head block_devices = LIST_INIT(block_devices);

/* --- References --- */

struct block_device *block_get(struct block_device *device)
{
	__atomic_add_fetch(&device->refs, 1, __ATOMIC_RELAXED);
	return device;
}

void block_put(struct block_device *device)
{
	if (__atomic_sub_fetch(&device->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	page_cache_destroy(&device->cache);
	kfree(device);
}

struct block_device *block_find(dev_t number)
{
	struct block_device *device, *found = NULL;

	mutex_lock(&block_registry_lock);
	list_for_each_entry (device, &block_devices, link)
		if (device->number == number && found == NULL)
			found = block_get(device);
	mutex_unlock(&block_registry_lock);
	return found;
}

struct block_device *block_find_name(const char *name)
{
	struct block_device *device, *found = NULL;

	mutex_lock(&block_registry_lock);
	list_for_each_entry (device, &block_devices, link)
		if (strcmp(device->name, name) == 0 && found == NULL)
			found = block_get(device);
	mutex_unlock(&block_registry_lock);
	return found;
}

void block_iterate(void (*function)(struct block_device *device, void *argument), void *argument)
{
	struct block_device *device;

	mutex_lock(&block_registry_lock);
	list_for_each_entry (device, &block_devices, link)
		function(device, argument);
	mutex_unlock(&block_registry_lock);
}

/* --- Opening --- */

int block_open(struct block_device *device, bool write, const void *owner)
{
	struct block_disk *disk = device->disk;
	int error = 0;

	mutex_lock(&disk->lock);
	if (READ_ONCE(device->gone) || READ_ONCE(disk->dead))
		error = -ENXIO;
	else if (write && READ_ONCE(device->read_only))
		error = -EACCES;
	else if (owner != NULL && device->owner != NULL && device->owner != owner)
		error = -EBUSY;
	else if (!module_get(disk->owner))
		error = -ENXIO;
	if (error == 0) {
		device->openers++;
		if (owner != NULL)
			device->owner = owner;
		block_get(device);
	}
	mutex_unlock(&disk->lock);
	return error;
}

/* Has anybody opened the disk or a partition of it?  disk->lock is held. */
static bool disk_is_open(const struct block_disk *disk)
{
	const struct block_device *partition;

	list_for_each_entry (partition, &disk->partitions, disk_link)
		if (partition->openers > 0)
			return true;
	return disk->whole->openers > 0;
}

void block_close(struct block_device *device, const void *owner)
{
	struct block_disk *disk = device->disk;
	bool last;
	int error = 0;

	/* Before the count drops: who opens next finds the disk as it was left. */
	if (READ_ONCE(device->openers) == 1)
		error = block_cache_write_back(device, 0, UINT64_MAX);
	if (error != 0)
		log_error("%s: what was written last is lost: error %d", device->name, -error);
	mutex_lock(&disk->lock);
	device->openers--;
	if (owner != NULL && device->owner == owner)
		device->owner = NULL;
	last = !disk_is_open(disk);
	mutex_unlock(&disk->lock);
	if (last && disk->ops->closed != NULL)
		disk->ops->closed(disk);
	module_put(disk->owner);
	block_put(device);
}

u32 block_max_segments(const struct block_device *device)
{
	return device->disk->max_segments;
}

u64 block_max_sectors(const struct block_device *device)
{
	return device->disk->max_sectors;
}

u32 block_logical_size(const struct block_device *device)
{
	return device->disk->logical_size;
}

/* --- Coming and going --- */

static struct block_device *make_device(struct block_disk *disk, u32 partition, u64 start,
					u64 sectors)
{
	struct block_device *device = kzalloc(sizeof(*device));
	size_t length = strlen(disk->name);
	bool digit = length > 0 && disk->name[length - 1] >= '0' && disk->name[length - 1] <= '9';

	if (device == NULL)
		return NULL;
	device->refs = 1;
	if (partition == 0)
		strscpy(device->name, disk->name, sizeof(device->name));
	else
		snprintf(device->name, sizeof(device->name), "%s%s%u", disk->name, digit ? "p" : "",
			 partition);
	device->number = device_make(disk->major, disk->first_minor + partition);
	device->disk = disk;
	device->partition = partition;
	device->start = start;
	device->sectors = sectors;
	device->read_only = disk->read_only;
	list_init(&device->disk_link);
	rwlock_init(&device->lock);
	mutex_init(&device->write_back_lock);
	block_cache_init(device);
	return device;
}

static void publish(struct block_device *device)
{
	int error;

	mutex_lock(&block_registry_lock);
	list_add_tail(&device->link, &block_devices);
	mutex_unlock(&block_registry_lock);
	error = device_node_create(device->name, S_IFBLK | NODE_MODE, device->number, 0,
				   DISK_GROUP);
	if (error != 0)
		log_warn("%s: no node in /dev: error %d", device->name, -error);
}

/* Takes a device out of the registry; the list's reference goes. */
static void withdraw(struct block_device *device)
{
	int error = device_node_remove(device->name);

	if (error != 0 && error != -ENOENT)
		log_warn("%s: its node stays in /dev: error %d", device->name, -error);
	WRITE_ONCE(device->gone, true);
	mutex_lock(&block_registry_lock);
	list_remove(&device->link);
	mutex_unlock(&block_registry_lock);
	block_put(device);
}

/* --- Partitions --- */

struct table_reader {
	struct block_device *device;
	phys_t frame;
	u64 page; /* that the frame holds, or UINT64_MAX */
};

static int read_block(void *context, u64 block, void *buffer)
{
	struct table_reader *reader = context;
	u32 size = reader->device->disk->logical_size;
	u64 byte = block * size, page = byte / PAGE_SIZE;
	int error = 0;

	if (page != reader->page)
		error = block_transfer(reader->device, BLOCK_READ, page * SECTORS_PER_PAGE,
				       &reader->frame, 1, 0);
	reader->page = error == 0 ? page : UINT64_MAX;
	if (error == 0)
		memcpy(buffer, (char *)phys_to_virt(reader->frame) + byte % PAGE_SIZE, size);
	return error;
}

static void add_partition(struct block_disk *disk, const struct partition *found)
{
	u32 factor = disk->logical_size >> SECTOR_SHIFT;
	struct block_device *device;

	if (found->number >= disk->minors)
		return;
	device = make_device(disk, found->number, found->start * factor, found->blocks * factor);
	if (device == NULL) {
		log_warn("%s: no memory for partition %u", disk->name, found->number);
		return;
	}
	strscpy(device->label, found->label, sizeof(device->label));
	list_add_tail(&device->disk_link, &disk->partitions);
	publish(device);
}

/* Reads the table and adds what it names; disk->lock is held. */
static int scan(struct block_disk *disk)
{
	struct table_reader reader = {.device = disk->whole, .page = UINT64_MAX};
	struct partition_source source = {
		.block_size = disk->logical_size,
		.blocks = disk->whole->sectors / (disk->logical_size >> SECTOR_SHIFT),
		.read = read_block,
		.context = &reader,
	};
	struct partition *found = kcalloc(PARTITION_LIMIT, sizeof(*found));
	void *buffer = kmalloc(2 * (size_t)PARTITION_BLOCK_MAX);
	int count = -ENOMEM;

	reader.frame = frame_alloc();
	if (found != NULL && buffer != NULL && reader.frame != 0)
		count = partitions_read(&source, buffer, found, PARTITION_LIMIT);
	for (int i = 0; i < count; i++)
		add_partition(disk, &found[i]);
	if (reader.frame != 0)
		frame_free(reader.frame);
	kfree(buffer);
	kfree(found);
	return count < 0 ? count : 0;
}

static void drop_partitions(struct block_disk *disk)
{
	struct block_device *partition, *next;

	list_for_each_entry_safe (partition, next, &disk->partitions, disk_link) {
		list_remove(&partition->disk_link);
		withdraw(partition);
	}
}

int block_disk_rescan(struct block_disk *disk)
{
	struct block_device *partition;
	int error = 0;

	if (disk->minors <= 1)
		return -EINVAL;
	mutex_lock(&disk->lock);
	list_for_each_entry (partition, &disk->partitions, disk_link)
		if (partition->openers > 0)
			error = -EBUSY;
	if (error == 0) {
		drop_partitions(disk);
		error = scan(disk);
	}
	mutex_unlock(&disk->lock);
	return error;
}

/* --- Disks --- */

struct block_disk *block_disk_alloc(const struct block_disk_ops *ops, u32 queues, void *private)
{
	struct block_disk *disk = kzalloc(sizeof(*disk) + (size_t)queues * sizeof(disk->queues[0]));

	if (disk == NULL)
		return NULL;
	disk->ops = ops;
	disk->private = private;
	disk->minors = 16;
	disk->logical_size = disk->physical_size = SECTOR_SIZE;
	disk->max_segments = 128;
	disk->max_sectors = 2048;
	disk->depth = 1;
	disk->time_out = 30 * NSEC_PER_SEC;
	disk->queue_count = queues;
	mutex_init(&disk->lock);
	list_init(&disk->partitions);
	list_init(&disk->recovery);
	for (u32 i = 0; i < queues; i++)
		block_queue_init(&disk->queues[i], disk, i);
	return disk;
}

void block_disk_free(struct block_disk *disk)
{
	kfree(disk);
}

int block_disk_add(struct block_disk *disk, u64 sectors)
{
	struct block_device *known = block_find_name(disk->name);
	int error = 0;

	if (known != NULL) {
		block_put(known);
		return -EEXIST;
	}
	disk->whole = make_device(disk, 0, 0, sectors);
	if (disk->whole == NULL)
		return -ENOMEM;
	publish(disk->whole);
	if (sectors > 0)
		log_info("%s: %lu KiB in blocks of %u bytes%s", disk->name,
			 (unsigned long)(sectors / 2), disk->logical_size,
			 disk->read_only ? ", read-only" : "");
	mutex_lock(&disk->lock);
	if (disk->minors > 1 && sectors > 0)
		error = scan(disk);
	mutex_unlock(&disk->lock);
	if (error != 0)
		log_warn("%s: the partition table cannot be read: error %d", disk->name, -error);
	return 0;
}

void block_disk_remove(struct block_disk *disk)
{
	struct block_device *partition;

	WRITE_ONCE(disk->dead, true);
	for (u32 i = 0; i < disk->queue_count; i++)
		block_queue_fail_waiting(&disk->queues[i], -EIO);
	mutex_lock(&disk->lock);
	list_for_each_entry (partition, &disk->partitions, disk_link)
		WRITE_ONCE(partition->gone, true);
	drop_partitions(disk);
	mutex_unlock(&disk->lock);
	/* The disk itself refers to it as long as it is there. */
	block_get(disk->whole);
	withdraw(disk->whole);
}

void block_disk_resize(struct block_disk *disk, u64 sectors)
{
	struct block_device *device = disk->whole;

	rwlock_write_lock(&device->lock);
	mutex_lock(&disk->lock);
	WRITE_ONCE(device->sectors, sectors);
	mutex_unlock(&disk->lock);
	page_cache_truncate(&device->cache, sectors << SECTOR_SHIFT);
	rwlock_write_unlock(&device->lock);
}
