/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When reclaim works, and who waits for it; see reclaim.h.
 *
 * Each node has a thread, which the frame allocator's hook wakes from any context when the node has
 * less than its lower watermark.  It takes pages of its node until that has more than the upper
 * one. When a round has found nothing at all, the hook is not heeded for a while, as it comes with
 * every allocation then.
 *
 * Who finds no memory anywhere waits for a round over all nodes, which the thread of node 0 makes:
 * a round that begins after somebody has asked is his.  `begun` numbers them.  `done` is the last
 * one that has ended, and `freed_last` what it found.
 */
#include "lib/sync.h"
#include "mm/frame.h"
#include "mm/pressure.h"
#include "mm/reclaim_internal.h"

enum { ROUND = 256, HEED_AGAIN = 4096, FIRST_NODE = 0 };

/* A node's thread. */
struct worker {
	bool wanted; /* atomic: the node's memory is low */
	u32 vain; /* approximate: calls of the hook that are not to be heeded, after a vain round */
};

static struct worker workers[MAX_NODES];
static wait_queue_t work_queue = WAIT_QUEUE_INIT(work_queue); /* of all workers */
static wait_queue_t done_queue = WAIT_QUEUE_INIT(done_queue);
static bool runs;         /* atomic: there are threads; set once */
static bool asked;        /* atomic: somebody waits */
static u64 begun, done;   /* atomic; node 0's thread's to change */
static size_t freed_last; /* of the round `done`; written before it */

static void memory_is_low(u32 node)
{
	struct worker *worker = &workers[node];

	if (READ_ONCE(worker->wanted))
		return;
	u32 vain = READ_ONCE(worker->vain);
	if (vain != 0) {
		WRITE_ONCE(worker->vain, vain - 1);
		return;
	}
	__atomic_store_n(&worker->wanted, true, __ATOMIC_SEQ_CST);
	wake_up_all(&work_queue);
}

static bool is_low(u32 node)
{
	struct frame_watermarks marks;

	if (frame_nodes() == 1) {
		frame_get_watermarks(&marks);
		return frame_get_free_memory() >> PAGE_SHIFT < marks.high;
	}
	frame_node_watermarks(node, &marks);
	return frame_node_free(node) < marks.high;
}

/* For those who wait. */
static size_t round_for_all(void)
{
	/* In this order: who asks after the second has a round of his own. */
	__atomic_store_n(&asked, false, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
	size_t freed = reclaim_run(ROUND);
	WRITE_ONCE(freed_last, freed);
	__atomic_store_n(&done, begun, __ATOMIC_SEQ_CST);
	wake_up_all(&done_queue);
	return freed;
}

static bool is_asked(u32 node)
{
	return node == FIRST_NODE && __atomic_load_n(&asked, __ATOMIC_SEQ_CST);
}

void reclaim_work(u32 node)
{
	struct worker *worker = &workers[node];
	u32 wanted = frame_nodes() == 1 ? RECLAIM_ANY_NODE : node;

	if (!__atomic_load_n(&runs, __ATOMIC_ACQUIRE) && node == FIRST_NODE) {
		frame_set_pressure_hook(memory_is_low);
		__atomic_store_n(&runs, true, __ATOMIC_RELEASE);
	}
	wait_event(&work_queue,
		   __atomic_load_n(&worker->wanted, __ATOMIC_SEQ_CST) || is_asked(node));
	while (is_asked(node) || is_low(node)) {
		size_t freed = is_asked(node) ? round_for_all() : reclaim_run_node(ROUND, wanted);
		WRITE_ONCE(worker->vain, freed == 0 ? HEED_AGAIN : 0);
		if (freed == 0)
			break;
	}
	__atomic_store_n(&worker->wanted, false, __ATOMIC_SEQ_CST);
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
