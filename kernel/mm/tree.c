/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways down the tree: to one entry, and to those of a range; see tree.h.
 *
 * An address is split so (four levels, tables of 512 entries; the machine's numbers are in
 * arch/mmu.h):
 *
 *	63        48 47     39 38     30 29     21 20     12 11         0
 *	| sign ext. | level 4 | level 3 | level 2 | level 1 | in the page |
 *
 * A copy is published read-only in effect: no entry of a copied leaf, and no link of a copied upper
 * node, permits writing.  A copied leaf is locked before others can find it, and stays so until
 * every CPU of the space has forgotten the way to the original.  Only then may an entry get W:
 * otherwise a CPU with an old translation could go on reading what another CPU has replaced.
 */
#include "mm/tree.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/huge.h"
#include "mm/zap.h"

enum { REGAIN_RUN = 16 };

static inline pte_t *table_of(pte_t link)
{
	return phys_to_virt(pte_phys(link));
}

/* Puts an empty node at an empty link, or finds that somebody else just did.  Empty: no memory. */
static pte_t add_node(pte_t *slot, u32 level)
{
	struct node *node = node_alloc(level);
	pte_t expected = entry_none();

	if (node == NULL)
		return entry_none();
	if (level < PT_LEVELS - 1)
		node_extend(node_of_slot(slot), slot_index(slot));
	if (pte_compare_exchange(slot, &expected, node_link(node)))
		return node_link(node);
	node_put(node);
	return expected;
}

/* As far down as the path is exclusive, with tables made on the way if wanted; NULL when it ends
 * above the entry of level `bottom`. */
static inline pte_t *walk_exclusive(const struct address_space *space, vaddr_t page, bool create,
				    u32 bottom)
{
	pte_t *table = phys_to_virt(space->tree.root), *slot = NULL, link = entry_none();

	for (u32 level = PT_LEVELS; level > bottom; level--) {
		slot = &table[pt_index(page, level)];
		link = pte_read(slot);
		if (unlikely(!link_is_writable(link))) {
			if (!create || !pte_is_none(link))
				return NULL;
			link = add_node(slot, level - 1);
			if (pte_is_none(link))
				return NULL;
		}
		table = table_of(link);
	}
	if (unlikely(link_is_huge(link)))
		table = node_table(huge_link_node(slot));
	return &table[pt_index(page, bottom)];
}

pte_t *tree_exclusive_slot(const struct address_space *space, vaddr_t page)
{
	return walk_exclusive(space, page, false, 1);
}

pte_t *tree_exclusive_link(const struct address_space *space, vaddr_t page)
{
	return walk_exclusive(space, page, false, 2);
}

struct node *tree_exclusive_leaf(const struct address_space *space, vaddr_t start, vaddr_t end)
{
	const pte_t *table = phys_to_virt(space->tree.root);
	pte_t link;

	if (start >= end || ALIGN_DOWN(start, pt_span(2)) != ALIGN_DOWN(end - 1, pt_span(2)))
		return TREE_WALK;
		/* With known levels each step is a third shorter. */
#pragma GCC unroll 4
	for (u32 level = PT_LEVELS; level >= 2; level--) {
		link = pte_read(&table[pt_index(start, level)]);
		if (!link_is_writable(link))
			return pte_is_none(link) ? NULL : TREE_WALK;
		table = phys_to_virt(pte_phys(link));
	}
	return link_is_huge(link) ? TREE_WALK : node_of(link);
}

/* --- Own links --- */

/*
 * No flush: nobody has a translation through these links that permits writing, and what is cached
 * of links below was read through a path that did not permit it (arch/mmu.h).
 *
 * The links around this one that name nodes without other links get their W back with it: one fault
 * for a run of them.  No run lies across the halves of a root.
 *
 * A huge link maps frames, so it gets W only if the entries have it: not after the leaf was copied.
 * Then it is split. */
static pte_t regain(pte_t *slot)
{
	pte_t *run = slot - slot_index(slot) % REGAIN_RUN;

	for (u32 i = 0; i < REGAIN_RUN; i++) {
		pte_t link = pte_read(&run[i]);
		if (!pte_is_present(link) || link_is_writable(link) ||
		    node_is_shared(node_of(link)))
			continue;
		if (unlikely(link_is_huge(link)) && !huge_may_write(node_of(link))) {
			if (&run[i] != slot)
				continue;
			link = huge_link_split(slot);
		}
		pte_write(&run[i], pte_set(link, PAGE_WRITABLE));
	}
	return pte_read(slot);
}

