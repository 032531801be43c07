/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of compaction (mm/compact.h).
 */
#include "proc/compact_thread.h"

#include "lib/assert.h"
#include "lib/log.h"
#include "mm/compact.h"
#include "proc/task.h"

static void compact_thread(void *argument __unused)
{
	for (;;)
		compact_work();
}

void compact_thread_start(void)
{
	struct task *thread = kernel_thread_create(compact_thread, NULL, "compact");

	if (IS_ERR(thread))
		panic("no memory for the thread of compaction");
	task_put(thread);
}
