/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map of regions as a red-black tree: insertion, removal, search; see region.h.
 */
#include "mm/region.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/mapping.h"
#include "mm/slab.h"

static slab_cache_t *region_slab; /* set once */

#define entry_of(pointer) rb_entry(pointer, struct region, node)

void regions_init(void)
{
	region_slab = slab_cache_create("region", sizeof(struct region), 0, NULL, NULL);
	if (region_slab == NULL)
		panic("no memory for regions");
}

struct region *region_alloc(void)
{
	struct region *region = slab_alloc_zeroed(region_slab);

	if (region != NULL)
		list_init(&region->mapping);
	return region;
}

void region_free(struct region *region)
{
	if (region->backing != NULL)
		region->backing->ops->put(region->backing);
	slab_free(region_slab, region);
}

static void update_largest_gap(struct rb_node *node)
{
	struct region *region = entry_of(node);
	u64 largest = region->gap;

	if (node->left != NULL)
		largest = MAX(largest, entry_of(node->left)->largest_gap);
	if (node->right != NULL)
		largest = MAX(largest, entry_of(node->right)->largest_gap);
	region->largest_gap = largest;
}

void region_map_init(struct address_space *space)
{
	space->regions = RB_ROOT_AUGMENTED(update_largest_gap);
}

struct region *region_next(const struct region *region)
{
	struct rb_node *node = rb_next(&region->node);

	return node != NULL ? entry_of(node) : NULL;
}

struct region *region_previous(const struct region *region)
{
	struct rb_node *node = rb_prev(&region->node);

	return node != NULL ? entry_of(node) : NULL;
}

struct region *region_find_first(struct address_space *space, vaddr_t address)
{
	struct region *found = READ_ONCE(space->hint);
	struct rb_node *node = space->regions.top;

	if (found != NULL && found->start <= address && address < found->end)
		return found;
	found = NULL;
	while (node != NULL) {
		struct region *region = entry_of(node);
		if (region->end <= address) {
			node = node->right;
			continue;
		}
		found = region;
		if (region->start <= address)
			break;
		node = node->left;
	}
	if (found != NULL)
		WRITE_ONCE(space->hint, found);
	return found;
}

struct region *region_find(struct address_space *space, vaddr_t address)
{
	struct region *region = region_find_first(space, address);

	return region != NULL && region->start <= address ? region : NULL;
}

/* --- Holes --- */

static u64 guard_of(const struct region *region)
{
	return region->flags & REGION_GROWS_DOWN ? STACK_GUARD_GAP : 0;
}

/* Recomputes the gap in front of a region and tells the tree. */
static void update_gap(struct address_space *space, struct region *region)
{
	struct region *previous = region_previous(region);
	u64 free = region->start - (previous != NULL ? previous->end : 0);
	u64 guard = guard_of(region);

	region->gap = free > guard ? free - guard : 0;
	rb_augment_path(&space->regions, &region->node);
}

static void update_gap_after(struct address_space *space, const struct region *region)
{
	struct region *next = region_next(region);

	if (next != NULL)
		update_gap(space, next);
}

/* The highest hole in front of a region of this subtree.  The recursion is as deep as the tree is
 * high. */
static vaddr_t search_hole(struct rb_node *node, u64 length, vaddr_t low, vaddr_t high)
{
	if (node == NULL || entry_of(node)->largest_gap < length)
		return 0;
	struct region *region = entry_of(node);
	if (region->end < high) {
		vaddr_t found = search_hole(node->right, length, low, high);
		if (found != 0)
			return found;
	}
	vaddr_t top = region->start - MIN(guard_of(region), region->start);
	vaddr_t bottom = MAX(top - region->gap, low);
	top = MIN(top, high);
	if (top > bottom && top - bottom >= length)
		return top - length;
	return region->start > low ? search_hole(node->left, length, low, high) : 0;
}

vaddr_t region_find_hole(struct address_space *space, u64 length, vaddr_t low, vaddr_t high)
{
	struct rb_node *last = rb_last(&space->regions);
	vaddr_t bottom = MAX(last != NULL ? entry_of(last)->end : 0, low);

	if (bottom < high && high - bottom >= length)
		return high - length;
	return search_hole(space->regions.top, length, low, high);
}

/* --- Counts --- */

/* Does this kind of memory have to be found when a program touches it all?  Shared memory counts
 * itself. */
bool region_is_committed(u32 flags)
{
	return (flags & (REGION_WRITE | REGION_SHARED | REGION_NO_RESERVE)) == REGION_WRITE;
}

