/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refault distances; see workingset.h.
 *
 * A place holds the time of an eviction in its upper half, and in its lower half the part of the
 * key's hash that the set does not tell.  It is read and written as one word, without a lock; who
 * takes a record out compares and exchanges, so that one refault counts once.  Times are the low 32
 * bits of the clock, and compared by difference.
 */
#include "mm/workingset.h"

#include "lib/panic.h"
#include "mm/kmalloc.h"

enum { SET = 8, FRAMES_PER_PLACE = 2, DECAY_SHARE = 4 };

static u64 *places;                 /* atomic words; set once */
static u64 set_mask;                /* const: sets, a power of two, less one */
static u32 evictions;               /* atomic: the clock */
static size_t used[HANDS];          /* atomic: pages found in use in this pass */
static size_t used_last[HANDS];     /* in the last one */
static u64 costs[RECLAIM_KINDS];    /* approximate */
static u64 refaults[RECLAIM_KINDS]; /* atomic */
static u64 activated[RECLAIM_KINDS];

void workingset_init(void)
{
	size_t wanted = frame_get_total_memory() / PAGE_SIZE / FRAMES_PER_PLACE / SET, sets = 1;

	while (sets * 2 <= wanted)
		sets *= 2;
	places = kcalloc(sets * SET, sizeof(places[0]));
	if (places == NULL)
		panic("no memory for refault distances");
	set_mask = sets - 1;
	/* Until a pass is complete all memory may be in use. */
	used_last[HAND_SPACES] = frame_get_total_memory() / PAGE_SIZE;
}

static u64 hash(enum reclaim_kind kind, u64 key)
{
	key = (key + kind + 1) * 0x9e3779b97f4a7c15u;
	key = (key ^ key >> 32) * 0xd6e8feb86659fd93u;
	return key ^ key >> 32;
}

static u64 *set_of(u64 hashed)
{
	return &places[(hashed >> 32 & set_mask) * SET];
}

/* 0 is no record. */
static u64 record(u64 hashed, u32 time)
{
	return (u64)time << 32 | (u32)hashed | 1;
}

static bool is_record_of(u64 place, u64 hashed)
{
	return (u32)place == ((u32)hashed | 1);
}

void workingset_used(enum workingset_hand hand, size_t pages)
{
	__atomic_fetch_add(&used[hand], pages, __ATOMIC_RELAXED);
}

void workingset_pass(enum workingset_hand hand)
{
	WRITE_ONCE(used_last[hand], __atomic_exchange_n(&used[hand], 0, __ATOMIC_RELAXED));
}

void workingset_evicted(enum reclaim_kind kind, u64 key)
{
	u32 now = __atomic_add_fetch(&evictions, 1, __ATOMIC_RELAXED), oldest = 0;
	u64 hashed = hash(kind, key), *set = set_of(hashed);
	size_t victim = 0;

	for (size_t i = 0; i < SET; i++) {
		u64 place = READ_ONCE(set[i]);
		if (place == 0 || is_record_of(place, hashed)) {
			victim = i;
			break;
		}
		if (now - (u32)(place >> 32) > oldest) {
			oldest = now - (u32)(place >> 32);
			victim = i;
		}
	}
	WRITE_ONCE(set[victim], record(hashed, now));
}

/* Takes the record of an eviction out; false: there is none. */
static bool take_record(u64 hashed, u32 *time)
{
	u64 *set = set_of(hashed);

	for (size_t i = 0; i < SET; i++) {
		u64 place = READ_ONCE(set[i]);
		if (place == 0 || !is_record_of(place, hashed))
			continue;
		*time = (u32)(place >> 32);
		return __atomic_compare_exchange_n(&set[i], &place, 0, false, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED);
	}
	return false;
}

/* Old costs count less and less. */
static void add_cost(enum reclaim_kind kind)
{
	u64 bound = frame_get_total_memory() / PAGE_SIZE / DECAY_SHARE;

	WRITE_ONCE(costs[kind], READ_ONCE(costs[kind]) + 1);
	if (READ_ONCE(costs[RECLAIM_ANONYMOUS]) + READ_ONCE(costs[RECLAIM_FILE]) < bound)
		return;
	for (size_t i = 0; i < RECLAIM_KINDS; i++)
		WRITE_ONCE(costs[i], READ_ONCE(costs[i]) / 2);
}

void workingset_refaulted(enum reclaim_kind kind, u64 key, phys_t frame)
{
	u32 time, now = __atomic_load_n(&evictions, __ATOMIC_RELAXED);

	if (!take_record(hash(kind, key), &time))
		return;
	__atomic_fetch_add(&refaults[kind], 1, __ATOMIC_RELAXED);
	add_cost(kind);
	if (now - time > READ_ONCE(used_last[HAND_SPACES]) + READ_ONCE(used_last[HAND_CACHES]))
		return;
	frame_of(frame)->generation = GENERATION_ACTIVE;
	__atomic_fetch_add(&activated[kind], 1, __ATOMIC_RELAXED);
}

void workingset_cost(u64 cost[RECLAIM_KINDS])
{
	for (size_t i = 0; i < RECLAIM_KINDS; i++)
		cost[i] = READ_ONCE(costs[i]);
}

void workingset_get_stats(struct workingset_stats *stats)
{
	for (size_t i = 0; i < RECLAIM_KINDS; i++) {
		stats->refaults[i] = READ_ONCE(refaults[i]);
		stats->activated[i] = READ_ONCE(activated[i]);
	}
}
