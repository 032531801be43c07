/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's client of DHCP (RFC 2131), for the address that the machine starts with.
 *
 * lwIP asks, checks, renews, and sets the primary address of the netif; a callback brings the table
 * of addresses up to date.  Two options that it does not know, the servers of names and the domain,
 * are asked for and read here.
 *
 * While it waits for an answer a timer ticks twice a second, then once a minute.  Everything is
 * under the stack's lock.
 */
#include <lwip/dhcp.h>
#include <lwip/pbuf.h>
#include <lwip/prot/dhcp.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "net/inet/address.h"
#include "net/inet/dhcp_internal.h"
#include "net/inet/lwip/hooks.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"

enum { DHCP_OPTION_DOMAIN_NAME = 15 };

static struct dhcp_answer last; /* of the newest message */
static netif_ext_callback_t callback;
static wait_queue_t bound = WAIT_QUEUE_INIT(bound); /* an interface has got an address */
static u32 changes;                                 /* the lock; read without: how often */

/* --- Time --- */

static bool waits_for_answer(void)
{
	struct netif *netif;

	NETIF_FOREACH(netif)
	{
		struct dhcp *dhcp = netif_dhcp_data(netif);

		if (dhcp != NULL && dhcp->request_timeout > 0)
			return true;
	}
	return false;
}

static bool fine_tick(struct stack_timer *timer __unused)
{
	dhcp_fine_tmr();
	return waits_for_answer();
}

static struct stack_timer fine_timer = {.interval = DHCP_FINE_TIMER_MSECS * NSEC_PER_MSEC,
					.function = fine_tick};

static bool coarse_tick(struct stack_timer *timer __unused)
{
	dhcp_coarse_tmr();
	if (waits_for_answer())
		stack_timer_start(&fine_timer);
	return true;
}

static struct stack_timer coarse_timer = {.interval = DHCP_COARSE_TIMER_SECS * NSEC_PER_SEC,
					  .function = coarse_tick};

/* --- Options --- */

/* The list of options that are asked for is the last thing in the message: makes it longer. */
void inet_hook_dhcp_append(struct dhcp_msg *message, u16_t *length)
{
	static const u8 wanted[] = {DHCP_OPTION_DNS_SERVER, DHCP_OPTION_DOMAIN_NAME};
	u8 *options = message->options;
	u32 at = 0;

	while (at + 1 < *length && options[at] != DHCP_OPTION_PARAMETER_REQUEST_LIST)
		at += 2u + options[at + 1];
	if (at + 1 >= *length || at + 2u + options[at + 1] != *length ||
	    *length + sizeof(wanted) + 1 > DHCP_OPTIONS_LEN)
		return;
	options[at + 1] += sizeof(wanted);
	memcpy(options + *length, wanted, sizeof(wanted));
	*length += sizeof(wanted);
}

/* A domain that cannot be one is as none: it is shown to programs in lines of text. */
static void read_domain(struct pbuf *packet, u16 offset, u8 length)
{
	u16 count =
		pbuf_copy_partial(packet, last.domain, MIN(length, (u8)(DHCP_DOMAIN - 1)), offset);

	last.domain[count] = '\0';
	for (u16 i = 0; i < count; i++)
		if (last.domain[i] <= ' ' || last.domain[i] > '~')
			last.domain[i] = '\0';
}

void inet_hook_dhcp_option(u8_t option, u8_t length, struct pbuf *packet, u16_t offset)
{
	if (option == DHCP_OPTION_DOMAIN_NAME) {
		read_domain(packet, offset, length);
		return;
	}
	if (option != DHCP_OPTION_DNS_SERVER)
		return;
	memset(last.name_servers, 0, sizeof(last.name_servers));
	pbuf_copy_partial(packet, last.name_servers,
			  MIN((u16)(length / 4 * 4), (u16)sizeof(last.name_servers)), offset);
}

/* --- Addresses --- */

static void changed(struct netif *netif, netif_nsc_reason_t reason,
		    const netif_ext_callback_args_t *arguments __unused)
{
	if (!(reason & LWIP_NSC_IPV4_SETTINGS_CHANGED) || netif_dhcp_data(netif) == NULL)
		return;
	inet_address_adopt_locked(inet_device_of(netif), netif);
	WRITE_ONCE(changes, changes + 1);
	wake_up_all(&bound);
}

bool dhcp_give_back_locked(struct netif *netif)
{
	if (!dhcp_supplied_address(netif))
		return false;
	dhcp_release_and_stop(netif);
	dhcp_cleanup(netif);
	return true;
}

static int start(struct netif *netif)
{
	if (callback.callback_fn == NULL)
		netif_add_ext_callback(&callback, changed);
	memset(&last, 0, sizeof(last));
	if (dhcp_start(netif) != ERR_OK)
		return -ENOMEM;
	stack_timer_start(&fine_timer);
	stack_timer_start(&coarse_timer);
	return 0;
}

/* Has the interface an address by now?  If so, tells all about it. */
static bool has_answer(struct netif *netif, struct dhcp_answer *answer)
{
	bool has;

	stack_lock();
	has = dhcp_supplied_address(netif);
	if (has) {
		*answer = last;
		answer->router = netif_ip4_gw(netif)->addr;
		answer->server = ip_2_ip4(&netif_dhcp_data(netif)->server_ip_addr)->addr;
	} else if (waits_for_answer()) {
		stack_timer_start(&fine_timer);
	}
	stack_unlock();
	return has;
}

int dhcp_run(struct net_device *device, nsec_t deadline, struct dhcp_answer *answer)
{
	struct netif *netif;
	int error;

	stack_lock();
	netif = inet_netif_of(device);
	error = netif != NULL ? start(netif) : -EOPNOTSUPP;
	stack_unlock();
	while (error == 0) {
		u32 seen = READ_ONCE(changes);

		if (has_answer(netif, answer))
			return 0;
		error = wait_event_timeout(&bound, READ_ONCE(changes) != seen, deadline,
					   WAIT_UNINTERRUPTIBLE);
	}
	return error;
}
