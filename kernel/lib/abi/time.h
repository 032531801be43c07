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

struct linux_timezone {
	s32 tz_minuteswest;
	s32 tz_dsttime;
};

struct linux_itimerspec {
	struct linux_timespec it_interval;
	struct linux_timespec it_value;
};

struct linux_itimerval {
	struct linux_timeval it_interval;
	struct linux_timeval it_value;
};

/* struct timex of adjtimex(2). */
struct linux_timex {
	u32 modes;
	u32 pad0;
	s64 offset, freq, maxerror, esterror;
	s32 status;
	u32 pad1;
	s64 constant, precision, tolerance;
	struct linux_timeval time;
	s64 tick, ppsfreq, jitter;
	s32 shift;
	u32 pad2;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai;
	s32 pad3[11];
};
enum { STA_UNSYNC = 0x40, TIME_OK = 0, TIME_ERROR = 5 };
enum { ADJ_OFFSET_SS_READ = 0xa001 }; /* what is left of an adjtime(3) */

enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_PROCESS_CPUTIME_ID = 2,
	CLOCK_THREAD_CPUTIME_ID = 3,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5,
	CLOCK_MONOTONIC_COARSE = 6,
	CLOCK_BOOTTIME = 7,
	CLOCK_REALTIME_ALARM = 8,
	CLOCK_BOOTTIME_ALARM = 9,
	CLOCK_TAI = 11,
};

/*
 * A negative clock number names the CPU-time clock of a process or thread: ~pid << 3, with bit 2
 * for a thread, and in the low two bits which time: profiling (user + system), virtual (user) or
 * scheduler (user + system).
 */
enum {
	CPUCLOCK_PROF = 0,
	CPUCLOCK_VIRT = 1,
	CPUCLOCK_SCHED = 2,
	CPUCLOCK_MASK = 3,
	CPUCLOCK_PERTHREAD = 4,
};

enum { TIMER_ABSTIME = 1 };
enum {
	TFD_TIMER_ABSTIME = 1,
	TFD_TIMER_CANCEL_ON_SET = 2,
	TFD_NONBLOCK = 04000,
	TFD_CLOEXEC = 02000000,
};
enum { ITIMER_REAL = 0, ITIMER_VIRTUAL = 1, ITIMER_PROF = 2 };

#endif