pte_t tree_own_link(pte_t *slot, pte_t link, struct node **replaced)
{
	struct node *node = node_of(link);

	*replaced = NULL;
	if (!node_is_shared(node)) {
		link = regain(slot);
		if (node->level == 1)
			spin_lock(&node->lock);
		return link;
	}
	struct node *copy = node_copy(node);
	if (copy == NULL)
		return entry_none();
	if (copy->level == 1)
		spin_lock(&copy->lock);
	*replaced = node;
	pte_write(slot, node_link(copy));
	if (unlikely(link_is_huge(link)))
		huge_link_gone(node);
	return node_link(copy);
}

/* --- One entry --- */

static void put_replaced(struct tree_leaf *leaf)
{
	for (u32 i = 0; i < leaf->replaced_count; i++)
		node_put(leaf->replaced[i]);
}

static void finish_unshare(struct tree_leaf *leaf, vaddr_t page)
{
	if (leaf->replaced_count != 0)
		space_flush_tables(leaf->space, page, page + PAGE_SIZE);
}

/* The link to go on with, for what is intended.  Empty: no table, or no memory for one. */
static pte_t next_link(struct tree_leaf *leaf, struct node *parent, pte_t *slot, u32 level,
		       enum tree_intent intent)
{
	pte_t link = pte_read(slot);
	struct node *replaced;

	if (link_is_writable(link))
		return link;
	if (pte_is_none(link)) {
		if (intent == TREE_FIND)
			return link;
		/* Whoever copies a shared node must not miss it, nor overwrite it. */
		if (!leaf->exclusive)
			spin_lock(&parent->lock);
		link = add_node(slot, level - 1);
		if (!leaf->exclusive)
			spin_unlock(&parent->lock);
		return link;
	}
	if (intent < TREE_OWN) {
		leaf->exclusive = false;
		return link;
	}
	link = tree_own_link(slot, link, &replaced);
	if (replaced != NULL)
		leaf->replaced[leaf->replaced_count++] = replaced;
	if (level == 2 && !pte_is_none(link))
		leaf->node = node_of(link); /* locked */
	return link;
}

/* The way for which links have to change, or which is not exclusive, down to the entry of level
 * `bottom`.  The tree_lock is held. */
static int walk_slowly(struct tree_leaf *leaf, vaddr_t page, enum tree_intent intent, u32 bottom)
{
	pte_t *table = phys_to_virt(leaf->space->tree.root);
	struct node *node = NULL;

	for (u32 level = PT_LEVELS; level > bottom; level--) {
		pte_t *slot = &table[pt_index(page, level)];
		pte_t link = next_link(leaf, node, slot, level, intent);
		if (pte_is_none(link))
			return intent == TREE_FIND ? -ENOENT : -ENOMEM;
		node = tree_link_node(slot, link);
		table = unlikely(link_is_huge(link)) ? node_table(node) : table_of(link);
		leaf->link = slot;
	}
	leaf->slot = &table[pt_index(page, bottom)];
	return 0;
}

static int lock_leaf_slowly(struct tree_leaf *leaf, vaddr_t page, enum tree_intent intent)
{
	int result = walk_slowly(leaf, page, intent, 1);

	if (result != 0)
		return result;
	if (intent == TREE_OWN && link_is_huge(pte_read(leaf->link))) {
		if (leaf->node != NULL)
			spin_unlock(&leaf->node->lock);
		leaf->node = NULL;
		huge_link_split(leaf->link);
	}
	if (leaf->node == NULL) {
		leaf->node = node_of_slot(leaf->slot);
		spin_lock(&leaf->node->lock);
	}
	return 0;
}

int tree_lock_leaf(struct address_space *space, vaddr_t page, enum tree_intent intent,
		   struct tree_leaf *leaf)
{
	/* Fork, which shares the tree, is kept out by whoever wants a page for himself. */
	ASSERT(intent != TREE_OWN || READ_ONCE(space->map_lock.holders) != 0);
	*leaf = (struct tree_leaf){.space = space, .exclusive = true};
	leaf->slot = walk_exclusive(space, page, intent != TREE_FIND, 1);
	if (likely(leaf->slot != NULL)) {
		leaf->node = node_of_slot(leaf->slot);
		spin_lock(&leaf->node->lock);
		if (likely(leaf->node->huge_links == 0) || intent != TREE_OWN)
			return 0;
		spin_unlock(&leaf->node->lock);
		leaf->node = NULL;
	}
	spin_lock(&space->tree_lock);
	int result = lock_leaf_slowly(leaf, page, intent);
	finish_unshare(leaf, page);
	leaf->tree_locked = result == 0 && !leaf->exclusive;
	if (!leaf->tree_locked)
		spin_unlock(&space->tree_lock);
	if (result != 0)
		put_replaced(leaf);
	return result;
}

