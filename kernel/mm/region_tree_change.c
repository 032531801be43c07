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
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/region_tree_internal.h"

/* --- Planning --- */

void region_change_plan(struct region_change *change, vaddr_t address, u32 inserts)
{
	const struct region_node *node = change->tree->root;
	u32 copies = 0, divided = node == NULL;
	bool shared = false;

	while (node != NULL) {
		shared = shared || region_node_is_shared(node);
		copies += shared;
		/* Dividing goes up to the first node that has room, or to a new root. */
		if (node->count + inserts > REGION_NODE_SLOTS)
			divided += node == change->tree->root ? 2 : 1;
		else
			divided = 0;
		if (node->level == 0)
			break;
		node = node->child[region_node_toward(node, address)].node;
	}
	change->needed += copies + inserts * divided;
}

int region_change_allocate(struct region_change *change)
{
	for (; change->needed > 0; change->needed--) {
		struct region_node *node = region_node_alloc();
		if (node == NULL) {
			region_change_end(change);
			return -ENOMEM;
		}
		node->child[0].node = change->spare;
		change->spare = node;
	}
	return 0;
}

void region_change_end(struct region_change *change)
{
	struct region_node *node = change->spare;

	while (node != NULL) {
		struct region_node *next = node->child[0].node;
		region_node_free(node);
		node = next;
	}
	change->spare = NULL;
	change->needed = 0;
}

static struct region_node *take_spare(struct region_change *change)
{
	struct region_node *node = change->spare;

	ENSURE(node != NULL);
	change->spare = node->child[0].node;
	node->refs = 1;
	return node;
}

/* Makes the node that a link of our own names our own. */
static struct region_node *own(struct region_change *change, struct region_node **link)
{
	struct region_node *node = *link;

	if (likely(!region_node_is_shared(node)))
		return node;
	struct region_node *copy = take_spare(change);
	memcpy(copy, node, sizeof(*copy));
	copy->refs = 1;
	for (u32 i = 0; i < copy->count; i++)
		region_node_get_child(copy, i);
	*link = copy;
	region_node_put(node);
	return copy;
}

/* --- Slots --- */

struct slot {
	vaddr_t start, end;
	u64 hole;
	bool guarded;
	union region_child child;
};

static struct slot slot_of_region(const struct region_slot *region)
{
	return (struct slot){
		.start = region->start,
		.end = region->end,
		.guarded = region->guarded,
		.child.region = region->region,
	};
}

static struct slot slot_of_node(struct region_node *node)
{
	u64 hole = node->hole[0];

	for (u32 i = 1; i < node->count; i++) {
		hole = MAX(hole, node->hole[i]);
		hole = MAX(hole, region_node_gap(node, i));
	}
	return (struct slot){
		.start = node->start[0],
		.end = node->end[node->count - 1],
		.hole = hole,
		.guarded = node->guarded & 1,
		.child.node = node,
	};
}

static void write_slot(struct region_node *node, u32 i, const struct slot *slot)
{
	node->start[i] = slot->start;
	node->end[i] = slot->end;
	node->hole[i] = slot->hole;
	node->child[i] = slot->child;
	node->guarded = (u16)((node->guarded & ~(1u << i)) | (u32)slot->guarded << i);
}

static bool slot_is(const struct region_node *node, u32 i, const struct slot *slot)
{
	return node->start[i] == slot->start && node->end[i] == slot->end &&
	       node->hole[i] == slot->hole && (node->guarded >> i & 1) == slot->guarded;
}

/* Writes into slot i what its child is now.  Says whether that is news. */
static bool describe(struct region_node *node, u32 i)
{
	struct slot slot = slot_of_node(node->child[i].node);
	bool changed = !slot_is(node, i, &slot);

	write_slot(node, i, &slot);
	return changed;
}

/* Moves the slots from `from` on to `to`; those that are overwritten have been dealt with. */
static void shift(struct region_node *node, u32 to, u32 from)
{
	u32 moved = node->count - from;
	u32 above = (u32)node->guarded >> from << to;

	memmove(&node->start[to], &node->start[from], moved * sizeof(node->start[0]));
	memmove(&node->end[to], &node->end[from], moved * sizeof(node->end[0]));
	memmove(&node->hole[to], &node->hole[from], moved * sizeof(node->hole[0]));
	memmove(&node->child[to], &node->child[from], moved * sizeof(node->child[0]));
	node->guarded = (u16)((node->guarded & ((1u << MIN(to, from)) - 1)) | above);
	node->count = (u8)(to + moved);
}

