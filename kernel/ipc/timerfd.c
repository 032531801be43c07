/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd_create(2): a timer whose expirations are read as a count.
 *
 * Deadlines are kept on the monotonic clock.  A timer on the wall clock with an absolute deadline
 * keeps that, too, and is moved when the wall clock is set; with TFD_TIMER_CANCEL_ON_SET, setting
 * the clock makes reads fail with ECANCELED instead.
 *
 * A count is not kept while nobody looks: expirations since `next` are worked out from the interval
 * when the timer fires or is asked.  A timer that has fired is started again by the read that takes
 * its count, so that a short interval costs nothing but to who reads.
 *
 * `lock`, taken with interrupts off, guards everything; `all_lock` the list of wall-clock timers,
 * and is taken outside it.
 */
#include "arch/clock.h"
#include "ipc/event.h"
#include "lib/format.h"
#include "mm/kmalloc.h"
#include "proc/time.h"
#include "proc/timer.h"

struct timerfd {
	struct timer timer;
	spinlock_t lock;
	clockid_t clock; /* constant */
	bool armed;
	bool absolute_wall; /* the setting was an absolute time of the wall clock: `wall` */
	bool cancel_on_set;
	bool canceled;   /* the clock was set: the next read says so */
	nsec_t next;     /* monotonic time of the next expiration, while armed */
	nsec_t wall;     /* the same on the wall clock */
	nsec_t interval; /* 0: one shot */
	u64 expirations; /* not read yet */
	wait_queue_t queue;
	struct list_head link; /* in wall_timers, guarded by its lock */
};

static struct list_head wall_timers = LIST_INIT(wall_timers);
static spinlock_t all_lock;

/* Counts the expirations up to now and moves `next` behind now. */
static void catch_up_locked(struct timerfd *timer)
{
	nsec_t now = clock_monotonic();

	if (!timer->armed || timer->next > now)
		return;
	u64 passed = 1;
	if (timer->interval != 0) {
		passed += (now - timer->next) / timer->interval;
		timer->next += passed * timer->interval;
		timer->wall += passed * timer->interval;
	} else {
		timer->armed = false;
	}
	timer->expirations += passed;
}

static void timer_fired(struct timer *base)
{
	struct timerfd *timer = container_of(base, struct timerfd, timer);
	unsigned long flags = spin_lock_irqsave(&timer->lock);

	catch_up_locked(timer);
	spin_unlock_irqrestore(&timer->lock, flags);
	wake_up_events(&timer->queue, UINT_MAX, POLLIN | POLLRDNORM);
}

/* The wall clock was set: absolute settings on it mean another moment now. */
static void wall_was_set(struct time_set_listener *listener __unused)
{
	struct timerfd *timer;
	unsigned long flags = spin_lock_irqsave(&all_lock);

	list_for_each_entry (timer, &wall_timers, link) {
		spin_lock(&timer->lock);
		if (timer->armed && timer->absolute_wall) {
			timer->next = time_wall_to_monotonic(timer->wall);
			timer_start(&timer->timer, timer->next);
		}
		bool wake = timer->armed && timer->cancel_on_set;
		timer->canceled |= wake;
		spin_unlock(&timer->lock);
		if (wake)
			wake_up_events(&timer->queue, UINT_MAX, POLLIN | POLLRDNORM);
	}
	spin_unlock_irqrestore(&all_lock, flags);
}

/* Takes what a read returns: false when there is nothing; *canceled instead of a count after the
 * clock was set. */
static bool take(struct timerfd *timer, u64 *count, bool *canceled)
{
	unsigned long flags = spin_lock_irqsave(&timer->lock);

	catch_up_locked(timer);
	*canceled = timer->canceled;
	*count = timer->expirations;
	timer->canceled = false;
	timer->expirations = 0;
	if (timer->armed && *count != 0)
		timer_start(&timer->timer, timer->next);
	spin_unlock_irqrestore(&timer->lock, flags);
	return *canceled || *count != 0;
}

