/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of compaction: a round (compact.c), and when there is one (compact_wait.c). */
#ifndef MM_COMPACT_INTERNAL_H
#define MM_COMPACT_INTERNAL_H

#include "mm/compact.h"

enum compact_event {
	COMPACT_SCANNED,
	COMPACT_ISOLATED,
	COMPACT_FREED,
	COMPACT_ASKED,
	COMPACT_SUCCEEDED,
	COMPACT_FAILED,
	COMPACT_WAKES,
	COMPACT_DAEMON_SCANNED,
	COMPACT_EVENTS
};
void compact_note(enum compact_event event, u64 count);

/* Tries to make `wanted` groups of each node free, or as many as there can be; how many became so.
 * May sleep. */
size_t compact_round(size_t wanted);

#endif
