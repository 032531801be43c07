/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify's events: queued by who changes files, read by who watches.
 *
 * An event equal to the last one in the queue is not queued again.  When the queue is full, or
 * memory is out, one event says so: it is part of the instance, so that it is always there.
 */
#include "ipc/inotify_internal.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

void inotify_queue_init(struct inotify *inotify)
{
	list_init(&inotify->events);
	list_init(&inotify->overflow.link);
	inotify->overflow.number = -1;
	inotify->overflow.mask = IN_Q_OVERFLOW;
	wait_queue_init(&inotify->queue);
}

static void free_event(struct inotify *inotify, struct inotify_event *event)
{
	if (event != &inotify->overflow)
		kfree(event);
}

static bool is_repeated(const struct inotify *inotify, const struct inotify_event *event)
{
	const struct inotify_event *last;

	if (list_empty(&inotify->events) || event->mask & IN_IGNORED)
		return false;
	last = list_last_entry(&inotify->events, struct inotify_event, link);
	return last->number == event->number && last->mask == event->mask &&
	       last->length == event->length && memcmp(last->name, event->name, event->length) == 0;
}

/* Whether the queue has the event now; else the caller still has it. */
static bool add_locked(struct inotify *inotify, struct inotify_event *event)
{
	if (event != NULL && is_repeated(inotify, event))
		return false;
	if (event == NULL || inotify->count >= READ_ONCE(inotify_settings.queued_events)) {
		if (list_empty(&inotify->overflow.link)) {
			list_add_tail(&inotify->overflow.link, &inotify->events);
			inotify->count++;
		}
		return false;
	}
	list_add_tail(&event->link, &inotify->events);
	inotify->count++;
	return true;
}

void inotify_queue(struct inotify *inotify, s32 number, u32 mask, u32 cookie, const char *name,
		   u32 length)
{
	struct inotify_event *event = kmalloc(sizeof(*event) + length);

	if (event != NULL) {
		event->number = number;
		event->mask = mask;
		event->cookie = cookie;
		event->length = length;
		if (length > 0)
			memcpy(event->name, name, length);
	}
	spin_lock(&inotify->lock);
	bool added = add_locked(inotify, event);
	spin_unlock(&inotify->lock);
	if (!added)
		kfree(event);
	wake_up_events(&inotify->queue, UINT_MAX, POLLIN | POLLRDNORM);
}

void inotify_queue_destroy(struct inotify *inotify)
{
	while (!list_empty(&inotify->events)) {
		struct inotify_event *event =
			list_first_entry(&inotify->events, struct inotify_event, link);

		list_remove(&event->link);
		free_event(inotify, event);
	}
}

/* Of a name with its padding. */
static u32 padded_length(const struct inotify_event *event)
{
	return event->length == 0
		       ? 0
		       : (u32)ALIGN_UP(event->length + 1, sizeof(struct linux_inotify_event));
}

/* The first event, taken out: NULL when there is none, ERR_PTR(-EINVAL) when it does not fit.
 * `taken` is a copy of the instance's own one. */
static struct inotify_event *take(struct inotify *inotify, size_t room, struct inotify_event *taken)
{
	struct inotify_event *event = NULL;

	spin_lock(&inotify->lock);
	if (!list_empty(&inotify->events)) {
		event = list_first_entry(&inotify->events, struct inotify_event, link);
		if (sizeof(struct linux_inotify_event) + padded_length(event) > room) {
			event = ERR_PTR(-EINVAL);
		} else {
			list_remove(&event->link);
			inotify->count--;
			if (event == &inotify->overflow) {
				*taken = *event;
				event = taken;
			}
		}
	}
	spin_unlock(&inotify->lock);
	return event;
}

static ssize_t copy_out(const struct inotify_event *event, struct io_cursor *cursor)
{
	static const char zeros[sizeof(struct linux_inotify_event)];
	struct linux_inotify_event head = {
		.number = event->number,
		.mask = event->mask,
		.cookie = event->cookie,
		.length = padded_length(event),
	};
	size_t padding = head.length - event->length;

	if (io_copy_to(cursor, &head, sizeof(head)) != sizeof(head))
		return -EFAULT;
	if (event->length > 0 &&
	    (io_copy_to(cursor, event->name, event->length) != (ssize_t)event->length ||
	     io_copy_to(cursor, zeros, padding) != (ssize_t)padding))
		return -EFAULT;
	return (ssize_t)(sizeof(head) + head.length);
}

static bool is_empty(struct inotify *inotify)
{
	return list_empty(&inotify->events);
}

ssize_t inotify_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct inotify *inotify = file->private;
	ssize_t total = 0, copied;

	for (;;) {
		struct inotify_event overflow;
		struct inotify_event *event = take(inotify, cursor->remaining, &overflow);

		if (event == NULL && total == 0) {
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			int error = wait_event_interruptible(&inotify->queue, !is_empty(inotify));
			if (error)
				return error;
			continue;
		}
		if (event == NULL || IS_ERR(event))
			return total > 0 ? total : (ssize_t)PTR_ERR(event);
		copied = copy_out(event, cursor);
		if (event != &overflow)
			kfree(event);
		if (copied < 0)
			return copied;
		total += copied;
	}
}

u32 inotify_poll(struct file *file, struct poll_table *table)
{
	struct inotify *inotify = file->private;

	poll_wait(file, &inotify->queue, table);
	return is_empty(inotify) ? 0 : POLLIN | POLLRDNORM;
}

u32 inotify_bytes(struct inotify *inotify)
{
	const struct inotify_event *event;
	u32 total = 0;

	spin_lock(&inotify->lock);
	list_for_each_entry (event, &inotify->events, link)
		total += (u32)sizeof(struct linux_inotify_event) + padded_length(event);
	spin_unlock(&inotify->lock);
	return total;
}
