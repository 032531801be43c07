/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of slots; see swap_internal.h.
 *
 * Slots live in chunks of one frame, which come and go with their slots, in a directory of two
 * levels: a fixed one, and frames of pointers, which stay once they are there (one for some 500 MiB
 * of swapped pages).  Whoever has a count of a slot finds it without a lock, since its chunk cannot
 * go; everybody else looks through the directory with the table's lock.
 *
 * Locks: the table's, then a chunk's, then by_frame_lock.  A slot becomes free under its chunk's
 * lock, is then nobody's for a moment, and gets onto the free list under both.
 */
#include "lib/assert.h"
#include "lib/radix.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/swap_internal.h"

enum { PAGE_POINTERS = PAGE_SIZE / sizeof(void *), DIRECTORY_PAGES = 512, NO_SLOT = 0xffff };

/* All directory indices and slots fit a table entry. */
_Static_assert((u64)DIRECTORY_PAGES *PAGE_POINTERS *CHUNK_SLOTS < BIT(SWAP_ENTRY_BITS),
	       "entries are wide enough");

static struct {
	spinlock_t lock;
	struct chunk **pages[DIRECTORY_PAGES]; /* lock to change; atomic */
	struct list_head partial;              /* lock: chunks with a free slot */
	u32 lowest;                            /* lock: no index below it is unused */
	u32 limit;                             /* lock: no index from it on was ever used */
} table = {.partial = LIST_INIT(table.partial)};

static size_t in_use, cached; /* atomic */

static void *alloc_node(size_t size)
{
	return kmalloc(size);
}

static void free_node(void *node, size_t size __unused)
{
	kfree(node);
}

static const struct radix_ops node_ops = {.alloc_node = alloc_node, .free_node = free_node};

/* From the number of a frame that several have brought in to the entry of its slot, so that the
 * page need not be stored again when they let go of it. */
static spinlock_t by_frame_lock;                        /* inside of a chunk's */
static struct radix_tree by_frame = {.ops = &node_ops}; /* by_frame_lock */

static struct chunk **pointer_at(u32 index)
{
	struct chunk **page =
		__atomic_load_n(&table.pages[index / PAGE_POINTERS], __ATOMIC_ACQUIRE);

	return page != NULL ? &page[index % PAGE_POINTERS] : NULL;
}

static struct chunk *chunk_at(u32 index)
{
	struct chunk **pointer = pointer_at(index);

	return pointer != NULL ? __atomic_load_n(pointer, __ATOMIC_ACQUIRE) : NULL;
}

/* --- Chunks --- */

/* The lowest unused index, with its place in the directory; false: no memory, or no index left.
 * Table lock held. */
static bool find_index_locked(u32 *index)
{
	for (u32 i = table.lowest; i < DIRECTORY_PAGES * PAGE_POINTERS; i++) {
		struct chunk ***page = &table.pages[i / PAGE_POINTERS];
		if (*page == NULL) {
			phys_t frame = frame_alloc_zeroed();
			if (frame == 0)
				return false;
			__atomic_store_n(page, phys_to_virt(frame), __ATOMIC_RELEASE);
		}
		if ((*page)[i % PAGE_POINTERS] == NULL) {
			*index = table.lowest = i;
			return true;
		}
	}
	return false;
}

static struct chunk *make_chunk_locked(void)
{
	u32 index;

	if (!find_index_locked(&index))
		return NULL;
	phys_t frame = frame_alloc();
	if (frame == 0)
		return NULL;
	struct chunk *chunk = phys_to_virt(frame);
	spin_lock_init(&chunk->lock);
	chunk->index = index;
	chunk->free = CHUNK_SLOTS;
	chunk->first = 0;
	for (u32 i = 0; i < CHUNK_SLOTS; i++)
		chunk->slots[i] = (struct slot){.kind = SLOT_FREE, .frame = i + 1};
	chunk->slots[CHUNK_SLOTS - 1].frame = NO_SLOT;
	list_init(&chunk->link);
	list_add(&chunk->link, &table.partial);
	__atomic_store_n(pointer_at(index), chunk, __ATOMIC_RELEASE);
	table.limit = MAX(table.limit, index + 1);
	return chunk;
}

/* Table lock held; nobody has a slot of it. */
static void free_chunk_locked(struct chunk *chunk)
{
	list_remove(&chunk->link);
	__atomic_store_n(pointer_at(chunk->index), NULL, __ATOMIC_RELEASE);
	table.lowest = MIN(table.lowest, chunk->index);
	frame_free(virt_to_phys(chunk));
}

struct chunk *chunk_next(u32 *index)
{
	struct chunk *chunk = NULL;

	spin_lock(&table.lock);
	while (*index < table.limit && (chunk = chunk_at(*index)) == NULL)
		++*index;
	if (chunk != NULL)
		spin_lock(&chunk->lock);
	spin_unlock(&table.lock);
	return chunk;
}

u32 chunk_limit(void)
{
	return READ_ONCE(table.limit);
}

/* --- Slots --- */

