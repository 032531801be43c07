/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding and reading the ACPI tables (ACPI specification 6.4, chapter 5).
 *
 * Offsets of fields are written as numbers, those of the specification's tables: the structures are
 * packed, versioned by their length, and come from outside, so each read checks that the field is
 * there.
 */
#include "acpi.h"
#include "lib/log.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	HEADER_SIZE = 36,
	TABLE_LIMIT = 4 * 1024 * 1024,
	RSDP_SIZE_1 = 20,
	RSDP_SIZE_2 = 36,
	MADT_ENTRIES = 44,
	REGISTER_MEMORY = 0,
	REGISTER_PORT = 1,
	FADT_FLAG_TIMER_32BIT = 1 << 8,
	FADT_FLAG_RESET = 1 << 10,
	FADT_FLAG_HARDWARE_REDUCED = 1 << 20,
};

struct acpi_info acpi_info;

u64 acpi_field(const struct acpi_table *table, u32 offset, u32 bytes)
{
	u64 value = 0;

	if (offset > table->size || bytes > table->size - offset)
		return 0;
	for (u32 i = bytes; i > 0; i--)
		value = value << 8 | table->data[offset + i - 1];
	return value;
}

static bool checksum_good(const u8 *data, u32 size)
{
	u8 sum = 0;

	for (u32 i = 0; i < size; i++)
		sum += data[i];
	return sum == 0;
}

/* Maps and checks the table at an address; false when it is broken. */
static bool table_open(phys_t address, struct acpi_table *table)
{
	const u8 *header = address != 0 && address < DIRECT_MAP_SIZE
				   ? firmware_map(address, HEADER_SIZE)
				   : NULL;

	if (header == NULL)
		return false;
	*table = (struct acpi_table){header, HEADER_SIZE};
	table->size = (u32)acpi_field(table, 4, 4);
	if (table->size < HEADER_SIZE || table->size > TABLE_LIMIT)
		return false;
	/* Most lie within the page that is mapped already. */
	if ((address & (PAGE_SIZE - 1)) + table->size > PAGE_SIZE)
		table->data = firmware_map(address, table->size);
	if (table->data == NULL || !checksum_good(table->data, table->size)) {
		log_warn("ACPI: table at %lx is broken", address);
		return false;
	}
	return true;
}

/* --- MADT: processors and interrupt controllers --- */

enum madt_type {
	MADT_CPU = 0,
	MADT_IO_APIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LOCAL_APIC = 5,
	MADT_CPU_X2 = 9
};

static void add_cpu(u32 apic_id, u64 flags)
{
	if (!(flags & 1) || acpi_info.cpus == MAX_CPUS)
		return;
	/* One may be listed in the old form and in the new. */
	for (u32 i = 0; i < acpi_info.cpus; i++) {
		if (acpi_info.cpu_apic_ids[i] == apic_id)
			return;
	}
	acpi_info.cpu_apic_ids[acpi_info.cpus++] = apic_id;
}

static void add_override(const struct acpi_table *entry)
{
	u64 source = acpi_field(entry, 3, 1), flags = acpi_field(entry, 8, 2);

	if (source >= ISA_IRQS)
		return;
	acpi_info.isa[source].gsi = (u32)acpi_field(entry, 4, 4);
	acpi_info.isa[source].low = (flags & 3) == 3;
	acpi_info.isa[source].level = (flags >> 2 & 3) == 3;
}

static void madt_entry(const struct acpi_table *entry)
{
	switch (acpi_field(entry, 0, 1)) {
	case MADT_CPU:
		add_cpu((u32)acpi_field(entry, 3, 1), acpi_field(entry, 4, 4));
		break;
	case MADT_CPU_X2:
		add_cpu((u32)acpi_field(entry, 4, 4), acpi_field(entry, 8, 4));
		break;
	case MADT_IO_APIC:
		if (acpi_info.io_apic_count < ACPI_MAX_IO_APICS) {
			u32 n = acpi_info.io_apic_count++;
			acpi_info.io_apics[n].address = acpi_field(entry, 4, 4);
			acpi_info.io_apics[n].first_gsi = (u32)acpi_field(entry, 8, 4);
		}
		break;
	case MADT_OVERRIDE:
		add_override(entry);
		break;
	case MADT_LOCAL_APIC:
		acpi_info.local_apic = acpi_field(entry, 4, 8);
		break;
	}
}

