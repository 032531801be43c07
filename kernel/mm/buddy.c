/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy pool: see buddy.h.
 *
 * A page's number is its address / PAGE_SIZE, counted from the 16 MiB boundary below the pool, so
 * that blocks are aligned in memory as their numbers are.  A block in use has one reference in its
 * head's descriptor; that, with the order, is what buddy_free believes.
 */
#include "mm/buddy.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/block_lists.h"

static spinlock_t lock;          /* interrupts off; guards all below */
static struct block_lists lists; /* numbers of the pool */
static vaddr_t base;             /* address of number 0; 0: no pool */
static size_t total;             /* pages */

static void give_range(pfn_t start, pfn_t end)
{
	while (start < end) {
		u32 order = block_order(start, end);
		block_lists_give(&lists, start, order);
		start += (pfn_t)1 << order;
	}
}

int buddy_init(void *start, size_t size)
{
	vaddr_t first, last;
	int error = -EINVAL;

	if (__builtin_add_overflow((vaddr_t)start, size, &last) ||
	    __builtin_add_overflow((vaddr_t)start, PAGE_SIZE - 1, &first))
		return -EINVAL;
	first = ALIGN_DOWN(first, PAGE_SIZE);
	last = ALIGN_DOWN(last, PAGE_SIZE);
	if (first >= last)
		return -EINVAL;
	size_t pages = (last - first) / PAGE_SIZE;
	size_t room = DIV_ROUND_UP(pages * sizeof(struct frame), PAGE_SIZE);
	unsigned long flags = spin_lock_irqsave(&lock);
	if (pages <= room)
		goto out;
	error = -EBUSY;
	if (lists.free != total)
		goto out;
	base = ALIGN_DOWN(first, BUDDY_MAX_SIZE);
	total = pages - room;
	pfn_t number = (first - base) / PAGE_SIZE;
	memset((void *)first, 0, pages * sizeof(struct frame));
	lists = (struct block_lists){
		.descriptors = (struct frame *)(first - number * sizeof(struct frame)),
		.start = number,
		.end = number + pages,
	};
	give_range(number + room, number + pages);
	error = 0;
out:
	spin_unlock_irqrestore(&lock, flags);
	return error;
}

void *buddy_alloc(size_t size)
{
	u32 order = 0;

	if (size == 0 || size > BUDDY_MAX_SIZE)
		return NULL;
	while (PAGE_SIZE << order < size)
		order++;
	unsigned long flags = spin_lock_irqsave(&lock);
	pfn_t head = block_lists_take(&lists, order, order, SET_MOVABLE, SET_MOVABLE);
	if (head != 0) {
		lists.descriptors[head].refs = 1;
		lists.descriptors[head].kind = FRAME_KERNEL;
		lists.descriptors[head].order = (u8)order;
	}
	vaddr_t block = base + head * PAGE_SIZE;
	spin_unlock_irqrestore(&lock, flags);
	return head != 0 ? (void *)block : NULL;
}

void buddy_free(void *block)
{
	vaddr_t address = (vaddr_t)block;
	bool valid = false;

	if (block == NULL)
		return;
	unsigned long flags = spin_lock_irqsave(&lock);
	pfn_t number = (address - base) / PAGE_SIZE;
	if (address >= base && IS_ALIGNED(address, PAGE_SIZE) && number >= lists.start &&
	    number < lists.end && lists.descriptors[number].refs == 1) {
		struct frame *head = &lists.descriptors[number];
		u32 order = head->order;
		*head = (struct frame){.kind = FRAME_RESERVED};
		block_lists_give(&lists, number, order);
		valid = true;
	}
	spin_unlock_irqrestore(&lock, flags);
	if (!valid) {
		log_error("buddy: %p freed, which is no block in use", block);
		ASSERT(!"bad buddy_free");
	}
}

void buddy_get_stats(buddy_stats_t *stats)
{
	unsigned long flags = spin_lock_irqsave(&lock);

	*stats = (buddy_stats_t){.total = total * PAGE_SIZE, .free = lists.free * PAGE_SIZE};
	memcpy(stats->free_blocks, lists.counts, sizeof(lists.counts));
	u32 nonempty = lists.nonempty[SET_MOVABLE];
	spin_unlock_irqrestore(&lock, flags);
	if (nonempty != 0)
		stats->largest = PAGE_SIZE << (31 - __builtin_clz(nonempty));
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
		stats->fragmentation[order] = block_fragmentation(stats->free_blocks, order);
}
