/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets that send and receive single packets over IPv4 and IPv6: UDP, raw ones, and those for
 * ICMP's echo ("ping").
 *
 * They sit on lwIP's IP layer: a raw_pcb of lwIP for each protocol shows every packet that is for
 * this machine, and the sockets that want it get a copy of its bytes.  UDP is ours from there; what
 * no socket takes goes on to lwIP, which answers it by an ICMP error.
 *
 * Locks, outermost first:
 *	read_lock   mutex: one reader at a time, who alone takes messages off the queues
 *	stack_lock  names, ports, memberships, the lists of sockets; packets are delivered under it
 *	lock        spin: the queues
 *	wait queues
 * Options are single words.  A socket is on the lists until its release, which takes it off under
 * the stack's lock: so packets never meet one that is gone.
 */
#ifndef NET_INET_DATAGRAM_H
#define NET_INET_DATAGRAM_H

#include "lib/abi/datagram.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "net/inet/inet.h"

struct netif;
struct pbuf;
struct raw_pcb;

enum { UDP_HEADER = 8, DATAGRAM_MAX = 65535, DATAGRAM_UDP_MAX = 65507 };

/* What a packet is, and was. */
struct datagram {
	ip_addr_t from, to;
	u16 from_port, to_port; /* host order; raw: 0 */
	u32 device;             /* index of the interface that it came by */
	u8 ttl, tos;
	bool to_many; /* to a group or by broadcast */
};

struct datagram_message {
	struct list_head link; /* the socket's lock */
	struct datagram about;
	u32 length;
	nsec_t time; /* of the real-time clock */
	struct linux_sock_extended_err error;
	u8 bytes[];
};

struct datagram_membership {
	struct list_head link; /* stack lock */
	ip_addr_t group;
	u32 device;
};

struct datagram_socket {
	struct inet_socket inet;
	struct list_head link;        /* stack lock: raw sockets and those for echo */
	struct list_head memberships; /* stack lock */
	struct raw_pcb *pcb;          /* raw: lwIP's; const */
	u32 multicast_device;         /* IP_MULTICAST_IF; 0: as routes say */
	u32 icmp_filter[8];  /* raw: ICMP_FILTER (a word), ICMPV6_FILTER: types that do not come */
	u32 stamps;          /* SO_TIMESTAMP*: which; 0: none */
	s32 checksum_offset; /* raw IPv6: IPV6_CHECKSUM; -1: none */
	spinlock_t lock;
	struct list_head queue, errors; /* lock; taken off also under read_lock */
	u32 queued, error_count;        /* lock; read without */
	u32 charge;                     /* lock: bytes of memory in both */
	u32 dropped;                    /* lock */
	u32 shutdown;                   /* atomic: 1: no more is read, 2: nor written */
	mutex_t read_lock;
	wait_queue_t wait;
};

static inline struct datagram_socket *datagram_of(struct socket *socket)
{
	return container_of(inet_of(socket), struct datagram_socket, inet);
}

/* Registers UDP, raw sockets and those for echo.  Once, at start-up, before programs. */
void datagrams_init(void);

/* --- datagram.c --- */

/* A fresh one of that protocol; ports: NULL for raw sockets.  NULL: no memory. */
struct datagram_socket *datagram_create(const struct socket_ops *ops, int family, int type,
					int protocol, struct inet_ports *ports);
/* Frees one that is on no list any more. */
void datagram_free(struct datagram_socket *datagram);
/* Of sockets with ports: raw ones have their own. */
void datagram_release(struct socket *socket);
int datagram_bind(struct socket *socket, const struct socket_address *address);
int datagram_connect(struct socket *socket, const struct socket_address *address, u32 flags);
int datagram_get_name(struct socket *socket, bool peer, struct socket_address *address);
int datagram_shutdown(struct socket *socket, int how);
u32 datagram_poll(struct socket *socket, struct poll_table *table);
long datagram_ioctl(struct socket *socket, unsigned command, vaddr_t argument);

