/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces of the network: nothing but something to compare. */
#include "net/net_namespace.h"

#include "lib/errno.h"
#include "mm/kmalloc.h"

static struct namespace first;

static struct namespace *copy(struct namespace *from __unused,
			      const struct namespace_request *request)
{
	struct namespace *space = kzalloc(sizeof(*space));

	if (space == NULL)
		return ERR_PTR(-ENOMEM);
	int error = namespace_init(space, NAMESPACE_NET, request->owner);
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

void net_namespaces_init(void)
{
	namespace_register(NAMESPACE_NET, &operations, &first);
}
