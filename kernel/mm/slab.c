/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocating and freeing objects; see slab_internal.h for the shape of slabs and the locks.
 *
 * The fast path pops from or pushes to this CPU's magazine with interrupts off and no lock.  An
 * empty magazine is filled half from the slabs, a full one half emptied, so that a run of
 * allocations or frees takes the lock once in a while. (Bonwick, "Magazines and Vmem", USENIX 2001,
 * without the depot.)
 */
#include "mm/slab_internal.h"

#include "lib/assert.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/frame_internal.h"

static struct slab *slab_make(slab_cache_t *cache)
{
	phys_t block = frames_alloc_kind(cache->order, FRAME_SLAB);

	if (block == 0)
		return NULL;
	for (u32 i = 1; i < 1u << cache->order; i++) {
		frame_of(block)[i].kind = FRAME_SLAB;
		frame_of(block)[i].order = (u8)cache->order;
	}
	struct slab *slab = phys_to_virt(block);
	list_init(&slab->link);
	slab->cache = cache;
	slab->free = cache->per_slab;
	memset(slab->map, 0, sizeof(slab->map));
	for (u32 i = 0; i < cache->per_slab; i++) {
		slab->map[i / 64] |= BIT(i % 64);
		slab_check_new(cache, slab_object(cache, slab, i));
		if (cache->ctor != NULL)
			cache->ctor(slab_object(cache, slab, i));
	}
	cache->slabs++;
	return slab;
}

void slab_destroy_locked(slab_cache_t *cache, struct slab *slab)
{
	phys_t block = virt_to_phys(slab);

	if (cache->dtor != NULL)
		for (u32 i = 0; i < cache->per_slab; i++)
			cache->dtor(slab_object(cache, slab, i));
	for (u32 i = 1; i < 1u << cache->order; i++) {
		frame_of(block)[i].kind = FRAME_RESERVED;
		frame_of(block)[i].order = 0;
	}
	cache->slabs--;
	frames_free(block, cache->order);
}

static struct slab *usable_slab(slab_cache_t *cache)
{
	if (!list_empty(&cache->partial))
		return list_first_entry(&cache->partial, struct slab, link);
	struct slab *slab;
	if (!list_empty(&cache->empty)) {
		slab = list_first_entry(&cache->empty, struct slab, link);
		list_remove(&slab->link);
		cache->empty_slabs--;
	} else {
		slab = slab_make(cache);
		if (slab == NULL)
			return NULL;
	}
	list_add(&slab->link, &cache->partial);
	return slab;
}

u32 slab_take_locked(slab_cache_t *cache, void **objects, u32 wanted)
{
	u32 got = 0;

	while (got < wanted) {
		struct slab *slab = usable_slab(cache);
		if (slab == NULL)
			break;
		for (u32 word = 0; word < SLAB_MAP_WORDS && got < wanted; word++)
			while (slab->map[word] != 0 && got < wanted) {
				u32 bit = (u32)__builtin_ctzll(slab->map[word]);
				slab->map[word] &= slab->map[word] - 1;
				slab->free--;
				objects[got++] = slab_object(cache, slab, word * 64 + bit);
			}
		if (slab->free == 0)
			list_remove(&slab->link);
	}
	cache->in_use += got;
	return got;
}

void slab_put_locked(slab_cache_t *cache, void *object)
{
	struct slab *slab = slab_of(object);
	u32 index = slab_object_index(cache, slab, object);

	if (unlikely(index >= cache->per_slab || slab_object(cache, slab, index) != object ||
		     (slab->map[index / 64] & BIT(index % 64))))
		panic("slab %s: %p is no object in use", cache->name, object);
	slab->map[index / 64] |= BIT(index % 64);
	cache->in_use--;
	if (slab->free++ == 0)
		list_add(&slab->link, &cache->partial);
	if (slab->free < cache->per_slab)
		return;
	list_remove(&slab->link);
	if (cache->empty_slabs > 0) {
		slab_destroy_locked(cache, slab);
	} else {
		list_add(&slab->link, &cache->empty);
		cache->empty_slabs++;
	}
}

/* No magazine, or an empty one.  Interrupts off. */
static void *alloc_slow(slab_cache_t *cache)
{
	struct magazine *magazine = cache->magazines[cpu_id()];
	void *object = NULL;

	if (magazine == NULL && cache->limit != 0) {
		magazine = slab_magazine_create();
		cache->magazines[cpu_id()] = magazine;
	}
	spin_lock(&cache->lock);
	if (magazine != NULL) {
		magazine->count = slab_take_locked(cache, magazine->objects, cache->limit / 2);
		if (magazine->count != 0)
			object = magazine->objects[--magazine->count];
	} else if (slab_take_locked(cache, &object, 1) == 0) {
		object = NULL;
	}
	spin_unlock(&cache->lock);
	return object;
}

void *slab_alloc(slab_cache_t *cache)
{
	if (checking_must_fail())
		return NULL;
	unsigned long flags = irq_save();
	struct magazine *magazine = cache->magazines[cpu_id()];
	void *object;

	if (likely(magazine != NULL && magazine->count != 0))
		object = magazine->objects[--magazine->count];
	else
		object = alloc_slow(cache);
	irq_restore(flags);
	if (likely(object != NULL))
		slab_check_alloc(cache, object);
	return object;
}

void *slab_alloc_zeroed(slab_cache_t *cache)
{
	void *object = slab_alloc(cache);

	if (object != NULL)
		memset(object, 0, slab_usable_size(cache));
	return object;
}

/* No magazine, or a full one.  Interrupts off. */
static void free_slow(slab_cache_t *cache, void *object)
{
	struct magazine *magazine = cache->magazines[cpu_id()];

	spin_lock(&cache->lock);
	if (magazine == NULL) {
		slab_put_locked(cache, object);
	} else {
		while (magazine->count > cache->limit / 2)
			slab_put_locked(cache, magazine->objects[--magazine->count]);
		magazine->objects[magazine->count++] = object;
	}
	spin_unlock(&cache->lock);
}

void slab_free(slab_cache_t *cache, void *object)
{
	if (object == NULL)
		return;
	if (unlikely(frame_of(virt_to_phys(object))->kind != FRAME_SLAB ||
		     slab_of(object)->cache != cache))
		panic("slab %s: %p belongs elsewhere", cache->name, object);
	slab_check_free(cache, object);
	unsigned long flags = irq_save();
	struct magazine *magazine = cache->magazines[cpu_id()];
	if (likely(magazine != NULL && magazine->count < cache->limit))
		magazine->objects[magazine->count++] = object;
	else
		free_slow(cache, object);
	irq_restore(flags);
}

void slab_flush_magazine(slab_cache_t *cache)
{
	struct magazine *magazine = cache->magazines[cpu_id()];

	if (magazine == NULL)
		return;
	spin_lock(&cache->lock);
	while (magazine->count > 0)
		slab_put_locked(cache, magazine->objects[--magazine->count]);
	spin_unlock(&cache->lock);
}
