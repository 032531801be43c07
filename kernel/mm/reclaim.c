/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds of reclaim: whose pages are looked at next; see reclaim.h.
 *
 * All spaces are in a list.  The hand is at the first one, at its reclaim_at; when it has come to
 * the end of that space, the space becomes the last.  A pass is as many spaces as there are.  After
 * two passes every page has been asked twice; then, or when a third finds nothing, a round gives
 * up.
 *
 * A slot of swap space costs memory even if its page packs well, so there are never more of them
 * than memory and all areas have pages: who fills all of that has to die.
 */
#include "mm/reclaim.h"

#include "lib/sync.h"
#include "mm/family.h"
#include "mm/frame.h"
#include "mm/reclaim_internal.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"

enum { PASSES = 3 };

u32 reclaim_pass = 1;

static mutex_t round_lock = MUTEX_INIT(round_lock); /* one round at a time; inside of no other */
static spinlock_t list_lock;
static struct list_head spaces = LIST_INIT(spaces); /* list_lock */
static size_t space_count;                          /* list_lock */
static size_t pass_visits;         /* round_lock: spaces that this pass has been to the end of */
static u64 events[RECLAIM_EVENTS]; /* atomic */

void reclaim_note(enum reclaim_event event, size_t count)
{
	__atomic_fetch_add(&events[event], count, __ATOMIC_RELAXED);
}

void reclaim_get_stats(struct reclaim_stats *stats)
{
	*stats = (struct reclaim_stats){
		.scanned = READ_ONCE(events[RECLAIM_SCANNED]),
		.stolen = READ_ONCE(events[RECLAIM_STOLEN]),
		.scanned_files = READ_ONCE(events[RECLAIM_SCANNED_FILES]),
		.stolen_files = READ_ONCE(events[RECLAIM_STOLEN_FILES]),
		.rounds = READ_ONCE(events[RECLAIM_ROUNDS]),
		.waits = READ_ONCE(events[RECLAIM_WAITS]),
	};
}

void reclaim_add_space(struct address_space *space)
{
	spin_lock(&list_lock);
	list_add_tail(&space->reclaim_link, &spaces);
	space_count++;
	spin_unlock(&list_lock);
}

void reclaim_remove_space(struct address_space *space)
{
	spin_lock(&list_lock);
	list_remove(&space->reclaim_link);
	space_count--;
	spin_unlock(&list_lock);
}

bool reclaim_has_swap(void)
{
	struct swap_stats stats;

	if (!swap_has_room())
		return false;
	swap_get_stats(&stats);
	return stats.slots < stats.total + (frame_get_total_memory() >> PAGE_SHIFT);
}

/* The space at the hand, with a reference; NULL: there is none that is alive. */
static struct address_space *first_space(void)
{
	struct address_space *space, *found = NULL;

	spin_lock(&list_lock);
	list_for_each_entry (space, &spaces, reclaim_link) {
		if (space_try_get(space)) {
			found = space;
			break;
		}
	}
	spin_unlock(&list_lock);
	return found;
}

/* The hand has come to the end of the space. */
static void advance(struct address_space *space)
{
	space->reclaim_at = 0;
	spin_lock(&list_lock);
	list_move_tail(&space->reclaim_link, &spaces);
	bool complete = ++pass_visits >= space_count;
	spin_unlock(&list_lock);
	if (complete) {
		pass_visits = 0;
		reclaim_pass++;
	}
}

/* Goes on in a space, up to `target` frames or its end.  *at_end: it has come there, or the map is
 * being changed. */
static size_t visit(struct address_space *space, size_t target, bool *at_end)
{
	struct region *region = NULL;
	size_t freed = 0;

	*at_end = true;
	if (!rwlock_try_read_lock(&space->map_lock))
		return 0;
	while (freed < target && (region = region_find_first(space, space->reclaim_at)) != NULL) {
		space->reclaim_at = MAX(space->reclaim_at, region->start);
		freed += reclaim_region(space, region, &space->reclaim_at, region->end,
					RECLAIM_UNUSED, target - freed);
	}
	*at_end = region == NULL;
	rwlock_read_unlock(&space->map_lock);
	return freed;
}

static size_t scan(size_t target)
{
	size_t visits = PASSES * READ_ONCE(space_count) + 1, freed = 0;
	struct address_space *space;

	while (freed < target && visits > 0 && (space = first_space()) != NULL) {
		bool at_end;
		freed += visit(space, target - freed, &at_end);
		if (at_end) {
			advance(space);
			visits--;
		}
		vmm_put_address_space(space);
	}
	return freed;
}

size_t reclaim_run(size_t target)
{
	mutex_lock(&round_lock);
	reclaim_note(RECLAIM_ROUNDS, 1);
	size_t freed = swap_cache_shrink(target);
	if (freed < target)
		freed += scan(target - freed);
	if (freed < target)
		freed += slab_shrink_caches();
	if (freed < target)
		freed += kernel_stacks_trim(SIZE_MAX);
	mutex_unlock(&round_lock);
	return freed;
}
