/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, destroying, shrinking and listing caches.
 *
 * Caches themselves, and magazines, are objects of two caches that exist from the start and have no
 * magazines of their own.
 */
#include "mm/slab_internal.h"

#include "lib/panic.h"
#include "lib/string.h"

static slab_cache_t cache_cache, magazine_cache;
static struct list_head caches = LIST_INIT(caches); /* caches_lock */
static spinlock_t caches_lock; /* interrupts on; outside of the caches' locks */

enum {
	MAX_ORDER = 3,
	FEW_OBJECTS = 8, /* a slab with fewer wastes too much of its header and end */
};

static u32 magazine_limit(u32 size)
{
	if (size <= 256)
		return MAGAZINE_LIMIT;
	return size <= 1024 ? 16 : 4;
}

static void cache_init(slab_cache_t *cache, const char *name, size_t object_size, size_t align)
{
	align = MAX(align, (size_t)8);
	size_t size = ALIGN_UP(ALIGN_UP(object_size, 8) + SLAB_TRAILER, align);
	*cache = (slab_cache_t){
		.name = name,
		.object_size = (u32)object_size,
		.size = (u32)size,
		.first = (u32)ALIGN_UP(sizeof(struct slab), align),
		.reciprocal = (u32)((BIT(32) + size - 1) / size),
	};
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		cache->order = order;
		cache->per_slab = (u32)(((PAGE_SIZE << order) - cache->first) / size);
		if (cache->per_slab >= FEW_OBJECTS)
			break;
	}
	cache->per_slab = MIN(cache->per_slab, (u32)SLAB_MAX_OBJECTS);
	spin_lock_init(&cache->lock);
	list_init(&cache->partial);
	list_init(&cache->empty);
	spin_lock(&caches_lock);
	list_add_tail(&cache->link, &caches);
	spin_unlock(&caches_lock);
}

void slab_init(void)
{
	u64 random;

	if (!cpu_random(&random))
		random = cpu_cycles() * 0x9e3779b97f4a7c15;
	slab_secret = (u32)(random >> 32);
	cache_init(&cache_cache, "slab_cache", sizeof(slab_cache_t), 0);
	cache_init(&magazine_cache, "magazine", sizeof(struct magazine), 0);
	frame_set_reclaimer(slab_reclaim);
}

struct magazine *slab_magazine_create(void)
{
	struct magazine *magazine = slab_alloc(&magazine_cache);

	if (magazine != NULL) {
		magazine->count = 0;
		magazine->objects[0] = NULL;
	}
	return magazine;
}

slab_cache_t *slab_cache_create(const char *name, size_t size, size_t align, void (*ctor)(void *),
				void (*dtor)(void *))
{
	if (size == 0 || size > SLAB_MAX_SIZE || (align & (align - 1)) != 0 || align > PAGE_SIZE)
		return NULL;
	slab_cache_t *cache = slab_alloc(&cache_cache);
	if (cache == NULL)
		return NULL;
	cache_init(cache, name, size, align);
	cache->limit = magazine_limit(cache->size);
	cache->ctor = ctor;
	cache->dtor = dtor;
	return cache;
}

/* Lock held, interrupts off. */
static size_t shrink_locked(slab_cache_t *cache)
{
	size_t frames = 0;

	slab_flush_locked(cache);
	while (!list_empty(&cache->empty)) {
		struct slab *slab = list_first_entry(&cache->empty, struct slab, link);
		list_remove(&slab->link);
		cache->empty_slabs--;
		slab_destroy_locked(cache, slab);
		frames += (size_t)1 << cache->order;
	}
	return frames;
}

static size_t shrink(slab_cache_t *cache)
{
	unsigned long flags = spin_lock_irqsave(&cache->lock);
	size_t frames = shrink_locked(cache);

	spin_unlock_irqrestore(&cache->lock, flags);
	return frames;
}

size_t slab_shrink_caches(void)
{
	size_t frames = 0;
	slab_cache_t *cache;

	spin_lock(&caches_lock);
	list_for_each_entry (cache, &caches, link)
		frames += shrink(cache);
	spin_unlock(&caches_lock);
	return frames;
}

/* The caller may hold the lock of any cache: of the one that wants a slab, for example. */
size_t slab_reclaim(void)
{
	size_t frames = 0;
	slab_cache_t *cache;

	if (!spin_trylock(&caches_lock))
		return 0;
	list_for_each_entry (cache, &caches, link) {
		if (cache->dtor != NULL)
			continue;
		unsigned long flags = irq_save();
		if (spin_trylock(&cache->lock)) {
			frames += shrink_locked(cache);
			spin_unlock(&cache->lock);
		}
		irq_restore(flags);
	}
	spin_unlock(&caches_lock);
	return frames;
}

/* Other CPUs' magazines are ours here, since nobody uses the cache any more. */
void slab_cache_destroy(slab_cache_t *cache)
{
	spin_lock(&caches_lock);
	list_remove(&cache->link);
	spin_unlock(&caches_lock);
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct magazine *magazine = cache->magazines[cpu];
		if (magazine == NULL)
			continue;
		unsigned long flags = spin_lock_irqsave(&cache->lock);
		slab_empty_magazine_locked(cache, magazine);
		spin_unlock_irqrestore(&cache->lock, flags);
		slab_free(&magazine_cache, magazine);
		cache->magazines[cpu] = NULL;
	}
	shrink(cache);
	if (cache->slabs != 0)
		panic("slab %s destroyed with %lu objects in use", cache->name,
		      (unsigned long)cache->in_use);
	slab_free(&cache_cache, cache);
}

bool slab_cache_info(size_t index, struct slab_info *info)
{
	bool found = false;
	slab_cache_t *cache;

	spin_lock(&caches_lock);
	list_for_each_entry (cache, &caches, link) {
		if (index-- != 0)
			continue;
		*info = (struct slab_info){
			.name = cache->name,
			.object_size = cache->size,
			.objects = (size_t)cache->slabs * cache->per_slab,
			.objects_in_use = cache->in_use,
			.slabs = cache->slabs,
			.frames = (size_t)cache->slabs << cache->order,
		};
		found = true;
		break;
	}
	spin_unlock(&caches_lock);
	return found;
}
