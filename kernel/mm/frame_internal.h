/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the frame allocator: frame.c (stocks, references), frame_block.c (blocks,
 * and the CPUs' blocks of 2 MiB), frame_group.c (groups of 2 MiB), frame_run.c (more than the
 * largest block), frame_node.c (which zone serves whom), frame_buddy.c (a zone's blocks),
 * frame_init.c (what memory there is) and frame_stats.c.
 *
 * A zone is a node's memory below or above 4 GiB, with lists of free blocks (block_lists.h); zone
 * number n is node n / ZONES's.  Frames in a CPU's stock look like the inside of a block:
 * FRAME_RESERVED, without references.
 */
#ifndef MM_FRAME_INTERNAL_H
#define MM_FRAME_INTERNAL_H

#include "lib/spinlock.h"
#include "lib/types.h"
#include "mm/block_lists.h"
#include "mm/frame.h"
#include "mm/wipe.h"

enum zone_id { ZONE_DMA32, ZONE_NORMAL, ZONES };
enum { ALL_ZONES = MAX_NODES * ZONES, STOCK_LIMIT = 64, CLEAN_LIMIT = 16 };

struct zone {
	spinlock_t lock; /* interrupts off; guards `lists`, `stats` and the descriptors of free
			    blocks */
	struct block_lists lists;
	struct frame_numa_stats stats; /* `foreign` atomic: others count there */
	size_t present, managed;       /* frames: in the map; handed to the lists.  Atomic */
	pfn_t start, end;              /* what is present lies between; set at start-up */
} __cacheline;

/*
 * What a request is for: pages that can be moved, what cannot, or the new place of a page that
 * moves, which must not be in a group that shall become free.
 */
enum frame_use { USE_MOVABLE, USE_UNMOVABLE, STOCKS, USE_MOVING = STOCKS };

static inline enum frame_use use_of_kind(enum frame_kind kind)
{
	return (BIT(FRAME_USER) | BIT(FRAME_CACHE)) >> kind & 1 ? USE_MOVABLE : USE_UNMOVABLE;
}

struct stock {
	u32 count;
	u32 pfns[STOCK_LIMIT];
};

/* What a CPU keeps for itself; interrupts off, by that CPU alone. */
struct frame_cpu {
	struct stock stocks[STOCKS]; /* by use */
	struct stock clean;          /* full of zeroes, for page tables; CLEAN_LIMIT at most */
	u32 node;                    /* the CPU's; set at start-up */
	s64 kinds[FRAME_KINDS]; /* frames taken less frames freed by this CPU; only the sum over all
				   CPUs means something */
} __cacheline;

extern struct zone zones[ALL_ZONES];
extern u32 zone_count; /* set at start-up */
extern struct frame_cpu frame_cpus[MAX_CPUS];
extern u8 *frame_groups; /* each group's enum block_set; its zone's lock */
extern pfn_t frame_array_length;
extern size_t frame_usable, frame_managed; /* frames: in the map; handed to the lists so far */
extern size_t frame_reserve;               /* frames that only the kernel may take */

static inline struct zone *zone_of(pfn_t pfn)
{
	return &zones[frame_array[pfn].zone];
}

/* --- frame_buddy.c: one zone --- */

/* Takes small blocks before large ones until there are `wanted` frames or none left, and writes
 * their numbers so that from the last one to the first they are in the order in which they were
 * taken: blocks that were split from a larger one are then contiguous.  Returns how many.  Lock
 * held. */
size_t buddy_take_singles_locked(struct zone *zone, u32 *pfns, size_t wanted, enum frame_use use);
/* A block of exactly this order, or 0.  Lock held. */
pfn_t __must_check buddy_take_locked(struct zone *zone, u32 order, enum frame_use use);
/* Takes `blocks` largest blocks that lie one behind the other, the first at a multiple of `align`
 * times their size; the first frame, or 0.  Lock held. */
pfn_t __must_check buddy_take_run_locked(struct zone *zone, size_t blocks, size_t align);
/* Frees a range of frames, which lies in the zone, as the largest blocks possible.  Lock held. */
void buddy_give_range_locked(struct zone *zone, pfn_t start, pfn_t end);
/* Takes these frames, a group of 2 MiB, off the lists; false, and nothing has changed, unless all
 * of them are there.  Lock held. */
bool __must_check buddy_take_group_locked(struct zone *zone, pfn_t start);
/* The free block that covers a group and is at least as large: its order, or 0.  Lock held. */
u32 buddy_covering_order_locked(const struct zone *zone, pfn_t start);
/* buddy_give_range_locked for a range whose frames all belong to one zone, whichever it is. */
void buddy_give_range(pfn_t start, pfn_t end);

/* --- frame_node.c --- */

/* Tells the zones where the frame array is; before anything is given. */
void zones_init(void);
/* The zone at a frame's place, and where its piece there ends. */
u32 zone_at(pfn_t pfn, pfn_t *end);
/* The watermarks of the nodes, after the reserve or the memory has changed. */
void nodes_set_watermarks(void);
/* Which nodes have memory, after that has changed. */
void nodes_note_memory(void);
/*
 * Up to `wanted` single frames from the first zone that has any, in the order that a CPU's node or
 * a placement (which may be NULL) asks for.  Interrupts off.
 */
size_t nodes_take_singles(const struct frame_placement *placement, u32 *pfns, size_t wanted,
			  enum frame_use use);
/* A block, likewise, from zones of this kind and those below; 0 when there is none. */
pfn_t __must_check nodes_take_block(const struct frame_placement *placement, u32 order,
				    enum zone_id highest, enum frame_use use);

/* --- frame_init.c --- */

/* Counts for each zone the memory that the map has and that is managed. */
void frame_init_count_zones(void);
/* Applies a function to the parts of [start, end) that lie in one zone each. */
void frame_split(phys_t start, phys_t end, void (*function)(u32 zone, pfn_t start, pfn_t end));
/* Gives memory of one zone to the lists, for the first time, and counts it. */
void frame_give(u32 zone, pfn_t start, pfn_t end);
/* Moves the descriptors to a larger array, for frames up to `length`, if there is room.  Boot CPU,
 * before zones are described anew. */
void frame_array_grow(pfn_t length);

/* --- frame_block.c --- */

/* 2^order frames of a kind; every frame's kind and order are set when kind is FRAME_SLAB. */
phys_t frames_alloc_kind(u32 order, enum frame_kind kind);
/* Takes back a block of frames that nobody refers to any more.  Interrupts off. */
void block_release(pfn_t pfn, u32 order);
/* Gives the blocks of 2 MiB that CPUs keep to the lists; says whether there was any.  Any context.
 */
bool blocks_drain(void);
/* Frames in such blocks. */
size_t blocks_kept(void);

/* --- frame_pages.c --- */

/* The frame whose descriptor speaks for this one: the head of the block in use that it lies in, or
 * itself. */
pfn_t frame_block_head(pfn_t pfn);

/* --- frame.c --- */

/* Notes on this CPU that so many more frames (fewer, if negative) are of a kind.  Interrupts off.
 */
void frame_account(enum frame_kind kind, s64 frames);

/* May such a request be served, or is what is free reserved for the kernel? */
bool frame_may_take(enum frame_kind kind);

/* Makes memory free that can be had at once: what CPUs keep, and what the reclaimer finds.  False
 * when that is nothing.  Any context. */
bool frame_reclaim(void);

/* A frame that was free is in use now. */
static inline void frame_begin(struct frame *frame, enum frame_kind kind, u32 order)
{
	frame->refs = 1;
	frame->kind = (u8)kind;
	frame->order = (u8)order;
	frame->traits = 0;
	frame->owner = 0;
	if (order <= FRAME_MAX_ORDER)
		wipe_frames_on_alloc((phys_t)(frame - frame_array) << PAGE_SHIFT,
				     (size_t)1 << order);
}

/* Frames on the lists, without the CPUs' stocks. */
static inline size_t zones_free(void)
{
	size_t sum = 0;

	for (u32 i = 0; i < zone_count; i++)
		sum += READ_ONCE(zones[i].lists.free);
	return sum;
}

#endif
