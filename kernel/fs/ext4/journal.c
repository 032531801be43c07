/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the journal (journal_format.h): what was committed but had not reached its place.
 *
 * Nothing is written back: the copies stay where they are, and a table says of each block that has
 * one where the newest is (volume->overlay).  The log is walked twice, once to find its end, once
 * to collect.
 */
#include "fs/ext4/journal_format.h"
#include "fs/ext4/volume.h"
#include "lib/abi/stat.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/sort.h"
#include "lib/string.h"

struct revoked {
	u64 block;
	u32 sequence;
};

struct journal {
	struct ext4_volume *volume;
	struct ext4_node node;
	struct ext4_run run; /* where blocks of the journal from run_first on are */
	u64 run_first;
	u32 length, first, start, sequence, features, seed;
	u8 *buffer, *copy; /* a block each */

	bool collecting;
	u32 end_sequence; /* of the transaction that does not count any more */
	struct ext4_overlay *copies;
	struct revoked *revoked;
	u64 copy_count, revoked_count; /* found */
	u64 copy_room, revoked_room;
};

static bool has_checksums(const struct journal *journal)
{
	return journal->features & (JOURNAL_CHECKSUM_2 | JOURNAL_CHECKSUM_3);
}

/* Where a block of the journal is. */
static int place_of(struct journal *journal, u32 block, u64 *place)
{
	if (block < journal->run_first || block - journal->run_first >= journal->run.length) {
		int error = ext4_map(journal->volume, &journal->node, block, &journal->run);

		if (error)
			return error;
		journal->run_first = block;
	}
	*place = journal->run.start + (block - journal->run_first);
	return journal->run.start != 0 ? 0 : -EUCLEAN;
}

static int read_block(struct journal *journal, u32 block, u8 *buffer)
{
	u64 place;
	int error = place_of(journal, block, &place);

	return error ? error
		     : ext4_read(journal->volume, place, 0, buffer, journal->volume->block_size);
}

static u32 next_block(const struct journal *journal, u32 block)
{
	return block + 1 < journal->length ? block + 1 : journal->first;
}

/* Is the CRC of a block right, whose four bytes at `offset` hold it and count as zeros? */
static bool block_is_intact(const struct journal *journal, const u8 *block, u32 offset, u32 size,
			    u32 seed)
{
	static const u8 none[4];
	u32 crc;

	if (!has_checksums(journal))
		return true;
	crc = crc32c(seed, block, offset);
	crc = crc32c(crc, none, sizeof(none));
	crc = crc32c(crc, block + offset + 4, size - offset - 4);
	return crc == journal_get_u32(block + offset);
}

/* --- Tags --- */

struct tag {
	u64 block;
	u32 flags, checksum;
};

static struct tag read_tag(const struct journal *journal, const u8 *at)
{
	bool third = journal->features & JOURNAL_CHECKSUM_3;
	struct tag tag = {.block = journal_get_u32(at)};

	tag.flags = third ? journal_get_u32(at + 4) : journal_get_u16(at + 6);
	tag.checksum = third ? journal_get_u32(at + 12) : journal_get_u16(at + 4);
	if (journal->features & JOURNAL_WIDE)
		tag.block |= (u64)journal_get_u32(at + 8) << 32;
	return tag;
}

/* Is the copy that a tag names as it was written? */
static int check_copy(struct journal *journal, const struct tag *tag, u32 block, u32 sequence)
{
	u8 bytes[4] = {(u8)(sequence >> 24), (u8)(sequence >> 16), (u8)(sequence >> 8),
		       (u8)sequence};
	int error;
	u32 crc;

	if (!has_checksums(journal))
		return 0;
	error = read_block(journal, block, journal->copy);
	if (error)
		return error;
	crc = crc32c(journal->seed, bytes, sizeof(bytes));
	crc = crc32c(crc, journal->copy, journal->volume->block_size);
	if (!(journal->features & JOURNAL_CHECKSUM_3))
		crc = (u16)crc;
	return crc == tag->checksum ? 0 : -EBADMSG;
}

static int collect_copy(struct journal *journal, const struct tag *tag, u32 block, u32 sequence)
{
	int error = check_copy(journal, tag, block, sequence);
	u64 place;

	if (!error)
		error = place_of(journal, block, &place);
	if (error)
		return error;
	if (tag->block >= journal->volume->blocks || journal->copy_count >= journal->copy_room)
		return -EUCLEAN;
	journal->copies[journal->copy_count] =
		(struct ext4_overlay){tag->block, place, sequence, tag->flags & TAG_ESCAPED};
	return 0;
}

