/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fifos: pipes with a name (fifo(7)).
 *
 * While a fifo is open its inode's `private` is the pipe, guarded by the inode's lock: the first
 * open makes it, the last close frees it.  An open waits for the other side on the queue of those
 * who read or write.
 */
#include "fs/vfs.h"
#include "ipc/pipe_internal.h"

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
	rwlock_write_lock_nested(&inode->lock, INODE_NEST_FIFO);
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
