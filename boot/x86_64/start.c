/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the entry code to the generic kernel: fills boot_info from whichever protocol brought us
 * here.
 *
 * Runs once, on the boot CPU, with the bootstrap tables (the first 4 GiB mapped) and interrupts
 * off.  Nothing of the kernel works yet, so what goes wrong here is kept for kernel_main to stumble
 * over: a machine without a memory map has no memory.
 */
#include "boot/boot_info.h"
#include "boot/x86_64/protocols.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "arch/machine.h"
#include "arch/mmu.h"
#include "boot/x86_64/start.h"

struct boot_info boot_info;

static void boot_fail(const char *text)
{
	early_console_write(text, strlen(text));
	machine_halt();
}

/* The initramfs must be whole, in memory that exists, and not in the kernel's way. */
static void check_initramfs(struct boot_info *info)
{
	u64 end = info->initramfs + info->initramfs_size;

	if (info->initramfs == 0 || info->initramfs_size == 0 || end < info->initramfs ||
	    end > DIRECT_MAP_SIZE ||
	    (info->initramfs < info->kernel_end && end > info->kernel_start)) {
		info->initramfs = 0;
		info->initramfs_size = 0;
	}
}

void boot_randomize(phys_t information, u32 magic)
{
	const char *text = magic == PVH_MAGIC         ? pvh_command_line(information)
			   : magic == MULTIBOOT_MAGIC ? multiboot_command_line(information)
						      : NULL;

	/* Its copy is made anew by boot_start. */
	if (text != NULL)
		strscpy(boot_info.command_line, text, sizeof(boot_info.command_line));
	if (!cmdline_has(boot_info.command_line, "nokaslr"))
		image_randomize();
}

void boot_start(phys_t information, u32 magic)
{
	struct boot_info *info = &boot_info;
	char limit_text[24];
	u64 limit;
	int result;

	info->kernel_start = KERNEL_LOAD_PHYS;
	info->kernel_end = (phys_t)image_end - KERNEL_IMAGE_BASE;
	if (magic == PVH_MAGIC)
		result = pvh_read(info, information);
	else if (magic == MULTIBOOT_MAGIC)
		result = multiboot_read(info, information);
	else
		result = -1;
	if (result != 0 || info->memory_ranges == 0)
		boot_fail("Cowslip: the boot loader told nothing about the machine\r\n");

	/* Frame 0 stays unused: 0 says "none". */
	memory_map_add(info, 0, PAGE_SIZE, MEMORY_RESERVED);
	memory_map_normalize(info);
	if (cmdline_get(info->command_line, "mem", limit_text, sizeof(limit_text)) > 0 &&
	    parse_size(limit_text, &limit) == 0)
		memory_map_limit(info, limit);
	check_initramfs(info);
	kernel_main();
}
