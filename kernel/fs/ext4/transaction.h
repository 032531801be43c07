/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a volume: its metadata blocks in memory, and transactions of changes to them.
 *
 * Whoever changes metadata opens a handle, says of each block that he is going to change it, and
 * closes the handle.  All handles of a few seconds are one transaction, and after a power cut the
 * disk has all of a transaction or nothing.  A task that changes two blocks which belong together
 * does so under one handle.
 *
 *	error = ext4_transaction_start(volume, credits, &handle);
 *	error = ext4_block_get(volume, number, &block);
 *	error = ext4_handle_change(handle, block);
 *	... change block->data ...
 *	ext4_block_put(block);
 *	ext4_transaction_stop(handle);
 *
 * A volume without a journal (ext2, or ext4 made so) is changed by the same calls; then a commit
 * writes the blocks to their places, and a power cut is a matter for e2fsck.
 *
 * What a transaction goes through: running (one, takes handles), committing (at most one: its log
 * is being written), committed: in the log, its blocks not all in their places yet
 * (any number, the oldest first).  A block is written to its place only when the newest transaction
 * that changed it is committed.
 *
 * A commit makes stable what was written to the disk before it, so new data goes to its blocks first
 * (which nobody else has on the disk yet), and then a transaction makes them part of the file.
 *
 * Once a block of the disk could not be written, or ext4_transaction_abort was called, nothing is changed any
 * more: starting gives -EROFS, waiting for a commit -EIO.
 *
 * All functions may sleep unless they say otherwise.  Locks, outermost first: the caller's (inodes,
 * directories, groups), an open handle, block->lock, those of transaction_internal.h.  So whoever
 * holds a lock that others take under a handle must not start one.  With a handle open nobody may
 * wait for a commit, nor for memory of programs (a page fault).
 *
 * This and the files behind it also run on the host.
 */
#ifndef FS_EXT4_TRANSACTION_H
#define FS_EXT4_TRANSACTION_H

#include "fs/ext4/volume.h"
#include "lib/list.h"
#include "lib/sync.h"

struct ext4_transaction;
struct ext4_handle;

/* --- Blocks --- */

struct ext4_block {
	u64 number; /* const */
	u8 *data;   /* const; volume->block_size bytes of volume->ops->allocate */
	/*
	 * For the users of the content: guards it where none of their own locks does (bitmaps,
	 * group descriptors, the super block).  Taken with the handle open.
	 */
	mutex_t lock;
	u32 checked; /* atomic: the users': what they have verified since the block was read.
			Starts as 0 */

	struct ext4_journal *journal; /* const */
	u32 refs;                     /* the rest: journal->lock */
	u32 flags;                    /* transaction_internal.h */
	u8 *frozen;                   /* as the committing transaction has it, or NULL */
	struct ext4_block_use {
		struct ext4_transaction *transaction; /* NULL: none */
		struct list_head link;                /* transaction->blocks */
		bool forgotten;                       /* … has freed it */
	} uses[2];                                    /* by the transaction's parity */
	struct ext4_transaction *checkpoint; /* whose log has it, and its place does not yet */
	struct list_head checkpoint_link;    /* checkpoint->checkpoint */
	struct list_head hash_link;          /* blocks of a bucket */
	struct list_head lru_link;           /* those that nobody needs */
};

/*
 * The block, read if it is not in memory, and referenced until ext4_block_put.  Its content is not
 * checked.  0, -EUCLEAN: there is no such block; -EIO, -ENOMEM.
 */
int __must_check ext4_block_get(struct ext4_volume *volume, u64 number, struct ext4_block **block);
/* NULL is allowed. */
void ext4_block_put(struct ext4_block *block);

/* --- Handles --- */

/*
 * Opens a handle that may change `credits` blocks.  If the task has one open on this volume, that
 * one is opened once more, and has to be stopped as often; it then has at least `credits` left.
 * Waits for room in the log.  0; -EROFS: the volume is not to be written, or aborted; -ENOSPC: more
 * than a transaction can have; -ENOMEM.
 */
int __must_check ext4_transaction_start(struct ext4_volume *volume, u32 credits,
					struct ext4_handle **handle);
/* Closes it.  What it changed is on the disk some seconds later, or after ext4_transaction_commit.
 * 0; -EROFS: the volume was aborted, and what was changed may be lost. */
int ext4_transaction_stop(struct ext4_handle *handle);

/* The number of the handle's transaction: for ext4_transaction_commit, later. */
u32 ext4_handle_sequence(const struct ext4_handle *handle);
struct ext4_volume *ext4_handle_volume(const struct ext4_handle *handle);
/* How many more blocks it may change. */
u32 ext4_handle_credits(const struct ext4_handle *handle);
/* Makes that at least `credits`.  0; -EAGAIN: this transaction is full, only a new one could. */
int __must_check ext4_handle_extend(struct ext4_handle *handle, u32 credits);
/*
 * The same at any price: perhaps in a new transaction, so what was done so far has to be whole.
 * The handle must have been opened once only, and no block->lock be held.  As
 * ext4_transaction_start; after an error it can only be stopped.
 */
