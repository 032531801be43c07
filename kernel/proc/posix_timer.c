/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers: timer_create(2) and its family.
 *
 * A timer runs on one of three bases: monotonic time, wall time (absolute settings of
 * CLOCK_REALTIME, which follow when the clock is set), or CPU time (see itimer.c for how that is
 * watched).  It owns one signal entry.  When it expires the entry is queued, and a periodic timer
 * rests until the signal is taken; then posix_timer_delivered counts the periods that were missed
 * (the overrun) and starts it again, so that a slow program is not flooded.
 *
 * All state is guarded by the owning process's lock.  References: the process's list, a delivery
 * under way.  A timer on the wall base is in wall_timers while it is armed, under wall_lock (inside
 * process->lock never: it is taken alone).
 */
#include "arch/clock.h"
#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "proc/time_internal.h"

enum timer_base { BASE_MONOTONIC, BASE_WALL, BASE_CPU };

struct posix_timer {
	struct list_head link;   /* in process_timers.posix; process->lock */
	struct list_head wall;   /* in wall_timers; wall_lock */
	u32 references;          /* atomic */
	s32 id;                  /* const */
	clockid_t clock;         /* const */
	int notify;              /* const: SIGEV_NONE, or a signal is sent */
	struct process *process; /* const: the owner, which outlives the timer */
	struct task *target;     /* const: a thread (SIGEV_THREAD_ID), counted, or NULL */
	struct cpu_clock cpu;    /* const: for a CPU-time clock */
	struct siginfo info;     /* const */
	struct signal_entry *entry;
	struct timer timer;
	enum timer_base base;
	bool armed;    /* set, and has not expired for the last time */
	bool resting;  /* periodic, and its signal is still to be taken */
	nsec_t expiry; /* on the base */
	nsec_t interval;
	u64 overrun;      /* of the signal that waits */
	s32 last_overrun; /* of the signal taken last */
};

/* A periodic timer whose signal is ignored does not fire more often than this. */
#define IGNORED_PERIOD NSEC_PER_MSEC

static spinlock_t wall_lock;
static struct list_head wall_timers = LIST_INIT(wall_timers); /* wall_lock */

void posix_timer_get(struct posix_timer *timer)
{
	__atomic_add_fetch(&timer->references, 1, __ATOMIC_RELAXED);
}

