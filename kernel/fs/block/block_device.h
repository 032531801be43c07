/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices: disks, their partitions, and transfers to and from them.
 *
 * Who wants a transfer fills in a struct block_io, memory of his own, and submits it; `done` is
 * called when it is over.  The layer neither allocates nor waits on that way, so it may be used to
 * free memory.  Transfers that lie side by side become one request of the driver; see
 * block_queue.c for the order in which requests start.
 *
 * Promises: a write is on stable storage when a flush that was submitted after its end has ended,
 * or at its own end with BLOCK_FUA.  There is no order among transfers that are under way.
 *
 * Locks, outermost first: device->lock (rwlock, sleeps), disk->lock (mutex), block_registry_lock
 * (mutex), device->write_back_lock (mutex), queue->lock (spin, interrupts off).
 */
#ifndef FS_BLOCK_BLOCK_DEVICE_H
#define FS_BLOCK_BLOCK_DEVICE_H

#include "lib/list.h"
#include "lib/module.h"
#include "lib/rbtree.h"
#include "lib/sync.h"
#include "lib/types.h"
#include "mm/pagecache.h"
#include "mm/read_ahead.h"
#include "proc/timer.h"

/* Sectors are of 512 bytes everywhere, whatever the disk's blocks. */
enum { SECTOR_SHIFT = 9, SECTOR_SIZE = 1 << SECTOR_SHIFT };
#define SECTORS_PER_PAGE (PAGE_SIZE >> SECTOR_SHIFT)

enum block_op {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,
	BLOCK_DISCARD,     /* the contents may be forgotten */
	BLOCK_WRITE_ZEROS, /* … are zeros afterwards */
	BLOCK_OPS
};

enum block_flags {
	BLOCK_PREFLUSH = 1 << 0, /* a write: flush before it */
	BLOCK_FUA = 1 << 1,      /* a write: on stable storage when it ends */
	BLOCK_ALONE = 1 << 2,    /* not to be merged: it begins or ends within a page */
};

struct block_device;
struct block_disk;
struct block_queue;
struct file;
struct filesystem;
struct superblock;
struct superblock_operations;

/* A piece of memory, of whole sectors. */
struct block_segment {
	phys_t address;
	u32 length;
};

/*
 * One transfer.  The submitter fills in the first part and leaves all alone until `done` is called:
 * once, in any context, interrupts included, perhaps before block_submit returns.
 */
struct block_io {
	struct block_device *device;
	enum block_op op;
	u32 flags;                      /* enum block_flags */
	u64 sector;                     /* of the device */
	u64 sectors;                    /* = the segments' length; of a discard: its size */
	struct block_segment *segments; /* of a read or write */
	u32 segment_count;              /* at most block_max_segments() */
	void (*done)(struct block_io *io);
	void *private;
	int error;  /* the result */
	bool ended; /* atomic: block_submit_wait's */

	/* The layer's.  The first io of a request stands for it. */
	struct list_head link; /* in its request's ios */
	struct block_request {
		struct list_head link; /* waiting by age, or under way, or finished */
		struct rb_node node;   /* waiting, by sector */
		struct list_head ios;  /* in order of sector */
		struct block_queue *queue;
		enum block_op op;    /* what the driver is to do now */
		bool fua;            /* … on stable storage */
		u64 sector, sectors; /* of the disk */
		u32 segment_count;
		u8 steps; /* what is still to do: enum request_step */
		u8 attempts;
		nsec_t queued, started;
		int error;
	} request;
};

/* Submits; never sleeps.  A transfer that does not fit the device ends with an error at once. */
void block_submit(struct block_io *io);
/* The same for a list of them, linked by io->link, in the order of their sectors at best: they are
 * merged before any starts. */
void block_submit_list(struct list_head *ios);
/* Submits one, and waits: its error.  io->done is not used.  May sleep. */
int __must_check block_submit_wait(struct block_io *io);

/* Reads or writes whole pages at a sector, or flushes, and waits.  0, -EIO, -ENOMEM …  May sleep.
 */
int __must_check block_transfer(struct block_device *device, enum block_op op, u64 sector,
				const phys_t *frames, u32 count, u32 flags);
/* BLOCK_DISCARD or BLOCK_WRITE_ZEROS of any number of sectors, past the device's pages.  0,
 * -EOPNOTSUPP, -EIO …  May sleep. */
int __must_check block_discard(struct block_device *device, enum block_op op, u64 sector,
			       u64 sectors);
int __must_check block_flush(struct block_device *device);

/* --- Devices --- */

struct block_stats {
	/* Atomic each; by enum block_op but for the flush's */
	u64 ios[BLOCK_OPS], merges[BLOCK_OPS], sectors[BLOCK_OPS];
	nsec_t time[BLOCK_OPS];
	u32 in_flight;
	nsec_t busy_since; /* when in_flight last left zero */
	nsec_t busy_time, weighted_time;
};

enum { BLOCK_NAME_LENGTH = 32 };

