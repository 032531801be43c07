/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: a file's pages in memory, one cache an inode, shared by read, write and mmap.
 *
 * A page is a frame of kind FRAME_CACHE found by its index (byte position / 4096); the cache holds
 * one reference to it, each page-table entry another.  A page that is in the cache is complete: it
 * is filled before it is inserted.  A page that is not is a hole (reads as zeros), has to be read
 * by ops->fill, or, of files that live in memory alone, is in swap space: the cache holds the count
 * of its slot then (pagecache_swap.c).
 *
 * Reclaim visits caches that have pages (reclaim_cache.c).
 *
 * Locks, outermost first: the owner's inode lock (taken by the owner around write, truncate and
 * punch; reads and faults take none), `unmap_lock`, an address space's map lock, `mappings_lock`,
 * page-table locks, `lock`.  Page faults never need the inode lock, so a writer may fault on its
 * own file.
 */
#ifndef MM_PAGECACHE_H
#define MM_PAGECACHE_H

#include "lib/list.h"
#include "lib/radix.h"
#include "lib/sync.h"
#include "lib/types.h"
#include "mm/iov.h"

struct page_cache;

struct page_cache_ops {
	/*
	 * Reads page `index` of the file into `page` (4096 bytes, not yet visible to others), all
	 * of it.  0 or negative errno. May sleep.  NULL: what is absent is a hole.
	 */
	int (*fill)(struct page_cache *cache, u64 index, void *page);
	/*
	 * Before a page is added for a hole: may refuse with -ENOSPC (quota).  `pages` is 1, or
	 * negative when pages went. Called with no lock of the cache; must not sleep.  NULL: no
	 * accounting.
	 */
	int (*charge)(struct page_cache *cache, long pages);
	/*
	 * Writes `count` pages from `index` on to where the file is kept, and waits for it.  0 or
	 * negative errno.  The frames stay; their contents may change meanwhile, and are then
	 * written again later.  May sleep.  NULL: memory is where the file is kept, and no page is
	 * ever dirty.
	 */
	int (*write)(struct page_cache *cache, u64 index, const phys_t *frames, u32 count);
	/*
	 * Reclaim finds pages in [first, last] dirty: page_cache_write_back of them, with the lock
	 * that the owner has for it.  May sleep; must not wait for memory that only reclaim frees.
	 * NULL: they stay.
	 */
	int (*clean)(struct page_cache *cache, u64 first, u64 last);
	/*
	 * A program is about to write to page `index` through a mapping: there has to be room for
	 * it.  0 or negative errno: the program gets SIGBUS.  The space's map lock is held; may
	 * sleep.  NULL: there is.
	 */
	int (*reserve)(struct page_cache *cache, u64 index);
	/* The first page has become dirty: somebody should write it back one day.  Must not sleep.
	 * NULL: nothing. */
	void (*dirtied)(struct page_cache *cache);
};

struct hugetlb_file;

struct page_cache {
	const struct page_cache_ops *ops; /* may be NULL: holes, no accounting */
	spinlock_t lock;                  /* guards `pages` and the counts */
	struct radix_tree pages; /* index -> the frame or swap slot: pagecache_internal.h */
	size_t page_count;       /* in memory */
	size_t swapped_count;    /* in swap space */
	size_t dirty_count;      /* pages that ops->write has not seen as they are now */
	u64 shrink_from;         /* lock: where page_cache_shrink goes on */
	u32 write_error;         /* atomic: pagecache_dirty.c's, of write-backs */
	u64 size;              /* bytes of the file; changed under the owner's inode lock, read with
				  page_cache_size */
	u64 growing;           /* lock: how far behind `size` a write is copying, or 0 */
	u64 sequence;          /* atomic: changes whenever pages are taken out; faults compare it */
	mutex_t unmap_lock;    /* held by who unmaps pages of the file everywhere */
	mutex_t mappings_lock; /* guards `mappings` */
	struct list_head mappings; /* regions that map the file */
	u64 pass;                  /* of unmapping, see mapping.h; mappings_lock */
	u32 writable_mappings;     /* atomic: shared regions that may write */
	bool shared_memory; /* tmpfs or shared anonymous: counted as such, and can be swapped */
	bool unevictable;   /* atomic: reclaim takes nothing (SHM_LOCK) */
	bool random;        /* atomic: a hint, nothing is read ahead */
	struct hugetlb_file *huge; /* constant: of a file of huge pages (hugetlb.h); else NULL */
	struct list_head reclaim_link; /* reclaim_cache.c: on its list since there was a page */
	u32 reclaim_visits;            /* its lock: visits that go on */
	u32 visit_pass;                /* its lock: of page_caches_visit */
};

void page_cache_init(struct page_cache *cache, const struct page_cache_ops *ops);
/* Drops all pages.  Nothing may map the file or use the cache any more.  May sleep. */
void page_cache_destroy(struct page_cache *cache);

static inline u64 page_cache_size(const struct page_cache *cache)
{
	return READ_ONCE(cache->size);
}

