/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's mapped memory: see vmalloc.h.
 *
 * Address space is handed out in blocks of 2^order pages, from a pointer that only grows; a block
 * that is freed waits in a list of its order for the next request, so that the area's use is
 * bounded by twice the peak of each order.  The last page of a block is never mapped, nor the one
 * before the area; so every block has a guard page on both sides.
 *
 * A block's descriptor is found through the `owner` word of its first frame.  Leaf tables, once
 * made, stay.
 *
 * `lock` guards the lists and the pointer.  Entries of a block belong to whoever holds the block.
 */
#include "mm/vmalloc.h"

#include "arch/context.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/tree.h"

enum { MAX_BLOCK_ORDER = 27, KEPT_STACKS = 32, TRIM_STACKS = 4 };

struct block {
	struct list_head link; /* in free_blocks, or kept_stacks */
	vaddr_t start;
	u32 order; /* the block spans 2^order pages, the guard page included */
	u32 pages; /* mapped */
};

static spinlock_t lock;
static struct list_head free_blocks[MAX_BLOCK_ORDER + 1]; /* lock */
static vaddr_t next_start;                                /* lock */
static size_t mapped_pages;                               /* atomic */

/* Stacks that were freed and are still mapped: kernel_stacks_trim. */
static spinlock_t stacks_lock; /* interrupts off: the scheduler frees stacks */
static struct list_head kept_stacks = LIST_INIT(kept_stacks); /* stacks_lock */
static size_t kept_count;                                     /* stacks_lock */

void vmalloc_init(void)
{
	for (u32 order = 0; order <= MAX_BLOCK_ORDER; order++)
		list_init(&free_blocks[order]);
	next_start = VMALLOC_START + PAGE_SIZE;
	for (vaddr_t at = VMALLOC_START; at < VMALLOC_END; at += pt_span(PT_LEVELS))
		if (kernel_slot_create(at) == NULL)
			panic("no memory for the tables of vmalloc");
}

bool vmalloc_contains(vaddr_t address)
{
	return address >= VMALLOC_START && address < VMALLOC_END;
}

size_t vmalloc_used(void)
{
	return __atomic_load_n(&mapped_pages, __ATOMIC_RELAXED) * PAGE_SIZE;
}

/* Address space for `pages` pages and a guard page; nothing is mapped. */
static struct block *block_get(size_t pages)
{
	struct block *block = NULL;
	u32 order = 0;

	while ((size_t)1 << order < pages + 1)
		order++;
	if (order > MAX_BLOCK_ORDER)
		return NULL;
	spin_lock(&lock);
	if (!list_empty(&free_blocks[order])) {
		block = list_first_entry(&free_blocks[order], struct block, link);
		list_remove(&block->link);
	}
	spin_unlock(&lock);
	if (block != NULL)
		return block;
	block = kzalloc(sizeof(*block));
	if (block == NULL)
		return NULL;
	spin_lock(&lock);
	size_t size = PAGE_SIZE << order;
	bool fits = size <= VMALLOC_END - next_start;
	if (fits) {
		*block = (struct block){.start = next_start, .order = order};
		next_start += size;
	}
	spin_unlock(&lock);
	if (!fits) {
		kfree(block);
		return NULL;
	}
	list_init(&block->link);
	return block;
}

static void block_put(struct block *block)
{
	spin_lock(&lock);
	list_add(&block->link, &free_blocks[block->order]);
	spin_unlock(&lock);
}

/* Drops the first `pages` pages' entries, flushes, and frees the frames. */
static void unmap(struct block *block, size_t pages)
{
	phys_t frames[32];

	for (size_t done = 0; done < pages;) {
		size_t count = MIN(pages - done, ARRAY_SIZE(frames));
		vaddr_t start = block->start + done * PAGE_SIZE;
		for (size_t i = 0; i < count; i++) {
			pte_t *slot = kernel_slot(start + i * PAGE_SIZE);
			frames[i] = pte_phys(pte_exchange(slot, entry_none()));
		}
		tlb_flush_kernel(start, start + count * PAGE_SIZE);
		frame_free_batch(frames, count);
		done += count;
	}
	__atomic_fetch_sub(&mapped_pages, pages, __ATOMIC_RELAXED);
}

static struct block *map_new(size_t pages)
{
	struct block *block = block_get(pages);
	size_t done = 0;

