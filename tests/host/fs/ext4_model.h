/* SPDX-License-Identifier: BSD-2-Clause */
/* Random operations on a volume, and what they should come to: ext4_model.c. */
#ifndef TESTS_HOST_FS_EXT4_MODEL_H
#define TESTS_HOST_FS_EXT4_MODEL_H

#include "fs/ext4/change.h"

enum { PATH_SIZE = 1024 };

struct model_disk {
	/* Writes a block of a file whose first word is `stamp`, to stay. */
	void (*write)(struct ext4_volume *volume, u64 block, u64 stamp);
};

/* A model of an empty volume, with at most that many files. */
void model_begin(struct ext4_volume *volume, const struct model_disk *disk, u32 most, u64 seed);
void model_run(u32 steps);
/* Is everything as it should be? */
void model_compare(void);
/* The same after the volume was opened again. */
void model_remount(struct ext4_volume *volume);
void model_end(void);

#endif
