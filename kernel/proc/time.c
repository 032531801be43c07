/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wall clock and conversions of time.
 *
 * The wall clock is the monotonic clock plus an offset, one word that is read without a lock.
 * Setting it is rare; a mutex keeps setters apart, and the list of listeners with it: timers on the
 * wall clock that must move.
 */
#include "proc/time.h"

#include "arch/clock.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "mm/usercopy.h"
#include "proc/time_internal.h"

static s64 wall_offset; /* setting_lock to write */
static mutex_t setting_lock = MUTEX_INIT(setting_lock);
static struct time_set_listener *listeners; /* setting_lock */

void time_init(void)
{
	time_t seconds = clock_read_rtc();

	WRITE_ONCE(wall_offset, (s64)((nsec_t)seconds * NSEC_PER_SEC) - (s64)clock_monotonic());
	clock_publish_wall(wall_offset);
}

nsec_t time_wall(void)
{
	return clock_monotonic() + (nsec_t)READ_ONCE(wall_offset);
}

time_t time_wall_seconds(void)
{
	return (time_t)(time_wall() / NSEC_PER_SEC);
}

struct linux_timespec time_wall_timespec(void)
{
	return nsec_to_timespec(time_wall());
}

nsec_t time_boot_wall(void)
{
	s64 offset = READ_ONCE(wall_offset);

	return offset > 0 ? (nsec_t)offset : 0;
}

nsec_t time_wall_to_monotonic(nsec_t wall)
{
	s64 offset = READ_ONCE(wall_offset);

	if (wall >= (nsec_t)INT64_MAX)
		return NO_DEADLINE;
	return (s64)wall > offset ? (nsec_t)((s64)wall - offset) : 1;
}

void time_set_wall(nsec_t wall)
{
	struct time_set_listener *listener;

	mutex_lock(&setting_lock);
	WRITE_ONCE(wall_offset, (s64)wall - (s64)clock_monotonic());
	clock_publish_wall(wall_offset);
	for (listener = listeners; listener != NULL; listener = listener->next)
		listener->function(listener);
	mutex_unlock(&setting_lock);
	time_wake_wall_sleepers();
}

void time_set_listen(struct time_set_listener *listener)
{
	mutex_lock(&setting_lock);
	listener->next = listeners;
	listeners = listener;
	mutex_unlock(&setting_lock);
}

bool timespec_valid(const struct linux_timespec *time)
{
	return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < (s64)NSEC_PER_SEC;
}

bool timeval_valid(const struct linux_timeval *time)
{
	return time->tv_sec >= 0 && time->tv_usec >= 0 &&
	       time->tv_usec < (s64)(NSEC_PER_SEC / NSEC_PER_USEC);
}

/* Seconds beyond which a time counts as "never", so that sums of two times do not overflow. */
#define FAR_FUTURE_SECONDS ((s64)(INT64_MAX / (s64)NSEC_PER_SEC))

nsec_t timespec_to_nsec(const struct linux_timespec *time)
{
	if (time->tv_sec >= FAR_FUTURE_SECONDS)
		return INT64_MAX;
	return (nsec_t)time->tv_sec * NSEC_PER_SEC + (nsec_t)time->tv_nsec;
}

nsec_t timeval_to_nsec(const struct linux_timeval *time)
{
	if (time->tv_sec >= FAR_FUTURE_SECONDS)
		return INT64_MAX;
	return (nsec_t)time->tv_sec * NSEC_PER_SEC + (nsec_t)time->tv_usec * NSEC_PER_USEC;
}

struct linux_timespec nsec_to_timespec(nsec_t time)
{
	return (struct linux_timespec){.tv_sec = (s64)(time / NSEC_PER_SEC),
				       .tv_nsec = (s64)(time % NSEC_PER_SEC)};
}

struct linux_timeval nsec_to_timeval(nsec_t time)
{
	return (struct linux_timeval){.tv_sec = (s64)(time / NSEC_PER_SEC),
				      .tv_usec = (s64)(time % NSEC_PER_SEC / NSEC_PER_USEC)};
}

int timespec_from_user(nsec_t *time, vaddr_t address)
{
	struct linux_timespec value;

	if (get_user(value, address) < 0)
		return -EFAULT;
	if (!timespec_valid(&value))
		return -EINVAL;
	*time = timespec_to_nsec(&value);
	return 0;
}

int timespec_to_user(vaddr_t address, nsec_t time)
{
	struct linux_timespec value = nsec_to_timespec(time);

	return put_user(value, address);
}

nsec_t time_after(nsec_t delay)
{
	nsec_t now = clock_monotonic();

	return delay >= (nsec_t)INT64_MAX - now ? NO_DEADLINE : now + delay;
}

int time_deadline(clockid_t clock, nsec_t value, bool absolute, nsec_t *deadline)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*deadline = absolute ? time_wall_to_monotonic(value) : time_after(value);
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*deadline = absolute ? value : time_after(value);
		return 0;
	default:
		return -EINVAL;
	}
}
