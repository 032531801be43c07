/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stalls: time that tasks lose because memory or a device is short (pressure stall information).
 *
 * Who has to reclaim memory, or waits for a page that was taken away too early, or for a device,
 * says so around it:
 *
 *	bool begun = pressure_enter(PRESSURE_MEMORY);
 *	…
 *	pressure_leave(PRESSURE_MEMORY, begun);
 *
 * Calls may be nested; the outermost counts.  The functions are proc's (proc/pressure.c), which
 * knows the tasks.  They do not sleep; in between one may.
 */
#ifndef MM_PRESSURE_H
#define MM_PRESSURE_H

#include "lib/types.h"

enum pressure_kind { PRESSURE_MEMORY, PRESSURE_IO, PRESSURE_STALLS };

/* The current task stalls from now on; false: it did so already, or this is no task's context. */
bool __must_check pressure_enter(enum pressure_kind kind);
/* … and no more, if `begun`. */
void pressure_leave(enum pressure_kind kind, bool begun);

#endif
