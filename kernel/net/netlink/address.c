/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: addresses of interfaces: what there is, changes, and news of them.
 *
 * The addresses are under the stack's lock; a dump is one moment's.  No state here.
 */
#include "net/inet/address.h"

#include "net/netlink/route_internal.h"

enum { IPV4_SIZE = 4, IPV6_SIZE = 16 };

static size_t size_of(u8 family)
{
	return family == AF_INET6 ? IPV6_SIZE : IPV4_SIZE;
}

/* --- Telling --- */

static void put_address(struct netlink_reply *reply, u16 type, const struct inet_address *address)
{
	struct linux_ifaddrmsg message = {.family = address->family,
					  .prefix = address->prefix,
					  .flags = (u8)address->flags,
					  .scope = address->scope,
					  .index = address->device->index};
	struct linux_ifa_cacheinfo times = {.preferred = address->preferred,
					    .valid = address->valid};
	size_t size = size_of(address->family);

	netlink_begin(reply, type, &message, sizeof(message));
	netlink_put_bytes(reply, IFA_ADDRESS, address->bytes, size);
	if (address->family == AF_INET) {
		netlink_put_bytes(reply, IFA_LOCAL, address->bytes, size);
		if (address->has_broadcast)
			netlink_put_bytes(reply, IFA_BROADCAST, address->broadcast, IPV4_SIZE);
		netlink_put_string(reply, IFA_LABEL,
				   address->label[0] != '\0' ? address->label
							     : address->device->name);
	}
	netlink_put_u32(reply, IFA_FLAGS, address->flags);
	netlink_put_bytes(reply, IFA_CACHEINFO, &times, sizeof(times));
	netlink_end(reply);
}

struct dump {
	struct netlink_reply reply;
	u8 family;
	u32 index; /* 0: of all interfaces */
};

static int dump_one(const struct inet_address *address, void *context)
{
	struct dump *dump = context;

	if ((dump->family == AF_UNSPEC || dump->family == address->family) &&
	    (dump->index == 0 || dump->index == address->device->index))
		put_address(&dump->reply, RTM_NEWADDR, address);
	return 0;
}

int route_dump_addresses(struct netlink_request *request)
{
	struct dump dump = {.family = *(const u8 *)netlink_body(request)};
	struct linux_ifaddrmsg asked;

	netlink_reply_init(&dump.reply, request);
	if (netlink_switch(request->from, NETLINK_GET_STRICT_CHK) &&
	    netlink_body_length(request) >= sizeof(asked)) {
		memcpy(&asked, netlink_body(request), sizeof(asked));
		dump.index = asked.index;
	}
	if (route_in_first_namespace(request))
		inet_address_for_each(dump_one, &dump);
	return netlink_reply_dump(&dump.reply, request);
}

/* --- Changing --- */

static int read_bytes(const struct netlink_attribute *attribute, u8 *to, size_t size)
{
	if (attribute->value == NULL || attribute->length < size)
		return -EINVAL;
	memcpy(to, attribute->value, size);
	return 0;
}

/* What a request says of an address; its device has a reference then. */
static int read_address(struct netlink_request *request, struct inet_address *address)
{
	struct netlink_attribute attributes[IFA_MAX + 1];
	struct linux_ifa_cacheinfo times;
	struct linux_ifaddrmsg message;
	int error = netlink_request_attributes(request, sizeof(message), attributes, IFA_MAX + 1);

	if (error)
		return error;
	memcpy(&message, netlink_body(request), sizeof(message));
	*address = (struct inet_address){.family = message.family,
					 .prefix = message.prefix,
					 .scope = message.scope,
					 .valid = (u32)INET_FOREVER,
					 .preferred = (u32)INET_FOREVER};
	if (message.family != AF_INET && message.family != AF_INET6)
		return -EOPNOTSUPP;
	size_t size = size_of(message.family);
	const struct netlink_attribute *local = &attributes[IFA_LOCAL];
	if (local->value == NULL && message.family == AF_INET6)
		local = &attributes[IFA_ADDRESS];
	if (message.prefix > size * 8 || read_bytes(local, address->bytes, size))
		return netlink_refuse(request, -EINVAL, "no address, or a wrong prefix");
	address->flags = netlink_attribute_u32(&attributes[IFA_FLAGS], message.flags);
	address->has_broadcast =
		read_bytes(&attributes[IFA_BROADCAST], address->broadcast, IPV4_SIZE) == 0;
	if (attributes[IFA_LABEL].value != NULL &&
	    netlink_attribute_string(&attributes[IFA_LABEL], address->label,
				     sizeof(address->label)))
		return -EINVAL;
	if (read_bytes(&attributes[IFA_CACHEINFO], (u8 *)&times, sizeof(times)) == 0) {
		address->valid = times.valid;
		address->preferred = times.preferred;
	}
	if (address->valid == 0 || address->preferred > address->valid)
		return -EINVAL;
	address->device = net_device_by_index(message.index);
	return address->device != NULL ? 0 : -ENODEV;
}

int route_add_address(struct netlink_request *request)
{
	struct inet_address address;

	if (!route_in_first_namespace(request))
		return -EOPNOTSUPP;
	int error = read_address(request, &address);
	if (error)
		return error;
	error = inet_address_add(&address);
	if (error == -EEXIST && request->header->flags & NLM_F_REPLACE) {
		error = inet_address_remove(&address);
		if (!error)
			error = inet_address_add(&address);
	}
	net_device_put(address.device);
	return error;
}

int route_remove_address(struct netlink_request *request)
{
	struct inet_address address;

	if (!route_in_first_namespace(request))
		return -EOPNOTSUPP;
	int error = read_address(request, &address);
	if (error)
		return error;
	error = inet_address_remove(&address);
	net_device_put(address.device);
	return error;
}

/* --- News --- */

static void address_event(const struct inet_address *address, bool added)
{
	u32 group = address->family == AF_INET6 ? RTNLGRP_IPV6_IFADDR : RTNLGRP_IPV4_IFADDR;
	struct netlink_reply notice;

	if (!netlink_has_listeners(NETLINK_ROUTE, group, namespace_first(NAMESPACE_NET)))
		return;
	netlink_notice_init(&notice);
	put_address(&notice, added ? RTM_NEWADDR : RTM_DELADDR, address);
	netlink_notice_send(&notice, NETLINK_ROUTE, group);
}

void route_addresses_init(void)
{
	inet_address_subscribe(address_event);
}
