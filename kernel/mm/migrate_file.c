/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages of files; see migrate.h.
 *
 * A page of a file is moved while nobody but the page cache has it: then, under the cache's lock,
 * under which everybody looks pages up, another frame takes its place.  So a page that is mapped is
 * unmapped first, everywhere, and comes back with the next fault.  Who is faster and maps it again
 * in between, or reads or writes it, makes us try again, a few times.
 */
#include "mm/frame.h"
#include "mm/mapping.h"
#include "mm/migrate.h"
#include "mm/pagecache_internal.h"

enum { TRIES = 8 };

enum outcome { MOVED, STAYS, IN_USE, NO_ROOM };

/* The first page from *index on that should move; 0: there is none up to `last`.  A reference is
 * not taken: it is only looked at again. */
static phys_t find_wanted(struct page_cache *cache, u64 *index, u64 last, vaddr_t base, u64 first,
			  struct migration *migration)
{
	struct frame_placement to;
	phys_t found = 0;
	void *item;

	spin_lock(&cache->lock);
	while (found == 0 && *index <= last && (item = radix_next(&cache->pages, index)) != NULL &&
	       *index <= last) {
		vaddr_t page = base != 0 ? base + (*index - first) * PAGE_SIZE : 0;
		if (!item_is_swapped(item) &&
		    migration->wanted(migration, frame_of_item(item), page, &to))
			found = frame_of_item(item);
		else
			++*index;
	}
	spin_unlock(&cache->lock);
	return found;
}

/* Puts `to` in the place of `from`, if only the cache has that. */
static enum outcome replace(struct page_cache *cache, u64 index, phys_t from, phys_t to)
{
	enum outcome outcome = IN_USE;

	spin_lock(&cache->lock);
	if (frame_of_item(radix_lookup(&cache->pages, index)) != from) {
		outcome = STAYS;
	} else if (frame_refs(from) == 1) {
		page_copy(phys_to_virt(to), phys_to_virt(from));
		frame_of(to)->traits = frame_of(from)->traits;
		radix_replace(&cache->pages, index, item_of(to));
		outcome = MOVED;
	}
	spin_unlock(&cache->lock);
	return outcome;
}

static enum outcome move_page(struct page_cache *cache, u64 index, phys_t from,
			      const struct frame_placement *placement)
{
	enum outcome outcome = IN_USE;
	phys_t to;

	if (frame_alloc_batch_placed(FRAME_CACHE, placement, &to, 1) == 0)
		return NO_ROOM;
	for (u32 i = 0; i < TRIES && outcome == IN_USE; i++) {
		if (frame_refs(from) != 1)
			mapping_unmap_range(cache, index, index, ZAP_FILE_PAGES);
		outcome = replace(cache, index, from, to);
	}
	frame_free(outcome == MOVED ? from : to);
	return outcome;
}

void migrate_file(struct page_cache *cache, u64 first, u64 last, vaddr_t base,
		  struct migration *migration)
{
	size_t moved = migration->moved, left = migration_left(migration);
	phys_t frame;

	for (u64 index = first;
	     (frame = find_wanted(cache, &index, last, base, first, migration)) != 0; index++) {
		struct frame_placement to;
		vaddr_t page = base != 0 ? base + (index - first) * PAGE_SIZE : 0;
		/* The cache's reference is one, that of an entry the other. */
		if (!migration->shared && frame_refs(frame) > 2) {
			migration->left_shared++;
			continue;
		}
		if (!migration->wanted(migration, frame, page, &to))
			continue;
		enum outcome outcome = move_page(cache, index, frame, &to);
		migration->moved += outcome == MOVED;
		migration->left_busy += outcome == IN_USE;
		migration->left_without_room += outcome == NO_ROOM;
	}
	migrate_note(migration->moved - moved, migration_left(migration) - left);
}
