/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: links, that is, network interfaces: what they are, changes, and news of them.
 *
 * A message about a device is made under the registry's mutex or with a reference, and shows what
 * the device is at that moment.  A namespace that is not the first has nothing but a lo of its own,
 * which is down.
 */
#include "net/netlink/netlink.h"
#include "net/netlink/route_internal.h"

#include "lib/format.h"

enum { CHANGE_ALL = 0 };

static const char *const wanted_nothing_else =
	"only the state, address, MTU, queue and name change";

/* --- Telling --- */

static void put_statistics(struct netlink_reply *reply, const struct net_device *device)
{
	const struct net_device_statistics *from = &device->statistics;
	union {
		struct linux_link_statistics named;
		u64 words[LINK_STATISTICS];
	} all = {.named = {
			 .rx_packets = READ_ONCE(from->rx_packets),
			 .tx_packets = READ_ONCE(from->tx_packets),
			 .rx_bytes = READ_ONCE(from->rx_bytes),
			 .tx_bytes = READ_ONCE(from->tx_bytes),
			 .rx_errors = READ_ONCE(from->rx_errors),
			 .tx_errors = READ_ONCE(from->tx_errors),
			 .rx_dropped = READ_ONCE(from->rx_dropped),
			 .tx_dropped = READ_ONCE(from->tx_dropped),
			 .multicast = READ_ONCE(from->multicast),
		 }};
	u32 halves[LINK_STATISTICS];

	for (size_t i = 0; i < LINK_STATISTICS; i++)
		halves[i] = (u32)all.words[i];
	netlink_put_bytes(reply, IFLA_STATS64, all.words, sizeof(all.words));
	netlink_put_bytes(reply, IFLA_STATS, halves, sizeof(halves));
}

static u8 operational_state(const struct net_device *device)
{
	if (device->flags & IFF_LOOPBACK)
		return IF_OPER_UNKNOWN;
	return device->flags & IFF_UP && device->carrier ? IF_OPER_UP : IF_OPER_DOWN;
}

