/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses, routes and neighbours as files: /proc/net/route, ipv6_route, if_inet6 and arp.
 *
 * A file is one moment's, made under the stack's lock.  Other namespaces than the first have empty
 * ones.  No state.
 */
#include "net/device_files.h"

#include "fs/procfs/procfs.h"
#include "lib/abi/rtnetlink.h"
#include "lib/abi/socket.h"
#include "lib/format.h"
#include "lib/string.h"
#include "net/device.h"
#include "net/inet/address.h"
#include "net/inet/neighbour.h"
#include "net/inet/route.h"
#include "proc/namespace.h"

enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_LOCAL = 0x80000000, ROUTE_WIDTH = 127 };
enum { ATF_COM = 2, ARP_ETHERNET = 1 };

bool proc_net_is_first(const struct proc_node *node)
{
	struct task *task = proc_node_task(node);
	struct namespace *space =
		task != NULL ? namespace_of_task(task, NAMESPACE_NET, false) : NULL;

	if (task != NULL)
		task_put(task);
	if (space != NULL)
		namespace_put(space);
	return space == namespace_first(NAMESPACE_NET);
}

static u32 word_of(const u8 *bytes)
{
	u32 word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* --- IPv4 --- */

static int show_route(const struct inet_route *route, void *context)
{
	struct text *text = context;
	u32 flags = RTF_UP | (route->has_gateway ? RTF_GATEWAY : 0u) |
		    (route->prefix == 32 ? RTF_HOST : 0u);
	u32 mask = route->prefix == 0 ? 0 : __builtin_bswap32(~0u << (32 - route->prefix));

	if (route->family != AF_INET || route->table == INET_TABLE_LOCAL || route->device == NULL)
		return 0;
	size_t start = text->length;
	text_printf(text, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%d\t%u\t%u", route->device->name,
		    word_of(route->destination), route->has_gateway ? word_of(route->gateway) : 0,
		    flags, 0, 0, route->metric, mask, 0, 0, 0);
	size_t length = text->length - start;
	text_printf(text, "%*s\n", (int)(length < ROUTE_WIDTH ? ROUTE_WIDTH - length : 0), "");
	return 0;
}

static int show_routes(const struct proc_node *node, struct text *text)
{
	text_printf(text, "%-127s\n",
		    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow"
		    "\tIRTT");
	if (proc_net_is_first(node))
		inet_route_for_each(show_route, text);
	return 0;
}

static int show_neighbour(const struct inet_neighbour *neighbour, void *context)
{
	const u8 *a = neighbour->bytes, *h = neighbour->hardware;
	struct text *text = context;
	char address[16];

	if (neighbour->family != AF_INET)
		return 0;
	snprintf(address, sizeof(address), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	text_printf(text, "%-16s 0x%-10x0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n",
		    address, ARP_ETHERNET, ATF_COM, h[0], h[1], h[2], h[3], h[4], h[5],
		    neighbour->device->name);
	return 0;
}

static int show_arp(const struct proc_node *node, struct text *text)
{
	text_printf(text, "IP address       HW type     Flags       HW address            Mask     "
			  "Device\n");
	if (proc_net_is_first(node))
		inet_neighbour_for_each(show_neighbour, text);
	return 0;
}

/* --- IPv6 --- */

static void show_bytes(struct text *text, const u8 *bytes)
{
	for (u32 i = 0; i < 16; i++)
		text_printf(text, "%02x", bytes[i]);
}

static int show_address6(const struct inet_address *address, void *context)
{
	/* The file's own numbers of scopes. */
	u32 scope = address->scope == INET_SCOPE_HOST   ? 0x10
		    : address->scope == INET_SCOPE_LINK ? 0x20
		    : address->scope == INET_SCOPE_SITE ? 0x40
							: 0;

	if (address->family != AF_INET6)
		return 0;
	show_bytes(context, address->bytes);
	text_printf(context, " %02x %02x %02x %02x %8s\n", address->device->index, address->prefix,
		    scope, address->flags & 0xff, address->device->name);
	return 0;
}

static int show_addresses6(const struct proc_node *node, struct text *text)
{
	if (proc_net_is_first(node))
		inet_address_for_each(show_address6, text);
	return 0;
}

static int show_route6(const struct inet_route *route, void *context)
{
	static const u8 none[16];
	u32 flags = RTF_UP | (route->has_gateway ? RTF_GATEWAY : 0u) |
		    (route->prefix == 128 ? RTF_HOST : 0u) |
		    (route->type == INET_ROUTE_LOCAL ? RTF_LOCAL : 0u);

	if (route->family != AF_INET6 || route->device == NULL)
		return 0;
	show_bytes(context, route->destination);
	text_printf(context, " %02x ", route->prefix);
	show_bytes(context, none);
	text_printf(context, " 00 ");
	show_bytes(context, route->has_gateway ? route->gateway : none);
	text_printf(context, " %08x %08x %08x %08x %8s\n", route->metric, 1, 0, flags,
		    route->device->name);
	return 0;
}

static int show_routes6(const struct proc_node *node, struct text *text)
{
	if (proc_net_is_first(node))
		inet_route_for_each(show_route6, text);
	return 0;
}

static const struct proc_entry entries[] = {
	PROC_FILE("arp", 0444, show_arp),
	PROC_FILE("if_inet6", 0444, show_addresses6),
	PROC_FILE("ipv6_route", 0444, show_routes6),
	PROC_FILE("route", 0444, show_routes),
};

void net_route_files_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		proc_net_register(&entries[i]);
}
