/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The blocks of the pools of huge pages: from the allocator, their frames' descriptors, and back.
 *
 * All frames of a block have order FRAME_POOLED as long as it is a pool's.  While nobody has it,
 * they are FRAME_KERNEL without references; handed out, they are programs' (FRAME_USER) or a file's
 * (FRAME_CACHE), each with its own.  Only the former are counted as such: what files have of the
 * pool is no memory that could be used for anything else, and counts as the kernel's, like what is
 * free.
 */
#include "mm/compact.h"
#include "mm/frame_internal.h"
#include "mm/hugetlb_internal.h"

static void account(enum frame_kind kind, s64 frames)
{
	unsigned long flags = irq_save();

	frame_account(kind, frames);
	irq_restore(flags);
}

/* Memory for the kernel stays. */
static bool has_room(enum hugetlb_size size)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	return frame_get_free_memory() >> PAGE_SHIFT > marks.high + hugetlb_frames(size);
}

static phys_t alloc_small(u32 node, bool compact)
{
	const struct frame_placement here = {.nodes = BIT(node), .first = (u8)node, .strict = true};
	const struct frame_placement *placement = frame_has_nodes ? &here : NULL;
	phys_t block = frames_try_placed(HUGE_ORDER, FRAME_KERNEL, placement);

	if (block == 0 && compact && compact_for(HUGE_ORDER))
		block = frames_try_placed(HUGE_ORDER, FRAME_KERNEL, placement);
	return block;
}

phys_t hugetlb_block_alloc(enum hugetlb_size size, u32 node, bool compact)
{
	phys_t block = 0;

	if (has_room(size))
		block = size == HUGETLB_1G ? frames_alloc_gigantic(node)
					   : alloc_small(node, compact);
	if (block == 0)
		return 0;
	struct frame *frame = frame_of(block);
	for (u32 i = 0; i < hugetlb_frames(size); i++, frame++) {
		frame->refs = 0;
		frame->kind = FRAME_KERNEL;
		frame->order = FRAME_POOLED;
	}
	return block;
}

void hugetlb_block_release(enum hugetlb_size size, phys_t block)
{
	u32 order = size == HUGETLB_1G ? FRAME_MAX_ORDER : HUGE_ORDER;
	u32 count = hugetlb_frames(size);
	struct frame *frame = frame_of(block);
	pfn_t first = block >> PAGE_SHIFT;

	for (u32 i = 0; i < count; i++, frame++) {
		frame->order = 0;
		frame->kind = FRAME_RESERVED;
		frame->owner = 0;
	}
	account(FRAME_KERNEL, -(s64)count);
	unsigned long flags = irq_save();
	for (u32 i = 0; i < count; i += 1u << order)
		block_release(first + i, order);
	irq_restore(flags);
}

void hugetlb_block_begin(enum hugetlb_size size, phys_t block, enum frame_kind kind)
{
	u32 count = hugetlb_frames(size);
	struct frame *frame = frame_of(block);

	for (u32 i = 0; i < count; i++, frame++) {
		frame->kind = kind;
		frame->traits = 0;
		frame->owner = 0;
		__atomic_store_n(&frame->refs, 1, __ATOMIC_RELEASE);
	}
	if (kind == FRAME_USER) {
		account(FRAME_KERNEL, -(s64)count);
		account(FRAME_USER, count);
	}
}

void hugetlb_block_frame_end(struct frame *frame)
{
	if (frame->kind == FRAME_USER) {
		frame_account(FRAME_USER, -1);
		frame_account(FRAME_KERNEL, 1);
	}
	frame->kind = FRAME_KERNEL;
}

void hugetlb_block_write(enum hugetlb_size size, phys_t block, const phys_t *content)
{
	for (u32 i = 0; content != NULL && i < hugetlb_frames(size); i++)
		page_copy(phys_to_virt(block + i * PAGE_SIZE), phys_to_virt(content[i]));
	for (u64 at = 0; at < hugetlb_bytes(size) && content == NULL; at += HUGE_SIZE)
		huge_block_clear(block + at);
}

void hugetlb_block_put(enum hugetlb_size size, phys_t block)
{
	for (u32 i = 0; i < hugetlb_frames(size); i++)
		frame_free(block + i * PAGE_SIZE);
}
