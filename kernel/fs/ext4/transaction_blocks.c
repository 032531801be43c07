/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metadata blocks in memory: a table by number, read when they are first asked for.
 *
 * A block stays while it is referenced, in a transaction, or waits to be written to its place.  The
 * others are kept as long as there are not too many, the last used ones.
 */
#include "fs/ext4/transaction_internal.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"

static struct list_head *bucket_of(struct ext4_journal *journal, u64 number)
{
	return &journal->hash[hash_u64(number) % JOURNAL_BUCKETS];
}

struct ext4_block *block_find_locked(struct ext4_journal *journal, u64 number)
{
	struct list_head *bucket = bucket_of(journal, number);
	struct ext4_block *block;

	list_for_each_entry (block, bucket, hash_link)
		if (block->number == number)
			return block;
	return NULL;
}

struct ext4_block *block_allocate(struct ext4_journal *journal, u64 number)
{
	struct ext4_block *block = journal_allocate(journal, sizeof(*block));

	if (!block)
		return NULL;
	memset(block, 0, sizeof(*block));
	block->data = journal_allocate(journal, journal->volume->block_size);
	if (!block->data) {
		journal_release(journal, block);
		return NULL;
	}
	block->number = number;
	block->journal = journal;
	mutex_init(&block->lock);
	list_init(&block->uses[0].link);
	list_init(&block->uses[1].link);
	list_init(&block->checkpoint_link);
	list_init(&block->hash_link);
	list_init(&block->lru_link);
	return block;
}

void block_free(struct ext4_block *block)
{
	struct ext4_journal *journal = block->journal;

	journal_release(journal, block->frozen);
	journal_release(journal, block->data);
	journal_release(journal, block);
}

void block_insert_locked(struct ext4_block *block)
{
	list_add(&block->hash_link, bucket_of(block->journal, block->number));
}

void block_remove_locked(struct ext4_block *block)
{
	list_remove(&block->hash_link);
	block->flags |= BLOCK_GONE;
	block_settle_locked(block);
}

/* Forgets the longest unused blocks until there are no more than `limit`.  How many. */
static u32 trim_locked(struct ext4_journal *journal, u32 limit)
{
	u32 gone = 0;

	for (; journal->lru_count > limit; gone++) {
		struct ext4_block *block =
			list_first_entry(&journal->lru, struct ext4_block, lru_link);

		list_remove(&block->lru_link);
		list_remove(&block->hash_link);
		journal->lru_count--;
		block_free(block);
	}
	return gone;
}

void block_settle_locked(struct ext4_block *block)
{
	struct ext4_journal *journal = block->journal;

	if (block->refs > 0 || block_is_used(block) || block->checkpoint ||
	    block->flags & BLOCK_WRITING || !list_empty(&block->lru_link))
		return;
	if (block->flags & BLOCK_GONE) {
		block_free(block);
		return;
	}
	list_add_tail(&block->lru_link, &journal->lru);
	journal->lru_count++;
	trim_locked(journal, journal->options.cache_blocks);
}

/* References a block that is in the table. */
static void take_locked(struct ext4_block *block)
{
	block->refs++;
	if (list_empty(&block->lru_link))
		return;
	list_remove(&block->lru_link);
	block->journal->lru_count--;
}

struct ext4_block *block_take(struct ext4_journal *journal, u64 number, struct ext4_block **fresh)
{
	struct ext4_block *block;

	spin_lock(&journal->lock);
	block = block_find_locked(journal, number);
	if (!block && *fresh) {
		block = *fresh;
		*fresh = NULL;
		block_insert_locked(block);
	}
	if (block)
		take_locked(block);
	spin_unlock(&journal->lock);
	return block;
}

/* Reads a block that others find already, and wait for. */
static int read_block(struct ext4_block *block)
{
	struct ext4_journal *journal = block->journal;
	struct ext4_transfer transfer = {block->number, block->data};
	int error = journal_transfer(journal, &transfer, 1, 0);

	spin_lock(&journal->lock);
	block->flags &= ~(u32)BLOCK_READING;
	if (error) {
		block->flags |= BLOCK_FAILED | BLOCK_GONE;
		list_remove(&block->hash_link);
	}
	spin_unlock(&journal->lock);
	wake_up_all(&journal->changed);
	return error;
}

int ext4_block_get(struct ext4_volume *volume, u64 number, struct ext4_block **result)
{
	struct ext4_journal *journal = volume->journal;
	struct ext4_block *fresh = NULL, *mine, *block;
	int error = 0;

	*result = NULL;
	if (number >= volume->blocks)
		return -EUCLEAN;
	block = block_take(journal, number, &fresh);
	if (!block) {
		mine = fresh = block_allocate(journal, number);
		if (!fresh)
			return -ENOMEM;
		fresh->flags = BLOCK_READING;
		block = block_take(journal, number, &fresh);
		if (fresh)
			block_free(fresh);
		else if (block == mine)
			error = read_block(block);
	}
	wait_event(&journal->changed, !(READ_ONCE(block->flags) & BLOCK_READING));
	if (!error && READ_ONCE(block->flags) & BLOCK_FAILED)
		error = -EIO;
	if (error) {
		ext4_block_put(block);
		return error;
	}
	*result = block;
	return 0;
}

void ext4_block_put(struct ext4_block *block)
{
	struct ext4_journal *journal;

	if (!block)
		return;
	journal = block->journal;
	spin_lock(&journal->lock);
	ASSERT(block->refs > 0);
	block->refs--;
	block_settle_locked(block);
	spin_unlock(&journal->lock);
}

u32 ext4_journal_shrink(struct ext4_volume *volume, u32 count)
{
	struct ext4_journal *journal = volume->journal;
	u32 gone;

	if (!journal)
		return 0;
	spin_lock(&journal->lock);
	gone = trim_locked(journal, journal->lru_count - MIN(journal->lru_count, count));
	spin_unlock(&journal->lock);
	return gone;
}

u32 ext4_journal_unused(const struct ext4_volume *volume)
{
	return volume->journal ? READ_ONCE(volume->journal->lru_count) : 0;
}

void blocks_destroy(struct ext4_journal *journal)
{
	struct ext4_block *block, *next;

	for (u32 i = 0; i < JOURNAL_BUCKETS; i++)
		list_for_each_entry_safe (block, next, &journal->hash[i], hash_link)
			block_free(block);
}
