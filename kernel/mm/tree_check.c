/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants of page-table trees that can be seen where nothing is under way; the numbers are
 * those of the messages.
 *
 *	1	a node with more than one link has no link with W
 *	2	a node's count is the number of its links; a frame's, the number of those who hold
 *		it: entries, of which those of a ring with the same index are one, and the page cache
 *	4	spaces that reach a node have the same regions over its span
 *	5	an entry with EXCL is its frame's only holder, and the frame knows where it is
 *	6	an anonymous frame is writable only with EXCL; no entry permits more than its region
 *	7	a frame with EXCL that somebody else holds, a pin that is, lies below nodes that are
 *		marked for it, and these have one link, with W
 *	10	no link names a node that has been freed
 *	11	the counts of a leaf are those of its entries
 *	12	the kernel half of every root is the kernel's
 *	14	an entry of a file's page that permits writing is dirty, and its file knows
 *	15	rings are closed, small, and contain only leaves that are alive
 *	16	no two families reach the same node
 *	17	a huge link maps the block that the entries of its leaf name, with their rights
 *
 * The others are about what happens between two states.  3 is kept by the map lock, which fork
 * holds for writing: tree_share and tree_lock_leaf assert it.  8 is kept by gathers (zap.c) and
 * put_replaced (tree.c): the tests' simulated TLBs watch every frame that is freed.  9 is asserted
 * by fault_replace_locked.  13 holds because node_put and gathers live on the stack: a test counts.
 *
 * Three walks: the first stamps nodes and counts links, the second counts who holds frames, the
 * third compares.  A node's content is looked at once, whoever shares it.
 */
#include "mm/tree_check.h"

#ifdef CONFIG_CHECKING

#include "lib/assert.h"
#include "mm/family.h"
#include "mm/huge.h"
#include "mm/kmalloc.h"
#include "mm/space.h"
#include "mm/tree.h"

/* Counts for frames, by number, in pieces of a frame each that are made when needed. */
enum { PIECE_FRAMES = PAGE_SIZE / sizeof(u32) };

struct check {
	struct family *family;
	bool alone;
	bool swap_cache; /* which holds frames, too */
	u32 **holders;   /* NULL: no memory, not counted */
	size_t pieces;
};

static u32 last_pass; /* of all checks; a mutex is held */
static mutex_t one_at_a_time = MUTEX_INIT(one_at_a_time);

