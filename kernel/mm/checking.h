/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the allocators of the checking build offer beyond their interfaces: tests make an allocation
 * fail and look at each frame that becomes free; tracking (tracking.c) notes every block of the
 * heap with its call site.  The release build has none of this.
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

/* Where the function that says this was called from. */
#define CALL_SITE() ((vaddr_t)__builtin_return_address(0))

/* A block of the heap was handed out to, or came back from, a call site.  Any context. */
void tracking_note_alloc(const void *block, size_t size, vaddr_t site);
void tracking_note_free(const void *block);

#else

#define CALL_SITE() ((vaddr_t)0)

static inline void tracking_note_alloc(const void *block __unused, size_t size __unused,
				       vaddr_t site __unused)
{
}

static inline void tracking_note_free(const void *block __unused) {}

static inline bool checking_must_fail(void)
{
	return false;
}

static inline void checking_frame_released(phys_t frame __unused) {}

#endif

#endif
