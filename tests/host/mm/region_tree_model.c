/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the region tree stands on (slabs, counted references), the model, and the checks: see
 * region_tree.c.
 */
#include "tests/host/mm/region_tree_model.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/slab.h"

struct list_head nodes = LIST_INIT(nodes), regions = LIST_INIT(regions);
static pthread_mutex_t lists_lock = PTHREAD_MUTEX_INITIALIZER;
bool ever_shared;            /* two trees had nodes in common since the last reset */
size_t allocations, fail_at; /* fail_at: the allocation with this number fails; 0: none */

/* --- What the tree stands on --- */

slab_cache_t *slab_cache_create(const char *name __unused, size_t size, size_t align __unused,
				void (*ctor)(void *) __unused, void (*dtor)(void *) __unused)
{
	return (slab_cache_t *)size;
}

void *slab_alloc(slab_cache_t *cache)
{
	void *node = NULL;

	pthread_mutex_lock(&lists_lock);
	if (++allocations != fail_at) {
		struct node_header *header = malloc(sizeof(*header) + (size_t)cache);
		memset(header, 0xa5, sizeof(*header) + (size_t)cache);
		header->links = 0;
		list_add(&header->all, &nodes);
		node = header + 1;
	}
	pthread_mutex_unlock(&lists_lock);
	return node;
}

void slab_free(slab_cache_t *cache __unused, void *node)
{
	struct node_header *header = (struct node_header *)node - 1;

	pthread_mutex_lock(&lists_lock);
	list_remove(&header->all);
	pthread_mutex_unlock(&lists_lock);
	free(header);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}

void get_region(struct region *region)
{
	__atomic_fetch_add(&region->refs, 1, __ATOMIC_RELAXED);
}

