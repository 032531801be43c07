/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where tests reach into the allocators of the checking build: to make an allocation fail, and to
 * look at each frame that becomes free.  The release build has none of this.
 */
#ifndef MM_CHECKING_H
#define MM_CHECKING_H

#include "lib/types.h"

#ifdef CONFIG_CHECKING

/* Set by tests while nobody else allocates. */
struct mm_checking {
	u64 countdown; /* that allocation from now on fails (1: the next), and only it; 0: none */
	void (*frame_released)(phys_t frame); /* NULL: nothing; called with interrupts off */
};
extern struct mm_checking mm_checking;

static inline bool checking_must_fail(void)
{
	return mm_checking.countdown != 0 && --mm_checking.countdown == 0;
}

static inline void checking_frame_released(phys_t frame)
{
	if (mm_checking.frame_released != NULL)
		mm_checking.frame_released(frame);
}

#else

static inline bool checking_must_fail(void)
{
	return false;
}

static inline void checking_frame_released(phys_t frame __unused) {}

#endif

#endif