	if (block == NULL)
		return NULL;
	for (; done < pages; done++) {
		pte_t *slot = kernel_slot_create(block->start + done * PAGE_SIZE);
		phys_t frame = slot != NULL ? frame_alloc() : 0;
		if (frame == 0)
			break;
		pte_write(slot, pte_leaf(frame,
					 PAGE_PRESENT | PAGE_WRITABLE | PAGE_GLOBAL | PAGE_NX |
						 PAGE_ACCESSED | PAGE_DIRTY,
					 1));
		if (done == 0)
			frame_of(frame)->owner = (u64)(uintptr_t)block;
	}
	__atomic_fetch_add(&mapped_pages, done, __ATOMIC_RELAXED);
	block->pages = (u32)done;
	if (done == pages)
		return block;
	unmap(block, done);
	block_put(block);
	return NULL;
}

static struct block *block_of(const void *start)
{
	pte_t *slot = vmalloc_contains((vaddr_t)start) ? kernel_slot((vaddr_t)start) : NULL;

	if (slot != NULL && pte_is_present(pte_read(slot))) {
		struct block *block =
			(struct block *)(uintptr_t)frame_of(pte_phys(pte_read(slot)))->owner;
		if (block != NULL && block->start == (vaddr_t)start)
			return block;
	}
	panic("%p was not allocated by vmalloc", start);
}

static inline void *alloc(size_t size, vaddr_t site)
{
	if (size > (PAGE_SIZE << MAX_BLOCK_ORDER) - PAGE_SIZE)
		return NULL;
	struct block *block = map_new(MAX(DIV_ROUND_UP(size, PAGE_SIZE), (size_t)1));
	if (block == NULL)
		return NULL;
	tracking_note_alloc((void *)block->start, size, site);
	return (void *)block->start;
}

void *vmalloc(size_t size)
{
	return alloc(size, CALL_SITE());
}

void *vzalloc(size_t size)
{
	void *start = alloc(size, CALL_SITE());

	if (start != NULL)
		memset(start, 0, size);
	return start;
}

void vfree(void *start)
{
	if (start == NULL)
		return;
	struct block *block = block_of(start);
	tracking_note_free(start);
	unmap(block, block->pages);
	block_put(block);
}

/* Takes a kept stack, if there are more than `leave`. */
static struct block *kept_stack(size_t leave)
{
	struct block *block = NULL;

	if (READ_ONCE(kept_count) <= leave)
		return NULL;
	unsigned long flags = spin_lock_irqsave(&stacks_lock);

	if (kept_count > leave) {
		block = list_first_entry(&kept_stacks, struct block, link);
		list_remove(&block->link);
		kept_count--;
	}
	spin_unlock_irqrestore(&stacks_lock, flags);
	return block;
}

size_t kernel_stacks_trim(size_t most)
{
	size_t count = 0;
	struct block *block;

	for (; count < most && (block = kept_stack(KEPT_STACKS)) != NULL; count++)
		vfree((void *)block->start);
	return count * (KERNEL_STACK_SIZE / PAGE_SIZE);
}

void *kernel_stack_alloc(void)
{
	kernel_stacks_trim(TRIM_STACKS);
	struct block *block = kept_stack(0);
	if (block == NULL)
		block = map_new(KERNEL_STACK_SIZE / PAGE_SIZE);
	return block != NULL ? (void *)block->start : NULL;
}

void kernel_stack_free(void *stack)
{
	struct block *block = block_of(stack);
	unsigned long flags = spin_lock_irqsave(&stacks_lock);

	list_add(&block->link, &kept_stacks);
	kept_count++;
	spin_unlock_irqrestore(&stacks_lock, flags);
}

void *mmio_map(phys_t start, size_t size)
{
	phys_t first = ALIGN_DOWN(start, PAGE_SIZE);
	size_t pages = (ALIGN_UP(start + size, PAGE_SIZE) - first) / PAGE_SIZE;
	struct block *block = block_get(pages);

	if (block == NULL)
		return NULL;
	/* Tables stay, so all of them are made before the first entry. */
	for (size_t i = 0; i < pages; i++)
		if (kernel_slot_create(block->start + i * PAGE_SIZE) == NULL) {
			block_put(block);
			return NULL;
		}
	for (size_t i = 0; i < pages; i++) {
		pte_t *slot = kernel_slot(block->start + i * PAGE_SIZE);
		pte_write(slot, pte_leaf(first + i * PAGE_SIZE,
					 PAGE_PRESENT | PAGE_WRITABLE | PAGE_CACHE_DISABLE |
						 PAGE_WRITE_THROUGH | PAGE_GLOBAL | PAGE_NX |
						 PAGE_SPECIAL | PAGE_ACCESSED | PAGE_DIRTY,
					 1));
	}
	return (void *)(block->start + (start - first));
}
