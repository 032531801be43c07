/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as programs pass them. */
#ifndef LIB_ABI_TIME_H
#define LIB_ABI_TIME_H

#include "lib/types.h"

struct linux_timespec {
	s64 tv_sec;
	s64 tv_nsec;
};

struct linux_timeval {
	s64 tv_sec;
	s64 tv_usec;
};

/* times(2): clock ticks of 1/100 s. */
#define LINUX_CLOCKS_PER_SECOND 100
struct linux_tms {
	s64 tms_utime, tms_stime, tms_cutime, tms_cstime;
};

#endif
