/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region tree, against arrays: every sequence of changes up to a length, with trees that share
 * nodes among them, and long random histories; each change also with each of its allocations
 * failing.  After each step the nodes' summaries, all reference counts and what is alive are
 * checked.  Built twice: with nodes of 4 slots, and as in the kernel.
 */
#include "tests/host/mm/region_tree_model.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DEPTH=n in the environment changes how long the enumerated sequences are; SEED=n the histories.
 */
enum { DEFAULT_DEPTH = REGION_TREE_FANOUT == 4 ? 3 : 2, HISTORY = 20000 };

/* --- Changes: false when the change makes no sense now --- */

/* Also lets each allocation fail in turn, when `failing`: then nothing may have changed. */
static void allocate(struct region_change *change, bool failing)
{
	struct region_change copy = *change;

	for (size_t nth = 1; failing && nth <= copy.needed; nth++) {
		fail_at = allocations + nth;
		int result = region_change_allocate(change);
		fail_at = 0;
		expect(result != 0);
		check();
		*change = copy;
	}
	assert_int_equal(region_change_allocate(change), 0);
}

static bool insert(struct subject *subject, u32 place, bool failing)
{
	struct region_change change;

	if (subject->there[place])
		return false;
	region_change_plan(&change, &subject->tree, start_of(place), start_of(place), 1);
	allocate(&change, failing);
	struct region_slot slot = slot_of(make_region(place, place % 2));
	region_change_apply(&change, &slot);
	region_change_end(&change);
	subject->there[place] = true;
	subject->large[place] = place % 2;
	return true;
}

/* Another length: in place where the region is this tree's alone, else another region. */
static bool resize(struct subject *subject, u32 place, bool failing)
{
	struct region_change change;
	vaddr_t start = start_of(place);

	if (!subject->there[place])
		return false;
	struct region *region = region_tree_find(&subject->tree, start);
	bool mine =
		region_change_plan(&change, &subject->tree, start, model_end(subject, place), 1) &&
		region->refs == 1;
	allocate(&change, failing);
	if (!mine)
		region = make_region(place, region->large);
	region->large = !region->large;
	struct region_slot slot = slot_of(region);
	slot.stays = mine;
	region_change_apply(&change, &slot);
	region_change_end(&change);
	subject->large[place] = !subject->large[place];
	return true;
}

/* Drops the regions of places [first, last). */
static bool take_out(struct subject *subject, u32 first, u32 last, bool failing)
{
	struct region_change change;
	bool any = false;

	for (u32 place = first; place < last; place++)
		any |= subject->there[place];
	if (!any)
		return false;
	region_change_plan(&change, &subject->tree, start_of(first), start_of(last), 0);
	allocate(&change, failing);
	region_change_apply(&change, NULL);
	region_change_end(&change);
	memset(&subject->there[first], 0, last - first);
	return true;
}

/* A region becomes three, in one change: what splitting off the middle does. */
static bool replace_by_three(struct subject *subject, u32 place, bool failing)
{
	struct region_change change;
	struct region_slot slots[3];

	if (place + 2 >= subject->places || !subject->there[place] || subject->there[place + 1] ||
	    subject->there[place + 2])
		return false;
	region_change_plan(&change, &subject->tree, start_of(place), model_end(subject, place), 3);
	allocate(&change, failing);
	for (u32 i = 0; i < 3; i++) {
		bool large = i == 0 && subject->large[place];
		slots[i] = slot_of(make_region(place + i, large));
		subject->there[place + i] = true;
		subject->large[place + i] = large;
	}
	region_change_apply(&change, slots);
	region_change_end(&change);
	return true;
}

/* Drops a range and puts a region at its beginning, in one change: what MAP_FIXED does. */
static bool map_over(struct subject *subject, u32 first, u32 last, bool failing)
{
	struct region_change change;

	if (last <= first)
		return false;
	region_change_plan(&change, &subject->tree, start_of(first), start_of(last), 1);
	allocate(&change, failing);
	struct region_slot slot = slot_of(make_region(first, true));
	region_change_apply(&change, &slot);
	region_change_end(&change);
	memset(&subject->there[first], 0, last - first);
	subject->there[first] = true;
	subject->large[first] = true;
	return true;
}

/* The piece that a region at one end of a range becomes: the region itself, if it is this tree's
 * alone. */
static struct region_slot end_piece(struct subject *subject, u32 place, bool own)
{
	struct region *region = region_tree_find(&subject->tree, start_of(place));
	bool mine = own && region->refs == 1;

	if (!mine)
		region = make_region(place, region->large);
	region->large = !region->large;
	subject->large[place] = region->large;
	struct region_slot slot = slot_of(region);
	slot.stays = mine;
	return slot;
}

