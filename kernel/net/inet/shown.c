/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets as tools see them: see shown.h.
 *
 * Connections come from lwIP's lists, so that those are there that a program has closed but that
 * have not ended.  Everything is under the stack's lock, which a file is made under as a whole.
 */
#include "net/inet/shown.h"

#include <lwip/priv/tcp_priv.h>

#include "fs/procfs/procfs.h"
#include "net/device_files.h"
#include "net/inet/datagram.h"
#include "net/inet/stack.h"
#include "net/inet/tcp_internal.h"
#include "proc/user_namespace.h"

typedef int visit_function(const struct inet_shown *shown, void *context);

/* The address as a socket of that family shows it. */
static void put_bytes(int family, const ip_addr_t *address, u8 *to)
{
	u32 word;

	memset(to, 0, 16);
	if (IP_IS_V6_VAL(*address)) {
		memcpy(to, ip_2_ip6(address)->addr, 16);
	} else if (IP_IS_V4_VAL(*address)) {
		word = ip_addr_get_ip4_u32(address);
		if (family == AF_INET6 && word != 0)
			to[10] = to[11] = 0xff;
		memcpy(to + (family == AF_INET6 ? 12 : 0), &word, sizeof(word));
	}
}

static void describe(const struct inet_socket *inet, struct inet_shown *shown)
{
	const struct file *file = READ_ONCE(inet->socket.file);

	*shown = (struct inet_shown){.family = (u8)inet->socket.family,
				     .protocol = (u8)inet->socket.protocol,
				     .local_port = inet->local_port,
				     .remote_port = inet->remote_port,
				     .uid = inet->owner,
				     .inode = file != NULL ? file->inode->ino : 0,
				     .device = inet->device};
	put_bytes(shown->family, &inet->local, shown->local);
	put_bytes(shown->family, &inet->remote, shown->remote);
}

/* --- TCP --- */

/* A connection that no socket has any more. */
static void describe_orphan(const struct tcp_pcb *pcb, struct inet_shown *shown)
{
	int family = IP_IS_V6_VAL(pcb->remote_ip) ? AF_INET6 : AF_INET;

	*shown = (struct inet_shown){.family = (u8)family,
				     .protocol = IPPROTO_TCP,
				     .local_port = pcb->local_port,
				     .remote_port = pcb->remote_port};
	put_bytes(family, &pcb->local_ip, shown->local);
	put_bytes(family, &pcb->remote_ip, shown->remote);
}

static int visit_connections(struct tcp_pcb *list, int family, visit_function *visit, void *context)
{
	struct inet_shown shown;
	int result = 0;

	for (; list != NULL && result == 0; list = list->next) {
		const struct tcp_socket *tcp = list->callback_arg;

		if (tcp != NULL && list->state != TIME_WAIT) {
			describe(&tcp->inet, &shown);
			shown.send_queue = READ_ONCE(tcp->queued);
			shown.receive_queue = READ_ONCE(tcp->received);
		} else {
			describe_orphan(list, &shown);
		}
		shown.state = tcp_linux_state(list);
		shown.retransmits = list->nrtx;
		shown.timer = list->state == TIME_WAIT ? 3 : list->rtime >= 0 ? 1 : 0;
		if (shown.family == family)
			result = visit(&shown, context);
	}
	return result;
}

static int visit_listeners(int family, visit_function *visit, void *context)
{
	const struct tcp_pcb_listen *listener;
	struct inet_shown shown;
	int result = 0;

	for (listener = tcp_listen_pcbs.listen_pcbs; listener != NULL && result == 0;
	     listener = listener->next) {
		const struct tcp_socket *tcp = listener->callback_arg;

		if (tcp == NULL)
			continue;
		describe(&tcp->inet, &shown);
		shown.state = LINUX_TCP_LISTEN;
		shown.receive_queue = READ_ONCE(tcp->pending_count);
		shown.send_queue = tcp->backlog;
		if (shown.family == family)
			result = visit(&shown, context);
	}
	return result;
}

static int visit_tcp(int family, visit_function *visit, void *context)
{
	int result = visit_listeners(family, visit, context);

	if (result == 0)
		result = visit_connections(tcp_active_pcbs, family, visit, context);
	if (result == 0)
		result = visit_connections(tcp_tw_pcbs, family, visit, context);
	return result;
}

/* --- Datagrams --- */

struct wish {
	int family;
	visit_function *visit;
	void *context;
};

