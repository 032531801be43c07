/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading more of a file than was asked for, once misses follow each other: one page, then four
 * times as many each time.
 *
 * The page that was asked for comes in the frame of who asks; the others in frames that are put
 * into the cache if nothing has happened there meanwhile.
 */
#ifndef MM_READ_AHEAD_H
#define MM_READ_AHEAD_H

#include "mm/pagecache.h"

enum { READ_AHEAD_LIMIT = 128 }; /* pages */

/* What is remembered of a file.  Hints, without a lock: two readers at once spoil the guess alone. */
struct read_ahead {
	u64 end;   /* where a reader would miss next, if he goes on */
	u32 pages; /* how many were read last */
};

/* How many pages to read for a miss at `index`, of a file of `pages`: 1 to READ_AHEAD_LIMIT. */
u32 read_ahead_count(struct read_ahead *state, u64 index, u64 pages);
/*
 * Frames for the pages behind `index`, up to the first that is there: frames[1 .. result - 1];
 * frames[0] is the caller's.  How many in all, at most `wanted`.  Any context that may allocate.
 */
u32 read_ahead_frames(struct page_cache *cache, u64 index, u32 wanted, phys_t *frames);
/* Puts frames[1 ...] into the cache, or, after an error, frees them.  `sequence` is
 * page_cache_sequence of before they were read. */
void read_ahead_insert(struct page_cache *cache, u64 index, const phys_t *frames, u32 count,
		       u64 sequence, int error);

#endif
