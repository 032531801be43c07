/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on mapped files: the page comes from the page cache, which is shared with read and write.
 *
 * A read also maps the neighbours that are in the cache already (fault-around), within the aligned
 * window of AROUND pages, the region and the table.  A write to a private mapping maps a copy at
 * once.
 *
 * Truncation may take the page out while we are on the way.  The cache's sequence is read before
 * the look-up and compared under the leaf's lock: see pagecache_size.c.
 */
#include "mm/fault.h"

#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/zap.h"

enum { AROUND = 16 };

/* What a fault found: pages of the cache for consecutive slots, a reference each; 0 where there is
 * nothing. */
struct window {
	vaddr_t start;
	u32 count;
	phys_t frames[AROUND];
};

static void window_release(struct window *window)
{
	for (u32 i = 0; i < window->count; i++)
		if (window->frames[i] != 0)
			frame_free(window->frames[i]);
}

/* Looks the window around the fault up, when all that is wanted is to read; a write concerns one
 * page. */
static void window_find(struct fault *fault, struct page_cache *cache, struct window *window)
{
	struct region *region = fault->region;
	u64 last_index = DIV_ROUND_UP(page_cache_size(cache), PAGE_SIZE);
	/* Each page is to be asked about. */
	size_t around = region->flags & REGION_WATCH_MINOR ? PAGE_SIZE : AROUND * PAGE_SIZE;

	window->start = MAX(ALIGN_DOWN(fault->page, around), region->start);
	u64 index = region_index(region, window->start);
	vaddr_t end = MIN(ALIGN_DOWN(fault->page, around) + around, region->end);
	u64 available =
		last_index > index ? last_index - index : 0; /* the file may have shrunk just now */
	end = MIN(end, window->start + (MIN(available, (u64)AROUND) << PAGE_SHIFT));
	window->count = (u32)((end - window->start) >> PAGE_SHIFT);
	page_cache_find(cache, index, window->count, window->frames);
}

/* Maps what the window has where nothing is mapped yet; the references of what is mapped go to the
 * entries. */
static enum fault_result window_map(struct fault *fault, struct page_cache *cache, u64 sequence,
				    struct window *window)
{
	struct region *region = fault->region;
	u64 fresh = region_fresh_marks(region);
	bool writable = (region->flags & REGION_SHARED) && (region->flags & REGION_WRITE) &&
			region->backing->ops->written == NULL && fresh == 0;
	u64 flags = region_entry_flags(region, writable) | fresh;
	struct tree_leaf leaf;

	if (fault_lock_leaf(fault, TREE_FILL, &leaf) != 0)
		return FAULT_NO_MEMORY;
	if (__atomic_load_n(&cache->sequence, __ATOMIC_SEQ_CST) != sequence) {
		tree_unlock_leaf(&leaf);
		return FAULT_RETRY;
	}
	pte_t *slot = leaf.slot - ((fault->page - window->start) >> PAGE_SHIFT);
	for (u32 i = 0; i < window->count; i++) {
		pte_t old = pte_read(&slot[i]);
		if (window->frames[i] == 0 || !entry_is_vacant(old))
			continue;
		u64 wanted = region_watched_flags(region, old, flags);
		if (leaf_fill(leaf.node, &slot[i], pte_leaf(window->frames[i], wanted, 1)))
			window->frames[i] = 0;
	}
	tree_unlock_leaf(&leaf);
	return FAULT_DONE;
}

/* One page of the file, made if it is a hole. */
static enum fault_result get_page(struct fault *fault, struct page_cache *cache, phys_t *frame)
{
	u64 index = region_index(fault->region, fault->page);

	if (index >= DIV_ROUND_UP(page_cache_size(cache), PAGE_SIZE))
		return FAULT_NO_PAGE;
	int result = page_cache_get(cache, index, PAGE_CACHE_CREATE, frame);
	if (result == 0)
		return FAULT_DONE;
	return result == -ENOMEM ? FAULT_NO_MEMORY : FAULT_NO_PAGE;
}

static enum fault_result read_page(struct fault *fault, struct page_cache *cache, u64 sequence)
{
	struct window window;
	enum fault_result result = FAULT_DONE;

	if (region_index(fault->region, fault->page) >=
	    DIV_ROUND_UP(page_cache_size(cache), PAGE_SIZE))
		return FAULT_NO_PAGE;
	window_find(fault, cache, &window);
	u32 wanted = (u32)((fault->page - window.start) >> PAGE_SHIFT);
	if (unlikely(wanted >= window.count))
		result = FAULT_RETRY;
	else if (window.frames[wanted] == 0)
		result = get_page(fault, cache, &window.frames[wanted]);
	if (result == FAULT_DONE)
		result = window_map(fault, cache, sequence, &window);
	window_release(&window);
	return result;
}

