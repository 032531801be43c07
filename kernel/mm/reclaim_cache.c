/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hand that goes round page caches: whose pages are looked at next.
 *
 * All caches that ever had a page are in a list.  The hand is at the first one, at its shrink_from;
 * when it has come to the end of that cache, the cache becomes the last.  Pages that programs map
 * are another hand's business (reclaim.c).
 *
 * A cache that is visited cannot go: reclaim_remove_cache waits for the end of the visit.
 */
#include "lib/sync.h"
#include "mm/pagecache_internal.h"
#include "mm/workingset.h"

enum { LAPS = 2 };

static spinlock_t list_lock;                        /* inside of no other but reclaim's mutex */
static struct list_head caches = LIST_INIT(caches); /* list_lock */
static size_t cache_count;                          /* list_lock */
static wait_queue_t leave_queue = WAIT_QUEUE_INIT(leave_queue);
static size_t lap_visits; /* the mutex of rounds: caches that this lap has been to the end of */

void reclaim_add_cache(struct page_cache *cache)
{
	spin_lock(&list_lock);
	if (list_empty(&cache->reclaim_link)) {
		list_add_tail(&cache->reclaim_link, &caches);
		cache_count++;
	}
	spin_unlock(&list_lock);
}

static bool is_visited(struct page_cache *cache)
{
	spin_lock(&list_lock);
	bool visited = cache->reclaim_visits != 0;
	spin_unlock(&list_lock);
	return visited;
}

void reclaim_remove_cache(struct page_cache *cache)
{
	if (!reclaim_has_cache(cache))
		return;
	spin_lock(&list_lock);
	list_remove(&cache->reclaim_link);
	cache_count--;
	bool visited = cache->reclaim_visits != 0;
	spin_unlock(&list_lock);
	if (visited)
		wait_event(&leave_queue, !is_visited(cache));
}

/* The cache at the hand, which stays until end_visit; NULL: there is none. */
static struct page_cache *begin_visit(void)
{
	spin_lock(&list_lock);
	struct page_cache *cache =
		list_first_entry_or_null(&caches, struct page_cache, reclaim_link);
	if (cache != NULL)
		cache->reclaim_visits++;
	spin_unlock(&list_lock);
	return cache;
}

/* `complete`: the hand has come to the cache's end. */
static void end_visit(struct page_cache *cache, bool complete)
{
	bool leaves = false, lap = false;

	spin_lock(&list_lock);
	if (complete && !list_empty(&cache->reclaim_link))
		list_move_tail(&cache->reclaim_link, &caches);
	leaves = list_empty(&cache->reclaim_link);
	if (complete && ++lap_visits >= cache_count) {
		lap_visits = 0;
		lap = true;
	}
	cache->reclaim_visits--;
	spin_unlock(&list_lock);
	/* The cache may be gone by now. */
	if (leaves)
		wake_up_all(&leave_queue);
	if (lap)
		workingset_pass(HAND_CACHES);
}

size_t reclaim_caches(struct reclaim_round *round, enum reclaim_flags flags)
{
	size_t visits = LAPS * READ_ONCE(cache_count) + 1, freed = 0;
	struct page_cache *cache;

	while ((round->left[RECLAIM_FILE] != 0 || round->left[RECLAIM_ANONYMOUS] != 0) &&
	       visits > 0 && (cache = begin_visit()) != NULL) {
		u64 from = cache->shrink_from, at = from;
		freed += page_cache_reclaim(cache, &at, UINT64_MAX - 1, flags, round);
		/* One whose kind is not wanted any more has had its turn, too. */
		bool complete = at == UINT64_MAX || at == from;
		WRITE_ONCE(cache->shrink_from, at == UINT64_MAX ? 0 : at);
		visits -= complete;
		end_visit(cache, complete);
	}
	return freed;
}

/* A cache that this pass has not come by yet becomes the last, and stays until end_visit; NULL:
 * there is none more.  Those that wait are in front, but for what reclaim has moved. */
static struct page_cache *next_of_pass(u32 pass)
{
	struct page_cache *cache, *found = NULL;

	spin_lock(&list_lock);
	list_for_each_entry (cache, &caches, reclaim_link) {
		if (cache->visit_pass != pass) {
			found = cache;
			break;
		}
	}
	if (found != NULL) {
		found->visit_pass = pass;
		found->reclaim_visits++;
		list_move_tail(&found->reclaim_link, &caches);
	}
	spin_unlock(&list_lock);
	return found;
}

void page_caches_visit(void (*function)(struct page_cache *cache, void *argument), void *argument)
{
	static u32 pass; /* the caller's */
	struct page_cache *cache;

	pass++;
	while ((cache = next_of_pass(pass)) != NULL) {
		function(cache, argument);
		end_visit(cache, false);
	}
}

void page_cache_get_totals(struct page_cache_totals *totals)
{
	struct page_cache *cache;

	*totals = (struct page_cache_totals){.shared = 0};
	spin_lock(&list_lock);
	list_for_each_entry (cache, &caches, reclaim_link) {
		if (!cache->shared_memory)
			continue;
		totals->shared += page_cache_pages(cache);
		totals->swapped += page_cache_swapped(cache);
	}
	spin_unlock(&list_lock);
}
