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
 *every CPU of the space has forgotten the way to the original.  Only then may an entry get W:
 *otherwise a CPU with an old translation could go on reading what another CPU has replaced.
 */
#include "mm/tree.h"

#include "lib/assert.h"
#include "lib/errno.h"
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
 * above the leaf. */
static inline pte_t *walk_exclusive(const struct address_space *space, vaddr_t page, bool create)
{
	pte_t *table = phys_to_virt(space->tree.root);

	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t *slot = &table[pt_index(page, level)];
		pte_t link = pte_read(slot);
		if (unlikely(!link_is_writable(link))) {
			if (!create || !pte_is_none(link))
				return NULL;
			link = add_node(slot, level - 1);
			if (pte_is_none(link))
				return NULL;
		}
		table = table_of(link);
	}
	return &table[pt_index(page, 1)];
}

pte_t *tree_exclusive_slot(const struct address_space *space, vaddr_t page)
{
	return walk_exclusive(space, page, false);
}

struct node *tree_exclusive_leaf(const struct address_space *space, vaddr_t start, vaddr_t end)
{
	const pte_t *table = phys_to_virt(space->tree.root);

	if (start >= end || ALIGN_DOWN(start, pt_span(2)) != ALIGN_DOWN(end - 1, pt_span(2)))
		return TREE_WALK;
	for (u32 level = PT_LEVELS;; level--) {
		pte_t link = pte_read(&table[pt_index(start, level)]);
		if (pte_is_none(link))
			return NULL;
		if (!link_is_writable(link))
			return TREE_WALK;
		if (level == 2)
			return node_of(link);
		table = phys_to_virt(pte_phys(link));
	}
}

/* --- Own links --- */

/*
 * No flush: nobody has a translation through these links that permits writing, and what is cached
 * of links below was read through a path that did not permit it (arch/mmu.h).
 *
 * The links around this one that name nodes without other links get their W back with it: one fault
 * for a run of them.  No run lies across the halves of a root. */
static void regain(pte_t *slot)
{
	pte_t *run = slot - slot_index(slot) % REGAIN_RUN;

	for (u32 i = 0; i < REGAIN_RUN; i++) {
		pte_t link = pte_read(&run[i]);
		if (pte_is_present(link) && !link_is_writable(link) &&
		    !node_is_shared(node_of(link)))
			pte_write(&run[i], pte_set(link, PAGE_WRITABLE));
	}
}

pte_t tree_own_link(pte_t *slot, pte_t link, struct node **replaced)
{
	struct node *node = node_of(link);

	*replaced = NULL;
	if (!node_is_shared(node)) {
		regain(slot);
		if (node->level == 1)
			spin_lock(&node->lock);
		return pte_set(link, PAGE_WRITABLE);
	}
	struct node *copy = node_copy(node);
	if (copy == NULL)
		return entry_none();
	if (copy->level == 1)
		spin_lock(&copy->lock);
	*replaced = node;
	pte_write(slot, node_link(copy));
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
		space_flush(leaf->space, page, page + PAGE_SIZE);
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
	if (intent != TREE_OWN) {
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

/* The way for which links have to change, or which is not exclusive.  The tree_lock is held. */
static int lock_leaf_slowly(struct tree_leaf *leaf, vaddr_t page, enum tree_intent intent)
{
	pte_t *table = phys_to_virt(leaf->space->tree.root);
	struct node *node = NULL;

	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t link = next_link(leaf, node, &table[pt_index(page, level)], level, intent);
		if (pte_is_none(link))
			return intent == TREE_FIND ? -ENOENT : -ENOMEM;
		node = node_of(link);
		table = table_of(link);
	}
	leaf->slot = &table[pt_index(page, 1)];
	if (leaf->node == NULL) {
		leaf->node = node;
		spin_lock(&node->lock);
	}
	return 0;
}

int tree_lock_leaf(struct address_space *space, vaddr_t page, enum tree_intent intent,
		   struct tree_leaf *leaf)
{
	*leaf = (struct tree_leaf){.space = space, .exclusive = true};
	leaf->slot = walk_exclusive(space, page, intent != TREE_FIND);
	if (likely(leaf->slot != NULL)) {
		leaf->node = node_of_slot(leaf->slot);
		spin_lock(&leaf->node->lock);
		return 0;
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

/* --- Looking --- */

/* The slot of a page, or NULL; where the next table may begin; how many links lead to the tables on
 * the way besides ours.  The tree_lock is held. */
static pte_t *find_slot(const struct address_space *space, vaddr_t page, vaddr_t *next, u32 *others)
{
	pte_t *table = phys_to_virt(space->tree.root);

	*others = 0;
	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t link = pte_read(&table[pt_index(page, level)]);
		if (!pte_is_present(link)) {
			*next = ALIGN_DOWN(page, pt_span(level)) + pt_span(level);
			return NULL;
		}
		if (!link_is_writable(link))
			*others += READ_ONCE(node_of(link)->refs) - 1;
		table = table_of(link);
	}
	*next = ALIGN_DOWN(page, pt_span(2)) + pt_span(2);
	return &table[pt_index(page, 1)];
}

pte_t tree_peek(struct address_space *space, vaddr_t page)
{
	pte_t *slot = tree_exclusive_slot(space, page);
	vaddr_t next;
	u32 others;

	if (slot != NULL)
		return pte_read(slot);
	spin_lock(&space->tree_lock);
	slot = find_slot(space, page, &next, &others);
	pte_t entry = slot != NULL ? pte_read(slot) : entry_none();
	spin_unlock(&space->tree_lock);
	return entry;
}

bool tree_lock_span(struct address_space *space, vaddr_t *at, vaddr_t end, struct tree_span *span)
{
	pte_t *slot = NULL;
	vaddr_t start = *at, next = start;

	spin_lock(&space->tree_lock);
	for (; start < end && slot == NULL; start = slot == NULL ? next : start)
		slot = find_slot(space, start, &next, &span->others);
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
	return true;
}

void tree_unlock_span(struct address_space *space, struct tree_span *span)
{
	spin_unlock(&span->node->lock);
	spin_unlock(&space->tree_lock);
}