/* A write to a private mapping where nothing is mapped yet: straight to a copy. */
static enum fault_result copy_page(struct fault *fault, struct page_cache *cache, u64 sequence)
{
	phys_t page;
	enum fault_result result = get_page(fault, cache, &page);

	if (result != FAULT_DONE)
		return result;
	phys_t copy = frame_alloc_user_page(&fault->region->policy, fault->page);
	if (copy == 0) {
		frame_free(page);
		return FAULT_NO_MEMORY;
	}
	page_copy(phys_to_virt(copy), phys_to_virt(page));
	frame_free(page);
	struct tree_leaf leaf;
	if (fault_lock_leaf(fault, TREE_OWN, &leaf) != 0) {
		frame_free(copy);
		return FAULT_NO_MEMORY;
	}
	pte_t old = pte_read(leaf.slot);
	u64 flags =
		region_watched_flags(fault->region, old, region_entry_flags(fault->region, true));
	bool fresh = entry_is_vacant(old) &&
		     __atomic_load_n(&cache->sequence, __ATOMIC_SEQ_CST) == sequence;
	if (fresh) {
		leaf_put(leaf.node, leaf.slot, entry_exclusive(leaf.slot, copy, flags));
		leaf.node->counts[RESIDENT_ANONYMOUS]++;
	}
	tree_unlock_leaf(&leaf);
	if (!fresh) {
		frame_free(copy);
		return FAULT_RETRY;
	}
	fault_count(COUNT_COPIED);
	return flags & PAGE_WATCHED ? FAULT_RETRY : FAULT_DONE;
}

/* Is it the page, and need nobody be asked?  That may have changed since the fault began. */
static bool may_be_written(const struct fault *fault, pte_t entry, phys_t page)
{
	if (!pte_is_present(entry) || pte_phys(entry) != page)
		return false;
	return likely(!(entry_marks(entry) & PAGE_WATCHED)) ||
	       !region_watches_writes(fault->region);
}

/* A write to a shared mapping: the entry, which may be there already, gets permission to write. */
static enum fault_result write_shared(struct fault *fault, struct page_cache *cache, u64 sequence)
{
	phys_t page;
	enum fault_result result = get_page(fault, cache, &page);

	if (result != FAULT_DONE)
		return result;
	if (cache->ops != NULL && cache->ops->reserve != NULL) {
		int error = cache->ops->reserve(cache, region_index(fault->region, fault->page));
		if (error != 0) {
			frame_free(page);
			return error == -ENOMEM ? FAULT_NO_MEMORY : FAULT_NO_PAGE;
		}
	}
	bool mapped = false;
	struct tree_leaf leaf;
	if (fault_lock_leaf(fault, TREE_OWN, &leaf) != 0) {
		frame_free(page);
		return FAULT_NO_MEMORY;
	}
	pte_t entry = pte_read(leaf.slot);
	bool vacant = entry_is_vacant(entry);
	u64 flags = region_watched_flags(fault->region, vacant ? entry : entry_none(),
					 region_entry_flags(fault->region, true));
	if (__atomic_load_n(&cache->sequence, __ATOMIC_SEQ_CST) != sequence ||
	    !(vacant || may_be_written(fault, entry, page))) {
		result = FAULT_RETRY;
	} else if (vacant) {
		mapped = leaf_fill(leaf.node, leaf.slot, pte_leaf(page, flags, 1));
		if (flags & PAGE_WATCHED)
			result = FAULT_RETRY;
	} else {
		pte_write(leaf.slot, pte_leaf(page, flags, 1));
		tlb_flush_page_local(fault->page);
	}
	tree_unlock_leaf(&leaf);
	if (!mapped)
		frame_free(page);
	if (result == FAULT_DONE)
		page_cache_mark_dirty(cache, region_index(fault->region, fault->page));
	if (result == FAULT_DONE && fault->region->backing->ops->written != NULL)
		fault->region->backing->ops->written(fault->region->backing);
	return result;
}

enum fault_result fault_file(struct fault *fault)
{
	struct page_cache *cache = fault->region->backing->cache;
	u64 sequence = __atomic_load_n(&cache->sequence, __ATOMIC_SEQ_CST);

	fault_count(COUNT_FILE);
	if (unlikely(cache->huge != NULL) && entry_is_vacant(tree_peek(fault->space, fault->page)))
		return fault_hugetlb_file(fault);
	if (!(fault->flags & FAULT_WRITE))
		return read_page(fault, cache, sequence);
	if (fault->region->flags & REGION_SHARED)
		return write_shared(fault, cache, sequence);
	return copy_page(fault, cache, sequence);
}
