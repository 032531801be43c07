/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a space's map of regions; see region.h.
 *
 * Each change is one edit: it plans what it will do to the tree and how many region objects it
 * needs, allocates all that, and then does it, which cannot fail.  A region that other spaces have,
 * too, is replaced by one of the space's own when it changes; one that only this space has is
 * changed in place.
 *
 * In the middle of an edit, regions are made smaller or removed before others grow over their
 * place, so that the tree stays in order.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/mapping.h"
#include "mm/region_internal.h"
#include "mm/userfault.h"

enum { EDIT_SPARES = 3 };

struct edit {
	struct address_space *space;
	struct region_change change;
	struct region *spare[EDIT_SPARES];
	u32 spares;
};

/* A region that an edit modifies. */
struct target {
	struct region *region;
	bool own; /* only this space has it */
};

static void edit_begin(struct edit *edit, struct address_space *space)
{
	edit->space = space;
	edit->spares = 0;
	region_change_begin(&edit->change, &space->regions);
}

/* And puts so many regions behind it. */
static void plan_modify(struct edit *edit, struct target *target, struct region *region,
			u32 inserts)
{
	bool own = region_change_plan(&edit->change, region->start, inserts);

	target->region = region;
	target->own = own && __atomic_load_n(&region->refs, __ATOMIC_ACQUIRE) == 1;
	edit->spares += !target->own + inserts;
}

static void plan_removal(struct edit *edit, vaddr_t start, vaddr_t end)
{
	region_change_plan_removal(&edit->change, start, end);
}

static void edit_end(struct edit *edit)
{
	while (edit->spares > 0)
		region_free_unused(edit->spare[--edit->spares]);
	region_change_end(&edit->change);
}

static int edit_allocate(struct edit *edit)
{
	u32 wanted = edit->spares;

	ASSERT(wanted <= EDIT_SPARES);
	edit->spares = 0;
	if (region_change_allocate(&edit->change) != 0)
		return -ENOMEM;
	while (edit->spares < wanted) {
		struct region *region = region_alloc();
		if (region == NULL) {
			edit_end(edit);
			return -ENOMEM;
		}
		edit->spare[edit->spares++] = region;
	}
	return 0;
}

static struct region_slot slot_of(struct region *region)
{
	return (struct region_slot){
		.start = region->start,
		.end = region->end,
		.region = region,
		.guarded = region->flags & REGION_GROWS_DOWN,
	};
}

/* An object for [start, end) that otherwise is like another, on no list. */
static struct region *make(struct edit *edit, const struct region *like, vaddr_t start, vaddr_t end)
{
	struct region *region = edit->spare[--edit->spares];

	*region = *like;
	region->refs = 1;
	region->family = edit->space->family;
	region->start = start;
	region->end = end;
	region->offset = region_offset(like, start);
	if (region->backing != NULL)
		region->backing->ops->get(region->backing);
	userfault_get(region->userfault);
	return region;
}

/* A piece of a region that is in the map, or another object for it, or for more. */
static struct region *make_piece(struct edit *edit, struct region *of, vaddr_t start, vaddr_t end)
{
	struct region *region = make(edit, of, start, end);

	if (start < of->start || end > of->end)
		mapping_add_unvisited(region);
	else
		mapping_add(region, of);
	return region;
}

static void insert(struct edit *edit, struct region *region)
{
	struct region_slot slot = slot_of(region);

	region_tree_insert(&edit->change, &slot);
}

static void remove_whole(struct edit *edit, vaddr_t start, vaddr_t end)
{
	WRITE_ONCE(edit->space->hint, NULL);
	region_tree_remove(&edit->change, start, end);
}

/* Moves the ends of a region.  The one that is in the map then. */
static struct region *modify(struct edit *edit, const struct target *target, vaddr_t start,
			     vaddr_t end)
{
	struct region *region = target->region;
	vaddr_t old_start = region->start;

	if (!target->own) {
		region = make_piece(edit, region, start, end);
	} else if (region->start != start || region->end != end) {
		mapping_lock(region);
		if (start < old_start || end > region->end)
			mapping_revisit_locked(region);
		region->offset = region_offset(region, start);
		region->start = start;
		region->end = end;
		mapping_unlock(region);
	} else {
		return region;
	}
	struct region_slot slot = slot_of(region);
	region_tree_set(&edit->change, old_start, &slot);
	/* Whatever it was may be gone. */
	WRITE_ONCE(edit->space->hint, region);
	return region;
}

/* Is there room for so many regions more? */
static bool is_room(const struct address_space *space, u32 more)
{
	return more == 0 || space->regions.count + more <= REGION_LIMIT;
}

/* --- Neighbours --- */

