/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot protocols' structures, as they lie in memory, and the steps that fill struct boot_info
 * from them.
 *
 * PVH: the Xen x86/HVM direct boot ABI (struct hvm_start_info).  Multiboot: its specification,
 * version 0.6.96.
 */
#ifndef BOOT_X86_64_PROTOCOLS_H
#define BOOT_X86_64_PROTOCOLS_H

#include "arch/mmu.h"
#include "boot/boot_info.h"
#include "lib/types.h"

#define PVH_MAGIC       0x336ec578u
#define MULTIBOOT_MAGIC 0x2badb002u

/* The loader says no more of where these lie than that all is below 4 GiB: QEMU's microvm puts them
 * at multiples of four. */
struct pvh_start_info {
	u32 magic, version, flags, modules;
	u64 module_list, command_line, rsdp;
	u64 memory_map; /* from version 1 on */
	u32 memory_map_entries, reserved;
} __packed;

struct pvh_module {
	u64 address, size, command_line, reserved;
} __packed;

struct pvh_memory {
	u64 address, size;
	u32 type, reserved; /* types as in E820 */
} __packed;

enum multiboot_flags {
	MULTIBOOT_HAS_MEMORY = 1 << 0,
	MULTIBOOT_HAS_COMMAND_LINE = 1 << 2,
	MULTIBOOT_HAS_MODULES = 1 << 3,
	MULTIBOOT_HAS_MEMORY_MAP = 1 << 6,
	MULTIBOOT_HAS_LOADER_NAME = 1 << 9,
};

struct multiboot_info {
	u32 flags, memory_lower, memory_upper, boot_device, command_line;
	u32 modules, module_list, symbols[4];
	u32 memory_map_size, memory_map;
	u32 drives_size, drives, config_table, loader_name;
};

struct multiboot_module {
	u32 start, end, command_line, reserved;
};

struct multiboot_memory {
	u32 entry_size; /* of what follows */
	u64 address, size;
	u32 type;
} __packed;

/* Each fills boot_info's fields but the kernel's own; 0 or -EINVAL for information that makes no
 * sense. */
int __must_check pvh_read(struct boot_info *info, phys_t start_info);
int __must_check multiboot_read(struct boot_info *info, phys_t multiboot_info);

/* The command line where the protocol has left it, at most BOOT_COMMAND_LINE bytes, perhaps without
 * an end; NULL: none. */
const char *pvh_command_line(phys_t start_info);
const char *multiboot_command_line(phys_t multiboot_info);

/* Makes a map that a firmware told sorted and free of overlaps; of two kinds the less usable one
 * wins. */
void memory_map_add(struct boot_info *info, u64 start, u64 size, u32 type);
void memory_map_normalize(struct boot_info *info);
/* mem=: takes usable memory at and above `limit` away. */
void memory_map_limit(struct boot_info *info, u64 limit);

/* Bootstrap mapping of what the protocols point to. */
static inline const void *boot_pointer(u64 address, u64 size)
{
	return address != 0 && size <= 4 * GIB && address <= 4 * GIB - size
		       ? (const void *)(address + DIRECT_MAP_BASE)
		       : NULL;
}

#endif
