/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses of network interfaces: see address.h.
 *
 * The table is a list in the order in which addresses came; the first of an interface's is its
 * primary one, and the netif's.
 */
#include "net/inet/address.h"

#include <lwip/ethip6.h>
#include <lwip/nd6.h>

#include "lib/abi/socket.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "net/inet/dhcp_internal.h"
#include "net/inet/netif.h"
#include "net/inet/route.h"
#include "net/inet/stack.h"

struct entry {
	struct list_head link;
	struct inet_address address;
};

enum { MAX_SUBSCRIBERS = 2, PREFIX6 = 64 };

static struct list_head addresses = LIST_INIT(addresses); /* of IPv4 */
static void (*subscribers[MAX_SUBSCRIBERS])(const struct inet_address *address, bool added);

void inet_address_subscribe(void (*callback)(const struct inet_address *address, bool added))
{
	for (size_t i = 0; i < MAX_SUBSCRIBERS; i++) {
		if (subscribers[i] == NULL) {
			subscribers[i] = callback;
			return;
		}
	}
	panic("too many want to know of addresses");
}

static void tell(const struct inet_address *address, bool added)
{
	for (size_t i = 0; i < MAX_SUBSCRIBERS && subscribers[i] != NULL; i++)
		subscribers[i](address, added);
}

static u32 word(const u8 *bytes)
{
	u32 value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static u32 mask_of(u32 prefix)
{
	return prefix == 0 ? 0 : __builtin_bswap32(~0u << (32 - prefix));
}

/* --- Finding --- */

static struct entry *find(const struct net_device *device, u32 bytes)
{
	struct entry *entry;

	list_for_each_entry (entry, &addresses, link)
		if (entry->address.device == device && word(entry->address.bytes) == bytes)
			return entry;
	return NULL;
}

static struct entry *primary_of(const struct net_device *device)
{
	struct entry *entry;

	list_for_each_entry (entry, &addresses, link)
		if (entry->address.device == device)
			return entry;
	return NULL;
}

bool inet_address_has4_locked(const struct net_device *device, u32 address)
{
	return find(device, address) != NULL;
}

static int slot_of(struct netif *netif, const u8 *bytes)
{
	for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
		if (!ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)) &&
		    memcmp(netif_ip6_addr(netif, i)->addr, bytes, 16) == 0)
			return i;
	return -1;
}

bool inet_address_is_local6_locked(const ip6_addr_t *address)
{
	struct netif *netif;

	NETIF_FOREACH(netif)
	{
		int slot = slot_of(netif, (const u8 *)address->addr);

		if (slot >= 0 && ip6_addr_isvalid(netif_ip6_addr_state(netif, slot)))
			return true;
	}
	return false;
}

bool inet_address_is_local(u8 family, const u8 *bytes)
{
	struct inet_route route;
	ip6_addr_t address;
	bool local;

	stack_lock();
	if (family == AF_INET) {
		local = inet_route_lookup_locked(family, bytes, NULL, &route) == 0 &&
			route.type == INET_ROUTE_LOCAL;
	} else {
		memcpy(address.addr, bytes, sizeof(address.addr));
		local = inet_address_is_local6_locked(&address);
	}
	stack_unlock();
	return local;
}

/* --- IPv4: an address's routes --- */

static struct inet_route route_to(const struct inet_address *address, u8 prefix)
{
	struct inet_route route = {
		.family = AF_INET,
		.prefix = prefix,
		.protocol = INET_PROTOCOL_KERNEL,
		.has_source = true,
		.device = address->device,
	};
	u32 network = word(address->bytes) & mask_of(prefix);

	memcpy(route.destination, &network, sizeof(network));
	memcpy(route.source, address->bytes, 4);
	return route;
}

/* To the address itself; of lo's, to all of its network. */
static struct inet_route local_route(const struct inet_address *address)
{
	bool loopback = address->device == &loopback_device;
	struct inet_route route = route_to(address, loopback ? address->prefix : 32);

	route.type = INET_ROUTE_LOCAL;
	route.table = INET_TABLE_LOCAL;
	route.scope = INET_SCOPE_HOST;
	return route;
}

