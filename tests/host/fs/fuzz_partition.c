/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a partition table from any bytes: the first says how large the disk's blocks are, the rest
 * is the disk.  Whatever is there, partitions lie within the disk.  Checksums are made right with
 * the second byte's help, or nothing behind them would ever be read.
 */
#include "fs/block/partition.h"
#include "lib/crc32.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 64 };

struct disk {
	uint8_t *data;
	size_t blocks, block_size;
};

static int read_block(void *context, u64 block, void *buffer)
{
	struct disk *disk = context;

	if (block >= disk->blocks)
		abort();
	memcpy(buffer, disk->data + block * disk->block_size, disk->block_size);
	return 0;
}

static uint32_t word(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Gives the header in block 1 the checksums that it should have. */
static void repair(struct disk *disk)
{
	uint8_t *header = disk->data + disk->block_size;
	size_t entries, length;
	uint32_t crc;

	if (disk->blocks < 3 || memcmp(header, "EFI PART", 8) != 0)
		return;
	entries = word(header + 72) * disk->block_size;
	length = (size_t)word(header + 80) * word(header + 84);
	if (entries < disk->blocks * disk->block_size &&
	    length <= disk->blocks * disk->block_size - entries) {
		crc = crc32(0, disk->data + entries, length);
		memcpy(header + 88, &crc, 4);
	}
	if (word(header + 12) <= disk->block_size) {
		memset(header + 16, 0, 4);
		crc = crc32(0, header, word(header + 12));
		memcpy(header + 16, &crc, 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct partition partitions[LIMIT];
	struct disk disk = {.block_size = 512};
	char buffer[2 * PARTITION_BLOCK_MAX];

	if (size < 512)
		return 0;
	/* The boot code of the first sector is nobody's business: it decides how we read. */
	if (data[0] & 1)
		disk.block_size = 4096;
	disk.blocks = size / disk.block_size;
	disk.data = malloc(size);
	memcpy(disk.data, data, size);
	if (data[0] & 2)
		repair(&disk);
	struct partition_source source = {.block_size = (u32)disk.block_size,
					  .blocks = disk.blocks,
					  .read = read_block,
					  .context = &disk};
	int count = partitions_read(&source, buffer, partitions, LIMIT);
	if (count < 0 || count > LIMIT)
		abort();
	for (int i = 0; i < count; i++)
		if (partitions[i].start >= disk.blocks || partitions[i].blocks == 0 ||
		    partitions[i].blocks > disk.blocks - partitions[i].start ||
		    partitions[i].number == 0 || strlen(partitions[i].label) >= PARTITION_LABEL)
			abort();
	free(disk.data);
	return 0;
}
