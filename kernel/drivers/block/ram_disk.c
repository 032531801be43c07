/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM disks, /dev/ram0 and on: as many as brd.rd_nr= says, each of brd.rd_size= KiB (16 MiB).
 *
 * A page of the disk is made when it is first written; what was never written reads as zeros.
 * Requests are done at once, by whoever submits them; the queue's lock guards the pages.
 */
#include "arch/mmu.h"
#include "boot/boot_info.h"
#include "drivers/block/drivers.h"
#include "fs/block/block_device.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/radix.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum {
	RAM_MAJOR = 1,
	RAM_LIMIT = 64,
	RAM_KIB = 16384,
	RAM_KIB_LIMIT = 1 << 30,
	RAM_MAX_SECTORS = 64, /* what is copied with interrupts off */
};

struct ram_disk {
	struct radix_tree pages; /* of virtual addresses; the queue's lock */
};

static void *alloc_node(size_t size)
{
	return kmalloc(size);
}

static void free_node(void *node, size_t size __unused)
{
	kfree(node);
}

static const struct radix_ops node_ops = {.alloc_node = alloc_node, .free_node = free_node};

/* The disk's page, made if `make`; NULL when it is not there or cannot be. */
static void *find_page(struct ram_disk *ram, u64 index, bool make)
{
	void *page = radix_lookup(&ram->pages, index);
	phys_t frame;

	if (page != NULL || !make)
		return page;
	frame = frame_alloc_zeroed();
	if (frame == 0)
		return NULL;
	page = phys_to_virt(frame);
	if (radix_insert(&ram->pages, index, page) == 0)
		return page;
	frame_free(frame);
	return NULL;
}

/* Moves part of a page; 0 or -ENOSPC, as for a device that cannot take more. */
static int move_part(struct ram_disk *ram, enum block_op op, u64 byte, void *memory, size_t size)
{
	char *page = find_page(ram, byte / PAGE_SIZE, op == BLOCK_WRITE);

	if (op == BLOCK_READ && page == NULL)
		memset(memory, 0, size);
	else if (op == BLOCK_READ)
		memcpy(memory, page + byte % PAGE_SIZE, size);
	else if (page == NULL)
		return -ENOSPC;
	else
		memcpy(page + byte % PAGE_SIZE, memory, size);
	return 0;
}

static int move_segment(struct ram_disk *ram, enum block_op op, u64 byte,
			const struct block_segment *segment)
{
	char *memory = phys_to_virt(segment->address);
	int error = 0;

	for (size_t done = 0, part; done < segment->length && error == 0; done += part) {
		part = MIN(segment->length - done, PAGE_SIZE - (byte + done) % PAGE_SIZE);
		error = move_part(ram, op, byte + done, memory + done, part);
	}
	return error;
}

static int start(struct block_queue *queue, struct block_request *request)
{
	u64 byte = request->sector << SECTOR_SHIFT;
	const struct block_io *io;
	int error = 0;

	list_for_each_entry (io, &request->ios, link) {
		for (u32 i = 0; i < io->segment_count && error == 0; i++) {
			error = move_segment(queue->disk->private, request->op, byte,
					     &io->segments[i]);
			byte += io->segments[i].length;
		}
	}
	block_request_end(request, error);
	return 0;
}

static const struct block_disk_ops disk_ops = {.start = start};

static int add_disk(u32 number, u64 kib)
{
	struct ram_disk *ram = kzalloc(sizeof(*ram));
	struct block_disk *disk = ram != NULL ? block_disk_alloc(&disk_ops, 1, ram) : NULL;
	int error = -ENOMEM;

	if (disk != NULL) {
		radix_init(&ram->pages, &node_ops);
		snprintf(disk->name, sizeof(disk->name), "ram%u", number);
		disk->driver = "ramdisk";
		disk->major = RAM_MAJOR;
		disk->first_minor = number;
		disk->minors = 1;
		disk->max_sectors = RAM_MAX_SECTORS;
		error = block_disk_add(disk, kib * KIB >> SECTOR_SHIFT);
	}
	if (error != 0) {
		block_disk_free(disk);
		kfree(ram);
	}
	return error;
}

/* The number that a word of the command line gives, at most `limit`. */
static u64 number_of(const char *word, u64 usual, u64 limit)
{
	char text[24];
	u64 value;

	if (cmdline_get(boot_info.command_line, word, text, sizeof(text)) < 0 ||
	    parse_u64(text, 10, &value) != 0)
		return usual;
	return MIN(value, limit);
}

void ram_disks_init(void)
{
	u64 count = number_of("brd.rd_nr", 0, RAM_LIMIT);
	u64 kib = number_of("brd.rd_size", RAM_KIB, RAM_KIB_LIMIT);

	for (u32 i = 0; i < count; i++)
		if (add_disk(i, kib) != 0)
			log_warn("no memory for a RAM disk");
}