/* Copies slots [first, last) of another node to `at`; the caller minds count and references. */
static void copy_slots(struct region_node *node, u32 at, const struct region_node *other, u32 first,
		       u32 last)
{
	u32 more = last - first, mask = (1u << more) - 1;
	u32 guarded = (u32)other->guarded >> first & mask;

	memcpy(&node->start[at], &other->start[first], more * sizeof(node->start[0]));
	memcpy(&node->end[at], &other->end[first], more * sizeof(node->end[0]));
	memcpy(&node->hole[at], &other->hole[first], more * sizeof(node->hole[0]));
	memcpy(&node->child[at], &other->child[first], more * sizeof(node->child[0]));
	node->guarded = (u16)((node->guarded & ~(mask << at)) | guarded << at);
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

static void open_slot(struct region_node *node, u32 at, const struct slot *slot)
{
	shift(node, at + 1, at);
	write_slot(node, at, slot);
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
		return insert_slot(change, node, region_node_below(node, slot->start), slot);
	u32 i = region_node_toward(node, slot->start);
	struct region_node *upper = insert_below(change, &node->child[i].node, slot);
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
		set_below(change, &node->child[i].node, start, slot);
		change->changed = change->changed && describe(node, i);
		return;
	}
	ASSERT(node->start[i] == start);
	union region_child old = node->child[i];
	change->changed = !slot_is(node, i, slot);
	write_slot(node, i, slot);
	if (old.region != slot->child.region)
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
	return node->child[i].node->count + node->child[i + 1].node->count <= REGION_NODE_THIN;
}

static void join(struct region_node *node, u32 to, u32 from);

/* Children i and i + 1 of a node of our own have become neighbours by a join.  If they are thin,
 * and one of them is our own, they are joined too; else it stays so until a removal comes by. */
static void mend_seam(struct region_node *node, u32 i)
{
	if (node->level == 0 || !are_thin(node, i))
		return;
	if (!region_node_is_shared(node->child[i].node))
		join(node, i, i + 1);
	else if (!region_node_is_shared(node->child[i + 1].node))
		join(node, i + 1, i);
	else
		return;
	describe(node, i);
}

/* Child `from`, a neighbour of child `to`, which is our own: its children come over. */
static void join(struct region_node *node, u32 to, u32 from)
{
	struct region_node *target = node->child[to].node, *source = node->child[from].node;
	u32 at = from > to ? target->count : 0;
	u32 seam = from > to ? at : source->count;

	for (u32 i = 0; i < source->count; i++)
		region_node_get_child(source, i);
	if (at == 0)
		shift(target, source->count, 0);
	else
		target->count = (u8)(at + source->count);
	copy_slots(target, at, source, 0, source->count);
	region_node_put(source);
	shift(node, from, from + 1);
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
	own(change, &node->child[i].node);
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
		count += count_regions(node->child[i].node);
	return count;
}

/* Takes out slots [first, last) of a node of our own, with all that is below them. */
static void drop_slots(struct region_change *change, struct region_node *node, u32 first, u32 last)
{
	union region_child dropped[REGION_NODE_SLOTS];

	for (u32 i = first; i < last; i++) {
		dropped[i - first] = node->child[i];
		change->tree->count -= node->level == 0 ? 1 : count_regions(node->child[i].node);
	}
	shift(node, first, last);
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

	if (node->level == 0) {
		drop_slots(change, node, first, last);
		return first != last;
	}
	/* Slots [first, last) begin in the range.  The last of them may reach over its end, and the
	   slot before them reach into it. */
	bool into = first > 0 && node->end[first - 1] > start;
	bool over = first < last && node->end[last - 1] > end;
	bool changed = last - over != first;
	if (into && remove_below(change, &node->child[first - 1].node, start, end))
		changed |= describe(node, first - 1);
	if (over && remove_below(change, &node->child[last - 1].node, start, end))
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
	if (start <= tree->root->start[0] && end >= region_tree_end(tree)) {
		region_tree_destroy(tree);
		return;
	}
	remove_below(change, &tree->root, start, end);
	while (tree->root->level != 0 && tree->root->count == 1) {
		struct region_node *root = tree->root;
		region_node_get_child(root, 0);
		tree->root = root->child[0].node;
		region_node_put(root);
	}
}
