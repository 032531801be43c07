/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The general heap: a row of slab caches for sizes up to LARGEST_CLASS, blocks of frames above, and
 * runs of frames above those.
 *
 * Which of both a pointer is from is told by its frame's kind, so kfree needs no size.  The classes
 * are chosen so that no request wastes more than a third; `class_of` maps a size, in steps of 16,
 * to its class.  Classes that are powers of two are aligned to their size: the header of a slab
 * takes the place of one object of theirs anyway.
 *
 * Each function that allocates or frees passes its caller's address on, for the checking build.
 */
#include "mm/kmalloc.h"

#include "lib/assert.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/frame_internal.h"
#include "mm/slab_internal.h"
#include "mm/vmalloc.h"

enum { STEP = 16, LARGEST_CLASS = 2048 };

struct size_class {
	u16 size;
	const char *name;
};

static const struct size_class classes[] = {
	{16, "kmalloc-16"},     {32, "kmalloc-32"},     {48, "kmalloc-48"},
	{64, "kmalloc-64"},     {96, "kmalloc-96"},     {128, "kmalloc-128"},
	{192, "kmalloc-192"},   {256, "kmalloc-256"},   {384, "kmalloc-384"},
	{512, "kmalloc-512"},   {768, "kmalloc-768"},   {1024, "kmalloc-1024"},
	{1360, "kmalloc-1360"}, {2048, "kmalloc-2048"},
};

static slab_cache_t *caches[ARRAY_SIZE(classes)]; /* set once */
static u8 class_of[LARGEST_CLASS / STEP + 1];     /* set once; index: size in steps, rounded up */

void heap_init(void)
{
	size_t class = 0;

	frame_init_rest();
	slab_init();
	for (size_t step = 0; step < ARRAY_SIZE(class_of); step++) {
		if (step * STEP > classes[class].size)
			class ++;
		class_of[step] = (u8) class;
	}
	for (class = 0; class < ARRAY_SIZE(classes); class ++) {
		size_t size = classes[class].size;
		size_t align = (size & (size - 1)) == 0 ? size : STEP;
		caches[class] = slab_cache_create(classes[class].name, size, align, NULL, NULL);
		if (caches[class] == NULL)
			panic("no memory for the heap");
	}
	vmalloc_init();
}

static u32 order_for(size_t size)
{
	u32 order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	return order;
}

static void *alloc_block(size_t size, vaddr_t site)
{
	size_t pages = DIV_ROUND_UP(size, PAGE_SIZE);
	phys_t start = size <= PAGE_SIZE << FRAME_MAX_ORDER ? frames_alloc(order_for(size))
							    : frames_alloc_run(pages);

	if (start == 0)
		return NULL;
	tracking_note_alloc(phys_to_virt(start), size, site);
	return phys_to_virt(start);
}

static inline void *alloc(size_t size, vaddr_t site)
{
	if (unlikely(size > LARGEST_CLASS))
		return size <= SIZE_MAX - PAGE_SIZE ? alloc_block(size, site) : NULL;
	return slab_alloc_for(caches[class_of[(size + STEP - 1) / STEP]], size, site);
}

static inline void *alloc_zeroed(size_t size, vaddr_t site)
{
	void *block = alloc(size, site);

	if (block != NULL)
		memset(block, 0, size);
	return block;
}

void *kmalloc(size_t size)
{
	return alloc(size, CALL_SITE());
}

void *kzalloc(size_t size)
{
	return alloc_zeroed(size, CALL_SITE());
}

void *kcalloc(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return alloc_zeroed(total, CALL_SITE());
}

static size_t power_of_two(size_t size)
{
	size_t power = STEP;

	while (power < size)
		power *= 2;
	return power;
}

/* A block of frames is aligned to the power of two that it is rounded up to, a run to 16 MiB. */
void *kmalloc_aligned(size_t size, size_t align)
{
	if (align == 0 || (align & (align - 1)) != 0 || align > PAGE_SIZE << FRAME_MAX_ORDER)
		return NULL;
	if (align <= STEP || size > PAGE_SIZE << FRAME_MAX_ORDER)
		return alloc(size, CALL_SITE());
	size_t power = power_of_two(MAX(size, align));
	if (power > LARGEST_CLASS)
		return alloc_block(power, CALL_SITE());
	return slab_alloc_for(caches[class_of[power / STEP]], size, CALL_SITE());
}

/* A block of frames that kmalloc gave, or a panic. */
static struct frame *block_frame(const void *block)
{
	struct frame *frame = frame_of(virt_to_phys(block));

	if (unlikely(frame->kind != FRAME_KERNEL || frame->refs == 0 ||
		     !IS_ALIGNED((vaddr_t)block, PAGE_SIZE)))
		panic("%p was not allocated by kmalloc", block);
	return frame;
}

static inline bool is_object(const void *block)
{
	return likely(frame_of(virt_to_phys(block))->kind == FRAME_SLAB);
}

static inline void release(const void *block, vaddr_t site)
{
	if (block == NULL)
		return;
	if (is_object(block)) {
		slab_free_for(slab_cache_of(block), (void *)block, site);
		return;
	}
	struct frame *frame = block_frame(block);
	tracking_note_free(block);
	if (unlikely(frame->order == FRAME_RUN))
		frames_free_run(virt_to_phys(block));
	else
		frames_free(virt_to_phys(block), frame->order);
}

void kfree(const void *block)
{
	release(block, CALL_SITE());
}

static size_t block_size(const void *block)
{
	const struct frame *frame = block_frame(block);

	return frame->order == FRAME_RUN ? frame->owner * PAGE_SIZE : PAGE_SIZE << frame->order;
}

size_t kmalloc_size(const void *block)
{
	return is_object(block) ? slab_check_size(slab_cache_of(block), block) : block_size(block);
}

/* Makes the block `size` bytes long where it is, if that does not waste half of it. */
static bool resize_in_place(void *block, size_t size)
{
	slab_cache_t *cache = is_object(block) ? slab_cache_of(block) : NULL;
	size_t room = cache != NULL ? cache->object_size : block_size(block);

	if (size > room || size <= room / 2)
		return false;
	if (cache != NULL)
		slab_check_resize(cache, block, size);
	return true;
}

void *krealloc(void *block, size_t size)
{
	if (block == NULL)
		return alloc(size, CALL_SITE());
	if (resize_in_place(block, size))
		return block;
	size_t old = kmalloc_size(block);
	void *moved = alloc(size, CALL_SITE());
	if (moved == NULL)
		return size <= old ? block : NULL;
	memcpy(moved, block, MIN(old, size));
	release(block, CALL_SITE());
	return moved;
}

void *kmemdup(const void *block, size_t size)
{
	void *copy = alloc(size, CALL_SITE());

	if (copy != NULL)
		memcpy(copy, block, size);
	return copy;
}

static inline char *duplicate(const char *text, size_t length, vaddr_t site)
{
	char *copy = alloc(length + 1, site);

	if (copy != NULL) {
		memcpy(copy, text, length);
		copy[length] = '\0';
	}
	return copy;
}

char *kstrndup(const char *text, size_t limit)
{
	return duplicate(text, strnlen(text, limit), CALL_SITE());
}

char *kstrdup(const char *text)
{
	return duplicate(text, strlen(text), CALL_SITE());
}
