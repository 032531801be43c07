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
 * `lock`, a mutex, guards all of it, and is held while data is copied; it is dropped to wait.
 * Readers wait on `read_wait` for bytes or for the last writer to go, writers on `write_wait` for
 * room or for the last reader to go; those who open a fifo wait for the other side on the same
 * queues.  poll looks without the lock, at words that are each read once.
 *
 * An inode's `private` is the pipe; of a fifo, while it is open, guarded by the inode's lock.
 */
#include "ipc/pipe.h"

#include "arch/mmu.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/signal.h"

#define PIPE_BUF      4096
#define DEFAULT_SLOTS 16
#define READABLE      (POLLIN | POLLRDNORM)
#define WRITABLE      (POLLOUT | POLLWRNORM)

struct slot {
	phys_t frame;
	u32 offset, length;
	bool packet; /* nothing may be added, and a read ends behind it */
};

struct pipe {
	mutex_t lock;
	struct slot *slots;
	u32 capacity; /* slots; a power of two */
	u32 head;     /* the next slot to be written; counts up for ever */
	u32 tail;     /* the slot to be read */
	phys_t spare; /* 0 or a frame */
	u32 readers, writers;
	u32 opens_for_reading, opens_for_writing; /* ever: what a fifo's open waits for */
	u32 files;                                /* open files; the last one frees */
	bool nameless;                            /* constant: from pipe(2), not a fifo */
	wait_queue_t read_wait, write_wait;
};

static bool is_empty(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) == READ_ONCE(pipe->tail);
}

/*
 * While memory is short a pipe holds one page, so that pipes which nobody reads do not take what
 * everybody needs.  So a pipe may come to have room without anybody reading.
 */
static bool is_full(const struct pipe *pipe)
{
	u32 used = READ_ONCE(pipe->head) - READ_ONCE(pipe->tail);

	return used >= READ_ONCE(pipe->capacity) || (used > 0 && frame_is_short());
}

static struct slot *slot_at(struct pipe *pipe, u32 position)
{
	return &pipe->slots[position & (pipe->capacity - 1)];
}

static struct pipe *pipe_alloc(void)
{
	struct pipe *pipe = kzalloc(sizeof(*pipe));

	if (pipe == NULL)
		return NULL;
	pipe->slots = kcalloc(DEFAULT_SLOTS, sizeof(struct slot));
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

static void pipe_free(struct pipe *pipe)
{
	for (; pipe->tail != pipe->head; pipe->tail++)
		frame_free(slot_at(pipe, pipe->tail)->frame);
	if (pipe->spare != 0)
		frame_free(pipe->spare);
	kfree(pipe->slots);
	kfree(pipe);
}

/* --- Reading --- */

static void release_tail(struct pipe *pipe)
{
	phys_t frame = slot_at(pipe, pipe->tail)->frame;

	WRITE_ONCE(pipe->tail, pipe->tail + 1);
	if (pipe->spare == 0)
		pipe->spare = frame;
	else
		frame_free(frame);
}

/* Takes what is there, as far as it fits.  Bytes, or -EFAULT if the first was bad. */
static ssize_t take_bytes(struct pipe *pipe, struct io_cursor *cursor)
{
	size_t total = 0;

	while (!is_empty(pipe) && cursor->remaining > 0) {
		struct slot *slot = slot_at(pipe, pipe->tail);
		bool packet = slot->packet;
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

static ssize_t pipe_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct pipe *pipe = file->private;
	ssize_t result = 0;

	if (cursor->remaining == 0)
		return 0;
	mutex_lock(&pipe->lock);
	while (is_empty(pipe)) {
		if (pipe->writers == 0)
			goto out;
		if (file->flags & O_NONBLOCK) {
			result = -EAGAIN;
			goto out;
		}
		mutex_unlock(&pipe->lock);
		result = wait_event_interruptible(&pipe->read_wait,
						  !is_empty(pipe) || READ_ONCE(pipe->writers) == 0);
		if (result != 0)
			return result;
		mutex_lock(&pipe->lock);
	}
	bool was_full = is_full(pipe) || wait_queue_active(&pipe->write_wait);
	result = take_bytes(pipe, cursor);
	bool has_room = was_full && !is_full(pipe);
	mutex_unlock(&pipe->lock);
	if (has_room)
		wake_up_events(&pipe->write_wait, UINT_MAX, WRITABLE);
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
	if (is_empty(pipe))
		return 0;
	struct slot *slot = slot_at(pipe, pipe->head - 1);
	u32 end = slot->offset + slot->length;
	if (slot->packet || end + count > PAGE_SIZE)
		return 0;
	ssize_t copied = io_copy_from(cursor, (char *)phys_to_virt(slot->frame) + end, count);
	if (copied > 0)
		slot->length += (u32)copied;
	return copied;
}

static phys_t take_frame(struct pipe *pipe)
{
	phys_t frame = pipe->spare;

	pipe->spare = 0;
	return frame != 0 ? frame : frame_alloc();
}

/* Puts up to a page into a slot of its own; the ring is not full.  Bytes, -ENOMEM or -EFAULT. */
static ssize_t append_slot(struct pipe *pipe, struct io_cursor *cursor, bool packet)
{
	phys_t frame = take_frame(pipe);

	if (frame == 0)
		return -ENOMEM;
	ssize_t copied = io_copy_from(cursor, phys_to_virt(frame),
				      MIN(cursor->remaining, (size_t)PAGE_SIZE));
	if (copied <= 0) {
		pipe->spare = frame;
		return copied;
	}
	*slot_at(pipe, pipe->head) =
		(struct slot){.frame = frame, .length = (u32)copied, .packet = packet};
	WRITE_ONCE(pipe->head, pipe->head + 1);
	return copied;
}

static int broken_pipe(void)
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
	while (cursor->remaining > 0 && !is_full(pipe)) {
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
					     !is_full(pipe) || READ_ONCE(pipe->readers) == 0);
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
			result = broken_pipe();
			break;
		}
		bool was_empty = is_empty(pipe);
		result = put_bytes(pipe, cursor, packet);
		if (result < 0)
			break;
		total += (size_t)result;
		/* Who reads waits for an empty pipe to fill; who polls by edges wants to know of
		 * every write. */
		if (result > 0 && (was_empty || wait_queue_active(&pipe->read_wait)))
			wake_up_events(&pipe->read_wait, UINT_MAX, READABLE);
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
		if (!is_empty(pipe))
			events |= READABLE;
		/* A fifo that no writer has opened yet is not at its end. */
		if (READ_ONCE(pipe->writers) == 0 && READ_ONCE(pipe->opens_for_writing) != 0)
			events |= POLLHUP;
	}
	if (file->mode & FILE_WRITE) {
		if (!is_full(pipe))
			events |= WRITABLE;
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
		bytes += slot_at(pipe, at)->length;
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
	struct slot *slots = kcalloc(capacity, sizeof(struct slot));
	if (slots == NULL)
		return -ENOMEM;
	mutex_lock(&pipe->lock);
	u32 used = pipe->head - pipe->tail;
	if (used > capacity) {
		mutex_unlock(&pipe->lock);
		kfree(slots);
		return -EBUSY;
	}
	for (u32 i = 0; i < used; i++)
		slots[i] = *slot_at(pipe, pipe->tail + i);
	kfree(pipe->slots);
	pipe->slots = slots;
	WRITE_ONCE(pipe->capacity, capacity);
	WRITE_ONCE(pipe->tail, 0);
	WRITE_ONCE(pipe->head, used);
	mutex_unlock(&pipe->lock);
	wake_up_events(&pipe->write_wait, UINT_MAX, WRITABLE);
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

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->private;
	struct inode *inode = file->inode;

	rwlock_write_lock(&inode->lock);
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
		wake_up_events(&pipe->read_wait, UINT_MAX, READABLE | POLLHUP);
		wake_up_events(&pipe->write_wait, UINT_MAX, WRITABLE | POLLERR);
	}
	rwlock_write_unlock(&inode->lock);
	if (last)
		pipe_free(pipe);
}