static void read_madt(const struct acpi_table *madt)
{
	acpi_info.local_apic = acpi_field(madt, 36, 4);
	for (u32 at = MADT_ENTRIES; at + 2 <= madt->size;) {
		struct acpi_table entry = {madt->data + at, madt->data[at + 1]};
		if (entry.size < 2 || entry.size > madt->size - at)
			break;
		madt_entry(&entry);
		at += entry.size;
	}
}

/* --- FADT: power management --- */

/* A generic address structure: space, width in bits, offset, access size, address. */
static struct acpi_register generic_register(const struct acpi_table *table, u32 offset)
{
	u64 space = acpi_field(table, offset, 1), bits = acpi_field(table, offset + 1, 1);

	if (space != REGISTER_MEMORY && space != REGISTER_PORT)
		return (struct acpi_register){0};
	return (struct acpi_register){
		.address = acpi_field(table, offset + 4, 8),
		.is_port = space == REGISTER_PORT,
		.width = (u8)(bits / 8 != 0 ? bits / 8 : 1),
	};
}

/* The extended field if it is there, else the old one, which is a port. */
static struct acpi_register either_register(const struct acpi_table *table, u32 extended, u32 old,
					    u8 width)
{
	struct acpi_register reg = generic_register(table, extended);

	if (reg.address != 0)
		return reg;
	return (struct acpi_register){
		.address = acpi_field(table, old, 4), .is_port = true, .width = width};
}

/* One element of a package: Zero, One, or a byte constant.  Moves *at behind it. */
static bool aml_byte(const struct acpi_table *table, u32 *at, u8 *value)
{
	u8 opcode = (u8)acpi_field(table, *at, 1);

	if (*at >= table->size)
		return false;
	if (opcode <= 1) {
		*value = opcode;
		*at += 1;
		return true;
	}
	*value = (u8)acpi_field(table, *at + 1, 1);
	*at += 2;
	return opcode == 0x0a;
}

/*
 * Name(_S5, Package{a, b, …}): the sleep types of "off".  We have no interpreter, but the object
 * always has this form:
 * "_S5_", the package's opcode 0x12, its length (whose first byte's top bits say how many more
 * follow), the number of elements, and the elements.
 */
static void read_s5(const struct acpi_table *dsdt)
{
	for (u32 at = HEADER_SIZE; at + 8 < dsdt->size; at++) {
		u32 element;
		if (memcmp(dsdt->data + at, "_S5_", 4) != 0 || dsdt->data[at + 4] != 0x12)
			continue;
		element = at + 5 + 1 + (dsdt->data[at + 5] >> 6) + 1;
		acpi_info.has_s5 = aml_byte(dsdt, &element, &acpi_info.s5_type_a);
		if (!aml_byte(dsdt, &element, &acpi_info.s5_type_b))
			acpi_info.s5_type_b = acpi_info.s5_type_a;
		return;
	}
}

/* The little-endian word at an offset behind *at, where a resource of the given tag is expected. */
static bool find_resource(const struct acpi_table *dsdt, u32 from, u32 to, u8 tag, u32 length,
			  u32 *at)
{
	for (*at = from; *at + 3 + length <= to; *at += 1)
		if (dsdt->data[*at] == tag && acpi_field(dsdt, *at + 1, 2) == length)
			return true;
	return false;
}

/*
 * Virtio devices in memory, as QEMU's microvm describes them: Name(_HID, "LNRO0005") and, within
 * the same device, a buffer of resources with Memory32Fixed (6.4.3.4) and Interrupt (6.4.3.6).
 */
static void read_virtio(const struct acpi_table *dsdt)
{
	enum { NAME_LENGTH = 8, DEVICE_LIMIT = 128, MEMORY = 0x86, INTERRUPT = 0x89 };

	for (u32 at = HEADER_SIZE; at + NAME_LENGTH < dsdt->size; at++) {
		u32 to = MIN(dsdt->size, at + DEVICE_LIMIT), memory, interrupt;

		if (memcmp(dsdt->data + at, "LNRO0005", NAME_LENGTH) != 0 ||
		    acpi_info.virtio_count == ACPI_MAX_VIRTIO ||
		    !find_resource(dsdt, at, to, MEMORY, 9, &memory) ||
		    !find_resource(dsdt, memory + 12, to, INTERRUPT, 6, &interrupt))
			continue;
		acpi_info.virtio[acpi_info.virtio_count++] = (struct firmware_virtio){
			.address = acpi_field(dsdt, memory + 4, 4),
			.size = acpi_field(dsdt, memory + 8, 4),
			.irq = (u32)acpi_field(dsdt, interrupt + 5, 4),
			.level = !(acpi_field(dsdt, interrupt + 3, 1) & 2),
		};
	}
}

