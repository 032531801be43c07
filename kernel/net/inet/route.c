/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of routes, and lwIP's questions to it: see route.h. */
#include "net/inet/route.h"

#include <lwip/ip6.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>

#include "lib/abi/socket.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "net/inet/address.h"
#include "net/inet/lwip/hooks.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"

struct entry {
	struct list_head link;
	struct inet_route route;
};

enum { MAX_SUBSCRIBERS = 2 };

static struct list_head routes4 = LIST_INIT(routes4), routes6 = LIST_INIT(routes6);
static void (*subscribers[MAX_SUBSCRIBERS])(const struct inet_route *route, bool added);

static struct list_head *table_of(u8 family)
{
	return family == AF_INET ? &routes4 : &routes6;
}

static u32 length_of(u8 family)
{
	return family == AF_INET ? 4 : 16;
}

/* Are the first `bits` bits of both equal? */
static bool same_bits(const u8 *one, const u8 *other, u32 bits)
{
	if (memcmp(one, other, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((one[bits / 8] ^ other[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool fits(const struct inet_route *route, const u8 *destination)
{
	u32 mask, here, there;

	if (route->family != AF_INET)
		return same_bits(route->destination, destination, route->prefix);
	mask = route->prefix == 0 ? 0 : __builtin_bswap32(~0u << (32 - route->prefix));
	memcpy(&here, route->destination, sizeof(here));
	memcpy(&there, destination, sizeof(there));
	return ((here ^ there) & mask) == 0;
}

/* --- Those who are told --- */

void inet_route_subscribe(void (*callback)(const struct inet_route *route, bool added))
{
	for (size_t i = 0; i < MAX_SUBSCRIBERS; i++) {
		if (subscribers[i] == NULL) {
			subscribers[i] = callback;
			return;
		}
	}
	panic("too many want to know of routes");
}

static void tell(const struct inet_route *route, bool added)
{
	for (size_t i = 0; i < MAX_SUBSCRIBERS && subscribers[i] != NULL; i++)
		subscribers[i](route, added);
}

/* --- Looking up --- */

static const struct inet_route *find(u8 family, const u8 *destination,
				     const struct net_device *device)
{
	struct entry *entry;

	list_for_each_entry (entry, table_of(family), link)
		if (fits(&entry->route, destination) &&
		    (device == NULL || entry->route.device == device ||
		     entry->route.type == INET_ROUTE_LOCAL))
			return &entry->route;
	return NULL;
}

/* The first address of the device for a packet that goes there. */
static bool fill_in_source4(struct inet_route *route, const u8 *destination)
{
	struct netif *netif = inet_netif_of(route->device);

	if (route->has_source)
		return true;
	if (route->type == INET_ROUTE_LOCAL)
		memcpy(route->source, destination, 4);
	else if (netif != NULL)
		memcpy(route->source, netif_ip4_addr(netif), 4);
	route->has_source = true;
	return true;
}

static int lookup6(const u8 *destination, struct net_device *device, struct inet_route *route)
{
	ip6_addr_t to, any;
	struct netif *netif;
	const ip_addr_t *source;

	memcpy(to.addr, destination, sizeof(to.addr));
	ip6_addr_clear_zone(&to);
	ip6_addr_set_any(&any);
	if (device != NULL)
		netif = inet_netif_of(device);
	else
		netif = ip6_route(&any, &to);
	if (netif == NULL)
		return -ENETUNREACH;
	if (ip6_addr_lacks_zone(&to, IP6_UNKNOWN))
		ip6_addr_assign_zone(&to, IP6_UNKNOWN, netif);
	source = ip6_select_source_address(netif, &to);
	*route = (struct inet_route){.family = AF_INET6,
				     .prefix = 128,
				     .type = INET_ROUTE_UNICAST,
				     .table = INET_TABLE_MAIN,
				     .protocol = INET_PROTOCOL_KERNEL,
				     .device = inet_device_of(netif)};
	memcpy(route->destination, destination, 16);
	if (source != NULL) {
		memcpy(route->source, ip_2_ip6(source)->addr, 16);
		route->has_source = true;
	}
	return 0;
}

int inet_route_lookup_locked(u8 family, const u8 *destination, struct net_device *device,
			     struct inet_route *route)
{
	const struct inet_route *found = find(family, destination, device);

	ASSERT(stack_is_mine());
	if (family == AF_INET6)
		return lookup6(destination, device, route);
	if (found == NULL)
		return -ENETUNREACH;
	*route = *found;
	return fill_in_source4(route, destination) ? 0 : -ENETUNREACH;
}

int inet_route_lookup(u8 family, const u8 *destination, struct net_device *device,
		      struct inet_route *route)
{
	stack_lock();
	int error = inet_route_lookup_locked(family, destination, device, route);
	stack_unlock();
	return error;
}

/* --- Changing --- */

static bool goes_before(const struct inet_route *one, const struct inet_route *other)
{
	if ((one->table == INET_TABLE_LOCAL) != (other->table == INET_TABLE_LOCAL))
		return one->table == INET_TABLE_LOCAL;
	if (one->prefix != other->prefix)
		return one->prefix > other->prefix;
	return one->metric < other->metric;
}

static bool same_network(const struct inet_route *one, const struct inet_route *other)
{
	return one->table == other->table && one->prefix == other->prefix &&
	       memcmp(one->destination, other->destination, length_of(one->family)) == 0;
}

int inet_route_add_locked(const struct inet_route *route)
{
	struct list_head *before = table_of(route->family);
	struct entry *entry, *new;

	ASSERT(stack_is_mine());
	list_for_each_entry (entry, table_of(route->family), link) {
		if (same_network(&entry->route, route) && entry->route.metric == route->metric &&
		    (route->table != INET_TABLE_LOCAL || entry->route.device == route->device))
			return -EEXIST;
		if (before == table_of(route->family) && goes_before(route, &entry->route))
			before = &entry->link;
	}
	new = kmalloc(sizeof(*new));
	if (new == NULL)
		return -ENOBUFS;
	new->route = *route;
	list_add_tail(&new->link, before);
	tell(route, true);
	return 0;
}

static bool is_meant(const struct inet_route *wanted, const struct inet_route *route)
{
	return same_network(wanted, route) &&
	       (wanted->metric == 0 || wanted->metric == route->metric) &&
	       (wanted->protocol == 0 || wanted->protocol == route->protocol) &&
	       (wanted->device == NULL || wanted->device == route->device) &&
	       (!wanted->has_gateway ||
		(route->has_gateway &&
		 memcmp(wanted->gateway, route->gateway, length_of(route->family)) == 0));
}

static void drop(struct entry *entry)
{
	list_remove(&entry->link);
	tell(&entry->route, false);
	kfree(entry);
}

int inet_route_remove_locked(const struct inet_route *route)
{
	struct entry *entry;

	ASSERT(stack_is_mine());
	list_for_each_entry (entry, table_of(route->family), link) {
		if (is_meant(route, &entry->route)) {
			drop(entry);
			return 0;
		}
	}
	return -ESRCH;
}

void inet_route_flush_locked(struct net_device *device, u8 family, bool all)
{
	struct entry *entry, *next;

	list_for_each_entry_safe (entry, next, table_of(family), link)
		if (entry->route.device == device &&
		    (all || entry->route.table != INET_TABLE_LOCAL))
			drop(entry);
}

static bool prefix_is_clean(const struct inet_route *route)
{
	u32 bits = length_of(route->family) * 8;

	if (route->prefix > bits)
		return false;
	for (u32 i = route->prefix; i < bits; i++)
		if (route->destination[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

/* Is the gateway in reach without one?  Finds the device if none is named. */
static int check_gateway(struct inet_route *route)
{
	const struct inet_route *way;

	if (!route->has_gateway || route->family == AF_INET6)
		return 0;
	way = find(AF_INET, route->gateway, route->device);
	if (way == NULL || way->has_gateway || way->type != INET_ROUTE_UNICAST)
		return -ENETUNREACH;
	if (route->device == NULL)
		route->device = way->device;
	return 0;
}

int inet_route_add(const struct inet_route *route)
{
	struct inet_route new = *route;
	int error;

	if (new.family != AF_INET &&new.family != AF_INET6)
		return -EAFNOSUPPORT;
	if (new.table == 0)
		new.table = INET_TABLE_MAIN;
	if (new.table != INET_TABLE_MAIN || (new.type != INET_ROUTE_UNICAST &&new.type != 0))
		return -EOPNOTSUPP;
	new.type = INET_ROUTE_UNICAST;
	if (!prefix_is_clean(&new))
		return -EINVAL;
	stack_lock();
	error = check_gateway(&new);
	if (error == 0 && new.device == NULL)
		error = -ENODEV;
	if (error == 0 && !net_device_is_up(new.device))
		error = -ENETDOWN;
	if (error == 0)
		error = inet_route_add_locked(&new);
	stack_unlock();
	return error;
}

int inet_route_remove(const struct inet_route *route)
{
	struct inet_route wanted = *route;

	if (wanted.family != AF_INET && wanted.family != AF_INET6)
		return -EAFNOSUPPORT;
	if (wanted.table == 0)
		wanted.table = INET_TABLE_MAIN;
	stack_lock();
	int error = inet_route_remove_locked(&wanted);
	stack_unlock();
	return error;
}

/* --- Showing --- */

/* The networks and routers that lwIP has learnt from routers. */
static int visit_learnt(int (*visit)(const struct inet_route *route, void *context), void *context)
{
	struct inet_route route = {.family = AF_INET6,
				   .type = INET_ROUTE_UNICAST,
				   .table = INET_TABLE_MAIN,
				   .metric = 256};
	int result = 0;

	for (u32 i = 0; i < LWIP_ND6_NUM_PREFIXES && result == 0; i++) {
		if (prefix_list[i].netif == NULL)
			continue;
		route.device = inet_device_of(prefix_list[i].netif);
		route.prefix = 64;
		route.protocol = INET_PROTOCOL_KERNEL;
		memcpy(route.destination, prefix_list[i].prefix.addr, 16);
		result = visit(&route, context);
	}
	memset(route.destination, 0, 16);
	route.prefix = 0;
	route.metric = 1024;
	route.protocol = INET_PROTOCOL_RA;
	route.has_gateway = true;
	for (u32 i = 0; i < LWIP_ND6_NUM_ROUTERS && result == 0; i++) {
		const struct nd6_neighbor_cache_entry *router =
			default_router_list[i].neighbor_entry;

		if (router == NULL || router->netif == NULL)
			continue;
		route.device = inet_device_of(router->netif);
		memcpy(route.gateway, router->next_hop_address.addr, 16);
		result = visit(&route, context);
	}
	return result;
}

int inet_route_for_each(int (*visit)(const struct inet_route *route, void *context), void *context)
{
	struct list_head *tables[] = {&routes4, &routes6};
	struct entry *entry;
	int result = 0;

	stack_lock();
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		list_for_each_entry (entry, tables[i], link) {
			result = visit(&entry->route, context);
			if (result != 0)
				goto out;
		}
	}
	result = visit_learnt(visit, context);
out:
	stack_unlock();
	return result;
}

/* --- lwIP's questions --- */

struct netif *inet_hook_ip4_route(const ip4_addr_t *to)
{
	const struct inet_route *route = find(AF_INET, (const u8 *)&to->addr, NULL);

	if (route == NULL)
		return NULL;
	return route->type == INET_ROUTE_LOCAL ? stack_loopback() : inet_netif_of(route->device);
}

const ip4_addr_t *inet_hook_ip4_gateway(struct netif *netif, const ip4_addr_t *to)
{
	const struct inet_route *route =
		find(AF_INET, (const u8 *)&to->addr, inet_device_of(netif));

	if (route == NULL || route->type == INET_ROUTE_LOCAL)
		return NULL;
	return route->has_gateway ? (const ip4_addr_t *)route->gateway : to;
}

struct netif *inet_hook_ip6_route(const ip6_addr_t *to)
{
	const struct inet_route *route;

	if (inet_address_is_local6_locked(to))
		return stack_loopback();
	route = find(AF_INET6, (const u8 *)to->addr, NULL);
	return route != NULL ? inet_netif_of(route->device) : NULL;
}

const ip6_addr_t *inet_hook_ip6_gateway(struct netif *netif, const ip6_addr_t *to)
{
	static ip6_addr_t gateway; /* the stack's lock */
	const struct inet_route *route =
		find(AF_INET6, (const u8 *)to->addr, inet_device_of(netif));

	if (route == NULL || !route->has_gateway)
		return NULL;
	memcpy(gateway.addr, route->gateway, sizeof(gateway.addr));
	ip6_addr_clear_zone(&gateway);
	if (ip6_addr_lacks_zone(&gateway, IP6_UNICAST))
		ip6_addr_assign_zone(&gateway, IP6_UNICAST, netif);
	return &gateway;
}
