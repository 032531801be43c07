/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages of pools that a program brings itself: UFFDIO_COPY and UFFDIO_CONTINUE of 2 MiB at a
 * time; see userfault.h.
 *
 * What is copied is read first, to single frames, as the source may fault, and the block may be seen
 * by others as soon as it is in a file.  A page that shall be write-protected
 * is so before it comes: the place is filled with watches.
 */
#include "lib/errno.h"
#include "mm/hugetlb_internal.h"
#include "mm/kmalloc.h"
#include "mm/pagecache_internal.h"
#include "mm/usercopy.h"
#include "mm/userfault.h"

/* One huge page on its way. */
struct huge_fill {
	const struct userfault_fill *call;
	struct fault fault; /* as if the page were touched; its region is known while the map lock
				is held */
	const phys_t *content; /* frames; NULL: of FILL_CONTINUE */
};

/* The page of private memory. */
static int fill_private(struct huge_fill *fill)
{
	switch (hugetlb_fill_private(&fill->fault, fill->content)) {
	case FAULT_DONE:
		return 0;
	case FAULT_RETRY:
		return -EEXIST; /* somebody else was faster */
	case FAULT_NO_MEMORY:
		return -ENOMEM;
	default:
		return -ENOSPC;
	}
}

static int fill_file(struct huge_fill *fill)
{
	struct page_cache *cache = region_cache(fill->fault.region);
	u64 index = region_index(fill->fault.region, fill->fault.page);
	u64 sequence = page_cache_sequence(cache);
	int result = 0;

	if (index >= page_cache_size(cache) / PAGE_SIZE)
		return -EFAULT;
	if (fill->content != NULL)
		result = hugetlb_file_fill(cache->huge, index, fill->content);
	else if (!hugetlb_file_has(cache->huge, index))
		result = -EFAULT;
	if (result == 0 && hugetlb_map_file(&fill->fault, cache, sequence) == FAULT_NO_MEMORY)
		result = -ENOMEM;
	return result;
}

/* Map lock held for reading. */
static int fill_locked(struct huge_fill *fill)
{
	struct address_space *space = fill->fault.space;
	const struct region *region = fill->fault.region;
	vaddr_t page = fill->fault.page;
	int result = 0;

	if (!entry_is_vacant(tree_peek(space, page)))
		return -EEXIST;
	if (fill->call->protect)
		result = watch_entries(space, page, page + HUGE_SIZE);
	else
		mark_entries(space, page, page + HUGE_SIZE, 0, PAGE_WATCHED);
	if (result != 0)
		return result;
	bool shared = (region->flags & REGION_SHARED) || fill->content == NULL;
	return shared ? fill_file(fill) : fill_private(fill);
}

static bool copy_source(const phys_t *frames, vaddr_t source)
{
	for (u32 i = 0; i < PTES_PER_TABLE; i++, source += PAGE_SIZE)
		if (copy_from_user(phys_to_virt(frames[i]), (const void __user *)source,
				   PAGE_SIZE) != 0)
			return false;
	return true;
}

static void put_frames(phys_t *frames)
{
	if (frames != NULL)
		frame_free_batch(frames, PTES_PER_TABLE);
	kfree(frames);
}

/* As many as a huge page has; NULL: no memory. */
static phys_t *get_frames(void)
{
	phys_t *frames = kmalloc(PTES_PER_TABLE * sizeof(*frames));
	size_t got = frames != NULL ? frame_alloc_batch(FRAME_KERNEL, frames, PTES_PER_TABLE) : 0;

	if (frames == NULL || got == PTES_PER_TABLE)
		return frames;
	frame_free_batch(frames, got);
	kfree(frames);
	return NULL;
}

static int fill_page(struct userfault *userfault, struct address_space *space,
		     const struct userfault_fill *call, vaddr_t page, const phys_t *buffer)
{
	struct huge_fill fill = {
		.call = call,
		.fault = {.space = space, .address = page, .page = page, .flags = FAULT_WRITE},
		.content = buffer,
	};

	if (buffer != NULL && !copy_source(buffer, call->source + (page - call->start)))
		return -EFAULT;
	rwlock_read_lock(&space->map_lock);
	int result = userfault_fill_region(space, userfault, call, &fill.fault.region);
	/* What was there a moment ago may be another kind of region. */
	if (result == 0 && !(fill.fault.region->flags & REGION_HUGETLB))
		result = -EAGAIN;
	if (result == 0)
		result = fill_locked(&fill);
	rwlock_read_unlock(&space->map_lock);
	return result;
}

ssize_t userfault_fill_huge(struct userfault *userfault, struct address_space *space,
			    const struct userfault_fill *call)
{
	bool copy = call->how == FILL_COPY;
	size_t done = 0;
	int result = 0;

	if (call->how == FILL_ZERO || (call->start | call->length) % HUGE_SIZE != 0)
		return -EINVAL;
	phys_t *buffer = copy ? get_frames() : NULL;
	if (copy && buffer == NULL)
		return -ENOMEM;
	for (; done < call->length && result == 0; done += result == 0 ? HUGE_SIZE : 0)
		result = fill_page(userfault, space, call, call->start + done, buffer);
	put_frames(buffer);
	return done != 0 ? (ssize_t)done : result;
}
