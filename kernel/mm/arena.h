/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An arena: blocks of any size out of one range of memory, for use before the heap exists.
 *
 * It needs nothing but the range: no frames, no descriptors, no initialised floor below it.  Which
 * free block serves a request is the arena's strategy.  The general heap (kmalloc.h) is faster and
 * wastes less once it runs.
 *
 * No locks: before the heap there is one CPU; an arena used later is locked by its owner.
 */
#ifndef MM_ARENA_H
#define MM_ARENA_H

#include "lib/list.h"
#include "lib/types.h"

enum arena_strategy {
	ARENA_FIRST_FIT, /* the lowest block that is large enough: fast, keeps high memory whole */
	ARENA_BEST_FIT,  /* the smallest one: leaves large blocks whole, searches all */
};

struct arena {
	char *start, *end; /* of the blocks */
	enum arena_strategy strategy;
	struct list_head free; /* free blocks, by address */
};

struct arena_stats {
	size_t total;   /* bytes of the arena, headers included */
	size_t free;    /* bytes in free blocks, headers included */
	size_t largest; /* the largest request without alignment that would succeed */
	size_t free_blocks;
	size_t used_blocks;
};

/* Makes an arena of `size` bytes at `start`, which must be mapped and writable.  0, or -EINVAL when
 * there is no room for a block. */
int __must_check arena_init(struct arena *arena, void *start, size_t size,
			    enum arena_strategy strategy);

/*
 * `size` bytes of undefined content, aligned to `align` (a power of two, or 0 for 16); NULL when no
 * free block is large enough, or `align` is wrong.
 */
void *__must_check arena_alloc(struct arena *arena, size_t size, size_t align);
/* Frees a block and joins it with free neighbours; NULL is allowed.  Panics on what is no block in
 * use, and on a block whose header was overwritten. */
void arena_free(struct arena *arena, void *block);

void arena_get_stats(const struct arena *arena, struct arena_stats *stats);

#endif
