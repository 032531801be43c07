/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and fifos: a ring of pages between writers and readers.
 *
 * Each slot of the ring holds a frame with `length` bytes from `offset` on.  A write fills up the
 * newest slot before it takes another; a write of at most PIPE_BUF bytes goes in whole or waits.
 * With O_DIRECT each write makes slots of its own and a read takes one
 * ("packet mode").  `spare` keeps one emptied frame for the next write, so that a small message
 * costs no allocation.
 *
 * A slot may also refer to a frame that others use too, put there by splice (ipc/splice.c); such a
 * frame is never written and never kept as the spare one.
 *
 * `lock`, a mutex, guards all of it, and is held while data is copied; it is dropped to wait.
 * Readers wait on `read_wait` for bytes or for the last writer to go, writers on `write_wait` for
 * room or for the last reader to go; those who open a fifo (ipc/fifo.c) wait for the other side on
 * the same queues.  poll looks without the lock, at words that are each read once.
 */
#include "ipc/pipe_internal.h"

#include "arch/mmu.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/pin.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/signal.h"

#define PIPE_BUF      4096
#define DEFAULT_SLOTS 16

struct pipe *pipe_alloc(void)
{
	struct pipe *pipe = kzalloc(sizeof(*pipe));

	if (pipe == NULL)
		return NULL;
	pipe->slots = kcalloc(DEFAULT_SLOTS, sizeof(struct pipe_slot));
	if (pipe->slots == NULL) {
		kfree(pipe);
		return NULL;
	}
	pipe->capacity = DEFAULT_SLOTS;
	mutex_init(&pipe->lock);
	wait_queue_init(&pipe->read_wait);
	wait_queue_init(&pipe->write_wait);
	return pipe;
}

static void release_frame(const struct pipe_slot *slot)
{
	if (slot->flags & SLOT_PINNED)
		vmm_unpin(&slot->frame, 1);
	else
		frame_free(slot->frame);
}

static void pipe_free(struct pipe *pipe)
{
	for (; pipe->tail != pipe->head; pipe->tail++)
		release_frame(pipe_slot(pipe, pipe->tail));
	if (pipe->spare != 0)
		frame_free(pipe->spare);
	kfree(pipe->slots);
	kfree(pipe);
}

/* --- Reading --- */

void pipe_release_slot(struct pipe *pipe, const struct pipe_slot *slot)
{
	if (!(slot->flags & SLOT_SHARED) && pipe->spare == 0)
		pipe->spare = slot->frame;
	else
		release_frame(slot);
}

static void release_tail(struct pipe *pipe)
{
	const struct pipe_slot slot = *pipe_slot(pipe, pipe->tail);

	WRITE_ONCE(pipe->tail, pipe->tail + 1);
	pipe_release_slot(pipe, &slot);
}

/* In place in the two functions below, for speed. */
static inline __attribute__((always_inline)) ssize_t take_bytes(struct pipe *pipe,
								struct io_cursor *cursor)
{
	size_t total = 0;

	while (!pipe_is_empty(pipe) && cursor->remaining > 0) {
		struct pipe_slot *slot = pipe_slot(pipe, pipe->tail);
		bool packet = (slot->flags & SLOT_PACKET) != 0;
		size_t wanted = MIN((size_t)slot->length, cursor->remaining);
		ssize_t copied = io_copy_to(
			cursor, (char *)phys_to_virt(slot->frame) + slot->offset, wanted);

		if (copied < 0)
			return total > 0 ? (ssize_t)total : copied;
		total += (size_t)copied;
		slot->offset += (u32)copied;
		slot->length -= (u32)copied;
		if (slot->length == 0 || packet)
			release_tail(pipe);
		if (packet || (size_t)copied < wanted)
			break;
	}
	return (ssize_t)total;
}

ssize_t pipe_take(struct pipe *pipe, struct io_cursor *cursor)
{
	return take_bytes(pipe, cursor);
}

static ssize_t pipe_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct pipe *pipe = file->private;
	ssize_t result = 0;

	if (cursor->remaining == 0)
		return 0;
	mutex_lock(&pipe->lock);
	while (pipe_is_empty(pipe)) {
		if (pipe_is_over(pipe))
			goto out;
		if (file->flags & O_NONBLOCK) {
			result = -EAGAIN;
			goto out;
		}
		mutex_unlock(&pipe->lock);
		result = wait_event_interruptible(&pipe->read_wait,
						  !pipe_is_empty(pipe) || pipe_is_over(pipe));
		if (result != 0)
			return result;
		mutex_lock(&pipe->lock);
	}
	result = take_bytes(pipe, cursor);
	mutex_unlock(&pipe->lock);
	/* Who waits for room was on the queue before looking for it; the unlocking is a barrier. */
	if (wait_queue_active(&pipe->write_wait) && !pipe_is_full(pipe))
		wake_up_events(&pipe->write_wait, UINT_MAX, PIPE_WRITABLE);
	return result;
