/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When memory is compacted, and who waits for it; see compact.h.
 *
 * The frame allocator's hook says that a block was missing, or the last large one taken, in any
 * context; it notes the order and wakes the thread.  The thread also looks by itself, twice a
 * second, whether free memory is scattered more than /proc/sys/vm/compaction_proactiveness wishes.
 * A round that frees nothing makes it wait longer for the next one: 2 to the power of `vain` calls
 * are ignored, as nothing may have changed.
 */
#include "arch/clock.h"
#include "lib/sync.h"
#include "mm/compact_internal.h"
#include "mm/frame.h"

enum {
	GROUPS_AT_ONCE = 16,
	VAIN_MOST = 6,
	REST = 64,       /* periods after a round that nobody asked for, and in vain */
	HYSTERESIS = 10, /* per cent of scattered memory between beginning and ending */
};
static const nsec_t PERIOD = 500000000;

struct compact_settings compact_settings = {.proactiveness = 20, .threshold = 500};

static wait_queue_t work_queue = WAIT_QUEUE_INIT(work_queue);
static bool runs;       /* there is a thread; set once */
static u32 wanted;      /* atomic: order that was missing, plus one; 0: none */
static u32 vain, calls; /* atomic, approximate: rounds in vain; calls of the hook since */

int compact_fragmentation_index(const size_t *counts, u32 order)
{
	size_t requested = (size_t)1 << order, blocks = 0, frames = 0;

	for (u32 i = 0; i <= FRAME_MAX_ORDER; i++) {
		blocks += counts[i];
		frames += counts[i] << i;
		if (i >= order && counts[i] != 0)
			return -1000;
	}
	if (blocks == 0)
		return 0;
	return 1000 - (int)((1000 + frames * 1000 / requested) / blocks);
}

void compact_wish(u32 order)
{
	u32 none = 0;

	if (READ_ONCE(wanted) != 0)
		return;
	if (READ_ONCE(calls) >> READ_ONCE(vain) == 0) {
		WRITE_ONCE(calls, READ_ONCE(calls) + 1);
		return;
	}
	if (__atomic_compare_exchange_n(&wanted, &none, order + 1, false, __ATOMIC_SEQ_CST,
					__ATOMIC_RELAXED))
		wake_up_all(&work_queue);
}

/* Is there a block, or none for want of memory?  Then moving pages does not help. */
static bool would_help(u32 order)
{
	size_t counts[FRAME_MAX_ORDER + 1];
	struct frame_watermarks marks;

	frame_count_orders(counts);
	frame_get_watermarks(&marks);
	return frame_get_free_memory() >> PAGE_SHIFT > marks.low + ((size_t)2 << order) &&
	       compact_fragmentation_index(counts, order) >
		       (int)READ_ONCE(compact_settings.threshold);
}

/* How much of free memory is of no use for 2 MiB, per cent; of what may be so. */
static bool is_scattered(u32 beyond)
{
	u32 eager = READ_ONCE(compact_settings.proactiveness);
	u32 mark = MIN(MAX(100 - MIN(eager, 100u), 5u) + beyond, 100u);
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	return eager != 0 &&
	       frame_get_free_memory() >> PAGE_SHIFT > marks.high + (2u << FRAME_GROUP_ORDER) &&
	       frame_fragmentation(FRAME_GROUP_ORDER) / 10 > mark;
}

static void note_round(size_t freed)
{
	WRITE_ONCE(calls, 0);
	WRITE_ONCE(vain, freed != 0 ? 0 : MIN(READ_ONCE(vain) + 1, (u32)VAIN_MOST));
}

static size_t work_round(void)
{
	struct compact_stats before, after;

	compact_get_stats(&before);
	size_t freed = compact_round(GROUPS_AT_ONCE);
	compact_get_stats(&after);
	compact_note(COMPACT_DAEMON_SCANNED, after.scanned - before.scanned);
	return freed;
}

/* Somebody has missed a block. */
static void work_for(u32 order)
{
	compact_note(COMPACT_WAKES, 1);
	note_round(would_help(order) ? work_round() : 0);
}

/* Nobody has asked. */
static void work_unasked(void)
{
	static u32 rest; /* periods; the thread's */
	size_t freed = 0;

	if (rest > 0) {
		rest--;
		return;
	}
	if (!is_scattered(HYSTERESIS))
		return;
	do
		freed = work_round();
	while (freed != 0 && is_scattered(0));
	rest = freed != 0 ? 0 : REST;
}

void compact_work(void)
{
	if (!runs) {
		frame_set_fragmentation_hook(compact_wish);
		runs = true;
	}
	(void)!wait_event_timeout(&work_queue, __atomic_load_n(&wanted, __ATOMIC_SEQ_CST) != 0,
				  clock_monotonic() + PERIOD, WAIT_UNINTERRUPTIBLE);
	u32 order = __atomic_load_n(&wanted, __ATOMIC_SEQ_CST);
	if (order == 0) {
		work_unasked();
		return;
	}
	work_for(order - 1);
	__atomic_store_n(&wanted, 0, __ATOMIC_SEQ_CST);
}

bool compact_for(u32 order)
{
	size_t counts[FRAME_MAX_ORDER + 1];

	compact_note(COMPACT_ASKED, 1);
	if (would_help(order))
		(void)compact_round(MAX((size_t)1 << order >> FRAME_GROUP_ORDER, (size_t)1));
	frame_count_orders(counts);
	bool found = compact_fragmentation_index(counts, order) < 0;
	compact_note(found ? COMPACT_SUCCEEDED : COMPACT_FAILED, 1);
	return found;
}