/* Drops a range but for what is left of the regions at its ends: what munmap does. */
static bool cut_out(struct subject *subject, u32 first, u32 last, bool failing)
{
	struct region_change change;
	struct region_slot slots[2];

	if (last - first < 2 || !subject->there[first] || !subject->there[last - 1])
		return false;
	bool own = region_change_plan(&change, &subject->tree, start_of(first),
				      model_end(subject, last - 1), 2);
	allocate(&change, failing);
	slots[1] = end_piece(subject, last - 1,
			     region_tree_is_own(&subject->tree, start_of(last - 1)));
	slots[0] = end_piece(subject, first, own);
	region_change_apply(&change, slots);
	region_change_end(&change);
	memset(&subject->there[first + 1], 0, last - first - 2);
	return true;
}

static bool share(u32 from, u32 to)
{
	region_tree_destroy(&subjects[to].tree);
	struct region_tree empty = subjects[to].tree;
	subjects[to] = subjects[from];
	subjects[to].tree = empty;
	region_tree_share(&subjects[to].tree, &subjects[from].tree);
	ever_shared = true;
	return true;
}

static void reset(u32 places)
{
	for (u32 i = 0; i < TREES; i++) {
		region_tree_destroy(&subjects[i].tree);
		memset(&subjects[i], 0, sizeof(subjects[i]));
		subjects[i].places = places;
	}
	ever_shared = false;
	assert_true(list_empty(&nodes) && list_empty(&regions));
}

/* --- Enumeration --- */

enum {
	RANGES = PLACES * (PLACES + 1) / 2,
	INSERTS = PLACES,
	RESIZES = INSERTS + PLACES,
	SPLITS = RESIZES + PLACES,
	REMOVALS = SPLITS + RANGES,
	CUTS = REMOVALS + PLACES,
	OPERATIONS = CUTS + 1, /* the other tree becomes a copy */
};

static bool step(struct subject *subject, u32 operation, bool failing)
{
	if (operation < INSERTS)
		return insert(subject, operation, failing);
	if (operation < RESIZES)
		return resize(subject, operation - INSERTS, failing);
	if (operation < SPLITS)
		return replace_by_three(subject, operation - RESIZES, failing);
	if (operation >= CUTS)
		return share((u32)(subject - subjects), !(subject - subjects));
	if (operation >= REMOVALS)
		return cut_out(subject, operation - REMOVALS, PLACES, failing);
	operation -= SPLITS;
	u32 first = 0;
	for (; operation >= PLACES - first; first++)
		operation -= PLACES - first;
	return take_out(subject, first, first + operation + 1, failing);
}

/* The state that a sequence starts from: `count` places taken, in one of three orders, of which the
 * other tree has a copy or not. */
struct beginning {
	u32 count, order;
	bool shared;
};

static void begin(const struct beginning *beginning)
{
	reset(PLACES);
	for (u32 i = 0; i < beginning->count; i++) {
		u32 place = i;
		if (beginning->order == 1)
			place = PLACES - 1 - i;
		else if (beginning->order == 2)
			place = i * 3 % PLACES;
		insert(&subjects[0], place, false);
	}
	if (beginning->shared)
		share(0, 1);
}

static u64 extend(const struct beginning *beginning, u32 *operations, u32 length, u32 depth)
{
	u64 sequences = 0;

	for (u32 next = 0; length < depth && next < OPERATIONS; next++) {
		begin(beginning);
		for (u32 i = 0; i < length; i++)
			step(&subjects[0], operations[i], false);
		if (!step(&subjects[0], next, length < 2))
			continue;
		check();
		operations[length] = next;
		sequences += 1 + extend(beginning, operations, length + 1, depth);
	}
	return sequences;
}

static void every_short_sequence_does_as_the_model(void **state __unused)
{
	const char *word = getenv("DEPTH");
	u32 depth = word != NULL ? (u32)atoi(word) : DEFAULT_DEPTH;
	u32 operations[64];
	u64 sequences = 0;

	for (u32 count = 0; count <= PLACES; count += 2) {
		for (u32 order = 0; order < 3; order++) {
			for (u32 shared = 0; shared < 2; shared++) {
				struct beginning beginning = {count, order, shared};
				sequences += extend(&beginning, operations, 0,
						    order == 2 && shared ? depth : depth - 1);
			}
		}
	}
	printf("# %llu sequences\n", (unsigned long long)sequences);
	reset(0);
}

/* --- Histories --- */

static u64 random_state;

static u32 random_below(u32 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u32)(random_state >> 32) % limit;
}

