/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls for programs that do without locks: rseq(2) and membarrier(2). */
#include "proc/membarrier.h"
#include "proc/rseq.h"
#include "syscall/table.h"

long sys_rseq(vaddr_t area, u32 size, int flags, u32 signature)
{
	return rseq_register(area, size, flags, signature);
}

long sys_membarrier(int command, u32 flags, int cpu)
{
	return membarrier(command, flags, cpu);
}
