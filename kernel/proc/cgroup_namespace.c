/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of control groups (cgroup_namespaces(7)).
 *
 * There is one group, the root, in which every process is; so a namespace is nothing but its number
 * and its owner, and every process sees itself at "/" in each of them.  No locks.
 */
#include "proc/cgroup_namespace.h"

#include "proc/namespace.h"

static struct namespace first;

void cgroup_namespaces_init(void)
{
	namespace_register_bare(NAMESPACE_CGROUP, &first);
}
