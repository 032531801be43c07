/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /sys/block/DISK, with its partitions and its queue, and the same by other names: /sys/class/block
 * has disks and partitions side by side, /sys/dev/block has them by number.
 *
 * A disk's driver may have a folder of its own there: loop.
 *
 * A node's `number` is the device's: major << 20 | minor.  Each read looks the device up anew.
 */
#include "arch/clock.h"
#include "fs/block/block_internal.h"
#include "fs/device.h"
#include "fs/procfs/sysfs.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/parse.h"
#include "lib/string.h"

/* --- Files --- */

/* The text of a device, by the function that an entry is made with. */
static int show_device(const struct proc_node *node, struct text *text,
		       void (*show)(const struct block_device *device, struct text *text))
{
	struct block_device *device = block_find(node->number);

	if (device == NULL)
		return -ENODEV;
	show(device, text);
	block_put(device);
	return 0;
}

#define DEVICE_FILE(file, format, value)                                                 \
	static void text_of_##file(const struct block_device *device, struct text *text) \
	{                                                                                \
		text_printf(text, format "\n", value);                                   \
	}                                                                                \
	static int show_##file(const struct proc_node *node, struct text *text)          \
	{                                                                                \
		return show_device(node, text, text_of_##file);                          \
	}

DEVICE_FILE(size, "%lu", (unsigned long)READ_ONCE(device->sectors))
DEVICE_FILE(start, "%lu", (unsigned long)device->start)
DEVICE_FILE(partition, "%u", device->partition)
DEVICE_FILE(ro, "%d", READ_ONCE(device->read_only))
DEVICE_FILE(removable, "%d", device->disk->removable)
DEVICE_FILE(range, "%u", device->disk->minors)
DEVICE_FILE(serial, "%s", device->disk->serial)
DEVICE_FILE(logical_size, "%u", device->disk->logical_size)
DEVICE_FILE(physical_size, "%u", device->disk->physical_size)
DEVICE_FILE(max_kib, "%u", device->disk->max_sectors / 2)
DEVICE_FILE(max_segments, "%u", device->disk->max_segments)
DEVICE_FILE(requests, "%u", device->disk->depth)
DEVICE_FILE(rotational, "%d", device->disk->rotational)
DEVICE_FILE(fua, "%d", device->disk->fua)
DEVICE_FILE(write_cache, "%s", device->disk->write_cache ? "write back" : "write through")
DEVICE_FILE(discard_max, "%lu",
	    device->disk->discard ? (unsigned long)device->disk->max_sectors << SECTOR_SHIFT : 0)

static int show_zero(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "0\n");
	return 0;
}

/* Requests wait in the order of mq-deadline, and there is no other. */
static int show_scheduler(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "[mq-deadline]\n");
	return 0;
}

static int show_time_out(const struct proc_node *node, struct text *text)
{
	struct block_device *device = block_find(node->number);

	if (device == NULL)
		return -ENODEV;
	text_printf(text, "%lu\n",
		    (unsigned long)(READ_ONCE(device->disk->time_out) / NSEC_PER_MSEC));
	block_put(device);
	return 0;
}

/* The timers of all queues look at the clock again, then. */
static void set_time_out(struct block_disk *disk, nsec_t time_out)
{
	WRITE_ONCE(disk->time_out, time_out);
	for (u32 i = 0; i < disk->queue_count; i++) {
		struct block_queue *queue = &disk->queues[i];
		unsigned long flags = spin_lock_irqsave(&queue->lock);

		timer_start(&queue->timer, clock_monotonic() + time_out);
		spin_unlock_irqrestore(&queue->lock, flags);
	}
}

/* Milliseconds. */
static int store_time_out(const struct proc_node *node, char *value, size_t size)
{
	struct block_device *device;
	u64 milliseconds;

	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	if (parse_u64(value, 10, &milliseconds) || milliseconds == 0 || milliseconds > UINT32_MAX)
		return -EINVAL;
	device = block_find(node->number);
	if (device == NULL)
		return -ENODEV;
	set_time_out(device->disk, milliseconds * NSEC_PER_MSEC);
	block_put(device);
	return 0;
}

static int show_dev(const struct proc_node *node, struct text *text)
{
	text_printf(text, "%u:%u\n", device_major(node->number), device_minor(node->number));
	return 0;
}

