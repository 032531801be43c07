/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting pages where they are missing: UFFDIO_COPY, UFFDIO_ZEROPAGE, UFFDIO_CONTINUE; see
 * userfault.h.
 *
 * Page by page.  What is copied is read first, while no lock is held, as the source may fault; then
 * the region is looked at once more.
 */
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/pagecache_internal.h"
#include "mm/usercopy.h"
#include "mm/userfault.h"

/* One page on its way. */
struct page_fill {
	const struct userfault_fill *call;
	struct address_space *space;
	struct region *region; /* while the map lock is held */
	vaddr_t page;
	phys_t frame; /* FILL_COPY: with what is copied; 0: taken over by where it went */
};

int userfault_fill_region(struct address_space *space, const struct userfault *userfault,
			  const struct userfault_fill *call, struct region **result)
{
	struct region *region = region_find(space, call->start);

	if (__atomic_load_n(&userfault->changing, __ATOMIC_ACQUIRE) != 0)
		return -EAGAIN;
	if (region == NULL || call->length > region->end - call->start ||
	    !(region->flags & REGION_WATCH))
		return -ENOENT;
	if (call->protect && !(region->flags & REGION_WATCH_WRITES))
		return -EINVAL;
	if (call->how == FILL_CONTINUE && region->backing == NULL)
		return -EINVAL;
	*result = region;
	return 0;
}

/* The same for pages of 4 KiB.  What was there a moment ago may be another kind of region. */
static int find_region(struct page_fill *fill, const struct userfault *userfault)
{
	int result = userfault_fill_region(fill->space, userfault, fill->call, &fill->region);

	return result == 0 && (fill->region->flags & REGION_HUGETLB) ? -EAGAIN : result;
}

static bool is_beyond_file(const struct page_fill *fill)
{
	const struct region *region = fill->region;

	return region->backing != NULL &&
	       region_index(region, fill->page) >=
		       DIV_ROUND_UP(page_cache_size(region_cache(region)), PAGE_SIZE);
}

/* --- Private memory --- */

static void put_private(struct page_fill *fill, struct tree_leaf *leaf)
{
	bool protect = fill->call->protect;
	u64 flags = region_entry_flags(fill->region, fill->frame != 0 && !protect);

	if (fill->frame == 0) {
		leaf_put(leaf->node, leaf->slot, pte_leaf(zero_frame(), flags | PAGE_SPECIAL, 1));
		return;
	}
	if (protect)
		flags |= PAGE_WATCHED;
	if (fill->region->flags & REGION_ACCESS) {
		leaf_put(leaf->node, leaf->slot, entry_exclusive(leaf->slot, fill->frame, flags));
	} else {
		leaf_put(leaf->node, leaf->slot,
			 entry_add_marks(entry_hidden(fill->frame, false), flags & PAGE_MARKS));
	}
	leaf->node->counts[RESIDENT_ANONYMOUS]++;
	fill->frame = 0;
}

static int fill_private(struct page_fill *fill)
{
	struct tree_leaf leaf;
	int result = tree_lock_leaf(fill->space, fill->page, TREE_OWN, &leaf);

	if (result != 0)
		return result;
	if (is_beyond_file(fill))
		result = -EFAULT;
	else if (!entry_is_vacant(pte_read(leaf.slot)))
		result = -EEXIST;
	else
		put_private(fill, &leaf);
	tree_unlock_leaf(&leaf);
	return result;
}

/* --- Shared memory --- */

/* The page of the file, new but for FILL_CONTINUE, with a reference. */
static int make_page(struct page_fill *fill, struct page_cache *cache, phys_t *page)
{
	u64 index = region_index(fill->region, fill->page);

	int result = page_cache_look_up(cache, index, page);
	if (result != 0)
		return result;
	if (fill->call->how == FILL_CONTINUE)
		return *page != 0 ? 0 : -EFAULT;
	if (*page != 0) {
		frame_free(*page);
		return -EEXIST;
	}
	phys_t frame = fill->frame != 0 ? fill->frame : frame_alloc_kind_zeroed(FRAME_CACHE);
	if (frame == 0)
		return -ENOMEM;
	fill->frame = 0;
	*page = frame;
	result = page_cache_add(cache, index, page);
	if (result == 0 && *page == frame)
		return 0;
	/* Somebody else was faster: the page is his. */
	frame_free(*page);
	return result == 0 || result == -EAGAIN ? -EEXIST : result;
}

