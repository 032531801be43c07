/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP's clock: lwIP's timers tick while a connection waits for something, and only then.
 *
 * lwIP counts ticks; those that passed while nothing ticked are added when it begins again.  Before
 * each tick times of retransmission are corrected where they are not Linux's: never below a fifth
 * of a second, and doubled from SYN to SYN.
 *
 * Under the stack's lock.
 */
#include <lwip/priv/tcp_priv.h>

#include "arch/clock.h"
#include "net/inet/lwip/hooks.h"
#include "net/inet/stack.h"
#include "net/inet/stack_internal.h"
#include "net/inet/tcp_internal.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "proc/random.h"

/* In ticks of lwIP's slow timer. */
#define LEAST_RETRANSMISSION ((s16)(200 / TCP_SLOW_INTERVAL + 1))
#define FIRST_SYN            ((s16)(1000 / TCP_SLOW_INTERVAL))

#define TIME_WAIT_LIMIT 512 /* connections */

static bool run(struct stack_timer *timer);
static struct stack_timer timer = {
	.interval = TCP_TMR_INTERVAL * NSEC_PER_MSEC,
	.function = run,
};
static nsec_t stopped; /* when it last ran */
static struct hash_key sequence_key;

/* Does anything happen to the connection if nobody touches it? */
static bool waits(const struct tcp_pcb *pcb)
{
	if (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT)
		return true;
	return pcb->unsent != NULL || pcb->unacked != NULL || pcb->ooseq != NULL ||
	       pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND) ||
	       pcb->so_options & SOF_KEEPALIVE;
}

static void correct_times(struct tcp_pcb *pcb)
{
	if (pcb->state == SYN_SENT) {
		pcb->rto = (s16)(FIRST_SYN << pcb->nrtx);
		return;
	}
	if ((pcb->sa >> 3) + pcb->sv < LEAST_RETRANSMISSION)
		pcb->sv = (s16)(LEAST_RETRANSMISSION - (pcb->sa >> 3));
	pcb->rto = MAX(pcb->rto, LEAST_RETRANSMISSION);
}

/*
 * A segment that is larger than what the peer has room for is divided by lwIP's timer, which leaves
 * FIN on both parts: the peer would take the first one for the end.  FIN gets a segment of its own.
 */
static void keep_end_apart(struct tcp_pcb *pcb)
{
	struct tcp_seg *segment = pcb->unsent;

	if (pcb->persist_backoff == 0 || segment == NULL || segment->len == 0 ||
	    !(TCPH_FLAGS(segment->tcphdr) & TCP_FIN))
		return;
	TCPH_UNSET_FLAG(segment->tcphdr, TCP_FIN);
	if (tcp_enqueue_flags(pcb, TCP_FIN) != ERR_OK)
		TCPH_SET_FLAG(segment->tcphdr, TCP_FIN);
}

/* Has the socket waited for an answer for longer than it wants to? */
static bool is_late(struct tcp_socket *tcp, nsec_t now)
{
	if (tcp->state == TCP_CONNECTING)
		return tcp->pcb->nrtx >= tcp->syn_count;
	if (tcp->user_timeout == 0 || tcp->queued == 0)
		return false;
	if (tcp->progress == 0)
		tcp->progress = now;
	return now - tcp->progress > tcp->user_timeout * NSEC_PER_MSEC;
}

static void check_limits(nsec_t now)
{
	struct tcp_pcb *pcb = tcp_active_pcbs, *next;

	for (; pcb != NULL; pcb = next) {
		/* lwIP takes the connection off its list, and no other. */
		next = pcb->next;
		if (pcb->callback_arg != NULL && pcb->state != SYN_RCVD &&
		    is_late(pcb->callback_arg, now))
			tcp_abort(pcb);
	}
}

/* The oldest connections that only wait for stragglers go when there are many; lwIP puts the newest
 * first. */
static void limit_waiting(void)
{
	struct tcp_pcb *pcb = tcp_tw_pcbs, *next;

	for (u32 i = 0; pcb != NULL; pcb = next, i++) {
		next = pcb->next;
		if (i >= TIME_WAIT_LIMIT)
			tcp_abort(pcb);
	}
}

static bool run(struct stack_timer *unused __unused)
{
	struct tcp_pcb *pcb;

	stopped = clock_monotonic();
	check_limits(stopped);
	limit_waiting();
	for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		correct_times(pcb);
		keep_end_apart(pcb);
	}
	tcp_tmr();
	if (tcp_tw_pcbs != NULL)
		return true;
	for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		if (waits(pcb))
			return true;
	return false;
}

void tcp_timer_check(void)
{
	nsec_t now;

	if (likely(timer.running || (tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL)))
		return;
	now = clock_monotonic();
	tcp_ticks += (u32)((now - stopped) / (TCP_SLOW_INTERVAL * NSEC_PER_MSEC));
	stopped = now;
	stack_timer_start(&timer);
}

/* lwIP has a new connection; the end of the section starts the timer. */
void tcp_timer_needed(void) {}

u32_t inet_hook_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
			u16_t remote_port)
{
	struct {
		ip_addr_t local, remote;
		u16 local_port, remote_port;
	} name;

	memset(&name, 0, sizeof(name));
	ip_addr_copy(name.local, *local_ip);
	ip_addr_copy(name.remote, *remote_ip);
	name.local_port = local_port;
	name.remote_port = remote_port;
	return (u32)hash_bytes(&sequence_key, &name, sizeof(name)) +
	       (u32)(clock_monotonic() / (4 * NSEC_PER_USEC));
}

void tcp_timer_init(void)
{
	random_bytes(&sequence_key, sizeof(sequence_key));
}