static void text_of_uevent(const struct block_device *device, struct text *text)
{
	text_printf(text, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n",
		    device_major(device->number), device_minor(device->number), device->name,
		    device->partition == 0 ? "disk" : "partition");
	if (device->partition != 0)
		text_printf(text, "PARTN=%u\n", device->partition);
	if (device->label[0] != '\0')
		text_printf(text, "PARTNAME=%s\n", device->label);
}

static int show_uevent(const struct proc_node *node, struct text *text)
{
	return show_device(node, text, text_of_uevent);
}

static int show_stat(const struct proc_node *node, struct text *text)
{
	return show_device(node, text, block_show_stats);
}

/* --- Directories --- */

static const struct proc_entry queue_entries[] = {
	PROC_FILE("discard_max_bytes", 0444, show_discard_max),
	PROC_FILE("fua", 0444, show_fua),
	PROC_FILE("hw_sector_size", 0444, show_logical_size),
	PROC_SETTING("io_timeout", 0644, show_time_out, store_time_out),
	PROC_FILE("logical_block_size", 0444, show_logical_size),
	PROC_FILE("max_hw_sectors_kb", 0444, show_max_kib),
	PROC_FILE("max_sectors_kb", 0444, show_max_kib),
	PROC_FILE("max_segments", 0444, show_max_segments),
	PROC_FILE("minimum_io_size", 0444, show_physical_size),
	PROC_FILE("nr_requests", 0444, show_requests),
	PROC_FILE("optimal_io_size", 0444, show_zero),
	PROC_FILE("physical_block_size", 0444, show_physical_size),
	PROC_FILE("rotational", 0444, show_rotational),
	PROC_FILE("scheduler", 0444, show_scheduler),
	PROC_FILE("write_cache", 0444, show_write_cache),
	PROC_END,
};

static const struct proc_entry disk_entries[] = {
	PROC_FILE("alignment_offset", 0444, show_zero),
	PROC_FILE("dev", 0444, show_dev),
	PROC_FILE("ext_range", 0444, show_range),
	PROC_DIRECTORY("queue", queue_entries),
	PROC_FILE("range", 0444, show_range),
	PROC_FILE("removable", 0444, show_removable),
	PROC_FILE("ro", 0444, show_ro),
	PROC_FILE("serial", 0444, show_serial),
	PROC_FILE("size", 0444, show_size),
	PROC_FILE("stat", 0444, show_stat),
	PROC_FILE("uevent", 0444, show_uevent),
	PROC_END,
};

static const struct proc_entry partition_entries[] = {
	PROC_FILE("alignment_offset", 0444, show_zero),
	PROC_FILE("dev", 0444, show_dev),
	PROC_FILE("partition", 0444, show_partition),
	PROC_FILE("ro", 0444, show_ro),
	PROC_FILE("size", 0444, show_size),
	PROC_FILE("start", 0444, show_start),
	PROC_FILE("stat", 0444, show_stat),
	PROC_FILE("uevent", 0444, show_uevent),
	PROC_END,
};

/* Which devices a directory has. */
enum which { ALL, DISKS, PARTITIONS };

/* A search of the registry: for a name, or for the device at a place. */
struct search {
	enum which which;
	u32 number; /* of the disk, for PARTITIONS */
	bool by_number;
	const char *name; /* NULL: the device at `place` */
	size_t length;
	u64 place;
	struct proc_child found;
	bool done;
};

static bool disk_find(const struct proc_node *node, const char *name, size_t length,
		      struct proc_node *child);
static bool disk_next(const struct proc_node *node, u64 *position, struct proc_child *child);

static const struct proc_entry disk_entry = {.name = "disk",
					     .mode = S_IFDIR | 0555,
					     .children = disk_entries,
					     .find = disk_find,
					     .next = disk_next};
static const struct proc_entry partition_entry = PROC_DIRECTORY("partition", partition_entries);

static bool belongs(const struct search *search, const struct block_device *device)
{
	if (search->which == ALL)
		return true;
	if (search->which == DISKS)
		return device->partition == 0;
	return device->partition != 0 && device->disk->whole->number == search->number;
}

