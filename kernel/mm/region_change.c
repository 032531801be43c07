/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a space's map of regions; see region.h.
 *
 * Each change is one edit: regions that follow each other go, and up to three pieces come in their
 * place, of which each is what is left of one of them, or more than it was, or a new one.  An edit
 * is written down first; then it takes the memory that it needs, which may fail, and is done, which
 * cannot.  A piece that keeps its region's object changes that in place, if only this space has it;
 * any other piece gets an object of its own.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/mapping.h"
#include "mm/region_internal.h"
#include "mm/userfault.h"

enum piece_kind {
	PIECE_KEPT,  /* the region itself, with other bounds or traits */
	PIECE_COPY,  /* a second piece of the same region */
	PIECE_NEW,   /* what the caller describes */
	PIECE_MOVED, /* the same, and truncation has to look at it again */
};

struct piece {
	struct region *region; /* that it is like; once done: that is in the map */
	vaddr_t start, end;
	enum piece_kind kind;
	bool own; /* PIECE_KEPT: only this space has the region */
};

struct edit {
	struct address_space *space;
	vaddr_t start, end; /* regions that start here go */
	struct piece pieces[REGION_CHANGE_MOST];
	u32 count;
	struct region *spare[REGION_CHANGE_MOST];
	u32 spares;
	struct region_change change;
};

static void edit_begin(struct edit *edit, struct address_space *space, vaddr_t start, vaddr_t end)
{
	edit->space = space;
	edit->start = start;
	edit->end = end;
	edit->count = 0;
	edit->spares = 0;
}

/* Of which the lowest comes first. */
static struct piece *add_piece(struct edit *edit, enum piece_kind kind, struct region *region,
			       vaddr_t start, vaddr_t end)
{
	struct piece *piece = &edit->pieces[edit->count++];

	piece->region = region;
	piece->start = start;
	piece->end = end;
	piece->kind = kind;
	return piece;
}

static void edit_end(struct edit *edit)
{
	while (unlikely(edit->spares > 0))
		region_free_unused(edit->spare[--edit->spares]);
	region_change_end(&edit->change);
}

/* Whether the region of a piece is the space's alone; `first`: whether the way to the first one is.
 */
static bool is_own(const struct edit *edit, const struct piece *piece, bool first)
{
	const struct region *region = piece->region;

	if (unlikely(edit->change.wide))
		first = region_tree_is_own(&edit->space->regions, region->start);
	return first && __atomic_load_n(&region->refs, __ATOMIC_ACQUIRE) == 1;
}

