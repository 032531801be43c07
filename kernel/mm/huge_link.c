/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge links: making, splitting, and the way from them to their leaf; see huge.h.
 */
#include "mm/huge.h"

#include "lib/assert.h"

static size_t mapped;           /* atomic: leaves with huge links */
static u64 events[HUGE_EVENTS]; /* atomic */

void huge_note(enum huge_event event)
{
	__atomic_fetch_add(&events[event], 1, __ATOMIC_RELAXED);
}

u64 huge_events(enum huge_event event)
{
	return __atomic_load_n(&events[event], __ATOMIC_RELAXED);
}

size_t huge_pages_mapped(void)
{
	return __atomic_load_n(&mapped, __ATOMIC_RELAXED);
}

/* The first frame of the block that a leaf with huge links maps. */
static struct frame *head_of(const struct node *leaf)
{
	return frame_of(pte_phys(pte_read(node_table(leaf))));
}

static void count_link(struct node *leaf)
{
	if (__atomic_fetch_add(&leaf->huge_links, 1, __ATOMIC_RELAXED) != 0)
		return;
	__atomic_fetch_add(&mapped, 1, __ATOMIC_RELAXED);
	head_of(leaf)->huge = 1;
}

pte_t huge_link_make(struct node *leaf)
{
	pte_t first = pte_read(node_table(leaf));

	ASSERT(pte_phys(first) % HUGE_SIZE == 0);
	ASSERT(frame_of(pte_phys(first))->owner == leaf->table);
	count_link(leaf);
	return pte_leaf(pte_phys(first), pte_flags(first) & ~(u64)PAGE_EXCL, 2);
}

void huge_link_copied(struct node *leaf)
{
	count_link(leaf);
}

/* After the last one entries may change, and the block's first frame be somebody else's.  While one
 * is left that is about to go, nobody else can make another: only what is there is copied. */
void huge_link_gone(struct node *leaf)
{
	u32 links = __atomic_load_n(&leaf->huge_links, __ATOMIC_RELAXED);

	do {
		if (links != 1)
			continue;
		head_of(leaf)->huge = 0;
		__atomic_fetch_sub(&mapped, 1, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&leaf->huge_links, &links, links - 1, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

pte_t huge_link_split(pte_t *slot)
{
	struct node *parent = node_of_slot(slot);

	spin_lock(&parent->lock);
	pte_t link = pte_read(slot);
	if (link_is_huge(link)) {
		struct node *leaf = node_of(link);
		link = pte_table(leaf->table,
				 PAGE_PRESENT | PAGE_USER | (pte_flags(link) & PAGE_WRITABLE));
		pte_write(slot, link);
		huge_note(HUGE_SPLIT_LINKS);
		if (__atomic_load_n(&leaf->huge_links, __ATOMIC_RELAXED) == 1)
			huge_note(HUGE_SPLIT_PAGES);
		huge_link_gone(leaf);
	}
	spin_unlock(&parent->lock);
	return link;
}

struct node *huge_link_node(pte_t *slot)
{
	struct node *parent = node_of_slot(slot);

	spin_lock(&parent->lock);
	struct node *leaf = node_of(pte_read(slot));
	spin_unlock(&parent->lock);
	return leaf;
}