void tree_unlock_leaf(struct tree_leaf *leaf)
{
	spin_unlock(&leaf->node->lock);
	if (unlikely(leaf->tree_locked))
		spin_unlock(&leaf->space->tree_lock);
	put_replaced(leaf);
}

pte_t *tree_own_leaf_link(struct address_space *space, vaddr_t page)
{
	struct tree_leaf way = {.space = space, .exclusive = true};
	pte_t *link = walk_exclusive(space, page, true, 2);

	if (likely(link != NULL))
		return link;
	spin_lock(&space->tree_lock);
	int result = walk_slowly(&way, page, TREE_OWN, 2);
	finish_unshare(&way, page);
	spin_unlock(&space->tree_lock);
	put_replaced(&way);
	return result == 0 ? way.slot : NULL;
}

/* --- Looking --- */

/* The slot of a page, or NULL; where the next table may begin; the link to its table, and how many
 * lead to the tables on the way besides ours.  The tree_lock is held. */
static pte_t *find_slot(const struct address_space *space, vaddr_t page, vaddr_t *next,
			struct tree_span *span)
{
	pte_t *table = phys_to_virt(space->tree.root);

	span->others = 0;
	for (u32 level = PT_LEVELS; level > 1; level--) {
		span->link = &table[pt_index(page, level)];
		pte_t link = pte_read(span->link);
		if (!pte_is_present(link)) {
			*next = ALIGN_DOWN(page, pt_span(level)) + pt_span(level);
			return NULL;
		}
		struct node *node = tree_link_node(span->link, link);
		if (!link_is_writable(link))
			span->others += READ_ONCE(node->refs) - 1;
		table = node_table(node);
	}
	*next = ALIGN_DOWN(page, pt_span(2)) + pt_span(2);
	return &table[pt_index(page, 1)];
}

pte_t tree_peek(struct address_space *space, vaddr_t page)
{
	pte_t *slot = tree_exclusive_slot(space, page);
	struct tree_span span;
	vaddr_t next;

	if (slot != NULL)
		return pte_read(slot);
	spin_lock(&space->tree_lock);
	slot = find_slot(space, page, &next, &span);
	pte_t entry = slot != NULL ? pte_read(slot) : entry_none();
	spin_unlock(&space->tree_lock);
	return entry;
}

bool tree_look_span(struct address_space *space, vaddr_t *at, vaddr_t end, struct tree_span *span)
{
	pte_t *slot = NULL;
	vaddr_t start = *at, next = start;

	spin_lock(&space->tree_lock);
	for (; start < end && slot == NULL; start = slot == NULL ? next : start)
		slot = find_slot(space, start, &next, span);
	if (slot == NULL) {
		spin_unlock(&space->tree_lock);
		*at = end;
		return false;
	}
	*at = MIN(next, end);
	span->slot = slot;
	span->node = node_of_slot(slot);
	span->start = start;
	span->count = (u32)((*at - start) >> PAGE_SHIFT);
	spin_lock(&span->node->lock);
	span->huge = unlikely(span->node->huge_links != 0);
	return true;
}

bool tree_split_span(struct tree_span *span)
{
	if (likely(!span->huge))
		return true;
	spin_unlock(&span->node->lock);
	if (link_is_huge(pte_read(span->link)))
		huge_link_split(span->link);
	spin_lock(&span->node->lock);
	span->huge = span->node->huge_links != 0;
	return !span->huge;
}

bool tree_lock_span(struct address_space *space, vaddr_t *at, vaddr_t end, struct tree_span *span)
{
	while (tree_look_span(space, at, end, span)) {
		if (tree_split_span(span))
			return true;
		tree_unlock_span(space, span);
	}
	return false;
}

void tree_unlock_span(struct address_space *space, struct tree_span *span)
{
	spin_unlock(&span->node->lock);
	spin_unlock(&space->tree_lock);
}