/* What a part of a region can be given. */
struct traits {
	u32 flags;
	struct mempolicy policy;
	struct userfault *userfault;
};

static struct traits traits_of(const struct region *region)
{
	return (struct traits){region->flags, region->policy, region->userfault};
}

/* What decides whether regions that touch can be one, but for where they lie. */
static bool is_like(const struct region *region, const struct region *other,
		    const struct traits *traits)
{
	u32 flags = traits->flags;

	return region->flags == flags && region->kind == other->kind &&
	       region->backing == other->backing && region->name == other->name &&
	       mempolicy_equal(&region->policy, &traits->policy) &&
	       region->userfault == traits->userfault &&
	       !(flags & (REGION_SPECIAL | REGION_GROWS_DOWN));
}

/* What lies around a place in the map: the neighbours there that continue it, or NULL. */
struct neighbours {
	struct target lower, upper;
};

/* `lower` if it ends at `start` and is what `region` would be there with these traits, or NULL; and
 * the same for what is above. */
static struct region *lower_neighbour(struct region *lower, const struct region *region,
				      vaddr_t start, const struct traits *traits)
{
	bool joins = lower != NULL && lower->end == start && is_like(lower, region, traits) &&
		     region_offset(lower, start) == region_offset(region, start);

	return joins ? lower : NULL;
}

static struct region *upper_neighbour(struct region *upper, const struct region *region,
				      vaddr_t end, const struct traits *traits)
{
	bool joins = upper != NULL && upper->start == end && is_like(upper, region, traits) &&
		     upper->offset == region_offset(region, end);

	return joins ? upper : NULL;
}

/* Of a region as it is; `above` is the next one. */
static bool find_neighbours(const struct address_space *space, const struct region *region,
			    struct region *above, struct neighbours *neighbours)
{
	struct region *below = region_tree_find_before(&space->regions, region->start);

	struct traits traits = traits_of(region);

	neighbours->lower.region = lower_neighbour(below, region, region->start, &traits);
	neighbours->upper.region = upper_neighbour(above, region, region->end, &traits);
	return neighbours->lower.region != NULL || neighbours->upper.region != NULL;
}

/* The lower one grows over the place, or else the upper one does; both: the upper one goes. */
static void plan_join(struct edit *edit, struct neighbours *neighbours)
{
	struct region *lower = neighbours->lower.region, *upper = neighbours->upper.region;

	if (lower != NULL && upper != NULL)
		plan_removal(edit, upper->start, upper->end);
	if (lower != NULL)
		plan_modify(edit, &neighbours->lower, lower, 0);
	else
		plan_modify(edit, &neighbours->upper, upper, 0);
}

/* The place [start, end) is free by now. */
static void join(struct edit *edit, const struct neighbours *neighbours, vaddr_t start, vaddr_t end)
{
	struct region *lower = neighbours->lower.region, *upper = neighbours->upper.region;

	if (lower == NULL) {
		modify(edit, &neighbours->upper, start, upper->end);
		return;
	}
	if (upper != NULL) {
		end = upper->end;
		mapping_inherit(lower, upper);
		remove_whole(edit, upper->start, end);
	}
	modify(edit, &neighbours->lower, lower->start, end);
}

/* --- Removing --- */

/* A range that is taken out. */
struct removal {
	vaddr_t start, end;
	struct target first, last; /* which reach over it, or region is NULL */
	bool divides;              /* the first is the last, too: a piece of it is above then */
	bool whole;                /* a region lies in it wholly, perhaps */
};

static bool plan_removal_of_range(struct edit *edit, struct removal *removal, vaddr_t start,
				  vaddr_t end)
{
	struct region *first = region_find_first(edit->space, start);

	*removal = (struct removal){.start = start, .end = end};
	if (first == NULL || first->start >= end)
		return false;
	struct region *last = first;
	if (first->end < end)
		last = region_tree_find_before(&edit->space->regions, end);
	bool below = first->start<start, above = last->end> end;
	removal->divides = below && above && first == last;
	removal->whole = first != last || (!below && !above);
	if (below)
		plan_modify(edit, &removal->first, first, removal->divides);
	if (above && !removal->divides)
		plan_modify(edit, &removal->last, last, 0);
	if (removal->whole)
		plan_removal(edit, start, end);
	return true;
}

static void uncount_range(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct region *region = region_find_first(space, start);

	while (region != NULL && region->start < end) {
		u64 bytes = MIN(region->end, end) - MAX(region->start, start);
		region_count(space, region->backing, region->flags, -(s64)(bytes >> PAGE_SHIFT));
		region = region->end < end ? region_next(space, region) : NULL;
	}
}

