/* SPDX-License-Identifier: BSD-2-Clause */
/* The PVH start information. */
#include "boot/x86_64/protocols.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "arch/mmu.h"

const char *pvh_command_line(phys_t start_info)
{
	const struct pvh_start_info *start = boot_pointer(start_info, sizeof(*start));

	if (start == NULL || start->magic != PVH_MAGIC)
		return NULL;
	return boot_pointer(start->command_line, BOOT_COMMAND_LINE);
}

int pvh_read(struct boot_info *info, phys_t start_info)
{
	const struct pvh_start_info *start = boot_pointer(start_info, sizeof(*start));
	const struct pvh_memory *map;
	const struct pvh_module *modules;
	const char *command_line;

	if (start == NULL || start->magic != PVH_MAGIC || start->version < 1)
		return -EINVAL;
	info->protocol = "PVH";
	info->acpi_rsdp = start->rsdp;

	command_line = pvh_command_line(start_info);
	if (command_line != NULL)
		strscpy(info->command_line, command_line, sizeof(info->command_line));

	map = boot_pointer(start->memory_map, (u64)start->memory_map_entries * sizeof(*map));
	for (u32 i = 0; map != NULL && i < start->memory_map_entries; i++)
		memory_map_add(info, map[i].address, map[i].size, map[i].type);

	modules = boot_pointer(start->module_list, sizeof(*modules));
	if (start->modules > 0 && modules != NULL) {
		info->initramfs = modules[0].address;
		info->initramfs_size = modules[0].size;
	}
	return 0;
}
