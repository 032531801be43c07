/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap: anonymous pages that have left their frames.
 *
 * A swapped page has a slot, and a table entry names the slot by its number (swap_entry_t).  Where
 * the bytes are is the slot's business alone: in the pool of compressed pages (compress.h), on a
 * swap area, or still in a frame.  So pages move between those without anyone touching page tables,
 * and swapping works, within the pool's share of memory, without any swap area.
 *
 * A slot counts the table entries that name it.  While it has a frame, that frame is in the swap
 * cache: the slot holds a reference to it, everybody who names the slot gets this one, and nobody
 * may write to it: a frame that belongs to a slot has at least two references once it is mapped.
 *
 * Out, by reclaim:
 *	swap_reserve(frame, &entry)   a slot, with the frame in its cache; count 1
 *	… put `entry` into the table (swap_dup for each table entry more), flush all TLBs …
 *	swap_write(entry)             stores the bytes, and lets go of the frame
 * When swap_write fails the page stays in its frame, where a fault finds it.
 *
 * In, by a fault:
 *	under the leaf's lock         swap_try_in(entry, &frame), or, when that says -EAGAIN:
 *	                              swap_dup(entry), unlock, swap_in(entry, &frame), lock,
 *	                              look whether the entry is still there, swap_free(entry)
 *	… put the frame into the table, read-only …
 *	swap_free(entry)              the table entry names it no more
 *	frame_refs(frame) == 1        then it is this table entry's alone, and may be writable
 *
 * Pages of files that live in memory alone are swapped, too: their page cache holds the slot's one
 * count then.  They differ in that they may be written to as soon as they are back, by everybody
 * who finds them in the cache; so the frame leaves the slot at that moment (swap_detach), and
 * whoever is late with the slot looks into the page cache again.
 *
 * Locks: a chunk of slots has a spin lock, inside of the page tables' locks; inside of it are the
 * locks of areas, of the pool and of the frame allocator.  Functions do not sleep and may be called
 * with spin locks held, but not from interrupt handlers, unless it says otherwise.
 */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "lib/types.h"

/* Never 0. */
typedef u64 swap_entry_t;
#define SWAP_ENTRY_BITS 32

/* Boot CPU, once, after heap_init. */
void swap_init(void);

/* --- Out --- */

/* Is there, as far as one can tell, room for a page more? */
bool swap_has_room(void);

/*
 * A slot with a count for the page in `frame`, of which it takes a reference; the slot that the
 * frame was brought in from if others name that still.  The caller makes sure that nobody writes to
 * the frame from the time that it calls swap_write.  0, or -ENOMEM: no room, or no memory for the
 * slot.
 */
int __must_check swap_reserve(phys_t frame, swap_entry_t *entry);

/* Lets swap_reserve find the slot of a frame that has others who name it, for as long as it is in
 * the slot's cache.  The caller has a count. */
void swap_make_known(swap_entry_t entry);

/*
 * Stores a slot's page in the pool or, if that has no room or it does not compress, on an area;
 * then drops the slot's frame unless somebody else uses it.  0 (also when it was stored before);
 * -ENOMEM: there is no place for it; -E2BIG: it does not compress, and there is no place on an area;
 * -EIO.  Then the frame stays.  The caller has a count of the slot.  May sleep.
 */
int __must_check swap_write(swap_entry_t entry);
/* The same for several: cheaper, since what goes to a device goes together.  Returns how many are
 * stored, and in *error why the others are not: -E2BIG when that is so of all of them. */
size_t __must_check swap_write_many(const swap_entry_t *entries, size_t count, int *error);

/* Both at once, for a frame to which nobody can write; without a trace when it fails.  May sleep.
 */
int __must_check swap_alloc(phys_t frame, swap_entry_t *entry);

/* --- Counts --- */

/* One table entry more; one less, which frees the slot if it was the last.  A count that reaches
 * 2^24 - 1 stays there, and the slot with it.  The caller has a count. */
void swap_dup(swap_entry_t entry);
void swap_free(swap_entry_t entry);
/* How many there are; a snapshot. */
u32 swap_count(swap_entry_t entry);

/* --- In --- */

/*
 * The page in a frame, with a reference for the caller, without sleeping.  0; -EAGAIN: a device has
 * to be read; -ENOMEM: no frame; -EIO: what was stored is damaged; -ENOENT: swap_detach was faster.
 */
int __must_check swap_try_in(swap_entry_t entry, phys_t *frame);
/* The same, and reads the device, with some pages around.  0, or 1 when a device was waited for (a
 * major fault); -ENOMEM, -EIO, -ENOENT.  May sleep; the caller has a count of its own. */
