/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls in which one allocation fails: see nth.h. */
#include "tests/host/mm/nth.h"

#include <stdio.h>

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/tree_check.h"

enum { REGIONS = 24 };

struct address_space *nth_made;

struct outline {
	size_t count;
	struct {
		vaddr_t start, end;
		u32 prot;
		bool no_fork, wipe_on_fork, watched;
	} regions[REGIONS];
};

static void take_outline(struct address_space *space, struct outline *outline)
{
	static struct region_info info;

	memset(outline, 0, sizeof(*outline));
	for (vaddr_t at = 0; vmm_next_region(space, at, &info, false); at = info.end) {
		assert_true(outline->count < REGIONS);
		size_t i = outline->count++;
		outline->regions[i].start = info.start;
		outline->regions[i].end = info.end;
		outline->regions[i].prot = info.prot;
		outline->regions[i].no_fork = info.no_fork;
		outline->regions[i].wipe_on_fork = info.wipe_on_fork;
		outline->regions[i].watched = info.watch_missing || info.watch_writes;
	}
}

/* The frames of kinds that a world leaves none of. */
static void count_kinds(size_t *counts)
{
	counts[0] = frame_count_kind(FRAME_TABLE);
	counts[1] = frame_count_kind(FRAME_USER);
	counts[2] = frame_count_kind(FRAME_CACHE);
}

static void check_failure(const struct nth_world *world, const struct nth_call *call, u64 nth,
			  const struct outline *before, const struct outline *after)
{
	if (!(call->promise & REMAPS) && memcmp(before, after, sizeof(*before)) != 0)
		fail_msg("%s: the regions changed, allocation %lu", call->name, (unsigned long)nth);
	if (!(call->promise & GIVES_UP))
		world->check();
	if (world->written != 0)
		assert_writes(world->written, 9);
}

/* The call, in the space that runs.  False: it has not so many allocations. */
static bool make_call(const struct nth_world *world, const struct nth_call *call, u64 nth,
		      struct address_space *space)
{
	static struct outline before, after;

	take_outline(space, &before);
	slab_shrink_caches();
	mm_checking.countdown = nth;
	int result = call->call(space);
	bool failed = mm_checking.countdown == 0;
	mm_checking.countdown = 0;
	if (result != 0 && (!failed || (result != -ENOMEM && result != -EAGAIN)))
		fail_msg("%s: %d with allocation %lu missing", call->name, result,
			 (unsigned long)nth);
	machine_check_tlbs();
	tree_check(space->family, true);
	take_outline(space, &after);
	if (result != 0)
		check_failure(world, call, nth, &before, &after);
	return failed;
}

static void end_all(const struct nth_world *world, struct address_space *parent,
		    struct address_space *child)
{
	struct swap_stats swap;

	if (child != NULL) {
		vmm_switch_address_space(parent);
		world->check();
	}
	vmm_put_address_space(nth_made);
	vmm_put_address_space(child);
	nth_made = NULL;
	tree_check(parent->family, true);
	test_space_end(parent);
	world->end();
	swap_get_stats(&swap);
	assert_int_equal(swap.slots, 0);
}

static bool fail_nth(const struct nth_world *world, const struct nth_call *call, u64 nth)
{
	static const char *const kinds[] = {"tables", "pages of programs", "pages of files"};
	size_t before[3], after[3];
	struct address_space *child = NULL;

	count_kinds(before);
	struct address_space *parent = world->make();
	if (!(call->promise & IN_PARENT)) {
		child = vmm_copy_address_space(parent);
		assert_non_null(child);
		vmm_switch_address_space(child);
	}
	bool failed = make_call(world, call, nth, child != NULL ? child : parent);
	end_all(world, parent, child);
	count_kinds(after);
	for (int i = 0; i < 3; i++)
		if (after[i] != before[i])
			fail_msg("%s: %s are lost, allocation %lu: %lu, before %lu", call->name,
				 kinds[i], (unsigned long)nth, (unsigned long)after[i],
				 (unsigned long)before[i]);
	return failed;
}

void nth_sweep(const struct nth_world *world, const struct nth_call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		u64 nth = 1;
		while (fail_nth(world, &calls[i], nth))
			nth++;
		printf("# %s: %lu allocations\n", calls[i].name, (unsigned long)nth - 1);
	}
}
