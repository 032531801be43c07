/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * membarrier(2).
 *
 * A call on another CPU interrupts it, which is a full barrier, and returns by IRET, which also
 * drops what the processor has fetched ahead.  The set of CPUs of a space holds every CPU that runs
 * it or has not left it; a CPU that enters it later passes a full barrier in
 * vmm_switch_address_space.  The caller's own barriers stand around the calls.
 *
 * What a program has registered for lives in its address space: fork copies it, exec forgets it.
 */
#include "proc/membarrier.h"

#include "arch/cpu.h"
#include "lib/abi/rseq.h"
#include "lib/errno.h"
#include "mm/vmm.h"
#include "proc/rseq.h"
#include "proc/task.h"

/* The interrupt is the barrier. */
static void nothing(void *argument __unused) {}

/* Abandons a restartable sequence of the given space. */
static void restart_sequence(void *space)
{
	if (current->space == space && current->rseq.area != 0)
		task_work_set(current, TASK_WORK_RSEQ);
}

static long everywhere(cpumask_t cpus, void (*function)(void *))
{
	mb();
	cpus_call(cpus, function, current->space);
	mb();
	return 0;
}

static long private_barrier(u32 command, u32 flags, int cpu)
{
	struct address_space *space = current->space;
	u32 registration = command << 1;
	cpumask_t cpus = __atomic_load_n(&space->cpus, __ATOMIC_SEQ_CST);

	if (!(__atomic_load_n(&space->membarrier, __ATOMIC_RELAXED) & registration))
		return -EPERM;
	if (flags & MEMBARRIER_FLAG_CPU)
		cpus &= cpu >= 0 && cpu < MAX_CPUS ? cpumask_of((u32)cpu) : 0;
	if (command == MEMBARRIER_PRIVATE_EXPEDITED_RSEQ)
		return everywhere(cpus, restart_sequence);
	if (command == MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE)
		cpu_serialize();
	return everywhere(cpus, nothing);
}

long membarrier(int command, u32 flags, int cpu)
{
	bool may_name_cpu = command == MEMBARRIER_PRIVATE_EXPEDITED_RSEQ;

	if (flags != 0 && !(may_name_cpu && flags == MEMBARRIER_FLAG_CPU))
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_QUERY:
		return MEMBARRIER_ALL;
	case MEMBARRIER_GLOBAL:
	case MEMBARRIER_GLOBAL_EXPEDITED:
		return everywhere(cpus_online(), nothing);
	case MEMBARRIER_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		__atomic_or_fetch(&current->space->membarrier, (u32)command, __ATOMIC_SEQ_CST);
		return 0;
	case MEMBARRIER_PRIVATE_EXPEDITED:
	case MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_PRIVATE_EXPEDITED_RSEQ:
		return private_barrier((u32)command, flags, cpu);
	default:
		return -EINVAL;
	}
}
