/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between slab.c (allocation), slab_cache.c (making and shrinking caches) and slab_check.c (what
 * the checking build verifies).
 *
 * A slab is a block of 2^order frames, aligned to its size: a header, then objects.  Bit n of `map`
 * is set while object n is free; objects in magazines count as in use.  Slabs with some free
 * objects are on `partial`, those with all free on `empty`, full ones on no list.
 *
 * Locks: magazines belong to their CPU (interrupts off); everything else of a cache to its `lock`,
 * taken with interrupts off, outside of the zones' locks.  The list of caches has a lock of its
 * own, taken first.
 */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

#include "arch/mmu.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "mm/slab.h"

enum { SLAB_MAX_OBJECTS = 256, SLAB_MAP_WORDS = SLAB_MAX_OBJECTS / 64, MAGAZINE_LIMIT = 32 };

struct magazine {
	u32 count;
	void *objects[MAGAZINE_LIMIT];
};

struct slab {
	struct list_head link;
	slab_cache_t *cache;
	u32 free;
	u64 map[SLAB_MAP_WORDS];
};

struct slab_cache {
	const char *name;
	u32 size;       /* distance of two objects */
	u32 first;      /* offset of the first object */
	u32 per_slab;   /* objects in a slab */
	u32 order;      /* frames of a slab: 2^order */
	u32 limit;      /* objects that a magazine may hold; 0: no magazines */
	u32 reciprocal; /* 2^32 / size, rounded up: for object numbers without division */
	void (*ctor)(void *object);
	void (*dtor)(void *object);
	spinlock_t lock;
	struct list_head partial, empty;
	u32 slabs, empty_slabs;
	u64 in_use;                           /* objects, those in magazines included */
	struct list_head link;                /* in the list of caches */
	struct magazine *magazines[MAX_CPUS]; /* NULL until the CPU first needs it */
};

/* The slab of an object. */
static inline struct slab *slab_of(const void *object)
{
	const struct frame *frame = frame_of(virt_to_phys(object));

	return (struct slab *)ALIGN_DOWN((vaddr_t)object, PAGE_SIZE << frame->order);
}

static inline u32 slab_object_index(const slab_cache_t *cache, const struct slab *slab,
				    const void *object)
{
	u32 offset = (u32)((vaddr_t)object - (vaddr_t)slab) - cache->first;

	return (u32)((u64)offset * cache->reciprocal >> 32);
}

static inline void *slab_object(const slab_cache_t *cache, struct slab *slab, u32 index)
{
	return (char *)slab + cache->first + (size_t)index * cache->size;
}

/* Takes objects out of slabs, making new slabs as needed: up to `wanted`, returns how many.  Lock
 * held. */
u32 slab_take_locked(slab_cache_t *cache, void **objects, u32 wanted);
/* Puts one back.  Lock held. */
void slab_put_locked(slab_cache_t *cache, void *object);
/* Frees a slab that is on no list.  Lock held. */
void slab_destroy_locked(slab_cache_t *cache, struct slab *slab);

/* What a user may write of an object. */
size_t slab_usable_size(const slab_cache_t *cache);

/* An empty magazine, or NULL. */
struct magazine *slab_magazine_create(void);

/* Frees what objects this CPU's magazine holds.  Interrupts off. */
void slab_flush_magazine(slab_cache_t *cache);

/*
 * The checking build's part (slab_check.c); nothing in the release build.  On freeing, a free
 * object is filled with a pattern whose first word tells a double free; on allocation the pattern
 * must be whole.
 */
#ifdef CONFIG_CHECKING
void slab_check_new(const slab_cache_t *cache, void *object);
void slab_check_alloc(const slab_cache_t *cache, void *object);
void slab_check_free(const slab_cache_t *cache, void *object);
#else
static inline void slab_check_new(const slab_cache_t *cache __unused, void *object __unused) {}
static inline void slab_check_alloc(const slab_cache_t *cache __unused, void *object __unused) {}
static inline void slab_check_free(const slab_cache_t *cache __unused, void *object __unused) {}
#endif

#endif
