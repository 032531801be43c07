/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * khugepaged: makes huge pages in the background, some each time it wakes (mm/collapse.h).
 *
 * A machine that has them switched off has no such thread.  Once started it stays, and sleeps when
 * they are switched off later.
 */
#include "proc/collapse_thread.h"

#include "arch/clock.h"
#include "lib/log.h"
#include "lib/sync.h"
#include "mm/collapse.h"
#include "mm/huge.h"
#include "proc/task.h"

#define MILLISECOND ((nsec_t)1000000)

static wait_queue_t queue = WAIT_QUEUE_INIT(queue);
static bool started; /* atomic */
static bool woken;   /* atomic: the settings have changed */

static bool take_wake(void)
{
	return __atomic_exchange_n(&woken, false, __ATOMIC_SEQ_CST);
}

static void rest(u32 milliseconds)
{
	nsec_t deadline = clock_monotonic() + milliseconds * MILLISECOND;

	(void)wait_event_timeout(&queue, take_wake(), deadline, WAIT_UNINTERRUPTIBLE);
}

static void work(void *argument __unused)
{
	for (;;) {
		bool room = true;

		if (READ_ONCE(huge_settings.enabled) == HUGE_NEVER) {
			wait_event(&queue, take_wake());
			continue;
		}
		rest(READ_ONCE(huge_settings.scan_sleep));
		if (READ_ONCE(huge_settings.enabled) != HUGE_NEVER)
			room = collapse_round();
		if (!room)
			rest(READ_ONCE(huge_settings.alloc_sleep));
	}
}

void collapse_thread_wake(void)
{
	if (READ_ONCE(huge_settings.enabled) != HUGE_NEVER &&
	    !__atomic_exchange_n(&started, true, __ATOMIC_SEQ_CST)) {
		struct task *thread = kernel_thread_create(work, NULL, "khugepaged");
		if (IS_ERR(thread)) {
			log_error("no memory for khugepaged");
			__atomic_store_n(&started, false, __ATOMIC_SEQ_CST);
			return;
		}
		task_put(thread);
	}
	__atomic_store_n(&woken, true, __ATOMIC_SEQ_CST);
	wake_up_all(&queue);
}
