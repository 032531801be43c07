/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between slab.c (allocation), slab_cache.c (making and shrinking caches) and slab_check.c (what
 * the checking build verifies).
 *
 * A slab is a block of 2^order frames, aligned to its size: a header, then objects.  Bit n of `map`
 * is set while object n is free; objects in magazines count as in use.  Slabs with some free
 * objects are on `partial`, those with all free on `empty`, full ones on no list.
 *
 * Nothing that the allocator believes lies in free objects: which are free is in the header, and in
 * magazines, which are objects of a cache of their own.  A header's guard, made of its address, its
 * cache and a secret of this boot, is checked before the header is believed, and links before they
 * are followed, so writing past an object ends in a panic rather than in an object handed out
 * twice.
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
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "mm/wipe.h"

enum { SLAB_MAX_OBJECTS = 256, SLAB_MAP_WORDS = SLAB_MAX_OBJECTS / 64, MAGAZINE_LIMIT = 32 };

struct magazine {
	u32 count;
	void *objects[MAGAZINE_LIMIT + 1]; /* the first is NULL, for ever; the last free one is
					      objects[count] */
};

struct slab {
	struct list_head link;
	slab_cache_t *cache;
	u32 free;
	u32 guard; /* slab_guard */
	u64 map[SLAB_MAP_WORDS];
};

/*
 * The checking build keeps the objects that were freed last from being handed out again, so that
 * who still writes to them meets the pattern of a free object and not its next user.
 */
#ifdef CONFIG_CHECKING
enum { QUARANTINE_LIMIT = 16 };
struct quarantine {
	void *objects[QUARANTINE_LIMIT]; /* a ring; NULL: none yet */
	u32 next;
};
#else
struct quarantine {
};
#endif

struct slab_cache {
	const char *name;
	u32 object_size; /* as asked for */
	u32 size;        /* distance of two objects */
	u32 first;       /* offset of the first object */
	u32 per_slab;    /* objects in a slab */
	u32 order;       /* frames of a slab: 2^order */
	u32 limit;       /* objects that a magazine may hold; 0: no magazines */
	u32 reciprocal;  /* 2^32 / size, rounded up: for object numbers without division */
	void (*ctor)(void *object);
	void (*dtor)(void *object);
	spinlock_t lock;
	struct list_head partial, empty;
	u32 slabs, empty_slabs;
	u64 in_use; /* objects, those in magazines included */
	struct quarantine quarantine;
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

extern u32 slab_secret; /* set once */

static inline u32 slab_guard(const struct slab *slab)
{
	return (u32)(((u64)(vaddr_t)slab + (u64)(vaddr_t)slab->cache) >> 6) ^ slab_secret;
}

/* The panic of who finds a slab whose header somebody else has written to. */
void slab_corrupt(const struct slab *slab) __noreturn;

/* The cache of an object, or a panic. */
static inline slab_cache_t *slab_cache_of(const void *object)
{
	const struct slab *slab = slab_of(object);

	if (unlikely(slab->guard != slab_guard(slab)))
		slab_corrupt(slab);
	return slab->cache;
}

/* An empty magazine, or NULL. */
struct magazine *slab_magazine_create(void);

/* Frees what objects this CPU's magazine, and the quarantine, hold.  Lock held, interrupts off. */
void slab_flush_locked(slab_cache_t *cache);
/* The same for one magazine.  Lock held. */
void slab_empty_magazine_locked(slab_cache_t *cache, struct magazine *magazine);

/* Frees what can be freed at once, in any context: tries locks only, leaves caches with a
 * destructor alone.  Returns frames freed. */
size_t slab_reclaim(void);

/*
 * The checking build's part (slab_check.c); nothing in the release build.  Behind each object is a
 * trailer: its state mixed with its address, how much of the object was asked for, and the call
 * site that allocated or freed it last.  Free objects are filled with a pattern (those of caches
 * with a constructor have a checksum instead), and so is what lies between the size asked for and
 * the trailer of objects in use; both must be whole when the object is freed or allocated again.
 */
#ifdef CONFIG_CHECKING

struct slab_trailer {
	u64 mark, mixed;
	u32 size, checksum;
	vaddr_t site;
};
enum { SLAB_TRAILER = sizeof(struct slab_trailer) };

void slab_check_new(const slab_cache_t *cache, void *object);
void slab_check_alloc(const slab_cache_t *cache, void *object, size_t size, vaddr_t site);
void slab_check_free(const slab_cache_t *cache, void *object, vaddr_t site);
/* Puts a freed object into the quarantine; returns the one that leaves it, or NULL. */
void *slab_check_quarantine(slab_cache_t *cache, void *object);
/* Takes one object out of the quarantine; NULL when there is none.  Lock held. */
void *slab_check_release_locked(slab_cache_t *cache);
/* The user of an object wants to use another size of it. */
void slab_check_resize(const slab_cache_t *cache, void *object, size_t size);
/* The size that its user asked for. */
size_t slab_check_size(const slab_cache_t *cache, const void *object);

/* slab_alloc and slab_free for a caller who has callers of its own to blame. */
void *__must_check slab_alloc_for(slab_cache_t *cache, size_t size, vaddr_t site);
void slab_free_for(slab_cache_t *cache, void *object, vaddr_t site);

#else

enum { SLAB_TRAILER = 0 };

static inline void slab_check_new(const slab_cache_t *cache __unused, void *object __unused) {}
static inline void slab_check_alloc(const slab_cache_t *cache __unused, void *object __unused,
				    size_t size __unused, vaddr_t site __unused)
{
}
/* The checking build fills what is free with a pattern; without it, init_on_free may clear it. */
static inline void slab_check_free(const slab_cache_t *cache, void *object, vaddr_t site __unused)
{
	if (unlikely(wipe.on_free) && cache->ctor == NULL)
		memset(object, 0, cache->object_size);
}
static inline void *slab_check_quarantine(slab_cache_t *cache __unused, void *object)
{
	return object;
}
static inline void *slab_check_release_locked(slab_cache_t *cache __unused)
{
	return NULL;
}
static inline void slab_check_resize(const slab_cache_t *cache __unused, void *object __unused,
				     size_t size __unused)
{
}
static inline size_t slab_check_size(const slab_cache_t *cache, const void *object __unused)
{
	return cache->object_size;
}
static inline void *slab_alloc_for(slab_cache_t *cache, size_t size __unused, vaddr_t site __unused)
{
	return slab_alloc(cache);
}
static inline void slab_free_for(slab_cache_t *cache, void *object, vaddr_t site __unused)
{
	slab_free(cache, object);
}

#endif

/* How far it is to the trailer. */
static inline size_t slab_capacity(const slab_cache_t *cache)
{
	return cache->size - SLAB_TRAILER;
}

#endif