/* A disk as a whole, or a partition of it. */
struct block_device {
	struct list_head link;      /* all of them; block_registry_lock */
	struct list_head disk_link; /* partitions of the disk; disk->lock */
	u32 refs;                   /* atomic: the registry's, and whoever uses it */
	char name[BLOCK_NAME_LENGTH];
	dev_t number;
	struct block_disk *disk;
	u32 partition;     /* 0: the whole disk */
	u64 start;         /* sector of the disk */
	u64 sectors;       /* disk->lock to change */
	bool read_only;    /* atomic */
	bool gone;         /* atomic: taken out of the machine, or of the partition table */
	u32 openers;       /* disk->lock: open files and mounts */
	const void *owner; /* disk->lock: who has it for himself (O_EXCL, mounts, swap) */
	struct superblock *mounted; /* block_mount.c's lock: no reference */
	char label[40];             /* a GPT partition's name */
	struct block_stats stats;

	/* Buffered access: block_cache.c. */
	struct page_cache cache;
	size_t unbalanced;       /* pages written since limits were looked at; approximate */
	nsec_t dirty_since;      /* when the first of the pages that are dirty became so */
	rwlock_t lock;           /* writes, size */
	mutex_t write_back_lock; /* one write-back at a time, so that who waits finds all written */
	struct read_ahead read_ahead;
};

/*
 * Takes a device for use by its number or its name ("vda1"); NULL: there is none.  block_put when
 * it is not used any more.  May sleep.
 */
struct block_device *block_find(dev_t number);
struct block_device *block_find_name(const char *name);
/* The device that a path names, for mount(2), referenced; ERR_PTR: -ENOTBLK, -ENXIO, or what the
 * walk says.  May sleep. */
struct block_device *block_find_path(const char *path);
/* Reads bytes through the device's pages: 0 or an error.  May sleep. */
int __must_check block_read_bytes(struct block_device *device, u64 position, void *buffer,
				  size_t size);

/*
 * mount(2) of a file system on a block device: finds the device, gives another reference on the
 * superblock if it is mounted already (-EBUSY: as another type, or with the other of "ro" and
 * "rw"), else has mount_device make one, which takes over the device's reference, also when it
 * fails.  -EACCES: the device is read-only.  The superblock's destroy calls block_unmount.  Sleeps.
 */
typedef int (*block_mount_t)(const struct filesystem *type, struct block_device *device, u64 flags,
			     const char *options, struct superblock **result);
int __must_check block_mount(const struct filesystem *type, u64 flags, const char *source,
			     const char *options, block_mount_t mount_device,
			     struct superblock **result);
void block_unmount(struct block_device *device);
/* A superblock with the device's number, or NULL. */
struct superblock *block_superblock(const struct filesystem *type,
				    const struct superblock_operations *ops,
				    const struct block_device *device, u64 flags, void *private);
struct block_device *block_get(struct block_device *device);
void block_put(struct block_device *device);

/*
 * Opens for a file, mount or swap area; `owner` NULL shares it, anything else must be the only
 * owner.  0, -ENXIO (gone), -EACCES (read-only and `write`), -EBUSY.  Closing writes back what is
 * dirty when the last one closes.  May sleep.
 */
int __must_check block_open(struct block_device *device, bool write, const void *owner);
void block_close(struct block_device *device, const void *owner);
/* The block device that an open file is of, or NULL; no reference. */
struct block_device *block_of_file(const struct file *file);

/* Limits for one transfer. */
u32 block_max_segments(const struct block_device *device);
u64 block_max_sectors(const struct block_device *device);
u32 block_logical_size(const struct block_device *device);

static inline u64 block_size_bytes(const struct block_device *device)
{
	return READ_ONCE(device->sectors) << SECTOR_SHIFT;
}

struct io_cursor;
/*
 * O_DIRECT: moves all that the cursor has between a program's memory and the device, at `position` in
 * bytes.  The data is a file's, at `cached` of its page cache, which stays the same as the disk; the
 * lock is the one of the cache's write-back, which may be taken.  Nobody else writes to the file or
 * changes its size meanwhile.  Bytes moved, or an error if none: -ENOMEM, -EFAULT, -EIO.  May sleep.
 */
ssize_t __must_check block_direct_file(struct block_device *device, enum block_op op,
				       struct io_cursor *cursor, u64 position,
				       struct page_cache *cache, mutex_t *write_back_lock,
				       u64 cached);
/* May a transfer with O_DIRECT be so: blocks of the device, memory of 512 bytes? */
bool block_direct_fits(struct block_device *device, const struct io_cursor *cursor, u64 position);
/* Writes back [start, end) of a device's pages and flushes the disk: fsync(2).  0, -EIO …  May
 * sleep. */
int __must_check block_sync(struct block_device *device, u64 start, u64 end);
/* The same for all of them: sync(2). */
void block_sync_all(void);
/* Writes back, then forgets every page that nobody uses: BLKFLSBUF.  May sleep. */
void block_drop_pages(struct block_device *device);
/* Calls function for each device, in the order of their names' making; may sleep. */
void block_iterate(void (*function)(struct block_device *device, void *argument), void *argument);

