/* SPDX-License-Identifier: BSD-2-Clause */
/* unshare(2): a thread stops sharing what clone(2) let it share.  Namespaces are missing. */
#include "fs/calls.h"
#include "ipc/sem.h"
#include "lib/abi/sched.h"
#include "lib/errno.h"
#include "mm/vmm.h"
#include "proc/process.h"
#include "syscall/table.h"

/* Threads, handlers and memory cannot be parted: it is all right when nobody shares them. */
static bool is_alone(u64 flags)
{
	const struct process *process = current->process;

	if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) &&
	    READ_ONCE(process->thread_count) != 1)
		return false;
	if (flags & (CLONE_SIGHAND | CLONE_VM) &&
	    READ_ONCE(process->signals.actions->references) != 1)
		return false;
	return !(flags & CLONE_VM) || READ_ONCE(current->space->refs) == 1;
}

long sys_unshare(u64 flags)
{
	const u64 known =
		CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM;
	int error = 0;

	if (flags & ~known || !is_alone(flags))
		return -EINVAL;
	if (flags & CLONE_FS)
		error = fs_context_unshare();
	if (error == 0 && flags & CLONE_FILES)
		error = files_unshare();
	if (error == 0 && flags & CLONE_SYSVSEM)
		sem_leave_undo(current);
	return error;
}
