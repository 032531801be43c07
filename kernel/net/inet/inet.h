/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sockets of AF_INET and AF_INET6 share: addresses in and out, ports, options, errors.
 *
 * A protocol's socket begins with (or holds) a struct inet_socket, and registers itself for its
 * types with inet_register.  AF_INET6 sockets speak IPv4 too, by mapped addresses
 * (::ffff:a.b.c.d), unless IPV6_V6ONLY is set; inside the kernel such an address is an IPv4
 * address, and inet_put_address maps it back.
 *
 * Locks: names, ports and what the protocol does with lwIP are under stack_lock().  Options are
 * single words, set and read without.
 */
#ifndef NET_INET_INET_H
#define NET_INET_INET_H

#include <lwip/err.h>
#include <lwip/ip_addr.h>

#include "lib/abi/inet.h"
#include "net/socket.h"

struct namespace;
struct netif;

/* Switches of levels IPPROTO_IP and IPPROTO_IPV6: bits of inet_socket.switches. */
enum inet_switch {
	INET_FREEBIND,
	INET_TRANSPARENT,
	INET_V6ONLY,
	INET_RECVERR,
	INET_RECVTTL,
	INET_RECVTOS,
	INET_PKTINFO,
	INET_RECVERR6,
	INET_RECVPKTINFO6,
	INET_RECVHOPLIMIT6,
	INET_RECVTCLASS6,
	INET_BIND_NO_PORT,
	INET_HDRINCL,
	INET_MULTICAST_LOOP,
	INET_MULTICAST_LOOP6,
	INET_MULTICAST_ALL,
	INET_MULTICAST_ALL6,
	INET_DONTFRAG,
	INET_RECVORIGDST,
	INET_RECVOPTS,
	INET_RETOPTS,
};

struct inet_socket {
	struct socket socket;
	struct namespace *space;    /* const; counted.  Others than the first have no interfaces. */
	uid_t owner;                /* const: who made it */
	ip_addr_t local, remote;    /* stack lock */
	u16 local_port;             /* stack lock, in host order; 0: not bound */
	u16 remote_port;            /* likewise; 0: not connected */
	bool port_chosen;           /* stack lock: by bind, not by us: outlives a connection */
	bool address_chosen;        /* likewise */
	struct inet_ports *ports;   /* const: the protocol's */
	struct list_head port_link; /* stack lock: sockets of a bucket of ports */
	u32 switches;               /* atomic: BIT(enum inet_switch) */
	u32 device;                 /* SO_BINDTODEVICE: an interface's index; 0: any */
	u8 netif;                   /* the same for lwIP; 0: any */
	u8 ttl, tos;                /* 0: the default, for ttl */
	s16 hops;                   /* IPV6_UNICAST_HOPS; -1: the default */
	u8 tclass;
	u8 mtu_discover, mtu_discover6;
	u8 multicast_ttl;
	s16 multicast_hops;
	u8 min_ttl;
};

static inline struct inet_socket *inet_of(struct socket *socket)
{
	return container_of(socket, struct inet_socket, socket);
}
static inline bool inet_has(const struct inet_socket *inet, enum inet_switch which)
{
	return READ_ONCE(inet->switches) & BIT(which);
}
/* Nothing can be reached from another namespace than the first. */
bool inet_is_isolated(const struct inet_socket *inet);

/* --- inet.c: families --- */

struct inet_protocol {
	int type;     /* SOCK_* */
	int protocol; /* IPPROTO_*; -1: any (raw) */
	bool is_default;
	int capability; /* wanted to make one, or -1 */
	/* family: AF_INET or AF_INET6; an ERR_PTR on failure. */
	struct socket *(*create)(int family, int protocol);
};
/* Makes a protocol known to both families; the structure stays.  At start-up. */
void inet_register(const struct inet_protocol *protocol);

/* Fills in what is common, of zeroed memory; ports may be NULL (raw).  And the reverse. */
void inet_socket_init(struct inet_socket *inet, const struct socket_ops *ops, int family, int type,
		      int protocol, struct inet_ports *ports);
/* The same for one that is as another, with its options, but neither bound nor connected. */
void inet_socket_copy(struct inet_socket *inet, const struct inet_socket *from);
void inet_socket_fini(struct inet_socket *inet);

/* --- name.c: addresses --- */

