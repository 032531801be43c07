/* SPDX-License-Identifier: BSD-2-Clause */
/* clone(2), clone3(2) and the scheduling calls. */
#ifndef LIB_ABI_SCHED_H
#define LIB_ABI_SCHED_H

#include "lib/types.h"

#define CSIGNAL              0x000000ffull
#define CLONE_NEWTIME        0x00000080ull /* clone3 and unshare only: within CSIGNAL */
#define CLONE_VM             0x00000100ull
#define CLONE_FS             0x00000200ull
#define CLONE_FILES          0x00000400ull
#define CLONE_SIGHAND        0x00000800ull
#define CLONE_PIDFD          0x00001000ull
#define CLONE_PTRACE         0x00002000ull
#define CLONE_VFORK          0x00004000ull
#define CLONE_PARENT         0x00008000ull
#define CLONE_THREAD         0x00010000ull
#define CLONE_NEWNS          0x00020000ull
#define CLONE_SYSVSEM        0x00040000ull
#define CLONE_SETTLS         0x00080000ull
#define CLONE_PARENT_SETTID  0x00100000ull
#define CLONE_CHILD_CLEARTID 0x00200000ull
#define CLONE_DETACHED       0x00400000ull
#define CLONE_UNTRACED       0x00800000ull
#define CLONE_CHILD_SETTID   0x01000000ull
#define CLONE_NEWCGROUP      0x02000000ull
#define CLONE_NEWUTS         0x04000000ull
#define CLONE_NEWIPC         0x08000000ull
#define CLONE_NEWUSER        0x10000000ull
#define CLONE_NEWPID         0x20000000ull
#define CLONE_NEWNET         0x40000000ull
#define CLONE_IO             0x80000000ull
#define CLONE_CLEAR_SIGHAND  0x100000000ull
#define CLONE_INTO_CGROUP    0x200000000ull

struct linux_clone_args {
	u64 flags;
	u64 pidfd;
	u64 child_tid;
	u64 parent_tid;
	u64 exit_signal;
	u64 stack;
	u64 stack_size;
	u64 tls;
	u64 set_tid;
	u64 set_tid_size;
	u64 cgroup;
};
#define CLONE_ARGS_SIZE_VER0 64
#define CLONE_ARGS_SIZE_VER1 80
#define CLONE_ARGS_SIZE_VER2 88

enum sched_policy {
	SCHED_OTHER = 0,
	SCHED_FIFO = 1,
	SCHED_RR = 2,
	SCHED_BATCH = 3,
	SCHED_IDLE = 5,
	SCHED_DEADLINE = 6,
};
#define SCHED_RESET_ON_FORK 0x40000000

enum {
	SCHED_FLAG_RESET_ON_FORK = 0x01,
	SCHED_FLAG_RECLAIM = 0x02,
	SCHED_FLAG_DL_OVERRUN = 0x04,
	SCHED_FLAG_KEEP_POLICY = 0x08,
	SCHED_FLAG_KEEP_PARAMS = 0x10,
	SCHED_FLAG_UTIL_CLAMP_MIN = 0x20,
	SCHED_FLAG_UTIL_CLAMP_MAX = 0x40,
};

struct linux_sched_param {
	s32 sched_priority;
};

struct linux_sched_attr {
	u32 size;
	u32 sched_policy;
	u64 sched_flags;
	s32 sched_nice;
	u32 sched_priority;
	u64 sched_runtime, sched_deadline, sched_period;
	u32 sched_util_min, sched_util_max;
};
#define SCHED_ATTR_SIZE_VER0 48
#define SCHED_ATTR_SIZE_VER1 56

#endif
