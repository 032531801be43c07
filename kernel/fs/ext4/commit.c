/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commits.
 *
 * One at a time, by whoever holds journal->commit_lock: a task that wants to know its changes on
 * the disk, or needs room, or the journal's thread.  Tasks that come meanwhile find their own
 * changes in the next transaction, which the first of them commits for all.
 *
 * The running transaction takes no handles any more and waits for its open ones to be closed; then
 * it becomes the committing one, and new handles open in the next.  Revoked numbers, descriptors and
 * copies go to the log in any order; the commit block follows with a flush before it, and is stable
 * when it ends (FUA).  That flush makes stable also the data that was written before the
 * transaction made it part of a file.
 *
 * Without a log the blocks go to their places, and a flush follows.
 */
#include "fs/ext4/journal_format.h"
#include "fs/ext4/transaction_internal.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { REVOKE_SIZE_WIDE = 8, REVOKE_SIZE = 4 };

static u32 tail_size(const struct ext4_journal *journal)
{
	return log_has_checksums(journal) ? JOURNAL_TAIL_SIZE : 0;
}

static u32 tags_in_block(const struct ext4_journal *journal)
{
	u32 room =
		journal->volume->block_size - HEADER_SIZE - JOURNAL_UUID_SIZE - tail_size(journal);

	return MIN(room / journal_tag_size(journal->features), (u32)COMMIT_BATCH);
}

static u32 revoke_size(const struct ext4_journal *journal)
{
	return journal->features & JOURNAL_WIDE ? REVOKE_SIZE_WIDE : REVOKE_SIZE;
}

static u32 revokes_in_block(const struct ext4_journal *journal)
{
	return (journal->volume->block_size - REVOKE_FIRST - tail_size(journal)) /
	       revoke_size(journal);
}

u32 commit_room(const struct ext4_journal *journal, u32 blocks, u32 revoked)
{
	return blocks + DIV_ROUND_UP(blocks, tags_in_block(journal)) +
	       DIV_ROUND_UP(revoked, revokes_in_block(journal)) + 1;
}

/* --- Blocks for the log --- */

/* What a commit writes to. */
struct log_writer {
	struct ext4_journal *journal;
	struct ext4_transaction *transaction;
	u32 position;    /* block of the journal that comes next */
	u32 used;        /* blocks so far */
	u32 count;       /* of journal->batch */
	u32 block_count; /* of journal->batch_blocks */
};

/* The next block of the log. */
static u64 take_place(struct log_writer *writer)
{
	u64 place = log_place(writer->journal, writer->position);

	writer->position = log_next(writer->journal, writer->position);
	writer->used++;
	return place;
}

/* Begins a block of the journal's own, in journal->descriptor. */
static u8 *begin_block(const struct log_writer *writer, u32 type)
{
	struct ext4_journal *journal = writer->journal;
	u8 *block = journal->descriptor;

	memset(block, 0, journal->volume->block_size);
	journal_put_u32(block, JOURNAL_MAGIC);
	journal_put_u32(block + HEADER_TYPE, type);
	journal_put_u32(block + HEADER_SEQUENCE, log_sequence(journal, writer->transaction->id));
	return block;
}

static int write_block(struct log_writer *writer, const void *block, u32 flags)
{
	struct ext4_transfer transfer = {take_place(writer), (void *)block};

	return journal_transfer(writer->journal, &transfer, 1, EXT4_WRITE | flags);
}

static int write_revoked(struct log_writer *writer)
{
	struct ext4_journal *journal = writer->journal;
	u32 each = revoke_size(journal), most = revokes_in_block(journal);
	struct rb_node *node = rb_first(&writer->transaction->revoked);
	int error = 0;

	while (node && !error) {
		u8 *block = begin_block(writer, JOURNAL_REVOKE);
		u32 at = REVOKE_FIRST;

		for (u32 i = 0; node && i < most; i++, node = rb_next(node), at += each) {
			u64 number = rb_entry(node, struct ext4_revoked, node)->block;

			if (each == REVOKE_SIZE_WIDE)
				journal_put_u32(block + at, (u32)(number >> 32));
			journal_put_u32(block + at + each - 4, (u32)number);
		}
		journal_put_u32(block + REVOKE_USED, at);
		log_seal(journal, block, journal->volume->block_size - JOURNAL_TAIL_SIZE);
		error = write_block(writer, block, 0);
	}
	return error;
}

