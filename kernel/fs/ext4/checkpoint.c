/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checkpoints: committed blocks to their places, so that the log has room again.
 *
 * The oldest transaction goes first, as the log can only be used again from its beginning.  A block
 * that is in a newer transaction cannot be written now; once that is committed the block is on its
 * list instead.  So who finds nothing but such blocks commits, and tries again.
 */
#include "fs/ext4/transaction_internal.h"
#include "lib/errno.h"

/* Blocks of the transaction that can be written just now: how many. */
static u32 collect_locked(struct ext4_journal *journal, struct ext4_transaction *transaction)
{
	struct ext4_block *block;
	u32 count = 0;

	list_for_each_entry (block, &transaction->checkpoint, checkpoint_link) {
		if (count == COMMIT_BATCH)
			break;
		if (block_is_used(block))
			continue;
		block->flags |= BLOCK_WRITING;
		journal->checkpoint_blocks[count] = block;
		journal->checkpoint_batch[count++] =
			(struct ext4_transfer){block->number, block->data};
	}
	return count;
}

/* They have been written, or not. */
static void release_collected(struct ext4_journal *journal, u32 count, bool written)
{
	spin_lock(&journal->lock);
	for (u32 i = 0; i < count; i++) {
		struct ext4_block *block = journal->checkpoint_blocks[i];

		block->flags &= ~(u32)BLOCK_WRITING;
		if (written) {
			journal->pinned--;
			list_remove(&block->checkpoint_link);
			block->checkpoint = NULL;
		}
		block_settle_locked(block);
	}
	spin_unlock(&journal->lock);
	wake_up_all(&journal->changed);
}

/* Takes transactions without blocks off the list; they are gone from memory then, and from the log
 * with the next log_update. */
static void drop_empty(struct ext4_journal *journal)
{
	struct ext4_transaction *transaction = NULL;

	do {
		spin_lock(&journal->lock);
		transaction = list_first_entry_or_null(&journal->checkpoints,
						       struct ext4_transaction, link);
		if (transaction && !list_empty(&transaction->checkpoint))
			transaction = NULL;
		if (transaction)
			list_remove(&transaction->link);
		spin_unlock(&journal->lock);
		if (transaction)
			transaction_free(journal, transaction);
	} while (transaction);
}

/* Writes what can be written of the oldest transaction.  0: it is done; -ENOENT: there is none;
 * -EAGAIN: the rest is in newer ones; or an error. */
static int write_oldest(struct ext4_journal *journal)
{
	struct ext4_transaction *oldest;
	bool blocked;
	u32 count;
	int error;

	for (;;) {
		spin_lock(&journal->lock);
		oldest = list_first_entry_or_null(&journal->checkpoints, struct ext4_transaction,
						  link);
		count = oldest ? collect_locked(journal, oldest) : 0;
		blocked = oldest && !list_empty(&oldest->checkpoint);
		spin_unlock(&journal->lock);
		if (!oldest)
			return -ENOENT;
		if (count == 0)
			return blocked ? -EAGAIN : 0;
		error = journal_transfer(journal, journal->checkpoint_batch, count, EXT4_WRITE);
		release_collected(journal, count, error == 0);
		if (error)
			return error;
	}
}

static int checkpoint_once(struct ext4_journal *journal)
{
	int error, updated;

	mutex_lock(&journal->checkpoint_lock);
	error = READ_ONCE(journal->error) ? -EIO : write_oldest(journal);
	if (!error || error == -ENOENT) {
		drop_empty(journal);
		updated = log_update(journal);
		error = updated ? updated : error;
	}
	mutex_unlock(&journal->checkpoint_lock);
	if (error && error != -ENOENT && error != -EAGAIN)
		ext4_transaction_abort(journal->volume, error,
				       "blocks cannot be written to their places: error");
	return error;
}

/* The newest transaction of all. */
static u32 newest(struct ext4_journal *journal)
{
	u32 id;

	spin_lock(&journal->lock);
	id = journal->next_id - 1;
	spin_unlock(&journal->lock);
	return id;
}

int checkpoint_some(struct ext4_journal *journal)
{
	int error;

	for (;;) {
		error = checkpoint_once(journal);
		if (error != -EAGAIN && error != -ENOENT)
			return error ? -EIO : 0;
		if (ext4_transaction_commit(journal->volume, newest(journal)))
			return -EIO;
		if (error == -ENOENT)
			return 0;
	}
}

int checkpoint_all(struct ext4_journal *journal)
{
	int error;

	do
		error = checkpoint_once(journal);
	while (error == 0);
	return error == -ENOENT ? 0 : -EIO;
}