static void put_link(struct netlink_reply *reply, u16 type, const struct net_device *device,
		     u32 changed)
{
	struct linux_ifinfomsg link = {.type = device->type,
				       .index = (s32)device->index,
				       .flags = READ_ONCE(device->flags),
				       .change = changed};

	netlink_begin(reply, type, &link, sizeof(link));
	netlink_put_string(reply, IFLA_IFNAME, device->name);
	netlink_put_u32(reply, IFLA_TXQLEN, device->queue_length);
	netlink_put_u8(reply, IFLA_OPERSTATE, operational_state(device));
	netlink_put_u8(reply, IFLA_LINKMODE, 0);
	netlink_put_u32(reply, IFLA_MTU, device->mtu);
	netlink_put_u32(reply, IFLA_MIN_MTU, device->min_mtu);
	netlink_put_u32(reply, IFLA_MAX_MTU, device->max_mtu);
	netlink_put_u32(reply, IFLA_GROUP, 0);
	netlink_put_u32(reply, IFLA_PROMISCUITY, device->promiscuous);
	netlink_put_u32(reply, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(reply, IFLA_NUM_RX_QUEUES, 1);
	netlink_put_u8(reply, IFLA_CARRIER, device->carrier);
	netlink_put_string(reply, IFLA_QDISC, "noqueue");
	netlink_put_bytes(reply, IFLA_ADDRESS, device->address, device->address_length);
	netlink_put_bytes(reply, IFLA_BROADCAST, device->broadcast, device->address_length);
	put_statistics(reply, device);
	netlink_end(reply);
}

/* The lo of a namespace of which nobody takes care. */
static void put_idle_loopback(struct netlink_reply *reply)
{
	struct linux_ifinfomsg link = {.type = ARPHRD_LOOPBACK, .index = 1, .flags = IFF_LOOPBACK};

	netlink_begin(reply, RTM_NEWLINK, &link, sizeof(link));
	netlink_put_string(reply, IFLA_IFNAME, "lo");
	netlink_put_u32(reply, IFLA_MTU, loopback_device.max_mtu);
	netlink_put_u8(reply, IFLA_OPERSTATE, IF_OPER_DOWN);
	netlink_put_string(reply, IFLA_QDISC, "noop");
	netlink_put_bytes(reply, IFLA_ADDRESS, loopback_device.broadcast,
			  loopback_device.address_length);
	netlink_end(reply);
}

static int dump_one(struct net_device *device, void *reply)
{
	put_link(reply, RTM_NEWLINK, device, CHANGE_ALL);
	return 0;
}

int route_dump_links(struct netlink_request *request)
{
	struct netlink_reply reply;

	netlink_reply_init(&reply, request);
	if (route_in_first_namespace(request))
		net_device_for_each(dump_one, &reply);
	else
		put_idle_loopback(&reply);
	return netlink_reply_dump(&reply, request);
}

/* --- Finding --- */

/* The device that a request is about, with a reference: by number or by name. */
static int find(struct netlink_request *request, const struct linux_ifinfomsg *link,
		const struct netlink_attribute *attributes, struct net_device **device)
{
	const struct netlink_attribute *name = &attributes[IFLA_IFNAME];
	char text[IFNAMSIZ];

	if (link->index > 0) {
		*device = net_device_by_index((u32)link->index);
	} else {
		if (name->value == NULL)
			name = &attributes[IFLA_ALT_IFNAME];
		if (link->index < 0 || name->value == NULL ||
		    netlink_attribute_string(name, text, sizeof(text)))
			return netlink_refuse(request, -EINVAL, "no index and no name of a link");
		*device = net_device_find(text);
	}
	return *device != NULL ? 0 : -ENODEV;
}

int route_get_link(struct netlink_request *request)
{
	struct netlink_attribute attributes[IFLA_MAX + 1];
	struct linux_ifinfomsg link;
	struct netlink_reply reply;
	struct net_device *device;
	int error = netlink_request_attributes(request, sizeof(link), attributes, IFLA_MAX + 1);

	if (error)
		return error;
	memcpy(&link, netlink_body(request), sizeof(link));
	error = find(request, &link, attributes, &device);
	if (error)
		return error;
	netlink_reply_init(&reply, request);
	if (route_in_first_namespace(request))
		put_link(&reply, RTM_NEWLINK, device, CHANGE_ALL);
	else if (device == &loopback_device)
		put_idle_loopback(&reply);
	else
		reply.error = -ENODEV;
	net_device_put(device);
	return netlink_reply_send(&reply, request);
}

/* --- Changing --- */

static int set_name(struct net_device *device, const struct netlink_attribute *attribute)
{
	char name[IFNAMSIZ];
	int error = netlink_attribute_string(attribute, name, sizeof(name));

	if (error || strcmp(name, device->name) == 0)
		return error;
	return net_device_rename(device, name);
}

static int change(struct net_device *device, const struct linux_ifinfomsg *link,
		  const struct netlink_attribute *attributes)
{
	const struct netlink_attribute *address = &attributes[IFLA_ADDRESS];
	int error = 0;

	if (address->value != NULL)
		error = address->length < device->address_length
				? -EINVAL
				: net_device_set_address(device, address->value);
	if (!error && attributes[IFLA_MTU].value != NULL)
		error = net_device_set_mtu(device, netlink_attribute_u32(&attributes[IFLA_MTU], 0));
	if (!error && link->index > 0 && attributes[IFLA_IFNAME].value != NULL)
		error = set_name(device, &attributes[IFLA_IFNAME]);
	if (!error && attributes[IFLA_TXQLEN].value != NULL)
		error = net_device_set_queue_length(
			device, netlink_attribute_u32(&attributes[IFLA_TXQLEN], 0));
	if (!error && (link->flags != 0 || link->change != 0))
		error = net_device_set_flags(device, link->flags,
					     link->change != 0 ? link->change : ~0u);
	return error;
}

/* What a request may hold besides what it says of the link, and what changes. */
static bool is_known(u32 attribute)
{
	return attribute == IFLA_IFNAME || attribute == IFLA_ALT_IFNAME ||
	       attribute == IFLA_ADDRESS || attribute == IFLA_MTU || attribute == IFLA_TXQLEN ||
	       attribute == IFLA_EXT_MASK || attribute == IFLA_AF_SPEC;
}

int route_change_link(struct netlink_request *request)
{
	struct netlink_attribute attributes[IFLA_MAX + 1];
	u16 flags = request->header->flags;
	struct linux_ifinfomsg link;
	struct net_device *device;
	int error = netlink_request_attributes(request, sizeof(link), attributes, IFLA_MAX + 1);

	if (error)
		return error;
	memcpy(&link, netlink_body(request), sizeof(link));
	error = find(request, &link, attributes, &device);
	if (error == -ENODEV && flags & NLM_F_CREATE)
		return netlink_refuse(request, -EOPNOTSUPP, "links of that sort cannot be made");
	if (error)
		return error;
	if (!route_in_first_namespace(request))
		error = -EOPNOTSUPP;
	else if (request->header->type == RTM_NEWLINK && flags & NLM_F_EXCL)
		error = -EEXIST;
	for (u32 i = 0; i <= IFLA_MAX && !error; i++)
		if (attributes[i].value != NULL && !is_known(i))
			error = netlink_refuse(request, -EOPNOTSUPP, wanted_nothing_else);
	if (!error)
		error = change(device, &link, attributes);
	net_device_put(device);
	return error;
}

/* --- News --- */

static void tell_udev(const struct net_device *device, const char *action)
{
	char path[64], interface[32], index[32];
	const char *const more[] = {interface, index, NULL};

	snprintf(path, sizeof(path), "/devices/virtual/net/%s", device->name);
	snprintf(interface, sizeof(interface), "INTERFACE=%s", device->name);
	snprintf(index, sizeof(index), "IFINDEX=%u", device->index);
	netlink_uevent(action, path, "net", more);
}

static void device_event(struct net_device *device, enum net_event event, u32 changed)
{
	struct netlink_reply notice;

	if (event != NET_DEVICE_CHANGED)
		tell_udev(device, event == NET_DEVICE_ADDED ? "add" : "remove");
	if (!netlink_has_listeners(NETLINK_ROUTE, RTNLGRP_LINK, namespace_first(NAMESPACE_NET)))
		return;
	netlink_notice_init(&notice);
	put_link(&notice, event == NET_DEVICE_GONE ? RTM_DELLINK : RTM_NEWLINK, device,
		 event == NET_DEVICE_CHANGED ? changed : ~0u);
	netlink_notice_send(&notice, NETLINK_ROUTE, RTNLGRP_LINK);
}

void route_links_init(void)
{
	net_device_subscribe(device_event);
}
