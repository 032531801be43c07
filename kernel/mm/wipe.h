/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is cleared when it is handed out or given back, whatever its user asks for:
 * init_on_alloc=1 and init_on_free=1 on the command line, Linux's words.  With the first, nobody
 * sees what another left behind; with the second, it does not stay for long.  Frames and objects of
 * the heap alike, but for those with a constructor, which keep their state while they are free.
 *
 * Both are off unless asked for: each costs about as much as a copy of what is handed out.
 */
#ifndef MM_WIPE_H
#define MM_WIPE_H

#include "arch/mmu.h"
#include "lib/types.h"

struct wipe {
	bool on_alloc, on_free;
};
extern struct wipe wipe; /* set before the first allocation */

/* Reads the words.  frame_init calls it. */
void wipe_init(const char *command_line);

void wipe_frames(phys_t start, size_t count);

/* Any context. */
static inline void wipe_frames_on_alloc(phys_t start, size_t count)
{
	if (unlikely(wipe.on_alloc))
		wipe_frames(start, count);
}

static inline void wipe_frames_on_free(phys_t start, size_t count)
{
	if (unlikely(wipe.on_free))
		wipe_frames(start, count);
}

#endif
