/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk with a cache that loses power.
 *
 * It keeps a record of every write and flush.  What was written counts as safe once a flush has
 * followed it, or if it was written with FUA; of the rest any part may be on the disk after a cut,
 * each sector for itself.
 */
#ifndef TESTS_HOST_FS_JOURNAL_DISK_H
#define TESTS_HOST_FS_JOURNAL_DISK_H

#include "fs/ext4/transaction.h"

#include <pthread.h>

struct disk_event {
	bool flush; /* or a write: */
	bool fua;
	u64 block;
	u8 *data;
};

struct disk {
	pthread_mutex_t lock;
	u8 *bytes; /* as its user sees it */
	size_t size;
	u32 block_size;
	u8 *first_bytes; /* before the first event */
	struct disk_event *events;
	size_t count, room;
	size_t requests;  /* transfers and flushes so far */
	size_t fail_from; /* requests from this number on fail, as many as fail_count */
	size_t fail_count;
	u64 complaints;
	bool slow; /* writes take their time, for other threads */
};

extern const struct ext4_volume_ops disk_volume_ops;
extern const struct ext4_journal_ops disk_journal_ops;

/* A disk with the content of a file; ends the test if there is none. */
void disk_load(struct disk *disk, const char *path);
/* One with given content, which it copies. */
void disk_make(struct disk *disk, const u8 *bytes, size_t size);
void disk_free(struct disk *disk);
struct ext4_volume disk_volume(struct disk *disk);

/* Writes a block, as data that no transaction has. */
int __must_check disk_write(struct disk *disk, u64 block, const u8 *data);

/* Adds an event, as if the disk had seen it; takes over its data. */
void disk_record(struct disk *disk, struct disk_event event);

/* Rolls dice: the next number of a row. */
u64 roll(u64 *seed);

/*
 * What may be there after a cut just before event `at`, into `bytes` of disk->size.  The dice
 * decide on each sector.  `safe` is advanced from one call to the next, with growing `at`: the
 * content that is safe, and how far it goes; both begin as first_bytes and 0.
 */
struct disk_safe {
	u8 *bytes;
	size_t events;
};
void disk_cut(const struct disk *disk, size_t at, struct disk_safe *safe, u64 *seed, u8 *bytes);

#endif
