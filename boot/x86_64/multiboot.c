/* SPDX-License-Identifier: BSD-2-Clause */
/* The Multiboot 1 information. */
#include "boot/x86_64/protocols.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "arch/mmu.h"

enum { LOADER_NAME_SIZE = 64 };

/*
 * QEMU puts the kernel's file name in front of the command line, GRUB does not; the specification
 * leaves it open.
 */
static const char *skip_file_name(const struct multiboot_info *multiboot, const char *text)
{
	const char *loader = NULL, *space;

	if (multiboot->flags & MULTIBOOT_HAS_LOADER_NAME)
		loader = boot_pointer(multiboot->loader_name, LOADER_NAME_SIZE);
	if (loader == NULL || strncmp(loader, "qemu", 4) != 0)
		return text;
	space = strchr(text, ' ');
	return space != NULL ? space + 1 : "";
}

const char *multiboot_command_line(phys_t multiboot_info)
{
	const struct multiboot_info *multiboot = boot_pointer(multiboot_info, sizeof(*multiboot));
	const char *text;

	if (multiboot == NULL || !(multiboot->flags & MULTIBOOT_HAS_COMMAND_LINE))
		return NULL;
	text = boot_pointer(multiboot->command_line, BOOT_COMMAND_LINE);
	return text != NULL ? skip_file_name(multiboot, text) : NULL;
}

static void read_memory_map(struct boot_info *info, const struct multiboot_info *multiboot)
{
	const char *map = boot_pointer(multiboot->memory_map, multiboot->memory_map_size);
	u64 at = 0;

	while (map != NULL && at + sizeof(struct multiboot_memory) <= multiboot->memory_map_size) {
		const struct multiboot_memory *entry = (const void *)(map + at);
		if (entry->entry_size < sizeof(*entry) - sizeof(entry->entry_size))
			return;
		memory_map_add(info, entry->address, entry->size, entry->type);
		at += (u64)entry->entry_size + sizeof(entry->entry_size);
	}
}

int multiboot_read(struct boot_info *info, phys_t multiboot_info)
{
	const struct multiboot_info *multiboot = boot_pointer(multiboot_info, sizeof(*multiboot));

	if (multiboot == NULL)
		return -EINVAL;
	info->protocol = "Multiboot";
	const char *text = multiboot_command_line(multiboot_info);
	if (text != NULL)
		strscpy(info->command_line, text, sizeof(info->command_line));
	if (multiboot->flags & MULTIBOOT_HAS_MEMORY_MAP) {
		read_memory_map(info, multiboot);
	} else if (multiboot->flags & MULTIBOOT_HAS_MEMORY) {
		memory_map_add(info, 0, multiboot->memory_lower * KIB, MEMORY_USABLE);
		memory_map_add(info, MIB, multiboot->memory_upper * KIB, MEMORY_USABLE);
	}
	if ((multiboot->flags & MULTIBOOT_HAS_MODULES) && multiboot->modules > 0) {
		const struct multiboot_module *module =
			boot_pointer(multiboot->module_list, sizeof(*module));
		if (module != NULL && module->end > module->start) {
			info->initramfs = module->start;
			info->initramfs_size = module->end - module->start;
		}
	}
	return 0;
}