static void read_fadt(const struct acpi_table *fadt)
{
	u64 flags = acpi_field(fadt, 112, 4), dsdt_address = acpi_field(fadt, 140, 8);
	struct acpi_table dsdt;

	if (dsdt_address == 0)
		dsdt_address = acpi_field(fadt, 40, 4);
	if (table_open(dsdt_address, &dsdt)) {
		read_s5(&dsdt);
		read_virtio(&dsdt);
	}
	if (flags & FADT_FLAG_RESET) {
		acpi_info.reset = generic_register(fadt, 116);
		acpi_info.reset_value = (u8)acpi_field(fadt, 128, 1);
	}
	acpi_info.century = (u8)acpi_field(fadt, 108, 1);
	if (flags & FADT_FLAG_HARDWARE_REDUCED) {
		acpi_info.sleep_control = generic_register(fadt, 244);
	} else {
		acpi_info.pm1a_control = either_register(fadt, 172, 64, 2);
		acpi_info.pm1b_control = either_register(fadt, 184, 68, 2);
		acpi_info.pm_timer = either_register(fadt, 208, 76, 4);
		acpi_info.pm_timer.width = 4;
		acpi_info.pm_timer_32bit = flags & FADT_FLAG_TIMER_32BIT;
		acpi_info.smi_command = (u16)acpi_field(fadt, 48, 4);
		acpi_info.acpi_enable = (u8)acpi_field(fadt, 52, 1);
	}
	acpi_register_map(&acpi_info.sleep_control);
	acpi_register_map(&acpi_info.reset);
	acpi_register_map(&acpi_info.pm1a_control);
	acpi_register_map(&acpi_info.pm1b_control);
	acpi_register_map(&acpi_info.pm_timer);
}

/* --- Registers --- */

/* A register in memory that has been mapped carries its virtual address, which is above all
 * physical ones. */
void acpi_register_map(struct acpi_register *reg)
{
	if (reg->address != 0 && !reg->is_port && reg->address < DIRECT_MAP_SIZE)
		reg->address = (phys_t)device_map(reg->address, 8);
}

u64 acpi_register_read(const struct acpi_register *reg)
{
	u16 port = (u16)reg->address;

	if (!reg->is_port)
		return reg->width == 4   ? *(volatile u32 *)reg->address
		       : reg->width == 2 ? *(volatile u16 *)reg->address
					 : *(volatile u8 *)reg->address;
	return reg->width == 4   ? port_read32(port)
	       : reg->width == 2 ? port_read16(port)
				 : port_read8(port);
}

void acpi_register_write(const struct acpi_register *reg, u64 value)
{
	u16 port = (u16)reg->address;

	if (!reg->is_port && reg->width == 4)
		*(volatile u32 *)reg->address = (u32)value;
	else if (!reg->is_port && reg->width == 2)
		*(volatile u16 *)reg->address = (u16)value;
	else if (!reg->is_port)
		*(volatile u8 *)reg->address = (u8)value;
	else if (reg->width == 4)
		port_write32(port, (u32)value);
	else if (reg->width == 2)
		port_write16(port, (u16)value);
	else
		port_write8(port, (u8)value);
}

/* --- The root --- */

static phys_t search_rsdp(phys_t start, phys_t end)
{
	const u8 *area = firmware_map(start, end - start);

	for (u32 at = 0; area != NULL && at + RSDP_SIZE_1 <= end - start; at += 16) {
		if (memcmp(area + at, "RSD PTR ", 8) == 0 && checksum_good(area + at, RSDP_SIZE_1))
			return start + at;
	}
	return 0;
}

/* The first KiB of the extended BIOS data area, whose segment the BIOS keeps at 40e, and the BIOS's
 * own area. */
