/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where compressed pages lie: objects of all sizes packed into frames.
 *
 * Sizes are rounded up to 64 bytes, which gives 51 classes.  A block of a class is one to four
 * frames, as many as waste least, seen as one stretch in which objects lie side by side, so that
 * one may straddle two frames.  The frames need not be neighbours.
 *
 *	block   | frame 0           | frame 1           | frame 2           |
 *	objects |   0   |   1   |   2   |   3   |   4   |   5   |   6   |unused
 *
 * A block's descriptor says which places are in use.  A class keeps blocks with a free place in
 * four lists, by how full they are, and fills the fullest first; so blocks that are nearly empty
 * become empty, and go.  A place is named by the address of the descriptor, which is aligned to 64,
 * plus the object's number.
 *
 * Locks: each class has one, for its lists and its descriptors' `used`.  What lies in a place is
 * its holder's, who does not read and remove it at the same time; so objects are copied without.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/lz4.h"
#include "lib/panic.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/compress_internal.h"
#include "mm/frame.h"
#include "mm/slab.h"

enum { BLOCK_FRAMES = 4, BLOCK_OBJECTS = 64, GROUPS = 4, BLOCK_ALIGN = 64 };

struct block {
	struct list_head link; /* in its group; empty when full */
	u32 pfns[BLOCK_FRAMES];
	u64 used;   /* a bit for each object */
	u32 in_use; /* … how many */
	u32 number; /* const: of its class */
} __attribute__((aligned(BLOCK_ALIGN)));

struct class
{
	spinlock_t lock;
	u32 frames, objects; /* const: of each block */
	struct list_head groups[GROUPS];
};

static struct class classes[OBJECT_CLASSES];
static slab_cache_t *block_slab;                     /* set once */
static size_t pool_frames, pool_objects, pool_bytes; /* atomic */

static size_t size_of_class(u32 number)
{
	return (number + 1) * (size_t)OBJECT_UNIT;
}

/* How many frames a block of this size has: those of which least is unused, in proportion. */
static u32 best_frames(size_t size)
{
	u32 best = 1;
	size_t least = PAGE_SIZE;

	for (u32 frames = 1; frames <= BLOCK_FRAMES; frames++) {
		if (frames * PAGE_SIZE / size > BLOCK_OBJECTS)
			break;
		size_t unused = frames * PAGE_SIZE % size / frames;
		if (unused < least) {
			least = unused;
			best = frames;
		}
	}
	return best;
}

void compress_pool_init(void)
{
	for (u32 i = 0; i < OBJECT_CLASSES; i++) {
		struct class *class = &classes[i];
		class->frames = best_frames(size_of_class(i));
		class->objects = (u32)(class->frames * PAGE_SIZE / size_of_class(i));
		for (u32 group = 0; group < GROUPS; group++)
			list_init(&class->groups[group]);
	}
	block_slab = slab_cache_create("compressed", sizeof(struct block), BLOCK_ALIGN, NULL, NULL);
	if (block_slab == NULL)
		panic("no memory for the pool of compressed pages");
}

/* --- Blocks --- */

static void free_block(struct block *block, u32 frames)
{
	for (u32 i = 0; i < frames; i++)
		frame_free((phys_t)block->pfns[i] << PAGE_SHIFT);
	__atomic_fetch_sub(&pool_frames, frames, __ATOMIC_RELAXED);
	slab_free(block_slab, block);
}

/* The pool takes of the kernel's reserve, but leaves the last eighth. */
static bool is_last_reserve(void)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	return frame_get_free_memory() / PAGE_SIZE < marks.min / 8;
}

static struct block *make_block(u32 number, size_t limit)
{
	u32 frames = classes[number].frames;

	/* Taken first and given back: two CPUs do not pass the limit together. */
	if (__atomic_add_fetch(&pool_frames, frames, __ATOMIC_RELAXED) > limit || is_last_reserve())
		goto no_frames;
	struct block *block = slab_alloc_zeroed(block_slab);
	if (block == NULL)
		goto no_frames;
	list_init(&block->link);
	block->number = number;
	for (u32 i = 0; i < frames; i++) {
		phys_t frame = frame_alloc();
		if (frame == 0) {
			while (i-- > 0)
				frame_free((phys_t)block->pfns[i] << PAGE_SHIFT);
			goto no_block;
		}
		block->pfns[i] = (u32)(frame >> PAGE_SHIFT);
	}
	return block;

no_block:
	slab_free(block_slab, block);
no_frames:
	__atomic_fetch_sub(&pool_frames, frames, __ATOMIC_RELAXED);
	return NULL;
}

/* Puts a block where its fullness belongs.  Class lock held. */
static void sort_block(struct class *class, struct block *block)
{
	list_remove(&block->link);
	if (block->in_use < class->objects)
		list_add(&block->link, &class->groups[block->in_use * GROUPS / class->objects]);
}

