/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files behind transaction.h.
 *
 * transaction.c: handles; transaction_blocks.c: blocks in memory; transaction_change.c: blocks into
 * transactions; commit.c; checkpoint.c; journal_log.c: the ring in the journal's file;
 * journal_open.c: the volume's life; replay.c.
 *
 * A block is in the running transaction, in the committing one, in both, or in none; and apart from
 * that on the checkpoint list of the newest committed transaction that it was in, until it has been
 * written to its place.  What block->data has belongs to the newest of these.  Rules:
 *
 *	- Its content may be changed when it is in the running transaction, and only by handles of
 *	  that.  So while a transaction is committing nobody changes its blocks but as the next rule
 *	  says.
 *	- A block of the committing transaction enters the running one at any time.  If the commit
 *	  has not copied it to the log yet, it gets a frozen copy, which the commit then takes.
 *	- While block->data is under way to the disk (BLOCK_WRITING) nobody may enter it anywhere.
 *	- A block that is in a transaction is not written to its place: that may be the wrong version,
 *	  or freed.  Who wants it written commits the transaction first.
 *	- A block that the transaction has freed (`forgotten`) stays as it is in the log and on
 *	  checkpoint lists until the transaction is committed: before, the disk still needs it.
 *	  With the commit it leaves memory, and no write to its place is under way then.
 *
 * Two transactions that follow each other have numbers of different parity, which picks one of
 * block->uses: so nothing has to be changed in the blocks when the running one begins to commit.
 *
 * The log: blocks [first, length) of the journal's file are a ring.  Those from the beginning of the
 * oldest transaction with blocks on its checkpoint list to journal->head are in use; the super block
 * says where that beginning is, and is written before any block in front of it is used again.
 * A transaction's room is set aside when it begins to commit, and a handle opens only if all that
 * its transaction may become has room.
 *
 * Locks, outermost first: journal->commit_lock (one commit at a time), journal->checkpoint_lock,
 * journal->super_lock (mutexes); journal->lock (spin).  An open handle stands before all of them
 * but is waited for under commit_lock; so with a handle open none of the mutexes is taken.
 */
#ifndef FS_EXT4_TRANSACTION_INTERNAL_H
#define FS_EXT4_TRANSACTION_INTERNAL_H

#include "fs/ext4/journal_format.h"
#include "fs/ext4/transaction.h"
#include "lib/assert.h"
#include "lib/rbtree.h"

enum ext4_block_flags {
	BLOCK_READING = 1 << 0, /* somebody reads it */
	BLOCK_FAILED = 1 << 1,  /* … and could not: out of the table */
	BLOCK_WRITING = 1 << 2, /* its data is being written to the disk, and must stay */
	BLOCK_LOGGED = 1 << 3,  /* the committing transaction has written it */
	BLOCK_GONE = 1 << 4,    /* forgotten: out of the table */
};

enum { JOURNAL_BUCKETS = 1024, COMMIT_BATCH = 256, PINNED_SHARE = 2 };

/* A block that must not be replayed from earlier in the log. */
struct ext4_revoked {
	struct rb_node node;
	u64 block;
};

struct ext4_transaction {
	u32 id;       /* const */
	u32 handles;  /* the rest: journal->lock; open ones */
	u32 reserved; /* credits of open handles that they have not used */
	u32 count;    /* of blocks, forgotten ones too */
	bool locked;  /* is about to commit: no new handles */
	/* Until it is committed: by their uses.  Only handles change the list, so the commit may
	 * walk it without the lock. */
	struct list_head blocks;
	struct list_head checkpoint; /* afterwards: not yet in their places */
	struct rb_root revoked;      /* by block */
	u32 revoked_count;
	u32 log_start;         /* block of the journal; set when it begins to commit */
	struct list_head link; /* journal->checkpoints */
};

struct ext4_handle {
	struct ext4_journal *journal;
	struct ext4_transaction *transaction; /* NULL: a restart failed */
	struct ext4_handle *outer;            /* of another volume, of the same task */
	u32 depth;                            /* how often it is open */
	u32 credits;                          /* left */
};

struct ext4_journal {
	struct ext4_volume *volume;
	const struct ext4_journal_ops *ops;
	struct ext4_journal_options options;
	bool has_log;   /* const; false: commits write blocks to their places */
	bool was_valid; /* before it was in use; changed when nothing runs */
	bool had_error; /* the same: the journal says that it was aborted once */

	mutex_t commit_lock, checkpoint_lock, super_lock;
	spinlock_t lock;      /* all below, but for what says otherwise */
	wait_queue_t changed; /* whatever anybody may wait for */
	wait_queue_t work;    /* … the thread: something runs, or it is to stop */
	struct list_head hash[JOURNAL_BUCKETS];
	struct list_head lru; /* the longest unused first */
	u32 lru_count;
	u32 pinned; /* blocks on checkpoint lists */
	struct ext4_transaction *running, *committing;
	struct list_head checkpoints; /* committed transactions, the oldest first */
	u32 next_id;
	u32 committed_id;
	int error; /* aborted, and why; changes once */
	bool suspended;

