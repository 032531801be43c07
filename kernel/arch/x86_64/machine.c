/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which the machine comes up. */
#include "arch/machine.h"
#include "boot/boot_info.h"
#include "machine_internal.h"
#include "x86.h"

void arch_init_early(const struct boot_info *info)
{
	struct cpu_local *cpu = &cpu_locals[0];

	cpu->head.self = &cpu->head;
	early_console_init();
	early_console_log(info->command_line);
	cpu_detect();
	cpu_enable_features();
}
