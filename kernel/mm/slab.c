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

u32 slab_secret;

void slab_corrupt(const struct slab *slab)
{
	panic("slab at %p: its header was overwritten", (const void *)slab);
}

/* Takes a slab off its list, unless somebody has written to its links. */
static void unlink_slab(struct slab *slab)
{
	if (unlikely(slab->link.next->prev != &slab->link || slab->link.prev->next != &slab->link))
		slab_corrupt(slab);
	list_remove(&slab->link);
}

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
	slab->guard = slab_guard(slab);
	memset(slab->map, 0, sizeof(slab->map));
	for (u32 i = 0; i < cache->per_slab; i++) {
		slab->map[i / 64] |= BIT(i % 64);
		if (cache->ctor != NULL)
			cache->ctor(slab_object(cache, slab, i));
		slab_check_new(cache, slab_object(cache, slab, i));
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
		unlink_slab(slab);
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
		if (unlikely(slab->cache != cache || slab->guard != slab_guard(slab)))
			slab_corrupt(slab);
		for (u32 word = 0; word < SLAB_MAP_WORDS && got < wanted; word++)
			while (slab->map[word] != 0 && got < wanted) {
				u32 bit = (u32)__builtin_ctzll(slab->map[word]);
				slab->map[word] &= slab->map[word] - 1;
				slab->free--;
				objects[got++] = slab_object(cache, slab, word * 64 + bit);
			}
		if (slab->free == 0)
			unlink_slab(slab);
	}
	cache->in_use += got;
	return got;
}

void slab_put_locked(slab_cache_t *cache, void *object)
{
	struct slab *slab = slab_of(object);
	u32 index = slab_object_index(cache, slab, object);

	if (unlikely(slab->guard != slab_guard(slab)))
		slab_corrupt(slab);
	if (unlikely(index >= cache->per_slab || slab_object(cache, slab, index) != object ||
		     (slab->map[index / 64] & BIT(index % 64))))
		panic("slab %s: %p is no object in use", cache->name, object);
	slab->map[index / 64] |= BIT(index % 64);
	cache->in_use--;
	if (slab->free++ == 0)
		list_add(&slab->link, &cache->partial);
	if (slab->free < cache->per_slab)
		return;
	unlink_slab(slab);
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
		magazine->count = slab_take_locked(cache, magazine->objects + 1, cache->limit / 2);
		if (magazine->count != 0)
			object = magazine->objects[magazine->count--];
	} else if (slab_take_locked(cache, &object, 1) == 0) {
		object = NULL;
	}
	spin_unlock(&cache->lock);
	return object;
}

static inline void *alloc_object(slab_cache_t *cache, size_t size, vaddr_t site)
{
	if (checking_must_fail())
		return NULL;
	unsigned long flags = irq_save();
	struct magazine *magazine = cache->magazines[cpu_id()];
	void *object;

	if (likely(magazine != NULL && magazine->count != 0))
		object = magazine->objects[magazine->count--];
	else
		object = alloc_slow(cache);
	irq_restore(flags);
	if (likely(object != NULL)) {
		slab_check_alloc(cache, object, size, site);
		if (unlikely(wipe.on_alloc) && cache->ctor == NULL)
			memset(object, 0, size);
		tracking_note_alloc(object, size, site);
	}
	return object;
}

void *slab_alloc(slab_cache_t *cache)
{
	return alloc_object(cache, cache->object_size, CALL_SITE());
}

void *slab_alloc_zeroed(slab_cache_t *cache)
{
	void *object = alloc_object(cache, cache->object_size, CALL_SITE());

	if (object != NULL)
		memset(object, 0, cache->object_size);
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
			slab_put_locked(cache, magazine->objects[magazine->count--]);
		magazine->objects[++magazine->count] = object;
	}
	spin_unlock(&cache->lock);
}

static inline void free_object(slab_cache_t *cache, void *object, vaddr_t site)
{
	if (object == NULL)
		return;
	if (unlikely(frame_of(virt_to_phys(object))->kind != FRAME_SLAB ||
		     slab_of(object)->cache != cache))
		panic("slab %s: %p belongs elsewhere", cache->name, object);
	tracking_note_free(object);
	slab_check_free(cache, object, site);
	object = slab_check_quarantine(cache, object);
	if (object == NULL)
		return;
	unsigned long flags = irq_save();
	struct magazine *magazine = cache->magazines[cpu_id()];
	if (likely(magazine != NULL && magazine->count < cache->limit)) {
		if (unlikely(magazine->objects[magazine->count] == object))
			panic("slab %s: object %p freed twice", cache->name, object);
		magazine->objects[++magazine->count] = object;
	} else {
		free_slow(cache, object);
	}
	irq_restore(flags);
}

void slab_free(slab_cache_t *cache, void *object)
{
	free_object(cache, object, CALL_SITE());
}

#ifdef CONFIG_CHECKING

void *slab_alloc_for(slab_cache_t *cache, size_t size, vaddr_t site)
{
	return alloc_object(cache, size, site);
}

void slab_free_for(slab_cache_t *cache, void *object, vaddr_t site)
{
	free_object(cache, object, site);
}

#endif

void slab_empty_magazine_locked(slab_cache_t *cache, struct magazine *magazine)
{
	while (magazine->count > 0)
		slab_put_locked(cache, magazine->objects[magazine->count--]);
}

void slab_flush_locked(slab_cache_t *cache)
{
	struct magazine *magazine = cache->magazines[cpu_id()];
	void *object;

	if (magazine != NULL)
		slab_empty_magazine_locked(cache, magazine);
	while ((object = slab_check_release_locked(cache)) != NULL)
		slab_put_locked(cache, object);
}