/* --- Copies --- */

/* The content of a block as the transaction has it; it stays so until unpick. */
static u8 *pick(struct log_writer *writer, struct ext4_block *block)
{
	struct ext4_journal *journal = writer->journal;
	u8 *content;

	spin_lock(&journal->lock);
	content = block->frozen;
	if (!content) {
		ASSERT(!(block->flags & BLOCK_WRITING));
		block->flags |= BLOCK_WRITING;
		content = block->data;
	}
	spin_unlock(&journal->lock);
	journal->batch_blocks[writer->block_count++] = block;
	return content;
}

/* Those that were picked have been written. */
static void unpick(struct log_writer *writer)
{
	struct ext4_journal *journal = writer->journal;

	spin_lock(&journal->lock);
	for (u32 i = 0; i < writer->block_count; i++) {
		struct ext4_block *block = journal->batch_blocks[i];

		if (block->frozen)
			journal_release(journal, block->frozen);
		else
			block->flags &= ~(u32)BLOCK_WRITING;
		block->frozen = NULL;
		block->flags |= BLOCK_LOGGED;
	}
	spin_unlock(&journal->lock);
	wake_up_all(&journal->changed);
	writer->block_count = writer->count = 0;
}

/* Writes the batch. */
static int flush_batch(struct log_writer *writer)
{
	struct ext4_journal *journal = writer->journal;
	int error = journal_transfer(journal, journal->batch, writer->count, EXT4_WRITE);

	unpick(writer);
	return error;
}

/* The next block of the transaction that has to be written, from `link` on. */
static struct ext4_block *next_block(const struct ext4_transaction *transaction,
				     const struct list_head **link)
{
	for (; *link != &transaction->blocks; *link = (*link)->next) {
		struct ext4_block_use *use = list_entry(*link, struct ext4_block_use, link);

		if (!use->forgotten) {
			*link = (*link)->next;
			return container_of(use - (transaction->id & 1), struct ext4_block,
					    uses[0]);
		}
	}
	return NULL;
}

static void put_tag(const struct log_writer *writer, u8 *tag, const struct ext4_block *block,
		    const u8 *copy, u32 flags)
{
	const struct ext4_journal *journal = writer->journal;
	u8 sequence[4];
	u32 crc;

	journal_put_u32(tag, (u32)block->number);
	if (!(journal->features & JOURNAL_CHECKSUM_3)) {
		tag[6] = (u8)(flags >> 8);
		tag[7] = (u8)flags;
	} else {
		journal_put_u32(sequence, log_sequence(journal, writer->transaction->id));
		crc = crc32c(journal->seed, sequence, sizeof(sequence));
		crc = crc32c(crc, copy, journal->volume->block_size);
		journal_put_u32(tag + 4, flags);
		journal_put_u32(tag + 12, crc);
	}
	if (journal->features & JOURNAL_WIDE)
		journal_put_u32(tag + 8, (u32)(block->number >> 32));
}

/* Adds a block to the batch; one that looks like the journal's own is changed, and written at once.
 * *flags gets TAG_ESCAPED then. */
static int add_copy(struct log_writer *writer, struct ext4_block *block, const u8 **copy,
		    u32 *flags)
{
	struct ext4_journal *journal = writer->journal;
	u8 *content = pick(writer, block);

	*copy = content;
	if (journal_get_u32(content) == JOURNAL_MAGIC) {
		memcpy(journal->escape, content, journal->volume->block_size);
		memset(journal->escape, 0, 4);
		*copy = journal->escape;
		*flags |= TAG_ESCAPED;
		return write_block(writer, journal->escape, 0);
	}
	journal->batch[writer->count++] = (struct ext4_transfer){take_place(writer), content};
	return 0;
}