/* Goes through a descriptor's tags; *block is behind the copies then. */
static int walk_descriptor(struct journal *journal, u32 sequence, u32 *block)
{
	u32 size = journal->volume->block_size - (has_checksums(journal) ? 4 : 0);
	u32 each = journal_tag_size(journal->features);
	struct tag tag = {0};

	for (u32 at = HEADER_SIZE; at + each <= size && !(tag.flags & TAG_LAST); at += each) {
		tag = read_tag(journal, journal->buffer + at);
		if (journal->collecting) {
			int error = collect_copy(journal, &tag, *block, sequence);

			if (error)
				return error;
		}
		journal->copy_count++;
		*block = next_block(journal, *block);
		if (!(tag.flags & TAG_SAME_UUID))
			at += JOURNAL_UUID_SIZE;
	}
	return 0;
}

static int walk_revoke(struct journal *journal, u32 sequence)
{
	u32 used = journal_get_u32(journal->buffer + REVOKE_USED);
	u32 each = journal->features & JOURNAL_WIDE ? 8 : 4;

	if (used > journal->volume->block_size - (has_checksums(journal) ? 4 : 0))
		return -EUCLEAN;
	for (u32 at = REVOKE_FIRST; at + each <= used; at += each) {
		u64 block = journal_get_u32(journal->buffer + at);

		if (each == 8)
			block = block << 32 | journal_get_u32(journal->buffer + at + 4);
		if (journal->collecting && journal->revoked_count >= journal->revoked_room)
			return -EUCLEAN;
		if (journal->collecting)
			journal->revoked[journal->revoked_count] =
				(struct revoked){block, sequence};
		journal->revoked_count++;
	}
	return 0;
}

/* --- The log --- */

/* Is the block in the buffer a part of the transaction, and whole? */
static bool belongs(const struct journal *journal, u32 sequence, u32 *type)
{
	const u8 *block = journal->buffer;
	u32 size = journal->volume->block_size;

	*type = journal_get_u32(block + HEADER_TYPE);
	if (journal_get_u32(block) != JOURNAL_MAGIC ||
	    journal_get_u32(block + HEADER_SEQUENCE) != sequence)
		return false;
	if (*type == JOURNAL_COMMIT)
		return block_is_intact(journal, block, COMMIT_CHECKSUM, size, journal->seed);
	return (*type == JOURNAL_DESCRIPTOR || *type == JOURNAL_REVOKE) &&
	       block_is_intact(journal, block, size - 4, size, journal->seed);
}

/* Walks the log to its end, or to end_sequence. */
static int walk(struct journal *journal)
{
	u32 block = journal->start, sequence = journal->sequence, type;
	u64 looked = 0;

	journal->copy_count = journal->revoked_count = 0;
	/* No more blocks than there are, or it bites its tail. */
	while ((!journal->collecting || sequence != journal->end_sequence) &&
	       looked + journal->copy_count < journal->length) {
		int error = read_block(journal, block, journal->buffer);

		if (error)
			return error;
		if (!belongs(journal, sequence, &type))
			break;
		block = next_block(journal, block);
		looked++;
		if (type == JOURNAL_DESCRIPTOR)
			error = walk_descriptor(journal, sequence, &block);
		else if (type == JOURNAL_REVOKE)
			error = walk_revoke(journal, sequence);
		else
			sequence++;
		if (error)
			return error;
	}
	if (!journal->collecting)
		journal->end_sequence = sequence;
	return 0;
}

/* --- The table --- */

/* By block, the newest last; of one transaction the order does not matter: it has one copy. */
static int compare_copies(const void *left, const void *right, void *context __unused)
{
	const struct ext4_overlay *a = left, *b = right;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return a->sequence == b->sequence ? 0 : (s32)(a->sequence - b->sequence) < 0 ? -1 : 1;
}

static int compare_revoked(const void *left, const void *right, void *context __unused)
{
	const struct revoked *a = left, *b = right;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return a->sequence == b->sequence ? 0 : (s32)(a->sequence - b->sequence) < 0 ? -1 : 1;
}

/* Has the copy been revoked by its own transaction or a later one?  *at moves on with the blocks. */
static bool is_void(const struct journal *journal, const struct ext4_overlay *copy, u64 *at)
{
	const struct revoked *revoked = journal->revoked;

	while (*at < journal->revoked_count && revoked[*at].block < copy->block)
		++*at;
	for (u64 i = *at; i < journal->revoked_count && revoked[i].block == copy->block; i++)
		if ((s32)(revoked[i].sequence - copy->sequence) >= 0)
			return true;
	return false;
}

