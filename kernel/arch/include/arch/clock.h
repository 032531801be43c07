/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: a monotonic clock, one one-shot timer a CPU, and the wall clock that the machine remembers.
 */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include "lib/types.h"

/* Calibrates.  Boot CPU, early. */
void clock_init(void);

/* Nanoseconds since boot; never goes back, equal on all CPUs.  Any context. */
nsec_t clock_monotonic(void);

/* Arms this CPU's timer: timer_entry() runs at or soon after `deadline` (monotonic).  UINT64_MAX
 * disarms.  Interrupts off. */
void clock_set_timer(nsec_t deadline);

/* Seconds since 1970 from the machine's battery clock; 0 when there is none.  Read once at boot. */
time_t clock_read_rtc(void);

/*
 * Publishes the wall clock (CLOCK_REALTIME = monotonic + offset) to the vDSO's data page.  Called
 * by proc/time when it is set.
 */
void clock_publish_wall(s64 offset_nsec);

/* The vDSO: frames of its code and data for mm to map in each program, and the address of its ELF
 * header within. */
struct vdso_image {
	phys_t code; /* first frame, contiguous */
	size_t code_size;
	phys_t data; /* one frame, mapped read-only right below the code */
};
const struct vdso_image *arch_vdso(void);
/* Address, relative to the code's start, of the signal trampoline; 0 when the machine needs none.
 */
size_t arch_vdso_sigreturn(void);

#endif
