/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When reclaim works, and who waits for it; see reclaim.h.
 *
 * The frame allocator's hook wakes the thread from any context.  When a round has found nothing at
 * all, the hook is not heeded for a while, as it comes with every allocation then; who waits for a
 * round always gets one.
 *
 * A round that begins after somebody has asked is his; `begun` numbers them.  `done` is the last
 * one that has ended, and `freed` what it found.
 */
#include "lib/sync.h"
#include "mm/frame.h"
#include "mm/pressure.h"
#include "mm/reclaim_internal.h"

enum { ROUND = 256, HEED_AGAIN = 4096 };

static wait_queue_t work_queue = WAIT_QUEUE_INIT(work_queue);
static wait_queue_t done_queue = WAIT_QUEUE_INIT(done_queue);
static bool runs;                /* there is a thread; set once */
static bool wanted;              /* atomic: memory is low */
static bool asked;               /* atomic: somebody waits */
static u32 ignored = HEED_AGAIN; /* atomic, approximate: calls of the hook since a vain round */
static u64 begun, done;          /* atomic; the thread's to change */
static size_t freed_last;        /* of the round `done`; written before it */

static void memory_is_low(u32 node __unused)
{
	if (READ_ONCE(wanted))
		return;
	if (READ_ONCE(ignored) < HEED_AGAIN) {
		WRITE_ONCE(ignored, READ_ONCE(ignored) + 1);
		return;
	}
	__atomic_store_n(&wanted, true, __ATOMIC_SEQ_CST);
	wake_up_all(&work_queue);
}

static bool is_low(void)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	return frame_get_free_memory() >> PAGE_SHIFT < marks.high;
}

static size_t work_round(void)
{
	/* In this order: who asks after the second has a round of his own. */
	__atomic_store_n(&asked, false, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
	size_t freed = reclaim_run(ROUND);
	WRITE_ONCE(freed_last, freed);
	__atomic_store_n(&done, begun, __ATOMIC_SEQ_CST);
	wake_up_all(&done_queue);
	WRITE_ONCE(ignored, freed == 0 ? 0 : HEED_AGAIN);
	return freed;
}

void reclaim_work(void)
{
	if (!runs) {
		frame_set_pressure_hook(memory_is_low);
		__atomic_store_n(&runs, true, __ATOMIC_RELEASE);
	}
	wait_event(&work_queue, __atomic_load_n(&wanted, __ATOMIC_SEQ_CST) ||
					__atomic_load_n(&asked, __ATOMIC_SEQ_CST));
	while (__atomic_load_n(&asked, __ATOMIC_SEQ_CST) || is_low())
		if (work_round() == 0)
			break;
	__atomic_store_n(&wanted, false, __ATOMIC_SEQ_CST);
}

/* Waits for a round that begins from now on.  False: it found nothing, or we are to die. */
static bool wait_for_round(void)
{
	u64 ours = __atomic_load_n(&begun, __ATOMIC_SEQ_CST) + 1;

	__atomic_store_n(&asked, true, __ATOMIC_SEQ_CST);
	wake_up_all(&work_queue);
	int result =
		wait_event_killable(&done_queue, __atomic_load_n(&done, __ATOMIC_SEQ_CST) >= ours);
	return result == 0 && READ_ONCE(freed_last) != 0;
}

bool reclaim_wait(void)
{
	bool stalled = pressure_enter(PRESSURE_MEMORY);

	reclaim_note(RECLAIM_WAITS, 1);
	bool found = __atomic_load_n(&runs, __ATOMIC_ACQUIRE) ? wait_for_round()
							      : reclaim_run(ROUND) != 0;
	pressure_leave(PRESSURE_MEMORY, stalled);
	return found;
}
