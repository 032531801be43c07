/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the checking build verifies of slab objects.
 *
 * Behind each object lie two words of red zone (its address, mixed with whether it is allocated):
 * writing past the end, freeing twice and freeing what was never allocated all show there.  Caches
 * without constructor also fill free objects with a pattern, which must be whole when the object is
 * allocated again.
 */
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/slab_internal.h"

#ifdef CONFIG_CHECKING

struct mm_checking mm_checking;

enum { POISON_FREE = 0x6b, POISON_NEW = 0x5a };
static const u64 MARK_ALLOCATED = 0xa110ca7ed0b1ec75;
static const u64 MARK_FREE = 0xf4eedf4eedf4eed5;

static u64 *red_zone(const slab_cache_t *cache, void *object)
{
	return (u64 *)((char *)object + cache->size - 16);
}

static void mark(const slab_cache_t *cache, void *object, u64 value)
{
	red_zone(cache, object)[0] = value;
	red_zone(cache, object)[1] = value ^ (u64)object;
}

static bool is_marked(const slab_cache_t *cache, void *object, u64 value)
{
	return red_zone(cache, object)[0] == value &&
	       red_zone(cache, object)[1] == (value ^ (u64)object);
}

void slab_check_new(const slab_cache_t *cache, void *object)
{
	if (cache->ctor == NULL)
		memset(object, POISON_FREE, cache->size - 16);
	mark(cache, object, MARK_FREE);
}

void slab_check_alloc(const slab_cache_t *cache, void *object)
{
	const u8 *bytes = object;

	if (!is_marked(cache, object, MARK_FREE))
		panic("slab %s: object %p was written past its end, or before it, while free",
		      cache->name, object);
	if (cache->ctor == NULL) {
		for (size_t i = 0; i < cache->size - 16; i++)
			if (bytes[i] != POISON_FREE)
				panic("slab %s: object %p was written at byte %zu after it was "
				      "freed",
				      cache->name, object, i);
		memset(object, POISON_NEW, cache->size - 16);
	}
	mark(cache, object, MARK_ALLOCATED);
}

void slab_check_free(const slab_cache_t *cache, void *object)
{
	if (is_marked(cache, object, MARK_FREE))
		panic("slab %s: object %p freed twice", cache->name, object);
	if (!is_marked(cache, object, MARK_ALLOCATED))
		panic("slab %s: object %p was written past its end", cache->name, object);
	slab_check_new(cache, object);
}

#endif
