/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between compress.c (pages and objects) and compress_pool.c (objects and frames).
 */
#ifndef MM_COMPRESS_INTERNAL_H
#define MM_COMPRESS_INTERNAL_H

#include "lib/types.h"

/* Objects lie in places of a multiple of so many bytes, with two bytes for their length. */
enum {
	OBJECT_UNIT = 64,
	OBJECT_HEADER = sizeof(u16),
	OBJECT_CLASSES = 51,
	OBJECT_MOST = OBJECT_CLASSES * OBJECT_UNIT - OBJECT_HEADER,
};

void compress_pool_init(void);

/* Copies `size` bytes, at most OBJECT_MOST, into the pool unless that would then have more than
 * `limit` frames.  Where it lies, or 0. */
u64 __must_check compress_pool_put(const void *bytes, size_t size, size_t limit);
/* Unpacks the object to a page; `whole`, of OBJECT_MOST bytes, is room to work in.  0, or -EIO. */
int __must_check compress_pool_unpack(u64 place, void *page, u8 *whole);
void compress_pool_remove(u64 place);

size_t compress_pool_frames(void);
void compress_pool_count(size_t *objects, size_t *bytes);

#endif
