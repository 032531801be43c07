/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The families AF_INET and AF_INET6: which protocols there are.
 *
 * The table is filled at start-up and only read afterwards.
 */
#include "net/inet/inet.h"
#include "net/inet/families.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "net/inet/datagram.h"
#include "net/inet/settings.h"
#include "net/inet/shown.h"
#include "net/inet/tcp.h"
#include "proc/credentials.h"
#include "proc/namespace.h"

#define MAX_PROTOCOLS 12

static const struct inet_protocol *protocols[MAX_PROTOCOLS];
static u32 protocol_count;

void inet_register(const struct inet_protocol *protocol)
{
	ASSERT(protocol_count < MAX_PROTOCOLS);
	protocols[protocol_count++] = protocol;
}

static struct socket *create(int family, int type, int protocol)
{
	bool type_known = false;

	if (protocol < 0 || protocol >= IPPROTO_LIMIT)
		return ERR_PTR(-EINVAL);
	for (u32 i = 0; i < protocol_count; i++) {
		const struct inet_protocol *at = protocols[i];

		if (at->type != type)
			continue;
		type_known = true;
		if (at->protocol != protocol && at->protocol != -1 &&
		    !(protocol == IPPROTO_IP && at->is_default))
			continue;
		if (at->capability >= 0 && !capable((enum capability)at->capability))
			return ERR_PTR(-EPERM);
		return at->create(family, at->protocol == -1 ? protocol : at->protocol);
	}
	return ERR_PTR(type_known ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT);
}

static struct socket *create_inet(int type, int protocol)
{
	return create(AF_INET, type, protocol);
}

static struct socket *create_inet6(int type, int protocol)
{
	return create(AF_INET6, type, protocol);
}

void inet_socket_init(struct inet_socket *inet, const struct socket_ops *ops, int family, int type,
		      int protocol, struct inet_ports *ports)
{
	socket_init(&inet->socket, ops, family, type, protocol);
	inet->space = namespace_get(namespace_current(NAMESPACE_NET));
	inet->owner = current_credentials()->fsuid;
	inet->ports = ports;
	list_init(&inet->port_link);
	inet->hops = inet->multicast_hops = -1;
	inet->multicast_ttl = 1;
	inet->mtu_discover = inet->mtu_discover6 = IP_PMTUDISC_WANT;
	inet->switches = BIT(INET_MULTICAST_LOOP) | BIT(INET_MULTICAST_LOOP6) |
			 BIT(INET_MULTICAST_ALL) | BIT(INET_MULTICAST_ALL6);
	inet_set_any(inet, &inet->local);
	inet_set_any(inet, &inet->remote);
}

void inet_socket_copy(struct inet_socket *inet, const struct inet_socket *from)
{
	*inet = *from;
	inet->socket.file = NULL;
	inet->socket.error = 0;
	inet->socket.cookie = 0;
	namespace_get(inet->space);
	list_init(&inet->port_link);
	inet->local_port = inet->remote_port = 0;
	inet->port_chosen = inet->address_chosen = false;
}

void inet_socket_fini(struct inet_socket *inet)
{
	namespace_put(inet->space);
}

bool inet_is_isolated(const struct inet_socket *inet)
{
	return inet->space != namespace_first(NAMESPACE_NET);
}

void inet_init(void)
{
	static const struct socket_family inet = {AF_INET, create_inet};
	static const struct socket_family inet6 = {AF_INET6, create_inet6};

	tcp_sockets_init();
	datagrams_init();
	inet_shown_init();
	inet_settings_init();
	socket_family_register(&inet);
	socket_family_register(&inet6);
}
