/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The general heap: a row of slab caches for sizes up to LARGEST_CLASS, blocks of frames above.
 *
 * Which of both a pointer is from is told by its frame's kind, so kfree needs no size.  The classes
 * are chosen so that no request wastes more than a third; `class_of` maps a size, in steps of 16,
 * to its class.
 */
#include "mm/kmalloc.h"

#include "lib/assert.h"
#include "lib/panic.h"
#include "lib/string.h"
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
		caches[class] = slab_cache_create(classes[class].name, classes[class].size, STEP,
						  NULL, NULL);
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

static void *alloc_block(size_t size)
{
	if (size > KMALLOC_MAX)
		return NULL;
	phys_t block = frames_alloc(order_for(size));
	return block != 0 ? phys_to_virt(block) : NULL;
}

void *kmalloc(size_t size)
{
	if (unlikely(size > LARGEST_CLASS))
		return alloc_block(size);
	return slab_alloc(caches[class_of[(size + STEP - 1) / STEP]]);
}

void *kzalloc(size_t size)
{
	void *block = kmalloc(size);

	if (block != NULL)
		memset(block, 0, size);
	return block;
}

void *kcalloc(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return kzalloc(total);
}

/* Every class that is a multiple of `align` has aligned objects only if its cache was made so;
 * blocks of frames always are. */
void *kmalloc_aligned(size_t size, size_t align)
{
	if ((align & (align - 1)) != 0)
		return NULL;
	if (align <= STEP)
		return kmalloc(size);
	return alloc_block(MAX(MAX(size, align), PAGE_SIZE));
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

void kfree(const void *block)
{
	if (block == NULL)
		return;
	if (likely(frame_of(virt_to_phys(block))->kind == FRAME_SLAB))
		slab_free(slab_of(block)->cache, (void *)block);
	else
		frames_free(virt_to_phys(block), block_frame(block)->order);
}

size_t kmalloc_size(const void *block)
{
	if (likely(frame_of(virt_to_phys(block))->kind == FRAME_SLAB))
		return slab_usable_size(slab_of(block)->cache);
	return PAGE_SIZE << block_frame(block)->order;
}

void *krealloc(void *block, size_t size)
{
	if (block == NULL)
		return kmalloc(size);
	size_t old = kmalloc_size(block);
	if (size <= old && size > old / 2)
		return block;
	void *moved = kmalloc(size);
	if (moved == NULL)
		return size <= old ? block : NULL;
	memcpy(moved, block, MIN(old, size));
	kfree(block);
	return moved;
}

void *kmemdup(const void *block, size_t size)
{
	void *copy = kmalloc(size);

	if (copy != NULL)
		memcpy(copy, block, size);
	return copy;
}

char *kstrndup(const char *text, size_t limit)
{
	size_t length = strnlen(text, limit);
	char *copy = kmalloc(length + 1);

	if (copy != NULL) {
		memcpy(copy, text, length);
		copy[length] = '\0';
	}
	return copy;
}

char *kstrdup(const char *text)
{
	return kstrndup(text, SIZE_MAX - 1);
}
