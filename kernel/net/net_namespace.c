/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces of the network: nothing but something to compare. */
#include "net/net_namespace.h"

static struct namespace first;

void net_namespaces_init(void)
{
	namespace_register_bare(NAMESPACE_NET, &first);
}
