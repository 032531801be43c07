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

enum { TRIES = 8, LOOK_MOST = 256 };

enum outcome { MOVED, STAYS, IN_USE, NO_ROOM };

/* Where a piece of a file is mapped: its first page, and the address of that, or 0. */
struct file_range {
	u64 first;
	vaddr_t base;
};

static vaddr_t page_of(const struct file_range *range, u64 index)
{
	return range->base != 0 ? range->base + (index - range->first) * PAGE_SIZE : 0;
}

/* Looks at some pages from *index on for one that should move, and stops there: its frame, or 0.
 * It is not referenced: who moves it looks again. */
static phys_t look_at_some(struct page_cache *cache, u64 *index, u64 last,
			   const struct file_range *range, struct migration *migration)
{
	struct frame_placement to;
	phys_t found = 0;

	spin_lock(&cache->lock);
	for (u32 looked = 0; looked < LOOK_MOST && *index <= last; looked++, ++*index) {
		const void *item = radix_next(&cache->pages, index);
		if (item == NULL) {
			*index = last + 1;
			break;
		}
		if (*index > last || item_is_swapped(item) ||
		    !migration->wanted(migration, frame_of_item(item), page_of(range, *index), &to))
			continue;
		found = frame_of_item(item);
		break;
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
	frame_free_to_lists(outcome == MOVED ? &from : &to, 1);
	return outcome;
}

/* One page that should move. */
static void try_page(struct page_cache *cache, u64 index, phys_t frame, vaddr_t page,
		     struct migration *migration)
{
	struct frame_placement to;

	/* The cache's reference is one, that of an entry the other. */
	if (!migration->shared && frame_refs(frame) > 2) {
		migration->left_shared++;
		return;
	}
	if (!migration->wanted(migration, frame, page, &to))
		return;
	enum outcome outcome = move_page(cache, index, frame, &to);
	migration->moved += outcome == MOVED;
	migration->left_busy += outcome == IN_USE;
	migration->left_without_room += outcome == NO_ROOM;
}

void migrate_file(struct page_cache *cache, u64 first, u64 last, vaddr_t base,
		  struct migration *migration)
{
	const struct file_range range = {first, base};
	size_t moved = migration->moved, left = migration_left(migration);

	for (u64 index = first; index <= last;) {
		phys_t frame = look_at_some(cache, &index, last, &range, migration);
		if (frame == 0)
			continue;
		try_page(cache, index, frame, page_of(&range, index), migration);
		index++;
	}
	migrate_note(migration->moved - moved, migration_left(migration) - left);
}
