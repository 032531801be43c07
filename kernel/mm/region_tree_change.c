/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a region tree; see region_tree.h.
 *
 * Every change goes down from the root, making each node on its way the tree's own: a node that
 * somebody else has a link to, or whose parent somebody else has, is copied first.  (Copying the
 * parent raises the child's count, so looking at each node's own count on the way down is enough.)
 * On the way up each parent learns what changed of its child, until nothing does.
 *
 * A node that is full is divided; two thin neighbours become one.  Joining pulls the neighbour's
 * children over and drops the neighbour, whether it was shared or not, so it needs no new node.
 */
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/region_tree_internal.h"

static struct region_node *take_spare(struct region_change *change)
{
	struct region_node *node = change->spare;

	ENSURE(node != NULL);
	change->spare = node->slots[0].child.node;
	node->refs = 1;
	return node;
}

static __attribute__((noinline)) struct region_node *copy_node(struct region_change *change,
							       struct region_node **link)
{
	struct region_node *node = *link, *copy = take_spare(change);

	memcpy(copy, node, sizeof(*copy));
	copy->refs = 1;
	for (u32 i = 0; i < copy->count; i++)
		region_node_get_child(copy, i);
	*link = copy;
	region_node_put(node);
	return copy;
}

/* Makes the node that a link of our own names our own. */
static inline struct region_node *own(struct region_change *change, struct region_node **link)
{
	return likely(!region_node_is_shared(*link)) ? *link : copy_node(change, link);
}

/* --- Slots --- */

struct slot {
	struct region_node_slot content;
	bool guarded;
};

static struct slot slot_of_region(const struct region_slot *region)
{
	return (struct slot){
		.content = {.start = region->start,
			    .end = region->end,
			    .child.region = region->region},
		.guarded = region->guarded,
	};
}

static struct slot slot_of_node(struct region_node *node)
{
	return (struct slot){
		.content = {.start = node->slots[0].start,
			    .end = node->slots[node->count - 1].end,
			    .hole = node->largest,
			    .child.node = node},
		.guarded = node->guarded & 1,
	};
}

/* The largest hole that a slot has to do with: inside, in front and behind. */
static u64 hole_around(const struct region_node *node, u32 i)
{
	u64 hole = node->slots[i].hole;

	if (i > 0)
		hole = MAX(hole, region_node_gap(node, i));
	if (i + 1 < node->count)
		hole = MAX(hole, region_node_gap(node, i + 1));
	return hole;
}

static void find_largest(struct region_node *node)
{
	u64 hole = node->slots[0].hole;

	for (u32 i = 1; i < node->count; i++) {
		hole = MAX(hole, node->slots[i].hole);
		hole = MAX(hole, region_node_gap(node, i));
	}
	node->largest = hole;
}

/* Holes of which the largest was `before` have become others, of which the largest is `after`. */
static void update_largest(struct region_node *node, u64 before, u64 after)
{
	if (after >= node->largest)
		node->largest = after;
	else if (before == node->largest)
		find_largest(node);
}

static void write_slot(struct region_node *node, u32 i, const struct slot *slot)
{
	node->slots[i] = slot->content;
	node->guarded = (u16)((node->guarded & ~(1u << i)) | (u32)slot->guarded << i);
}

/* The largest hole beside slot i, of those that are not the same with another slot in its place. */
static u64 hole_beside(const struct region_node *node, u32 i, const struct region_node_slot *other,
		       bool guard_changes)
{
	const struct region_node_slot *slot = &node->slots[i];
	u64 hole = 0;

	if ((slot->start != other->start || guard_changes) && i > 0)
		hole = region_node_gap(node, i);
	if (slot->end != other->end && i + 1 < node->count)
		hole = MAX(hole, region_node_gap(node, i + 1));
	return hole;
}

/* Says whether this is news to whoever looks from above. */
static bool change_slot(struct region_node *node, u32 i, const struct slot *slot)
{
	const struct region_node_slot *old = &node->slots[i];
	bool guard = (node->guarded >> i & 1) != slot->guarded;

	if (old->start == slot->content.start && old->end == slot->content.end &&
	    old->hole == slot->content.hole && !guard) {
		write_slot(node, i, slot);
		return false;
	}
	struct region_node_slot was = *old;
	u64 before = MAX(hole_beside(node, i, &slot->content, guard), was.hole);
	write_slot(node, i, slot);
	update_largest(node, before, MAX(hole_beside(node, i, &was, guard), slot->content.hole));
	return true;
}

/* Writes into slot i what its child is now.  Says whether that is news. */
static bool describe(struct region_node *node, u32 i)
{
	struct slot slot = slot_of_node(node->slots[i].child.node);

	return change_slot(node, i, &slot);
}

/* Moves the slots from `from` on to `to`; those that are overwritten have been dealt with. */
static void shift(struct region_node *node, u32 to, u32 from)
{
	u32 moved = node->count - from;
	u32 above = (u32)node->guarded >> from << to;

	if (moved != 0)
		memmove(&node->slots[to], &node->slots[from], moved * sizeof(node->slots[0]));
	node->guarded = (u16)((node->guarded & ((1u << MIN(to, from)) - 1)) | above);
	node->count = (u8)(to + moved);
}

