/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches of equal objects.
 *
 * A cache takes frames from the frame allocator, divides them into objects, and keeps a small
 * magazine of free objects for each CPU.  With a constructor, objects stay constructed while they
 * are free: slab_free takes them back in that state.
 *
 * slab_alloc and slab_free may be called from any context, with any lock held; they do not sleep.
 * The constructor and the destructor run in the caller's context and must not sleep either.
 *
 * Freeing to another cache than the object's is always detected, as are freeing an object twice in
 * a row and a slab's header that was written to.  The checking build detects every double free,
 * writes past an object's end, and writes to free objects, which it keeps from use for a while.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "lib/types.h"

typedef struct slab_cache slab_cache_t;

/*
 * `name` must live as long as the cache.  `size` in bytes, 1 to SLAB_MAX_SIZE; `align` a power of
 * two or 0 for 8.  `ctor` and `dtor` may be NULL.  NULL when there is no memory.  May be called
 * once slab_init has run (start of heap_init).
 */
#define SLAB_MAX_SIZE 8192
slab_cache_t *slab_cache_create(const char *name, size_t size, size_t align,
				void (*ctor)(void *object), void (*dtor)(void *object));
/* All objects must have been freed (panics otherwise), and nobody may use the cache any more. */
void slab_cache_destroy(slab_cache_t *cache);

/* An object (undefined content unless constructed), or NULL. */
void *__must_check slab_alloc(slab_cache_t *cache);
/* The same, filled with zeros; for caches without constructor. */
void *__must_check slab_alloc_zeroed(slab_cache_t *cache);
/* Gives an object back; NULL is allowed. */
void slab_free(slab_cache_t *cache, void *object);

/* Gives free slabs of all caches, and this CPU's magazines, back to the frame allocator.  Returns
 * frames reclaimed. */
size_t slab_shrink_caches(void);

/* One cache, for people: /proc/slabinfo. */
struct slab_info {
	const char *name;
	size_t object_size;
	size_t objects;        /* in all slabs */
	size_t objects_in_use; /* allocated, or waiting in a magazine */
	size_t slabs;
	size_t frames;
};
/* Information on the cache number `index` (0, 1, …); false past the last. */
bool slab_cache_info(size_t index, struct slab_info *info);

/* Called by heap_init. */
void slab_init(void);

#endif
