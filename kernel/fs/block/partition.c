/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading partition tables.  Nothing in them is believed: ranges outside of the disk are left out,
 * chains of extended partitions end after as many links as there may be partitions, and a GPT
 * counts only with both checksums right.  When the first GPT header is broken the copy at the end
 * of the disk is used.
 */
#include "fs/block/partition.h"

#include "lib/crc32.h"
#include "lib/string.h"

enum {
	MBR_ENTRIES = 446,
	MBR_ENTRY_SIZE = 16,
	MBR_PRIMARY = 4,
	MBR_SIGNATURE = 510,
	MBR_FIRST_LOGICAL = 5,
	TYPE_EXTENDED = 0x05,
	TYPE_EXTENDED_LBA = 0x0f,
	TYPE_EXTENDED_LINUX = 0x85,
	TYPE_PROTECTIVE = 0xee,
	LOGICAL_LIMIT = 256,

	GPT_HEADER_SIZE = 92,
	GPT_ENTRY_SIZE = 128,
	GPT_ENTRIES_LIMIT = 1024,
};

struct mbr_entry {
	u8 status, type;
	u32 start, blocks;
};

static u64 little(const u8 *at, u32 bytes)
{
	u64 value = 0;

	for (u32 i = bytes; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

struct reader {
	const struct partition_source *source;
	u8 *block, *second; /* a block each */
	struct partition *partitions;
	u32 count, limit;
	u32 next_logical; /* number of the next logical partition */
};

static int read_block(struct reader *reader, u64 block, u8 *buffer)
{
	const struct partition_source *source = reader->source;

	return source->read(source->context, block, buffer);
}

/* Keeps a partition if it lies within the disk. */
static struct partition *add(struct reader *reader, u32 number, u64 start, u64 blocks)
{
	u64 size = reader->source->blocks;

	if (blocks == 0 || start == 0 || start >= size || blocks > size - start ||
	    reader->count == reader->limit)
		return NULL;
	struct partition *partition = &reader->partitions[reader->count++];
	*partition = (struct partition){.number = number, .start = start, .blocks = blocks};
	return partition;
}

/* --- MBR --- */

static bool has_signature(const u8 *block)
{
	return block[MBR_SIGNATURE] == 0x55 && block[MBR_SIGNATURE + 1] == 0xaa;
}

static struct mbr_entry mbr_entry(const u8 *block, u32 index)
{
	const u8 *at = block + MBR_ENTRIES + index * MBR_ENTRY_SIZE;

	return (struct mbr_entry){at[0], at[4], (u32)little(at + 8, 4), (u32)little(at + 12, 4)};
}

static bool is_extended(u8 type)
{
	return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/*
 * A table and not just a boot sector (of FAT, say, which has the same signature): every entry says
 * active or not, and one at least is in use.
 */
static bool is_mbr(const u8 *block)
{
	bool used = false;

	for (u32 i = 0; i < MBR_PRIMARY; i++) {
		struct mbr_entry entry = mbr_entry(block, i);

		if (entry.status != 0 && entry.status != 0x80)
			return false;
		used = used || (entry.type != 0 && entry.blocks != 0);
	}
	return used && has_signature(block);
}

/* Logical partitions: each is described by a table of its own, which also names the next. */
static int read_logical(struct reader *reader, u64 base, u64 size)
{
	u64 at = base;

	for (u32 steps = 0; steps < LOGICAL_LIMIT && at < reader->source->blocks; steps++) {
		struct mbr_entry first, next;
		int error = read_block(reader, at, reader->second);

		if (error != 0)
			return error;
		if (!has_signature(reader->second))
			break;
		first = mbr_entry(reader->second, 0);
		next = mbr_entry(reader->second, 1);
		if (first.type != 0 && first.blocks != 0 && !is_extended(first.type))
			add(reader, reader->next_logical++, at + first.start, first.blocks);
		if (!is_extended(next.type) || next.start == 0 || next.start >= size)
			break;
		at = base + next.start;
	}
	return 0;
}

static int read_mbr(struct reader *reader)
{
	int error = 0;

	for (u32 i = 0; i < MBR_PRIMARY; i++) {
		struct mbr_entry entry = mbr_entry(reader->block, i);

		/* Of an extended partition only the table itself is anybody's to use. */
		if (entry.type != 0)
			add(reader, i + 1, entry.start,
			    is_extended(entry.type) ? MIN(entry.blocks, 2u) : entry.blocks);
	}
	for (u32 i = 0; i < MBR_PRIMARY && error == 0; i++) {
		struct mbr_entry entry = mbr_entry(reader->block, i);

		if (is_extended(entry.type) && entry.blocks != 0)
			error = read_logical(reader, entry.start, entry.blocks);
	}
	return error;
}

/* --- GPT --- */

struct gpt {
	u64 entries; /* first block of the array */
	u32 count, entry_size, crc;
};

/* Reads and checks the header in a block: 1 good, 0 not, or an error. */
static int read_header(struct reader *reader, u64 at, struct gpt *gpt)
{
	u8 *header = reader->block;
	int error = read_block(reader, at, header);
	u32 size, crc;

	if (error != 0)
		return error;
	size = (u32)little(header + 12, 4);
	if (memcmp(header, "EFI PART", 8) != 0 || size < GPT_HEADER_SIZE ||
	    size > reader->source->block_size)
		return 0;
	crc = (u32)little(header + 16, 4);
	memset(header + 16, 0, 4);
	if (crc32(0, header, size) != crc || little(header + 24, 8) != at)
		return 0;
	*gpt = (struct gpt){
		.entries = little(header + 72, 8),
		.count = (u32)little(header + 80, 4),
		.entry_size = (u32)little(header + 84, 4),
		.crc = (u32)little(header + 88, 4),
	};
	return gpt->count <= GPT_ENTRIES_LIMIT && gpt->entry_size >= GPT_ENTRY_SIZE &&
	       gpt->entry_size <= reader->source->block_size &&
	       reader->source->block_size % gpt->entry_size == 0 && gpt->entries > 1 &&
	       gpt->entries < reader->source->blocks;
}

/* Names are in UTF-16; what is not ASCII becomes a question mark. */
static void read_label(const u8 *from, char *label)
{
	for (u32 i = 0; i + 1 < PARTITION_LABEL; i++) {
		u32 unit = (u32)little(from + 2 * i, 2);

		label[i] = (char)(unit == 0 || (unit >= ' ' && unit < 0x7f) ? unit : '?');
		if (unit == 0)
			return;
	}
	label[PARTITION_LABEL - 1] = '\0';
}

static void add_entry(struct reader *reader, u32 number, const u8 *entry)
{
	static const u8 unused[16];
	u64 first = little(entry + 32, 8), last = little(entry + 40, 8);
	struct partition *partition;

	if (memcmp(entry, unused, sizeof(unused)) == 0 || last < first || last == UINT64_MAX)
		return;
	partition = add(reader, number, first, last - first + 1);
	if (partition != NULL)
		read_label(entry + 56, partition->label);
}

/* Reads the array; 1 if its checksum is right, 0 if not, or an error. */
static int read_entries(struct reader *reader, const struct gpt *gpt)
{
	u32 per_block = reader->source->block_size / gpt->entry_size, crc = 0;

	reader->count = 0;
	for (u32 i = 0; i < gpt->count; i += per_block) {
		u64 block = gpt->entries + i / per_block;
		u32 here = MIN(per_block, gpt->count - i);
		int error = block < reader->source->blocks
				    ? read_block(reader, block, reader->second)
				    : -1;

		if (error != 0)
			return block < reader->source->blocks ? error : 0;
		crc = crc32(crc, reader->second, (size_t)here * gpt->entry_size);
		for (u32 n = 0; n < here; n++)
			add_entry(reader, i + n + 1, reader->second + n * gpt->entry_size);
	}
	return crc == gpt->crc;
}

static int try_gpt(struct reader *reader, u64 header)
{
	struct gpt gpt;
	int result = read_header(reader, header, &gpt);

	if (result == 1)
		result = read_entries(reader, &gpt);
	if (result != 1)
		reader->count = 0;
	return result;
}

static int read_gpt(struct reader *reader)
{
	int result = try_gpt(reader, 1);

	if (result == 0)
		result = try_gpt(reader, reader->source->blocks - 1);
	return result < 0 ? result : 0;
}

int partitions_read(const struct partition_source *source, void *buffer,
		    struct partition *partitions, u32 limit)
{
	struct reader reader = {
		.source = source,
		.block = buffer,
		.second = (u8 *)buffer + source->block_size,
		.partitions = partitions,
		.limit = limit,
		.next_logical = MBR_FIRST_LOGICAL,
	};
	bool protective = false;
	int error;

	if (source->blocks < 2)
		return 0;
	error = read_block(&reader, 0, reader.block);
	if (error != 0)
		return error;
	if (!is_mbr(reader.block))
		return 0;
	for (u32 i = 0; i < MBR_PRIMARY; i++)
		protective = protective || mbr_entry(reader.block, i).type == TYPE_PROTECTIVE;
	error = protective ? read_gpt(&reader) : read_mbr(&reader);
	return error != 0 ? error : (int)reader.count;
}