static int visit_datagram(const struct datagram_socket *datagram, void *argument)
{
	const struct inet_socket *inet = &datagram->inet;
	const struct wish *wish = argument;
	struct inet_shown shown;

	if (inet->socket.family != wish->family || inet_is_isolated(inet))
		return 0;
	describe(inet, &shown);
	shown.state = inet_is_any(&inet->remote) ? LINUX_TCP_CLOSE : LINUX_TCP_ESTABLISHED;
	shown.receive_queue = READ_ONCE(datagram->charge);
	shown.dropped = READ_ONCE(datagram->dropped);
	if (inet->socket.type == SOCK_RAW)
		shown.local_port = inet->socket.protocol;
	return wish->visit(&shown, wish->context);
}

int inet_shown_for_each(int family, int protocol, visit_function *visit, void *context)
{
	struct wish wish = {family, visit, context};
	int result;

	stack_lock();
	if (protocol == IPPROTO_TCP)
		result = visit_tcp(family, visit, context);
	else
		result = datagram_for_each(protocol, visit_datagram, &wish);
	stack_unlock();
	return result;
}

/* --- /proc/net --- */

/* What a table's `which` says: the protocol, and whether it is IPv6's. */
enum { OF_IP6 = 0x80, PROTOCOL_MASK = 0x7f };

struct table {
	struct text *text;
	u32 line;
	u8 protocol;
	bool ip6;
};

static void show_address(struct text *text, const u8 *bytes, bool ip6, u16 port)
{
	u32 words[4];

	memcpy(words, bytes, sizeof(words));
	for (u32 i = 0; i < (ip6 ? 4u : 1u); i++)
		text_printf(text, "%08X", words[i]);
	text_printf(text, ":%04X ", port);
}

static int show_socket(const struct inet_shown *shown, void *argument)
{
	struct table *table = argument;
	struct text *text = table->text;
	bool tcp = table->protocol == IPPROTO_TCP;
	size_t start = text->length;

	text_printf(text, tcp ? "%4u: " : "%5u: ", table->line++);
	show_address(text, shown->local, table->ip6, shown->local_port);
	show_address(text, shown->remote, table->ip6, shown->remote_port);
	text_printf(text, "%02X %08X:%08X %02X:%08X %08X %5u %8d %lu %d %016x", shown->state,
		    tcp && shown->state == LINUX_TCP_LISTEN ? 0 : shown->send_queue,
		    shown->receive_queue, tcp ? shown->timer : 0, 0, shown->retransmits,
		    uid_shown(shown->uid), 0, (unsigned long)shown->inode, tcp ? 1 : 2, 0);
	if (tcp)
		text_printf(text, " 100 0 0 10 0");
	else
		text_printf(text, " %u", shown->dropped);
	size_t length = text->length - start, width = table->ip6 ? 0 : tcp ? 149 : 127;
	text_printf(text, "%*s\n", (int)(length < width ? width - length : 0), "");
	return 0;
}

static const char *heading(u8 protocol, bool ip6)
{
	if (protocol == IPPROTO_TCP)
		return ip6 ? "  sl  local_address                         remote_address           "
			     "   "
			     "          st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
			     "inode"
			   : "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
			     "retrnsmt   uid  timeout inode";
	return ip6 ? "   sl  local_address                         remote_address                "
		     "        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref "
		     "pointer drops"
		   : "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt "
		     "  uid  timeout inode ref pointer drops";
}

static int show_table(const struct proc_node *node, struct text *text)
{
	struct table table = {.text = text,
			      .protocol = node->entry->which & PROTOCOL_MASK,
			      .ip6 = node->entry->which & OF_IP6};
	int protocol = table.protocol == PROTOCOL_MASK ? IPPROTO_RAW : table.protocol;
	int width = table.ip6 ? 0 : table.protocol == IPPROTO_TCP ? 149 : 127;

	text_printf(text, "%-*s\n", width, heading(table.protocol, table.ip6));
	if (proc_net_is_first(node))
		inet_shown_for_each(table.ip6 ? AF_INET6 : AF_INET, protocol, show_socket, &table);
	return 0;
}

#define TABLE(entry_name, number)                                                 \
	{                                                                         \
		.name = (entry_name), .mode = S_IFREG | 0444, .show = show_table, \
		.which = (number)                                                 \
	}

static const struct proc_entry entries[] = {
	TABLE("icmp", IPPROTO_ICMP), TABLE("icmp6", IPPROTO_ICMP | OF_IP6),
	TABLE("raw", PROTOCOL_MASK), TABLE("raw6", PROTOCOL_MASK | OF_IP6),
	TABLE("tcp", IPPROTO_TCP),   TABLE("tcp6", IPPROTO_TCP | OF_IP6),
	TABLE("udp", IPPROTO_UDP),   TABLE("udp6", IPPROTO_UDP | OF_IP6),
};

void inet_shown_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		proc_net_register(&entries[i]);
}
