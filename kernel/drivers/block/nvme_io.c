/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe queues (NVM Express base specification 2.0, 3.3; NVM command set 1.0, 3.2).
 *
 * A command's number is the place of its request in the queue's table; there is one less than the
 * queue has entries, so that it is never full.  A completion is new when its phase bit is not what
 * it was on the last round.
 *
 * Memory is described by pages: the first may begin anywhere, the others are whole, the last may
 * end anywhere.  That is how the page cache's requests are; others are refused.
 */
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "drivers/block/nvme_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"

enum {
	DOORBELLS = 0x1000,
	OPCODE_FLUSH = 0,
	OPCODE_WRITE = 1,
	OPCODE_READ = 2,
	WRITE_FUA = 1 << 30,
	ADMIN_POLLS = 20000,
};

int nvme_queue_make(struct nvme *nvme, struct nvme_queue *queue, u16 number, bool lists)
{
	size_t bell = DOORBELLS + 2 * (size_t)number * nvme->stride;
	phys_t commands = frame_alloc_zeroed(), completions = frame_alloc_zeroed();

	if (bell + 2 * nvme->stride > nvme->size)
		return -ENODEV;
	if (commands == 0 || completions == 0)
		return -ENOMEM;
	queue->number = number;
	queue->commands = phys_to_virt(commands);
	queue->completions = phys_to_virt(completions);
	queue->tail_bell = (volatile char *)nvme->registers + bell;
	queue->head_bell = (volatile char *)queue->tail_bell + nvme->stride;
	for (u32 i = 0; lists && i < NVME_ENTRIES; i++) {
		phys_t list = frame_alloc();

		if (list == 0)
			return -ENOMEM;
		queue->lists[i] = phys_to_virt(list);
	}
	nvme_queue_clear(queue);
	return 0;
}

void nvme_queue_clear(struct nvme_queue *queue)
{
	memset((void *)queue->completions, 0, PAGE_SIZE);
	queue->tail = queue->head = 0;
	queue->phase = 1;
}

static void submit(struct nvme_queue *queue, const struct nvme_command *command)
{
	queue->commands[queue->tail] = *command;
	queue->tail = (u16)((queue->tail + 1) % NVME_ENTRIES);
	/* The command is there before the bell rings. */
	wmb();
	mmio_write32(queue->tail_bell, 0, queue->tail);
}

/* The next completion, copied; false when there is none. */
static bool take(struct nvme_queue *queue, struct nvme_completion *completion)
{
	const volatile struct nvme_completion *entry = &queue->completions[queue->head];
	u16 status = entry->status;

	if ((status & 1) != queue->phase)
		return false;
	rmb();
	completion->result = entry->result;
	completion->id = entry->id;
	completion->status = status >> 1;
	if (++queue->head == NVME_ENTRIES) {
		queue->head = 0;
		queue->phase ^= 1;
	}
	return true;
}

int nvme_admin(struct nvme *nvme, struct nvme_command *command, u32 *result)
{
	struct nvme_completion completion;

	submit(&nvme->admin, command);
	for (u32 i = 0; i < ADMIN_POLLS; i++) {
		if (take(&nvme->admin, &completion)) {
			mmio_write32(nvme->admin.head_bell, 0, nvme->admin.head);
			if (result != NULL)
				*result = completion.result;
			return completion.status == 0 ? 0 : -EIO;
		}
		task_sleep(100 * NSEC_PER_USEC);
	}
	return -ETIMEDOUT;
}

/* --- Requests --- */

/* Describes a request's memory in the command; false when it is not made of pages. */
static bool describe(struct nvme_queue *queue, u32 slot, const struct block_request *request,
		     struct nvme_command *command)
{
	u32 count = block_request_segments(request, queue->segments, NVME_MAX_PAGES), pages = 0;
	u64 *list = queue->lists[slot];