/*
 * Copies from the file at `position` to the cursor, not beyond the end of the file.  Bytes copied,
 * 0 at the end, or an error if none: -EFAULT, -ENOMEM, or what fill said.  May sleep.
 */
ssize_t __must_check page_cache_read(struct page_cache *cache, struct io_cursor *cursor,
				     u64 position);

/*
 * Copies from the cursor to the file at `position`, and grows `size` as far as it got.  Bytes
 * copied, or an error if none: -EFAULT, -ENOMEM, -ENOSPC or what fill or charge said.  The caller
 * holds the inode lock and has checked limits.  May sleep.
 */
ssize_t __must_check page_cache_write(struct page_cache *cache, struct io_cursor *cursor,
				      u64 position);

/*
 * Sets the size of the file.  Shrinking drops the pages beyond, from programs' mappings too, with
 * the copies that private mappings made (they get SIGBUS from then on), and clears the rest of the
 * last page.  The caller holds the inode lock.
 * May sleep.
 */
void page_cache_truncate(struct page_cache *cache, u64 size);
/* Makes [start, end) a hole.  As page_cache_truncate, but the size stays, and so do the copies. */
void page_cache_punch(struct page_cache *cache, u64 start, u64 end);
/* Allocates (zeroed or filled) every page that touches [start, end), for fallocate.  0, -ENOMEM,
 * -ENOSPC, … The size stays. */
int __must_check page_cache_allocate(struct page_cache *cache, u64 start, u64 end);

enum page_cache_flags {
	PAGE_CACHE_READ = 0,        /* no page for a hole */
	PAGE_CACHE_CREATE = 1 << 0, /* a hole gets a zeroed page */
};
/*
 * The frame of page `index`, with a reference for the caller (frame_free), in *frame; 0 in *frame
 * for a hole without PAGE_CACHE_CREATE.  0, -ENOMEM, -ENOSPC, or what fill said.  Does not look at
 * `size`.  May sleep.
 */
int __must_check page_cache_get(struct page_cache *cache, u64 index, enum page_cache_flags flags,
				phys_t *frame);
/*
 * Finds up to `count` pages that are present from `index` on, without filling: frames[i] is 0 or
 * page index + i with a reference for the caller.  Returns how many are present.  Any context but
 * interrupts.
 */
size_t page_cache_find(struct page_cache *cache, u64 index, size_t count, phys_t *frames);

/* Is page `index` in memory or in swap space?  Any context but interrupts. */
bool page_cache_has(struct page_cache *cache, u64 index);

/*
 * Puts a page in that was read ahead: complete, unless one is there (-EEXIST) or any has been taken
 * out since the caller read page_cache_sequence, before he read the page (-EAGAIN).  On success
 * the cache takes over the reference.  0, -EEXIST, -EAGAIN, -ENOMEM.  Only for caches with fill.
 */
int __must_check page_cache_insert(struct page_cache *cache, u64 index, phys_t frame, u64 sequence);
static inline u64 page_cache_sequence(const struct page_cache *cache)
{
	return __atomic_load_n(&cache->sequence, __ATOMIC_SEQ_CST);
}

/* The file has been changed behind the cache: what others are reading from it just now is not put
 * in. */
static inline void page_cache_outdate(struct page_cache *cache)
{
	__atomic_fetch_add(&cache->sequence, 1, __ATOMIC_SEQ_CST);
}

/* --- Dirty pages: pagecache_dirty.c --- */

/* Page `index` has been changed, just now: it has to be written.  Nothing for caches without
 * ops->write, and for pages that are not in the cache.  Any context but interrupts. */
void page_cache_mark_dirty(struct page_cache *cache, u64 index);
/* Will the page be written back?  Always true for files in memory alone. */
bool page_cache_is_dirty(struct page_cache *cache, u64 index);
/*
 * Writes the dirty ones of pages [first, last].  The owner sees to it that only one thread at a
 * time does, so that whoever comes second finds all of it written.  Mappings lose the pages before
 * they are written, so that later changes are noticed.  0, or the first error: the pages
 * concerned count as written nevertheless.  May sleep.
 */
int __must_check page_cache_write_back(struct page_cache *cache, u64 first, u64 last);
/* The error of write-backs that nobody has heard of yet, or 0: for who has no file open. */
int page_cache_take_error(struct page_cache *cache);
/* Something else went wrong that those who sync the file should hear of; error < 0. */
void page_cache_set_error(struct page_cache *cache, int error);
/*
 * Each open file hears of an error once: it begins with a mark, before which errors are others'
 * unless nobody has heard of them; page_cache_new_error tells the newest one since then, or 0, and
 * moves the mark.
 */
u32 page_cache_error_mark(struct page_cache *cache);
int page_cache_new_error(struct page_cache *cache, u32 *mark);
/* Lets go of up to `count` pages that are clean and that nobody uses just now; how many went.  Only
 * for caches that can fill them again. */