static struct inet_route network_route(const struct inet_address *address)
{
	struct inet_route route = route_to(address, address->prefix);

	route.type = INET_ROUTE_UNICAST;
	route.table = INET_TABLE_MAIN;
	route.scope = INET_SCOPE_LINK;
	return route;
}

/* The routes may be there already, by another address of the network, or for want of memory not. */
static void add_routes(const struct inet_address *address)
{
	struct inet_route local = local_route(address), network = network_route(address);

	(void)!inet_route_add_locked(&local);
	if (address->prefix < 32 && address->device != &loopback_device &&
	    net_device_is_up(address->device))
		(void)!inet_route_add_locked(&network);
}

/* The address has left the table.  With the last one go all routes through the interface. */
static void remove_routes(const struct inet_address *address)
{
	struct inet_route local = local_route(address), network = network_route(address);
	struct entry *entry;

	if (primary_of(address->device) == NULL) {
		inet_route_flush_locked(address->device, AF_INET, true);
		return;
	}
	(void)!inet_route_remove_locked(&local);
	if (address->device != &loopback_device)
		(void)!inet_route_remove_locked(&network);
	/* Another address may be of the same network. */
	list_for_each_entry (entry, &addresses, link)
		if (entry->address.device == address->device)
			add_routes(&entry->address);
}

/* --- IPv4: the table --- */

/* The netif has the primary address, or none. */
static void set_primary(const struct net_device *device)
{
	struct netif *netif = inet_netif_of(device);
	struct entry *entry = primary_of(device);
	ip4_addr_t address = {0}, mask = {0}, none = {0};

	if (netif == NULL || device == &loopback_device)
		return;
	if (entry != NULL) {
		address.addr = word(entry->address.bytes);
		mask.addr = mask_of(entry->address.prefix);
		entry->address.flags &= ~(u32)INET_ADDRESS_SECONDARY;
	}
	netif_set_addr(netif, &address, &mask, &none);
}

/* Has the interface another address of the same network? */
static bool shares_network(const struct inet_address *address)
{
	u32 mask = mask_of(address->prefix);
	struct entry *entry;

	list_for_each_entry (entry, &addresses, link)
		if (entry->address.device == address->device &&
		    entry->address.prefix == address->prefix &&
		    ((word(entry->address.bytes) ^ word(address->bytes)) & mask) == 0)
			return true;
	return false;
}

static int add4(const struct inet_address *address)
{
	u32 bytes = word(address->bytes);
	struct entry *entry;
	bool first = primary_of(address->device) == NULL, second = shares_network(address);

	if (address->prefix > 32 || bytes == 0 || (address->bytes[0] & 0xf0) == 0xe0 ||
	    bytes == UINT_MAX)
		return -EINVAL;
	if (find(address->device, bytes) != NULL)
		return -EEXIST;
	entry = kmalloc(sizeof(*entry));
	if (entry == NULL)
		return -ENOBUFS;
	entry->address = *address;
	entry->address.flags |= INET_ADDRESS_PERMANENT;
	if (second)
		entry->address.flags |= INET_ADDRESS_SECONDARY;
	list_add_tail(&entry->link, &addresses);
	if (first)
		set_primary(address->device);
	add_routes(address);
	tell(&entry->address, true);
	return 0;
}

static void drop4(struct entry *entry)
{
	struct net_device *device = entry->address.device;
	bool was_primary = primary_of(device) == entry;

	list_remove(&entry->link);
	remove_routes(&entry->address);
	if (was_primary)
		set_primary(device);
	tell(&entry->address, false);
	kfree(entry);
}

static int remove4(const struct inet_address *address)
{
	struct entry *entry = find(address->device, word(address->bytes));

	if (entry == NULL || (address->prefix != 0xff && address->prefix != entry->address.prefix))
		return -EADDRNOTAVAIL;
	/* What came by DHCP goes back, which takes it from the table, too. */
	if (entry != primary_of(address->device) ||
	    !dhcp_give_back_locked(inet_netif_of(address->device)))
		drop4(entry);
	return 0;
}