int __must_check swap_in(swap_entry_t entry, phys_t *frame);

/*
 * The page, which is in the caller's frame by swap_in, will be in no slot any more: the slot
 * forgets its frame.  False: somebody reads or writes the slot just now; wait (swap_wait) and try
 * again.  To be called when nobody can ask for the slot any more; for those who have done so
 * already swap_in says -ENOENT, unless it has a copy.  The caller has a count.
 */
bool __must_check swap_detach(swap_entry_t entry, phys_t frame);
/* Would a device have to be read for the page?  A snapshot; the caller has a count. */
bool swap_is_on_area(swap_entry_t entry);
/* Waits until nobody reads or writes the slot.  May sleep; the caller has a count. */
void swap_wait(swap_entry_t entry);

/* The frame in the slot's cache, with a reference for the caller, or 0. */
phys_t __must_check swap_cache_lookup(swap_entry_t entry);

/* --- For the background --- */

/*
 * Drops up to `frames` frames that only slots hold, and stores those that are not stored yet; whose
 * turn it is goes round.  Returns how many were dropped.  May sleep.
 */
size_t swap_cache_shrink(size_t frames);

/* Moves up to `pages` pages from the pool to areas.  Returns how many.  May sleep. */
size_t swap_write_back(size_t pages);
/*
 * Calls `wake` when the pool has more than it should; any context without spin locks of swap; once.
 * Somebody then calls swap_write_back(compress_excess()) from a thread.
 */
void swap_set_write_back_hook(void (*wake)(void));

/* --- Areas: devices and files with room for pages --- */

enum {
	SWAP_AREAS = 32,
	SWAP_PRIORITY_DEFAULT = -1, /* below those without a wish that came before */
	SWAP_PRIORITY_MOST = 0x7fff,
};

struct swap_area_ops {
	/*
	 * Reads or writes `count` pages that lie side by side from page `page` of the area on, to
	 * or from frames.  0, or -EIO.  May sleep; must not wait for memory that only swapping
	 * frees.
	 */
	int (*transfer)(void *device, u64 page, const phys_t *frames, size_t count, bool write);
	/* The area is in use no more. */
	void (*release)(void *device);
};

struct swap_area_description {
	const struct swap_area_ops *ops;
	void *device;
	const void *key; /* by which others know it: the device, if NULL */
	u32 pages;       /* with page 0, the header */
	const u32 *bad;  /* pages not to use, and how many */
	u32 bad_count;
	int priority;     /* SWAP_PRIORITY_DEFAULT, or 0 to SWAP_PRIORITY_MOST */
	const char *name; /* as /proc/swaps shows it; copied */
	bool is_file;
};

/* Starts to use an area.  Its number; -ENOMEM; -EPERM: there are SWAP_AREAS; -EINVAL: no page is
 * good.  May sleep. */
int __must_check swap_area_add(const struct swap_area_description *description);
/*
 * Brings everything that is on the area with that key back to memory, then releases it.  0;
 * -EINVAL: there is none; -ENOMEM: it does not fit, or more has been
 * promised than there would be room for, and the area stays in use; -EIO, likewise; -EINTR:
 * `interrupted`, asked now and then (may be NULL), said so.  May sleep.
 */
int __must_check swap_area_remove(const void *key, bool (*interrupted)(void));
/* Is what has that key an area? */
bool swap_area_exists(const void *key);

/* One area, for people. */
struct swap_area_info {
	char name[128];
	bool is_file;
	size_t pages, used; /* without header and bad pages */
	int priority;
};
/* Information on the area at a place in the order of priority (0, 1, …); false past the last. */
bool swap_area_info(size_t index, struct swap_area_info *info);

/* --- Figures and settings --- */

struct swap_stats {
	size_t total, free; /* pages of areas */
	size_t cached;      /* frames in the swap cache */
	size_t slots;       /* pages swapped */
	u64 in, out;        /* pages read from and written to areas since start-up */
	u64 pool_in, pool_out;
	u64 ahead; /* of those read from areas: not asked for */
};
void swap_get_stats(struct swap_stats *stats);
/* Pages of all areas, for the limits of commitment. */
size_t swap_total_pages(void);

/* As in /proc/sys/vm; single loads and stores. */
struct swap_settings {
	u32 swappiness;   /* 0 to 200: how much reclaim prefers anonymous pages to those of files */
	u32 page_cluster; /* 2^n pages are read at once from a device; 0 to 5 */
};
extern struct swap_settings swap_settings;

#endif
