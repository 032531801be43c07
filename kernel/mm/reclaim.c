/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds of reclaim: how much is taken of what, and whose pages are looked at next; see reclaim.h.
 *
 * A round first decides how many anonymous pages and how many of files it wants (share).  Then two
 * hands go on from where they are: one over the pages of caches that no program maps
 * (reclaim_cache.c), one over page tables, which goes round all spaces (space_round.h).  A pass is
 * as many spaces as there are.  After three passes without enough a round is over; one that found
 * nothing at all makes another attempt, in which neither kinds nor generations count.
 *
 * A slot of swap space costs memory even if its page packs well, so there are never more of them
 * than memory and all areas have pages: who fills all of that has to die.  Pages of one word over
 * and over cost nothing but the slot and the table entry, a 170th of a page, and count as a quarter
 * of one: what they save should not keep a program for long that takes all it can get.
 */
#include "mm/reclaim.h"

#include "lib/sync.h"
#include "mm/family.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/reclaim_internal.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"
#include "mm/workingset.h"

enum { PASSES = 3, SWAPPINESS_MOST = 200, WORD_DISCOUNT = 4 };

u32 reclaim_pass = 1;

static mutex_t round_lock = MUTEX_INIT(round_lock); /* one round at a time; inside of no other */
static struct space_round spaces = SPACE_ROUND_INIT(spaces);
static size_t pass_visits;         /* round_lock: spaces that this pass has been to the end of */
static u64 events[RECLAIM_EVENTS]; /* atomic */
static void (*shrink)(size_t part, size_t whole); /* set once */

void reclaim_set_shrinker(void (*shrinker)(size_t part, size_t whole))
{
	__atomic_store_n(&shrink, shrinker, __ATOMIC_RELEASE);
}

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
		.lazy = READ_ONCE(events[RECLAIM_LAZY]),
		.forgotten = READ_ONCE(events[RECLAIM_FORGOTTEN]),
		.rounds = READ_ONCE(events[RECLAIM_ROUNDS]),
		.waits = READ_ONCE(events[RECLAIM_WAITS]),
	};
}

void reclaim_add_space(struct address_space *space)
{
	space_round_add(&spaces, &space->reclaim_turn, space);
}

void reclaim_remove_space(struct address_space *space)
{
	space_round_remove(&spaces, &space->reclaim_turn);
}

bool reclaim_has_swap(void)
{
	struct compress_stats pool;
	struct swap_stats stats;

	if (!swap_has_room())
		return false;
	swap_get_stats(&stats);
	compress_get_stats(&pool);
	size_t words = MIN(pool.words, stats.slots);
	return stats.slots - words + words / WORD_DISCOUNT <
	       stats.total + (frame_get_total_memory() >> PAGE_SHIFT);
}

/* The hand has come to the end of the space. */
static void advance(struct address_space *space)
{
	if (++pass_visits < space_round_advance(&spaces, &space->reclaim_turn))
		return;
	pass_visits = 0;
	reclaim_pass++;
	workingset_pass(HAND_SPACES);
}

/* Goes on in a space, as far as the round has wishes or to its end.  *at_end: it has come there, or
 * the map is being changed. */
static size_t visit(struct address_space *space, struct reclaim_round *round, size_t *main,
		    bool *at_end)
{
	struct region *region = NULL;
	size_t freed = 0;

	*at_end = true;
	if (!rwlock_try_read_lock(&space->map_lock))
		return 0;
	while (*main != 0 && (region = region_find_first(space, space->reclaim_turn.at)) != NULL) {
		space->reclaim_turn.at = MAX(space->reclaim_turn.at, region->start);
		freed += reclaim_region_round(space, region, &space->reclaim_turn.at, round);
	}
	*at_end = region == NULL;
	rwlock_read_unlock(&space->map_lock);
	return freed;
}

/* Until the round has what it wants of the kind `main`. */
static size_t scan(struct reclaim_round *round, size_t *main, size_t passes)
{
	size_t visits = passes * READ_ONCE(spaces.count) + 1, freed = 0;
	struct address_space *space;

	while (*main != 0 && visits > 0 && (space = space_round_first(&spaces)) != NULL) {
		bool at_end;
		freed += visit(space, round, main, &at_end);
		if (at_end) {
			advance(space);
			visits--;
		}
		vmm_put_address_space(space);
	}
	return freed;
}