#define REQUIRE(invariant, condition, where)                                            \
	do {                                                                            \
		if (unlikely(!(condition)))                                             \
			panic("tree_check, invariant %d, at %#lx: not %s", (invariant), \
			      (unsigned long)(where), #condition);                      \
	} while (0)

/* --- Regions --- */

/* The region at an address, NULL for a hole, and where it ends. */
static struct region *region_at(struct address_space *space, vaddr_t at, vaddr_t end, vaddr_t *stop)
{
	struct region *region = region_find_first(space, at);

	if (region == NULL || region->start > at) {
		*stop = region != NULL ? MIN(region->start, end) : end;
		return NULL;
	}
	*stop = MIN(region->end, end);
	return region;
}

static bool regions_agree(const struct region *a, const struct region *b, vaddr_t at)
{
	enum { FLAGS = REGION_ACCESS | REGION_SHARED | REGION_SPECIAL };

	if (a == NULL || b == NULL)
		return a == b;
	return (a->flags & FLAGS) == (b->flags & FLAGS) && a->backing == b->backing &&
	       region_offset(a, at) == region_offset(b, at);
}

static void check_same_regions(struct address_space *a, struct address_space *b, vaddr_t start,
			       vaddr_t end)
{
	vaddr_t stop_a, stop_b;

	for (vaddr_t at = start; at < end; at = MIN(stop_a, stop_b)) {
		const struct region *region_a = region_at(a, at, end, &stop_a);
		const struct region *region_b = region_at(b, at, end, &stop_b);
		REQUIRE(4, regions_agree(region_a, region_b, at), at);
	}
}

/* --- The first walk: nodes, links, and what regions permit --- */

/* Nothing will be forgotten that was written through this entry, which is of a file's page. */
static void check_dirty(const struct region *region, pte_t entry, vaddr_t at)
{
	REQUIRE(14, region->flags & REGION_SHARED, at);
	REQUIRE(14, pte_flags(entry) & PAGE_DIRTY, at);
	REQUIRE(14, page_cache_is_dirty(region_cache(region), region_index(region, at)), at);
}

static void check_permission(const struct region *region, pte_t entry, vaddr_t at)
{
	REQUIRE(6, region != NULL, at);
	if (!pte_is_present(entry)) {
		REQUIRE(6, !entry_has_frame(entry) || !(region->flags & REGION_ACCESS), at);
		return;
	}
	REQUIRE(6, region->flags & REGION_ACCESS, at);
	REQUIRE(6, !entry_is_writable(entry) || (region->flags & REGION_WRITE), at);
	if (!(region->flags & REGION_SPECIAL))
		REQUIRE(6, (pte_flags(entry) & PAGE_NX) || (region->flags & REGION_EXECUTE), at);
	if (entry_is_writable(entry) && entry_has_frame(entry) &&
	    !frame_is_anonymous(entry_phys(entry)))
		check_dirty(region, entry, at);
}

static void stamp_leaf(struct address_space *space, const struct node *leaf)
{
	const pte_t *table = node_table(leaf);
	vaddr_t stop = leaf->check.base;
	struct region *region = NULL;

	for (u32 i = 0; (i = entries_skip_empty(table, i)) < PTES_PER_TABLE; i++) {
		vaddr_t at = leaf->check.base + i * PAGE_SIZE;
		if (at >= stop)
			region = region_at(space, at, leaf->check.base + pt_span(2), &stop);
		check_permission(region, pte_read(&table[i]), at);
	}
}

static void stamp_below(const struct check *check, struct address_space *space, const pte_t *table,
			u32 limit, u32 level, vaddr_t base, bool above_may_pin);

static void stamp_node(const struct check *check, struct address_space *space, struct node *node,
		       vaddr_t base)
{
	if (node->check.pass == last_pass) {
		REQUIRE(4, node->check.base == base, base);
		node->check.links++;
		check_same_regions(space, node->check.space, base, base + pt_span(node->level + 1));
		return;
	}
	REQUIRE(16, node->check.family == NULL || node->check.family == check->family, base);
	node->check = (struct node_check){
		.pass = last_pass,
		.links = 1,
		.base = base,
		.space = space,
		.family = check->family,
	};
	if (node->level > 1)
		stamp_below(check, space, node_table(node), PTES_PER_TABLE, node->level, base,
			    node->may_pin);
	else
		stamp_leaf(space, node);
}

/* A huge link says what the entries say. */
static void check_huge_link(const struct node *leaf, pte_t link, vaddr_t at)
{
	const u64 rights = PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER | PAGE_NX;
	const pte_t *table = node_table(leaf);
	u64 flags = pte_flags(pte_read(table));

	REQUIRE(17, pte_phys(link) % pt_span(2) == 0 && frame_of(pte_phys(link))->huge, at);
	REQUIRE(17, (pte_flags(link) & PAGE_NX) == (flags & PAGE_NX), at);
	REQUIRE(17, !link_is_writable(link) || (flags & PAGE_WRITABLE), at);
	for (u32 i = 0; i < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&table[i]);
		REQUIRE(17, pte_is_present(entry) && !entry_is_special(entry), at);
		REQUIRE(17, pte_phys(entry) == pte_phys(link) + i * PAGE_SIZE, at);
		REQUIRE(17, ((pte_flags(entry) ^ flags) & (rights | PAGE_EXCL)) == 0, at);
	}
}