static void take_out(struct edit *edit, const struct removal *removal)
{
	struct region *first = removal->first.region, *last = removal->last.region;
	struct region *upper = NULL;

	uncount_range(edit->space, removal->start, removal->end);
	if (removal->divides)
		upper = make_piece(edit, first, removal->end, first->end);
	if (last != NULL)
		modify(edit, &removal->last, removal->end, last->end);
	if (first != NULL)
		modify(edit, &removal->first, first->start, removal->start);
	if (upper != NULL)
		insert(edit, upper);
	if (removal->whole)
		remove_whole(edit, removal->start, removal->end);
}

int region_remove(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct removal removal;
	struct edit edit;

	edit_begin(&edit, space);
	if (!plan_removal_of_range(&edit, &removal, start, end))
		return 0;
	if (!is_room(space, removal.divides) || edit_allocate(&edit) != 0)
		return -ENOMEM;
	take_out(&edit, &removal);
	edit_end(&edit);
	return 0;
}

/* --- Adding --- */

/* A region by itself, in a place that is free by now. */
static void put_new(struct edit *edit, const struct region *wanted, bool moved)
{
	struct region *region = make(edit, wanted, wanted->start, wanted->end);

	if (moved)
		mapping_add_unvisited(region);
	else
		mapping_add_new(region);
	insert(edit, region);
	region_count(edit->space, wanted->backing, wanted->flags, (s64)region_pages(wanted));
	WRITE_ONCE(edit->space->hint, region);
}

static int add_apart(struct address_space *space, const struct region *wanted, bool moved)
{
	struct removal removal;
	struct edit edit;

	edit_begin(&edit, space);
	bool replaces = plan_removal_of_range(&edit, &removal, wanted->start, wanted->end);
	region_change_plan_replacement(&edit.change, wanted->start, wanted->end,
				       1 + removal.divides);
	edit.spares++;
	if (edit_allocate(&edit) != 0)
		return -ENOMEM;
	if (replaces)
		take_out(&edit, &removal);
	put_new(&edit, wanted, moved);
	edit_end(&edit);
	return 0;
}

int region_add_moved(struct address_space *space, const struct region *wanted)
{
	return add_apart(space, wanted, true);
}

void region_join(struct address_space *space, struct region *region)
{
	struct neighbours neighbours;

	if (find_neighbours(space, region, region_next(space, region), &neighbours))
		(void)!region_set_flags(space, region, region->start, region->end, region->flags);
}

int region_add(struct address_space *space, const struct region *wanted)
{
	struct neighbours neighbours;
	struct edit edit;

	struct region *above = region_find_first(space, wanted->start);
	if (above != NULL && above->start < wanted->end) {
		int result = add_apart(space, wanted, false);
		if (result == 0)
			region_join(space, region_find(space, wanted->start));
		return result;
	}
	bool joins = find_neighbours(space, wanted, above, &neighbours);
	edit_begin(&edit, space);
	if (joins) {
		plan_join(&edit, &neighbours);
	} else {
		region_change_plan(&edit.change, region_before(wanted->start), 1);
		edit.spares++;
	}
	if (edit_allocate(&edit) != 0)
		return -ENOMEM;
	if (joins) {
		join(&edit, &neighbours, wanted->start, wanted->end);
		region_count(space, wanted->backing, wanted->flags, (s64)region_pages(wanted));
	} else {
		put_new(&edit, wanted, false);
	}
	edit_end(&edit);
	return 0;
}

/* --- Changing a part --- */

/* A part of a region that changes, and what is left of the region on either side. */
struct part {
	struct target region;
	vaddr_t start, end;
	const struct traits *traits; /* that it shall have */
	struct neighbours neighbours;
	bool below, above; /* a piece of the region stays there */
	bool joins;
};

static void plan_part(struct edit *edit, struct part *part)
{
	struct region *region = part->region.region, *lower = NULL, *upper = NULL;

	/* Where the region itself goes on, there is no neighbour. */
	if (!part->below)
		lower = lower_neighbour(region_previous(edit->space, region), region, part->start,
					part->traits);
	if (!part->above)
		upper = upper_neighbour(region_next(edit->space, region), region, part->end,
					part->traits);
	part->neighbours.lower.region = lower;
	part->neighbours.upper.region = upper;
	part->joins = lower != NULL || upper != NULL;
	if (lower == NULL && upper != NULL && !part->below && !part->above) {
		plan_modify(edit, &part->region, region, 0);
		plan_removal(edit, upper->start, upper->end);
		return;
	}
	if (part->joins)
		plan_join(edit, &part->neighbours);
	if (part->below || part->above || !part->joins)
		plan_modify(edit, &part->region, region,
			    part->joins ? 0 : part->below + part->above);
	else
		plan_removal(edit, region->start, region->end);
}