/* Leaves one copy of each block: the newest, if it is not void.  The older ones are void then too. */
static void settle(struct journal *journal)
{
	struct ext4_overlay *copies = journal->copies;
	u64 kept = 0, at = 0;

	sort(copies, journal->copy_count, sizeof(*copies), compare_copies, NULL);
	sort(journal->revoked, journal->revoked_count, sizeof(*journal->revoked), compare_revoked,
	     NULL);
	for (u64 i = 0; i < journal->copy_count; i++) {
		if (i + 1 < journal->copy_count && copies[i + 1].block == copies[i].block)
			continue;
		if (!is_void(journal, &copies[i], &at))
			copies[kept++] = copies[i];
	}
	journal->volume->overlay = copies;
	journal->volume->overlay_count = (u32)kept;
	journal->copies = NULL;
}

static int collect(struct journal *journal)
{
	const struct ext4_volume_ops *ops = journal->volume->ops;
	int error = walk(journal);

	if (error)
		return error;
	journal->copy_room = journal->copy_count;
	journal->revoked_room = journal->revoked_count;
	journal->copies = ops->allocate((journal->copy_room + 1) * sizeof(*journal->copies));
	journal->revoked = ops->allocate((journal->revoked_room + 1) * sizeof(*journal->revoked));
	if (!journal->copies || !journal->revoked)
		return -ENOMEM;
	journal->collecting = true;
	error = walk(journal);
	if (!error)
		settle(journal);
	return error;
}

/* --- The journal's super block --- */

static int take_super(struct journal *journal)
{
	const struct ext4_volume *volume = journal->volume;
	const u8 *super = journal->buffer;
	u32 type = journal_get_u32(super + HEADER_TYPE);

	if (journal_get_u32(super) != JOURNAL_MAGIC ||
	    (type != JOURNAL_SUPER_1 && type != JOURNAL_SUPER_2))
		return -EUCLEAN;
	journal->length = journal_get_u32(super + SUPER_LENGTH);
	journal->first = journal_get_u32(super + SUPER_FIRST);
	journal->sequence = journal_get_u32(super + SUPER_SEQUENCE);
	journal->start = journal_get_u32(super + SUPER_START);
	journal->features = type == JOURNAL_SUPER_2 ? journal_get_u32(super + SUPER_INCOMPAT) : 0;
	if (journal->features & ~JOURNAL_FEATURES_KNOWN) {
		volume->ops->complain(volume->context,
				      "features of the journal that are not understood",
				      journal->features & ~JOURNAL_FEATURES_KNOWN);
		return -EINVAL;
	}
	if (!block_is_intact(journal, super, SUPER_CHECKSUM, SUPER_SIZE, ~0u))
		return -EBADMSG;
	if (journal_get_u32(super + SUPER_BLOCK_SIZE) != volume->block_size ||
	    journal->first == 0 || journal->first >= journal->length ||
	    journal->start >= journal->length ||
	    journal->length > journal->node.size >> volume->block_shift)
		return -EUCLEAN;
	journal->seed = crc32c(~0u, super + SUPER_UUID, JOURNAL_UUID_SIZE);
	return 0;
}

static int read_log(struct journal *journal)
{
	struct ext4_volume *volume = journal->volume;
	int error = ext4_node_read(volume, volume->journal_ino, &journal->node);

	if (error)
		return error;
	if (!S_ISREG(journal->node.mode))
		return -EUCLEAN;
	error = read_block(journal, 0, journal->buffer);
	if (!error)
		error = take_super(journal);
	/* Start 0: it is empty. */
	if (!error && journal->start != 0)
		error = collect(journal);
	/* The numbers behind the last whole transaction may be those of one that was cut off. */
	if (!error)
		volume->journal_sequence =
			journal->start == 0 ? journal->sequence : journal->end_sequence + 1;
	return error;
}

int ext4_journal_read(struct ext4_volume *volume)
{
	const struct ext4_volume_ops *ops = volume->ops;
	struct journal *journal;
	int error = -ENOMEM;

	if (volume->journal_ino == 0) {
		ops->complain(volume->context, "the journal is on another device", 0);
		return -EINVAL;
	}
	journal = ops->allocate(sizeof(*journal));
	if (!journal)
		return -ENOMEM;
	memset(journal, 0, sizeof(*journal));
	journal->volume = volume;
	journal->buffer = ops->allocate(volume->block_size);
	journal->copy = ops->allocate(volume->block_size);
	if (journal->buffer && journal->copy)
		error = read_log(journal);
	if (error)
		ops->complain(volume->context, "the journal cannot be read: error", (u64)-error);
	ops->release(journal->buffer);
	ops->release(journal->copy);
	ops->release(journal->copies);
	ops->release(journal->revoked);
	ops->release(journal);
	return error;
}

const struct ext4_overlay *ext4_overlay_find(const struct ext4_volume *volume, u64 block)
{
	u32 low = 0, high = volume->overlay_count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (volume->overlay[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low < volume->overlay_count && volume->overlay[low].block == block
		       ? &volume->overlay[low]
		       : NULL;
}