	/* The log: see journal_log.c. */
	struct journal_run {
		u32 first, length;                    /* blocks of the file */
		u64 start;                            /* where they are */
	} * runs;                                     /* const */
	u32 run_count, length, first, features, seed; /* const */
	u32 max_transaction;                          /* const: blocks */
	u32 sequence_base;       /* const: what ids are less than sequence numbers on the disk */
	u32 head;                /* where the next transaction begins; changed under commit_lock */
	u32 tail;                /* where the part that is in use begins */
	u32 free;                /* blocks neither in use nor set aside */
	u8 *super;               /* super_lock: a block, as it is on the disk */
	u32 disk_start;          /* super_lock: what it says; 0: empty */
	u8 *descriptor, *escape; /* commit_lock: a block each */
	struct ext4_transfer batch[COMMIT_BATCH + 1];        /* commit_lock */
	struct ext4_block *batch_blocks[COMMIT_BATCH];       /* commit_lock */
	struct ext4_transfer checkpoint_batch[COMMIT_BATCH]; /* checkpoint_lock */
	struct ext4_block *checkpoint_blocks[COMMIT_BATCH];  /* checkpoint_lock */
};

static inline struct ext4_block_use *block_use(struct ext4_block *block,
					       const struct ext4_transaction *transaction)
{
	return &block->uses[transaction->id & 1];
}
static inline bool block_is_in(struct ext4_block *block, const struct ext4_transaction *transaction)
{
	return transaction && block_use(block, transaction)->transaction == transaction;
}
static inline bool block_is_used(const struct ext4_block *block)
{
	return block->uses[0].transaction || block->uses[1].transaction;
}

static inline void *journal_allocate(const struct ext4_journal *journal, size_t size)
{
	return journal->volume->ops->allocate(size);
}
static inline void journal_release(const struct ext4_journal *journal, void *memory)
{
	journal->volume->ops->release(memory);
}
static inline int journal_transfer(const struct ext4_journal *journal,
				   const struct ext4_transfer *transfers, u32 count, u32 flags)
{
	if (journal->options.no_barriers)
		flags &= ~((u32)EXT4_PREFLUSH | EXT4_FUA);
	return journal->ops->transfer(journal->volume->context, transfers, count, flags);
}
static inline int journal_flush(const struct ext4_journal *journal)
{
	return journal->options.no_barriers ? 0 : journal->ops->flush(journal->volume->context);
}

/* Has checkpointing to make room in memory? */
static inline bool journal_has_many_pinned(const struct ext4_journal *journal)
{
	return journal->has_log && journal->pinned > PINNED_SHARE * journal->options.cache_blocks;
}

/* --- transaction_blocks.c --- */

/* Finds a block in memory, or NULL; no reference.  journal->lock is held. */
struct ext4_block *block_find_locked(struct ext4_journal *journal, u64 number);
/* A block for the number, not in the table; NULL: no memory. */
struct ext4_block *block_allocate(struct ext4_journal *journal, u64 number);
void block_free(struct ext4_block *block);
void block_insert_locked(struct ext4_block *block);
/* References the block with that number; if there is none, *fresh becomes it, and NULL.  NULL: there
 * is none. */
struct ext4_block *block_take(struct ext4_journal *journal, u64 number, struct ext4_block **fresh);
/* Takes it out of the table: nobody finds it any more, and it goes with its last user. */
void block_remove_locked(struct ext4_block *block);
/* Something has let go of the block: if it was the last, it goes to the unused ones, or is freed. */
void block_settle_locked(struct ext4_block *block);
/* Frees all.  Nobody uses any. */
void blocks_destroy(struct ext4_journal *journal);

/* --- transaction_change.c --- */

/* The transaction has ended, for whatever reason: its blocks and itself go. */
void transaction_free(struct ext4_journal *journal, struct ext4_transaction *transaction);

/* --- commit.c --- */

/* Commits what is running, if anything is.  commit_lock is held.  0, -EIO. */
int __must_check commit_running(struct ext4_journal *journal);
/* How many blocks of the log so many blocks and revoked numbers take. */
u32 commit_room(const struct ext4_journal *journal, u32 blocks, u32 revoked);

/* --- checkpoint.c --- */

/* Writes the blocks of the oldest committed transaction to their places; without one, commits what
 * is running.  0: there may be more room now; -EIO. */
int __must_check checkpoint_some(struct ext4_journal *journal);
/* All of it, with nothing running any more. */
int __must_check checkpoint_all(struct ext4_journal *journal);

/* --- journal_log.c --- */

/* Opens the journal's file, whose log is of no use any more: makes it an empty one.  0, -EINVAL,
 * -EUCLEAN, … */
int __must_check log_open(struct ext4_journal *journal);
void log_close(struct ext4_journal *journal);
/* Where block `block` of the file is. */
u64 log_place(const struct ext4_journal *journal, u32 block);
/* The block of the ring behind it. */
static inline u32 log_next(const struct ext4_journal *journal, u32 block)
{
	return block + 1 < journal->length ? block + 1 : journal->first;
}
/* Has the super block say where the log begins, as things are now, and gives back the room before
 * that.  Whatever was written before is stable then, if it does so.  0, -EIO. */
int __must_check log_update(struct ext4_journal *journal);
static inline u32 log_sequence(const struct ext4_journal *journal, u32 id)
{
	return journal->sequence_base + id;
}
/* Says in the super block that it was aborted, as far as that can still be written. */
void log_write_error(struct ext4_journal *journal);
/* Puts a block's CRC, if the log has any, where it belongs: four bytes at `offset`. */
void log_seal(const struct ext4_journal *journal, u8 *block, u32 offset);
static inline bool log_has_checksums(const struct ext4_journal *journal)
{
	return journal->features & JOURNAL_CHECKSUM_3;
}

/* --- replay.c --- */

/* Writes what volume->overlay has to its place, and empties the overlay. */
int __must_check journal_replay(struct ext4_journal *journal);

#endif
