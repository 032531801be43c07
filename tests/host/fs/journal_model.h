/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random changes to blocks of a volume, and what they come to.
 *
 * A few hundred blocks that the file system has free play metadata and data.  Each handle changes,
 * frees or takes some of them, and counts itself in a block of its own; so what is found on a disk
 * says after which handle it was.  The model remembers for each block what it was after each handle.
 */
#ifndef TESTS_HOST_FS_JOURNAL_MODEL_H
#define TESTS_HOST_FS_JOURNAL_MODEL_H

#include "journal_disk.h"

enum { MODEL_BLOCKS = 300, MODEL_VERSIONS = 1 << 16 };

enum model_kind { MODEL_FREE, MODEL_METADATA, MODEL_DATA };

struct model_version {
	u32 handle; /* since this one */
	enum model_kind kind;
	u64 stamp; /* what its content is made of */
};

struct model_block {
	u64 number;
	struct model_version *versions;
	u32 count, room;
	u32 freed; /* by this transaction */
};

struct model {
	pthread_mutex_t lock; /* held for a step */
	struct disk *disk;
	struct ext4_volume *volume;
	u64 seed;
	struct model_block blocks[MODEL_BLOCKS]; /* the first counts the handles */
	u32 handle;
	u32 sequences[MODEL_VERSIONS]; /* a handle's transaction */
	/* What somebody has waited for: that at event `at` so many handles were safe. */
	struct {
		size_t at;
		u32 handle;
	} promises[MODEL_VERSIONS];
	u32 promise_count;
};

void model_make(struct model *model, struct disk *disk, struct ext4_volume *volume, u64 seed);
void model_free(struct model *model);

/* One handle with up to `changes` changes.  0, or why it failed: it then may have happened. */
int model_step(struct model *model, u32 changes);
/* Waits for the last handle. */
int model_promise(struct model *model);

/* After which handle the disk is, and that it is: all blocks, the boundaries of transactions, and
 * what was promised when there were `at` events.  Ends the test otherwise. */
void model_check(const struct model *model, const struct disk *disk, size_t at);

#endif