struct text;
/* The second half of /proc/devices. */
void block_show_majors(struct text *text);

/* --- For drivers --- */

struct block_disk_ops {
	/*
	 * Starts a request; 0, or -EBUSY when there is no room now: it is offered again after the
	 * next block_request_end.  The queue's lock is held, interrupts off.
	 */
	int (*start)(struct block_queue *queue, struct block_request *request);
	/*
	 * A request has been under way for too long.  Ends everything that is under way with
	 * -ETIMEDOUT (or with its result, if it has one after all).  From a thread; may sleep.
	 */
	void (*recover)(struct block_disk *disk);
	/* Commands of the driver's own; -ENOTTY: not known.  May sleep. */
	long (*ioctl)(struct block_device *device, unsigned command, vaddr_t argument);
	/* The last opener is gone.  May sleep. */
	void (*closed)(struct block_disk *disk);
};

enum { BLOCK_DIRECTIONS = 2 };

struct block_queue {
	struct block_disk *disk;
	u32 index;
	spinlock_t lock; /* taken with interrupts off; guards all below */
	struct list_head waiting[BLOCK_DIRECTIONS]; /* reads and all else, the oldest first */
	struct rb_root sorted[BLOCK_DIRECTIONS];    /* the same by sector */
	struct list_head flushes;                   /* go first */
	struct list_head under_way;                 /* the longest first */
	struct list_head finished;                  /* to be told their submitters */
	u32 under_way_count;
	u64 position; /* sector behind the last request that was started */
	u32 batch;    /* requests that may still go on in this direction */
	u32 starved;  /* how often writes were passed over */
	u8 direction;
	struct timer timer; /* looks for requests that take too long */
	void *private;      /* the driver's */
};

struct block_disk {
	char name[BLOCK_NAME_LENGTH];
	const char *driver; /* the name of its major number: "virtblk" */
	const struct block_disk_ops *ops;
	void *private;        /* the driver's */
	struct module *owner; /* the driver's module, kept while the disk is open; NULL: none */
	/* Set before block_disk_add: */
	u32 major, first_minor, minors; /* minors: partitions + 1 */
	u32 logical_size, physical_size;
	u32 max_segments;
	u32 max_sectors;
	u32 depth;        /* requests under way in a queue at most */
	nsec_t time_out;  /* READ_ONCE */
	bool write_cache; /* flushes mean something */
	bool fua;         /* the driver knows request->fua */
	bool rotational, removable, read_only;
	bool discard, write_zeros;
	char serial[24];
	const struct proc_entry *folder; /* the driver's own in /sys/block/DISK; NULL: none */

	mutex_t lock;
	bool dead; /* atomic: it answers no more */
	bool recovering;
	struct block_device *whole;
	struct list_head partitions; /* lock */
	struct list_head recovery;   /* block_recovery.c's */
	u32 queue_count;
	struct block_queue queues[];
};

/* A disk with its queues, to be filled in; NULL: no memory. */
struct block_disk *block_disk_alloc(const struct block_disk_ops *ops, u32 queues, void *private);
/* Frees one that was not added. */
void block_disk_free(struct block_disk *disk);
/*
 * Makes the disk known under disk->name, reads its partition table, makes the nodes in /dev.  0,
 * -ENOMEM, -EEXIST.  May sleep.
 */
int __must_check block_disk_add(struct block_disk *disk, u64 sectors);
/* The hardware is silent or answers nonsense: has a thread call ops->recover.  Any context, without
 * a queue's lock. */
void block_disk_recover(struct block_disk *disk);
/* The disk has gone: whatever is waiting or comes ends with -EIO.  What is under way the driver
 * must end.  May sleep. */
void block_disk_remove(struct block_disk *disk);
/* The disk has another size: 0 after a medium was taken out. */
void block_disk_resize(struct block_disk *disk, u64 sectors);
/* Reads the partition table again.  0, -EBUSY (a partition is in use), -EIO.  May sleep. */
int __must_check block_disk_rescan(struct block_disk *disk);

/*
 * A driver's end of an interrupt:
 *
 *	flags = spin_lock_irqsave(&queue->lock);
 *	while (…) block_request_end(request, error);
 *	block_queue_run(queue);
 *	spin_unlock_irqrestore(&queue->lock, flags);
 *	block_queue_deliver(queue);
 *
 * -ETIMEDOUT is tried again a few times.  A request that `start` ended itself needs none of this.
 */
void block_request_end(struct block_request *request, int error);
void block_queue_run(struct block_queue *queue);
void block_queue_deliver(struct block_queue *queue);
/* Copies the request's segments, at most `limit`; returns how many it has. */
u32 block_request_segments(const struct block_request *request, struct block_segment *segments,
			   u32 limit);

/* From kernel start-up, once, before any driver. */
void block_init(void);

#endif
