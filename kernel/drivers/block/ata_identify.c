/* SPDX-License-Identifier: BSD-2-Clause */
/* What an ATA disk says of itself, and what that makes of a disk of the block layer. */
#include "drivers/block/ata.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

/* Words of IDENTIFY DEVICE (ACS-3, 7.12.7). */
enum {
	WORD_GENERAL = 0, /* bit 15: not an ATA device */
	WORD_SERIAL = 10,
	WORD_MODEL = 27,
	WORD_CAPABILITIES = 49, /* bit 8: DMA, bit 9: LBA */
	WORD_SECTORS_28 = 60,
	WORD_COMMANDS = 83,   /* bit 10: 48-bit addresses; bits 14 and 15: 01 if valid */
	WORD_COMMANDS_2 = 84, /* bit 6: FUA */
	WORD_ENABLED = 85,    /* bit 5: write cache */
	WORD_SECTORS_48 = 100,
	WORD_SECTOR_SIZE = 106, /* bit 12: words 117 and 118 count; bits 14 and 15: 01 if valid */
	WORD_LOGICAL_SIZE = 117,
	WORD_ROTATION = 217, /* 1: none */
	MAJOR = 8,
	MINORS = 16,
	MAX_DISKS = 26,
};

static u32 disk_count; /* atomic */

static bool is_valid(u16 word)
{
	return (word >> 14) == 1;
}

/* Text comes with the bytes of each word swapped, and blanks behind. */
static void read_text(const u16 *words, u32 count, char *text)
{
	u32 length = 0;

	for (u32 i = 0; i < count; i++) {
		text[2 * i] = (char)(words[i] >> 8);
		text[2 * i + 1] = (char)words[i];
	}
	for (u32 i = 0; i < 2 * count; i++) {
		if (text[i] < ' ' || text[i] > '~')
			text[i] = ' ';
		if (text[i] != ' ')
			length = i + 1;
	}
	text[length] = '\0';
}

bool ata_parse_identity(const u16 words[ATA_IDENTIFY_WORDS], struct ata_identity *identity)
{
	bool extended = is_valid(words[WORD_COMMANDS]) && words[WORD_COMMANDS] & 1 << 10;
	u32 size = SECTOR_SIZE;

	if (words[WORD_GENERAL] & 1 << 15 || !(words[WORD_CAPABILITIES] & 1 << 9))
		return false;
	if (is_valid(words[WORD_SECTOR_SIZE]) && words[WORD_SECTOR_SIZE] & 1 << 12)
		size = 2 * (words[WORD_LOGICAL_SIZE] | (u32)words[WORD_LOGICAL_SIZE + 1] << 16);
	if (size < SECTOR_SIZE || size > PAGE_SIZE || size & (size - 1))
		return false;
	*identity = (struct ata_identity){
		.logical_size = size,
		.sectors = words[WORD_SECTORS_28] | (u64)words[WORD_SECTORS_28 + 1] << 16,
		.lba48 = extended,
		.dma = words[WORD_CAPABILITIES] & 1 << 8,
		.write_cache = words[WORD_ENABLED] & 1 << 5,
		.fua = extended && is_valid(words[WORD_COMMANDS_2]) &&
		       words[WORD_COMMANDS_2] & 1 << 6,
		.rotational = words[WORD_ROTATION] != 1,
	};
	for (u32 i = 4; extended && i > 0; i--)
		identity->sectors =
			(i == 4 ? 0 : identity->sectors << 16) | words[WORD_SECTORS_48 + i - 1];
	if (extended)
		identity->sectors &= BIT(48) - 1;
	read_text(words + WORD_MODEL, 20, identity->model);
	read_text(words + WORD_SERIAL, 10, identity->serial);
	return identity->sectors > 0;
}

u8 ata_command_for(const struct ata_identity *identity, const struct block_request *request,
		   bool dma)
{
	bool write = request->op == BLOCK_WRITE;

	if (request->op == BLOCK_FLUSH)
		return identity->lba48 ? ATA_FLUSH_EXT : ATA_FLUSH;
	if (dma && write && request->fua)
		return ATA_WRITE_DMA_FUA_EXT;
	if (dma && identity->lba48)
		return write ? ATA_WRITE_DMA_EXT : ATA_READ_DMA_EXT;
	if (dma)
		return write ? ATA_WRITE_DMA : ATA_READ_DMA;
	if (identity->lba48)
		return write ? ATA_WRITE_EXT : ATA_READ_EXT;
	return write ? ATA_WRITE : ATA_READ;
}

int ata_disk_add(struct block_disk *disk, const struct ata_identity *identity)
{
	u32 number = __atomic_fetch_add(&disk_count, 1, __ATOMIC_RELAXED);

	if (number >= MAX_DISKS)
		return -ENOSPC;
	snprintf(disk->name, sizeof(disk->name), "sd%c", 'a' + (int)number);
	disk->driver = "sd";
	disk->major = MAJOR;
	disk->first_minor = number * MINORS;
	disk->minors = MINORS;
	disk->logical_size = disk->physical_size = identity->logical_size;
	disk->write_cache = identity->write_cache;
	disk->rotational = identity->rotational;
	strscpy(disk->serial, identity->serial, sizeof(disk->serial));
	log_info("%s: %s", disk->name, identity->model);
	return block_disk_add(disk, identity->sectors * (identity->logical_size / SECTOR_SIZE));
}
