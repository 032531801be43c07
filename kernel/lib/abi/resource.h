/* SPDX-License-Identifier: BSD-2-Clause */
/* Resource limits and usage: getrlimit(2), prlimit(2), getrusage(2), getpriority(2). */
#ifndef LIB_ABI_RESOURCE_H
#define LIB_ABI_RESOURCE_H

#include "lib/abi/time.h"
#include "lib/types.h"

enum rlimit_resource {
	RLIMIT_CPU = 0,
	RLIMIT_FSIZE = 1,
	RLIMIT_DATA = 2,
	RLIMIT_STACK = 3,
	RLIMIT_CORE = 4,
	RLIMIT_RSS = 5,
	RLIMIT_NPROC = 6,
	RLIMIT_NOFILE = 7,
	RLIMIT_MEMLOCK = 8,
	RLIMIT_AS = 9,
	RLIMIT_LOCKS = 10,
	RLIMIT_SIGPENDING = 11,
	RLIMIT_MSGQUEUE = 12,
	RLIMIT_NICE = 13,
	RLIMIT_RTPRIO = 14,
	RLIMIT_RTTIME = 15,
	RLIMIT_COUNT = 16,
};

#define RLIM_INFINITY (~(u64)0)

struct rlimit64 {
	u64 soft; /* rlim_cur */
	u64 hard; /* rlim_max */
};

enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_BOTH = -2, RUSAGE_THREAD = 1 };

struct linux_rusage {
	struct linux_timeval ru_utime, ru_stime;
	s64 ru_maxrss; /* KiB */
	s64 ru_ixrss, ru_idrss, ru_isrss;
	s64 ru_minflt, ru_majflt, ru_nswap;
	s64 ru_inblock, ru_oublock;
	s64 ru_msgsnd, ru_msgrcv, ru_nsignals;
	s64 ru_nvcsw, ru_nivcsw;
};

enum { PRIO_PROCESS = 0, PRIO_PGRP = 1, PRIO_USER = 2 };

#endif