static void count(struct address_space *space, const struct region *region, s64 pages)
{
	u32 flags = region->flags;

	space->total_pages += (size_t)pages;
	if (flags & REGION_GROWS_DOWN)
		space->stack_pages += (size_t)pages;
	else if ((flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE)
		space->data_pages += (size_t)pages;
	else if ((flags & (REGION_EXECUTE | REGION_WRITE)) == REGION_EXECUTE)
		space->code_pages += (size_t)pages;
	if (flags & REGION_SHARED)
		space->shared_pages += (size_t)pages;
	if (flags & REGION_LOCKED)
		space->locked_pages += (size_t)pages;
	if (region_is_committed(flags)) {
		space->committed_pages += (size_t)pages;
		commit_account(pages);
	}
}

int region_check_limits(struct address_space *space, size_t pages, u32 flags)
{
	const struct vm_limits *limits = &space->limits;
	bool data = (flags & (REGION_WRITE | REGION_SHARED | REGION_GROWS_DOWN)) == REGION_WRITE;

	if (limits->address_space != VM_UNLIMITED &&
	    space->total_pages + pages > limits->address_space >> PAGE_SHIFT)
		return -ENOMEM;
	if (data && limits->data != VM_UNLIMITED &&
	    space->data_pages + pages > limits->data >> PAGE_SHIFT)
		return -ENOMEM;
	return region_is_committed(flags) ? commit_check(space, pages) : 0;
}

/* --- Changing the map --- */

static void link_node(struct address_space *space, struct region *region)
{
	struct rb_node **link = &space->regions.top, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = region->start < entry_of(parent)->start ? &parent->left : &parent->right;
	}
	region->gap = 0;
	rb_insert(&space->regions, &region->node, parent, link);
	update_gap(space, region);
	update_gap_after(space, region);
	space->region_count++;
}

static void unlink_node(struct address_space *space, struct region *region)
{
	struct region *next = region_next(region);

	if (READ_ONCE(space->hint) == region)
		WRITE_ONCE(space->hint, NULL);
	rb_erase(&space->regions, &region->node);
	if (next != NULL)
		update_gap(space, next);
	space->region_count--;
}

void region_insert(struct address_space *space, struct region *region)
{
	region->space = space;
	link_node(space, region);
	count(space, region, (s64)region_pages(region));
	mapping_add(region);
}

void region_remove(struct address_space *space, struct region *region)
{
	mapping_remove(region);
	count(space, region, -(s64)region_pages(region));
	unlink_node(space, region);
}

void region_set_flags(struct region *region, u32 flags)
{
	struct address_space *space = region->space;

	count(space, region, -(s64)region_pages(region));
	mapping_flags_change(region, flags);
	region->flags = flags;
	count(space, region, (s64)region_pages(region));
	update_gap(space, region);
}

void region_set_start(struct region *region, vaddr_t start)
{
	mapping_lock(region);
	count(region->space, region, ((s64)region->start - (s64)start) / (s64)PAGE_SIZE);
	region->offset -= region->start - start;
	region->start = start;
	mapping_unlock(region);
	update_gap(region->space, region);
}

void region_set_end(struct region *region, vaddr_t end)
{
	mapping_lock(region);
	count(region->space, region, ((s64)end - (s64)region->end) / (s64)PAGE_SIZE);
	region->end = end;
	mapping_unlock(region);
	update_gap_after(region->space, region);
}

void region_split(struct region *region, vaddr_t address, struct region *upper)
{
	struct address_space *space = region->space;

	ASSERT(region->start < address && address < region->end);
	*upper = *region;
	list_init(&upper->mapping);
	upper->start = address;
	upper->offset += address - region->start;
	if (upper->backing != NULL)
		upper->backing->ops->get(upper->backing);
	mapping_lock(region);
	region->end = address;
	mapping_add_locked(upper);
	mapping_unlock(region);
	link_node(space, upper);
}

static bool continues(const struct region *lower, const struct region *upper)
{
	return lower->end == upper->start && lower->flags == upper->flags &&
	       lower->kind == upper->kind && lower->backing == upper->backing &&
	       lower->name == upper->name && mempolicy_equal(&lower->policy, &upper->policy) &&
	       !(lower->flags & (REGION_SPECIAL | REGION_GROWS_DOWN)) &&
	       (lower->backing == NULL ||
		lower->offset + (lower->end - lower->start) == upper->offset);
}

/* The counts stay: the sum of both. */
static void join(struct region *lower, struct region *upper)
{
	vaddr_t end = upper->end;

	unlink_node(lower->space, upper);
	mapping_lock(lower);
	mapping_remove_locked(upper);
	lower->end = end;
	mapping_unlock(lower);
	update_gap_after(lower->space, lower);
	region_free(upper);
}

struct region *region_merge(struct region *region)
{
	struct region *previous = region_previous(region);
	struct region *next = region_next(region);

	if (next != NULL && continues(region, next))
		join(region, next);
	if (previous != NULL && continues(previous, region)) {
		join(previous, region);
		return previous;
	}
	return region;
}

int region_isolate(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct region *first = region_find(space, start);
	struct region *last = region_find(space, end - 1);
	bool split_first = first != NULL && first->start < start;
	bool split_last = last != NULL && last->end > end;
	struct region *spare[2] = {NULL, NULL};

	if (space->region_count + split_first + split_last > REGION_LIMIT)
		return -ENOMEM;
	if (split_first)
		spare[0] = region_alloc();
	if (split_last)
		spare[1] = region_alloc();
	if ((split_first && spare[0] == NULL) || (split_last && spare[1] == NULL)) {
		for (int i = 0; i < 2; i++)
			if (spare[i] != NULL)
				region_free(spare[i]);
		return -ENOMEM;
	}
	if (split_first)
		region_split(first, start, spare[0]);
	if (split_last)
		region_split(split_first && last == first ? spare[0] : last, end, spare[1]);
	return 0;
}
