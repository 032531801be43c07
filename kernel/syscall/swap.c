/* SPDX-License-Identifier: BSD-2-Clause */
/* swapon and swapoff: permission, flags, and the name from user memory. */
#include "fs/calls.h"
#include "fs/swap.h"
#include "proc/credentials.h"
#include "syscall/table.h"

long sys_swapon(vaddr_t name_address, u32 flags)
{
	struct pathname name;

	if (flags & ~(u32)SWAP_FLAGS_VALID)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	long result = pathname_get(&name, name_address);
	if (result != 0)
		return result;
	result = swap_on(name.text, flags);
	pathname_put(&name);
	return result;
}

long sys_swapoff(vaddr_t name_address)
{
	struct pathname name;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	long result = pathname_get(&name, name_address);
	if (result != 0)
		return result;
	result = swap_off(name.text);
	pathname_put(&name);
	return result;
}