/* Copies slots [first, last) of another node to `at`; the caller minds the rest. */
static void copy_slots(struct region_node *node, u32 at, const struct region_node *other, u32 first,
		       u32 last)
{
	u32 more = last - first, mask = (1u << more) - 1;
	u32 guarded = (u32)other->guarded >> first & mask;

	memcpy(&node->slots[at], &other->slots[first], more * sizeof(node->slots[0]));
	node->guarded = (u16)((node->guarded & ~(mask << at)) | guarded << at);
}

static void open_slot(struct region_node *node, u32 at, const struct slot *slot)
{
	u64 before = at > 0 && at < node->count ? region_node_gap(node, at) : 0;

	shift(node, at + 1, at);
	write_slot(node, at, slot);
	update_largest(node, before, hole_around(node, at));
}

/* Slots [first, last) go; not all of them. */
static void close_slots(struct region_node *node, u32 first, u32 last)
{
	bool one = last == first + 1;
	u64 before = one ? hole_around(node, first) : node->largest;

	shift(node, first, last);
	update_largest(node, before,
		       first > 0 && first < node->count ? region_node_gap(node, first) : 0);
}

/* --- Inserting --- */

/*
 * Where to divide a full node that gets a slot at `at`: in the middle, but for the pattern of
 * addresses that only fall, or only rise, so that what is left behind is rather full.
 */
static u32 divide_at(const struct region_node *node, u32 at)
{
	if (at == 0)
		return REGION_NODE_THIN;
	if (at == node->count)
		return REGION_NODE_SLOTS + 1 - REGION_NODE_THIN;
	return (REGION_NODE_SLOTS + 1) / 2;
}

/* Puts a slot at `at` of a node of our own.  The node that is split off, or NULL. */
static struct region_node *insert_slot(struct region_change *change, struct region_node *node,
				       u32 at, const struct slot *slot)
{
	change->changed = true;
	if (node->count < REGION_NODE_SLOTS) {
		open_slot(node, at, slot);
		return NULL;
	}
	/* `lower` slots of all, the new one among them, stay. */
	u32 lower = divide_at(node, at);
	struct region_node *upper = take_spare(change);
	u32 cut = at < lower ? lower - 1 : lower;
	upper->level = node->level;
	upper->count = (u8)(node->count - cut);
	upper->guarded = 0;
	copy_slots(upper, 0, node, cut, node->count);
	node->count = (u8)cut;
	find_largest(upper);
	find_largest(node);
	if (at < lower)
		open_slot(node, at, slot);
	else
		open_slot(upper, at - cut, slot);
	return upper;
}

/* The recursion is as deep as the tree is high. */
static struct region_node *insert_below(struct region_change *change, struct region_node **link,
					const struct slot *slot)
{
	struct region_node *node = own(change, link);

	if (node->level == 0)
		return insert_slot(change, node, region_node_below(node, slot->content.start),
				   slot);
	u32 i = region_node_toward(node, slot->content.start);
	struct region_node *upper = insert_below(change, &node->slots[i].child.node, slot);
	change->changed = change->changed && describe(node, i);
	if (upper == NULL)
		return NULL;
	struct slot more = slot_of_node(upper);
	return insert_slot(change, node, i + 1, &more);
}

static struct region_node *new_root(struct region_change *change, u32 level)
{
	struct region_node *root = take_spare(change);

	root->level = (u8)level;
	root->count = 0;
	root->guarded = 0;
	root->largest = 0;
	return root;
}

void region_tree_insert(struct region_change *change, const struct region_slot *region)
{
	struct region_tree *tree = change->tree;
	struct slot slot = slot_of_region(region);

	if (tree->root == NULL)
		tree->root = new_root(change, 0);
	struct region_node *upper = insert_below(change, &tree->root, &slot);
	if (upper != NULL) {
		struct region_node *lower = tree->root;
		struct slot slots[2] = {slot_of_node(lower), slot_of_node(upper)};
		tree->root = new_root(change, lower->level + 1u);
		open_slot(tree->root, 0, &slots[0]);
		open_slot(tree->root, 1, &slots[1]);
	}
	tree->count++;
}

/* --- Replacing --- */

static void set_below(struct region_change *change, struct region_node **link, vaddr_t start,
		      const struct slot *slot)
{
	struct region_node *node = own(change, link);
	u32 i = region_node_toward(node, start);

	if (node->level != 0) {
		set_below(change, &node->slots[i].child.node, start, slot);
		change->changed = change->changed && describe(node, i);
		return;
	}
	ASSERT(node->slots[i].start == start);
	union region_child old = node->slots[i].child;
	change->changed = change_slot(node, i, slot);
	if (old.region != slot->content.child.region)
		region_child_put(old, 0);
}

void region_tree_set(struct region_change *change, vaddr_t start, const struct region_slot *region)
{
	struct slot slot = slot_of_region(region);

	set_below(change, &change->tree->root, start, &slot);
}

