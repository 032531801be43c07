/* SPDX-License-Identifier: BSD-2-Clause */
/* How fast the processor's counters run. */
#ifndef ARCH_X86_64_CALIBRATE_H
#define ARCH_X86_64_CALIBRATE_H

#include "lib/types.h"

struct clock_rates {
	u64 tsc_hz, timer_hz; /* the time-stamp counter and the local APIC's timer */
	const char *source;
};

/* Measures both; false when the machine has nothing to measure with.  Interrupts off. */
bool __must_check calibrate(struct clock_rates *rates);

#endif