static void posix_timer_put(struct posix_timer *timer)
{
	if (__atomic_sub_fetch(&timer->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	signal_entry_destroy(timer->entry);
	time_drop_cpu_clock(&timer->cpu);
	if (timer->target != NULL)
		task_put(timer->target);
	kfree(timer);
}

/* The base's time.  No process lock held: reading CPU time takes one. */
static nsec_t base_now(const struct posix_timer *timer)
{
	switch (timer->base) {
	case BASE_WALL:
		return time_wall();
	case BASE_CPU:
		return time_read_cpu_clock(&timer->cpu);
	default:
		return clock_monotonic();
	}
}

static void start_locked(struct posix_timer *timer, nsec_t now)
{
	nsec_t deadline = timer->expiry;

	if (timer->base == BASE_WALL)
		deadline = time_wall_to_monotonic(timer->expiry);
	else if (timer->base == BASE_CPU)
		deadline = cpu_clock_next_look(timer->expiry > now ? timer->expiry - now : 0);
	if (deadline != NO_DEADLINE)
		timer_start(&timer->timer, deadline);
}

/* Moves the expiry of a periodic timer beyond `now`; returns how many whole periods were skipped.
 */
static u64 forward_locked(struct posix_timer *timer, nsec_t now)
{
	if (now < timer->expiry)
		return 0;
	u64 periods = (now - timer->expiry) / timer->interval + 1;

	timer->expiry += periods * timer->interval;
	return periods;
}

static void fire_locked(struct posix_timer *timer, nsec_t now)
{
	bool periodic = timer->interval != 0;
	int result = 1;

	if (timer->notify != SIGEV_NONE) {
		if (timer->entry->queue != NULL) {
			timer->overrun++;
			result = 0;
		} else {
			timer->overrun = 0;
			result = signal_send_locked(timer->process, timer->target, &timer->info,
						    timer->entry);
		}
	}
	if (!periodic) {
		timer->armed = false;
	} else if (result == 0) {
		timer->resting = true;
	} else {
		forward_locked(timer, now + IGNORED_PERIOD);
		start_locked(timer, now);
	}
}

static void posix_timer_expired(struct timer *kernel_timer)
{
	struct posix_timer *timer = container_of(kernel_timer, struct posix_timer, timer);
	nsec_t now = base_now(timer);
	unsigned long flags = spin_lock_irqsave(&timer->process->lock);

	if (timer->armed && !timer->resting) {
		if (now >= timer->expiry)
			fire_locked(timer, now);
		else
			start_locked(timer, now);
	}
	spin_unlock_irqrestore(&timer->process->lock, flags);
}

void posix_timer_delivered(struct posix_timer *timer, struct siginfo *info)
{
	nsec_t now = base_now(timer);
	unsigned long flags = spin_lock_irqsave(&timer->process->lock);
	u64 overrun = timer->overrun;

	if (timer->resting) {
		u64 periods = forward_locked(timer, now);

		overrun += periods > 0 ? periods - 1 : 0;
		timer->resting = false;
		start_locked(timer, now);
	}
	timer->overrun = 0;
	timer->last_overrun = (s32)MIN(overrun, (u64)INT32_MAX);
	info->timer.overrun = timer->last_overrun;
	spin_unlock_irqrestore(&timer->process->lock, flags);
	posix_timer_put(timer);
}

/* The wall clock jumped: kernel timers that stand for wall-clock times move. */
static void wall_clock_set(struct time_set_listener *listener __unused)
{
	struct posix_timer *timer;
	unsigned long flags = spin_lock_irqsave(&wall_lock);

	list_for_each_entry (timer, &wall_timers, wall) {
		nsec_t deadline = time_wall_to_monotonic(READ_ONCE(timer->expiry));

		if (deadline != NO_DEADLINE && READ_ONCE(timer->armed) &&
		    !READ_ONCE(timer->resting))
			timer_start(&timer->timer, deadline);
	}
	spin_unlock_irqrestore(&wall_lock, flags);
}

static struct time_set_listener wall_listener = {.function = wall_clock_set};
static bool listening; /* atomic */

static void wall_enlist(struct posix_timer *timer, bool enlist)
{
	if (enlist && !__atomic_exchange_n(&listening, true, __ATOMIC_ACQ_REL))
		time_set_listen(&wall_listener);
	unsigned long flags = spin_lock_irqsave(&wall_lock);
	list_remove(&timer->wall);
	if (enlist)
		list_add(&timer->wall, &wall_timers);
	spin_unlock_irqrestore(&wall_lock, flags);
}

/* What timer_create makes of the event: the kind, the signal, the target thread.  -EINVAL. */
static int decode_event(const struct linux_sigevent *event, struct posix_timer *timer)
{
	timer->notify = event->notify;
	if (event->notify == SIGEV_NONE)
		return 0;
	if (event->signo < 1 || event->signo > SIGNAL_MAX)
		return -EINVAL;
	siginfo_init(&timer->info, event->signo, SI_TIMER);
	timer->info.timer.value = event->value;
	if (event->notify == SIGEV_SIGNAL || event->notify == SIGEV_THREAD)
		return 0;
	if (event->notify != SIGEV_THREAD_ID)
		return -EINVAL;
	struct task *target = task_find(event->thread_id);
	if (target == NULL)
		return -EINVAL;
	if (target->process != current->process) {
		task_put(target);
		return -EINVAL;
	}
	timer->target = target;
	return 0;
}

static int decode_clock(clockid_t clock, struct posix_timer *timer)
{
	timer->clock = clock;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		if (!time_is_cpu_clock(clock))
			return -EINVAL;
		timer->base = BASE_CPU;
		return time_find_cpu_clock(clock, &timer->cpu);
	}
}

static bool id_taken_locked(const struct process_timers *timers, s32 id)
{
	const struct posix_timer *timer;

	list_for_each_entry (timer, &timers->posix, link)
		if (timer->id == id)
			return true;
	return false;
}

static void enlist_locked(struct process_timers *timers, struct posix_timer *timer)
{
	while (id_taken_locked(timers, timers->next_posix_id))
		timers->next_posix_id = (timers->next_posix_id + 1) & INT32_MAX;
	timer->id = timers->next_posix_id;
	timers->next_posix_id = (timers->next_posix_id + 1) & INT32_MAX;
	timer->info.timer.id = timer->id;
	list_add_tail(&timer->link, &timers->posix);
}

long posix_timer_create(clockid_t clock, const struct linux_sigevent *event)
{
	static const struct linux_sigevent by_default = {.notify = SIGEV_SIGNAL, .signo = SIGALRM};
	struct process *process = current->process;
	struct process_timers *timers = process_timers_find(process);
	struct posix_timer *timer = kzalloc(sizeof(*timer));
	int result = -EAGAIN;

	if (timers == NULL || timer == NULL)
		goto fail;
	timer->references = 1;
	timer->process = process;
	list_init(&timer->wall);
	timer_init(&timer->timer, posix_timer_expired);
	result = decode_clock(clock, timer);
	if (result < 0)
		goto fail;
	result = decode_event(event != NULL ? event : &by_default, timer);
	if (result < 0)
		goto fail_clock;
	timer->entry = signal_entry_create(current, false);
	result = -EAGAIN;
	if (timer->entry == NULL)
		goto fail_event;
	timer->entry->timer = timer;

	unsigned long flags = spin_lock_irqsave(&process->lock);
	enlist_locked(timers, timer);
	if (event == NULL)
		timer->info.timer.value = (u64)timer->id;
	s32 id = timer->id;
	spin_unlock_irqrestore(&process->lock, flags);
	return id;

fail_event:
	if (timer->target != NULL)
		task_put(timer->target);
fail_clock:
	time_drop_cpu_clock(&timer->cpu);
fail:
	kfree(timer);
	return result;
}

/* One of current's timers with a reference, or NULL. */
static struct posix_timer *find(s32 id)
{
	struct process *process = current->process;
	struct posix_timer *timer, *found = NULL;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	if (process->timers != NULL)
		list_for_each_entry (timer, &process->timers->posix, link)
			if (timer->id == id)
				found = timer;
	if (found != NULL)
		posix_timer_get(found);
	spin_unlock_irqrestore(&process->lock, flags);
	return found;
}

static void get_locked(const struct posix_timer *timer, nsec_t now,
		       struct interval_setting *setting)
{
	setting->interval = timer->interval;
	setting->value = 0;
	if (!timer->armed)
		return;
	if (timer->expiry > now)
		setting->value = timer->expiry - now;
	else if (timer->interval != 0)
		setting->value = timer->interval - (now - timer->expiry) % timer->interval;
	else
		setting->value = timer->notify == SIGEV_NONE ? 0 : 1;
}

int posix_timer_gettime(s32 id, struct interval_setting *setting)
{
	struct posix_timer *timer = find(id);

	if (timer == NULL)
		return -EINVAL;
	nsec_t now = base_now(timer);
	unsigned long flags = spin_lock_irqsave(&timer->process->lock);
	get_locked(timer, now, setting);
	spin_unlock_irqrestore(&timer->process->lock, flags);
	posix_timer_put(timer);
	return 0;
}

int posix_timer_settime(s32 id, bool absolute, const struct interval_setting *setting,
			struct interval_setting *old)
{
	struct posix_timer *timer = find(id);

	if (timer == NULL)
		return -EINVAL;
	nsec_t old_now = base_now(timer);
	unsigned long flags = spin_lock_irqsave(&timer->process->lock);
	get_locked(timer, old_now, old);
	timer->armed = false;
	timer->resting = false;
	timer_cancel(&timer->timer);
	if (timer->base != BASE_CPU)
		timer->base =
			absolute && (timer->clock == CLOCK_REALTIME || timer->clock == CLOCK_TAI)
				? BASE_WALL
				: BASE_MONOTONIC;
	spin_unlock_irqrestore(&timer->process->lock, flags);

	wall_enlist(timer, timer->base == BASE_WALL && setting->value != 0);
	nsec_t now = base_now(timer);
	flags = spin_lock_irqsave(&timer->process->lock);
	timer->interval = setting->interval;
	timer->overrun = 0;
	timer->last_overrun = 0;
	if (setting->value != 0) {
		timer->expiry = absolute ? setting->value : now + setting->value;
		timer->armed = true;
		start_locked(timer, now);
	}
	spin_unlock_irqrestore(&timer->process->lock, flags);
	posix_timer_put(timer);
	return 0;
}

long posix_timer_overrun(s32 id)
{
	struct posix_timer *timer = find(id);

	if (timer == NULL)
		return -EINVAL;
	long overrun = READ_ONCE(timer->last_overrun);

	posix_timer_put(timer);
	return overrun;
}

/* Takes a timer that is off its process's list away for good. */
static void destroy(struct posix_timer *timer)
{
	unsigned long flags = spin_lock_irqsave(&timer->process->lock);

	timer->armed = false;
	timer->resting = false;
	if (timer->entry->queue != NULL)
		signal_queue_remove(timer->entry);
	spin_unlock_irqrestore(&timer->process->lock, flags);
	wall_enlist(timer, false);
	timer_cancel_sync(&timer->timer);
	posix_timer_put(timer);
}

int posix_timer_delete(s32 id)
{
	struct posix_timer *timer = find(id);

	if (timer == NULL)
		return -EINVAL;
	unsigned long flags = spin_lock_irqsave(&timer->process->lock);
	bool mine = !list_empty(&timer->link);
	list_remove(&timer->link);
	spin_unlock_irqrestore(&timer->process->lock, flags);
	if (mine)
		destroy(timer);
	posix_timer_put(timer);
	return mine ? 0 : -EINVAL;
}

void posix_timers_delete_all(struct process *process)
{
	struct process_timers *timers = process->timers;

	if (timers == NULL)
		return;
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&process->lock);
		struct posix_timer *timer =
			list_first_entry_or_null(&timers->posix, struct posix_timer, link);

		if (timer != NULL)
			list_remove(&timer->link);
		spin_unlock_irqrestore(&process->lock, flags);
		if (timer == NULL)
			return;
		destroy(timer);
	}
}
