/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single frames: the CPUs' stocks, references, and counts.
 *
 * Each CPU keeps two stocks of up to STOCK_LIMIT free frames for itself, one for pages that can be
 * moved and one for the kernel, so that they come from different groups of 2 MiB.  Frames it takes
 * from and gives to the buddy lists STOCK_BATCH at a time, so that the zone locks are rare.  A
 * stock is touched by its own CPU alone, with interrupts off.  What matters for safety are the
 * reference counts: they change atomically, and only whoever takes the last one away frees the
 * frame.
 *
 * Frames that were taken together lie side by side, and mostly come back together.  So a stock is
 * filled with blocks, hands frames out in ascending order, and what comes back as a run of RUN_MIN
 * or more goes to the lists as the few blocks that it is, past the stock.
 *
 * A third stock is of page tables that were little used, and cleared when they were given back:
 * the next table is made without touching all of it.
 */
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/frame_internal.h"
#include "mm/hugetlb.h"

enum { STOCK_BATCH = 32, RUN_MIN = 16 };

/* A count of references this high has run away: it stays there, and the frame is never freed. */
enum { REFS_STUCK_BIT = 31 };
#define REFS_STUCK ((u32)3 << 30)

struct frame_cpu frame_cpus[MAX_CPUS];

static size_t (*reclaimer)(void); /* set once */
static size_t (*relief)(void);    /* set once */

void frame_set_reclaimer(size_t (*function)(void))
{
	reclaimer = function;
}

void frame_set_relief(size_t (*function)(void))
{
	__atomic_store_n(&relief, function, __ATOMIC_RELEASE);
}

size_t frame_relieve(void)
{
	size_t (*function)(void) = __atomic_load_n(&relief, __ATOMIC_ACQUIRE);

	return function != NULL ? function() : 0;
}

bool frame_reclaim(void)
{
	if (blocks_drain())
		return true;
	return reclaimer != NULL && reclaimer() != 0;
}

void frame_account(enum frame_kind kind, s64 frames)
{
	frame_cpus[cpu_id()].kinds[kind] += frames;
}

/*
 * How many free frames a request must leave.  A program's pages leave the reserve to the kernel;
 * page tables, which a program can have as many of as it likes, leave half of it.
 */
static size_t floor_of(enum frame_kind kind)
{
	struct frame_watermarks marks;

	if (kind != FRAME_USER && kind != FRAME_CACHE && kind != FRAME_BALLOON &&
	    kind != FRAME_TABLE)
		return 0;
	frame_get_watermarks(&marks);
	return kind == FRAME_TABLE ? marks.min / 2 : marks.min;
}

bool frame_may_take(enum frame_kind kind)
{
	size_t floor = floor_of(kind);

	return floor == 0 || zones_free() > floor;
}

/* Fills an empty stock of this CPU, from its other ones if nobody else has anything.  Interrupts
 * off.
 */