size_t page_cache_shrink(struct page_cache *cache, size_t count);
/*
 * Advice (posix_fadvise).  page_cache_bring reads pages [first, end) while there is enough memory,
 * and stops at the first that cannot be read.  page_cache_give_up writes the dirty ones of [first,
 * last] and lets go of all that nobody uses just now; only of caches that can fill them again.
 * page_cache_set_random: misses read one page (read_ahead.h).  May sleep.
 */
void page_cache_bring(struct page_cache *cache, u64 first, u64 end);
void page_cache_give_up(struct page_cache *cache, u64 first, u64 last);
static inline void page_cache_set_random(struct page_cache *cache, bool random)
{
	WRITE_ONCE(cache->random, random);
}
/* Calls a function for each cache that has ever had a page, and which stays meanwhile; it may
 * sleep. One caller at a time. */
void page_caches_visit(void (*function)(struct page_cache *cache, void *argument), void *argument);

/* Pages that are dirty, of this cache and of all. */
static inline size_t page_cache_dirty_pages(const struct page_cache *cache)
{
	return READ_ONCE(cache->dirty_count);
}
/*
 * For ops->write: makes zeros of what the page at `index` has behind the end of the file, where a
 * program's mapping may have put something; but not of what a write is bringing there.
 */
void page_cache_clear_behind_end(struct page_cache *cache, u64 index, phys_t frame);
size_t page_cache_dirty_total(void);

/* As in /proc/sys/vm; single loads and stores.  Of a share and a number of bytes the one that is
 * not 0 counts. */
struct dirty_settings {
	u32 ratio, background_ratio; /* per cent of the memory that is free or a file's */
	u64 bytes, background_bytes;
	u32 expire_centisecs;    /* what was dirty for so long is written at the next turn */
	u32 writeback_centisecs; /* from turn to turn; 0: never */
};
extern struct dirty_settings dirty_settings;
/* How many pages may be dirty before writers write themselves, or before the background does. */
size_t page_cache_dirty_limit(void);
size_t page_cache_dirty_background(void);

/* lseek's SEEK_DATA and SEEK_HOLE: the position, or -ENXIO at or beyond the end of the file. */
s64 page_cache_seek_data(struct page_cache *cache, u64 position);
s64 page_cache_seek_hole(struct page_cache *cache, u64 position);

/* Pages in the cache now, and pages in swap space: what the file has of memory is both. */
static inline size_t page_cache_pages(const struct page_cache *cache)
{
	return READ_ONCE(cache->page_count);
}
static inline size_t page_cache_swapped(const struct page_cache *cache)
{
	return READ_ONCE(cache->swapped_count);
}
/* Of all files that live in memory alone: pages in memory, and in swap space. */
struct page_cache_totals {
	size_t shared, swapped;
};
void page_cache_get_totals(struct page_cache_totals *totals);

/* Does a program map the file so that it may write to it, shared? (for sealing, and MAP_SHARED
 * refusal) */
static inline bool page_cache_mapped_writable(const struct page_cache *cache)
{
	return READ_ONCE(cache->writable_mappings) != 0;
}

/* Counts as such a mapping, for one on its way. */
static inline void page_cache_hold_writable(struct page_cache *cache)
{
	__atomic_fetch_add(&cache->writable_mappings, 1, __ATOMIC_RELAXED);
}

static inline void page_cache_release_writable(struct page_cache *cache)
{
	__atomic_fetch_sub(&cache->writable_mappings, 1, __ATOMIC_RELAXED);
}

/*
 * What stands behind a mapping of a file.  The file system makes one for mmap (usually embedded in
 * its open file, with get and put counting the file's references); each region holds one reference.
 */
struct backing;

struct backing_ops {
	void (*get)(struct backing *backing);
	void (*put)(struct backing *backing); /* may sleep */
	/* The path, as /proc/PID/maps shows it, into buffer, terminated; its length or negative
	 * errno. */
	ssize_t (*name)(struct backing *backing, char *buffer, size_t size);
	/* Device and inode numbers for /proc/PID/maps. */
	void (*identity)(struct backing *backing, dev_t *device, ino_t *inode);
	/* msync(MS_SYNC) and fsync-like: 0 or negative errno; NULL: nothing to do.  May sleep. */
	int (*sync)(struct backing *backing, u64 start, u64 end);
	/* A shared mapping is about to be written for the first time after it was mapped: update
	 * mtime.  NULL: nothing.  Must not sleep. */
	void (*written)(struct backing *backing);
	/* Makes [start, end) of the file a hole, for madvise(2).  0 or negative errno; NULL:
	 * cannot.  No lock is held; may sleep. */
	int (*punch)(struct backing *backing, u64 start, u64 end);
	/* A region more (+1) or less (-1) maps it.  NULL: nothing.  The cache's mappings_lock is
	 * held; may sleep. */
	void (*mapped)(struct backing *backing, int change);
};

struct backing {
	const struct backing_ops *ops;
	struct page_cache *cache; /* where the pages are */
};

#endif