/* The links of a table, whose entries are of `level`, for the first space that reaches it. */
static void stamp_below(const struct check *check, struct address_space *space, const pte_t *table,
			u32 limit, u32 level, vaddr_t base, bool above_may_pin)
{
	for (u32 i = 0; (i = entries_skip_empty(table, i)) < limit; i++) {
		pte_t link = pte_read(&table[i]);
		vaddr_t at = base + i * pt_span(level);
		REQUIRE(10, pte_is_present(link) && (!link_is_huge(link) || level == 2), at);
		struct node *node = node_of(link);
		phys_t table = link_is_huge(link) ? node->table : pte_phys(link);
		REQUIRE(10, frame_of(table)->kind == FRAME_TABLE && frame_refs(table) == 1, at);
		REQUIRE(10, node->table == table && node->level == level - 1, at);
		REQUIRE(10, node->refs != 0 && node->lock.held == 0, at);
		REQUIRE(1, !link_is_writable(link) || node->refs == 1, at);
		REQUIRE(7, !node->may_pin || (node->refs == 1 && link_is_writable(link)), at);
		REQUIRE(7, !node->may_pin || above_may_pin, at);
		stamp_node(check, space, node, at);
		if (link_is_huge(link)) {
			node->check.huge_links++;
			check_huge_link(node, link, at);
		}
	}
}

static void check_kernel_half(const struct address_space *space)
{
	const pte_t *own = phys_to_virt(space->tree.root);
	const pte_t *kernel = phys_to_virt(mmu_kernel_root());

	for (u32 i = pt_index(KERNEL_BASE, PT_LEVELS); i < PTES_PER_TABLE; i++) {
		pte_t a = pte_read(&own[i]), b = pte_read(&kernel[i]);
		REQUIRE(12, pte_is_present(a) == pte_is_present(b), i);
		REQUIRE(12, !pte_is_present(a) || pte_phys(a) == pte_phys(b), i);
		REQUIRE(12, !pte_is_present(a) || link_is_writable(a), i);
	}
}

/* --- The second and the third: who holds the frames --- */

static u32 *holders_of(const struct check *check, phys_t frame)
{
	size_t piece = (frame >> PAGE_SHIFT) / PIECE_FRAMES;

	if (piece >= check->pieces)
		return NULL;
	if (check->holders[piece] == NULL) {
		phys_t made = frame_alloc_zeroed();
		if (made == 0)
			return NULL;
		check->holders[piece] = phys_to_virt(made);
	}
	return &check->holders[piece][(frame >> PAGE_SHIFT) % PIECE_FRAMES];
}

static void check_ring(const struct node *leaf)
{
	const struct node *other = leaf->ring;
	u32 members = 1;

	for (; other != leaf && members <= RING_LIMIT; other = other->ring, members++) {
		REQUIRE(15, other->check.pass == last_pass && other->level == 1, leaf->check.base);
		REQUIRE(15, other->ring_id == leaf->ring_id, leaf->check.base);
	}
	REQUIRE(15, members <= RING_LIMIT, leaf->check.base);
}

/* Of the entries of a ring that hold one reference together, one is counted: that of the lowest
 * leaf. */
static bool holds_for_ring(const struct node *leaf, u32 index, pte_t entry)
{
	for (const struct node *other = leaf->ring; other != leaf; other = other->ring)
		if (other < leaf && entry_same_content(pte_read(&node_table(other)[index]), entry))
			return false;
	return true;
}

static void check_entry(const struct node *leaf, u32 index, pte_t entry)
{
	const pte_t *slot = &node_table(leaf)[index];
	vaddr_t at = leaf->check.base + index * PAGE_SIZE;
	phys_t frame = entry_phys(entry);
	bool exclusive = entry_is_exclusive(entry);

	REQUIRE(10, frame_of(frame)->kind == FRAME_USER || frame_of(frame)->kind == FRAME_CACHE,
		at);
	if (exclusive) {
		REQUIRE(5, frame_is_anonymous(frame), at);
		REQUIRE(5, frame_of(frame)->owner == virt_to_phys(slot), at);
		REQUIRE(5, !ring_shares(leaf, index, entry), at);
	}
	if (entry_is_writable(entry) && frame_is_anonymous(frame))
		REQUIRE(6, exclusive, at);
}

