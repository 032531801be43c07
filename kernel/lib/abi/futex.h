/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2) as programs see it. */
#ifndef LIB_ABI_FUTEX_H
#define LIB_ABI_FUTEX_H

#include "lib/types.h"

enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_FD = 2,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP = 5,
	FUTEX_LOCK_PI = 6,
	FUTEX_UNLOCK_PI = 7,
	FUTEX_TRYLOCK_PI = 8,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_WAIT_REQUEUE_PI = 11,
	FUTEX_CMP_REQUEUE_PI = 12,
	FUTEX_LOCK_PI2 = 13,

	FUTEX_PRIVATE_FLAG = 128,
	FUTEX_CLOCK_REALTIME = 256,
	FUTEX_COMMAND_MASK = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME),
};
#define FUTEX_BITSET_MATCH_ANY UINT32_MAX

/* FUTEX_WAKE_OP's third value: operation, comparison and their operands, packed. */
enum {
	FUTEX_OP_SET = 0,
	FUTEX_OP_ADD = 1,
	FUTEX_OP_OR = 2,
	FUTEX_OP_ANDN = 3,
	FUTEX_OP_XOR = 4,
	FUTEX_OP_OPARG_SHIFT = 8
};
enum {
	FUTEX_OP_CMP_EQ = 0,
	FUTEX_OP_CMP_NE = 1,
	FUTEX_OP_CMP_LT = 2,
	FUTEX_OP_CMP_LE = 3,
	FUTEX_OP_CMP_GT = 4,
	FUTEX_OP_CMP_GE = 5
};

/* The word of a robust lock. */
#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK   0x3fffffffu

/* The head of a thread's list of robust locks (get_robust_list(2)); all are addresses in the
 * program. */
struct linux_robust_list_head {
	vaddr_t next;
	s64 futex_offset;
	vaddr_t pending;
};
enum { ROBUST_LIST_LIMIT = 2048 };

/* One word of futex_waitv(2). */
struct linux_futex_waitv {
	u64 value;
	u64 address;
	u32 flags; /* FUTEX_32, FUTEX_PRIVATE_FLAG */
	u32 reserved;
};
enum { FUTEX_32 = 2, FUTEX_WAITV_MAX = 128 };

#endif
