/* SPDX-License-Identifier: BSD-2-Clause */
/* Between loop.c (devices and their ioctls), loop_io.c (the thread that reads and writes the file)
 * and loop_sysfs.c (what is shown of them). */
#ifndef DRIVERS_BLOCK_LOOP_INTERNAL_H
#define DRIVERS_BLOCK_LOOP_INTERNAL_H

#include "fs/block/block_device.h"
#include "fs/file.h"
#include "lib/abi/loop.h"

struct loop {
	struct list_head link; /* loops_lock (loop.c) */
	u32 number;
	struct block_disk *disk;
	mutex_t lock;      /* binding; outermost */
	struct file *file; /* lock; NULL: bound to nothing */
	u64 offset, size_limit;
	u32 flags;
	char file_name[LOOP_NAME_SIZE];

	struct block_request *current_request; /* the queue's lock: what the thread is to do */
	bool stopping;                         /* the queue's lock */
	bool running;                          /* atomic: the thread is there */
	wait_queue_t work;
};

extern const struct block_disk_ops loop_disk_ops;

/* Starts the thread of a loop that has a file; 0 or an error. */
int __must_check loop_start(struct loop *loop);
/* Ends it; whatever is waiting has been done.  May sleep. */
void loop_stop(struct loop *loop);

/* loop_sysfs.c: /sys/block/loopN/loop. */
extern const struct proc_entry loop_folder;

/* loop.c */
long loop_ioctl(struct block_device *device, unsigned command, vaddr_t argument);
void loop_closed(struct block_disk *disk);

#endif
