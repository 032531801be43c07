/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces of control groups: they have numbers and owners alone. */
#ifndef PROC_CGROUP_NAMESPACE_H
#define PROC_CGROUP_NAMESPACE_H

/* Registers the kind.  Once, at start-up, before the first program. */
void cgroup_namespaces_init(void);

#endif