out:
	mutex_unlock(&pipe->lock);
	return result;
}

/* --- Writing --- */

/* Adds to the newest slot if all of `count` fits there: then no slot is needed.  Bytes added, or
 * -EFAULT. */
static ssize_t merge_bytes(struct pipe *pipe, struct io_cursor *cursor, size_t count)
{
	if (pipe_is_empty(pipe))
		return 0;
	struct pipe_slot *slot = pipe_slot(pipe, pipe->head - 1);
	u32 end = slot->offset + slot->length;
	if (slot->flags != 0 || end + count > PAGE_SIZE)
		return 0;
	ssize_t copied = io_copy_from(cursor, (char *)phys_to_virt(slot->frame) + end, count);
	if (copied > 0)
		slot->length += (u32)copied;
	return copied;
}

phys_t pipe_take_frame(struct pipe *pipe)
{
	phys_t frame = pipe->spare;

	pipe->spare = 0;
	return frame != 0 ? frame : frame_alloc();
}

static inline __attribute__((always_inline)) ssize_t
append_slot(struct pipe *pipe, struct io_cursor *cursor, bool packet)
{
	phys_t frame = pipe_take_frame(pipe);

	if (frame == 0)
		return -ENOMEM;
	ssize_t copied = io_copy_from(cursor, phys_to_virt(frame),
				      MIN(cursor->remaining, (size_t)PAGE_SIZE));
	if (copied <= 0) {
		pipe->spare = frame;
		return copied;
	}
	*pipe_slot(pipe, pipe->head) = (struct pipe_slot){
		.frame = frame, .length = (u32)copied, .flags = packet ? SLOT_PACKET : 0};
	WRITE_ONCE(pipe->head, pipe->head + 1);
	return copied;
}

int pipe_broken(void)
{
	struct siginfo info;

	siginfo_init_user(&info, SIGPIPE, SI_USER);
	signal_send_task(current, &info);
	return -EPIPE;
}

/*
 * Adds as much as fits.  Sets *done when the write is complete.  Bytes added, or an error if there
 * were none.  The bytes behind the last full page go into the newest slot if they can, so that
 * small writes share pages.
 */
static ssize_t put_bytes(struct pipe *pipe, struct io_cursor *cursor, bool packet)
{
	size_t total = 0;
	size_t tail_bytes = cursor->remaining % PAGE_SIZE;

	if (!packet && tail_bytes != 0) {
		ssize_t merged = merge_bytes(pipe, cursor, tail_bytes);
		if (merged < 0)
			return merged;
		total = (size_t)merged;
	}
	u32 wanted = (u32)DIV_ROUND_UP(cursor->remaining, PAGE_SIZE);
	for (u32 room = pipe_room(pipe, wanted); room > 0 && cursor->remaining > 0; room--) {
		ssize_t added = append_slot(pipe, cursor, packet);
		if (added < 0)
			return total > 0 ? (ssize_t)total : added;
		total += (size_t)added;
		if (added == 0)
			break;
	}
	return (ssize_t)total;
}

static int wait_for_room(struct pipe *pipe)
{
	mutex_unlock(&pipe->lock);
	int error = wait_event_interruptible(&pipe->write_wait,
					     !pipe_is_full(pipe) || READ_ONCE(pipe->readers) == 0);
	mutex_lock(&pipe->lock);
	return error;
}

static ssize_t pipe_write(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct pipe *pipe = file->private;
	bool packet = (file->flags & O_DIRECT) != 0;
	size_t total = 0;
	ssize_t result = 0;

	if (cursor->remaining == 0)
		return 0;
	mutex_lock(&pipe->lock);
	while (cursor->remaining > 0) {
		if (pipe->readers == 0) {
			result = pipe_broken();
			break;
		}
		bool was_empty = pipe_is_empty(pipe);
		result = put_bytes(pipe, cursor, packet);
		if (result < 0)
			break;
		total += (size_t)result;
		/* Who reads waits for an empty pipe to fill; who polls by edges wants to know of
		 * every write. */
		if (result > 0 && (was_empty || wait_queue_active(&pipe->read_wait)))
			wake_up_events(&pipe->read_wait, UINT_MAX, PIPE_READABLE);
		if (cursor->remaining == 0)
			break;
		result = (file->flags & O_NONBLOCK) ? -EAGAIN : wait_for_room(pipe);
		if (result != 0)
			break;
	}
	mutex_unlock(&pipe->lock);
	return total > 0 ? (ssize_t)total : result;
}

