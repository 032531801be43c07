/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop devices: a thread turns requests into reads and writes of the file.
 *
 * The thread is there while the loop is bound.  `start` may not sleep, so it leaves the request to
 * the thread, one at a time; what comes meanwhile is merged.  The file's own page cache is in
 * between: a flush of the disk is an fsync of the file.
 */
#include "arch/mmu.h"
#include "drivers/block/loop_internal.h"
#include "lib/abi/fcntl.h"
#include "lib/errno.h"
#include "proc/task.h"

static int start(struct block_queue *queue, struct block_request *request)
{
	struct loop *loop = queue->disk->private;

	if (loop->stopping || !loop->running)
		return -EIO;
	loop->current_request = request;
	wake_up_all(&loop->work);
	return 0;
}

/* Moves one segment; 0 or an error. */
static int move(struct file *file, bool write, const struct block_segment *segment, off_t position)
{
	struct io_cursor cursor;
	size_t done = 0;

	while (done < segment->length) {
		ssize_t part;

		io_cursor_init_kernel(&cursor, (char *)phys_to_virt(segment->address) + done,
				      segment->length - done, write ? IO_WRITE : IO_READ);
		off_t at = position + (off_t)done;
		part = write ? file->ops->write(file, &cursor, &at)
			     : file->ops->read(file, &cursor, &at);
		if (part <= 0)
			return part < 0 ? (int)part : -EIO;
		done += (size_t)part;
	}
	return 0;
}

static int move_all(struct loop *loop, const struct block_request *request)
{
	off_t position = (off_t)(loop->offset + (request->sector << SECTOR_SHIFT));
	const struct block_io *io;
	int error = 0;

	list_for_each_entry (io, &request->ios, link) {
		for (u32 i = 0; i < io->segment_count && error == 0; i++) {
			error = move(loop->file, request->op == BLOCK_WRITE, &io->segments[i],
				     position);
			position += io->segments[i].length;
		}
	}
	return error;
}

static int serve(struct loop *loop, const struct block_request *request)
{
	struct file *file = loop->file;

	switch (request->op) {
	case BLOCK_READ:
	case BLOCK_WRITE:
		return move_all(loop, request);
	case BLOCK_FLUSH:
		return file->ops->fsync != NULL ? file->ops->fsync(file, 0, INT64_MAX, true) : 0;
	default:
		if (file->ops->fallocate == NULL)
			return -EOPNOTSUPP;
		return (int)file->ops->fallocate(
			file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)(loop->offset + (request->sector << SECTOR_SHIFT)),
			(off_t)(request->sectors << SECTOR_SHIFT));
	}
}

static void loop_thread(void *argument)
{
	struct loop *loop = argument;
	struct block_queue *queue = &loop->disk->queues[0];

	for (;;) {
		wait_event(&loop->work,
			   READ_ONCE(loop->current_request) != NULL || READ_ONCE(loop->stopping));
		struct block_request *request = READ_ONCE(loop->current_request);
		if (request == NULL)
			break;
		int error = serve(loop, request);
		unsigned long flags = spin_lock_irqsave(&queue->lock);
		loop->current_request = NULL;
		block_request_end(request, error);
		block_queue_run(queue);
		spin_unlock_irqrestore(&queue->lock, flags);
		block_queue_deliver(queue);
	}
	__atomic_store_n(&loop->running, false, __ATOMIC_RELEASE);
	wake_up_all(&loop->work);
}

int loop_start(struct loop *loop)
{
	struct task *thread;

	loop->stopping = false;
	loop->running = true;
	thread = kernel_thread_create(loop_thread, loop, loop->disk->name);
	if (IS_ERR(thread)) {
		loop->running = false;
		return (int)PTR_ERR(thread);
	}
	task_put(thread);
	return 0;
}

void loop_stop(struct loop *loop)
{
	struct block_queue *queue = &loop->disk->queues[0];
	unsigned long flags = spin_lock_irqsave(&queue->lock);

	loop->stopping = true;
	spin_unlock_irqrestore(&queue->lock, flags);
	wake_up_all(&loop->work);
	wait_event(&loop->work, !__atomic_load_n(&loop->running, __ATOMIC_ACQUIRE));
}

const struct block_disk_ops loop_disk_ops = {
	.start = start, .ioctl = loop_ioctl, .closed = loop_closed};
