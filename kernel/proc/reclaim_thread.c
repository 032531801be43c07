/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of page replacement (mm/reclaim.h), one for each node.
 */
#include "proc/reclaim_thread.h"

#include "lib/assert.h"
#include "lib/format.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "proc/task.h"

static void reclaim_thread(void *node)
{
	for (;;)
		reclaim_work((u32)(uintptr_t)node);
}

void reclaim_thread_start(void)
{
	u32 nodes = frame_nodes();
	char name[TASK_COMM_LENGTH];

	for (u32 node = 0; node < nodes; node++) {
		ksnprintf(name, sizeof(name), nodes > 1 ? "reclaim/%u" : "reclaim", node);
		struct task *thread =
			kernel_thread_create(reclaim_thread, (void *)(uintptr_t)node, name);
		if (IS_ERR(thread))
			panic("no memory for the threads of page replacement");
		task_put(thread);
	}
}
