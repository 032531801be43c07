/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware's ACPI tables tell, read once at start-up.  Every table's length and checksum
 * is checked before anything in it is believed; what is missing or broken leaves the defaults of a
 * PC with one CPU.
 */
#ifndef ARCH_X86_64_ACPI_H
#define ARCH_X86_64_ACPI_H

#include "arch/cpu.h"
#include "arch/firmware.h"
#include "lib/types.h"

enum { ACPI_MAX_IO_APICS = 8, ACPI_MAX_ECAM = 4, ACPI_MAX_VIRTIO = 32, ISA_IRQS = 16 };

/* A register: in memory or in the port space. */
struct acpi_register {
	phys_t address; /* 0: there is none */
	bool is_port;
	u8 width; /* bytes */
};

struct acpi_info {
	u32 cpu_apic_ids[MAX_CPUS]; /* of usable CPUs, in the firmware's order */
	u32 cpus;
	phys_t local_apic;
	struct {
		phys_t address;
		u32 first_gsi;
	} io_apics[ACPI_MAX_IO_APICS];
	u32 io_apic_count;
	struct {
		u32 gsi;
		bool level, low; /* trigger and polarity */
	} isa[ISA_IRQS];
	struct acpi_register pm1a_control, pm1b_control, sleep_control, reset, pm_timer;
	u8 reset_value;
	bool has_s5;
	u8 s5_type_a, s5_type_b;
	bool pm_timer_32bit;
	u16 smi_command;
	u8 acpi_enable;
	u8 century; /* CMOS register of the century, or 0 */
	phys_t hpet;
	struct firmware_ecam ecam[ACPI_MAX_ECAM];
	u32 ecam_count;
	struct firmware_virtio virtio[ACPI_MAX_VIRTIO];
	u32 virtio_count;
};

extern struct acpi_info acpi_info;

/* Fills acpi_info; `rsdp` is 0 when it must be searched for.  Boot CPU, after the heap. */
void acpi_init(phys_t rsdp);

/* A table, or an entry of one, whose length has been checked. */
struct acpi_table {
	const u8 *data;
	u32 size;
};

/* The little-endian number of `bytes` bytes at an offset; 0 when the table is too short to have it.
 */
u64 acpi_field(const struct acpi_table *table, u32 offset, u32 bytes);

/* acpi_numa.c: nodes.  The SRAT first; at the end the SLIT (data NULL: there is none); then the
 * processors, once they are numbered. */
void acpi_read_srat(const struct acpi_table *srat);
void acpi_numa_finish(const struct acpi_table *slit);
void acpi_numa_place_cpu(u32 cpu, u32 apic_id);

u64 acpi_register_read(const struct acpi_register *reg);
void acpi_register_write(const struct acpi_register *reg, u64 value);
/* Makes a register in memory accessible from any context. */
void acpi_register_map(struct acpi_register *reg);

#endif
