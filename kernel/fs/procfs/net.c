/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/PID/net, with what the network has to tell.
 *
 * The table is filled at start-up and only read afterwards, so it has no lock.
 */
#include "fs/procfs/procfs.h"
#include "lib/assert.h"
#include "lib/format.h"
#include "lib/string.h"
#include "proc/pid.h"

#define MAX_ENTRIES 32

static const struct proc_entry *entries[MAX_ENTRIES];
static u32 entry_count;

void proc_net_register(const struct proc_entry *entry)
{
	ASSERT(entry_count < MAX_ENTRIES);
	entries[entry_count++] = entry;
}

bool proc_find_net(const struct proc_node *node __unused, const char *name, size_t length,
		   struct proc_node *child)
{
	for (u32 i = 0; i < entry_count; i++) {
		if (strlen(entries[i]->name) != length || memcmp(entries[i]->name, name, length))
			continue;
		child->entry = entries[i];
		return true;
	}
	return false;
}

bool proc_next_net(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	if (*position >= entry_count)
		return false;
	const struct proc_entry *entry = entries[*position];
	child->node = (struct proc_node){.entry = entry,
					 .pid = node->pid,
					 .fd = -1,
					 .thread = node->thread,
					 .space = node->space};
	snprintf(child->name, sizeof(child->name), "%s", entry->name);
	++*position;
	return true;
}