static int fill_shared(struct page_fill *fill)
{
	struct page_cache *cache = region_cache(fill->region);
	const struct backing_ops *ops = fill->region->backing->ops;
	u64 sequence = page_cache_sequence(cache);
	struct tree_leaf leaf;
	phys_t page;

	if (is_beyond_file(fill))
		return -EFAULT;
	int result = make_page(fill, cache, &page);
	if (result != 0)
		return result;
	bool mapped = false;
	result = tree_lock_leaf(fill->space, fill->page, TREE_OWN, &leaf);
	if (result == 0) {
		bool protect = fill->call->protect;
		u64 flags = region_entry_flags(fill->region, ops->written == NULL && !protect) |
			    (protect ? PAGE_WATCHED : 0);
		if (page_cache_sequence(cache) != sequence)
			result = -EAGAIN;
		else if (!entry_is_vacant(pte_read(leaf.slot)))
			result = -EEXIST;
		else if (fill->region->flags & REGION_ACCESS)
			mapped = leaf_fill(leaf.node, leaf.slot, pte_leaf(page, flags, 1));
		tree_unlock_leaf(&leaf);
	}
	if (!mapped)
		frame_free(page);
	return result;
}

/* --- The calls --- */

/* A frame with the page of the source. */
static int copy_source(struct page_fill *fill, const struct userfault *userfault)
{
	const struct userfault_fill *call = fill->call;
	struct mempolicy policy;

	rwlock_read_lock(&fill->space->map_lock);
	int result = find_region(fill, userfault);
	bool shared = result == 0 && (fill->region->flags & REGION_SHARED);
	if (result == 0)
		policy = fill->region->policy;
	rwlock_read_unlock(&fill->space->map_lock);
	if (result != 0)
		return result;
	fill->frame =
		shared ? frame_alloc_kind(FRAME_CACHE) : frame_alloc_user_page(&policy, fill->page);
	if (fill->frame == 0)
		return -ENOMEM;
	return copy_from_user(phys_to_virt(fill->frame),
			      (const void __user *)(call->source + (fill->page - call->start)),
			      PAGE_SIZE);
}

static int fill_page(struct page_fill *fill, const struct userfault *userfault)
{
	bool copy = fill->call->how == FILL_COPY;
	int result = copy ? copy_source(fill, userfault) : 0;

	if (result == 0) {
		rwlock_read_lock(&fill->space->map_lock);
		result = find_region(fill, userfault);
		bool shared = result == 0 && ((fill->region->flags & REGION_SHARED) ||
					      fill->call->how == FILL_CONTINUE);
		if (result == 0 && copy && shared == frame_is_anonymous(fill->frame))
			result = -EAGAIN;
		if (result == 0)
			result = shared ? fill_shared(fill) : fill_private(fill);
		rwlock_read_unlock(&fill->space->map_lock);
	}
	if (fill->frame != 0)
		frame_free(fill->frame);
	return result;
}

ssize_t userfault_fill(struct userfault *userfault, struct address_space *space,
		       const struct userfault_fill *call)
{
	struct region *region;
	size_t done = 0;

	rwlock_read_lock(&space->map_lock);
	int result = userfault_fill_region(space, userfault, call, &region);
	bool huge = result == 0 && (region->flags & REGION_HUGETLB);
	rwlock_read_unlock(&space->map_lock);
	if (huge)
		return userfault_fill_huge(userfault, space, call);
	while (done < call->length && result == 0) {
		struct page_fill fill = {.call = call, .space = space, .page = call->start + done};
		result = fill_page(&fill, userfault);
		if (result == 0)
			done += PAGE_SIZE;
	}
	return done != 0 ? (ssize_t)done : result;
}
