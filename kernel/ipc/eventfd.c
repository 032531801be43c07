/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd(2): a counter that writes add to and reads take from.
 *
 * `lock` guards the counter; readers and writers wait on one queue.
 */
#include "ipc/event.h"

#include "lib/format.h"
#include "mm/kmalloc.h"

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
	spinlock_t lock;
	u64 count;
	bool semaphore; /* constant */
	wait_queue_t queue;
};

/* Takes the value of one read: false when the counter is zero. */
static bool take(struct eventfd *event, u64 *value)
{
	spin_lock(&event->lock);
	bool available = event->count != 0;
	if (available) {
		*value = event->semaphore ? 1 : event->count;
		event->count -= *value;
	}
	spin_unlock(&event->lock);
	return available;
}

static bool add(struct eventfd *event, u64 value)
{
	spin_lock(&event->lock);
	bool fits = value <= COUNT_MAX - event->count;
	if (fits)
		event->count += value;
	spin_unlock(&event->lock);
	return fits;
}

static ssize_t eventfd_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct eventfd *event = file->private;
	u64 value = 0;

	if (cursor->remaining < sizeof(value))
		return -EINVAL;
	if (!take(event, &value)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int error = wait_event_interruptible(&event->queue, take(event, &value));
		if (error)
			return error;
	}
	wake_up_events(&event->queue, UINT_MAX, POLLOUT | POLLWRNORM);
	return io_copy_to(cursor, &value, sizeof(value));
}

static ssize_t eventfd_write(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct eventfd *event = file->private;
	u64 value;

	if (cursor->remaining < sizeof(value))
		return -EINVAL;
	ssize_t copied = io_copy_from(cursor, &value, sizeof(value));
	if (copied != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	if (!add(event, value)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int error = wait_event_interruptible(&event->queue, add(event, value));
		if (error)
			return error;
	}
	wake_up_events(&event->queue, UINT_MAX, POLLIN | POLLRDNORM);
	return sizeof(value);
}

static u32 eventfd_poll(struct file *file, struct poll_table *table)
{
	struct eventfd *event = file->private;

	poll_wait(file, &event->queue, table);
	u64 count = READ_ONCE(event->count);
	return (count > 0 ? POLLIN | POLLRDNORM : 0u) |
	       (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0u);
}

static int eventfd_show_info(struct file *file, char *buffer, size_t size)
{
	const struct eventfd *event = file->private;

	return snprintf(buffer, size, "eventfd-count: %16lx\n",
			(unsigned long)READ_ONCE(event->count));
}

static void eventfd_release(struct file *file)
{
	kfree(file->private);
}

static const struct file_operations eventfd_operations = {
	.release = eventfd_release,
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.show_info = eventfd_show_info,
	.stream = true,
};

struct file *eventfd_create(u64 initial, u32 flags)
{
	struct eventfd *event = kzalloc(sizeof(*event));

	if (event == NULL)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&event->lock);
	wait_queue_init(&event->queue);
	event->count = initial;
	event->semaphore = (flags & EFD_SEMAPHORE) != 0;
	struct file *file = anon_file_create("anon_inode:[eventfd]", &eventfd_operations, event,
					     O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(file))
		kfree(event);
	return file;
}

bool eventfd_is(const struct file *file)
{
	return file->ops == &eventfd_operations;
}

void eventfd_count(struct file *file)
{
	struct eventfd *event = file->private;

	if (add(event, 1))
		wake_up_events(&event->queue, UINT_MAX, POLLIN | POLLRDNORM);
}