/* --- Rounds --- */

/*
 * What to take of each kind.  In proportion to how much of it there is, weighed by swappiness,
 * which says how much worse it is to read a file's page again (200: much; 0: nothing is swapped
 * while files have pages), and by what refaults have cost of late.  The cost of both is part of
 * either's, so that it changes the balance threefold at most.
 */
static void share(struct reclaim_round *round, size_t target)
{
	u64 cost[RECLAIM_KINDS], swappiness = READ_ONCE(swap_settings.swappiness);
	struct page_cache_totals totals;

	page_cache_get_totals(&totals);
	workingset_cost(cost);
	u64 sum = cost[RECLAIM_ANONYMOUS] + cost[RECLAIM_FILE] + 1;
	u64 cached = frame_count_kind(FRAME_CACHE);
	u64 anonymous = frame_count_kind(FRAME_USER) + totals.shared;
	u64 files = cached - MIN(cached, totals.shared);
	u64 swap_weight = swappiness * 3 * sum / (sum + cost[RECLAIM_ANONYMOUS]) * anonymous;
	u64 file_weight =
		(SWAPPINESS_MOST - swappiness) * 3 * sum / (sum + cost[RECLAIM_FILE]) * files;

	if (!reclaim_has_swap())
		swap_weight = 0;
	if (swap_weight + file_weight == 0)
		swap_weight = 1;
	round->left[RECLAIM_FILE] = target * file_weight / (swap_weight + file_weight);
	round->left[RECLAIM_ANONYMOUS] = target - round->left[RECLAIM_FILE];
}

/*
 * What is on no program's page tables comes first: it needs no flush.  The kind that most is wanted
 * of says when the round is over: what is wanted of the other meanwhile comes along, or does not.
 */
static size_t take(struct reclaim_round *round, size_t passes)
{
	size_t *left = round->left;
	size_t *main = &left[left[RECLAIM_FILE] > left[RECLAIM_ANONYMOUS] ? RECLAIM_FILE
									  : RECLAIM_ANONYMOUS];
	size_t freed = reclaim_caches(round, RECLAIM_ASK | RECLAIM_CLEAN);

	return freed + scan(round, main, passes);
}

/* What file systems keep goes in step with pages. */
static void shrink_names(size_t target)
{
	void (*shrinker)(size_t part, size_t whole) = __atomic_load_n(&shrink, __ATOMIC_ACQUIRE);

	if (shrinker != NULL)
		shrinker(target, frame_count_kind(FRAME_USER) + frame_count_kind(FRAME_CACHE));
}

size_t reclaim_run_node(size_t target, u32 node)
{
	struct reclaim_round round = {.node = node};

	mutex_lock(&round_lock);
	reclaim_note(RECLAIM_ROUNDS, 1);
	size_t freed = swap_cache_shrink(target);
	if (freed < target) {
		share(&round, target - freed);
		freed += take(&round, PASSES);
	}
	if (freed == 0) {
		/* Whatever there is, of either kind. */
		round.left[RECLAIM_ANONYMOUS] = round.left[RECLAIM_FILE] = target;
		round.pressing = true;
		freed += take(&round, PASSES);
	}
	shrink_names(target);
	if (freed < target)
		freed += slab_shrink_caches();
	if (freed < target)
		freed += kernel_stacks_trim(SIZE_MAX);
	mutex_unlock(&round_lock);
	return freed;
}

size_t reclaim_run(size_t target)
{
	return reclaim_run_node(target, RECLAIM_ANY_NODE);
}

size_t reclaim_drop_caches(void)
{
	struct reclaim_round round = {
		.left = {[RECLAIM_FILE] = SIZE_MAX},
		.node = RECLAIM_ANY_NODE,
	};

	mutex_lock(&round_lock);
	size_t freed = reclaim_caches(&round, 0);
	mutex_unlock(&round_lock);
	return freed;
}