/* --- IPv6 --- */

static void network_route6(const struct inet_address *address, struct inet_route *route)
{
	*route = (struct inet_route){
		.family = AF_INET6,
		.prefix = address->prefix,
		.protocol = INET_PROTOCOL_KERNEL,
		.type = INET_ROUTE_UNICAST,
		.table = INET_TABLE_MAIN,
		.metric = 256,
		.device = address->device,
	};
	for (u32 i = 0; i < address->prefix; i++)
		route->destination[i / 8] |= address->bytes[i / 8] & (0x80 >> i % 8);
}

static bool is_link_local(const u8 *bytes)
{
	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

static int add6(const struct inet_address *address, struct netif *netif)
{
	struct inet_route route;
	ip6_addr_t bytes;
	s8_t slot;

	if (address->prefix > 128 || address->bytes[0] == 0xff)
		return -EINVAL;
	if (slot_of(netif, address->bytes) >= 0)
		return -EEXIST;
	memcpy(bytes.addr, address->bytes, sizeof(bytes.addr));
	ip6_addr_clear_zone(&bytes);
	ip6_addr_assign_zone(&bytes, IP6_UNICAST, netif);
	if (netif_add_ip6_address(netif, &bytes, &slot) != ERR_OK)
		return -ENOBUFS;
	if (netif == stack_loopback())
		netif_ip6_addr_set_state(netif, slot, IP6_ADDR_PREFERRED);
	network_route6(address, &route);
	if (address->prefix < 128 && !is_link_local(address->bytes))
		(void)!inet_route_add_locked(&route);
	tell(address, true);
	return 0;
}

static int remove6(const struct inet_address *address, struct netif *netif)
{
	int slot = slot_of(netif, address->bytes);
	struct inet_route route;

	if (slot < 0)
		return -EADDRNOTAVAIL;
	netif_ip6_addr_set_state(netif, (s8_t)slot, IP6_ADDR_INVALID);
	if (address->prefix <= 128) {
		network_route6(address, &route);
		(void)!inet_route_remove_locked(&route);
	}
	tell(address, false);
	return 0;
}

static struct inet_address describe6(struct netif *netif, int slot)
{
	struct inet_address address = {
		.family = AF_INET6,
		.prefix = netif == stack_loopback() ? 128 : PREFIX6,
		.device = inet_device_of(netif),
		.valid = (u32)INET_FOREVER,
		.preferred = (u32)INET_FOREVER,
	};
	const ip6_addr_t *bytes = netif_ip6_addr(netif, slot);
	u8 state = netif_ip6_addr_state(netif, slot);

	memcpy(address.bytes, bytes->addr, 16);
	if (is_link_local(address.bytes))
		address.scope = INET_SCOPE_LINK;
	else if (ip6_addr_isloopback(bytes))
		address.scope = INET_SCOPE_HOST;
	else if (address.bytes[0] == 0xfe)
		address.scope = INET_SCOPE_SITE;
	if (netif_ip6_addr_isstatic(netif, slot)) {
		address.flags |= INET_ADDRESS_PERMANENT;
	} else {
		address.valid = netif_ip6_addr_valid_life(netif, slot);
		address.preferred = netif_ip6_addr_pref_life(netif, slot);
	}
	if (ip6_addr_istentative(state))
		address.flags |= INET_ADDRESS_TENTATIVE;
	else if (ip6_addr_isduplicated(state))
		address.flags |= INET_ADDRESS_DAD_FAILED;
	else if (ip6_addr_isdeprecated(state))
		address.flags |= INET_ADDRESS_DEPRECATED;
	return address;
}

/* --- What others call --- */

int inet_address_add(const struct inet_address *address)
{
	struct netif *netif;
	int error = -EAFNOSUPPORT;

	stack_lock();
	netif = inet_netif_of(address->device);
	if (netif == NULL)
		error = -EOPNOTSUPP;
	else if (address->family == AF_INET)
		error = add4(address);
	else if (address->family == AF_INET6)
		error = add6(address, netif);
	stack_unlock();
	return error;
}

int inet_address_remove(const struct inet_address *address)
{
	struct netif *netif;
	int error = -EAFNOSUPPORT;

	stack_lock();
	netif = inet_netif_of(address->device);
	if (netif == NULL)
		error = -EADDRNOTAVAIL;
	else if (address->family == AF_INET)
		error = remove4(address);
	else if (address->family == AF_INET6)
		error = remove6(address, netif);
	stack_unlock();
	return error;
}

static int visit6(int (*visit)(const struct inet_address *address, void *context), void *context)
{
	struct netif *netif;
	int result;

	NETIF_FOREACH(netif)
	{
		for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
			if (ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)))
				continue;
			struct inet_address address = describe6(netif, i);
			result = visit(&address, context);
			if (result != 0)
				return result;
		}
	}
	return 0;
}

