/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the log has is written to its places, before the volume is changed.
 *
 * Which copies are the newest has been found out already, by journal.c, for whoever only reads.
 * The log itself stays as it is, so that after a power cut in the middle all of it can be done
 * again.
 */
#include "fs/ext4/transaction_internal.h"
#include "lib/errno.h"

enum { BATCH = 64 };

/* The copies as they were before they went to the log. */
static int read_copies(struct ext4_journal *journal, const struct ext4_overlay *overlay,
		       struct ext4_transfer *transfers, u32 count)
{
	int error;

	for (u32 i = 0; i < count; i++)
		transfers[i].block = overlay[i].copy;
	error = journal_transfer(journal, transfers, count, 0);
	for (u32 i = 0; i < count && !error; i++)
		if (overlay[i].escaped)
			journal_put_u32(transfers[i].data, JOURNAL_MAGIC);
	return error;
}

static int write_copies(struct ext4_journal *journal, struct ext4_transfer *transfers)
{
	const struct ext4_volume *volume = journal->volume;
	int error = 0;

	for (u32 done = 0, count; done < volume->overlay_count && !error; done += count) {
		count = MIN(volume->overlay_count - done, (u32)BATCH);
		error = read_copies(journal, volume->overlay + done, transfers, count);
		for (u32 i = 0; i < count; i++)
			transfers[i].block = volume->overlay[done + i].block;
		if (!error)
			error = journal_transfer(journal, transfers, count, EXT4_WRITE);
	}
	return error ? error : journal_flush(journal);
}

int journal_replay(struct ext4_journal *journal)
{
	struct ext4_transfer transfers[BATCH] = {0};
	u32 size = journal->volume->block_size;
	int error = 0;

	if (journal->volume->overlay_count == 0)
		return 0;
	for (u32 i = 0; i < BATCH && !error; i++) {
		transfers[i].data = journal_allocate(journal, size);
		if (!transfers[i].data)
			error = -ENOMEM;
	}
	if (!error)
		error = write_copies(journal, transfers);
	for (u32 i = 0; i < BATCH; i++)
		journal_release(journal, transfers[i].data);
	return error;
}
