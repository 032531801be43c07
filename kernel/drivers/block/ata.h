/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ATA disks have in common, whatever the controller (ATA/ATAPI Command Set, ACS-3): commands
 * and what a disk says of itself.
 */
#ifndef DRIVERS_BLOCK_ATA_H
#define DRIVERS_BLOCK_ATA_H

#include "fs/block/block_device.h"
#include "lib/types.h"

enum ata_command {
	ATA_READ = 0x20,
	ATA_READ_EXT = 0x24,
	ATA_READ_DMA_EXT = 0x25,
	ATA_WRITE = 0x30,
	ATA_WRITE_EXT = 0x34,
	ATA_WRITE_DMA_EXT = 0x35,
	ATA_WRITE_DMA_FUA_EXT = 0x3d,
	ATA_READ_DMA = 0xc8,
	ATA_WRITE_DMA = 0xca,
	ATA_FLUSH = 0xe7,
	ATA_FLUSH_EXT = 0xea,
	ATA_IDENTIFY = 0xec,
};

enum ata_status {
	ATA_STATUS_ERROR = 1 << 0,
	ATA_STATUS_DATA = 1 << 3,
	ATA_STATUS_FAULT = 1 << 5,
	ATA_STATUS_BUSY = 1 << 7,
};

enum { ATA_IDENTIFY_WORDS = 256 };

struct ata_identity {
	u64 sectors; /* of logical_size bytes */
	u32 logical_size;
	bool lba48, dma, write_cache, fua, rotational;
	char model[41], serial[21];
};

/* Reads what IDENTIFY DEVICE gave; false when it is no disk that we can drive. */
bool ata_parse_identity(const u16 words[ATA_IDENTIFY_WORDS], struct ata_identity *identity);

/* The command for a request; `dma` or in pieces by the processor. */
u8 ata_command_for(const struct ata_identity *identity, const struct block_request *request,
		   bool dma);

/* Gives a disk its name ("sda") and number, and what it said of itself; then adds it.  0 or an
 * error. */
int __must_check ata_disk_add(struct block_disk *disk, const struct ata_identity *identity);

#endif
