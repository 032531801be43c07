/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single frames: the CPUs' stocks, references, and counts.
 *
 * Each CPU keeps up to STOCK_LIMIT free frames for itself, which it takes from and gives to the
 * buddy lists STOCK_BATCH at a time, so that the zone locks are rare.  A stock is touched by its
 * own CPU alone, with interrupts off.  What matters for safety are the reference counts: they
 * change atomically, and only whoever takes the last one away frees the frame.
 *
 * Frames that were taken together lie side by side, and mostly come back together.  So a stock is
 * filled with blocks, hands frames out in ascending order, and what comes back as a run of RUN_MIN
 * or more goes to the lists as the few blocks that it is, past the stock.
 */
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/frame_internal.h"

enum { STOCK_BATCH = 32, STOCK_LIMIT = 64, RUN_MIN = 16 };

/* So many frames the kernel keeps for itself whatever anybody sets: 256 KiB. */
#define RESERVE_LEAST ((size_t)64)

/* A count of references this high has run away: it stays there, and the frame is never freed. */
enum { REFS_STUCK_BIT = 31 };
#define REFS_STUCK ((u32)3 << 30)

struct stock {
	u32 count;
	u32 pfns[STOCK_LIMIT];
	s64 kinds[FRAME_KINDS]; /* frames taken less frames freed by this CPU; only the sum over all
				   CPUs means something */
} __cacheline;

static struct stock stocks[MAX_CPUS];

static size_t (*reclaimer)(void); /* set once */

void frame_set_reclaimer(size_t (*function)(void))
{
	reclaimer = function;
}

bool frame_reclaim(void)
{
	return reclaimer != NULL && reclaimer() != 0;
}

void frame_account(enum frame_kind kind, s64 frames)
{
	stocks[cpu_id()].kinds[kind] += frames;
}

/*
 * How many free frames a request must leave.  A program's pages leave the reserve to the kernel;
 * page tables, which a program can have as many of as it likes, leave half of it.
 */
static size_t floor_of(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_USER:
	case FRAME_CACHE:
		return frame_reserve;
	case FRAME_TABLE:
		return frame_reserve / 2;
	default:
		return 0;
	}
}

/* Fills this CPU's empty stock; high memory first.  Interrupts off. */
static bool stock_fill(struct stock *stock, enum frame_kind kind)
{
	if (floor_of(kind) != 0 && zones_free() <= floor_of(kind))
		return false;
	for (int z = ZONES - 1; z >= 0 && stock->count == 0; z--) {
		spin_lock(&zones[z].lock);
		stock->count = (u32)buddy_take_singles_locked(&zones[z], stock->pfns, STOCK_BATCH);
		spin_unlock(&zones[z].lock);
	}
	return stock->count != 0;
}

/* How many of these frame numbers are one behind the other, upwards or downwards. */
static u32 run_length(const u32 *pfns, u32 count)
{
	u32 length = 1, step = count > 1 ? pfns[1] - pfns[0] : 0;

	if (step != 1 && step != UINT32_MAX)
		return 1;
	while (length < count && pfns[length] - pfns[length - 1] == step)
		length++;
	return length;
}

/* Gives the older half of a full stock back.  Interrupts off. */
static void stock_drain(struct stock *stock)
{
	struct zone *zone = zone_of(stock->pfns[0]);

	spin_lock(&zone->lock);
	for (u32 i = 0, length; i < STOCK_BATCH; i += length) {
		length = run_length(stock->pfns + i, STOCK_BATCH - i);
		pfn_t first = MIN(stock->pfns[i], stock->pfns[i + length - 1]);
		if (zone != zone_of(first)) {
			spin_unlock(&zone->lock);
			zone = zone_of(first);
			spin_lock(&zone->lock);
		}
		buddy_give_range_locked(zone, first, first + length);
	}
	spin_unlock(&zone->lock);
	stock->count -= STOCK_BATCH;
	memmove(stock->pfns, stock->pfns + STOCK_BATCH, stock->count * sizeof(stock->pfns[0]));
}

/* Takes frames out of a stock that has so many.  Interrupts off. */
static inline void stock_take(struct stock *stock, enum frame_kind kind, phys_t *frames, u32 count)
{
	const u32 *pfn = stock->pfns + stock->count;

	stock->count -= count;
	stock->kinds[kind] += count;
	for (u32 i = 0; i < count; i++) {
		phys_t number = *--pfn;
		frame_array[number] = (struct frame){.refs = 1, .kind = (u8)kind};
		frames[i] = number << PAGE_SHIFT;
	}
}

