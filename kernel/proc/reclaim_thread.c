/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of page replacement (mm/reclaim.h).
 */
#include "proc/reclaim_thread.h"

#include "lib/assert.h"
#include "lib/log.h"
#include "mm/reclaim.h"
#include "proc/task.h"

static void reclaim_thread(void *argument __unused)
{
	for (;;)
		reclaim_work();
}

void reclaim_thread_start(void)
{
	struct task *thread = kernel_thread_create(reclaim_thread, NULL, "reclaim");

	if (IS_ERR(thread))
		panic("no memory for the thread of page replacement");
	task_put(thread);
}
