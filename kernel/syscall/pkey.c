/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protection keys (pkeys(7)).  Where the processor has none, no key can be had, and the only key
 * that pkey_mprotect takes is -1, which makes it mprotect.
 */
#include "arch/context.h"
#include "lib/errno.h"
#include "mm/vmm.h"
#include "proc/task.h"
#include "syscall/table.h"

enum { PKEY_DISABLE_ACCESS = 1, PKEY_DISABLE_WRITE = 2 };

long sys_pkey_alloc(u64 flags, u64 rights)
{
	if (flags != 0 || (rights & ~(u64)(PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE)))
		return -EINVAL;
	int key = vmm_key_alloc(current->space);
	if (key >= 0)
		arch_key_set_rights((u32)key, (u32)rights);
	return key;
}

long sys_pkey_free(int key)
{
	return vmm_key_free(current->space, key);
}

long sys_pkey_mprotect(vaddr_t address, size_t length, u64 prot, int key)
{
	if (prot > UINT32_MAX)
		return -EINVAL;
	/* An empty range is right whatever the key. */
	if (key < -1 && !(length == 0 && address % PAGE_SIZE == 0))
		return -EINVAL;
	return vmm_key_protect(current->space, address, length, (u32)prot, key);
}
