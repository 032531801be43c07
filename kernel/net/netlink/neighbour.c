/* SPDX-License-Identifier: BSD-2-Clause */
/* NETLINK_ROUTE: neighbours (ip-neighbour(8)).  They are asked for, not changed.  No state. */
#include "net/inet/neighbour.h"

#include "net/netlink/route_internal.h"

struct dump {
	struct netlink_reply reply;
	u8 family;
};

enum { RTN_UNICAST = 1 };

static int dump_one(const struct inet_neighbour *neighbour, void *context)
{
	struct dump *dump = context;
	struct linux_ndmsg message = {.family = neighbour->family,
				      .index = (s32)neighbour->device->index,
				      .state = neighbour->state,
				      .type = RTN_UNICAST};

	if (dump->family != AF_UNSPEC && dump->family != neighbour->family)
		return 0;
	netlink_begin(&dump->reply, RTM_NEWNEIGH, &message, sizeof(message));
	netlink_put_bytes(&dump->reply, NDA_DST, neighbour->bytes,
			  neighbour->family == AF_INET6 ? 16 : 4);
	if (neighbour->state != NUD_INCOMPLETE)
		netlink_put_bytes(&dump->reply, NDA_LLADDR, neighbour->hardware,
				  sizeof(neighbour->hardware));
	netlink_end(&dump->reply);
	return 0;
}

int route_dump_neighbours(struct netlink_request *request)
{
	struct dump dump = {.family = *(const u8 *)netlink_body(request)};

	netlink_reply_init(&dump.reply, request);
	if (route_in_first_namespace(request))
		inet_neighbour_for_each(dump_one, &dump);
	return netlink_reply_dump(&dump.reply, request);
}