static void set_traits(struct region *region, const struct part *part)
{
	struct userfault *old = region->userfault;

	mapping_flags_change(region, part->traits->flags);
	region->flags = part->traits->flags;
	region->policy = part->traits->policy;
	region->userfault = part->traits->userfault;
	if (unlikely(region->userfault != old)) {
		userfault_get(region->userfault);
		userfault_put(old);
	}
}

/* The part has gone to a neighbour: the region keeps the rest. */
static void cut_off(struct edit *edit, const struct part *part)
{
	struct region *region = part->region.region;

	if (part->below)
		modify(edit, &part->region, region->start, part->start);
	else
		modify(edit, &part->region, part->end, region->end);
}

/* The region keeps its lowest piece, and one or two others come behind it. */
static void divide(struct edit *edit, const struct part *part)
{
	struct region *region = part->region.region, *middle = NULL, *upper = NULL;

	if (part->above)
		upper = make_piece(edit, region, part->end, region->end);
	if (part->below) {
		middle = make_piece(edit, region, part->start, part->end);
		modify(edit, &part->region, region->start, part->start);
		insert(edit, middle);
	} else {
		middle = modify(edit, &part->region, part->start, part->end);
	}
	set_traits(middle, part);
	if (upper != NULL)
		insert(edit, upper);
	WRITE_ONCE(edit->space->hint, middle);
}

/* All of the region changes, and then goes on as its upper neighbour does: it takes its place. */
static void take_over_upper(struct edit *edit, const struct part *part)
{
	struct region *region = part->region.region, *upper = part->neighbours.upper.region;
	vaddr_t end = upper->end;

	mapping_inherit(region, upper);
	remove_whole(edit, upper->start, end);
	set_traits(modify(edit, &part->region, part->start, end), part);
}

static void change_part(struct edit *edit, struct part *part)
{
	bool stays = part->below || part->above;

	if (!part->joins && stays) {
		divide(edit, part);
		return;
	}
	if (!part->joins) {
		set_traits(modify(edit, &part->region, part->start, part->end), part);
		return;
	}
	if (!stays && part->neighbours.lower.region == NULL) {
		take_over_upper(edit, part);
		return;
	}
	struct region *lower = part->neighbours.lower.region;
	mapping_inherit(lower != NULL ? lower : part->neighbours.upper.region, part->region.region);
	if (stays)
		cut_off(edit, part);
	else
		remove_whole(edit, part->start, part->end);
	join(edit, &part->neighbours, part->start, part->end);
}

/* The traits are the caller's own: the region may be gone by the end. */
static int give_traits(struct address_space *space, struct region *region, vaddr_t start,
		       vaddr_t end, const struct traits *traits)
{
	struct backing *backing = region->backing;
	u32 old_flags = region->flags;
	s64 pages = (s64)((end - start) >> PAGE_SHIFT);
	struct part part;
	struct edit edit;

	ASSERT(region->start <= start && end <= region->end);
	part.region.region = region;
	part.start = start;
	part.end = end;
	part.traits = traits;
	part.below = region->start < start;
	part.above = region->end > end;
	if ((part.below || part.above) && traits->flags == old_flags &&
	    mempolicy_equal(&traits->policy, &region->policy) &&
	    traits->userfault == region->userfault)
		return 0;
	edit_begin(&edit, space);
	plan_part(&edit, &part);
	if (!is_room(space, part.below + part.above) || edit_allocate(&edit) != 0)
		return -ENOMEM;
	change_part(&edit, &part);
	region_count(space, backing, old_flags, -pages);
	region_count(space, backing, traits->flags, pages);
	edit_end(&edit);
	return 0;
}

int region_change(struct address_space *space, struct region *region, vaddr_t start, vaddr_t end,
		  u32 flags, const struct mempolicy *policy)
{
	struct traits traits = {flags, *policy, region->userfault};

	return give_traits(space, region, start, end, &traits);
}

int region_set_watch(struct address_space *space, struct region *region, vaddr_t start, vaddr_t end,
		     u32 flags, struct userfault *userfault)
{
	struct traits traits = {flags, region->policy, userfault};

	return give_traits(space, region, start, end, &traits);
}

int region_grow(struct address_space *space, struct region *region, vaddr_t start, vaddr_t end)
{
	size_t pages = ((region->start - start) + (end - region->end)) >> PAGE_SHIFT;
	struct target target;
	struct edit edit;

	ASSERT(start <= region->start && region->end <= end);
	edit_begin(&edit, space);
	plan_modify(&edit, &target, region, 0);
	if (edit_allocate(&edit) != 0)
		return -ENOMEM;
	region = modify(&edit, &target, start, end);
	region_count(space, region->backing, region->flags, (s64)pages);
	edit_end(&edit);
	return 0;
}
