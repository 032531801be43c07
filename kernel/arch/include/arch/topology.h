/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which memory and which processors are near each other: the machine's nodes, as the firmware
 * tells of them.  A machine that says nothing is one node.
 */
#ifndef ARCH_TOPOLOGY_H
#define ARCH_TOPOLOGY_H

#include "arch/cpu.h"
#include "lib/types.h"

enum { MAX_NODES = 16, NODE_SPANS = 64, NODE_DISTANCE_LOCAL = 10, NODE_DISTANCE_REMOTE = 20 };

struct node_span {
	phys_t start, end; /* bytes */
	u8 node;
};

struct machine_topology {
	u32 nodes; /* at least 1 */
	u32 spans;
	struct node_span span[NODE_SPANS]; /* memory in none of them is node 0's */
	u8 cpu_node[MAX_CPUS];             /* by CPU number */
	u8 distance[MAX_NODES][MAX_NODES]; /* relative; a node's to itself is 10 */
};

/* Constant after arch_init_devices. */
const struct machine_topology *machine_topology(void);

#endif