int inet_address_for_each(int (*visit)(const struct inet_address *address, void *context),
			  void *context)
{
	struct entry *entry;
	int result = 0;

	stack_lock();
	list_for_each_entry (entry, &addresses, link) {
		result = visit(&entry->address, context);
		if (result != 0)
			break;
	}
	if (result == 0)
		result = visit6(visit, context);
	stack_unlock();
	return result;
}

/* --- Interfaces come up and go down --- */

void inet_addresses_up_locked(struct net_device *device, struct netif *netif)
{
	struct entry *entry;

	list_for_each_entry (entry, &addresses, link)
		if (entry->address.device == device)
			add_routes(&entry->address);
	if (device->type == ARPHRD_ETHER && ip6_addr_isinvalid(netif_ip6_addr_state(netif, 0)))
		netif_create_ip6_linklocal_address(netif, 1);
}

/* As on Linux, addresses of IPv4 stay, those of IPv6 go. */
void inet_addresses_down_locked(struct net_device *device, struct netif *netif)
{
	inet_route_flush_locked(device, AF_INET, false);
	inet_route_flush_locked(device, AF_INET6, true);
	if (device == &loopback_device)
		return;
	for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
		netif_ip6_addr_set_state(netif, (s8_t)i, IP6_ADDR_INVALID);
}

void inet_address_adopt_locked(struct net_device *device, struct netif *netif)
{
	struct inet_address address = {
		.family = AF_INET,
		.has_broadcast = true,
		.flags = INET_ADDRESS_PERMANENT,
		.device = device,
		.valid = (u32)INET_FOREVER,
		.preferred = (u32)INET_FOREVER,
	};
	u32 bytes = netif_ip4_addr(netif)->addr, mask = netif_ip4_netmask(netif)->addr;
	struct entry *entry = primary_of(device);

	if (entry != NULL && word(entry->address.bytes) == bytes)
		return;
	if (entry != NULL) {
		list_remove(&entry->link);
		remove_routes(&entry->address);
		tell(&entry->address, false);
		kfree(entry);
	}
	if (bytes == 0) {
		set_primary(device);
		return;
	}
	entry = kmalloc(sizeof(*entry));
	if (entry == NULL)
		return;
	u32 broadcast = bytes | ~mask;
	memcpy(address.bytes, &bytes, sizeof(bytes));
	memcpy(address.broadcast, &broadcast, sizeof(broadcast));
	address.prefix = inet_prefix_of(mask);
	entry->address = address;
	list_add(&entry->link, &addresses);
	add_routes(&address);
	tell(&address, true);
}

void inet_addresses_init(void)
{
	static struct entry loopback;
	static const u8 bytes[] = {127, 0, 0, 1};

	loopback.address = (struct inet_address){
		.family = AF_INET,
		.prefix = 8,
		.scope = INET_SCOPE_HOST,
		.flags = INET_ADDRESS_PERMANENT,
		.device = &loopback_device,
		.valid = (u32)INET_FOREVER,
		.preferred = (u32)INET_FOREVER,
	};
	memcpy(loopback.address.bytes, bytes, sizeof(bytes));
	list_add(&loopback.link, &addresses);
	add_routes(&loopback.address);
}
