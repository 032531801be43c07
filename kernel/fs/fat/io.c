/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers: between the pages of files and the disk, and what the volume reads and writes.
 *
 * Clusters need not begin where pages do on the disk; sectors of a file lie in its pages as they do
 * in the file, so whole pages go many at a time and the rest in parts.  What is on the disk is not
 * looked for in the pages of the device, which are for who opens the device itself.
 */
#include "fs/fat/fat_internal.h"

#include "lib/abi/statfs.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum { CLEAR_PAGES = 32 };

/* A part of one page. */
static int transfer_part(struct block_device *device, enum block_op op, u64 at, phys_t address,
			 u32 length)
{
	struct block_segment segment = {address, length};
	struct block_io io = {
		.device = device,
		.op = op,
		.flags = BLOCK_ALONE,
		.sector = at >> SECTOR_SHIFT,
		.sectors = length >> SECTOR_SHIFT,
		.segments = &segment,
		.segment_count = 1,
	};

	return block_submit_wait(&io);
}

int fat_transfer(struct fat_super *super, enum block_op op, u64 at, u64 position, u64 size,
		 u64 index, const phys_t *frames)
{
	int error = 0;

	while (size > 0 && !error) {
		const phys_t *frame = &frames[position / PAGE_SIZE - index];
		u32 offset = (u32)(position % PAGE_SIZE);
		u64 part = MIN(size, (u64)(PAGE_SIZE - offset));

		if (part == PAGE_SIZE) {
			part = ALIGN_DOWN(size, (u64)PAGE_SIZE);
			error = block_transfer(super->device, op, at >> SECTOR_SHIFT, frame,
					       (u32)(part / PAGE_SIZE), 0);
		} else {
			error = transfer_part(super->device, op, at, *frame + offset, (u32)part);
		}
		at += part;
		position += part;
		size -= part;
	}
	return error;
}

/* Where a byte of a file is on the disk, and how many follow it there. */
static int find(struct fat_inode *inode, u64 position, u64 *at, u64 *length)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	u32 offset = (u32)(position & (volume->cluster_size - 1)), cluster, count;
	int error;

	fat_lock(super);
	error = fat_chain_map(volume, &inode->node.chain, (u32)(position >> volume->cluster_shift),
			      &cluster, &count);
	if (error == -ENOENT)
		error = fat_fail(volume, "a file is longer than its clusters", inode->node.place);
	fat_unlock(super);
	if (error)
		return error;
	*at = fat_cluster_position(volume, cluster) + offset;
	*length = ((u64)count << volume->cluster_shift) - offset;
	return 0;
}

int fat_transfer_file(struct fat_inode *inode, enum block_op op, u64 position, u64 size, u64 index,
		      const phys_t *frames)
{
	while (size > 0) {
		u64 at, length;
		int error = find(inode, position, &at, &length);

		length = error ? 0 : MIN(length, size);
		if (!error)
			error = fat_transfer(fat_super_of(inode), op, at, position, length, index,
					     frames);
		if (error)
			return error;
		position += length;
		size -= length;
	}
	return 0;
}

int fat_clear_file(struct fat_inode *inode, u64 position, u64 size)
{
	phys_t frames[CLEAR_PAGES], zeros = frame_alloc_zeroed();
	int error = 0;

	if (zeros == 0)
		return -ENOMEM;
	for (u32 i = 0; i < CLEAR_PAGES; i++)
		frames[i] = zeros;
	while (size > 0 && !error) {
		u64 room = CLEAR_PAGES * PAGE_SIZE - position % PAGE_SIZE;
		u64 part = MIN(size, room);

		error = fat_transfer_file(inode, BLOCK_WRITE, position, part, position / PAGE_SIZE,
					  frames);
		position += part;
		size -= part;
	}
	frame_free(zeros);
	return error;
}

/* --- For the volume --- */

/* Through a page of our own: the volume's memory may be anything. */
static int transfer_bytes(struct fat_super *super, enum block_op op, u64 position, char *buffer,
			  size_t size)
{
	phys_t frame = frame_alloc();
	int error = frame ? 0 : -ENOMEM;

	while (size > 0 && !error) {
		size_t part = MIN(size, (size_t)PAGE_SIZE);

		if (op == BLOCK_WRITE)
			memcpy(phys_to_virt(frame), buffer, part);
		error = transfer_part(super->device, op, position, frame, (u32)part);
		if (!error && op == BLOCK_READ)
			memcpy(buffer, phys_to_virt(frame), part);
		position += part;
		buffer += part;
		size -= part;
	}
	if (frame)
		frame_free(frame);
	return error;
}

static int read_device(void *context, u64 position, void *buffer, size_t size)
{
	return transfer_bytes(context, BLOCK_READ, position, buffer, size);
}

static int write_device(void *context, u64 position, const void *buffer, size_t size)
{
	return transfer_bytes(context, BLOCK_WRITE, position, (char *)buffer, size);
}

static int flush_device(void *context)
{
	return block_flush(((struct fat_super *)context)->device);
}

static void *allocate(size_t size)
{
	return kmalloc(size);
}

static void release(void *memory)
{
	kfree(memory);
}

/* What is wrong is wrong for good: nothing more is written, so that it can be looked at. */
static void complain(void *context, const char *why, u64 number)
{
	struct fat_super *super = context;

	log_error("fat: %s: %s: 0x%lx", super->device->name, why, (unsigned long)number);
	if (super->options.errors == FAT_ERRORS_PANIC)
		panic("fat: %s: %s", super->device->name, why);
	if (super->superblock && super->options.errors == FAT_ERRORS_READ_ONLY)
		super->superblock->flags |= MS_RDONLY;
}

const struct fat_volume_ops fat_device_ops = {
	.read = read_device,
	.write = write_device,
	.flush = flush_device,
	.allocate = allocate,
	.release = release,
	.complain = complain,
};
