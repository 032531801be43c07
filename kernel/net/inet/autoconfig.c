/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's address from its command line: see autoconfig.h.
 *
 *	ip=dhcp, ip=on, ip=any	the first interface gets its address by DHCP
 *	ip=off, ip=none		nothing
 *	ip=CLIENT:SERVER:ROUTER:NETMASK:HOST:DEVICE:HOW:DNS:DNS
 *				what is said, and what is not by HOW (off, none: not at all)
 *
 * What is known is written once, before the first program, and only read afterwards.
 */
#include "net/inet/autoconfig.h"

#include "arch/clock.h"
#include "fs/procfs/procfs.h"
#include "lib/abi/socket.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "net/device.h"
#include "net/inet/address.h"
#include "net/inet/dhcp_internal.h"
#include "net/inet/route.h"
#include "proc/time.h"
#include "proc/uts.h"

enum field { CLIENT, SERVER, ROUTER, NETMASK, HOST, DEVICE, HOW, DNS0, DNS1, FIELDS = 10 };
enum { TEXT = 256 };
/* How long a boot waits for an address. */
#define PATIENCE (40 * NSEC_PER_SEC)

static struct {
	bool done, by_dhcp;
	struct dhcp_answer answer;
} known;

/* --- Text --- */

#define ADDRESS_FORMAT "%u.%u.%u.%u"
#define ADDRESS_BYTES(address) \
	(address) & 0xff, (address) >> 8 & 0xff, (address) >> 16 & 0xff, (address) >> 24

/* Four numbers with dots between; 0, as for an empty text, when they are none. */
static u32 parse_address(const char *text)
{
	u32 address = 0;

	for (u32 i = 0; i < 4; i++) {
		u32 number = 0, digits = 0;

		while (*text >= '0' && *text <= '9' && digits++ < 3)
			number = number * 10 + (u32)(*text++ - '0');
		if (digits == 0 || number > 255 || *text != (i < 3 ? '.' : '\0'))
			return 0;
		address |= number << 8 * i;
		text++;
	}
	return address;
}

static void split(char *text, const char *fields[FIELDS])
{
	for (u32 i = 0; i < FIELDS; i++) {
		char *colon = strchr(text, ':');

		fields[i] = text;
		if (colon != NULL)
			*colon++ = '\0';
		text = colon != NULL ? colon : text + strlen(text);
	}
}

static int show_pnp(const struct proc_node *node __unused, struct text *text)
{
	const struct dhcp_answer *answer = &known.answer;

	if (!known.done)
		return 0;
	text_printf(text, "#PROTO: %s\n", known.by_dhcp ? "DHCP" : "MANUAL");
	if (answer->domain[0] != '\0')
		text_printf(text, "domain %s\n", answer->domain);
	for (u32 i = 0; i < DHCP_SERVERS; i++)
		if (answer->name_servers[i] != 0)
			text_printf(text, "nameserver " ADDRESS_FORMAT "\n",
				    ADDRESS_BYTES(answer->name_servers[i]));
	if (answer->server != 0)
		text_printf(text, "bootserver " ADDRESS_FORMAT "\n", ADDRESS_BYTES(answer->server));
	return 0;
}

/* --- Addresses --- */

static void add_router(struct net_device *device, u32 router)
{
	struct inet_route route = {.family = AF_INET,
				   .protocol = INET_PROTOCOL_BOOT,
				   .has_gateway = true,
				   .device = device};

	memcpy(route.gateway, &router, sizeof(router));
	int error = router != 0 ? inet_route_add(&route) : 0;
	if (error != 0 && error != -EEXIST)
		log_warn("ip=: no route by " ADDRESS_FORMAT ": error %d", ADDRESS_BYTES(router),
			 -error);
}

/* That of the network's class, as of old. */
static u32 usual_mask(u32 address)
{
	u32 first = address & 0xff;

	return first < 128 ? 0xff : first < 192 ? 0xffff : 0xffffff;
}

