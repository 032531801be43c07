/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that only some machines have. */
#include "arch/context.h"
#include "proc/task.h"
#include "syscall/table.h"

long sys_arch_prctl(int option, vaddr_t address)
{
	return arch_prctl(&current->arch, option, address);
}