swap_entry_t slot_make(phys_t frame)
{
	swap_entry_t entry = 0;

	spin_lock(&table.lock);
	struct chunk *chunk = list_first_entry_or_null(&table.partial, struct chunk, link);
	if (chunk == NULL)
		chunk = make_chunk_locked();
	if (chunk != NULL) {
		u32 number = chunk->first;
		spin_lock(&chunk->lock);
		struct slot *slot = &chunk->slots[number];
		ASSERT(slot->kind == SLOT_FREE && slot->count == 0);
		chunk->first = (u16)slot->frame;
		*slot = (struct slot){.count = 1, .kind = SLOT_FRAME};
		slot_cache_locked(slot, frame);
		spin_unlock(&chunk->lock);
		if (--chunk->free == 0)
			list_remove(&chunk->link);
		entry = chunk_entry(chunk, number);
		__atomic_fetch_add(&in_use, 1, __ATOMIC_RELAXED);
	}
	spin_unlock(&table.lock);
	return entry;
}

/* The slot, which is nobody's any more, is free. */
static void put_back(struct slot *slot, struct chunk *chunk)
{
	spin_lock(&table.lock);
	spin_lock(&chunk->lock);
	slot->frame = chunk->first;
	spin_unlock(&chunk->lock);
	chunk->first = (u16)(slot - chunk->slots);
	if (chunk->free++ == 0)
		list_add(&chunk->link, &table.partial);
	if (chunk->free == CHUNK_SLOTS)
		free_chunk_locked(chunk);
	spin_unlock(&table.lock);
	__atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED);
}

struct slot *slot_lock(swap_entry_t entry, struct chunk **chunk)
{
	ASSERT(entry != 0);
	*chunk = chunk_at((u32)((entry - 1) / CHUNK_SLOTS));
	ASSERT(*chunk != NULL);
	struct slot *slot = &(*chunk)->slots[(entry - 1) % CHUNK_SLOTS];
	spin_lock(&(*chunk)->lock);
	ASSERT(slot->count != 0);
	return slot;
}

struct slot *slot_try_lock(swap_entry_t entry, struct chunk **chunk)
{
	struct slot *slot = NULL;

	spin_lock(&table.lock);
	*chunk = chunk_at((u32)((entry - 1) / CHUNK_SLOTS));
	if (*chunk != NULL) {
		spin_lock(&(*chunk)->lock);
		slot = &(*chunk)->slots[(entry - 1) % CHUNK_SLOTS];
		if (slot->count == 0) {
			spin_unlock(&(*chunk)->lock);
			slot = NULL;
		}
	}
	spin_unlock(&table.lock);
	return slot;
}

void slot_hold_locked(struct slot *slot)
{
	if (likely(slot->count < SLOT_COUNT_MOST))
		slot->count++;
}

void slot_drop_unlock(struct slot *slot, struct chunk *chunk)
{
	if (unlikely(slot->count == SLOT_COUNT_MOST) || --slot->count != 0) {
		spin_unlock(&chunk->lock);
		return;
	}
	ASSERT(!slot->reading && !slot->writing);
	phys_t frame = slot->frame != 0 ? slot_uncache_locked(slot) : 0;
	slot_forget_locked(slot);
	slot->kind = SLOT_FREE;
	spin_unlock(&chunk->lock);
	if (frame != 0)
		frame_free(frame);
	put_back(slot, chunk);
}

void slot_cache_locked(struct slot *slot, phys_t frame)
{
	ASSERT(slot->frame == 0);
	slot->frame = (u32)(frame >> PAGE_SHIFT);
	__atomic_fetch_add(&cached, 1, __ATOMIC_RELAXED);
}

phys_t slot_uncache_locked(struct slot *slot)
{
	phys_t frame = (phys_t)slot->frame << PAGE_SHIFT;

	if (slot->known) {
		spin_lock(&by_frame_lock);
		radix_erase(&by_frame, slot->frame);
		spin_unlock(&by_frame_lock);
		slot->known = 0;
	}
	slot->frame = 0;
	__atomic_fetch_sub(&cached, 1, __ATOMIC_RELAXED);
	return frame;
}

void slot_make_known_locked(struct slot *slot, swap_entry_t entry)
{
	ASSERT(slot->frame != 0);
	if (slot->known)
		return;
	spin_lock(&by_frame_lock);
	slot->known = radix_insert(&by_frame, slot->frame, (void *)(uintptr_t)entry) == 0;
	spin_unlock(&by_frame_lock);
}

swap_entry_t slot_of_frame(phys_t frame)
{
	spin_lock(&by_frame_lock);
	swap_entry_t entry = (swap_entry_t)(uintptr_t)radix_lookup(&by_frame, frame >> PAGE_SHIFT);
	spin_unlock(&by_frame_lock);
	return entry;
}

void slot_forget_locked(struct slot *slot)
{
	switch (slot->kind) {
	case SLOT_WORD:
		compress_free(&(struct compressed){slot->value, COMPRESSED_WORD});
		break;
	case SLOT_PACKED:
		compress_free(&(struct compressed){slot->value, COMPRESSED_PACKED});
		break;
	case SLOT_AREA:
		area_free(slot->value);
		break;
	default:
		break;
	}
	slot->kind = SLOT_FRAME;
	slot->value = 0;
}

size_t slots_in_use(void)
{
	return READ_ONCE(in_use);
}

size_t slots_cached(void)
{
	return READ_ONCE(cached);
}