void put_region(struct region *region)
{
	if (__atomic_fetch_sub(&region->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	pthread_mutex_lock(&lists_lock);
	list_remove(&region->all);
	pthread_mutex_unlock(&lists_lock);
	free(region);
}

struct region *make_region(u32 place, bool large)
{
	struct region *region = calloc(1, sizeof(*region));

	region->refs = 1;
	region->place = place;
	region->large = large;
	region->guarded = place % 3 == 0;
	pthread_mutex_lock(&lists_lock);
	list_add(&region->all, &regions);
	pthread_mutex_unlock(&lists_lock);
	return region;
}

vaddr_t start_of(u32 place)
{
	return BOTTOM + place * PLACE;
}

struct region_slot slot_of(struct region *region)
{
	vaddr_t start = start_of(region->place);

	return (struct region_slot){
		.start = start,
		.end = start + LENGTH(region->large),
		.child.region = region,
		.guarded = region->guarded,
	};
}

/* --- The model --- */

struct subject subjects[TREES];

vaddr_t model_end(const struct subject *subject, u32 place)
{
	return start_of(place) + LENGTH(subject->large[place]);
}

static u32 model_count(const struct subject *subject)
{
	u32 count = 0;

	for (u32 i = 0; i < subject->places; i++)
		count += subject->there[i];
	return count;
}

static vaddr_t model_place_in(u64 length, vaddr_t low, vaddr_t high, vaddr_t bottom, vaddr_t top)
{
	bottom = MAX(bottom, low);
	top = MIN(top, high);
	return bottom < top && top - bottom >= length ? top - length : 0;
}

static vaddr_t model_hole(const struct subject *subject, u64 length, vaddr_t low, vaddr_t high)
{
	vaddr_t top = high, found;

	for (u32 place = subject->places; place-- > 0;) {
		if (!subject->there[place])
			continue;
		found = model_place_in(length, low, high, model_end(subject, place), top);
		if (found != 0)
			return found;
		top = start_of(place) - (place % 3 == 0 ? REGION_TREE_GUARD : 0);
	}
	return model_place_in(length, low, high, 0, top);
}

/* --- Checks --- */

static struct node_header *header_of(struct region_node *node)
{
	return (struct node_header *)node - 1;
}

static void check_region(struct region_node *leaf, u32 i)
{
	struct region *region = leaf->slots[i].child.region;
	struct region_slot slot = slot_of(region);

	expect(leaf->slots[i].start == slot.start && leaf->slots[i].end == slot.end &&
	       leaf->slots[i].hole == 0);
	expect((leaf->guarded >> i & 1) == slot.guarded);
	region->links++;
}

static void check_node(struct region_node *node);

static void check_child(struct region_node *node, u32 i)
{
	struct region_node *child = node->slots[i].child.node;
	u64 hole = 0;

	expect(child->level + 1 == node->level);
	check_node(child);
	for (u32 at = 0; at < child->count; at++) {
		hole = MAX(hole, child->slots[at].hole);
		if (at > 0)
			hole = MAX(hole, region_node_gap(child, at));
	}
	expect(node->slots[i].start == child->slots[0].start);
	expect(node->slots[i].end == child->slots[child->count - 1].end);
	expect(node->slots[i].hole == hole && child->largest == hole);
	expect((node->guarded >> i & 1) == (child->guarded & 1));
	expect(ever_shared || i == 0 ||
	       child->count + node->slots[i - 1].child.node->count > REGION_NODE_THIN);
}

/* The first visit goes below. */
static void check_node(struct region_node *node)
{
	if (header_of(node)->links++ != 0)
		return;
	expect(node->count > 0 && node->count <= REGION_NODE_SLOTS);
	for (u32 i = 0; i < node->count; i++) {
		expect(i == 0 || node->slots[i - 1].end <= node->slots[i].start);
		if (node->level == 0)
			check_region(node, i);
		else
			check_child(node, i);
	}
}

/* All that is alive has as many references as links, and so is linked. */
static void check_references(void)
{
	struct node_header *header;
	struct region *region;

	list_for_each_entry (header, &nodes, all) {
		expect(((struct region_node *)(header + 1))->refs == header->links);
		header->links = 0;
	}
	list_for_each_entry (region, &regions, all) {
		expect(region->refs == region->links);
		region->links = 0;
	}
}

static void check_searches(const struct subject *subject)
{
	const struct region_tree *tree = &subject->tree;
	s32 previous = -1;

	for (u32 place = 0; place < subject->places; place++) {
		if (!subject->there[place])
			continue;
		vaddr_t start = start_of(place), end = model_end(subject, place);
		struct region *region = region_tree_find(tree, start);
		expect(region != NULL && region->place == place);
		expect(region->large == subject->large[place]);
		expect(region_tree_find(tree, end - 1) == region);
		expect(region_tree_find_before(tree, start + 1) == region);
		struct region *below = region_tree_find_before(tree, start);
		expect(previous < 0 ? below == NULL
				    : below != NULL && below->place == (u32)previous);
		struct region *around[2], *above = region_tree_find(tree, end);
		region_tree_find_around(tree, start, end, &around[0], &around[1]);
		expect(around[0] == below && around[1] == above);
		region_tree_find_around(tree, start + 1, start + 1, &around[0], &around[1]);
		expect(around[0] == region && around[1] == region);
		/* The end of the one before leads here, too. */
		if (previous >= 0)
			expect(region_tree_find(tree, model_end(subject, (u32)previous)) == region);
		previous = (s32)place;
	}
	expect(region_tree_end(tree) == (previous < 0 ? 0 : model_end(subject, (u32)previous)));
	expect(region_tree_find(tree, region_tree_end(tree)) == NULL);
}

static void check_holes(const struct subject *subject)
{
	vaddr_t top = start_of(subject->places) + PLACE;
	const vaddr_t ends[][2] = {
		{PAGE_SIZE, top},
		{start_of(2) + PLACE / 2, start_of(subject->places / 2)},
		{start_of(subject->places / 3), start_of(subject->places - 1) + PLACE / 4},
	};
	const u64 lengths[] = {PAGE_SIZE,     PLACE / 4,     PLACE / 2, PLACE,
			       PLACE * 5 / 4, PLACE * 5 / 2, PLACE * 4};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		for (size_t l = 0; l < ARRAY_SIZE(lengths); l++)
			expect(region_tree_find_hole(&subject->tree, lengths[l], ends[i][0],
						     ends[i][1]) ==
			       model_hole(subject, lengths[l], ends[i][0], ends[i][1]));
}

static void check_structure(struct subject *subject)
{
	struct region_node *root = subject->tree.root;

	expect(subject->tree.count == model_count(subject));
	expect((root == NULL) == (subject->tree.count == 0));
	if (root == NULL)
		return;
	expect(root->level == 0 || root->count >= 2);
	check_node(root);
}

void check(void)
{
	for (u32 i = 0; i < TREES; i++)
		check_structure(&subjects[i]);
	check_references();
	for (u32 i = 0; i < TREES; i++) {
		check_searches(&subjects[i]);
		check_holes(&subjects[i]);
	}
}