static const struct file_operations pipe_operations = {
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

/* --- Fifos --- */

/*
 * What somebody found who joined a fifo: is there a partner, and how often had one been opened? The
 * partner may come and go before he looks again.
 */
struct fifo_opens {
	bool reader_here, writer_here;
	u32 for_reading, for_writing;
};

/* The fifo's pipe, made for the first opener; counts the new file in.  NULL: no memory. */
static struct pipe *join(struct inode *inode, const struct file *file, struct fifo_opens *before)
{
	rwlock_write_lock(&inode->lock);
	struct pipe *pipe = inode->private;
	if (pipe == NULL)
		pipe = inode->private = pipe_alloc();
	if (pipe != NULL) {
		mutex_lock(&pipe->lock);
		before->reader_here = pipe->readers != 0;
		before->writer_here = pipe->writers != 0;
		before->for_reading = pipe->opens_for_reading;
		before->for_writing = pipe->opens_for_writing;
		pipe->files++;
		if (file->mode & FILE_READ) {
			WRITE_ONCE(pipe->readers, pipe->readers + 1);
			WRITE_ONCE(pipe->opens_for_reading, pipe->opens_for_reading + 1);
		}
		if (file->mode & FILE_WRITE) {
			WRITE_ONCE(pipe->writers, pipe->writers + 1);
			WRITE_ONCE(pipe->opens_for_writing, pipe->opens_for_writing + 1);
		}
		mutex_unlock(&pipe->lock);
	}
	rwlock_write_unlock(&inode->lock);
	return pipe;
}

/* Waits until the other side is there, or was since we came.  0, -ENXIO, -ERESTARTSYS. */
static int wait_for_partner(struct pipe *pipe, const struct file *file,
			    const struct fifo_opens *before)
{
	if ((file->mode & FILE_READ) && (file->mode & FILE_WRITE))
		return 0;
	/* Opened through /proc/PID/fd: whoever was at the other end may have gone for good. */
	if (pipe->nameless)
		return 0;
	if (file->mode & FILE_READ) {
		if (file->flags & O_NONBLOCK || before->writer_here)
			return 0;
		return wait_event_interruptible(&pipe->read_wait,
						READ_ONCE(pipe->writers) != 0 ||
							READ_ONCE(pipe->opens_for_writing) !=
								before->for_writing);
	}
	if (before->reader_here)
		return 0;
	if (file->flags & O_NONBLOCK)
		return -ENXIO;
	return wait_event_interruptible(&pipe->write_wait,
					READ_ONCE(pipe->readers) != 0 ||
						READ_ONCE(pipe->opens_for_reading) !=
							before->for_reading);
}

static int fifo_open(struct inode *inode, struct file *file)
{
	struct fifo_opens before;
	struct pipe *pipe = join(inode, file, &before);

	if (pipe == NULL)
		return -ENOMEM;
	file->private = pipe;
	wake_up_all(&pipe->read_wait);
	wake_up_all(&pipe->write_wait);
	int error = wait_for_partner(pipe, file, &before);
	if (error)
		pipe_release(file);
	else
		file->ops = &pipe_operations;
	return error;
}

static const struct file_operations fifo_operations = {.open = fifo_open, .stream = true};

void pipe_init(void)
{
	fifo_register(&fifo_operations);
}
