/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables: MBR with extended partitions, and GPT (UEFI specification 2.10, chapter 5).
 * Reads blocks through a function and keeps nothing, so it runs anywhere.
 */
#ifndef FS_BLOCK_PARTITION_H
#define FS_BLOCK_PARTITION_H

#include "lib/types.h"

enum { PARTITION_LABEL = 37, PARTITION_BLOCK_MAX = 4096 };

struct partition {
	u32 number;        /* from 1; logical partitions of an MBR from 5 */
	u64 start, blocks; /* in blocks of the disk */
	char label[PARTITION_LABEL];
};

struct partition_source {
	u32 block_size; /* 512 to PARTITION_BLOCK_MAX, a power of two */
	u64 blocks;     /* of the disk */
	/* Reads one block; 0 or an error. */
	int (*read)(void *context, u64 block, void *buffer);
	void *context;
};

/*
 * The partitions that the disk's table names, as far as they lie within the disk and `limit`
 * reaches; `buffer` holds two blocks.  How many; 0 when there is no table; an error of read.
 */
int __must_check partitions_read(const struct partition_source *source, void *buffer,
				 struct partition *partitions, u32 limit);

#endif
