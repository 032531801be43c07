/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of control groups (cgroup_namespaces(7)).
 *
 * There is one group, the root, in which every process is; so a namespace is nothing but its number
 * and its owner, and every process sees itself at "/" in each of them.  No locks.
 */
#include "proc/cgroup_namespace.h"

#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/namespace.h"

static struct namespace first;

static struct namespace *copy(struct namespace *from __unused,
			      const struct namespace_request *request)
{
	struct namespace *space = kzalloc(sizeof(*space));

	if (space == NULL)
		return ERR_PTR(-ENOMEM);
	int error = namespace_init(space, NAMESPACE_CGROUP, request->owner);
	if (error == 0)
		return space;
	kfree(space);
	return ERR_PTR(error);
}

static void release(struct namespace *space)
{
	namespace_fini(space);
	kfree(space);
}

static const struct namespace_kind_ops operations = {.copy = copy, .release = release};

void cgroup_namespaces_init(void)
{
	namespace_register(NAMESPACE_CGROUP, &operations, &first);
}
