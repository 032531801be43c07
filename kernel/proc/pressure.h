/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much time tasks lose because CPUs, memory or devices are short, for /proc/pressure: figures,
 * and what the scheduler tells.
 */
#ifndef PROC_PRESSURE_H
#define PROC_PRESSURE_H

#include "lib/sync.h"
#include "lib/types.h"
#include "mm/pressure.h"

struct task;

enum pressure_resource { PRESSURE_OF_CPU, PRESSURE_OF_MEMORY, PRESSURE_OF_IO, PRESSURE_RESOURCES };
enum pressure_extent {
	PRESSURE_SOME, /* at least one task lost time */
	PRESSURE_FULL, /* … and no other did anything useful meanwhile */
	PRESSURE_EXTENTS
};

struct pressure_figures {
	u32 average[3]; /* of 10, 60 and 300 seconds: hundredths of a per cent of the time */
	nsec_t total;
};
void pressure_figures(enum pressure_resource resource, enum pressure_extent extent,
		      struct pressure_figures *figures);

/*
 * Triggers: whoever has one is told when the time lost within `window` (0.5 to 10 seconds) comes to
 * `threshold` (at most that): the queue is woken with POLLPRI, once a window at most.  ERR_PTR:
 * -EINVAL, -ENOMEM.  Taking tells whether it fired since it was taken last.
 */
struct pressure_trigger;
struct pressure_trigger *pressure_trigger_create(enum pressure_resource resource,
						 enum pressure_extent extent, nsec_t threshold,
						 nsec_t window);
void pressure_trigger_destroy(struct pressure_trigger *trigger);
wait_queue_t *pressure_trigger_queue(struct pressure_trigger *trigger);
bool pressure_trigger_take(struct pressure_trigger *trigger);

/* Starts the timer of the averages.  Boot CPU, by the scheduler. */
void pressure_init(void);

/*
 * For the scheduler: a task has become ready, or sleeps.  A run queue's lock is held.
 */
extern u32 pressure_stalled; /* atomic: tasks that stall */
void pressure_ready_changed(const struct task *task, bool ready);
static inline void pressure_note_ready(const struct task *task, bool ready)
{
	if (unlikely(READ_ONCE(pressure_stalled) != 0))
		pressure_ready_changed(task, ready);
}

#endif