/* --- Removing --- */

static bool are_thin(const struct region_node *node, u32 i)
{
	return node->slots[i].child.node->count + node->slots[i + 1].child.node->count <=
	       REGION_NODE_THIN;
}

static void join(struct region_node *node, u32 to, u32 from);

/* Children i and i + 1 of a node of our own have become neighbours by a join.  If they are thin,
 * and one of them is our own, they are joined too; else it stays so until a removal comes by. */
static void mend_seam(struct region_node *node, u32 i)
{
	if (node->level == 0 || !are_thin(node, i))
		return;
	if (!region_node_is_shared(node->slots[i].child.node))
		join(node, i, i + 1);
	else if (!region_node_is_shared(node->slots[i + 1].child.node))
		join(node, i + 1, i);
	else
		return;
	describe(node, i);
}

/* Child `from`, a neighbour of child `to`, which is our own: its children come over. */
static void join(struct region_node *node, u32 to, u32 from)
{
	struct region_node *target = node->slots[to].child.node,
			   *source = node->slots[from].child.node;
	u32 at = from > to ? target->count : 0;
	u32 seam = from > to ? at : source->count;

	for (u32 i = 0; i < source->count; i++)
		region_node_get_child(source, i);
	if (at == 0)
		shift(target, source->count, 0);
	else
		target->count = (u8)(at + source->count);
	copy_slots(target, at, source, 0, source->count);
	find_largest(target);
	region_node_put(source);
	close_slots(node, from, from + 1);
	mend_seam(target, seam - 1);
}

/*
 * Child i, which a removal has gone through or past, may have become thin: joins it with its
 * neighbours, which are not copied.  Says whether it did.
 */
static bool mend(struct region_change *change, struct region_node *node, u32 i)
{
	bool right = i + 1 < node->count && are_thin(node, i);
	bool left = i > 0 && are_thin(node, i - 1);

	if (likely(!right && !left))
		return false;
	own(change, &node->slots[i].child.node);
	if (right)
		join(node, i, i + 1);
	if (i > 0 && are_thin(node, i - 1)) {
		join(node, i, i - 1);
		i--;
	}
	describe(node, i);
	return true;
}

static size_t count_regions(const struct region_node *node)
{
	size_t count = 0;

	if (node->level == 0)
		return node->count;
	for (u32 i = 0; i < node->count; i++)
		count += count_regions(node->slots[i].child.node);
	return count;
}

/* Takes out slots [first, last) of a node of our own, with all that is below them. */
static void drop_slots(struct region_change *change, struct region_node *node, u32 first, u32 last)
{
	union region_child dropped[REGION_NODE_SLOTS];

	for (u32 i = first; i < last; i++) {
		dropped[i - first] = node->slots[i].child;
		change->tree->count -=
			node->level == 0 ? 1 : count_regions(node->slots[i].child.node);
	}
	if (first != last)
		close_slots(node, first, last);
	for (u32 i = 0; i < last - first; i++)
		region_child_put(dropped[i], node->level);
}

/*
 * Says whether anything went.  Never leaves a child empty: one that is covered wholly is dropped by
 * its parent.
 */
static bool remove_below(struct region_change *change, struct region_node **link, vaddr_t start,
			 vaddr_t end)
{
	struct region_node *node = own(change, link);
	u32 first = region_node_below(node, start), last = region_node_below(node, end);

	if (node->level == 0 && last == first + 1) {
		union region_child child = node->slots[first].child;
		change->tree->count--;
		close_slots(node, first, last);
		region_child_put(child, 0);
		return true;
	}
	if (node->level == 0) {
		drop_slots(change, node, first, last);
		return first != last;
	}
	/* Slots [first, last) begin in the range.  The last of them may reach over its end, and the
	   slot before them reach into it. */
	bool into = first > 0 && node->slots[first - 1].end > start;
	bool over = first < last && node->slots[last - 1].end > end;
	bool changed = last - over != first;
	if (into && remove_below(change, &node->slots[first - 1].child.node, start, end))
		changed |= describe(node, first - 1);
	if (over && remove_below(change, &node->slots[last - 1].child.node, start, end))
		changed |= describe(node, last - 1);
	drop_slots(change, node, first, last - over);
	/* The upper one first, while its number holds. */
	if (over)
		changed |= mend(change, node, first);
	if (first > 0)
		changed |= mend(change, node, first - 1);
	return changed;
}

void region_tree_remove(struct region_change *change, vaddr_t start, vaddr_t end)
{
	struct region_tree *tree = change->tree;

	if (tree->root == NULL)
		return;
	if (start <= tree->root->slots[0].start && end >= region_tree_end(tree)) {
		region_tree_destroy(tree);
		return;
	}
	remove_below(change, &tree->root, start, end);
	while (tree->root->level != 0 && tree->root->count == 1) {
		struct region_node *root = tree->root;
		region_node_get_child(root, 0);
		tree->root = root->slots[0].child.node;
		region_node_put(root);
	}
}