/* A descriptor and what it describes, from `block` on. */
static int write_descriptor(struct log_writer *writer, struct ext4_block *block,
			    const struct list_head **link)
{
	struct ext4_journal *journal = writer->journal;
	u8 *descriptor = begin_block(writer, JOURNAL_DESCRIPTOR), *tag = descriptor + HEADER_SIZE;
	u32 most = tags_in_block(journal), size = journal_tag_size(journal->features);

	journal->batch[writer->count++] = (struct ext4_transfer){take_place(writer), descriptor};
	for (u32 i = 0; block; i++) {
		struct ext4_block *next =
			i + 1 < most ? next_block(writer->transaction, link) : NULL;
		u32 flags = (i > 0 ? TAG_SAME_UUID : 0) | (next ? 0 : TAG_LAST);
		const u8 *copy;
		int error = add_copy(writer, block, &copy, &flags);

		if (error) {
			unpick(writer);
			return error;
		}
		put_tag(writer, tag, block, copy, flags);
		tag += size;
		if (i == 0) {
			memcpy(tag, journal->super + SUPER_UUID, JOURNAL_UUID_SIZE);
			tag += JOURNAL_UUID_SIZE;
		}
		block = next;
	}
	log_seal(journal, descriptor, journal->volume->block_size - JOURNAL_TAIL_SIZE);
	return flush_batch(writer);
}

static int write_copies(struct log_writer *writer)
{
	const struct list_head *link = writer->transaction->blocks.next;
	struct ext4_block *block;
	int error = 0;

	while (!error && (block = next_block(writer->transaction, &link)))
		error = write_descriptor(writer, block, &link);
	return error;
}

static int write_commit(struct log_writer *writer)
{
	struct ext4_journal *journal = writer->journal;
	u8 *block = begin_block(writer, JOURNAL_COMMIT);
	u32 nanoseconds = 0;
	u64 seconds = journal->ops->now(&nanoseconds);

	journal_put_u32(block + COMMIT_SECONDS, (u32)(seconds >> 32));
	journal_put_u32(block + COMMIT_SECONDS + 4, (u32)seconds);
	journal_put_u32(block + COMMIT_NANOSECONDS, nanoseconds);
	log_seal(journal, block, COMMIT_CHECKSUM);
	return write_block(writer, block, EXT4_PREFLUSH | EXT4_FUA);
}

/* Blocks that the transaction frees may belong to others once it is committed: nobody may still be
 * writing old content there. */
static void wait_for_forgotten(struct ext4_journal *journal,
			       const struct ext4_transaction *transaction)
{
	const struct list_head *link;

	list_for_each (link, &transaction->blocks) {
		struct ext4_block_use *use = list_entry(link, struct ext4_block_use, link);
		const struct ext4_block *block =
			container_of(use - (transaction->id & 1), struct ext4_block, uses[0]);

		if (use->forgotten)
			wait_event(&journal->changed, !(READ_ONCE(block->flags) & BLOCK_WRITING));
	}
}

static int write_to_log(struct log_writer *writer, u32 room)
{
	int error = room > 0 ? log_update(writer->journal) : -ENOSPC;

	if (!error)
		error = write_revoked(writer);
	if (!error)
		error = write_copies(writer);
	if (error)
		return error;
	wait_for_forgotten(writer->journal, writer->transaction);
	/* Even if there is nothing else: the log ends where a number is missing. */
	return write_commit(writer);
}

/* Without a log. */
static int write_to_places(struct log_writer *writer)
{
	const struct list_head *link = writer->transaction->blocks.next;
	struct ext4_journal *journal = writer->journal;
	struct ext4_block *block;
	int error = 0;

	while (!error && (block = next_block(writer->transaction, &link))) {
		u8 *content = pick(writer, block);

		journal->batch[writer->count++] = (struct ext4_transfer){block->number, content};
		if (writer->count == COMMIT_BATCH)
			error = flush_batch(writer);
	}
	if (writer->count > 0 && !error)
		error = flush_batch(writer);
	return error ? error : journal_flush(journal);
}

/* --- The transaction's way --- */

/* Waits for the handles of the running transaction, and makes it the committing one, with so much
 * room in the log set aside (0: there is not enough); NULL: nothing runs. */
static struct ext4_transaction *begin(struct ext4_journal *journal, u32 *room)
{
	struct ext4_transaction *transaction;