phys_t frame_alloc_kind(enum frame_kind kind)
{
	phys_t address = 0;

	if (checking_must_fail())
		return 0;
	do {
		unsigned long flags = irq_save();
		struct stock *stock = &stocks[cpu_id()];
		if (likely(stock->count != 0) || stock_fill(stock, kind))
			stock_take(stock, kind, &address, 1);
		irq_restore(flags);
	} while (unlikely(address == 0) && frame_reclaim());
	return address;
}

size_t frame_alloc_batch(enum frame_kind kind, phys_t *frames, size_t count)
{
	size_t got = 0;

	if (checking_must_fail())
		return 0;
	do {
		unsigned long flags = irq_save();
		struct stock *stock = &stocks[cpu_id()];
		while (got < count && (stock->count != 0 || stock_fill(stock, kind))) {
			u32 some = (u32)MIN(count - got, (size_t)stock->count);
			stock_take(stock, kind, frames + got, some);
			got += some;
		}
		irq_restore(flags);
	} while (unlikely(got < count) && frame_reclaim());
	return got;
}

phys_t frame_alloc_kind_zeroed(enum frame_kind kind)
{
	phys_t address = frame_alloc_kind(kind);

	if (likely(address != 0))
		page_clear(phys_to_virt(address));
	return address;
}

phys_t frame_alloc(void)
{
	return frame_alloc_kind(FRAME_KERNEL);
}

phys_t frame_alloc_zeroed(void)
{
	return frame_alloc_kind_zeroed(FRAME_KERNEL);
}

static pfn_t take_block_once(u32 order, enum frame_kind kind, int highest_zone)
{
	unsigned long flags = irq_save();
	pfn_t pfn = 0;

	for (int z = highest_zone; z >= 0 && pfn == 0; z--) {
		spin_lock(&zones[z].lock);
		pfn = block_lists_take(&zones[z].lists, order);
		spin_unlock(&zones[z].lock);
	}
	if (pfn != 0) {
		struct frame *head = &frame_array[pfn];
		head->refs = 1;
		head->kind = (u8)kind;
		head->order = (u8)order;
		frame_account(kind, (s64)1 << order);
	}
	irq_restore(flags);
	return pfn;
}

static phys_t take_block(u32 order, enum frame_kind kind, int highest_zone)
{
	pfn_t pfn;

	if (checking_must_fail())
		return 0;
	do
		pfn = take_block_once(order, kind, highest_zone);
	while (unlikely(pfn == 0) && frame_reclaim());
	return pfn << PAGE_SHIFT;
}

phys_t frames_alloc_kind(u32 order, enum frame_kind kind)
{
	ASSERT(order <= FRAME_MAX_ORDER);
	return take_block(order, kind, ZONE_NORMAL);
}

phys_t frames_alloc(u32 order)
{
	if (order > FRAME_MAX_ORDER)
		return 0;
	return take_block(order, FRAME_KERNEL, ZONE_NORMAL);
}

phys_t frames_alloc_dma32(u32 order)
{
	if (order > FRAME_MAX_ORDER)
		return 0;
	return take_block(order, FRAME_KERNEL, ZONE_DMA32);
}

/* The frame, which nobody refers to any more, goes to this CPU's stock; larger blocks to the lists.
 * Interrupts off. */
static void release(struct stock *stock, pfn_t pfn)
{
	struct frame *frame = &frame_array[pfn];
	u32 order = frame->order;

	checking_frame_released(pfn << PAGE_SHIFT);
	stock->kinds[frame->kind] -= (s64)1 << order;
	frame->kind = FRAME_RESERVED;
	if (unlikely(order != 0)) {
		struct zone *zone = zone_of(pfn);
		frame->order = 0;
		spin_lock(&zone->lock);
		block_lists_give(&zone->lists, pfn, order);
		spin_unlock(&zone->lock);
		return;
	}
	if (unlikely(stock->count == STOCK_LIMIT))
		stock_drain(stock);
	stock->pfns[stock->count++] = (u32)pfn;
}

static void report_bad_free(phys_t address)
{
	log_error("frame %#lx freed although nobody holds it", (unsigned long)address);
	ASSERT(!"frame freed twice");
}