int __must_check ext4_handle_restart(struct ext4_handle *handle, u32 credits);

/*
 * Before block->data is changed, once or more often for a handle.  The block is part of the
 * handle's transaction then, changed or not.  Waits while an older version is being written.  0,
 * -ENOMEM; -EROFS: aborted; -ENOSPC: far more blocks than credits.
 */
int __must_check ext4_handle_change(struct ext4_handle *handle, struct ext4_block *block);
/*
 * A block that has just been allocated for metadata: referenced, full of zeros, and part of the
 * transaction.  As ext4_handle_change.
 */
int __must_check ext4_handle_new(struct ext4_handle *handle, u64 number, struct ext4_block **block);
/*
 * A metadata block has been freed: it is not written any more, and what the log has of it is void.
 * References that others have stay good, but nobody may change it.  It may be metadata again at
 * once (ext4_handle_new), data only after the commit, as all that the handle frees.
 */
void ext4_handle_forget(struct ext4_handle *handle, u64 number);

/* --- Commits --- */

/* The number that a commit of what is running now would have.  Does not sleep. */
u32 ext4_transaction_running(const struct ext4_volume *volume);
/* Is it on the disk?  Also true for 0, and for numbers that no transaction has.  If so, fsync has
 * but to flush the disk.  Does not sleep. */
bool ext4_transaction_is_committed(const struct ext4_volume *volume, u32 sequence);
/*
 * Commits a transaction with all before it, if that has not happened yet, and waits: then it is on
 * the disk.  Tasks that wait at the same time share commits.  Not with a handle open.  0; -EIO: it
 * was aborted.
 */
int __must_check ext4_transaction_commit(struct ext4_volume *volume, u32 sequence);

/*
 * Something is wrong for good: no change reaches the disk any more.  Works once; `why` is said to
 * the volume's `complain`.  Does not sleep; no spin lock may be held.
 */
void ext4_transaction_abort(struct ext4_volume *volume, int error, const char *why);
bool ext4_transaction_aborted(const struct ext4_volume *volume);

/* --- The volume's life --- */

/* A block to be read or written. */
struct ext4_transfer {
	u64 block;
	void *data;
};

enum ext4_transfer_flags {
	EXT4_WRITE = 1 << 0,
	EXT4_PREFLUSH = 1 << 1, /* a write: what was written before is stable before it */
	EXT4_FUA = 1 << 2,      /* a write: stable when it ends */
};

struct ext4_journal_ops {
	/* Transfers blocks in any order, past all caches, and waits for all.  0 or the first error. */
	int (*transfer)(void *context, const struct ext4_transfer *transfers, u32 count, u32 flags);
	/* What was written is stable afterwards. */
	int (*flush)(void *context);
	/* Where the running task keeps its handle: one pointer a task, NULL at first. */
	void **(*handle_slot)(void);
	/* Seconds since 1970, and nanoseconds, for commit blocks. */
	u64 (*now)(u32 *nanoseconds);
	/* The journal has been aborted.  Must not sleep.  May be NULL. */
	void (*aborted)(void *context, int error);
};

struct ext4_journal_options {
	bool no_barriers; /* barrier=0: the disk's cache survives power cuts */
	/* How many blocks that nobody uses are kept; a few times that may wait to be written.  0: a few
	 * thousand. */
	u32 cache_blocks;
};

/*
 * Makes an open volume ready for changes: replays the journal to the disk, marks the volume as in
 * use.  ops->… get volume->context.  0; -EINVAL: the journal is of a kind that is not understood, or
 * on another device; -EUCLEAN, -EIO, -ENOMEM.
 */
int __must_check ext4_journal_open(struct ext4_volume *volume, const struct ext4_journal_ops *ops,
				   const struct ext4_journal_options *options);
/*
 * No more changes: commits, writes everything to its place, and marks the volume as clean.  Reading
 * goes on; ext4_journal_resume allows changes again (remount).  0 or -EIO.
 */
int __must_check ext4_journal_suspend(struct ext4_volume *volume);
int __must_check ext4_journal_resume(struct ext4_volume *volume);
/* The last thing, before ext4_volume_close: suspends if nobody has, and frees all. */
void ext4_journal_close(struct ext4_volume *volume);

/* For a thread, every few seconds: commits what is running, and writes committed blocks to their
 * places when the log gets full. */
void ext4_journal_work(struct ext4_volume *volume);
/* Memory is short: forgets up to `count` unused blocks.  How many went.  Does not sleep. */
u32 ext4_journal_shrink(struct ext4_volume *volume, u32 count);
/* How many there are.  Does not sleep. */
u32 ext4_journal_unused(const struct ext4_volume *volume);

#endif