	if (count > NVME_MAX_PAGES)
		return false;
	for (u32 i = 0; i < count; i++) {
		phys_t at = queue->segments[i].address, end = at + queue->segments[i].length;

		if ((i > 0 && at % PAGE_SIZE != 0) || (i + 1 < count && end % PAGE_SIZE != 0))
			return false;
		for (; at < end; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE) {
			if (pages > NVME_MAX_PAGES)
				return false;
			if (pages == 0)
				command->prp1 = at;
			else
				list[pages - 1] = at;
			pages++;
		}
	}
	if (pages == 2)
		command->prp2 = list[0];
	else if (pages > 2)
		command->prp2 = virt_to_phys(list);
	return true;
}

static int start(struct block_queue *block_queue, struct block_request *request)
{
	struct nvme_queue *queue = block_queue->private;
	struct nvme *nvme = block_queue->disk->private;
	struct nvme_command command = {.namespace = NVME_NAMESPACE};
	u32 slot = 0, shift = nvme->block_shift - SECTOR_SHIFT;

	while (slot < NVME_ENTRIES - 1 && queue->requests[slot] != NULL)
		slot++;
	if (slot == NVME_ENTRIES - 1 || queue->resetting)
		return -EBUSY;
	command.id = (u16)slot;
	if (request->op == BLOCK_FLUSH) {
		command.opcode = OPCODE_FLUSH;
	} else {
		u64 block = request->sector >> shift;

		command.opcode = request->op == BLOCK_WRITE ? OPCODE_WRITE : OPCODE_READ;
		if (!describe(queue, slot, request, &command))
			return -EINVAL;
		command.words[0] = (u32)block;
		command.words[1] = (u32)(block >> 32);
		command.words[2] =
			(u32)((request->sectors >> shift) - 1) | (request->fua ? WRITE_FUA : 0);
	}
	queue->requests[slot] = request;
	submit(queue, &command);
	return 0;
}

/* Ends what has completed; the lock is held. */
static void end_completed(struct nvme_queue *queue)
{
	struct nvme_completion completion;
	bool any = false;

	while (take(queue, &completion)) {
		struct block_request *request =
			completion.id < NVME_ENTRIES ? queue->requests[completion.id] : NULL;

		any = true;
		if (request == NULL)
			continue;
		queue->requests[completion.id] = NULL;
		block_request_end(request, completion.status == 0 ? 0 : -EIO);
	}
	if (any)
		mmio_write32(queue->head_bell, 0, queue->head);
}

void nvme_interrupt(void *argument)
{
	struct nvme_queue *queue = argument;
	struct block_queue *block_queue = queue->block_queue;
	unsigned long flags;

	if (block_queue == NULL)
		return;
	flags = spin_lock_irqsave(&block_queue->lock);
	if (!queue->resetting)
		end_completed(queue);
	block_queue_run(block_queue);
	spin_unlock_irqrestore(&block_queue->lock, flags);
	block_queue_deliver(block_queue);
}

/* Turns requests away, or takes them again after ending what was under way before the reset. */
static void set_resetting(struct nvme_queue *queue, bool resetting)
{
	unsigned long flags = spin_lock_irqsave(&queue->block_queue->lock);

	queue->resetting = resetting;
	for (u32 slot = 0; slot < NVME_ENTRIES && !resetting; slot++) {
		struct block_request *request = queue->requests[slot];

		queue->requests[slot] = NULL;
		if (request != NULL)
			block_request_end(request, -ETIMEDOUT);
	}
	spin_unlock_irqrestore(&queue->block_queue->lock, flags);
}

static void recover(struct block_disk *disk)
{
	struct nvme *nvme = disk->private;
	int error;

	/* What it has completed without an interrupt counts. */
	for (u32 i = 0; i < nvme->queue_count; i++) {
		nvme_interrupt(&nvme->queues[i]);
		set_resetting(&nvme->queues[i], true);
	}
	error = nvme_reset(nvme);
	for (u32 i = 0; i < nvme->queue_count; i++)
		set_resetting(&nvme->queues[i], false);
	if (error != 0) {
		log_error("%s: does not come back after a reset: error %d", disk->name, -error);
		block_disk_remove(disk);
	}
}

const struct block_disk_ops nvme_disk_ops = {.start = start, .recover = recover};
