/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A volume's life as one that is changed: from the replay of its journal to the mark that it is
 * clean.
 *
 * While it is in use its super block says so: that it has to be replayed (with a journal), or that
 * it is not in order (without).  These words are written past the transactions, when nothing runs.
 */
#include "fs/ext4/transaction_internal.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { STATE_VALID = 1, STATE_ERROR = 2, CACHE_DEFAULT = 4096, TRANSACTION_MAX = 4096 };

/* --- The mark --- */

static void change_super(const struct ext4_journal *journal, struct ext4_disk_super *super,
			 bool in_use)
{
	u32 mark = EXT4_INCOMPAT_RECOVER;

	if (journal->has_log && in_use)
		super->incompat |= mark;
	else if (journal->has_log)
		super->incompat &= ~mark;
	else if (in_use)
		super->state &= (u16)~STATE_VALID;
	else if (journal->was_valid)
		super->state |= STATE_VALID;
	if (journal->had_error)
		super->state |= STATE_ERROR;
	if (journal->volume->checksums)
		super->checksum = crc32c(~0u, super, offsetof(struct ext4_disk_super, checksum));
}

static int mark_volume(struct ext4_journal *journal, bool in_use)
{
	struct ext4_volume *volume = journal->volume;
	struct ext4_disk_super *super;
	struct ext4_transfer transfer;
	struct ext4_block *block;
	int error = ext4_block_get(volume, EXT4_SUPER_OFFSET >> volume->block_shift, &block);

	if (error)
		return error;
	mutex_lock(&block->lock);
	super = (void *)(block->data + (EXT4_SUPER_OFFSET & (volume->block_size - 1)));
	if (in_use)
		journal->was_valid = super->state & STATE_VALID;
	change_super(journal, super, in_use);
	transfer = (struct ext4_transfer){block->number, block->data};
	error = journal_transfer(journal, &transfer, 1, EXT4_WRITE | EXT4_PREFLUSH | EXT4_FUA);
	mutex_unlock(&block->lock);
	ext4_block_put(block);
	return error;
}

/* --- Opening --- */

static void journal_free(struct ext4_journal *journal)
{
	log_close(journal);
	blocks_destroy(journal);
	journal_release(journal, journal->super);
	journal_release(journal, journal->descriptor);
	journal_release(journal, journal->escape);
	journal_release(journal, journal);
}

static struct ext4_journal *journal_make(struct ext4_volume *volume,
					 const struct ext4_journal_ops *ops,
					 const struct ext4_journal_options *options)
{
	struct ext4_journal *journal = volume->ops->allocate(sizeof(*journal));

	if (!journal)
		return NULL;
	memset(journal, 0, sizeof(*journal));
	journal->volume = volume;
	journal->ops = ops;
	journal->options = *options;
	if (journal->options.cache_blocks == 0)
		journal->options.cache_blocks = CACHE_DEFAULT;
	journal->max_transaction = TRANSACTION_MAX;
	journal->next_id = 1;
	mutex_init(&journal->commit_lock);
	mutex_init(&journal->checkpoint_lock);
	mutex_init(&journal->super_lock);
	spin_lock_init(&journal->lock);
	wait_queue_init(&journal->changed);
	wait_queue_init(&journal->work);
	for (u32 i = 0; i < JOURNAL_BUCKETS; i++)
		list_init(&journal->hash[i]);
	list_init(&journal->lru);
	list_init(&journal->checkpoints);
	journal->super = journal_allocate(journal, volume->block_size);
	journal->descriptor = journal_allocate(journal, volume->block_size);
	journal->escape = journal_allocate(journal, volume->block_size);
	if (journal->super && journal->descriptor && journal->escape)
		return journal;
	journal_free(journal);
	return NULL;
}

int ext4_journal_open(struct ext4_volume *volume, const struct ext4_journal_ops *ops,
		      const struct ext4_journal_options *options)
{
	bool has_journal = volume->compat & EXT4_COMPAT_JOURNAL;
	struct ext4_journal *journal;
	int error;

	if (has_journal && volume->journal_ino == 0) {
		volume->ops->complain(volume->context, "the journal is on another device", 0);
		return -EINVAL;
	}
	journal = journal_make(volume, ops, options);
	if (!journal)
		return -ENOMEM;
	journal->has_log = has_journal;
	error = journal_replay(journal);
	if (error) {
		journal_free(journal);
		return error;
	}
	/* From here on the volume is read through the blocks in memory, and as it is on the disk. */
	__atomic_store_n(&volume->journal, journal, __ATOMIC_RELEASE);
	if (has_journal)
		error = log_open(journal);
	if (!error)
		error = mark_volume(journal, true);
	/* The volume has that mark now, and the journal loses it with the next transaction. */
	journal_put_u32(journal->super + SUPER_ERROR, 0);
	if (!error)
		return 0;
	volume->journal = NULL;
	journal_free(journal);
	return error;
}

/* --- Closing --- */

int ext4_journal_suspend(struct ext4_volume *volume)
{
	struct ext4_journal *journal = volume->journal;
	bool was;
	int error;

	spin_lock(&journal->lock);
	was = journal->suspended;
	journal->suspended = true;
	spin_unlock(&journal->lock);
	if (was)
		return READ_ONCE(journal->error) ? -EIO : 0;
	wake_up_all(&journal->changed);
	mutex_lock(&journal->commit_lock);
	error = commit_running(journal);
	mutex_unlock(&journal->commit_lock);
	if (!error && journal->has_log)
		error = checkpoint_all(journal);
	if (!error)
		error = mark_volume(journal, false);
	else if (journal->has_log)
		log_write_error(journal);
	return error;
}

int ext4_journal_resume(struct ext4_volume *volume)
{
	struct ext4_journal *journal = volume->journal;
	int error;

	if (READ_ONCE(journal->error))
		return -EROFS;
	error = mark_volume(journal, true);
	if (error)
		return error;
	spin_lock(&journal->lock);
	journal->suspended = false;
	spin_unlock(&journal->lock);
	return 0;
}

static void free_transactions(struct ext4_journal *journal)
{
	struct ext4_transaction *transaction, *next;

	list_for_each_entry_safe (transaction, next, &journal->checkpoints, link)
		transaction_free(journal, transaction);
	if (journal->running)
		transaction_free(journal, journal->running);
}

void ext4_journal_close(struct ext4_volume *volume)
{
	struct ext4_journal *journal = volume->journal;

	if (!journal)
		return;
	if (ext4_journal_suspend(volume))
		volume->ops->complain(volume->context,
				      "not everything was written before the end: error",
				      (u64)-READ_ONCE(journal->error));
	volume->journal = NULL;
	free_transactions(journal);
	journal_free(journal);
}

/* --- The thread's work --- */

static bool log_is_filling(struct ext4_journal *journal)
{
	bool is;

	spin_lock(&journal->lock);
	is = journal->has_log && (journal->free < (journal->length - journal->first) / 2 ||
				  journal->pinned > journal->options.cache_blocks);
	spin_unlock(&journal->lock);
	return is;
}

void ext4_journal_work(struct ext4_volume *volume)
{
	struct ext4_journal *journal = volume->journal;
	int error;

	mutex_lock(&journal->commit_lock);
	error = commit_running(journal);
	mutex_unlock(&journal->commit_lock);
	while (!error && log_is_filling(journal))
		error = checkpoint_some(journal);
}
