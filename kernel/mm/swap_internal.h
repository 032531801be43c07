/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of swap: slots (swap_slots.c), moving pages out and in (swap.c), areas
 * (swap_area.c), and the work in the background (swap_background.c).
 *
 * A slot is SLOT_FREE, or says where the bytes are.  `frame` is independent of that but for
 * SLOT_FRAME, which means that they are only there.  Whoever stores or reads a slot without its
 * chunk's lock sets `writing` or `reading`, and has a count meanwhile, so the slot stays; while
 * `reading` is set the frame's content is not valid yet.
 */
#ifndef MM_SWAP_INTERNAL_H
#define MM_SWAP_INTERNAL_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/sync.h"
#include "mm/swap.h"

enum slot_kind {
	SLOT_FREE,
	SLOT_FRAME,  /* in the frame alone */
	SLOT_WORD,   /* a COMPRESSED_WORD */
	SLOT_PACKED, /* a COMPRESSED_PACKED */
	SLOT_AREA,   /* on an area: area_place */
};

enum { SLOT_COUNT_MOST = (1 << 24) - 1 };

struct slot {
	u32 count : 24; /* table entries, and who needs the slot just now */
	u32 kind : 4;   /* enum slot_kind */
	u32 known : 1;  /* slot_of_frame finds it by its frame */
	u32 reading : 1;
	u32 writing : 1;
	u32 refused : 1; /* SLOT_FRAME: it does not compress, and there was no other place */
	u32 frame;       /* its number; 0: none.  SLOT_FREE: the next free slot of the chunk */
	u64 value;       /* by kind */
};
_Static_assert(sizeof(struct slot) == 16, "a slot is 16 bytes");

#define CHUNK_SLOTS ((PAGE_SIZE - 48) / sizeof(struct slot))

/* A frame full of slots. */
struct chunk {
	spinlock_t lock;       /* guards the slots that are not free */
	struct list_head link; /* the table's lock: in its list when a slot is free */
	u32 index;             /* const */
	u16 free, first;       /* the table's lock: free slots, and the first of them */
	struct slot slots[CHUNK_SLOTS];
};
_Static_assert(sizeof(struct chunk) <= PAGE_SIZE, "a chunk fits a frame");

static inline swap_entry_t chunk_entry(const struct chunk *chunk, u32 slot)
{
	return (swap_entry_t)chunk->index * CHUNK_SLOTS + slot + 1;
}

/* Where a page lies on areas: a slot's value. */
static inline u64 area_place(u32 area, u32 page)
{
	return (u64)area << 32 | page;
}

/* --- swap_slots.c --- */

/* A slot with count 1 in state SLOT_FRAME, of that frame; its reference moves in.  0: no memory. */
swap_entry_t __must_check slot_make(phys_t frame);
/* The slot of an entry of which somebody has a count; its chunk is locked. */
struct slot *slot_lock(swap_entry_t entry, struct chunk **chunk);
/* The same of an entry that may be nobody's by now: NULL then. */
struct slot *slot_try_lock(swap_entry_t entry, struct chunk **chunk);
static inline void slot_unlock(struct chunk *chunk)
{
	spin_unlock(&chunk->lock);
}
/* One user more; the chunk is locked. */
void slot_hold_locked(struct slot *slot);
/* One less; unlocks the chunk.  What a slot that nobody names had is freed. */
void slot_drop_unlock(struct slot *slot, struct chunk *chunk);

/* Puts a frame into the slot's cache, with a reference that the caller gives; or takes it out, with
 * the reference, which the caller gets.  The chunk is locked. */
void slot_cache_locked(struct slot *slot, phys_t frame);
phys_t __must_check slot_uncache_locked(struct slot *slot);

/* Lets slot_of_frame find the slot by its frame, as long as it has that; not for want of memory.
 * The chunk is locked. */
void slot_make_known_locked(struct slot *slot, swap_entry_t entry);
/* The entry of a slot that had the frame in its cache just now, or 0. */
swap_entry_t slot_of_frame(phys_t frame);

/* Frees what the slot's value names, and makes it SLOT_FRAME.  The chunk is locked. */
void slot_forget_locked(struct slot *slot);

/* The first chunk at or after *index, locked, and *index its own; NULL past the last. */
struct chunk *__must_check chunk_next(u32 *index);
/* As many indices as there may be chunks now. */
u32 chunk_limit(void);

size_t slots_in_use(void);
size_t slots_cached(void);

/* --- swap.c --- */

/* Notes that pages were read or written. */
enum swap_event { SWAP_READ, SWAP_WRITTEN, SWAP_UNPACKED, SWAP_PACKED, SWAP_AHEAD, SWAP_EVENTS };
void swap_note(enum swap_event event, u64 pages);

/* Waits until nobody reads or writes the slot, of which the caller has a count. */
void slot_wait(swap_entry_t entry);
/* Reading or writing of the entry has ended. */
void slot_wake(swap_entry_t entry);

/* Ends a writing that slot_begin_write began: the page is (`kind`, `value`) now; drops the frame if
 * only the slot has it, and the writer's count and reference.  SLOT_FRAME: it could not be stored;
 * `value` is not 0 if that is because it does not compress. */
void slot_end_write(swap_entry_t entry, enum slot_kind kind, u64 value);

/* --- swap_area.c --- */

/* A page of some area, the best that has one, for the entry; false: none is left. */
bool __must_check area_alloc(swap_entry_t entry, u64 *place);
void area_free(u64 place);
/* Is there a page left on any? */
bool area_has_room(void);
/* 0 or -EIO. */
int __must_check area_transfer(u64 place, const phys_t *frames, size_t count, bool write);
/* Pages of all areas, and those that are free. */
void area_count(size_t *total, size_t *free);

/* Pages on their way to areas: so many at once at most. */
enum { AREA_BATCH = 16 };
struct area_write {
	swap_entry_t entry;
	phys_t frame;
	u64 place; /* the result; 0: it was not written */
};
/* Finds places for pages, at most AREA_BATCH, and writes them, in one go where they lie side by
 * side.  0, or why some were not written: -ENOMEM, -EIO.  May sleep. */
int __must_check area_write(struct area_write *writes, size_t count);

/* The entry that a place is taken by, or 0. */
swap_entry_t area_entry(u64 place);

#endif
