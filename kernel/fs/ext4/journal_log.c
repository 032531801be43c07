/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal's file as a ring of blocks, and its super block.
 *
 * The file does not change while the volume is in use, so where its blocks are is found out once.
 * The super block says where the oldest transaction begins that may have to be replayed, or that
 * the log is empty.
 */
#include "fs/ext4/journal_format.h"
#include "fs/ext4/transaction_internal.h"
#include "lib/abi/stat.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { LENGTH_MIN = 1024, TRANSACTION_SHARE = 4, RUNS_STEP = 16, TRANSACTION_CACHES = 4 };

static int refuse(const struct ext4_journal *journal, const char *why, u64 number, int error)
{
	const struct ext4_volume *volume = journal->volume;

	volume->ops->complain(volume->context, why, number);
	return error;
}

/* --- Where blocks are --- */

u64 log_place(const struct ext4_journal *journal, u32 block)
{
	u32 low = 0, high = journal->run_count;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (journal->runs[middle].first <= block)
			low = middle;
		else
			high = middle;
	}
	return journal->runs[low].start + (block - journal->runs[low].first);
}

/* Room for one more run. */
static int grow_runs(struct ext4_journal *journal)
{
	u32 count = journal->run_count;
	struct journal_run *more;

	if (count % RUNS_STEP != 0)
		return 0;
	more = journal_allocate(journal, (count + RUNS_STEP) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (count > 0)
		memcpy(more, journal->runs, count * sizeof(*more));
	journal_release(journal, journal->runs);
	journal->runs = more;
	return 0;
}

static int find_runs(struct ext4_journal *journal, const struct ext4_node *node)
{
	const struct ext4_volume *volume = journal->volume;
	u64 length = node->size >> volume->block_shift;

	if (length > UINT32_MAX)
		return -EUCLEAN;
	for (u64 block = 0; block < length;) {
		struct ext4_run run;
		int error = ext4_map(volume, node, block, &run);

		if (!error && run.start == 0)
			error = -EUCLEAN;
		if (!error)
			error = grow_runs(journal);
		if (error)
			return error;
		run.length = MIN(run.length, length - block);
		journal->runs[journal->run_count++] =
			(struct journal_run){(u32)block, (u32)run.length, run.start};
		block += run.length;
	}
	journal->length = (u32)length;
	return 0;
}

/* --- The super block --- */

void log_seal(const struct ext4_journal *journal, u8 *block, u32 offset)
{
	if (!log_has_checksums(journal))
		return;
	memset(block + offset, 0, 4);
	journal_put_u32(block + offset, crc32c(journal->seed, block, journal->volume->block_size));
}

/* Writes the super block, after all that was written before. */
static int write_super(struct ext4_journal *journal, u32 start, u32 sequence)
{
	struct ext4_transfer transfer = {log_place(journal, 0), journal->super};
	u8 *super = journal->super;

	journal_put_u32(super + SUPER_START, start);
	journal_put_u32(super + SUPER_SEQUENCE, sequence);
	memset(super + SUPER_CHECKSUM, 0, 4);
	if (log_has_checksums(journal))
		journal_put_u32(super + SUPER_CHECKSUM, crc32c(~0u, super, SUPER_SIZE));
	journal->disk_start = start;
	return journal_transfer(journal, &transfer, 1, EXT4_WRITE | EXT4_PREFLUSH | EXT4_FUA);
}

static int check_super(struct ext4_journal *journal)
{
	const u8 *super = journal->super;
	u32 length = journal_get_u32(super + SUPER_LENGTH);
	u32 features = journal_get_u32(super + SUPER_INCOMPAT);

	if (journal_get_u32(super) != JOURNAL_MAGIC)
		return -EUCLEAN;
	if (journal_get_u32(super + HEADER_TYPE) != JOURNAL_SUPER_2)
		return refuse(journal, "the journal is of the first version", 0, -EINVAL);
	if (features & ~JOURNAL_FEATURES_KNOWN)
		return refuse(journal, "features of the journal that are not understood",
			      features & ~JOURNAL_FEATURES_KNOWN, -EINVAL);
	journal->first = journal_get_u32(super + SUPER_FIRST);
	if (journal_get_u32(super + SUPER_BLOCK_SIZE) != journal->volume->block_size ||
	    journal->first == 0 || length > journal->length || length < LENGTH_MIN ||
	    journal->first > length / 2)
		return refuse(journal, "broken journal: blocks", length, -EUCLEAN);
	journal->length = length;
	return 0;
}

/* What this code writes: checksums of the third version if the volume has any. */
static void set_features(struct ext4_journal *journal)
{
	u8 *super = journal->super;

	journal->features = JOURNAL_REVOKES;
	if (ext4_has_incompat(journal->volume, EXT4_INCOMPAT_64BIT))
		journal->features |= JOURNAL_WIDE;
	if (journal->volume->checksums)
		journal->features |= JOURNAL_CHECKSUM_3;
	journal->seed = crc32c(~0u, super + SUPER_UUID, JOURNAL_UUID_SIZE);
	journal_put_u32(super + SUPER_COMPAT, 0);
	journal_put_u32(super + SUPER_INCOMPAT, journal->features);
	super[SUPER_CHECKSUM_TYPE] = journal->volume->checksums ? JOURNAL_CRC32C : 0;
}

/* The number that the next transaction has on the disk: of none that may still be in the ring. */
static u32 next_sequence(const struct ext4_journal *journal)
{
	u32 sequence = journal_get_u32(journal->super + SUPER_SEQUENCE);

	if (journal->volume->journal_sequence != 0)
		return journal->volume->journal_sequence;
	return journal_get_u32(journal->super + SUPER_START) == 0 ? sequence
								  : sequence + journal->length;
}

int log_open(struct ext4_journal *journal)
{
	struct ext4_volume *volume = journal->volume;
	struct ext4_transfer transfer;
	struct ext4_node node;
	int error = ext4_node_read(volume, volume->journal_ino, &node);

	if (!error && !S_ISREG(node.mode))
		error = -EUCLEAN;
	if (!error)
		error = find_runs(journal, &node);
	if (error)
		return error;
	if (journal->length < LENGTH_MIN)
		return refuse(journal, "the journal is too small", journal->length, -EUCLEAN);
	transfer = (struct ext4_transfer){log_place(journal, 0), journal->super};
	error = journal_transfer(journal, &transfer, 1, 0);
	if (!error)
		error = check_super(journal);
	if (error)
		return error;
	set_features(journal);
	journal->had_error = journal_get_u32(journal->super + SUPER_ERROR) != 0;
	journal->sequence_base = next_sequence(journal) - journal->next_id;
	journal->max_transaction = MIN((journal->length - journal->first) / TRANSACTION_SHARE,
				       MAX(TRANSACTION_CACHES * journal->options.cache_blocks,
					   (u32)LENGTH_MIN / TRANSACTION_SHARE));
	journal->head = journal->tail = journal->first;
	journal->free = journal->length - journal->first - 1;
	return write_super(journal, 0, next_sequence(journal));
}

void log_write_error(struct ext4_journal *journal)
{
	u32 sequence;
	int error;

	mutex_lock(&journal->super_lock);
	sequence = journal_get_u32(journal->super + SUPER_SEQUENCE);
	journal_put_u32(journal->super + SUPER_ERROR, (u32)journal->error);
	error = write_super(journal, journal->disk_start, sequence);
	mutex_unlock(&journal->super_lock);
	if (error)
		(void)refuse(journal, "the journal cannot say that it was aborted: error",
			     (u64)-error, error);
}

void log_close(struct ext4_journal *journal)
{
	journal_release(journal, journal->runs);
}

/* --- The beginning of the log --- */

/* The oldest transaction that may have to be replayed; NULL: none. */
static const struct ext4_transaction *oldest_locked(const struct ext4_journal *journal)
{
	if (list_empty(&journal->checkpoints))
		return journal->committing;
	return list_first_entry(&journal->checkpoints, struct ext4_transaction, link);
}

int log_update(struct ext4_journal *journal)
{
	const struct ext4_transaction *oldest;
	u32 start, tail, id;
	int error = 0;

	if (!journal->has_log)
		return 0;
	mutex_lock(&journal->super_lock);
	spin_lock(&journal->lock);
	oldest = oldest_locked(journal);
	id = oldest ? oldest->id : journal->running ? journal->running->id : journal->next_id;
	tail = oldest ? oldest->log_start : journal->head;
	start = oldest ? tail : 0;
	spin_unlock(&journal->lock);
	if (start != journal->disk_start)
		error = write_super(journal, start, log_sequence(journal, id));
	if (!error) {
		u32 ring = journal->length - journal->first;

		spin_lock(&journal->lock);
		journal->free += (tail + ring - journal->tail) % ring;
		journal->tail = tail;
		spin_unlock(&journal->lock);
	}
	mutex_unlock(&journal->super_lock);
	return error;
}
