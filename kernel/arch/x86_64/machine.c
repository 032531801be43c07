/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which the machine comes up. */
#include "arch/machine.h"
#include "boot/boot_info.h"
#include "acpi.h"
#include "apic.h"
#include "arch/clock.h"
#include "machine_internal.h"
#include "x86.h"

void arch_init_early(const struct boot_info *info __unused)
{
	struct cpu_local *cpu = &cpu_locals[0];

	cpu->head.self = &cpu->head;
	cpu->head.token = 1;
	early_console_init();
	early_console_log(boot_info.command_line);
	cpu_detect();
	cpu_patch_smap();
	cpu_enable_features();
	vector_init();
	smp_reserve_trampoline(&boot_info);
	kernel_tree_build(&boot_info);
	idt_init();
	cpu_load_tables(cpu);
	cpu_set_syscall_entry();
}

void arch_init_memory(const struct boot_info *info __unused)
{
	kernel_tree_finish();
}

void arch_init_devices(void)
{
	acpi_init(boot_info.acpi_rsdp);
	apic_init(acpi_info.local_apic);
	cpu_locals[0].apic_id = apic_id();
	smp_count_cpus();
	irq_init();
	clock_init();
}