static bool stock_fill(struct frame_cpu *cpu, struct stock *stock, enum frame_kind kind)
{
	enum frame_use use = use_of_kind(kind);
	struct stock *other = &cpu->stocks[!use];

	if (!frame_may_take(kind))
		return false;
	stock->count = (u32)nodes_take_singles(NULL, stock->pfns, STOCK_BATCH, use);
	if (unlikely(stock->count == 0)) {
		if (other->count == 0)
			other = &cpu->clean;
		if (other->count != 0)
			stock->pfns[stock->count++] = other->pfns[--other->count];
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

/* Gives the older frames of a stock back, this many.  Interrupts off. */
static void stock_drain(struct stock *stock, u32 count)
{
	struct zone *zone = zone_of(stock->pfns[0]);

	spin_lock(&zone->lock);
	for (u32 i = 0, length; i < count; i += length) {
		length = run_length(stock->pfns + i, count - i);
		pfn_t first = MIN(stock->pfns[i], stock->pfns[i + length - 1]);
		if (zone != zone_of(first)) {
			spin_unlock(&zone->lock);
			zone = zone_of(first);
			spin_lock(&zone->lock);
		}
		buddy_give_range_locked(zone, first, first + length);
	}
	spin_unlock(&zone->lock);
	stock->count -= count;
	memmove(stock->pfns, stock->pfns + count, stock->count * sizeof(stock->pfns[0]));
}

/* Takes frames out of a stock that has so many.  Interrupts off. */
static inline void stock_take(struct frame_cpu *cpu, struct stock *stock, enum frame_kind kind,
			      phys_t *frames, u32 count)
{
	const u32 *pfn = stock->pfns + stock->count;

	stock->count -= count;
	cpu->kinds[kind] += count;
	for (u32 i = 0; i < count; i++) {
		phys_t number = *--pfn;
		frame_begin(&frame_array[number], kind, 0);
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
		struct frame_cpu *cpu = &frame_cpus[cpu_id()];
		struct stock *stock = &cpu->stocks[use_of_kind(kind)];
		if (likely(stock->count != 0) || stock_fill(cpu, stock, kind))
			stock_take(cpu, stock, kind, &address, 1);
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
		struct frame_cpu *cpu = &frame_cpus[cpu_id()];
		struct stock *stock = &cpu->stocks[use_of_kind(kind)];
		while (got < count && (stock->count != 0 || stock_fill(cpu, stock, kind))) {
			u32 some = (u32)MIN(count - got, (size_t)stock->count);
			stock_take(cpu, stock, kind, frames + got, some);
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

phys_t frame_alloc_table(bool *clean)
{
	phys_t address = 0;
	unsigned long flags = irq_save();
	struct frame_cpu *cpu = &frame_cpus[cpu_id()];

	*clean = cpu->clean.count != 0;
	if (*clean && !checking_must_fail())
		stock_take(cpu, &cpu->clean, FRAME_TABLE, &address, 1);
	irq_restore(flags);
	return *clean ? address : frame_alloc_kind(FRAME_TABLE);
}

phys_t frame_alloc(void)
{
	return frame_alloc_kind(FRAME_KERNEL);
}

phys_t frame_alloc_zeroed(void)
{
	return frame_alloc_kind_zeroed(FRAME_KERNEL);
}

void frame_drain(void)
{
	unsigned long flags = irq_save();
	struct frame_cpu *cpu = &frame_cpus[cpu_id()];

	for (u32 use = 0; use < STOCKS; use++)
		if (cpu->stocks[use].count != 0)
			stock_drain(&cpu->stocks[use], cpu->stocks[use].count);
	if (cpu->clean.count != 0)
		stock_drain(&cpu->clean, cpu->clean.count);
	irq_restore(flags);
	blocks_drain();
}

/* Gives one frame to the lists of its zone.  Interrupts off. */
static void give_single(pfn_t pfn)
{
	struct zone *zone = zone_of(pfn);

	spin_lock(&zone->lock);
	block_lists_give(&zone->lists, pfn, 0);
	spin_unlock(&zone->lock);
}

/* The frame, which nobody refers to any more, goes to this CPU's stock for its use; larger blocks,
 * and those of other nodes, to the lists.  Interrupts off. */
static void release(struct frame_cpu *cpu, pfn_t pfn)
{
	struct frame *frame = &frame_array[pfn];
	struct stock *stock = &cpu->stocks[use_of_kind(frame->kind)];
	u32 order = frame->order;

	checking_frame_released(pfn << PAGE_SHIFT);
	if (unlikely(order == FRAME_POOLED)) {
		hugetlb_frame_freed(pfn << PAGE_SHIFT);
		return;
	}
	wipe_frames_on_free(pfn << PAGE_SHIFT, (size_t)1 << order);
	cpu->kinds[frame->kind] -= (s64)1 << order;
	frame->kind = FRAME_RESERVED;
	if (unlikely(order != 0)) {
		frame->order = 0;
		block_release(pfn, order);
		return;
	}
	if (unlikely(frame->zone / ZONES != cpu->node)) {
		give_single(pfn);
		return;
	}
	if (unlikely(stock->count == STOCK_LIMIT))
		stock_drain(stock, STOCK_BATCH);
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
	release(&frame_cpus[cpu_id()], address >> PAGE_SHIFT);
	irq_restore(flags);
}

void frame_free_clean(phys_t address)
{
	if (!drop(address))
		return;
	unsigned long flags = irq_save();
	struct frame_cpu *cpu = &frame_cpus[cpu_id()];
	struct frame *frame = frame_of(address);

	if (likely(cpu->clean.count < CLEAN_LIMIT && frame->zone / ZONES == cpu->node)) {
		checking_frame_released(address);
		cpu->kinds[frame->kind]--;
		frame->kind = FRAME_RESERVED;
		cpu->clean.pfns[cpu->clean.count++] = (u32)(address >> PAGE_SHIFT);
	} else {
		release(cpu, address >> PAGE_SHIFT);
	}
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
	u8 kind = frame->kind, zone = frame->zone;
	u32 length = 0;

	while (length < count && frames[length] == expected &&
	       __atomic_load_n(&frame->refs, __ATOMIC_ACQUIRE) == 1 && frame->kind == kind &&
	       frame->order == 0 && frame->zone == zone) {
		length++;
		frame++;
		expected += PAGE_SIZE;
	}
	return length;
}

/* Gives a run of frames that nobody else holds to the lists, past the stock.  Interrupts off. */
static void release_run(struct frame_cpu *cpu, pfn_t start, u32 count)
{
	struct zone *zone = zone_of(start);
	struct frame *frame = &frame_array[start];

	cpu->kinds[frame->kind] -= count;
	wipe_frames_on_free(start << PAGE_SHIFT, count);
	for (u32 i = 0; i < count; i++, frame++) {
		checking_frame_released((start + i) << PAGE_SHIFT);
		frame->refs = 0;
		frame->kind = FRAME_RESERVED;
	}
	spin_lock(&zone->lock);
	buddy_give_range_locked(zone, start, start + count);
	spin_unlock(&zone->lock);
}

void frame_free_to_lists(const phys_t *frames, size_t count)
{
	unsigned long flags = irq_save();

	for (size_t i = 0; i < count; i++)
		if (drop(frames[i]))
			release_run(&frame_cpus[cpu_id()], frames[i] >> PAGE_SHIFT, 1);
	irq_restore(flags);
}

void frame_free_batch(const phys_t *frames, size_t count)
{
	unsigned long flags = irq_save();
	struct frame_cpu *cpu = &frame_cpus[cpu_id()];
	u32 length;

	for (size_t i = 0; i < count; i += MAX(length, 1u)) {
		length = frame_is_memory(frames[i]) ? sole_run(frames + i, count - i) : 0;
		if (length >= RUN_MIN) {
			release_run(cpu, frames[i] >> PAGE_SHIFT, length);
			continue;
		}
		/* Backwards: the stock then hands them out forwards. */
		for (size_t k = i + MAX(length, 1u); k-- > i;)
			if (drop(frames[k]))
				release(cpu, frames[k] >> PAGE_SHIFT);
	}
	irq_restore(flags);
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

void frame_change_kind(phys_t address, enum frame_kind kind)
{
	struct frame *frame = frame_of(address);
	unsigned long flags = irq_save();

	frame_account(frame->kind, -1);
	frame_account(kind, 1);
	frame->kind = (u8)kind;
	irq_restore(flags);
}

u32 frame_refs(phys_t address)
{
	return __atomic_load_n(&frame_of(address)->refs, __ATOMIC_ACQUIRE);
}

bool frame_is_memory(phys_t address)
{
	return address >> PAGE_SHIFT < frame_array_length;
}