static ssize_t timerfd_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct timerfd *timer = file->private;
	u64 count = 0;
	bool canceled = false;

	if (cursor->remaining < sizeof(count))
		return -EINVAL;
	if (!take(timer, &count, &canceled)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		int error = wait_event_interruptible(&timer->queue, take(timer, &count, &canceled));
		if (error)
			return error;
	}
	return canceled ? -ECANCELED : io_copy_to(cursor, &count, sizeof(count));
}

static u32 timerfd_poll(struct file *file, struct poll_table *table)
{
	struct timerfd *timer = file->private;

	poll_wait(file, &timer->queue, table);
	unsigned long flags = spin_lock_irqsave(&timer->lock);
	catch_up_locked(timer);
	bool ready = timer->expirations != 0 || timer->canceled;
	spin_unlock_irqrestore(&timer->lock, flags);
	return ready ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_release(struct file *file)
{
	struct timerfd *timer = file->private;
	unsigned long flags = spin_lock_irqsave(&all_lock);

	list_remove(&timer->link);
	spin_unlock_irqrestore(&all_lock, flags);
	flags = spin_lock_irqsave(&timer->lock);
	timer->armed = false;
	spin_unlock_irqrestore(&timer->lock, flags);
	timer_cancel_sync(&timer->timer);
	kfree(timer);
}

static const struct file_operations timerfd_operations = {
	.release = timerfd_release,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.stream = true,
};

struct file *timerfd_create(clockid_t clock, u32 flags)
{
	static struct time_set_listener listener = {.function = wall_was_set};
	static bool listening; /* all_lock */

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return ERR_PTR(-EINVAL);
	struct timerfd *timer = kzalloc(sizeof(*timer));
	if (timer == NULL)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&timer->lock);
	wait_queue_init(&timer->queue);
	timer_init(&timer->timer, timer_fired);
	timer->clock = clock;
	list_init(&timer->link);
	struct file *file = anon_file_create("anon_inode:[timerfd]", &timerfd_operations, timer,
					     O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(timer);
		return file;
	}
	unsigned long saved = spin_lock_irqsave(&all_lock);
	if (clock == CLOCK_REALTIME)
		list_add_tail(&timer->link, &wall_timers);
	bool listen = !listening;
	listening = true;
	spin_unlock_irqrestore(&all_lock, saved);
	if (listen)
		time_set_listen(&listener);
	return file;
}

static void read_setting_locked(struct timerfd *timer, struct linux_itimerspec *setting)
{
	nsec_t now = clock_monotonic();

	catch_up_locked(timer);
	setting->it_interval = nsec_to_timespec(timer->interval);
	setting->it_value = nsec_to_timespec(!timer->armed       ? 0
					     : timer->next > now ? timer->next - now
								 : 1);
}

long timerfd_set(struct file *file, u32 flags, const struct linux_itimerspec *setting,
		 struct linux_itimerspec *old)
{
	struct timerfd *timer = file->private;
	nsec_t value = timespec_to_nsec(&setting->it_value);

	if (file->ops != &timerfd_operations)
		return -EINVAL;
	timer_cancel_sync(&timer->timer);
	unsigned long saved = spin_lock_irqsave(&timer->lock);
	read_setting_locked(timer, old);
	timer->armed = value != 0;
	timer->interval = timespec_to_nsec(&setting->it_interval);
	timer->expirations = 0;
	timer->canceled = false;
	timer->absolute_wall = timer->clock == CLOCK_REALTIME && (flags & TFD_TIMER_ABSTIME);
	timer->cancel_on_set = timer->absolute_wall && (flags & TFD_TIMER_CANCEL_ON_SET);
	timer->wall = value;
	timer->next = timer->absolute_wall          ? time_wall_to_monotonic(value)
		      : (flags & TFD_TIMER_ABSTIME) ? value
						    : time_after(value);
	if (timer->armed)
		timer_start(&timer->timer, timer->next);
	spin_unlock_irqrestore(&timer->lock, saved);
	return 0;
}

long timerfd_get(struct file *file, struct linux_itimerspec *setting)
{
	struct timerfd *timer = file->private;

	if (file->ops != &timerfd_operations)
		return -EINVAL;
	unsigned long flags = spin_lock_irqsave(&timer->lock);
	read_setting_locked(timer, setting);
	spin_unlock_irqrestore(&timer->lock, flags);
	return 0;
}