static void look(struct block_device *device, void *argument)
{
	struct search *search = argument;
	struct proc_child *child = &search->found;

	if (search->done || !belongs(search, device))
		return;
	if (search->by_number)
		snprintf(child->name, sizeof(child->name), "%u:%u", device_major(device->number),
			 device_minor(device->number));
	else
		strscpy(child->name, device->name, sizeof(child->name));
	if (search->name != NULL)
		search->done = strlen(child->name) == search->length &&
			       memcmp(child->name, search->name, search->length) == 0;
	else
		search->done = search->place-- == 0;
	if (search->done)
		child->node = (struct proc_node){.entry = device->partition == 0 ? &disk_entry
										 : &partition_entry,
						 .fd = -1,
						 .number = (u32)device->number};
}

static bool find(struct search search, const char *name, size_t length, struct proc_node *child)
{
	search.name = name;
	search.length = length;
	block_iterate(look, &search);
	if (search.done)
		*child = search.found.node;
	return search.done;
}

static bool next(struct search search, u64 *position, struct proc_child *child)
{
	search.place = *position;
	block_iterate(look, &search);
	if (search.done) {
		*child = search.found;
		++*position;
	}
	return search.done;
}

#define DEVICE_DIRECTORY(prefix, ...)                                                      \
	static bool prefix##_find(const struct proc_node *node __unused, const char *name, \
				  size_t length, struct proc_node *child)                  \
	{                                                                                  \
		return find((struct search){__VA_ARGS__}, name, length, child);            \
	}                                                                                  \
	static bool prefix##_next(const struct proc_node *node __unused, u64 *position,    \
				  struct proc_child *child)                                \
	{                                                                                  \
		return next((struct search){__VA_ARGS__}, position, child);                \
	}

DEVICE_DIRECTORY(disks, .which = DISKS)
DEVICE_DIRECTORY(all, .which = ALL)
DEVICE_DIRECTORY(numbers, .which = ALL, .by_number = true)
DEVICE_DIRECTORY(partitions, .which = PARTITIONS, .number = node->number)

/* Behind the positions of partitions: the driver's folder. */
#define DRIVER_FOLDER ((u64)1 << 32)

static bool driver_folder(const struct proc_node *node, struct proc_node *child)
{
	struct block_device *device = block_find(node->number);

	if (device == NULL)
		return false;
	const struct proc_entry *entry = device->disk->folder;
	block_put(device);
	*child = (struct proc_node){.entry = entry, .fd = -1, .number = node->number};
	return entry != NULL && (entry->is_there == NULL || entry->is_there(child));
}

static bool disk_find(const struct proc_node *node, const char *name, size_t length,
		      struct proc_node *child)
{
	struct proc_node folder;

	if (partitions_find(node, name, length, child))
		return true;
	if (!driver_folder(node, &folder) || strlen(folder.entry->name) != length ||
	    memcmp(folder.entry->name, name, length) != 0)
		return false;
	*child = folder;
	return true;
}

static bool disk_next(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	if (*position > DRIVER_FOLDER)
		return false;
	if (*position < DRIVER_FOLDER && partitions_next(node, position, child))
		return true;
	*position = DRIVER_FOLDER + 1;
	if (!driver_folder(node, &child->node))
		return false;
	strscpy(child->name, child->node.entry->name, sizeof(child->name));
	return true;
}

static const struct proc_entry dev_entries[] = {
	{.name = "block", .mode = S_IFDIR | 0555, .find = numbers_find, .next = numbers_next},
	PROC_END};

static const struct proc_entry block_entry = {
	.name = "block", .mode = S_IFDIR | 0555, .find = disks_find, .next = disks_next};
static const struct proc_entry class_entry = {
	.name = "block", .mode = S_IFDIR | 0555, .find = all_find, .next = all_next};
static const struct proc_entry dev_entry = PROC_DIRECTORY("dev", dev_entries);
static struct proc_addition block_addition = {.entry = &block_entry};
static struct proc_addition class_addition = {.entry = &class_entry};
static struct proc_addition dev_addition = {.entry = &dev_entry};

void block_sysfs_init(void)
{
	sysfs_add(SYSFS_ROOT, &block_addition);
	sysfs_add(SYSFS_CLASS, &class_addition);
	sysfs_add(SYSFS_ROOT, &dev_addition);
}
