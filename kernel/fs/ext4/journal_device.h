/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes on block devices that are changed: transfers for the journal, and its thread.
 */
#ifndef FS_EXT4_JOURNAL_DEVICE_H
#define FS_EXT4_JOURNAL_DEVICE_H

#include "fs/ext4/transaction.h"

struct block_device;
struct ext4_committer; /* a volume's thread */

enum { EXT4_COMMIT_SECONDS = 5 };

/* Of volumes whose context is a struct ext4_super. */
extern const struct ext4_journal_ops ext4_device_journal_ops;

/*
 * Starts a thread that commits what the volume, opened by ext4_journal_open, has had running for
 * `seconds`.  NULL: no memory.  May sleep.
 */
struct ext4_committer *ext4_committer_start(struct ext4_volume *volume, const char *device,
					    u32 seconds);
/* Ends it, before ext4_journal_close; NULL is allowed.  May sleep. */
void ext4_committer_stop(struct ext4_committer *committer);

/* Transfers blocks of the device, past its pages: as ext4_journal_ops.transfer. */
int __must_check ext4_device_transfer(struct block_device *device, u32 block_shift,
				      const struct ext4_transfer *transfers, u32 count, u32 flags);

#endif
