/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of reclaim: which space is next (reclaim.c), its entries (reclaim_region.c),
 * and who waits for it (reclaim_wait.c). */
#ifndef MM_RECLAIM_INTERNAL_H
#define MM_RECLAIM_INTERNAL_H

#include "mm/reclaim.h"

/* Of the round that is under way; the mutex of rounds. */
extern u32 reclaim_pass;

enum reclaim_event {
	RECLAIM_SCANNED,
	RECLAIM_STOLEN,
	RECLAIM_SCANNED_FILES,
	RECLAIM_STOLEN_FILES,
	RECLAIM_ROUNDS,
	RECLAIM_WAITS,
	RECLAIM_EVENTS
};
void reclaim_note(enum reclaim_event event, size_t count);

/* Is there room for anonymous pages? */
bool reclaim_has_swap(void);

#endif