typedef int datagram_visit(const struct datagram_socket *datagram, void *context);
/* Calls visit for each bound socket of UDP or for echo, or (IPPROTO_RAW) each raw one, until it
 * returns something but 0, which is the result.  Stack lock. */
int datagram_for_each(int protocol, datagram_visit *visit, void *context);
int datagram_for_each_of(const struct inet_ports *ports, datagram_visit *visit, void *context);
int udp_for_each(datagram_visit *visit, void *context);
int ping_for_each(datagram_visit *visit, void *context);
int raw_for_each(datagram_visit *visit, void *context);

/* --- datagram_queue.c: what has come --- */

/* Gives the socket a copy of `length` bytes of a packet from `offset` on.  Stack lock. */
void datagram_deliver(struct datagram_socket *datagram, const struct datagram *about,
		      struct pbuf *packet, u32 offset, u32 length);
/*
 * An error came for a packet that the socket sent to about->to: `error` is positive, `fatal` if it
 * is told without IP_RECVERR too.  The packet's first bytes are at `offset`.  Stack lock.
 */
void datagram_fail(struct datagram_socket *datagram, const struct datagram *about,
		   const struct linux_sock_extended_err *error, bool fatal, struct pbuf *packet,
		   u32 offset, u32 length);
ssize_t datagram_receive(struct socket *socket, struct socket_message *message, u32 flags);
void datagram_clear(struct datagram_socket *datagram);

/* --- datagram_send.c --- */

/* How one packet is to go: what the socket says, changed by control messages. */
struct datagram_way {
	ip_addr_t to, source;
	u16 port;
	struct netif *netif;
	u8 ttl, tos;
};
/* Reads and finds all that: then the packet is made.  Stack lock not held. */
struct datagram_plan {
	struct datagram_way way;
	bool has_source;
	ip_addr_t source; /* that a control message wants */
	u32 device;       /* likewise */
	s32 ttl, tos;     /* -1: as the socket says */
};
/* Where to and with what; 0 or an error. */
int __must_check datagram_plan(struct datagram_socket *datagram,
			       const struct socket_message *message, u32 flags,
			       struct datagram_plan *plan);
/* The program's data, in a packet with room for headers before it; ERR_PTR. */
struct pbuf *datagram_read(struct io_cursor *cursor, size_t length);
/* Fills in plan->way: source address, interface, TTL.  Stack lock. */
int __must_check datagram_route(struct datagram_socket *datagram, struct datagram_plan *plan);
/* Sends a packet that has all but IP's header.  0 or an error.  Stack lock. */
int __must_check datagram_output(struct datagram_socket *datagram, struct datagram_way *way,
				 struct pbuf *packet, u8 protocol);

/* --- datagram_option.c --- */

int datagram_set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length);
int datagram_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length);
/* Leaves all groups.  Stack lock. */
void datagram_leave_all(struct datagram_socket *datagram);
/* Is the socket to have what comes to a group by that interface?  Stack lock. */
bool datagram_hears(const struct datagram_socket *datagram, const struct datagram *about);

/* --- udp.c, icmp.c, raw.c --- */

void udp_sockets_init(void);
/* Answers of ICMP are to be looked at: 0 or -ENOMEM.  Stack lock. */
int __must_check icmp_watch(void);
void ping_sockets_init(void);
/* /proc/sys/net/ipv4/ping_group_range. */
void ping_group_range(u32 *low, u32 *high);
void ping_set_group_range(u32 low, u32 high);
void raw_sockets_init(void);
/* The UDP socket that sent a packet from `local` to `remote`; NULL.  Stack lock. */
struct datagram_socket *udp_sender(const struct datagram *sent);
struct datagram_socket *ping_sender(bool ip6, u16 identifier);
/* What the packet that is being received is; ports are left 0.  Stack lock. */
void datagram_describe(struct datagram *about, const ip_addr_t *from);

#endif
