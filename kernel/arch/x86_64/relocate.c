/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Relocations of x86-64 object files (System V ABI, AMD64 supplement, 4.4), those that the kernel's
 * code model makes: addresses in the top 2 GiB, calls without a procedure linkage table.
 */
#include "arch/relocate.h"

#include "lib/elf.h"
#include "lib/errno.h"
#include "lib/string.h"

int arch_relocation_size(u32 type)
{
	switch (type) {
	case R_X86_64_NONE:
		return 0;
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_32:
	case R_X86_64_32S:
		return 4;
	default:
		return -ENOEXEC;
	}
}

int arch_relocate(u8 *place, vaddr_t at, u32 type, u64 target)
{
	bool relative = type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64;
	u64 value = relative ? target - at : target;
	u32 low = (u32)value;
	int size = arch_relocation_size(type);

	if (size < 0)
		return size;
	if (size == 0)
		return 0;
	if (size == 8) {
		memcpy(place, &value, sizeof(value));
		return 0;
	}
	if (type == R_X86_64_32 ? value != low : value != (u64)(s64)(s32)low)
		return -ENOEXEC;
	memcpy(place, &low, sizeof(low));
	return 0;
}