/* The fullest block with a free place, roughly, or NULL.  Class lock held. */
static struct block *fullest_block(struct class *class)
{
	for (int group = GROUPS - 1; group >= 0; group--)
		if (!list_empty(&class->groups[group]))
			return list_first_entry(&class->groups[group], struct block, link);
	return NULL;
}

/* A place of the class, marked as used, or 0. */
static u64 take_place(u32 number, size_t limit)
{
	struct class *class = &classes[number];
	struct block *fresh = NULL;

	spin_lock(&class->lock);
	struct block *block = fullest_block(class);
	if (block == NULL) {
		spin_unlock(&class->lock);
		fresh = make_block(number, limit);
		if (fresh == NULL)
			return 0;
		spin_lock(&class->lock);
		block = fresh;
	}
	u32 object = (u32)__builtin_ctzll(~block->used);
	ASSERT(object < class->objects);
	block->used |= BIT(object);
	block->in_use++;
	sort_block(class, block);
	spin_unlock(&class->lock);
	return (uintptr_t)block + object;
}

/* --- Objects --- */

static struct block *block_at(u64 place)
{
	return (struct block *)(uintptr_t)ALIGN_DOWN(place, (u64)BLOCK_ALIGN);
}

static size_t offset_at(u64 place)
{
	return (place % BLOCK_ALIGN) * size_of_class(block_at(place)->number);
}

/* The memory at an offset of a block, and how many bytes of it lie in one piece. */
static u8 *piece_at(const struct block *block, size_t offset, size_t *length)
{
	phys_t frame = (phys_t)block->pfns[offset / PAGE_SIZE] << PAGE_SHIFT;

	*length = MIN(*length, PAGE_SIZE - offset % PAGE_SIZE);
	return (u8 *)phys_to_virt(frame) + offset % PAGE_SIZE;
}

static void write_bytes(const struct block *block, size_t offset, const u8 *bytes, size_t size)
{
	while (size > 0) {
		size_t length = size;
		u8 *to = piece_at(block, offset, &length);
		memcpy(to, bytes, length);
		bytes += length;
		offset += length;
		size -= length;
	}
}

static void read_bytes(const struct block *block, size_t offset, u8 *bytes, size_t size)
{
	while (size > 0) {
		size_t length = size;
		const u8 *from = piece_at(block, offset, &length);
		memcpy(bytes, from, length);
		bytes += length;
		offset += length;
		size -= length;
	}
}

static size_t length_at(u64 place)
{
	u16 length;

	/* Places are aligned to 64 bytes: their header never straddles two frames. */
	read_bytes(block_at(place), offset_at(place), (u8 *)&length, sizeof(length));
	return length;
}

u64 compress_pool_put(const void *bytes, size_t size, size_t limit)
{
	u16 length = (u16)size;

	ASSERT(size > 0 && size <= OBJECT_MOST);
	u64 place = take_place((u32)((size + OBJECT_HEADER - 1) / OBJECT_UNIT), limit);
	if (place == 0)
		return 0;
	write_bytes(block_at(place), offset_at(place), (const u8 *)&length, sizeof(length));
	write_bytes(block_at(place), offset_at(place) + OBJECT_HEADER, bytes, size);
	__atomic_fetch_add(&pool_objects, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&pool_bytes, size, __ATOMIC_RELAXED);
	return place;
}

int compress_pool_unpack(u64 place, void *page, u8 *whole)
{
	const struct block *block = block_at(place);
	size_t size = length_at(place), offset = offset_at(place) + OBJECT_HEADER, piece = size;

	if (size == 0 || size > size_of_class(block->number) - OBJECT_HEADER)
		return -EIO;
	const u8 *bytes = piece_at(block, offset, &piece);
	if (piece < size) {
		read_bytes(block, offset, whole, size);
		bytes = whole;
	}
	return lz4_decompress(bytes, size, page, PAGE_SIZE) == (ssize_t)PAGE_SIZE ? 0 : -EIO;
}

void compress_pool_remove(u64 place)
{
	struct block *block = block_at(place);
	struct class *class = &classes[block->number];
	u64 bit = BIT(place % BLOCK_ALIGN);

	__atomic_fetch_sub(&pool_bytes, length_at(place), __ATOMIC_RELAXED);
	__atomic_fetch_sub(&pool_objects, 1, __ATOMIC_RELAXED);
	spin_lock(&class->lock);
	ASSERT(block->used & bit);
	block->used &= ~bit;
	block->in_use--;
	bool empty = block->used == 0;
	if (empty)
		list_remove(&block->link);
	else
		sort_block(class, block);
	spin_unlock(&class->lock);
	if (empty)
		free_block(block, class->frames);
}

/* --- Figures --- */

size_t compress_pool_frames(void)
{
	return __atomic_load_n(&pool_frames, __ATOMIC_RELAXED);
}

void compress_pool_count(size_t *objects, size_t *bytes)
{
	*objects = __atomic_load_n(&pool_objects, __ATOMIC_RELAXED);
	*bytes = __atomic_load_n(&pool_bytes, __ATOMIC_RELAXED);
}