	spin_lock(&journal->lock);
	transaction = journal->running;
	if (transaction)
		transaction->locked = true;
	spin_unlock(&journal->lock);
	if (!transaction)
		return NULL;
	wait_event(&journal->changed, READ_ONCE(transaction->handles) == 0);
	spin_lock(&journal->lock);
	*room = commit_room(journal, transaction->count, transaction->revoked_count);
	if (!journal->has_log || *room > journal->free)
		*room = 0;
	transaction->log_start = journal->head;
	journal->free -= *room;
	journal->committing = transaction;
	journal->running = NULL;
	spin_unlock(&journal->lock);
	wake_up_all(&journal->changed);
	return transaction;
}

/* What becomes of a block of a transaction that has ended. */
static void end_block_locked(struct ext4_journal *journal, struct ext4_transaction *transaction,
			     struct ext4_block *block, bool failed)
{
	struct ext4_block_use *use = block_use(block, transaction);
	bool forgotten = use->forgotten && !failed;

	list_remove(&use->link);
	*use = (struct ext4_block_use){.link = LIST_INIT(use->link)};
	journal_release(journal, block->frozen);
	block->frozen = NULL;
	block->flags &= ~(u32)BLOCK_LOGGED;
	if (forgotten) {
		journal->pinned -= block->checkpoint != NULL;
		list_remove(&block->checkpoint_link);
		block->checkpoint = NULL;
		if (!block_is_used(block)) {
			block_remove_locked(block);
			return;
		}
	} else if (journal->has_log || failed) {
		journal->pinned += block->checkpoint == NULL;
		list_move_tail(&block->checkpoint_link, &transaction->checkpoint);
		block->checkpoint = transaction;
	}
	block_settle_locked(block);
}

/* The committing transaction has ended.  One that failed keeps its blocks in memory: nobody may read
 * older ones. */
static void end(const struct log_writer *writer, u32 room, bool failed)
{
	struct ext4_transaction *transaction = writer->transaction;
	struct ext4_journal *journal = writer->journal;
	bool stays = journal->has_log || failed;

	spin_lock(&journal->lock);
	while (!list_empty(&transaction->blocks)) {
		struct ext4_block_use *use =
			list_first_entry(&transaction->blocks, struct ext4_block_use, link);
		struct ext4_block *block =
			container_of(use - (transaction->id & 1), struct ext4_block, uses[0]);

		end_block_locked(journal, transaction, block, failed);
	}
	if (stays)
		list_add_tail(&transaction->link, &journal->checkpoints);
	if (!failed)
		journal->committed_id = transaction->id;
	journal->head = writer->position;
	journal->free += room - MIN(room, writer->used);
	journal->committing = NULL;
	spin_unlock(&journal->lock);
	wake_up_all(&journal->changed);
	if (!stays)
		transaction_free(journal, transaction);
}

int commit_running(struct ext4_journal *journal)
{
	struct log_writer writer = {.journal = journal, .position = journal->head};
	int error = READ_ONCE(journal->error);
	u32 room = 0;

	if (error)
		return -EIO;
	writer.transaction = begin(journal, &room);
	if (!writer.transaction)
		return 0;
	error = READ_ONCE(journal->error);
	if (!error)
		error = journal->has_log ? write_to_log(&writer, room) : write_to_places(&writer);
	if (error)
		ext4_transaction_abort(journal->volume, error, "a commit failed: error");
	end(&writer, room, error != 0);
	return error ? -EIO : 0;
}

/* --- Calls --- */

u32 ext4_transaction_running(const struct ext4_volume *volume)
{
	struct ext4_journal *journal = volume->journal;
	u32 id;

	spin_lock(&journal->lock);
	id = journal->running ? journal->running->id : journal->next_id;
	spin_unlock(&journal->lock);
	return id;
}

bool ext4_transaction_is_committed(const struct ext4_volume *volume, u32 sequence)
{
	struct ext4_journal *journal = volume->journal;
	bool is;

	spin_lock(&journal->lock);
	is = sequence - journal->committed_id - 1 >= journal->next_id - journal->committed_id - 1;
	spin_unlock(&journal->lock);
	return is;
}

int ext4_transaction_commit(struct ext4_volume *volume, u32 sequence)
{
	struct ext4_journal *journal = volume->journal;
	int error = 0;

	if (ext4_transaction_is_committed(volume, sequence))
		return 0;
	mutex_lock(&journal->commit_lock);
	while (!error && !ext4_transaction_is_committed(volume, sequence))
		error = commit_running(journal);
	mutex_unlock(&journal->commit_lock);
	return error;
}
