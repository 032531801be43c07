/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: the table of routes: what there is, which way a packet goes, changes, and news.
 *
 * Routes are under the stack's lock; a dump is one moment's.  No state here.
 */
#include "net/inet/route.h"

#include "net/netlink/route_internal.h"

enum { IPV6_DEFAULT_METRIC = 1024, IPV6_PREFERENCE_MEDIUM = 0 };

static size_t size_of(u8 family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* --- Telling --- */

static void put_route(struct netlink_reply *reply, u16 type, const struct inet_route *route,
		      u32 flags)
{
	struct linux_rtmsg message = {.family = route->family,
				      .destination_prefix = route->prefix,
				      .table = (u8)route->table,
				      .protocol = route->protocol,
				      .scope = route->scope,
				      .type = route->type,
				      .flags = flags};
	struct linux_rta_cacheinfo cache = {0};
	size_t size = size_of(route->family);

	netlink_begin(reply, type, &message, sizeof(message));
	netlink_put_u32(reply, RTA_TABLE, route->table);
	if (route->prefix != 0)
		netlink_put_bytes(reply, RTA_DST, route->destination, size);
	if (route->metric != 0)
		netlink_put_u32(reply, RTA_PRIORITY, route->metric);
	if (route->has_source)
		netlink_put_bytes(reply, RTA_PREFSRC, route->source, size);
	if (route->has_gateway)
		netlink_put_bytes(reply, RTA_GATEWAY, route->gateway, size);
	if (route->device != NULL)
		netlink_put_u32(reply, RTA_OIF, route->device->index);
	if (flags & RTM_F_CLONED || route->family == AF_INET6)
		netlink_put_bytes(reply, RTA_CACHEINFO, &cache, sizeof(cache));
	if (route->family == AF_INET6)
		netlink_put_u8(reply, RTA_PREF, IPV6_PREFERENCE_MEDIUM);
	netlink_end(reply);
}

struct dump {
	struct netlink_reply reply;
	u8 family;
};

static int dump_one(const struct inet_route *route, void *context)
{
	struct dump *dump = context;

	if (dump->family == AF_UNSPEC || dump->family == route->family)
		put_route(&dump->reply, RTM_NEWROUTE, route, 0);
	return 0;
}

int route_dump_routes(struct netlink_request *request)
{
	struct dump dump = {.family = *(const u8 *)netlink_body(request)};
	struct linux_rtmsg asked = {0};

	netlink_reply_init(&dump.reply, request);
	if (netlink_body_length(request) >= sizeof(asked))
		memcpy(&asked, netlink_body(request), sizeof(asked));
	/* Nothing is remembered of routes that were used. */
	if (route_in_first_namespace(request) && !(asked.flags & RTM_F_CLONED))
		inet_route_for_each(dump_one, &dump);
	return netlink_reply_dump(&dump.reply, request);
}

/* --- Reading requests --- */

static bool read_bytes(const struct netlink_attribute *attribute, u8 *to, size_t size)
{
	if (attribute->value == NULL || attribute->length < size)
		return false;
	memcpy(to, attribute->value, size);
	return true;
}

static int read_route(struct netlink_request *request, struct inet_route *route)
{
	struct netlink_attribute attributes[RTA_MAX + 1];
	struct linux_rtmsg message;
	int error = netlink_request_attributes(request, sizeof(message), attributes, RTA_MAX + 1);

	if (error)
		return error;
	memcpy(&message, netlink_body(request), sizeof(message));
	if (message.family != AF_INET && message.family != AF_INET6)
		return -EOPNOTSUPP;
	size_t size = size_of(message.family);
	if (message.destination_prefix > size * 8 || message.source_prefix != 0)
		return -EINVAL;
	*route = (struct inet_route){
		.family = message.family,
		.prefix = message.destination_prefix,
		.protocol = message.protocol,
		.scope = message.scope,
		.type = message.type,
		.table = netlink_attribute_u32(&attributes[RTA_TABLE], message.table),
		.metric = netlink_attribute_u32(&attributes[RTA_PRIORITY], 0)};
	if (!read_bytes(&attributes[RTA_DST], route->destination, size) && route->prefix != 0)
		return netlink_refuse(request, -EINVAL, "no destination");
	route->has_gateway = read_bytes(&attributes[RTA_GATEWAY], route->gateway, size);
	route->has_source = read_bytes(&attributes[RTA_PREFSRC], route->source, size);
	u32 index = netlink_attribute_u32(&attributes[RTA_OIF], 0);
	if (index == 0)
		return 0;
	route->device = net_device_by_index(index);
	return route->device != NULL ? 0 : -ENODEV;
}

static void drop_route(const struct inet_route *route)
{
	if (route->device != NULL)
		net_device_put(route->device);
}

/* Which way does a packet go? */
int route_get_route(struct netlink_request *request)
{
	struct inet_route asked, found;
	struct netlink_reply reply;
	int error = read_route(request, &asked);

	if (error)
		return error;
	netlink_reply_init(&reply, request);
	if (!route_in_first_namespace(request))
		reply.error = -ENETUNREACH;
	else
		reply.error = reply.error ? reply.error
					  : inet_route_lookup(asked.family, asked.destination,
							      asked.device, &found);
	if (!reply.error) {
		memcpy(found.destination, asked.destination, sizeof(found.destination));
		found.prefix = (u8)(size_of(asked.family) * 8);
		found.table = INET_TABLE_MAIN;
		found.protocol = 0;
		found.scope = 0;
		found.metric = 0;
		put_route(&reply, RTM_NEWROUTE, &found, RTM_F_CLONED);
	}
	drop_route(&asked);
	return netlink_reply_send(&reply, request);
}

/* --- Changing --- */

static int replace(const struct inet_route *route)
{
	struct inet_route old = {.family = route->family,
				 .prefix = route->prefix,
				 .table = route->table,
				 .metric = route->metric};

	memcpy(old.destination, route->destination, sizeof(old.destination));
	int error = inet_route_remove(&old);
	return error ? error : inet_route_add(route);
}

int route_add_route(struct netlink_request *request)
{
	u16 flags = request->header->flags;
	struct inet_route route;

	if (!route_in_first_namespace(request))
		return -EOPNOTSUPP;
	int error = read_route(request, &route);
	if (error)
		return error;
	if (route.table == 0)
		route.table = INET_TABLE_MAIN;
	if (route.family == AF_INET6 && route.metric == 0)
		route.metric = IPV6_DEFAULT_METRIC;
	if (!(flags & NLM_F_CREATE))
		error = flags & NLM_F_REPLACE ? replace(&route) : -ENOENT;
	else
		error = inet_route_add(&route);
	if (error == -EEXIST && flags & NLM_F_REPLACE)
		error = replace(&route);
	drop_route(&route);
	return error == -ESRCH ? -ENOENT : error;
}

int route_remove_route(struct netlink_request *request)
{
	struct inet_route route;

	if (!route_in_first_namespace(request))
		return -EOPNOTSUPP;
	int error = read_route(request, &route);
	if (error)
		return error;
	if (route.table == 0)
		route.table = INET_TABLE_MAIN;
	error = inet_route_remove(&route);
	drop_route(&route);
	return error;
}

/* --- News --- */

static void route_event(const struct inet_route *route, bool added)
{
	u32 group = route->family == AF_INET6 ? RTNLGRP_IPV6_ROUTE : RTNLGRP_IPV4_ROUTE;
	struct netlink_reply notice;

	if (!netlink_has_listeners(NETLINK_ROUTE, group, namespace_first(NAMESPACE_NET)))
		return;
	netlink_notice_init(&notice);
	put_route(&notice, added ? RTM_NEWROUTE : RTM_DELROUTE, route, 0);
	netlink_notice_send(&notice, NETLINK_ROUTE, group);
}

void route_routes_init(void)
{
	inet_route_subscribe(route_event);
}
