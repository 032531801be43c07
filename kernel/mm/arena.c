/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena: see arena.h.
 *
 * The range is covered by blocks without gaps.  Each begins with a header that has its size and
 * that of the block before (boundary tags: Knuth, "The Art of Computer Programming", 2.5), so
 * neighbours are found from both sides; free blocks are linked, by address, through the room behind
 * the header. Two free blocks are never neighbours.
 *
 *	start                                                   end
 *	| header | content … | header | link … | header | content |
 */
#include "mm/arena.h"

#include "lib/errno.h"
#include "lib/panic.h"

enum { UNIT = 16 }; /* all sizes and addresses are multiples of it */

enum block_state { BLOCK_USED = 0x75736564, BLOCK_FREE = 0x66726565 };

struct header {
	size_t size;     /* of the block, this header included */
	size_t previous; /* size of the block before; 0: this is the first */
	u32 state;       /* enum block_state */
	u32 check;       /* of the above: header_check */
	u64 spare;
};
_Static_assert(sizeof(struct header) % UNIT == 0, "contents are aligned to the unit");

enum { SMALLEST = sizeof(struct header) + UNIT };
_Static_assert(sizeof(struct list_head) <= UNIT, "a free block has room for its link");

static u32 header_check(const struct header *header)
{
	u64 sum = (u64)(vaddr_t)header ^ header->size * 3 ^ header->previous * 5 ^ header->state;

	return (u32)(sum ^ sum >> 32);
}

static struct list_head *link_of(struct header *header)
{
	return (struct list_head *)(header + 1);
}

static struct header *block_of(struct list_head *link)
{
	return (struct header *)link - 1;
}

static struct header *next_of(const struct arena *arena, struct header *header)
{
	char *next = (char *)header + header->size;

	return next < arena->end ? (struct header *)next : NULL;
}

static void verify(const struct header *header)
{
	if (header->check != header_check(header))
		panic("arena: the header of %p was overwritten", (const void *)(header + 1));
}

/* Writes a header, and what the block behind knows of this one. */
static void set_block(struct arena *arena, struct header *header, size_t size, size_t previous,
		      enum block_state state)
{
	*header = (struct header){.size = size, .previous = previous, .state = state};
	header->check = header_check(header);
	struct header *next = next_of(arena, header);
	if (next != NULL) {
		next->previous = size;
		next->check = header_check(next);
	}
}

int arena_init(struct arena *arena, void *start, size_t size, enum arena_strategy strategy)
{
	vaddr_t first, last;

	if (__builtin_add_overflow((vaddr_t)start, size, &last) ||
	    __builtin_add_overflow((vaddr_t)start, UNIT - 1, &first))
		return -EINVAL;
	first = ALIGN_DOWN(first, UNIT);
	last = ALIGN_DOWN(last, UNIT);
	if (last < first || last - first < SMALLEST)
		return -EINVAL;
	arena->start = (char *)first;
	arena->end = (char *)last;
	arena->strategy = strategy;
	list_init(&arena->free);
	struct header *block = (struct header *)first;
	set_block(arena, block, last - first, 0, BLOCK_FREE);
	list_add(link_of(block), &arena->free);
	return 0;
}

/*
 * How many bytes of this free block lie before the block that would be cut out of it: 0, or enough
 * for a block of their own.  SIZE_MAX when there is not room for it.
 */
static size_t cut_offset(const struct header *block, size_t size, size_t align)
{
	vaddr_t content = (vaddr_t)(block + 1);
	vaddr_t aligned = ALIGN_UP(content, align);

	while (aligned != content && aligned - content < SMALLEST)
		aligned += align;
	size_t offset = aligned - content;
	return offset <= block->size && block->size - offset >= size ? offset : SIZE_MAX;
}

/* The free block that the strategy chooses, or NULL. */
static struct header *choose(struct arena *arena, size_t size, size_t align)
{
	struct header *best = NULL;
	struct list_head *at;

	list_for_each (at, &arena->free) {
		struct header *block = block_of(at);
		verify(block);
		if (cut_offset(block, size, align) == SIZE_MAX)
			continue;
		if (arena->strategy == ARENA_FIRST_FIT)
			return block;
		if (best == NULL || block->size < best->size)
			best = block;
	}
	return best;
}

void *arena_alloc(struct arena *arena, size_t size, size_t align)
{
	align = MAX(align, (size_t)UNIT);
	if ((align & (align - 1)) != 0 || size > (size_t)(arena->end - arena->start))
		return NULL;
	size = ALIGN_UP(MAX(size, (size_t)1), UNIT) + sizeof(struct header);
	struct header *block = choose(arena, size, align);
	if (block == NULL)
		return NULL;
	size_t offset = cut_offset(block, size, align);
	struct list_head *before = link_of(block)->prev;
	list_remove(link_of(block));
	if (offset != 0) {
		/* The front stays free. */
		struct header *front = block;
		size_t whole = block->size;
		block = (struct header *)((char *)front + offset);
		block->size = whole - offset;
		set_block(arena, front, offset, front->previous, BLOCK_FREE);
		list_add(link_of(front), before);
		before = link_of(front);
		block->previous = offset;
	}
	size_t rest = block->size - size;
	if (rest >= SMALLEST) {
		struct header *back = (struct header *)((char *)block + size);
		set_block(arena, back, rest, size, BLOCK_FREE);
		list_add(link_of(back), before);
	} else {
		size += rest;
	}
	set_block(arena, block, size, block->previous, BLOCK_USED);
	return block + 1;
}

/* The link of the last free block before this one, or the list itself. */
static struct list_head *free_before(struct arena *arena, const struct header *block)
{
	struct list_head *at = arena->free.next;

	while (at != &arena->free && block_of(at) < block)
		at = at->next;
	return at->prev;
}

void arena_free(struct arena *arena, void *content)
{
	if (content == NULL)
		return;
	struct header *block = (struct header *)content - 1;
	if (!IS_ALIGNED((vaddr_t)content, UNIT) || (char *)block < arena->start ||
	    (char *)content >= arena->end)
		panic("arena: %p is not of this arena", content);
	verify(block);
	if (block->state != BLOCK_USED)
		panic("arena: %p freed twice", content);
	struct list_head *before = free_before(arena, block);
	struct header *next = next_of(arena, block);
	size_t size = block->size;
	if (next != NULL) {
		verify(next);
		if (next->state == BLOCK_FREE) {
			list_remove(link_of(next));
			size += next->size;
		}
	}
	if (block->previous != 0) {
		struct header *previous = (struct header *)((char *)block - block->previous);
		verify(previous);
		if (previous->state == BLOCK_FREE) {
			/* It is on the list already; the freed header is inside of it now. */
			block->state = BLOCK_FREE;
			block->check = header_check(block);
			set_block(arena, previous, previous->size + size, previous->previous,
				  BLOCK_FREE);
			return;
		}
	}
	set_block(arena, block, size, block->previous, BLOCK_FREE);
	list_add(link_of(block), before);
}

void arena_get_stats(const struct arena *arena, struct arena_stats *stats)
{
	struct header *block = (struct header *)arena->start;

	*stats = (struct arena_stats){.total = (size_t)(arena->end - arena->start)};
	for (; block != NULL; block = next_of(arena, block)) {
		verify(block);
		if (block->state == BLOCK_USED) {
			stats->used_blocks++;
			continue;
		}
		stats->free_blocks++;
		stats->free += block->size;
		stats->largest = MAX(stats->largest, block->size - sizeof(*block));
	}
}