/*
 * What a program names: an address and a port (in host order).  -EINVAL: too short; -EAFNOSUPPORT;
 * -ENETUNREACH: an IPv4 address for a socket that is IPv6 alone.
 */
int __must_check inet_get_address(const struct inet_socket *inet, const struct socket_address *from,
				  ip_addr_t *address, u16 *port);
/* The same for a datagram: an IPv6 socket of UDP takes addresses of IPv4 as such, too. */
int __must_check inet_get_datagram_address(const struct inet_socket *inet,
					   const struct socket_address *from, ip_addr_t *address,
					   u16 *port);
/* As the socket's family writes it. */
void inet_put_address(const struct inet_socket *inet, const ip_addr_t *address, u16 port,
		      struct socket_address *to);
/* The name that getsockname or getpeername tells. */
void inet_put_name(const struct inet_socket *inet, bool peer, struct socket_address *to);
/* "Any" of the socket's family: of both when it is IPv6 and speaks IPv4, too. */
void inet_set_any(const struct inet_socket *inet, ip_addr_t *address);
static inline bool inet_is_any(const ip_addr_t *address)
{
	return IP_IS_ANY_TYPE_VAL(*address) || ip_addr_isany_val(*address);
}
/* Is it an address of this machine?  Stack lock. */
bool inet_is_local(const ip_addr_t *address);
/* May two sockets that are bound to these not have the same port?  The second arguments say
 * whether an "any" of IPv6 leaves IPv4 out. */
bool inet_addresses_overlap(const ip_addr_t *one, bool one_v6only, const ip_addr_t *other,
			    bool other_v6only);
/* lwIP's error as a negative errno; 0 for ERR_OK. */
int inet_error(err_t error);
/* The address from which packets to `to` go, and their interface: 0, -ENETUNREACH, -EHOSTUNREACH,
 * -EADDRNOTAVAIL.  Stack lock. */
int __must_check inet_find_source(const struct inet_socket *inet, const ip_addr_t *to,
				  ip_addr_t *source, struct netif **netif);

/* --- ports.c --- */

#define INET_PORT_BUCKETS 64

struct inet_ports {
	struct list_head buckets[INET_PORT_BUCKETS]; /* stack lock: bound sockets by port */
	/* Does a bound socket stand in the way even of those that share addresses (listens)? */
	bool (*is_exclusive)(const struct inet_socket *inet);
	/* Does something that has no socket any more have the port?  NULL: no such thing. */
	bool (*is_used)(const struct inet_socket *inet, u16 port, const ip_addr_t *address);
};

void inet_ports_init(struct inet_ports *ports);
/*
 * Binds a socket that is not bound to an address and a port, 0: one that is free.  Checks
 * privileges and who else has it: -EACCES, -EADDRINUSE.  Stack lock.
 */
int __must_check inet_bind_port(struct inet_socket *inet, const ip_addr_t *address, u16 port);
/* Would it have the port to itself, now that it is exclusive?  0 or -EADDRINUSE.  Stack lock. */
int __must_check inet_check_port(struct inet_socket *inet);
/* Shares the port of another, as a connection does with its listener.  Stack lock. */
void inet_share_port(struct inet_socket *inet, const struct inet_socket *with);
void inet_unbind_port(struct inet_socket *inet); /* harmless when not bound.  Stack lock */
/* The body of bind(2): checks that the address is ours, too. */
int __must_check inet_bind(struct inet_socket *inet, const struct socket_address *address);
/* /proc/sys/net/ipv4/ip_local_port_range. */
void inet_port_range(u16 *low, u16 *high);
int __must_check inet_set_port_range(u16 low, u16 high); /* -EINVAL */

/* --- option.c --- */

/* Options of levels IPPROTO_IP, IPPROTO_IPV6 and SOL_SOCKET that all protocols have; after a change
 * of TTL and the like the protocol looks at the socket. */
int __must_check inet_set_option(struct socket *socket, int level, int option, vaddr_t value,
				 u32 length);
int __must_check inet_get_option(struct socket *socket, int level, int option, vaddr_t value,
				 u32 *length);
/* Reads a number of 4 bytes, or of 1 byte when there are fewer.  -EFAULT, -EINVAL. */
int __must_check inet_get_number(s32 *number, vaddr_t value, u32 length);

#endif