static phys_t find_rsdp(void)
{
	const volatile u16 *ebda_segment = device_map(0x40e, 2);
	phys_t found = 0, ebda = ebda_segment != NULL ? (phys_t)*ebda_segment << 4 : 0;

	if (ebda >= 0x80000 && ebda < 0xa0000)
		found = search_rsdp(ebda, ebda + KIB);
	return found != 0 ? found : search_rsdp(0xe0000, 0x100000);
}

/* --- MCFG: PCI configuration space in memory (PCI Firmware specification 3.2, 4.1.2) --- */

static void read_mcfg(const struct acpi_table *mcfg)
{
	enum { MCFG_AREAS = 44, MCFG_AREA_SIZE = 16 };

	for (u32 at = MCFG_AREAS; at + MCFG_AREA_SIZE <= mcfg->size; at += MCFG_AREA_SIZE) {
		struct firmware_ecam area = {
			.address = acpi_field(mcfg, at, 8),
			.segment = (u16)acpi_field(mcfg, at + 8, 2),
			.first_bus = (u8)acpi_field(mcfg, at + 10, 1),
			.last_bus = (u8)acpi_field(mcfg, at + 11, 1),
		};

		if (acpi_info.ecam_count < ACPI_MAX_ECAM && area.address != 0 &&
		    area.address < DIRECT_MAP_SIZE && IS_ALIGNED(area.address, MIB) &&
		    area.first_bus <= area.last_bus)
			acpi_info.ecam[acpi_info.ecam_count++] = area;
	}
}

bool firmware_ecam(u32 index, struct firmware_ecam *area)
{
	if (index >= acpi_info.ecam_count)
		return false;
	*area = acpi_info.ecam[index];
	return true;
}

bool firmware_virtio(u32 index, struct firmware_virtio *device)
{
	if (index >= acpi_info.virtio_count)
		return false;
	*device = acpi_info.virtio[index];
	return true;
}

static void read_table(phys_t address, struct acpi_table *slit)
{
	struct acpi_table table;

	if (!table_open(address, &table))
		return;
	if (memcmp(table.data, "APIC", 4) == 0)
		read_madt(&table);
	else if (memcmp(table.data, "FACP", 4) == 0)
		read_fadt(&table);
	else if (memcmp(table.data, "SRAT", 4) == 0)
		acpi_read_srat(&table);
	else if (memcmp(table.data, "SLIT", 4) == 0)
		*slit = table;
	else if (memcmp(table.data, "MCFG", 4) == 0)
		read_mcfg(&table);
	else if (memcmp(table.data, "HPET", 4) == 0 && acpi_field(&table, 40, 1) == REGISTER_MEMORY)
		acpi_info.hpet = acpi_field(&table, 44, 8);
}

static void set_defaults(void)
{
	for (u32 irq = 0; irq < ISA_IRQS; irq++)
		acpi_info.isa[irq].gsi = irq;
	acpi_info.local_apic = msr_read(MSR_APIC_BASE) & PTE_ADDRESS_MASK;
}

void acpi_init(phys_t rsdp_address)
{
	struct acpi_table rsdp = {.size = RSDP_SIZE_2}, root, slit = {.data = NULL};
	u32 width;

	set_defaults();
	if (rsdp_address == 0)
		rsdp_address = find_rsdp();
	rsdp.data = rsdp_address != 0 ? firmware_map(rsdp_address, RSDP_SIZE_2) : NULL;
	if (rsdp.data == NULL || memcmp(rsdp.data, "RSD PTR ", 8) != 0 ||
	    !checksum_good(rsdp.data, RSDP_SIZE_1)) {
		log_warn("ACPI: no tables; one CPU, no power-off");
		return;
	}
	/* From revision 2 on there is a table with 64-bit addresses. */
	width = acpi_field(&rsdp, 15, 1) >= 2 && checksum_good(rsdp.data, RSDP_SIZE_2) &&
				acpi_field(&rsdp, 24, 8) != 0
			? 8
			: 4;
	if (!table_open(width == 8 ? acpi_field(&rsdp, 24, 8) : acpi_field(&rsdp, 16, 4), &root))
		return;
	for (u32 at = HEADER_SIZE; at + width <= root.size; at += width)
		read_table(acpi_field(&root, at, width), &slit);
	acpi_numa_finish(&slit);
}
