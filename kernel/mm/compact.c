/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round of compaction; see compact.h.
 *
 * A round goes node by node.  Of the groups that hold nothing but pages that can be moved and free
 * frames, those with the fewest pages are chosen, as many as the free frames of all others can take
 * the pages of.  They are isolated, so that nobody gets their free frames.  Then all address spaces
 * and all page caches are gone through once, as there is no way back from a frame to who maps it:
 * what lies in an isolated group moves (migrate.h).  So a round costs as much as there is memory,
 * and frees many groups.  What somebody holds stays, and its group with it.
 *
 * At the end the groups are released; those that became free are blocks of 2 MiB.
 *
 * `lock` (sleeps; outside of all locks of mm): one round, or one emptying of memory, at a time.
 */
#include "mm/compact.h"

#include "lib/string.h"
#include "lib/sync.h"
#include "mm/compact_internal.h"
#include "mm/family.h"
#include "mm/frame.h"
#include "mm/migrate.h"
#include "mm/pagecache.h"

enum { GROUP = 1 << FRAME_GROUP_ORDER };

static mutex_t lock = MUTEX_INIT(lock);
static u64 events[COMPACT_EVENTS]; /* atomic */

void compact_note(enum compact_event event, u64 count)
{
	__atomic_fetch_add(&events[event], count, __ATOMIC_RELAXED);
}

void compact_get_stats(struct compact_stats *stats)
{
	*stats = (struct compact_stats){
		.scanned = READ_ONCE(events[COMPACT_SCANNED]),
		.isolated = READ_ONCE(events[COMPACT_ISOLATED]),
		.freed = READ_ONCE(events[COMPACT_FREED]),
		.asked = READ_ONCE(events[COMPACT_ASKED]),
		.succeeded = READ_ONCE(events[COMPACT_SUCCEEDED]),
		.failed = READ_ONCE(events[COMPACT_FAILED]),
		.wakes = READ_ONCE(events[COMPACT_WAKES]),
		.daemon_scanned = READ_ONCE(events[COMPACT_DAEMON_SCANNED]),
	};
}

/* --- Choosing --- */

/* Of the groups that could become free: how many have so many pages, and free frames in all. */
struct census {
	size_t groups[GROUP + 1]; /* by pages that would move */
	size_t room;              /* free frames in groups that are not wholly free */
};

/* A group of the node with pages to move and nothing else in use. */
static bool is_candidate(pfn_t first, u32 node, struct frame_group_use *use)
{
	if (frame_node_of((phys_t)first << PAGE_SHIFT) != node || first == 0)
		return false;
	frame_group_look(first, use);
	return use->fixed == 0 && use->movable != 0;
}

static void take_census(u32 node, struct census *census)
{
	struct frame_group_use use;

	memset(census, 0, sizeof(*census));
	for (pfn_t first = 0; first < frame_limit(); first += GROUP) {
		if (is_candidate(first, node, &use))
			census->groups[use.movable]++;
		else if (frame_node_of((phys_t)first << PAGE_SHIFT) != node)
			continue;
		if (use.free < GROUP)
			census->room += use.free;
	}
}

/*
 * Groups with at most this many pages should become free, `wanted` of them if there are so many;
 * *count: how many that are.
 */
static u32 choose(const struct census *census, size_t wanted, size_t *count)
{
	size_t room = census->room, needed = 0;
	u32 most = 0;

	*count = 0;
	for (u32 pages = 1; pages < GROUP && *count < wanted; pages++) {
		size_t groups = census->groups[pages];
		/* Each takes its own free frames away, and needs frames for its pages. */
		size_t fit = room > needed ? (room - needed) / GROUP : 0;
		if (groups == 0)
			continue;
		if (fit == 0)
			break;
		groups = MIN(MIN(groups, fit), wanted - *count);
		room -= groups * (GROUP - pages);
		needed += groups * pages;
		*count += groups;
		most = pages;
	}
	return most;
}

