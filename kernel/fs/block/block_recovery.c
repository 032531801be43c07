/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that calls drivers to order when their hardware is silent.
 *
 * A queue's timer finds a request that has been under way for too long, or a driver an answer that
 * makes no sense, and puts the disk on the list; the thread takes it off and has the driver reset
 * the hardware and end what was under way, which is then tried again or fails.  A disk that fails
 * again meanwhile gets another turn.
 *
 * `recovery_lock` (taken with interrupts off) guards the list and disk->recovering.
 */
#include "fs/block/block_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "proc/task.h"

static spinlock_t recovery_lock = SPINLOCK_INIT;
static struct list_head silent_disks = LIST_INIT(silent_disks);
static wait_queue_t recovery_queue = WAIT_QUEUE_INIT(recovery_queue);

void block_disk_recover(struct block_disk *disk)
{
	unsigned long flags = spin_lock_irqsave(&recovery_lock);
	bool fresh = !disk->recovering;

	if (fresh) {
		disk->recovering = true;
		list_add_tail(&disk->recovery, &silent_disks);
	}
	spin_unlock_irqrestore(&recovery_lock, flags);
	if (fresh)
		wake_up_all(&recovery_queue);
}

static void recover(struct block_disk *disk)
{
	log_warn("%s: is reset", disk->name);
	if (disk->ops->recover != NULL)
		disk->ops->recover(disk);
	for (u32 i = 0; i < disk->queue_count; i++) {
		struct block_queue *queue = &disk->queues[i];
		unsigned long flags = spin_lock_irqsave(&queue->lock);

		block_queue_run(queue);
		spin_unlock_irqrestore(&queue->lock, flags);
		block_queue_deliver(queue);
	}
}

static void recovery_thread(void *argument __unused)
{
	for (;;) {
		wait_event(&recovery_queue, !list_empty(&silent_disks));
		unsigned long flags = spin_lock_irqsave(&recovery_lock);
		struct block_disk *disk =
			list_first_entry_or_null(&silent_disks, struct block_disk, recovery);

		if (disk != NULL) {
			list_remove(&disk->recovery);
			disk->recovering = false;
		}
		spin_unlock_irqrestore(&recovery_lock, flags);
		if (disk != NULL)
			recover(disk);
	}
}

void block_recovery_init(void)
{
	struct task *thread = kernel_thread_create(recovery_thread, NULL, "blockd");

	if (IS_ERR(thread))
		panic("no memory for the block layer's thread");
	task_put(thread);
}