static void random_step(struct subject *subject, u32 growth, bool failing)
{
	u32 place = random_below(subject->places);
	u32 reach =
		1 + (random_below(20) == 0 ? random_below(subject->places / 2) : random_below(8));
	/* The ends are special. */
	if (random_below(8) == 0)
		place = random_below(4);
	u32 last = MIN(place + reach, subject->places);

	switch (random_below(10)) {
	case 0:
		resize(subject, place, failing);
		break;
	case 1:
		replace_by_three(subject, place, failing);
		break;
	case 2:
		map_over(subject, place, last, failing);
		break;
	case 3:
		cut_out(subject, place, last, failing);
		break;
	default:
		if (random_below(10) < growth)
			insert(subject, place, failing);
		else
			take_out(subject, place, last, failing);
	}
}

static void start_random(void)
{
	const char *word = getenv("SEED");

	random_state = word != NULL ? (u64)atoll(word) : 88172645463325252ULL;
	printf("# seed %llu\n", (unsigned long long)random_state);
}

static void run_history(bool sharing)
{
	reset(MANY);
	for (u32 i = 0; i < HISTORY; i++) {
		/* Now mostly growing, now mostly shrinking. */
		u32 growth = i / 2000 % 2 ? 7 : 9;
		u32 which = random_below(TREES);
		random_step(&subjects[which], growth, i % 100 == 0);
		if (sharing && random_below(50) == 0)
			share(which, !which);
		if (i % 16 == 0)
			check();
	}
	reset(0);
}

static void long_histories_do_as_the_model(void **state __unused)
{
	start_random();
	run_history(false);
	run_history(true);
}

/* --- Costs --- */

static void a_path_of_ones_own_with_room_needs_no_memory(void **state __unused)
{
	reset(MANY);
	for (u32 place = 0; place < MANY; place += 2)
		insert(&subjects[0], place, false);
	size_t before = allocations;
	u32 inserted = 0;
	for (u32 place = 0; place < MANY; place += 2) {
		resize(&subjects[0], place, false);
		resize(&subjects[0], place, false);
	}
	for (u32 place = 0; place < MANY / 2; place += 2)
		take_out(&subjects[0], place, place + 1, false);
	assert_int_equal(allocations, before);
	for (u32 place = 0; place < MANY / 2; place += 2)
		inserted += insert(&subjects[0], place, false);
	/* Nodes are divided now and then. */
	assert_true(allocations - before < inserted * 2);
	reset(0);
}

static void a_copy_takes_no_memory_and_a_change_of_it_one_path(void **state __unused)
{
	reset(MANY);
	for (u32 place = 0; place < MANY; place += 2)
		insert(&subjects[0], place, false);
	size_t before = allocations;
	share(0, 1);
	assert_int_equal(allocations, before);
	resize(&subjects[1], 10, false);
	assert_int_equal(allocations - before, subjects[0].tree.root->level + 1);
	check();
	/* The rest of that leaf's path is its own from now on. */
	before = allocations;
	resize(&subjects[1], 10, false);
	assert_int_equal(allocations, before);
	reset(0);
}

/* --- Several CPUs --- */

static struct region_tree common;

struct worker {
	pthread_t thread;
	u64 random;
	bool right;
};

/* Changes copies of the common tree, at the same time as others do. */
static void *work(void *argument)
{
	struct worker *worker = argument;
	u64 random = worker->random;

	worker->right = true;
	for (u32 round = 0; round < 200; round++) {
		struct region_tree tree = {0};
		region_tree_share(&tree, &common);
		size_t count = tree.count;
		for (u32 i = 0; i < 20; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			vaddr_t start = start_of((u32)(random >> 33) % MANY);
			struct region *region = region_tree_find(&tree, start);
			if (region == NULL || start_of(region->place) != start)
				continue;
			struct region_change change;
			region_change_plan(&change, &tree, start, start + PLACE, 0);
			if (region_change_allocate(&change) != 0)
				abort();
			region_change_apply(&change, NULL);
			region_change_end(&change);
			region = region_tree_find(&tree, start);
			worker->right &= tree.count == --count &&
					 (region == NULL || start_of(region->place) > start);
		}
		region_tree_destroy(&tree);
	}
	return NULL;
}

static void several_cpus_change_their_copies_of_one_tree(void **state __unused)
{
	struct worker workers[4];

	reset(MANY);
	for (u32 place = 0; place < MANY; place++)
		insert(&subjects[0], place, false);
	region_tree_share(&common, &subjects[0].tree);
	for (u32 i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i].random = i + 1;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (u32 i = 0; i < ARRAY_SIZE(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		assert_true(workers[i].right);
	}
	region_tree_destroy(&common);
	check();
	reset(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_short_sequence_does_as_the_model),
		cmocka_unit_test(long_histories_do_as_the_model),
		cmocka_unit_test(a_path_of_ones_own_with_room_needs_no_memory),
		cmocka_unit_test(a_copy_takes_no_memory_and_a_change_of_it_one_path),
		cmocka_unit_test(several_cpus_change_their_copies_of_one_tree),
	};

	region_tree_setup(get_region, put_region);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
