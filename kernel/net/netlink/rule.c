/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: the rules that say which table a route is looked up in (ip-rule(8)).  They are the
 * three that every Linux begins with, for IPv6 two, and cannot be changed.  No state, so no locks.
 */
#include "net/netlink/route_internal.h"

enum { TABLE_DEFAULT = 253, TABLE_MAIN = 254, TABLE_LOCAL = 255, PROTOCOL_KERNEL = 2 };

static const struct {
	u16 family;
	u8 table;
	u32 priority;
} rules[] = {
	{AF_INET, TABLE_LOCAL, 0},  {AF_INET, TABLE_MAIN, 32766},  {AF_INET, TABLE_DEFAULT, 32767},
	{AF_INET6, TABLE_LOCAL, 0}, {AF_INET6, TABLE_MAIN, 32766},
};

int route_dump_rules(struct netlink_request *request)
{
	u8 family = *(const u8 *)netlink_body(request);
	struct netlink_reply reply;

	netlink_reply_init(&reply, request);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct linux_fib_rule rule = {.family = (u8)rules[i].family,
					      .table = rules[i].table,
					      .action = FR_ACT_TO_TBL};

		if (family != AF_UNSPEC && family != rules[i].family)
			continue;
		netlink_begin(&reply, RTM_NEWRULE, &rule, sizeof(rule));
		netlink_put_u32(&reply, FRA_TABLE, rules[i].table);
		netlink_put_u32(&reply, FRA_SUPPRESS_PREFIXLEN, (u32)-1);
		netlink_put_u8(&reply, FRA_PROTOCOL, PROTOCOL_KERNEL);
		if (rules[i].priority != 0)
			netlink_put_u32(&reply, FRA_PRIORITY, rules[i].priority);
		netlink_end(&reply);
	}
	return netlink_reply_dump(&reply, request);
}
