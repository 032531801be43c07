/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on clocks and timers.
 */
#include "proc/time.h"

#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/interval_timer.h"
#include "syscall/table.h"

/* The kernel's idea of a time zone, which only settimeofday and gettimeofday touch. */
static struct linux_timezone time_zone; /* zone_lock */
static spinlock_t zone_lock;

long sys_clock_gettime(clockid_t clock, vaddr_t time)
{
	nsec_t now;
	int result = time_read_clock(clock, &now);

	return result < 0 ? result : timespec_to_user(time, now);
}

long sys_clock_settime(clockid_t clock, vaddr_t time)
{
	nsec_t value;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	int result = timespec_from_user(&value, time);
	if (result < 0)
		return result;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (value >= (nsec_t)INT64_MAX)
		return -EINVAL;
	time_set_wall(value);
	return 0;
}

/* What programs expect of the coarse clocks, a tick of 250 Hz; ours are finer. */
#define COARSE_RESOLUTION (4 * NSEC_PER_MSEC)

long sys_clock_getres(clockid_t clock, vaddr_t resolution)
{
	nsec_t now;
	int result = time_read_clock(clock, &now);

	if (result < 0 || resolution == 0)
		return result;
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	return timespec_to_user(resolution, coarse ? COARSE_RESOLUTION : 1);
}

long sys_clock_nanosleep(clockid_t clock, int flags, vaddr_t request, vaddr_t remaining)
{
	nsec_t value;
	int result = timespec_from_user(&value, request);

	if (result < 0)
		return result;
	return time_sleep(clock, value, flags & TIMER_ABSTIME, remaining);
}

long sys_nanosleep(vaddr_t request, vaddr_t remaining)
{
	return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
}

long sys_gettimeofday(vaddr_t time, vaddr_t zone)
{
	struct linux_timeval now = nsec_to_timeval(time_wall());

	if (time != 0 && put_user(now, time) < 0)
		return -EFAULT;
	if (zone == 0)
		return 0;
	spin_lock(&zone_lock);
	struct linux_timezone copy = time_zone;
	spin_unlock(&zone_lock);
	return put_user(copy, zone);
}

long sys_settimeofday(vaddr_t time, vaddr_t zone)
{
	struct linux_timeval value;
	struct linux_timezone new_zone;

	if (time != 0 && get_user(value, time) < 0)
		return -EFAULT;
	if (zone != 0 && get_user(new_zone, zone) < 0)
		return -EFAULT;
	if (time != 0 && !timeval_valid(&value))
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (zone != 0) {
		if (new_zone.tz_minuteswest > 15 * 60 || new_zone.tz_minuteswest < -15 * 60)
			return -EINVAL;
		spin_lock(&zone_lock);
		time_zone = new_zone;
		spin_unlock(&zone_lock);
	}
	if (time != 0)
		time_set_wall(timeval_to_nsec(&value));
	return 0;
}

long sys_time(vaddr_t result)
{
	s64 now = time_wall_seconds();

	if (result != 0 && put_user(now, result) < 0)
		return -EFAULT;
	return now;
}

/* adjtimex(2): the clock is not disciplined, so reading tells that, and changing is refused. */
long sys_adjtimex(vaddr_t address)
{
	struct linux_timex state;

	if (get_user(state, address) < 0)
		return -EFAULT;
	if (state.modes != 0 && state.modes != ADJ_OFFSET_SS_READ)
		return capable(CAP_SYS_TIME) ? -EOPNOTSUPP : -EPERM;
	state = (struct linux_timex){
		.modes = state.modes,
		.maxerror = 16000000,
		.esterror = 16000000,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = 32768000,
		.time = nsec_to_timeval(time_wall()),
		.tick = 10000,
	};
	return put_user(state, address) < 0 ? -EFAULT : TIME_ERROR;
}

long sys_clock_adjtime(clockid_t clock, vaddr_t state)
{
	nsec_t now;

	if (clock == CLOCK_REALTIME)
		return sys_adjtimex(state);
	return time_read_clock(clock, &now) < 0 ? -EINVAL : -EOPNOTSUPP;
}

static int put_itimerval(vaddr_t address, const struct interval_setting *setting)
{
	struct linux_itimerval value = {.it_interval = nsec_to_timeval(setting->interval),
					.it_value = nsec_to_timeval(setting->value)};

	return put_user(value, address);
}

long sys_getitimer(int which, vaddr_t value)
{
	struct interval_setting setting;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	interval_timer_get(current->process, which, &setting);
	return put_itimerval(value, &setting);
}

long sys_setitimer(int which, vaddr_t value_address, vaddr_t old_address)
{
	struct linux_itimerval value = {{0, 0}, {0, 0}};
	struct interval_setting setting, old;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (value_address != 0 && get_user(value, value_address) < 0)
		return -EFAULT;
	if (!timeval_valid(&value.it_interval) || !timeval_valid(&value.it_value))
		return -EINVAL;
	setting.interval = timeval_to_nsec(&value.it_interval);
	setting.value = timeval_to_nsec(&value.it_value);
	int result = interval_timer_set(current->process, which, &setting, &old);
	if (result == 0 && old_address != 0)
		result = put_itimerval(old_address, &old);
	return result;
}

long sys_alarm(unsigned seconds)
{
	struct interval_setting setting = {.value = (nsec_t)seconds * NSEC_PER_SEC};
	struct interval_setting old;

	if (interval_timer_set(current->process, ITIMER_REAL, &setting, &old) < 0)
		return 0;
	/* Rounded, but never to 0 while one was running. */
	u64 left = (old.value + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return old.value != 0 ? (long)MAX(left, (u64)1) : 0;
}

long sys_timer_create(clockid_t clock, vaddr_t event_address, vaddr_t id_address)
{
	struct linux_sigevent event;

	if (event_address != 0 && get_user(event, event_address) < 0)
		return -EFAULT;
	long id = posix_timer_create(clock, event_address != 0 ? &event : NULL);
	if (id < 0)
		return id;
	s32 stored = (s32)id;
	if (put_user(stored, id_address) == 0)
		return 0;
	int result = posix_timer_delete(stored);
	(void)result;
	return -EFAULT;
}

static int put_itimerspec(vaddr_t address, const struct interval_setting *setting)
{
	struct linux_itimerspec value = {.it_interval = nsec_to_timespec(setting->interval),
					 .it_value = nsec_to_timespec(setting->value)};

	return put_user(value, address);
}

long sys_timer_settime(int id, int flags, vaddr_t value_address, vaddr_t old_address)
{
	struct linux_itimerspec value;
	struct interval_setting setting, old;

	if (value_address == 0)
		return -EINVAL;
	if (get_user(value, value_address) < 0)
		return -EFAULT;
	if (!timespec_valid(&value.it_interval) || !timespec_valid(&value.it_value))
		return -EINVAL;
	setting.interval = timespec_to_nsec(&value.it_interval);
	setting.value = timespec_to_nsec(&value.it_value);
	int result = posix_timer_settime(id, flags & TIMER_ABSTIME, &setting, &old);
	if (result == 0 && old_address != 0)
		result = put_itimerspec(old_address, &old);
	return result;
}

long sys_timer_gettime(int id, vaddr_t value)
{
	struct interval_setting setting;
	int result = posix_timer_gettime(id, &setting);

	return result < 0 ? result : put_itimerspec(value, &setting);
}

long sys_timer_getoverrun(int id)
{
	return posix_timer_overrun(id);
}

long sys_timer_delete(int id)
{
	return posix_timer_delete(id);
}
