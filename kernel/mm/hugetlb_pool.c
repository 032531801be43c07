/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of huge pages; see hugetlb.h.
 *
 * Free blocks are linked through the descriptors of their first frames.  How many frames of a block
 * are in use is counted beside, for memory may be handed back one frame at a time, in any order.
 * The lock is taken with interrupts off and inside of all others: frames become free anywhere.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/compact.h"
#include "mm/frame_internal.h"
#include "mm/hugetlb_internal.h"
#include "mm/kmalloc.h"
#include "mm/space.h"

static struct {
	spinlock_t lock;
	u64 first;     /* a free block; 0: none */
	size_t wanted; /* what the pool shall have */
	size_t total, free, reserved;
	u16 *used; /* by block: frames in use; set once */
	size_t blocks;
} pool;

static mutex_t resize_lock = MUTEX_INIT(resize_lock); /* one resizes at a time */

static void push(phys_t block)
{
	frame_of(block)->owner = pool.first;
	pool.first = block;
	pool.free++;
}

static phys_t pop(void)
{
	phys_t block = pool.first;

	pool.first = frame_of(block)->owner;
	pool.free--;
	return block;
}

/* Back to the allocator.  Interrupts off. */
static void give_back(phys_t block)
{
	struct frame *frame = frame_of(block);

	pool.total--;
	for (u32 i = 0; i < PTES_PER_TABLE; i++, frame++) {
		frame->order = 0;
		frame->kind = FRAME_RESERVED;
	}
	frame_account(FRAME_KERNEL, -(s64)PTES_PER_TABLE);
	block_release(block >> PAGE_SHIFT, HUGE_ORDER);
}

void hugetlb_get_stats(struct hugetlb_stats *stats)
{
	unsigned long flags = spin_lock_irqsave(&pool.lock);

	*stats = (struct hugetlb_stats){
		.total = pool.total,
		.free = pool.free,
		.reserved = pool.reserved,
		.surplus = pool.total - MIN(pool.total, pool.wanted),
	};
	spin_unlock_irqrestore(&pool.lock, flags);
}

/* --- Its size --- */

/* The counts, when they are needed first. */
static bool prepare(void)
{
	if (pool.used != NULL)
		return true;
	pool.blocks = frame_limit() >> HUGE_ORDER;
	pool.used = kzalloc(pool.blocks * sizeof(*pool.used));
	return pool.used != NULL;
}

static bool add_block(void)
{
	phys_t block = frames_try_placed(HUGE_ORDER, FRAME_KERNEL, NULL);

	if (block == 0 && compact_for(HUGE_ORDER))
		block = frames_try_placed(HUGE_ORDER, FRAME_KERNEL, NULL);
	if (block == 0)
		return false;
	if (block >> PAGE_SHIFT >> HUGE_ORDER >= pool.blocks) {
		frames_free(block, HUGE_ORDER);
		return false;
	}
	struct frame *frame = frame_of(block);
	for (u32 i = 0; i < PTES_PER_TABLE; i++, frame++) {
		frame->refs = 0;
		frame->kind = FRAME_KERNEL;
		frame->order = FRAME_POOLED;
	}
	unsigned long flags = spin_lock_irqsave(&pool.lock);
	push(block);
	pool.total++;
	spin_unlock_irqrestore(&pool.lock, flags);
	return true;
}

static size_t pool_total(void)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(&stats);
	return stats.total;
}

/* Memory for the kernel stays. */
static bool has_room(void)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	return frame_get_free_memory() >> PAGE_SHIFT > marks.high + PTES_PER_TABLE;
}

void hugetlb_resize(size_t blocks)
{
	mutex_lock(&resize_lock);
	unsigned long flags = spin_lock_irqsave(&pool.lock);
	pool.wanted = blocks;
	while (pool.total > pool.wanted && pool.free > pool.reserved)
		give_back(pop());
	spin_unlock_irqrestore(&pool.lock, flags);
	while (pool_total() < blocks && has_room() && prepare() && add_block())
		;
	/* What could not be had is not wanted any more. */
	flags = spin_lock_irqsave(&pool.lock);
	pool.wanted = MIN(pool.wanted, pool.total);
	spin_unlock_irqrestore(&pool.lock, flags);
	mutex_unlock(&resize_lock);
}

/* --- Reservations --- */

bool hugetlb_pool_reserve(size_t blocks)
{
	unsigned long flags = spin_lock_irqsave(&pool.lock);
	bool enough = pool.free - pool.reserved >= blocks;

	if (enough)
		pool.reserved += blocks;
	spin_unlock_irqrestore(&pool.lock, flags);
	return enough;
}

void hugetlb_pool_unreserve(size_t blocks)
{
	unsigned long flags = spin_lock_irqsave(&pool.lock);

	pool.reserved -= blocks;
	while (pool.total > pool.wanted && pool.free > pool.reserved)
		give_back(pop());
	spin_unlock_irqrestore(&pool.lock, flags);
}

/* --- Blocks in use --- */

/* From the kernel's frames to the programs'. */
static void begin(phys_t block)
{
	struct frame *frame = frame_of(block);

	for (u32 i = 0; i < PTES_PER_TABLE; i++, frame++) {
		frame->kind = FRAME_USER;
		frame->traits = 0;
		frame->owner = 0;
		__atomic_store_n(&frame->refs, 1, __ATOMIC_RELEASE);
	}
	frame_account(FRAME_KERNEL, -(s64)PTES_PER_TABLE);
	frame_account(FRAME_USER, PTES_PER_TABLE);
	pool.used[block >> PAGE_SHIFT >> HUGE_ORDER] = PTES_PER_TABLE;
}

phys_t hugetlb_pool_take(bool reserved)
{
	unsigned long flags = spin_lock_irqsave(&pool.lock);
	phys_t block = 0;

	if (pool.free > (reserved ? 0 : pool.reserved)) {
		block = pop();
		pool.reserved -= reserved;
		begin(block);
	}
	spin_unlock_irqrestore(&pool.lock, flags);
	return block;
}

void hugetlb_frame_freed(phys_t address)
{
	phys_t block = ALIGN_DOWN(address, HUGE_SIZE);
	struct frame *frame = frame_of(address);
	unsigned long flags = spin_lock_irqsave(&pool.lock);

	frame_account(frame->kind, -1);
	frame_account(FRAME_KERNEL, 1);
	frame->kind = FRAME_KERNEL;
	if (--pool.used[block >> PAGE_SHIFT >> HUGE_ORDER] == 0) {
		push(block);
		if (pool.total > pool.wanted && pool.free > pool.reserved)
			give_back(pop());
	}
	spin_unlock_irqrestore(&pool.lock, flags);
}
