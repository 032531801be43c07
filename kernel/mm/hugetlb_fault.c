/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on huge pages from the pools; see hugetlb.h.
 *
 * A huge page of private memory comes with a leaf that a huge link maps; one of 1 GiB with 512 of
 * them, and as these are not made at one stroke, one thread does it at a time.
 *
 * A huge page of a file is brought into its page cache whole.  Of its mappings, 2 MiB are mapped at
 * a time, all that a leaf has room for, in an ordinary table: for these pages the way from a block
 * to the one leaf that a huge link needs does not exist.  A private mapping gets the file's page to
 * read, and an ordinary frame for each 4 KiB that it writes; where the file has a hole, it has
 * memory of its own.
 */
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/hugetlb_internal.h"
#include "mm/kmalloc.h"
#include "mm/pagecache.h"

/* --- Private memory --- */

static mutex_t gigantic_lock = MUTEX_INIT(gigantic_lock);

static bool is_vacant(const struct node *leaf)
{
	const pte_t *table = node_table(leaf);
	u32 i = 0;

	while ((i = entries_skip_empty(table, i)) < PTES_PER_TABLE &&
	       entry_is_watch(pte_read(&table[i])))
		i++;
	return i == PTES_PER_TABLE;
}

/* Fills a leaf whose entries are vacant; watches stay marks. */
static void fill_vacant(const struct fault *fault, struct tree_leaf *leaf, phys_t block)
{
	u64 kept = region_watched_flags(fault->region, pte_read(leaf->slot), 0) & PAGE_WATCHED;

	huge_leaf_fill(leaf->node, fault->region, block);
	for (u32 i = 0; i < PTES_PER_TABLE && kept != 0; i++)
		pte_write(&leaf->slot[i],
			  pte_set(pte_clear(pte_read(&leaf->slot[i]), PAGE_WRITABLE), kept));
}

/* A leaf is there already, without pages since they were given up, or as the place is write-protected
 * for a userfault: it is filled, and stays a table. */
static enum fault_result refill(struct fault *fault, vaddr_t base, phys_t block)
{
	struct tree_leaf leaf;

	if (tree_lock_leaf(fault->space, base, TREE_OWN, &leaf) != 0)
		return FAULT_NO_MEMORY;
	bool empty = is_vacant(leaf.node);
	if (empty)
		fill_vacant(fault, &leaf, block);
	tree_unlock_leaf(&leaf);
	return empty ? FAULT_DONE : FAULT_RETRY;
}

/* Maps 2 MiB, by `leaf` if there is none yet, and then *leaf is NULL; only with FAULT_DONE the
 * caller's references to the frames are gone. */
static enum fault_result map_at(struct fault *fault, pte_t *link, vaddr_t base, phys_t block,
				struct node **leaf)
{
	pte_t empty = entry_none();

	if (!pte_is_none(pte_read(link)))
		return refill(fault, base, block);
	huge_leaf_fill(*leaf, fault->region, block);
	node_extend(node_of_slot(link), slot_index(link));
	if (pte_compare_exchange(link, &empty, huge_link_make(*leaf))) {
		*leaf = NULL;
		return FAULT_DONE;
	}
	huge_link_gone(*leaf);
	/* The block stays the caller's. */
	for (u32 i = 0; i < PTES_PER_TABLE; i++)
		frame_get(block + i * PAGE_SIZE);
	node_put(*leaf);
	*leaf = NULL;
	return FAULT_RETRY;
}

static enum fault_result map_block(struct fault *fault, phys_t block)
{
	vaddr_t base = ALIGN_DOWN(fault->page, HUGE_SIZE);
	pte_t *link = tree_own_leaf_link(fault->space, base);
	struct node *leaf = link != NULL ? node_alloc_unfilled(1) : NULL;
	enum fault_result result = FAULT_NO_MEMORY;

	if (leaf != NULL)
		result = map_at(fault, link, base, block, &leaf);
	if (leaf != NULL)
		node_put(leaf);
	if (result != FAULT_DONE)
		hugetlb_block_put(HUGETLB_2M, block);
	return result;
}

/* Leaves for a GiB, all or none. */
static struct node **alloc_leaves(void)
{
	struct node **leaves = kmalloc(PTES_PER_TABLE * sizeof(struct node *));
	u32 count = 0;

	while (leaves != NULL && count < PTES_PER_TABLE) {
		leaves[count] = node_alloc_unfilled(1);
		if (leaves[count] != NULL) {
			count++;
			continue;
		}
		while (count > 0)
			node_put(leaves[--count]);
		kfree(leaves);
		leaves = NULL;
	}
	return leaves;
}

static enum fault_result map_gigantic(struct fault *fault, phys_t block)
{
	vaddr_t base = ALIGN_DOWN(fault->page, hugetlb_bytes(HUGETLB_1G));
	pte_t *link = tree_own_leaf_link(fault->space, base);
	struct node **leaves = link != NULL ? alloc_leaves() : NULL;
	enum fault_result result = FAULT_NO_MEMORY;