/* Drops a reference; says whether it was the last. */
static bool drop(phys_t address)
{
	if (unlikely(!frame_is_memory(address))) {
		report_bad_free(address);
		return false;
	}
	struct frame *frame = frame_of(address);
	u32 refs = __atomic_load_n(&frame->refs, __ATOMIC_ACQUIRE);
	if (likely(refs == 1)) {
		/* The only holder is the caller, so nobody else can change the count. */
		frame->refs = 0;
		return true;
	}
	do {
		if (unlikely(refs == 0)) {
			report_bad_free(address);
			return false;
		}
		if (unlikely(refs >> REFS_STUCK_BIT))
			return false;
	} while (!__atomic_compare_exchange_n(&frame->refs, &refs, refs - 1, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return refs == 1;
}

void frame_free(phys_t address)
{
	if (!drop(address))
		return;
	unsigned long flags = irq_save();
	release(&stocks[cpu_id()], address >> PAGE_SHIFT);
	irq_restore(flags);
}

/*
 * How many frames from the first on lie side by side, are alike, and have the caller as their only
 * holder: nobody else can change their descriptors.
 */
static u32 sole_run(const phys_t *frames, size_t count)
{
	const struct frame *frame = frame_of(frames[0]);
	phys_t expected = frames[0];
	u8 kind = frame->kind;
	u32 length = 0;

	while (length < count && frames[length] == expected &&
	       __atomic_load_n(&frame->refs, __ATOMIC_ACQUIRE) == 1 && frame->kind == kind &&
	       frame->order == 0) {
		length++;
		frame++;
		expected += PAGE_SIZE;
	}
	return length;
}

/* Gives a run of frames that nobody else holds to the lists, past the stock.  Interrupts off. */
static void release_run(struct stock *stock, pfn_t start, u32 count)
{
	struct zone *zone = zone_of(start);
	struct frame *frame = &frame_array[start];

	stock->kinds[frame->kind] -= count;
	for (u32 i = 0; i < count; i++, frame++) {
		checking_frame_released((start + i) << PAGE_SHIFT);
		frame->refs = 0;
		frame->kind = FRAME_RESERVED;
	}
	spin_lock(&zone->lock);
	buddy_give_range_locked(zone, start, start + count);
	spin_unlock(&zone->lock);
}

void frame_free_batch(const phys_t *frames, size_t count)
{
	unsigned long flags = irq_save();
	struct stock *stock = &stocks[cpu_id()];
	u32 length;

	for (size_t i = 0; i < count; i += MAX(length, 1u)) {
		length = frame_is_memory(frames[i]) ? sole_run(frames + i, count - i) : 0;
		if (length >= RUN_MIN) {
			release_run(stock, frames[i] >> PAGE_SHIFT, length);
			continue;
		}
		/* Backwards: the stock then hands them out forwards. */
		for (size_t k = i + MAX(length, 1u); k-- > i;)
			if (drop(frames[k]))
				release(stock, frames[k] >> PAGE_SHIFT);
	}
	irq_restore(flags);
}

void frames_free(phys_t frames, u32 order)
{
	ASSERT(frame_of(frames)->order == order);
	(void)order;
	frame_free(frames);
}

void frame_get(phys_t address)
{
	u32 *refs = &frame_of(address)->refs;
	u32 before = __atomic_fetch_add(refs, 1, __ATOMIC_RELAXED);

	ASSERT(before != 0);
	/* From the first half of the stuck range to its end it is far, for any number of CPUs. */
	if (unlikely(before >> REFS_STUCK_BIT))
		__atomic_store_n(refs, REFS_STUCK, __ATOMIC_RELAXED);
}

u32 frame_refs(phys_t address)
{
	return __atomic_load_n(&frame_of(address)->refs, __ATOMIC_ACQUIRE);
}

bool frame_is_memory(phys_t address)
{
	return address >> PAGE_SHIFT < frame_array_length;
}

size_t frame_count_kind(enum frame_kind kind)
{
	s64 sum = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		sum += READ_ONCE(stocks[cpu].kinds[kind]);
	return sum > 0 ? (size_t)sum : 0;
}

size_t frame_get_total_memory(void)
{
	return frame_usable * PAGE_SIZE;
}

static size_t free_frames(void)
{
	size_t sum = zones_free();

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		sum += READ_ONCE(stocks[cpu].count);
	return sum;
}

size_t frame_get_free_memory(void)
{
	return free_frames() * PAGE_SIZE;
}

bool frame_is_short(void)
{
	return zones_free() < frame_usable / 16;
}

void frame_get_stats(frame_stats_t *stats)
{
	*stats = (frame_stats_t){
		.total_frames = frame_usable,
		.free_frames = free_frames(),
		.reserved_frames = frame_usable - frame_managed,
		.user_frames = frame_count_kind(FRAME_USER),
	};
}

void frame_set_min_free(size_t bytes)
{
	WRITE_ONCE(frame_reserve, CLAMP(bytes / PAGE_SIZE, RESERVE_LEAST, frame_usable / 4));
}

void frame_get_watermarks(struct frame_watermarks *marks)
{
	*marks = (struct frame_watermarks){
		.min = frame_reserve,
		.low = frame_reserve + frame_reserve / 4,
		.high = frame_reserve + frame_reserve / 2,
	};
}
