/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the block layer's files: block_queue.c (requests), block_io.c (transfers),
 * block_device.c (the registry), block_cache.c (buffered access), block_direct.c (O_DIRECT),
 * block_file.c (open files), block_recovery.c (the thread), block_proc.c (figures).
 */
#ifndef FS_BLOCK_BLOCK_INTERNAL_H
#define FS_BLOCK_BLOCK_INTERNAL_H

#include "fs/block/block_device.h"
#include "lib/text.h"

enum request_step {
	STEP_PREFLUSH = 1 << 0,
	STEP_DATA = 1 << 1,
	STEP_POSTFLUSH = 1 << 2,
};

extern mutex_t block_registry_lock;
extern struct list_head block_devices; /* block_registry_lock */

/* block_queue.c */
void block_queue_init(struct block_queue *queue, struct block_disk *disk, u32 index);
/* Puts a transfer, which fits, in the queue: merged or as a request of its own.  The queue's lock
 * is held. */
void block_queue_add(struct block_queue *queue, struct block_io *io);
/* Ends all that wait with an error. */
void block_queue_fail_waiting(struct block_queue *queue, int error);

/* block_io.c: figures. */
void block_account_start(struct block_device *device);
void block_account_end(struct block_device *device, const struct block_io *io, nsec_t now);
void block_account_merge(struct block_device *device, enum block_op op);

/* block_proc.c: a line of /proc/diskstats behind the name, and of /sys/block/NAME/stat. */
void block_show_stats(const struct block_device *device, struct text *text);

/* block_sysfs.c */
void block_sysfs_init(void);

/* block_recovery.c */
void block_recovery_init(void);

/* block_cache.c */
void block_cache_init(struct block_device *device);
ssize_t __must_check block_cache_read(struct block_device *device, struct io_cursor *cursor,
				      u64 position);
ssize_t __must_check block_cache_write(struct block_device *device, struct io_cursor *cursor,
				       u64 position);
/* Writes back what is dirty in [start, end), without a flush. */
int __must_check block_cache_write_back(struct block_device *device, u64 start, u64 end);

/* Reads or writes (BLOCK_READ, BLOCK_WRITE) within the device's size.  Bytes, or an error if there
 * were none.  May sleep. */
ssize_t __must_check block_direct(struct block_device *device, enum block_op op,
				  struct io_cursor *cursor, u64 position);

/* Starts the write-back thread. */
void block_cache_start(void);

#endif