	if (leaves == NULL) {
		hugetlb_block_put(HUGETLB_1G, block);
		return FAULT_NO_MEMORY;
	}
	for (u32 i = 0; i < PTES_PER_TABLE; i++, base += HUGE_SIZE, block += HUGE_SIZE) {
		enum fault_result piece = map_at(fault, &link[i], base, block, &leaves[i]);
		if (leaves[i] != NULL)
			node_put(leaves[i]);
		if (piece != FAULT_DONE)
			hugetlb_block_put(HUGETLB_2M, block);
		if (base == ALIGN_DOWN(fault->page, HUGE_SIZE))
			result = piece;
	}
	kfree(leaves);
	return result;
}

/* `content`: of the page, NULL: zeros. */
static enum fault_result bring_in(struct fault *fault, enum hugetlb_size size,
				  const phys_t *content)
{
	const struct region *region = fault->region;
	bool promised = hugetlb_use_promise(fault->space, region);
	phys_t block = hugetlb_pool_take(size, promised, FRAME_USER, &region->policy, fault->page);

	if (block == 0)
		return FAULT_NO_PAGE;
	hugetlb_block_write(size, block, content);
	enum fault_result result =
		size == HUGETLB_1G ? map_gigantic(fault, block) : map_block(fault, block);
	/* The promise stands for another page. */
	if (result != FAULT_DONE && promised)
		hugetlb_renew_promise(fault->space, region);
	return result;
}

enum fault_result fault_hugetlb(struct fault *fault)
{
	enum fault_result result = FAULT_RETRY;

	if (region_hugetlb_size(fault->region) == HUGETLB_2M)
		return bring_in(fault, HUGETLB_2M, NULL);
	mutex_lock(&gigantic_lock);
	if (pte_is_none(tree_peek(fault->space, fault->page)))
		result = bring_in(fault, HUGETLB_1G, NULL);
	mutex_unlock(&gigantic_lock);
	return result;
}

enum fault_result hugetlb_fill_private(struct fault *fault, const phys_t *content)
{
	return bring_in(fault, HUGETLB_2M, content);
}

/* --- Files --- */

enum { PIECE = 32 };

/* Maps pages [index, index + PIECE) of the file from `slot` on where nothing is mapped.  False: one
 * of them is not there.  The leaf is locked. */
static bool map_piece(const struct region *region, struct node *leaf, pte_t *slot,
		      struct page_cache *cache, u64 index, u64 flags)
{
	phys_t frames[PIECE];
	bool all = page_cache_find(cache, index, PIECE, frames) == PIECE;

	for (u32 i = 0; i < PIECE; i++) {
		if (frames[i] == 0)
			continue;
		pte_t old = pte_read(&slot[i]);
		u64 wanted = region_watched_flags(region, old, flags);
		if (!entry_is_vacant(old) ||
		    !leaf_fill(leaf, &slot[i], pte_leaf(frames[i], wanted, 1)))
			frame_free(frames[i]);
	}
	return all;
}

enum fault_result hugetlb_map_file(struct fault *fault, struct page_cache *cache, u64 sequence)
{
	const struct region *region = fault->region;
	vaddr_t base = ALIGN_DOWN(fault->page, HUGE_SIZE);
	u64 index = region_index(region, base);
	bool shared = region->flags & REGION_SHARED, all = true;
	bool fresh = false;
	u64 flags = region_entry_flags(region, shared) | region_fresh_marks(region);
	enum tree_intent intent = shared && (fault->flags & FAULT_WRITE) ? TREE_OWN : TREE_FILL;
	struct tree_leaf leaf;

	if (tree_lock_leaf(fault->space, base, intent, &leaf) != 0)
		return FAULT_NO_MEMORY;
	if (page_cache_sequence(cache) == sequence) {
		fresh = is_vacant(leaf.node);
		for (u32 i = 0; i < PTES_PER_TABLE; i += PIECE)
			all = map_piece(region, leaf.node, leaf.slot + i, cache, index + i,
					flags) &&
			      all;
	}
	tree_unlock_leaf(&leaf);
	/* A private mapping that has the file's page does not need one that it was promised. */
	if (!shared && fresh && all && region_hugetlb_size(region) == HUGETLB_2M &&
	    hugetlb_use_promise(fault->space, region))
		hugetlb_pool_unreserve(HUGETLB_2M, 1);
	/* Once more: whether what is there by now permits what is wanted. */
	return FAULT_RETRY;
}

enum fault_result fault_hugetlb_file(struct fault *fault)
{
	struct page_cache *cache = fault->region->backing->cache;
	struct hugetlb_file *file = cache->huge;
	u64 index = region_index(fault->region, fault->page);
	u64 sequence = page_cache_sequence(cache);
	phys_t frame;

	if (index >> (hugetlb_shift(file->size) - PAGE_SHIFT) >= page_cache_size(cache) >>
	    hugetlb_shift(file->size))
		return FAULT_NO_PAGE;
	if (!hugetlb_file_has(file, index)) {
		if (!(fault->region->flags & REGION_SHARED))
			return fault_hugetlb(fault);
		int result = hugetlb_file_make(file, index, &frame);
		if (result != 0)
			return result == -ENOMEM   ? FAULT_NO_MEMORY
			       : result == -EAGAIN ? FAULT_RETRY
						   : FAULT_NO_PAGE;
		frame_free(frame);
	}
	return hugetlb_map_file(fault, cache, sequence);
}
