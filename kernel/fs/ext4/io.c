/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers between a file's pages and the disk: whole pages many at a time, blocks that are a part
 * of a page one by one.
 */
#include "fs/ext4/ext4_internal.h"

/* A part of one page. */
static int transfer_part(struct ext4_super *super, enum block_op op, u64 sector, phys_t frame,
			 u32 offset, u32 length)
{
	struct block_segment segment = {frame + offset, length};
	struct block_io io = {
		.device = super->device,
		.op = op,
		.flags = BLOCK_ALONE,
		.sector = sector,
		.sectors = length >> SECTOR_SHIFT,
		.segments = &segment,
		.segment_count = 1,
	};

	return block_submit_wait(&io);
}

int ext4_transfer_blocks(struct ext4_super *super, enum block_op op, u64 start, u64 block,
			 u64 count, u64 index, const phys_t *frames)
{
	u32 shift = super->volume.block_shift, to_sector = shift - SECTOR_SHIFT;
	u32 each = PAGE_SIZE >> shift;
	int error = 0;

	while (count > 0 && !error) {
		u64 page = block / each, part = MIN(count, each - block % each);
		const phys_t *frame = &frames[page - index];

		if (part == each) {
			u64 pages = count / each;

			part = pages * each;
			error = block_transfer(super->device, op, start << to_sector, frame,
					       (u32)pages, 0);
		} else {
			error = transfer_part(super, op, start << to_sector, *frame,
					      (u32)(block % each) << shift, (u32)part << shift);
		}
		block += part;
		start += part;
		count -= part;
	}
	return error;
}