static void isolate_chosen(u32 node, size_t wanted)
{
	static struct census census; /* `lock` */
	struct frame_group_use use;
	size_t count;

	take_census(node, &census);
	u32 most = choose(&census, wanted, &count);
	for (pfn_t first = 0; first < frame_limit() && count > 0; first += GROUP) {
		if (!is_candidate(first, node, &use) || use.movable > most)
			continue;
		frame_group_isolate(first);
		compact_note(COMPACT_SCANNED, GROUP);
		count--;
	}
}

/* --- Moving --- */

static bool is_isolated(struct migration *migration __unused, phys_t frame, vaddr_t page __unused,
			struct frame_placement *to)
{
	u32 node = frame_node_of(frame);

	*to = (struct frame_placement){
		.nodes = BIT(node), .first = (u8)node, .strict = true, .moving = true};
	return frame_group_is_isolated(frame >> PAGE_SHIFT);
}

static void move_file(struct page_cache *cache, void *migration)
{
	migrate_file(cache, 0, UINT64_MAX - 1, 0, migration);
}

static void move_space(struct address_space *space, struct migration *migration)
{
	vaddr_t at = 0;

	for (;;) {
		rwlock_read_lock(&space->map_lock);
		struct region *region = region_find_first(space, at);
		if (region != NULL) {
			at = MAX(at, region->start);
			migrate_anonymous(space, region, &at, region->end, migration);
		}
		rwlock_read_unlock(&space->map_lock);
		if (region == NULL)
			return;
	}
}

static void move_family(struct family *family, struct migration *migration)
{
	struct address_space *space = family_next(family, NULL);

	while (space != NULL) {
		move_space(space, migration);
		struct address_space *next = family_next(family, space);
		vmm_put_address_space(space);
		space = next;
	}
}

/* Moves everything in isolated groups. */
static void move_all(void)
{
	struct migration migration = {.wanted = is_isolated, .shared = true};
	struct family *family = families_next(NULL);

	frame_drain_all();
	while (family != NULL) {
		move_family(family, &migration);
		struct family *next = families_next(family);
		family_put(family);
		family = next;
	}
	page_caches_visit(move_file, &migration);
	frame_drain_all();
	compact_note(COMPACT_ISOLATED, migration.moved + migration_left(&migration));
}

static bool group_is_free(pfn_t first)
{
	struct frame_group_use use;

	frame_group_look(first, &use);
	return use.free == GROUP;
}

/* Ends the isolation of groups; how many are free. */
static size_t release(pfn_t from, pfn_t end)
{
	size_t freed = 0;

	for (pfn_t first = from; first < end; first += GROUP) {
		if (!frame_group_is_isolated(first))
			continue;
		freed += group_is_free(first);
		frame_group_release(first);
	}
	return freed;
}

size_t compact_round(size_t wanted)
{
	mutex_lock(&lock);
	/* What is in a stock looks like what cannot be moved. */
	frame_drain_all();
	for (u32 node = 0; node < frame_nodes(); node++)
		isolate_chosen(node, wanted);
	move_all();
	size_t freed = release(0, frame_limit());
	mutex_unlock(&lock);
	compact_note(COMPACT_FREED, freed);
	return freed;
}

/* --- For others --- */

size_t compact_all(void)
{
	enum { ROUNDS = 3 };
	size_t freed = 0, some;

	for (u32 i = 0; i < ROUNDS && (some = compact_round(SIZE_MAX)) != 0; i++)
		freed += some;
	return freed;
}

void compact_vacate(phys_t start, phys_t end)
{
	mutex_lock(&lock);
	for (pfn_t first = start >> PAGE_SHIFT; first < end >> PAGE_SHIFT; first += GROUP)
		frame_group_isolate(first);
	move_all();
}

void compact_vacate_end(phys_t start, phys_t end)
{
	(void)release(start >> PAGE_SHIFT, end >> PAGE_SHIFT);
	mutex_unlock(&lock);
}