static int set_address(struct net_device *device, u32 bytes, u32 mask)
{
	struct inet_address address = {
		.family = AF_INET,
		.prefix = inet_prefix_of(mask),
		.has_broadcast = true,
		.device = device,
		.valid = (u32)INET_FOREVER,
		.preferred = (u32)INET_FOREVER,
	};
	u32 broadcast = bytes | ~mask;

	memcpy(address.bytes, &bytes, sizeof(bytes));
	memcpy(address.broadcast, &broadcast, sizeof(broadcast));
	return inet_address_add(&address);
}

static int configure_by_hand(struct net_device *device, const char *const fields[FIELDS])
{
	u32 address = parse_address(fields[CLIENT]), mask = parse_address(fields[NETMASK]);

	known.answer.router = parse_address(fields[ROUTER]);
	known.answer.server = parse_address(fields[SERVER]);
	return set_address(device, address, mask != 0 ? mask : usual_mask(address));
}

/* What the command line says of servers of names counts more. */
static void take_name_servers(const char *const fields[FIELDS])
{
	u32 first = parse_address(fields[DNS0]), second = parse_address(fields[DNS1]);

	if (first != 0)
		known.answer.name_servers[0] = first;
	if (second != 0)
		known.answer.name_servers[1] = second;
}

static void configure(struct net_device *device, const char *const fields[FIELDS])
{
	bool by_hand = parse_address(fields[CLIENT]) != 0;
	int error = net_device_set_flags(device, IFF_UP, IFF_UP);

	if (error == 0)
		error = by_hand ? configure_by_hand(device, fields)
				: dhcp_run(device, clock_monotonic() + PATIENCE, &known.answer);
	if (error != 0) {
		log_warn("ip=: %s has no address: error %d", device->name, -error);
		return;
	}
	take_name_servers(fields);
	add_router(device, known.answer.router);
	if (fields[HOST][0] != '\0' && parse_address(fields[HOST]) == 0 &&
	    uts_set_hostname(fields[HOST], strlen(fields[HOST])) != 0)
		log_warn("ip=: no name of a host: %s", fields[HOST]);
	known.by_dhcp = !by_hand;
	known.done = true;
}

/* --- What is to be done --- */

static int first_card(struct net_device *device, void *context)
{
	if (device->type != ARPHRD_ETHER)
		return 0;
	*(struct net_device **)context = net_device_get(device);
	return 1;
}

static struct net_device *choose(const char *name)
{
	struct net_device *device = NULL;

	if (name[0] != '\0')
		return net_device_find(name);
	net_device_for_each(first_card, &device);
	return device;
}

static bool is_one_of(const char *word, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static void obey(char *text)
{
	static const char *const asking[] = {"on", "any", "dhcp", "both"};
	static const char *const nothing[] = {"off", "none"};
	const char *fields[FIELDS];
	struct net_device *device;

	split(text, fields);
	/* One word alone is how. */
	if (fields[1] == text + strlen(text) && parse_address(text) == 0) {
		fields[HOW] = fields[CLIENT];
		fields[CLIENT] = fields[1];
	}
	if (is_one_of(fields[HOW], nothing, ARRAY_SIZE(nothing)) && fields[CLIENT][0] == '\0')
		return;
	if (fields[HOW][0] != '\0' && parse_address(fields[CLIENT]) == 0 &&
	    !is_one_of(fields[HOW], asking, ARRAY_SIZE(asking))) {
		log_warn("ip=: '%s' is no way to an address that is known here", fields[HOW]);
		return;
	}
	device = choose(fields[DEVICE]);
	if (device == NULL) {
		log_warn("ip=: there is no interface %s", fields[DEVICE]);
		return;
	}
	configure(device, fields);
	net_device_put(device);
}

void inet_autoconfigure(const char *command_line)
{
	static const struct proc_entry pnp = PROC_FILE("pnp", 0444, show_pnp);
	char text[TEXT];

	proc_net_register(&pnp);
	if (cmdline_get(command_line, "ip", text, sizeof(text)) > 0)
		obey(text);
}
