/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel knows of the machine when it starts, whatever the boot protocol.
 *
 * The protocol's entry code fills it; strings and tables are copied, so that nothing points into
 * memory that the frame allocator will hand out, except the initramfs, which is reserved until it
 * has been unpacked.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include "lib/types.h"

enum memory_kind {
	MEMORY_USABLE = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3,
	MEMORY_NVS = 4,
	MEMORY_BAD = 5
};

struct memory_range {
	phys_t start;
	u64 size;
	enum memory_kind kind;
};

#define BOOT_MEMORY_RANGES 128
#define BOOT_COMMAND_LINE  2048

struct boot_info {
	const char *protocol; /* "PVH", "Multiboot" */
	char command_line[BOOT_COMMAND_LINE];
	struct memory_range
		memory[BOOT_MEMORY_RANGES]; /* sorted, not overlapping; mem= already applied */
	size_t memory_ranges;
	phys_t initramfs; /* 0 when there is none */
	size_t initramfs_size;
	phys_t acpi_rsdp;                /* 0 when to be searched for */
	phys_t kernel_start, kernel_end; /* the image, bss included */
};

/* Filled by the entry code before kernel_main. */
extern struct boot_info boot_info;

/* kernel/main.c: the generic kernel, on the boot CPU's stack, paging on, interrupts off. */
void kernel_main(void) __noreturn;

#endif
