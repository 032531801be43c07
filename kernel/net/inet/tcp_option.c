/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of TCP sockets: tcp(7).
 *
 * The socket keeps them; a connection is told when it is made and when one changes.  Nagle's
 * algorithm is always off on the loopback interface: there is no wire to spare, and its meeting
 * with delayed acknowledgements is avoided.
 */
#include <lwip/priv/tcp_priv.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "net/inet/stack.h"
#include "net/inet/tcp_internal.h"

#define LEAST_SEGMENT    88
#define GREATEST_SEGMENT 32767
#define DEFAULT_SEGMENT  536

/* The congestion control that lwIP has. */
static const char congestion[] = "reno";

/* Those that are numbers between bounds, and need nothing done. */
struct number_option {
	u8 option;
	u16 offset; /* of a u32 in struct tcp_socket */
	s32 least, greatest;
};

#define NUMBER(option, field, least, greatest)                              \
	{                                                                   \
		option, offsetof(struct tcp_socket, field), least, greatest \
	}

static const struct number_option numbers[] = {
	NUMBER(TCP_KEEPIDLE, keep_idle, 1, 32767),
	NUMBER(TCP_KEEPINTVL, keep_interval, 1, 32767),
	NUMBER(TCP_KEEPCNT, keep_count, 1, 127),
	NUMBER(TCP_SYNCNT, syn_count, 1, 127),
	NUMBER(TCP_USER_TIMEOUT, user_timeout, 0, INT_MAX),
	NUMBER(TCP_NOTSENT_LOWAT, notsent_low, INT_MIN, INT_MAX),
	NUMBER(TCP_LINGER2, linger2, INT_MIN, INT_MAX),
	NUMBER(TCP_WINDOW_CLAMP, window_clamp, 0, INT_MAX),
	NUMBER(TCP_DEFER_ACCEPT, defer_accept, INT_MIN, INT_MAX),
};

static const struct number_option *find_number(int option)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].option == option)
			return &numbers[i];
	return NULL;
}

static u32 *number_of(struct tcp_socket *tcp, const struct number_option *which)
{
	return (u32 *)((u8 *)tcp + which->offset);
}

void tcp_apply_options(struct tcp_socket *tcp)
{
	const struct inet_socket *inet = &tcp->inet;
	struct tcp_pcb *pcb = tcp->pcb;

	if (pcb == NULL || pcb->state == LISTEN)
		return;
	if (tcp->nodelay || inet_is_local(&inet->remote) || inet_is_local(&pcb->remote_ip))
		tcp_nagle_disable(pcb);
	else
		tcp_nagle_enable(pcb);
	if (socket_has_option(&inet->socket, SO_KEEPALIVE))
		ip_set_option(pcb, SOF_KEEPALIVE);
	else
		ip_reset_option(pcb, SOF_KEEPALIVE);
	pcb->keep_idle = tcp->keep_idle * 1000;
	pcb->keep_intvl = tcp->keep_interval * 1000;
	pcb->keep_cnt = tcp->keep_count;
	if (IP_IS_V4_VAL(inet->remote)) {
		pcb->ttl = inet->ttl != 0 ? inet->ttl : TCP_TTL;
		pcb->tos = inet->tos;
	} else {
		pcb->ttl = inet->hops >= 0 ? (u8)inet->hops : TCP_TTL;
		pcb->tos = inet->tclass;
	}
	if (tcp->max_segment != 0)
		pcb->mss = MIN(pcb->mss, tcp->max_segment);
}

void tcp_notice_option(struct socket *socket)
{
	stack_lock();
	tcp_apply_options(tcp_of(socket));
	stack_unlock();
}

/* --- Setting --- */

static int set_congestion(vaddr_t value, u32 length)
{
	char name[16] = "";

	length = MIN(length, (u32)sizeof(name) - 1);
	if (copy_from_user(name, (const void __user *)value, length))
		return -EFAULT;
	return strcmp(name, congestion) == 0 ? 0 : -ENOENT;
}

/* Switched off, what was held back goes. */
static void uncork(struct tcp_socket *tcp)
{
	if (tcp->pcb != NULL && tcp->state == TCP_CONNECTED)
		tcp_output(tcp->pcb);
}

static void set_switch(struct tcp_socket *tcp, int option, bool on)
{
	stack_lock();
	if (option == TCP_NODELAY) {
		tcp->nodelay = on;
		tcp_apply_options(tcp);
	} else if (option == TCP_CORK) {
		tcp->cork = on;
	} else {
		tcp->quick_ack = on;
		if (on && tcp->pcb != NULL && tcp->state == TCP_CONNECTED &&
		    tcp->pcb->flags & TF_ACK_DELAY)
			tcp_ack_now(tcp->pcb);
	}
	if (option == TCP_QUICKACK || (option == TCP_CORK ? !on : on))
		uncork(tcp);
	stack_unlock();
}

static int set_number(struct tcp_socket *tcp, const struct number_option *which, s32 number)
{
	if (number < which->least || number > which->greatest)
		return -EINVAL;
	if (which->option == TCP_DEFER_ACCEPT)
		number = MAX(number, 0);
	WRITE_ONCE(*number_of(tcp, which), (u32)number);
	tcp_notice_option(&tcp->inet.socket);
	return 0;
}

