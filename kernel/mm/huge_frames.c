/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of 2 MiB for huge pages; see huge.h.
 *
 * The allocator hands out a block with one reference for all of it.  Here its frames become single
 * ones, each with its own: then entries, copies and reclaim need not know where they came from.
 */
#include "lib/assert.h"
#include "mm/checking.h"
#include "mm/frame_internal.h"
#include "mm/huge.h"
#include "mm/mempolicy.h"

static void split(phys_t block)
{
	struct frame *frame = frame_of(block);

	frame->order = 0;
	for (u32 i = 1; i < PTES_PER_TABLE; i++) {
		frame++;
		frame->kind = FRAME_USER;
		frame->order = 0;
		frame->traits = 0;
		__atomic_store_n(&frame->refs, 1, __ATOMIC_RELAXED);
	}
}

phys_t huge_block_alloc(const struct mempolicy *policy, vaddr_t address)
{
	if (frame_is_short())
		return 0;
	phys_t block = frame_alloc_user_block(policy, address, HUGE_ORDER);
	if (block != 0)
		split(block);
	return block;
}

void huge_block_clear(phys_t block)
{
	for (u32 i = 0; i < PTES_PER_TABLE; i++)
		page_clear(phys_to_virt(block + i * PAGE_SIZE));
}

/* Whoever is a frame's only holder need not fear that others change its descriptor. */
static bool is_sole(phys_t block)
{
	const struct frame *frame = frame_of(block);
	u8 zone = frame->zone;

	for (u32 i = 0; i < PTES_PER_TABLE; i++, frame++)
		if (__atomic_load_n(&frame->refs, __ATOMIC_ACQUIRE) != 1 ||
		    frame->kind != FRAME_USER || frame->order != 0 || frame->zone != zone)
			return false;
	return true;
}

bool huge_block_free(phys_t block)
{
	struct frame *frame = frame_of(block);

	if (!is_sole(block))
		return false;
	wipe_frames_on_free(block, PTES_PER_TABLE);
	for (u32 i = 0; i < PTES_PER_TABLE; i++, frame++) {
		checking_frame_released(block + i * PAGE_SIZE);
		frame->refs = 0;
		frame->kind = FRAME_RESERVED;
	}
	unsigned long flags = irq_save();
	frame_account(FRAME_USER, -(s64)PTES_PER_TABLE);
	block_release(block >> PAGE_SHIFT, HUGE_ORDER);
	irq_restore(flags);
	return true;
}
