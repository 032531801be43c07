/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's interface of restartable sequences, rseq(2), and of membarrier(2). */
#ifndef LIB_ABI_RSEQ_H
#define LIB_ABI_RSEQ_H

#include "lib/types.h"

enum { RSEQ_FLAG_UNREGISTER = 1 };
#define RSEQ_CPU_UNINITIALIZED UINT32_MAX

/* What a thread shares with the kernel. */
struct linux_rseq {
	u32 cpu_id_start; /* always a possible CPU */
	u32 cpu_id;
	u64 rseq_cs; /* struct linux_rseq_cs, or 0 */
	u32 flags;
	u32 reserved[3];
} __attribute__((aligned(32)));
_Static_assert(sizeof(struct linux_rseq) == 32, "Linux's size");

/* A critical section: [start_ip, start_ip + post_commit_offset). */
struct linux_rseq_cs {
	u32 version, flags;
	u64 start_ip, post_commit_offset, abort_ip;
};

enum membarrier_command {
	MEMBARRIER_QUERY = 0,
	MEMBARRIER_GLOBAL = 1 << 0,
	MEMBARRIER_GLOBAL_EXPEDITED = 1 << 1,
	MEMBARRIER_REGISTER_GLOBAL_EXPEDITED = 1 << 2,
	MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4,
	MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6,
	MEMBARRIER_PRIVATE_EXPEDITED_RSEQ = 1 << 7,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_RSEQ = 1 << 8,
	MEMBARRIER_ALL = (1 << 9) - 1,
};
enum { MEMBARRIER_FLAG_CPU = 1 };

#endif