int tcp_set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length)
{
	struct tcp_socket *tcp = tcp_of(socket);
	const struct number_option *which = find_number(option);
	s32 number;
	int error;

	if (level != IPPROTO_TCP) {
		error = inet_set_option(socket, level, option, value, length);
		if (!error)
			tcp_notice_option(socket);
		return error;
	}
	if (option == TCP_CONGESTION)
		return length < 1 ? -EINVAL : set_congestion(value, length);
	if (length < sizeof(number))
		return -EINVAL;
	if (get_user(number, value))
		return -EFAULT;
	if (which != NULL)
		return set_number(tcp, which, number);
	switch (option) {
	case TCP_NODELAY:
	case TCP_CORK:
	case TCP_QUICKACK:
		set_switch(tcp, option, number != 0);
		return 0;
	case TCP_MAXSEG:
		if (number != 0 && (number < LEAST_SEGMENT || number > GREATEST_SEGMENT))
			return -EINVAL;
		tcp->max_segment = (u16)number;
		tcp_notice_option(socket);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* --- Getting --- */

static const u8 linux_states[] = {
	[CLOSED] = LINUX_TCP_CLOSE,
	[LISTEN] = LINUX_TCP_LISTEN,
	[SYN_SENT] = LINUX_TCP_SYN_SENT,
	[SYN_RCVD] = LINUX_TCP_SYN_RECV,
	[ESTABLISHED] = LINUX_TCP_ESTABLISHED,
	[FIN_WAIT_1] = LINUX_TCP_FIN_WAIT1,
	[FIN_WAIT_2] = LINUX_TCP_FIN_WAIT2,
	[CLOSE_WAIT] = LINUX_TCP_CLOSE_WAIT,
	[CLOSING] = LINUX_TCP_CLOSING,
	[LAST_ACK] = LINUX_TCP_LAST_ACK,
	[TIME_WAIT] = LINUX_TCP_TIME_WAIT,
};

u8 tcp_linux_state(const struct tcp_pcb *pcb)
{
	return linux_states[pcb->state];
}

static u32 ticks_to_usec(s32 ticks)
{
	return (u32)ticks * TCP_SLOW_INTERVAL * 1000;
}

static void fill_info(struct tcp_socket *tcp, struct linux_tcp_info *info)
{
	const struct tcp_pcb *pcb = tcp->pcb;

	info->state = LINUX_TCP_CLOSE;
	if (tcp->state == TCP_LISTENING) {
		info->state = LINUX_TCP_LISTEN;
		info->unacked = tcp->pending_count;
		info->sacked = tcp->backlog;
		return;
	}
	if (pcb == NULL)
		return;
	info->state = tcp_linux_state(pcb);
	info->retransmits = pcb->nrtx;
	info->probes = pcb->persist_probe;
	info->backoff = pcb->persist_backoff;
	info->scales = (u8)(pcb->snd_scale | pcb->rcv_scale << 4);
	info->rto = ticks_to_usec(pcb->rto);
	info->snd_mss = info->advmss = info->rcv_mss = pcb->mss;
	for (const struct tcp_seg *seg = pcb->unacked; seg != NULL; seg = seg->next)
		info->unacked++;
	info->rtt = ticks_to_usec(pcb->sa >> 3);
	info->rttvar = ticks_to_usec(pcb->sv >> 2);
	info->snd_ssthresh = pcb->ssthresh / MAX((u32)pcb->mss, 1u);
	info->snd_cwnd = pcb->cwnd / MAX((u32)pcb->mss, 1u);
	info->pmtu = pcb->mss + 40u;
	info->rcv_ssthresh = info->rcv_space = pcb->rcv_wnd;
	info->notsent_bytes = MIN(pcb->snd_lbb - pcb->snd_nxt, tcp->queued);
}

static int get_info(struct tcp_socket *tcp, vaddr_t value, u32 *length)
{
	struct linux_tcp_info info = {0};

	stack_lock();
	fill_info(tcp, &info);
	stack_unlock();
	return socket_put_option(value, length, &info, sizeof(info));
}

static s32 get_segment(struct tcp_socket *tcp)
{
	s32 segment = tcp->max_segment != 0 ? tcp->max_segment : DEFAULT_SEGMENT;

	stack_lock();
	if (tcp->pcb != NULL && tcp->state == TCP_CONNECTED)
		segment = tcp->pcb->mss;
	stack_unlock();
	return segment;
}

int tcp_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length)
{
	struct tcp_socket *tcp = tcp_of(socket);
	const struct number_option *which = find_number(option);
	s32 number;

	if (level == SOL_SOCKET && option == SO_ACCEPTCONN) {
		number = READ_ONCE(tcp->state) == TCP_LISTENING;
		return socket_put_option(value, length, &number, sizeof(number));
	}
	if (level != IPPROTO_TCP)
		return inet_get_option(socket, level, option, value, length);
	if (which != NULL) {
		number = (s32)READ_ONCE(*number_of(tcp, which));
		return socket_put_option(value, length, &number, sizeof(number));
	}
	switch (option) {
	case TCP_NODELAY:
		number = tcp->nodelay;
		break;
	case TCP_CORK:
		number = tcp->cork;
		break;
	case TCP_QUICKACK:
		number = 1;
		break;
	case TCP_MAXSEG:
		number = get_segment(tcp);
		break;
	case TCP_INFO:
		return get_info(tcp, value, length);
	case TCP_CONGESTION:
		return socket_put_option(value, length, congestion, sizeof(congestion));
	default:
		return -ENOPROTOOPT;
	}
	return socket_put_option(value, length, &number, sizeof(number));
}
