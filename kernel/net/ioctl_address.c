/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controls of IPv4 addresses and routes (netdevice(7)), which ifconfig and route use.
 *
 * An address goes by the name of its interface or by its label ("eth0:1"); the first that fits is
 * meant.  A change takes the address away and adds it anew, so it is not one step for others.
 */
#include "net/ioctl_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "net/inet/address.h"
#include "net/inet/route.h"
#include "net/socket.h"

enum { ADDRESS_OFFSET = 2 /* of the address in sockaddr_in's data */, CLASS_HOST = 32 };
enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_REJECT = 0x200 };

static u32 word_of(const u8 *bytes)
{
	u32 word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static u32 mask_of(u8 prefix)
{
	return prefix == 0 ? 0 : __builtin_bswap32(~0u << (32 - prefix));
}

static bool is_mask(u32 mask)
{
	return mask_of(inet_prefix_of(mask)) == mask;
}

/* --- Finding --- */

struct search {
	const char *name; /* of an interface or a label */
	struct inet_address found;
	char device[IFNAMSIZ];
};

static const char *label_of(const struct inet_address *address)
{
	return address->label[0] != '\0' ? address->label : address->device->name;
}

static int match(const struct inet_address *address, void *context)
{
	struct search *search = context;

	if (address->family != AF_INET || strcmp(label_of(address), search->name) != 0)
		return 0;
	search->found = *address;
	return 1;
}

static bool find(const char *name, struct inet_address *found)
{
	struct search search = {.name = name};

	if (inet_address_for_each(match, &search) != 1)
		return false;
	*found = search.found;
	return true;
}

/* --- One address --- */

static void put(struct linux_ifreq *request, u32 address)
{
	memset(&request->address, 0, sizeof(request->address));
	request->address.family = AF_INET;
	memcpy(request->address.data + ADDRESS_OFFSET, &address, sizeof(address));
}

int net_ioctl_get_address(unsigned command, struct linux_ifreq *request)
{
	struct inet_address address;

	if (!find(request->name, &address))
		return -EADDRNOTAVAIL;
	switch (command) {
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
		put(request, word_of(address.bytes));
		return 0;
	case SIOCGIFBRDADDR:
		put(request, address.has_broadcast ? word_of(address.broadcast) : 0);
		return 0;
	default:
		put(request, mask_of(address.prefix));
		return 0;
	}
}

/* The prefix of old: by the address's class (RFC 791). */
static u8 class_prefix(u32 address)
{
	u8 first = (u8)address;

	if (address == 0 || first < 128)
		return address == 0 ? 0 : 8;
	return first < 192 ? 16 : first < 224 ? 24 : CLASS_HOST;
}

static void set_broadcast(struct inet_address *address)
{
	u32 all = word_of(address->bytes) | ~mask_of(address->prefix);

	address->has_broadcast = address->prefix < 31 && address->device->flags & IFF_BROADCAST;
	memcpy(address->broadcast, &all, sizeof(all));
}

static int set_own(struct net_device *device, const char *name, bool had,
		   const struct inet_address *old, u32 value)
{
	struct inet_address new = {.family = AF_INET,
				   .prefix = class_prefix(value),
				   .flags = INET_ADDRESS_PERMANENT,
				   .scope =
					   (u8)value == 127 ? INET_SCOPE_HOST : INET_SCOPE_UNIVERSE,
				   .device = device,
				   .valid = (u32)INET_FOREVER,
				   .preferred = (u32)INET_FOREVER};
	int error = 0;

	if (had && word_of(old->bytes) == value)
		return 0;
	memcpy(new.bytes, &value, sizeof(value));
	strscpy(new.label, name, sizeof(new.label));
	set_broadcast(&new);
	if (had)
		error = inet_address_remove(old);
	return error || value == 0 ? error : inet_address_add(&new);
}

int net_ioctl_set_address(struct net_device *device, unsigned command,
			  const struct linux_ifreq *request)
{
	u32 value = word_of(request->address.data + ADDRESS_OFFSET);
	struct inet_address old, new;
	bool had = find(request->name, &old);

	if (request->address.family != AF_INET)
		return -EINVAL;
	if (command == SIOCSIFADDR)
		return set_own(device, request->name, had, &old, value);
	if (!had)
		return -EADDRNOTAVAIL;
	new = old;
	if (command == SIOCSIFNETMASK) {
		if (!is_mask(value))
			return -EINVAL;
		new.prefix = inet_prefix_of(value);
		set_broadcast(&new);
	} else if (command == SIOCSIFBRDADDR) {
		new.has_broadcast = value != 0;
		memcpy(new.broadcast, &value, sizeof(value));
	} else {
		return -EOPNOTSUPP;
	}
	int error = inet_address_remove(&old);
	return error ? error : inet_address_add(&new);
}

/* --- SIOCGIFCONF --- */

struct listing {
	struct linux_ifreq *requests;
	u32 count, room;
};

static int list_one(const struct inet_address *address, void *context)
{
	struct listing *listing = context;

	if (address->family != AF_INET)
		return 0;
	if (listing->count < listing->room) {
		struct linux_ifreq *request = &listing->requests[listing->count];

		strscpy(request->name, label_of(address), sizeof(request->name));
		put(request, word_of(address->bytes));
	}
	listing->count++;
	return 0;
}

int net_ioctl_list(vaddr_t argument, bool empty)
{
	enum { LIST_MAX = 1024 };
	struct listing listing = {0};
	struct linux_ifconf list;
	int error = 0;

	if (get_user(list, argument))
		return -EFAULT;
	if (list.length < 0)
		return -EINVAL;
	if (list.requests != 0)
		listing.room =
			MIN((u32)list.length / (u32)sizeof(struct linux_ifreq), (u32)LIST_MAX);
	listing.requests = kcalloc(MAX(listing.room, 1u), sizeof(struct linux_ifreq));
	if (listing.requests == NULL)
		return -ENOMEM;
	if (!empty)
		inet_address_for_each(list_one, &listing);
	if (list.requests != 0)
		listing.count = MIN(listing.count, listing.room);
	list.length = (s32)(listing.count * sizeof(struct linux_ifreq));
	if (list.requests != 0)
		error = copy_to_user((void __user *)list.requests, listing.requests,
				     (size_t)list.length);
	kfree(listing.requests);
	return error ? error : put_user(list, argument);
}

/* --- Routes --- */

/* struct rtentry. */
struct linux_rtentry {
	u64 pad;
	struct {
		u16 family;
		u16 port;
		u32 address;
		u8 zero[8];
	} destination, gateway, mask;
	u16 flags;
	s16 pad2;
	u32 pad3;
	u64 pad4[2];
	s16 metric; /* one more than the metric */
	u8 pad5[6];
	u64 device; /* a name in the program's memory, or 0 */
	u64 mtu, window;
	u16 irtt;
	u8 pad6[6];
};

int net_ioctl_route(bool add, vaddr_t argument)
{
	struct linux_rtentry entry;
	struct inet_route route = {.family = AF_INET,
				   .protocol = INET_PROTOCOL_BOOT,
				   .type = INET_ROUTE_UNICAST,
				   .table = INET_TABLE_MAIN};
	char name[IFNAMSIZ] = "";

	if (get_user(entry, argument))
		return -EFAULT;
	if (entry.destination.family != AF_INET || entry.flags & RTF_REJECT)
		return entry.flags & RTF_REJECT ? -EOPNOTSUPP : -EAFNOSUPPORT;
	u32 mask = entry.flags & RTF_HOST ? ~0u : entry.mask.address;
	if (!is_mask(mask) || entry.destination.address & ~mask)
		return -EINVAL;
	route.prefix = inet_prefix_of(mask);
	route.metric = entry.metric > 0 ? (u32)entry.metric - 1 : 0;
	route.has_gateway = entry.flags & RTF_GATEWAY && entry.gateway.address != 0;
	route.scope = route.has_gateway ? INET_SCOPE_UNIVERSE : INET_SCOPE_LINK;
	if (!add) { /* whatever it is */
		route.protocol = 0;
		route.scope = INET_SCOPE_NOWHERE;
	}
	memcpy(route.destination, &entry.destination.address, sizeof(u32));
	memcpy(route.gateway, &entry.gateway.address, sizeof(u32));
	if (entry.device != 0) {
		if (strncpy_from_user(name, (const char __user *)entry.device, sizeof(name) - 1) <
		    0)
			return -EFAULT;
		route.device = net_device_find(name);
		if (route.device == NULL)
			return -ENODEV;
	}
	int error = add ? inet_route_add(&route) : inet_route_remove(&route);
	if (route.device != NULL)
		net_device_put(route.device);
	return error;
}
