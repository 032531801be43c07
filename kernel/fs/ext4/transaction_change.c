/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks into the running transaction: to be changed, new, or forgotten.
 *
 * The rules are in transaction_internal.h.  Of a transaction with a log the numbers of forgotten
 * blocks are kept in a tree: they go to the log as revoked, unless the block becomes metadata once
 * more.
 */
#include "fs/ext4/transaction_internal.h"
#include "lib/errno.h"
#include "lib/string.h"

/* --- Revoked numbers --- */

static struct ext4_revoked *revoked_find(struct ext4_transaction *transaction, u64 number)
{
	struct rb_node *node = transaction->revoked.top;

	while (node) {
		struct ext4_revoked *revoked = rb_entry(node, struct ext4_revoked, node);

		if (revoked->block == number)
			return revoked;
		node = number < revoked->block ? node->left : node->right;
	}
	return NULL;
}

static void revoked_insert(struct ext4_transaction *transaction, struct ext4_revoked *revoked)
{
	struct rb_node **link = &transaction->revoked.top, *parent = NULL;

	while (*link) {
		parent = *link;
		link = revoked->block < rb_entry(parent, struct ext4_revoked, node)->block
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert(&transaction->revoked, &revoked->node, parent, link);
	transaction->revoked_count++;
}

static void revoked_erase(struct ext4_journal *journal, struct ext4_transaction *transaction,
			  struct ext4_revoked *revoked)
{
	rb_erase(&transaction->revoked, &revoked->node);
	transaction->revoked_count--;
	journal_release(journal, revoked);
}

void transaction_free(struct ext4_journal *journal, struct ext4_transaction *transaction)
{
	struct rb_node *node;

	while ((node = rb_first(&transaction->revoked)))
		revoked_erase(journal, transaction, rb_entry(node, struct ext4_revoked, node));
	journal_release(journal, transaction);
}

/* --- Entering --- */

/* Makes a block part of a transaction, which it is not.  Somebody has a reference on it, or it waits
 * to be written to its place: so it is not among the unused ones. */
static struct ext4_block_use *add_locked(struct ext4_transaction *transaction,
					 struct ext4_block *block)
{
	struct ext4_block_use *use = block_use(block, transaction);

	ASSERT(!use->transaction);
	use->transaction = transaction;
	list_add_tail(&use->link, &transaction->blocks);
	transaction->count++;
	return use;
}

static void join_locked(struct ext4_handle *handle, struct ext4_block *block)
{
	struct ext4_transaction *transaction = handle->transaction;

	add_locked(transaction, block);
	if (handle->credits > 0) {
		handle->credits--;
		transaction->reserved--;
	}
}

/* May the handle change one more block? */
static int check_credits_locked(const struct ext4_handle *handle)
{
	const struct ext4_journal *journal = handle->journal;
	const struct ext4_transaction *transaction = handle->transaction;
	u32 blocks = transaction->count + transaction->reserved + 1;

	if (handle->credits > 0)
		return 0;
	if (blocks > 2 * journal->max_transaction)
		return -ENOSPC;
	return !journal->has_log || commit_room(journal, blocks, transaction->revoked_count) <=
					    journal->free
		       ? 0
		       : -ENOSPC;
}

/* Has the committing transaction still to write the block as it is now? */
static bool wants_frozen(const struct ext4_journal *journal, struct ext4_block *block)
{
	return block_is_in(block, journal->committing) && !block->frozen &&
	       !(block->flags & BLOCK_LOGGED) && !block_use(block, journal->committing)->forgotten;
}

enum { DONE = 1, WAIT, COPY };

/* One try to enter the block: DONE, WAIT (it is being read or written), COPY (a copy is wanted and
 * *copy has none), or an error. */
static int try_change_locked(struct ext4_handle *handle, struct ext4_block *block, u8 **copy)
{
	struct ext4_journal *journal = handle->journal;
	int error;
	bool in;

	if (journal->error || !handle->transaction)
		return -EROFS;
	in = block_is_in(block, handle->transaction);
	if (in && !block_use(block, handle->transaction)->forgotten)
		return DONE;
	error = in ? 0 : check_credits_locked(handle);
	if (error)
		return error;
	if (block->flags & (BLOCK_READING | BLOCK_WRITING))
		return WAIT;
	if (wants_frozen(journal, block)) {
		if (!*copy)
			return COPY;
		memcpy(*copy, block->data, journal->volume->block_size);
		block->frozen = *copy;
		*copy = NULL;
	}
	if (in)
		block_use(block, handle->transaction)->forgotten = false;
	else
		join_locked(handle, block);
	return DONE;
}

static bool is_idle(const struct ext4_block *block)
{
	return !(READ_ONCE(block->flags) & (BLOCK_READING | BLOCK_WRITING));
}

int ext4_handle_change(struct ext4_handle *handle, struct ext4_block *block)
{
	struct ext4_journal *journal = handle->journal;
	u8 *copy = NULL;
	int result;

	do {
		spin_lock(&journal->lock);
		result = try_change_locked(handle, block, &copy);
		spin_unlock(&journal->lock);
		if (result == WAIT)
			wait_event(&journal->changed, is_idle(block));
		if (result == COPY) {
			copy = journal_allocate(journal, journal->volume->block_size);
			if (!copy)
				result = -ENOMEM;
		}
	} while (result == WAIT || result == COPY);
	journal_release(journal, copy);
	return result == DONE ? 0 : result;
}

/* --- New blocks --- */

int ext4_handle_new(struct ext4_handle *handle, u64 number, struct ext4_block **result)
{
	struct ext4_journal *journal = handle->journal;
	struct ext4_block *fresh, *mine, *block;
	struct ext4_revoked *revoked;
	int error;

	*result = NULL;
	if (number >= journal->volume->blocks)
		return -EUCLEAN;
	mine = fresh = block_allocate(journal, number);
	if (!fresh)
		return -ENOMEM;
	block = block_take(journal, number, &fresh);
	if (fresh)
		block_free(fresh);
	error = ext4_handle_change(handle, block);
	if (error) {
		/* One that was made just now has no content, and nobody may find it. */
		spin_lock(&journal->lock);
		if (block == mine && !fresh)
			block_remove_locked(block);
		spin_unlock(&journal->lock);
		ext4_block_put(block);
		return error;
	}
	spin_lock(&journal->lock);
	revoked = revoked_find(handle->transaction, number);
	if (revoked)
		revoked_erase(journal, handle->transaction, revoked);
	spin_unlock(&journal->lock);
	memset(block->data, 0, journal->volume->block_size);
	WRITE_ONCE(block->checked, 0);
	*result = block;
	return 0;
}

/* --- Forgotten ones --- */

/* Lets go of a block that has been freed, as far as that is possible before the commit. */
static void forget_block_locked(struct ext4_handle *handle, struct ext4_block *block)
{
	struct ext4_transaction *transaction = handle->transaction;
	struct ext4_journal *journal = handle->journal;

	if (block_is_in(block, transaction)) {
		block_use(block, transaction)->forgotten = true;
	} else if (block_is_used(block) || block->checkpoint || !is_idle(block)) {
		add_locked(transaction, block)->forgotten = true;
	} else {
		if (!list_empty(&block->lru_link)) {
			list_remove(&block->lru_link);
			journal->lru_count--;
		}
		block_remove_locked(block);
	}
}

void ext4_handle_forget(struct ext4_handle *handle, u64 number)
{
	struct ext4_journal *journal = handle->journal;
	struct ext4_revoked *revoked = NULL;
	struct ext4_block *block;

	if (!handle->transaction)
		return;
	if (journal->has_log) {
		revoked = journal_allocate(journal, sizeof(*revoked));
		if (!revoked) {
			ext4_transaction_abort(journal->volume, -ENOMEM,
					       "no memory to revoke a block");
			return;
		}
		revoked->block = number;
	}
	spin_lock(&journal->lock);
	if (revoked && !revoked_find(handle->transaction, number)) {
		revoked_insert(handle->transaction, revoked);
		revoked = NULL;
	}
	block = block_find_locked(journal, number);
	if (block)
		forget_block_locked(handle, block);
	spin_unlock(&journal->lock);
	journal_release(journal, revoked);
}
