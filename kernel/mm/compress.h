/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of compressed pages: where anonymous memory goes first when there is too little.
 *
 * A page becomes an object: a word when the page is that word over and over, else what LZ4 makes of
 * it, packed with others of its size into blocks of frames.  A page that does not get smaller by a
 * fifth is refused.
 *
 * Storing happens when memory is short: it takes frames out of the kernel's reserve, one to four
 * for each block, and gives up without side effects when there are none, or when the pool has
 * reached its share of memory.
 *
 * Everything here may be called with spin locks held and does not sleep, but not from interrupt
 * handlers.  Locks of the pool are innermost but for the frame allocator's and the heap's.
 */
#ifndef MM_COMPRESS_H
#define MM_COMPRESS_H

#include "lib/types.h"

enum compressed_kind { COMPRESSED_WORD, COMPRESSED_PACKED };

/* A page in the pool; the holder keeps it wherever it likes. */
struct compressed {
	u64 value; /* the word, or where it lies: never 0 then */
	enum compressed_kind kind;
};

struct compress_stats {
	size_t words;   /* objects that are a word */
	size_t packed;  /* objects in blocks */
	size_t bytes;   /* of all packed objects, as LZ4 made them */
	size_t frames;  /* of all blocks */
	size_t refused; /* pages since start-up that did not get smaller enough */
	size_t full;    /* … and for which there was no memory, or no share left */
};

/* Boot CPU, once, after heap_init.  Panics when there is no memory. */
void compress_init(void);

/* 0; -E2BIG: the page does not get smaller enough; -ENOMEM: there is no memory, or the pool has had
 * its share.  `page`, of PAGE_SIZE bytes, must not change meanwhile. */
int __must_check compress_store(const void *page, struct compressed *object);
/* Makes the page again.  0, or -EIO: the object was damaged, and `page` holds anything.  The object
 * stays. */
int __must_check compress_load(const struct compressed *object, void *page);
/* The object is no more. */
void compress_free(const struct compressed *object);

/* Frames that the pool may have: a share of memory in per cent, 50 at first; 0 leaves words alone.
 */
u32 compress_get_share(void);
void compress_set_share(u32 percent);
/* Has the pool less than its share? */
bool compress_has_room(void);
/* Frames beyond nine tenths of its share: what should be written elsewhere. */
size_t compress_excess(void);

void compress_get_stats(struct compress_stats *stats);

#endif