/* Takes what the edit needs.  0; -ENOMEM, and nothing is held. */
static int edit_allocate(struct edit *edit)
{
	u32 wanted = 0;
	bool own = region_change_plan(&edit->change, &edit->space->regions, edit->start, edit->end,
				      edit->count);

	for (u32 i = 0; i < edit->count; i++) {
		struct piece *piece = &edit->pieces[i];
		piece->own = piece->kind == PIECE_KEPT && is_own(edit, piece, own);
		wanted += !piece->own;
	}
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

/* An object for a piece that otherwise is like its region. */
static struct region *make(struct edit *edit, const struct piece *piece)
{
	struct region *like = piece->region, *region = edit->spare[--edit->spares];

	*region = *like;
	region->refs = 1;
	region->family = edit->space->family;
	region->start = piece->start;
	region->end = piece->end;
	region->offset = region_offset(like, piece->start);
	userfault_get(region->userfault);
	if (region->backing == NULL)
		return region;
	region->backing->ops->get(region->backing);
	if (piece->kind == PIECE_NEW)
		mapping_add_new(region);
	else if (piece->kind == PIECE_MOVED || piece->start < like->start || piece->end > like->end)
		mapping_add_unvisited(region);
	else
		mapping_add(region, like);
	return region;
}

/* Moves the ends of a region that only this space has. */
static void reshape(struct region *region, vaddr_t start, vaddr_t end)
{
	if (region->start == start && region->end == end)
		return;
	mapping_lock(region);
	if (start < region->start || end > region->end)
		mapping_revisit_locked(region);
	region->offset = region_offset(region, start);
	region->start = start;
	region->end = end;
	mapping_unlock(region);
}

/* Downwards: what a copy is made of keeps its bounds until then. */
static void edit_apply(struct edit *edit)
{
	struct region_slot slots[REGION_CHANGE_MOST];

	for (u32 i = edit->count; i-- > 0;) {
		struct piece *piece = &edit->pieces[i];
		if (piece->own)
			reshape(piece->region, piece->start, piece->end);
		else
			piece->region = make(edit, piece);
		slots[i].start = piece->start;
		slots[i].end = piece->end;
		slots[i].hole = 0;
		slots[i].child.region = piece->region;
		slots[i].guarded = piece->region->flags & REGION_GROWS_DOWN;
		slots[i].stays = piece->own;
	}
	/* Whatever it was may be gone. */
	WRITE_ONCE(edit->space->hint, NULL);
	region_change_apply(&edit->change, slots);
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
	struct region *lower, *upper;
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

/* Of a region as it is, between these two. */
static bool find_neighbours(const struct region *region, struct region *below, struct region *above,
			    struct neighbours *neighbours)
{
	struct traits traits = traits_of(region);

	neighbours->lower = lower_neighbour(below, region, region->start, &traits);
	neighbours->upper = upper_neighbour(above, region, region->end, &traits);
	return neighbours->lower != NULL || neighbours->upper != NULL;
}

/* The lower one grows over [start, end), or else the upper one does; both: the upper one goes. */
static struct piece *add_joined(struct edit *edit, const struct neighbours *neighbours,
				vaddr_t start, vaddr_t end)
{
	struct region *lower = neighbours->lower, *upper = neighbours->upper;

	edit->start = lower != NULL ? MIN(edit->start, lower->start) : edit->start;
	edit->end = upper != NULL ? MAX(edit->end, upper->end) : edit->end;
	return add_piece(edit, PIECE_KEPT, lower != NULL ? lower : upper,
			 lower != NULL ? lower->start : start, upper != NULL ? upper->end : end);
}

/* --- Removing --- */

/* What lies in a range that is taken out. */
struct removal {
	vaddr_t end;
	struct region *first, *last; /* NULL: nothing */
	bool below, above;           /* which reach over it */
};

/* Writes down what goes and the piece that is left below; end_removal adds the one above. */
static inline __attribute__((always_inline)) void begin_removal(struct edit *edit,
								struct address_space *space,
								struct removal *removal,
								vaddr_t start, vaddr_t end)
{
	struct region *first = region_find_first(space, start), *last = first;

	edit_begin(edit, space, start, start);
	*removal = (struct removal){.end = end};
	if (first == NULL || first->start >= end)
		return;
	if (first->end < end)
		last = region_tree_find_before(&space->regions, end);
	removal->first = first;
	removal->last = last;
	removal->below = first->start < start;
	removal->above = last->end > end;
	edit->start = first->start;
	edit->end = last->end;
	if (removal->below)
		add_piece(edit, PIECE_KEPT, first, first->start, start);
}

/* Says whether both pieces are of one region: there is one more then. */
static inline bool end_removal(struct edit *edit, const struct removal *removal)
{
	struct region *last = removal->last;
	bool divides = removal->below && removal->above && removal->first == last;

	if (removal->above)
		add_piece(edit, divides ? PIECE_COPY : PIECE_KEPT, last, removal->end, last->end);
	return divides;
}

/* `region`: the first in the range, or NULL. */
static void uncount_range(struct address_space *space, struct region *region, vaddr_t start,
			  vaddr_t end)
{
	while (region != NULL && region->start < end) {
		u64 bytes = MIN(region->end, end) - MAX(region->start, start);
		region_count(space, region->backing, region->flags, -(s64)(bytes >> PAGE_SHIFT));
		region = region->end < end ? region_next(space, region) : NULL;
	}
}

int region_remove(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct removal removal;
	struct edit edit;

	begin_removal(&edit, space, &removal, start, end);
	if (removal.first == NULL)
		return 0;
	bool divides = end_removal(&edit, &removal);
	if (!is_room(space, divides) || edit_allocate(&edit) != 0)
		return -ENOMEM;
	uncount_range(space, removal.first, start, end);
	edit_apply(&edit);
	edit_end(&edit);
	return 0;
}

/* --- Adding --- */

/* What the edit has put in is what the program will touch next. */
static void note_hint(const struct edit *edit, const struct piece *piece)
{
	WRITE_ONCE(edit->space->hint, piece->region);
}

/* A region by itself, instead of what was there. */
static int add_apart(struct address_space *space, const struct region *wanted, bool moved)
{
	vaddr_t start = wanted->start, end = wanted->end;
	struct removal removal;
	struct edit edit;

	begin_removal(&edit, space, &removal, start, end);
	struct piece *new = add_piece(&edit, moved ? PIECE_MOVED : PIECE_NEW,
				      (struct region *)wanted, start, end);
	end_removal(&edit, &removal);
	if (edit_allocate(&edit) != 0)
		return -ENOMEM;
	uncount_range(space, removal.first, start, end);
	edit_apply(&edit);
	region_count(space, wanted->backing, wanted->flags, (s64)region_pages(wanted));
	note_hint(&edit, new);
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
	struct region *below, *above;

	region_tree_find_around(&space->regions, region->start, region->end, &below, &above);
	if (find_neighbours(region, below, above, &neighbours))
		(void)!region_set_flags(space, region, region->start, region->end, region->flags);
}

int region_add(struct address_space *space, const struct region *wanted)
{
	vaddr_t start = wanted->start, end = wanted->end;
	struct neighbours neighbours;
	struct region *below, *above;
	struct edit edit;

	region_tree_find_around(&space->regions, start, start, &below, &above);
	if (above != NULL && above->start < end) {
		int result = add_apart(space, wanted, false);
		if (result == 0)
			region_join(space, region_find(space, start));
		return result;
	}
	bool joins = find_neighbours(wanted, below, above, &neighbours);
	vaddr_t place = neighbours.upper != NULL ? neighbours.upper->start : start;
	edit_begin(&edit, space, place, place);
	if (joins)
		add_joined(&edit, &neighbours, start, end);
	else
		add_piece(&edit, PIECE_NEW, (struct region *)wanted, start, end);
	if (edit_allocate(&edit) != 0)
		return -ENOMEM;
	if (neighbours.lower != NULL && neighbours.upper != NULL)
		mapping_inherit(neighbours.lower, neighbours.upper);
	edit_apply(&edit);
	region_count(space, wanted->backing, wanted->flags, (s64)region_pages(wanted));
	note_hint(&edit, &edit.pieces[0]);
	edit_end(&edit);
	return 0;
}

/* --- Changing a part --- */

/* A part of a region that changes, and what is left of the region on either side. */
struct part {
	struct region *region;
	vaddr_t start, end;
	const struct traits *traits; /* that it shall have */
	struct neighbours neighbours;
	bool below, above; /* a piece of the region stays there */
};

static void find_part_neighbours(const struct address_space *space, struct part *part)
{
	struct region *region = part->region, *below = NULL, *above = NULL;

	/* Where the region itself goes on, there is no neighbour. */
	if (!part->below && !part->above)
		region_tree_find_around(&space->regions, region->start, region->end, &below,
					&above);
	else if (!part->below)
		below = region_previous(space, region);
	else if (!part->above)
		above = region_next(space, region);
	part->neighbours.lower = lower_neighbour(below, region, part->start, part->traits);
	part->neighbours.upper = upper_neighbour(above, region, part->end, part->traits);
}

/*
 * The pieces of the region below and above, and the part between them: by itself, or at a
 * neighbour, which it makes larger.  The lowest piece of the region keeps its object.  If nothing
 * else of it is left, it takes the place of its upper neighbour.  Returns the piece that covers the
 * part.
 */
static struct piece *add_part(struct edit *edit, const struct part *part)
{
	const struct neighbours *around = &part->neighbours;
	struct region *region = part->region;
	enum piece_kind kind = PIECE_KEPT;
	struct piece *middle;

	if (part->below) {
		add_piece(edit, kind, region, region->start, part->start);
		kind = PIECE_COPY;
	}
	if (around->lower != NULL || (around->upper != NULL && part->below)) {
		middle = add_joined(edit, around, part->start, part->end);
	} else {
		if (around->upper != NULL)
			edit->end = around->upper->end;
		middle = add_piece(edit, kind, region, part->start,
				   around->upper != NULL ? edit->end : part->end);
		kind = PIECE_COPY;
	}
	if (part->above)
		add_piece(edit, kind, region, part->end, region->end);
	return middle;
}

/* Truncation visits the region that covers the part in the end again, if it has been at one of
 * those that lose their place to it, and not at this one, or the other way round. */
static void inherit(const struct part *part, struct region *covering)
{
	const struct neighbours *around = &part->neighbours;

	if (covering != part->region)
		mapping_inherit(covering, part->region);
	if (around->upper != NULL && covering != around->upper)
		mapping_inherit(covering, around->upper);
}

static void set_traits(struct region *region, const struct traits *traits)
{
	struct userfault *old = region->userfault;

	if (region->backing != NULL)
		mapping_flags_change(region, traits->flags);
	region->flags = traits->flags;
	region->policy = traits->policy;
	region->userfault = traits->userfault;
	if (unlikely(region->userfault != old)) {
		userfault_get(region->userfault);
		userfault_put(old);
	}
}

static void change_part(struct edit *edit, const struct part *part, struct piece *middle)
{
	inherit(part, middle->region);
	edit_apply(edit);
	set_traits(middle->region, part->traits);
	note_hint(edit, middle);
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
	part.region = region;
	part.start = start;
	part.end = end;
	part.traits = traits;
	part.below = region->start < start;
	part.above = region->end > end;
	if ((part.below || part.above) && traits->flags == old_flags &&
	    mempolicy_equal(&traits->policy, &region->policy) &&
	    traits->userfault == region->userfault)
		return 0;
	find_part_neighbours(space, &part);
	edit_begin(&edit, space, region->start, region->end);
	struct piece *middle = add_part(&edit, &part);
	if (!is_room(space, part.below + part.above) || edit_allocate(&edit) != 0)
		return -ENOMEM;
	/* Parts of the region and neighbours that touch it go and come. */
	edit.change.solid = true;
	change_part(&edit, &part, middle);
	region_recount(space, backing, old_flags, traits->flags, pages);
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
	struct edit edit;

	ASSERT(start <= region->start && region->end <= end);
	edit_begin(&edit, space, region->start, region->end);
	struct piece *piece = add_piece(&edit, PIECE_KEPT, region, start, end);
	if (edit_allocate(&edit) != 0)
		return -ENOMEM;
	edit_apply(&edit);
	note_hint(&edit, piece);
	region_count(space, piece->region->backing, piece->region->flags, (s64)pages);
	edit_end(&edit);
	return 0;
}
