/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the checking build verifies of slab objects: see slab_internal.h for the trailer.
 *
 * Writing past the end, freeing twice and freeing what was never allocated show in the trailer or
 * in the pad before it; writing to a free object shows in its pattern, when it leaves the
 * quarantine or is allocated again.  The panic names the call site that had the object last.
 */
#include "arch/machine.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/meminfo.h"
#include "mm/slab_internal.h"

#ifdef CONFIG_CHECKING

struct mm_checking mm_checking;

enum { POISON_FREE = 0x6b, POISON_NEW = 0x5a, POISON_PAD = 0xbb };
static const u64 MARK_ALLOCATED = 0xa110ca7ed0b1ec75;
static const u64 MARK_FREE = 0xf4eedf4eedf4eed5;

static struct slab_trailer *trailer_of(const slab_cache_t *cache, const void *object)
{
	return (struct slab_trailer *)((char *)object + slab_capacity(cache));
}

static void mark(const slab_cache_t *cache, void *object, u64 value)
{
	struct slab_trailer *trailer = trailer_of(cache, object);

	trailer->mark = value;
	trailer->mixed = value ^ (u64)(vaddr_t)object;
}

static bool is_marked(const slab_cache_t *cache, const void *object, u64 value)
{
	const struct slab_trailer *trailer = trailer_of(cache, object);

	return trailer->mark == value && trailer->mixed == (value ^ (u64)(vaddr_t)object);
}

/* Panics with what is wrong with an object, and who had it last. */
static void __noreturn report(const slab_cache_t *cache, const void *object, const char *what)
{
	vaddr_t site = trailer_of(cache, object)->site;
	size_t offset = 0;
	const char *name = symbol_lookup(site, &offset);

	mem_dump(object, MIN(cache->size, 128));
	panic("slab %s: object %p %s; allocated or freed last at %#lx %s+%#zx", cache->name, object,
	      what, (unsigned long)site, name != NULL ? name : "", offset);
}

static u32 checksum(const slab_cache_t *cache, const void *object)
{
	const u8 *bytes = object;
	u32 sum = 2166136261;

	for (u32 i = 0; i < cache->object_size; i++)
		sum = (sum ^ bytes[i]) * 16777619;
	return sum;
}

/* The first byte of [from, to) that is not `pattern`, or `to`. */
static size_t find_change(const void *object, size_t from, size_t to, u8 pattern)
{
	const u8 *bytes = object;

	while (from < to && bytes[from] == pattern)
		from++;
	return from;
}

void slab_check_new(const slab_cache_t *cache, void *object)
{
	if (cache->ctor == NULL)
		memset(object, POISON_FREE, slab_capacity(cache));
	else
		trailer_of(cache, object)->checksum = checksum(cache, object);
	mark(cache, object, MARK_FREE);
}

/* Is a free object as it was left? */
static void check_free_object(const slab_cache_t *cache, const void *object)
{
	if (!is_marked(cache, object, MARK_FREE))
		report(cache, object, "was written past its end, or before it, while free");
	if (cache->ctor != NULL ? checksum(cache, object) != trailer_of(cache, object)->checksum
				: find_change(object, 0, slab_capacity(cache), POISON_FREE) !=
					  slab_capacity(cache))
		report(cache, object, "was written after it was freed");
}

static void set_size(const slab_cache_t *cache, void *object, size_t size)
{
	trailer_of(cache, object)->size = (u32)size;
	memset((char *)object + size, POISON_PAD, slab_capacity(cache) - size);
}

void slab_check_alloc(const slab_cache_t *cache, void *object, size_t size, vaddr_t site)
{
	check_free_object(cache, object);
	if (cache->ctor == NULL)
		memset(object, POISON_NEW, size);
	set_size(cache, object, size);
	trailer_of(cache, object)->site = site;
	mark(cache, object, MARK_ALLOCATED);
}

/* Is an object in use, and has nobody written past its end? */
static void check_used_object(const slab_cache_t *cache, const void *object)
{
	const struct slab_trailer *trailer = trailer_of(cache, object);

	if (is_marked(cache, object, MARK_FREE))
		report(cache, object, "freed twice");
	if (!is_marked(cache, object, MARK_ALLOCATED) || trailer->size > slab_capacity(cache) ||
	    find_change(object, trailer->size, slab_capacity(cache), POISON_PAD) !=
		    slab_capacity(cache))
		report(cache, object, "was written past its end");
}

void slab_check_free(const slab_cache_t *cache, void *object, vaddr_t site)
{
	check_used_object(cache, object);
	trailer_of(cache, object)->site = site;
	slab_check_new(cache, object);
}

void slab_check_resize(const slab_cache_t *cache, void *object, size_t size)
{
	check_used_object(cache, object);
	set_size(cache, object, size);
}

size_t slab_check_size(const slab_cache_t *cache, const void *object)
{
	check_used_object(cache, object);
	return trailer_of(cache, object)->size;
}

void *slab_check_quarantine(slab_cache_t *cache, void *object)
{
	struct quarantine *quarantine = &cache->quarantine;
	unsigned long flags = spin_lock_irqsave(&cache->lock);
	u32 at = quarantine->next;
	void *oldest = quarantine->objects[at];

	quarantine->objects[at] = object;
	quarantine->next = (at + 1) % QUARANTINE_LIMIT;
	spin_unlock_irqrestore(&cache->lock, flags);
	if (oldest != NULL)
		check_free_object(cache, oldest);
	return oldest;
}

void *slab_check_release_locked(slab_cache_t *cache)
{
	for (u32 i = 0; i < QUARANTINE_LIMIT; i++) {
		void *object = cache->quarantine.objects[i];
		if (object == NULL)
			continue;
		cache->quarantine.objects[i] = NULL;
		check_free_object(cache, object);
		return object;
	}
	return NULL;
}

#endif
