/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page that the kernel writes and the vDSO, in each program, reads: everything that turns the
 * TSC into time.
 *
 * A reader takes `sequence` before and after; it reads again when the number was odd or has
 * changed.
 */
#ifndef ARCH_X86_64_VDSO_DATA_H
#define ARCH_X86_64_VDSO_DATA_H

#include "lib/types.h"

struct vdso_data {
	u32 sequence; /* odd while the kernel writes */
	u32 ready;    /* 0 until calibrated */
	u64 tsc_base;
	u64 multiplier;  /* nanoseconds a cycle, 32 fraction bits */
	s64 wall_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC, nanoseconds */
};

/* vdso.c */
void vdso_publish_clock(u64 tsc_base, u64 multiplier);

#endif
