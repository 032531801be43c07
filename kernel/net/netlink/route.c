/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: which request goes where.
 *
 * Anybody may ask; changes want CAP_NET_ADMIN over the namespace.  No state, so no locks.
 */
#include "net/netlink/route_internal.h"

#include "proc/credentials.h"

struct handler {
	u16 type;
	int (*get)(struct netlink_request *request);  /* one thing, or a change */
	int (*dump)(struct netlink_request *request); /* all of them */
};

static const struct handler handlers[] = {
	{.type = RTM_NEWLINK, .get = route_change_link},
	{.type = RTM_SETLINK, .get = route_change_link},
	{.type = RTM_GETLINK, .get = route_get_link, .dump = route_dump_links},
	{.type = RTM_NEWADDR, .get = route_add_address},
	{.type = RTM_DELADDR, .get = route_remove_address},
	{.type = RTM_GETADDR, .dump = route_dump_addresses},
	{.type = RTM_NEWROUTE, .get = route_add_route},
	{.type = RTM_DELROUTE, .get = route_remove_route},
	{.type = RTM_GETROUTE, .get = route_get_route, .dump = route_dump_routes},
	{.type = RTM_GETNEIGH, .dump = route_dump_neighbours},
	{.type = RTM_GETRULE, .dump = route_dump_rules},
};

int netlink_route_handle(struct netlink_request *request)
{
	const struct linux_nlmsghdr *header = request->header;
	bool is_get = (header->type & 3) == (RTM_GETLINK & 3);
	bool dump = is_get && header->flags & NLM_F_DUMP;

	if (header->type > RTM_MAX)
		return -EOPNOTSUPP;
	if (netlink_body_length(request) < sizeof(u8))
		return 0;
	if (!is_get && !capable_in(request->from->space->owner, CAP_NET_ADMIN))
		return -EPERM;
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
		if (handlers[i].type != header->type)
			continue;
		int (*handle)(struct netlink_request *) = dump ? handlers[i].dump : handlers[i].get;

		return handle != NULL ? handle(request) : -EOPNOTSUPP;
	}
	return -EOPNOTSUPP;
}