static void count_leaf(const struct check *check, const struct node *leaf)
{
	const pte_t *table = node_table(leaf);
	u32 counts[RESIDENT_KINDS] = {0}, swapped = 0;

	check_ring(leaf);
	for (u32 i = 0; (i = entries_skip_empty(table, i)) < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&table[i]);
		swapped += entry_is_swapped(entry);
		if (!entry_has_frame(entry))
			continue;
		check_entry(leaf, i, entry);
		counts[frame_resident_kind(entry_phys(entry))]++;
		u32 *holders = holders_of(check, entry_phys(entry));
		if (holders != NULL && holds_for_ring(leaf, i, entry))
			++*holders;
	}
	REQUIRE(11, swapped == leaf->swapped, leaf->check.base);
	for (int kind = 0; kind < RESIDENT_KINDS; kind++)
		REQUIRE(11, counts[kind] == leaf->counts[kind], leaf->check.base);
}

static void compare_leaf(const struct check *check, const struct node *leaf)
{
	const pte_t *table = node_table(leaf);

	for (u32 i = 0; (i = entries_skip_empty(table, i)) < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&table[i]);
		if (!entry_has_frame(entry))
			continue;
		phys_t frame = entry_phys(entry);
		vaddr_t at = leaf->check.base + i * PAGE_SIZE;
		const u32 *holders = holders_of(check, frame);
		if (holders == NULL)
			continue;
		u32 wanted = *holders + !frame_is_anonymous(frame);
		REQUIRE(2, frame_refs(frame) >= wanted, at);
		bool may_pin = entry_is_exclusive(entry) && leaf->may_pin;
		bool counted = check->alone && !check->swap_cache && !may_pin;
		REQUIRE(2, !counted || frame_refs(frame) == wanted, at);
		REQUIRE(7, !check->alone || !entry_is_pinned(entry) || leaf->may_pin, at);
	}
}

typedef void leaf_function(const struct check *check, const struct node *leaf);

static void visit_below(const struct check *check, const pte_t *table, u32 limit, u32 mark,
			leaf_function *function)
{
	for (u32 i = 0; (i = entries_skip_empty(table, i)) < limit; i++) {
		struct node *node = node_of(pte_read(&table[i]));
		if (node->check.visits == mark)
			continue;
		node->check.visits = mark;
		REQUIRE(2, node->refs == node->check.links, node->check.base);
		REQUIRE(2, node->huge_links == node->check.huge_links, node->check.base);
		if (node->level > 1)
			visit_below(check, node_table(node), PTES_PER_TABLE, mark, function);
		else
			function(check, node);
	}
}

/* --- All of it --- */

static void visit_all(const struct check *check, u32 mark, leaf_function *function)
{
	struct address_space *space;

	list_for_each_entry (space, &check->family->spaces, family_link)
		visit_below(check, phys_to_virt(space->tree.root), pt_index(KERNEL_BASE, PT_LEVELS),
			    mark, function);
}

static void stamp_all(const struct check *check)
{
	struct address_space *space;

	list_for_each_entry (space, &check->family->spaces, family_link) {
		check_kernel_half(space);
		stamp_below(check, space, phys_to_virt(space->tree.root),
			    pt_index(KERNEL_BASE, PT_LEVELS), PT_LEVELS, 0, space->may_pin);
	}
}

void tree_check(struct family *family, bool alone)
{
	struct check check = {.family = family, .alone = alone};
	struct swap_stats swap;

	swap_get_stats(&swap);
	check.swap_cache = swap.cached != 0;
	check.pieces = DIV_ROUND_UP(frame_limit(), PIECE_FRAMES);
	check.holders = kzalloc(check.pieces * sizeof(*check.holders));
	if (check.holders == NULL)
		check.pieces = 0;
	mutex_lock(&one_at_a_time);
	mutex_lock(&family->lock);
	last_pass++;
	stamp_all(&check);
	visit_all(&check, 1, count_leaf);
	visit_all(&check, 2, compare_leaf);
	mutex_unlock(&family->lock);
	mutex_unlock(&one_at_a_time);
	for (size_t piece = 0; piece < check.pieces; piece++)
		if (check.holders[piece] != NULL)
			frame_free(virt_to_phys(check.holders[piece]));
	kfree(check.holders);
}

void tree_check_all(void)
{
	struct family *family = families_next(NULL);

	while (family != NULL) {
		tree_check(family, false);
		struct family *next = families_next(family);
		family_put(family);
		family = next;
	}
}

#endif