/* --- Everything else --- */

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->private;
	u32 events = 0;

	if (file->mode & FILE_READ)
		poll_wait(file, &pipe->read_wait, table);
	if (file->mode & FILE_WRITE)
		poll_wait(file, &pipe->write_wait, table);
	if (file->mode & FILE_READ) {
		if (!pipe_is_empty(pipe))
			events |= PIPE_READABLE;
		/* A fifo that no writer has opened yet is not at its end. */
		if (READ_ONCE(pipe->writers) == 0 && READ_ONCE(pipe->opens_for_writing) != 0)
			events |= POLLHUP;
	}
	if (file->mode & FILE_WRITE) {
		if (!pipe_is_full(pipe))
			events |= PIPE_WRITABLE;
		if (READ_ONCE(pipe->readers) == 0)
			events |= POLLERR;
	}
	return events;
}

static size_t count_bytes(struct pipe *pipe)
{
	size_t bytes = 0;

	mutex_lock(&pipe->lock);
	for (u32 at = pipe->tail; at != pipe->head; at++)
		bytes += pipe_slot(pipe, at)->length;
	mutex_unlock(&pipe->lock);
	return bytes;
}

static long pipe_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
	if (command != FIONREAD)
		return -ENOTTY;
	return put_user((u32)count_bytes(file->private), argument);
}

/* Changes the number of slots; what is in the pipe moves along.  The new size in bytes, or an
 * error. */
static long set_size(struct pipe *pipe, vaddr_t size)
{
	u32 capacity = 1;

	if (size > (vaddr_t)1 << 31)
		return -EINVAL;
	if (size > PIPE_MAX_SIZE && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	while (capacity * PAGE_SIZE < size)
		capacity *= 2;
	struct pipe_slot *slots = kcalloc(capacity, sizeof(struct pipe_slot));
	if (slots == NULL)
		return -ENOMEM;
	mutex_lock(&pipe->lock);
	u32 used = pipe->head - pipe->tail;
	if (used + pipe->held > capacity) {
		mutex_unlock(&pipe->lock);
		kfree(slots);
		return -EBUSY;
	}
	for (u32 i = 0; i < used; i++)
		slots[i] = *pipe_slot(pipe, pipe->tail + i);
	kfree(pipe->slots);
	pipe->slots = slots;
	WRITE_ONCE(pipe->capacity, capacity);
	WRITE_ONCE(pipe->tail, 0);
	WRITE_ONCE(pipe->head, used);
	mutex_unlock(&pipe->lock);
	wake_up_events(&pipe->write_wait, UINT_MAX, PIPE_WRITABLE);
	return (long)(capacity * PAGE_SIZE);
}

static long pipe_fcntl(struct file *file, unsigned command, vaddr_t argument)
{
	struct pipe *pipe = file->private;

	switch (command) {
	case F_GETPIPE_SZ:
		return (long)(READ_ONCE(pipe->capacity) * PAGE_SIZE);
	case F_SETPIPE_SZ:
		return set_size(pipe, argument);
	default:
		return -EINVAL;
	}
}

void pipe_release(struct file *file)
{
	struct pipe *pipe = file->private;
	struct inode *inode = file->inode;

	rwlock_write_lock_nested(&inode->lock, INODE_NEST_FIFO);
	mutex_lock(&pipe->lock);
	if (file->mode & FILE_READ)
		WRITE_ONCE(pipe->readers, pipe->readers - 1);
	if (file->mode & FILE_WRITE)
		WRITE_ONCE(pipe->writers, pipe->writers - 1);
	bool last = --pipe->files == 0;
	mutex_unlock(&pipe->lock);
	if (last) {
		inode->private = NULL;
	} else {
		/* Under the inode's lock: the other end may be about to close and free the pipe. */
		wake_up_events(&pipe->read_wait, UINT_MAX, PIPE_READABLE | POLLHUP);
		wake_up_events(&pipe->write_wait, UINT_MAX, PIPE_WRITABLE | POLLERR);
	}
	rwlock_write_unlock(&inode->lock);
	if (last)
		pipe_free(pipe);
}

const struct file_operations pipe_operations = {
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fcntl = pipe_fcntl,
	.stream = true,
};

int pipe_create(struct file *ends[2], u32 flags)
{
	struct pipe *pipe = pipe_alloc();

	if (pipe == NULL)
		return -ENOMEM;
	pipe->readers = pipe->opens_for_reading = 1;
	pipe->writers = pipe->opens_for_writing = 1;
	pipe->files = 2;
	pipe->nameless = true;
	ends[0] = anon_inode_create("pipe", S_IFIFO | 0600, &pipe_operations, pipe,
				    O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(ends[0])) {
		pipe_free(pipe);
		return (int)PTR_ERR(ends[0]);
	}
	ends[0]->inode->private = pipe;
	ends[1] = anon_file_clone(ends[0], &pipe_operations, pipe,
				  O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	if (IS_ERR(ends[1])) {
		pipe->files = 1;
		pipe->writers = 0;
		file_put(ends[0]);
		return (int)PTR_ERR(ends[1]);
	}
	return 0;
}

struct pipe *pipe_of_file(const struct file *file)
{
	return file->ops == &pipe_operations ? file->private : NULL;
}
