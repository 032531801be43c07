/* SPDX-License-Identifier: BSD-2-Clause */
/* Neighbours, read out of lwIP's tables: see neighbour.h. */
#include "net/inet/neighbour.h"

#include <lwip/etharp.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>

#include "lib/abi/rtnetlink.h"
#include "lib/abi/socket.h"
#include "lib/string.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"

typedef int visit_function(const struct inet_neighbour *neighbour, void *context);

static int visit_ip4(visit_function *visit, void *context)
{
	int result = 0;

	for (size_t i = 0; i < ARP_TABLE_SIZE && result == 0; i++) {
		struct inet_neighbour neighbour = {.family = AF_INET, .state = NUD_REACHABLE};
		struct eth_addr *hardware;
		struct netif *netif;
		ip4_addr_t *address;

		if (!etharp_get_entry(i, &address, &netif, &hardware))
			continue;
		neighbour.device = inet_device_of(netif);
		memcpy(neighbour.bytes, address, sizeof(*address));
		memcpy(neighbour.hardware, hardware->addr, sizeof(neighbour.hardware));
		if (neighbour.device != NULL)
			result = visit(&neighbour, context);
	}
	return result;
}

static int visit_ip6(visit_function *visit, void *context)
{
	static const u16 states[] = {
		[ND6_INCOMPLETE] = NUD_INCOMPLETE, [ND6_REACHABLE] = NUD_REACHABLE,
		[ND6_STALE] = NUD_STALE,           [ND6_DELAY] = NUD_DELAY,
		[ND6_PROBE] = NUD_PROBE,
	};
	int result = 0;

	for (size_t i = 0; i < LWIP_ND6_NUM_NEIGHBORS && result == 0; i++) {
		const struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];
		struct inet_neighbour neighbour = {.family = AF_INET6};

		if (entry->state == ND6_NO_ENTRY || entry->state >= ARRAY_SIZE(states) ||
		    entry->netif == NULL)
			continue;
		neighbour.device = inet_device_of(entry->netif);
		neighbour.state = states[entry->state];
		memcpy(neighbour.bytes, entry->next_hop_address.addr, sizeof(neighbour.bytes));
		memcpy(neighbour.hardware, entry->lladdr, sizeof(neighbour.hardware));
		if (neighbour.device != NULL)
			result = visit(&neighbour, context);
	}
	return result;
}

int inet_neighbour_for_each(visit_function *visit, void *context)
{
	stack_lock();
	int result = visit_ip4(visit, context);
	if (result == 0)
		result = visit_ip6(visit, context);
	stack_unlock();
	return result;
}
