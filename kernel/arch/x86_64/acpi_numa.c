/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes of memory and processors, from the SRAT and the SLIT (ACPI specification 6.4, 5.2.16 and
 * 5.2.17).
 *
 * The tables know proximity domains, of any number; nodes are numbered from 0 in the order in which
 * the SRAT names domains.  A table that contradicts itself, or has more than we keep, is left aside
 * as a whole: the machine is then one node.
 */
#include "acpi.h"
#include "arch/topology.h"
#include "lib/log.h"
#include "machine_internal.h"

enum { SRAT_ENTRIES = 48, SLIT_COUNT = 36, SLIT_MATRIX = 44, FLAG_ENABLED = 1 };
enum srat_type { SRAT_CPU = 0, SRAT_MEMORY = 1, SRAT_CPU_X2 = 2 };

static struct machine_topology topology = {.nodes = 1, .distance = {{NODE_DISTANCE_LOCAL}}};
static u32 domains[MAX_NODES]; /* of each node */
static struct {
	u32 apic_id;
	u8 node;
} processors[MAX_CPUS];
static u32 processor_count;

const struct machine_topology *machine_topology(void)
{
	return &topology;
}

/* The node of a domain, a new one if need be; MAX_NODES when there are too many. */
static u32 node_of(u32 domain)
{
	for (u32 node = 0; node < topology.nodes; node++)
		if (domains[node] == domain)
			return node;
	if (topology.nodes < MAX_NODES)
		domains[topology.nodes++] = domain;
	else
		return MAX_NODES;
	return topology.nodes - 1;
}

static bool add_processor(u32 domain, u32 apic_id, u64 flags)
{
	if (!(flags & FLAG_ENABLED) || processor_count == MAX_CPUS)
		return true;
	u32 node = node_of(domain);
	processors[processor_count].apic_id = apic_id;
	processors[processor_count++].node = (u8)node;
	return node < MAX_NODES;
}

static bool add_memory(u32 domain, phys_t start, u64 size, u64 flags)
{
	phys_t end;

	if (!(flags & FLAG_ENABLED) || size == 0)
		return true;
	u32 node = node_of(domain);
	if (node == MAX_NODES || topology.spans == NODE_SPANS ||
	    __builtin_add_overflow(start, size, &end))
		return false;
	for (u32 i = 0; i < topology.spans; i++)
		if (start < topology.span[i].end && topology.span[i].start < end)
			return false;
	topology.span[topology.spans++] = (struct node_span){start, end, (u8)node};
	return true;
}

static bool add_entry(const struct acpi_table *entry)
{
	switch (acpi_field(entry, 0, 1)) {
	case SRAT_CPU:
		return add_processor((u32)(acpi_field(entry, 2, 1) | acpi_field(entry, 9, 3) << 8),
				     (u32)acpi_field(entry, 3, 1), acpi_field(entry, 4, 4));
	case SRAT_CPU_X2:
		return add_processor((u32)acpi_field(entry, 4, 4), (u32)acpi_field(entry, 8, 4),
				     acpi_field(entry, 12, 4));
	case SRAT_MEMORY:
		return add_memory((u32)acpi_field(entry, 2, 4), acpi_field(entry, 8, 8),
				  acpi_field(entry, 16, 8), acpi_field(entry, 28, 4));
	default:
		return true;
	}
}

static void set_default_distances(void)
{
	for (u32 from = 0; from < MAX_NODES; from++)
		for (u32 to = 0; to < MAX_NODES; to++)
			topology.distance[from][to] =
				from == to ? NODE_DISTANCE_LOCAL : NODE_DISTANCE_REMOTE;
}

void acpi_read_srat(const struct acpi_table *srat)
{
	topology.nodes = 0;
	for (u32 at = SRAT_ENTRIES; at + 2 <= srat->size;) {
		struct acpi_table entry = {srat->data + at, srat->data[at + 1]};
		if (entry.size < 2 || entry.size > srat->size - at || !add_entry(&entry)) {
			log_warn("ACPI: SRAT is broken or too large; the machine is one node");
			topology.nodes = topology.spans = processor_count = 0;
			break;
		}
		at += entry.size;
	}
	topology.nodes = MAX(topology.nodes, 1u);
}

/* Distances are indexed by domain. */
static void read_slit(const struct acpi_table *slit)
{
	u64 count = acpi_field(slit, SLIT_COUNT, 8);

	for (u32 from = 0; from < topology.nodes; from++) {
		for (u32 to = 0; to < topology.nodes; to++) {
			if (from == to || domains[from] >= count || domains[to] >= count)
				continue;
			u64 distance = acpi_field(
				slit, (u32)(SLIT_MATRIX + domains[from] * count + domains[to]), 1);
			if (distance > NODE_DISTANCE_LOCAL)
				topology.distance[from][to] = (u8)distance;
		}
	}
}

void acpi_numa_finish(const struct acpi_table *slit)
{
	set_default_distances();
	if (slit->data != NULL)
		read_slit(slit);
}

void acpi_numa_place_cpu(u32 cpu, u32 apic_id)
{
	for (u32 i = 0; i < processor_count; i++)
		if (processors[i].apic_id == apic_id)
			topology.cpu_node[cpu] = processors[i].node;
}
