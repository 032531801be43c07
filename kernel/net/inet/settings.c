/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of the network: /proc/sys/net/core, ipv4 and ipv6.
 *
 * Most are numbers that do not change and say what is so; what can be set is kept where it is used.
 * The files show the first namespace's to everybody.
 */
#include "net/inet/settings.h"

#include "fs/procfs/procfs.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "net/inet/datagram.h"
#include "net/inet/lwip/lwipopts.h"

/* --- Numbers that are so --- */

enum number {
	NONE,
	ONE,
	BUFFER,
	CONTROL,
	BACKLOG,
	TTL,
	FIN_TIMEOUT,
	KEEP_TIME,
	KEEP_INTERVAL,
	KEEP_PROBES,
	GROUPS,
	UNPRIVILEGED,
};

static const u32 numbers[] = {
	[NONE] = 0,
	[ONE] = 1,
	[BUFFER] = SOCKET_BUFFER_DEFAULT,
	[CONTROL] = 20480,
	[BACKLOG] = SOMAXCONN,
	[TTL] = IP_DEFAULT_TTL,
	[FIN_TIMEOUT] = TCP_FIN_WAIT_TIMEOUT / 1000,
	[KEEP_TIME] = 7200,
	[KEEP_INTERVAL] = 75,
	[KEEP_PROBES] = 9,
	[GROUPS] = 20,
	[UNPRIVILEGED] = 1024,
};

static int show_number(const struct proc_node *node, struct text *text)
{
	text_printf(text, "%u\n", numbers[node->entry->which]);
	return 0;
}

static int show_congestion(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "reno\n");
	return 0;
}

/* --- What can be set --- */

/* Two numbers and nothing else. */
static int parse_pair(char *value, u32 pair[2])
{
	for (u32 i = 0; i < 2; i++) {
		u64 number;

		while (*value == ' ' || *value == '\t')
			value++;
		size_t length = 0;

		while (value[length] >= '0' && value[length] <= '9')
			length++;
		char end = value[length];
		value[length] = '\0';
		if (length == 0 || parse_u64(value, 10, &number) || number > UINT_MAX)
			return -EINVAL;
		pair[i] = (u32)number;
		value += length + (end != '\0');
	}
	while (*value == ' ' || *value == '\t' || *value == '\n')
		value++;
	return *value == '\0' ? 0 : -EINVAL;
}

static int show_ports(const struct proc_node *node __unused, struct text *text)
{
	u16 low, high;

	inet_port_range(&low, &high);
	text_printf(text, "%u\t%u\n", low, high);
	return 0;
}

static int store_ports(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	u32 pair[2];
	int error = parse_pair(value, pair);

	if (!error && (pair[0] > 65535 || pair[1] > 65535))
		error = -EINVAL;
	return error ? error : inet_set_port_range((u16)pair[0], (u16)pair[1]);
}

static int show_ping(const struct proc_node *node __unused, struct text *text)
{
	u32 low, high;

	ping_group_range(&low, &high);
	text_printf(text, "%u\t%u\n", low, high);
	return 0;
}

static int store_ping(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	u32 pair[2];
	int error = parse_pair(value, pair);

	/* A last group below the first: nobody. */
	if (!error && pair[1] < pair[0]) {
		pair[0] = 1;
		pair[1] = 0;
	}
	if (!error)
		ping_set_group_range(pair[0], pair[1]);
	return error;
}

/* --- The directories --- */

#define NUMBER(entry_name, number)                                                 \
	{                                                                          \
		.name = (entry_name), .mode = S_IFREG | 0444, .show = show_number, \
		.which = (number)                                                  \
	}

static const struct proc_entry core_entries[] = {
	NUMBER("optmem_max", CONTROL),
	NUMBER("rmem_default", BUFFER),
	NUMBER("rmem_max", BUFFER),
	NUMBER("somaxconn", BACKLOG),
	NUMBER("wmem_default", BUFFER),
	NUMBER("wmem_max", BUFFER),
	PROC_END,
};

static const struct proc_entry ip4_device_entries[] = {
	NUMBER("accept_local", NONE),
	NUMBER("forwarding", NONE),
	NUMBER("rp_filter", NONE),
	PROC_END,
};

static const struct proc_entry ip4_conf_entries[] = {
	PROC_DIRECTORY("all", ip4_device_entries),
	PROC_DIRECTORY("default", ip4_device_entries),
	PROC_DIRECTORY("lo", ip4_device_entries),
	PROC_END,
};

static const struct proc_entry ip4_entries[] = {
	PROC_DIRECTORY("conf", ip4_conf_entries),
	NUMBER("icmp_echo_ignore_all", NONE),
	NUMBER("icmp_echo_ignore_broadcasts", ONE),
	NUMBER("igmp_max_memberships", GROUPS),
	NUMBER("ip_default_ttl", TTL),
	NUMBER("ip_forward", NONE),
	PROC_SETTING("ip_local_port_range", 0644, show_ports, store_ports),
	NUMBER("ip_nonlocal_bind", NONE),
	NUMBER("ip_unprivileged_port_start", UNPRIVILEGED),
	PROC_SETTING("ping_group_range", 0644, show_ping, store_ping),
	PROC_FILE("tcp_allowed_congestion_control", 0444, show_congestion),
	PROC_FILE("tcp_available_congestion_control", 0444, show_congestion),
	PROC_FILE("tcp_congestion_control", 0444, show_congestion),
	NUMBER("tcp_fin_timeout", FIN_TIMEOUT),
	NUMBER("tcp_keepalive_intvl", KEEP_INTERVAL),
	NUMBER("tcp_keepalive_probes", KEEP_PROBES),
	NUMBER("tcp_keepalive_time", KEEP_TIME),
	NUMBER("tcp_sack", ONE),
	NUMBER("tcp_syncookies", NONE),
	NUMBER("tcp_timestamps", NONE),
	NUMBER("tcp_window_scaling", ONE),
	PROC_END,
};

static const struct proc_entry ip6_device_entries[] = {
	NUMBER("disable_ipv6", NONE),
	NUMBER("forwarding", NONE),
	PROC_END,
};

static const struct proc_entry ip6_conf_entries[] = {
	PROC_DIRECTORY("all", ip6_device_entries),
	PROC_DIRECTORY("default", ip6_device_entries),
	PROC_DIRECTORY("lo", ip6_device_entries),
	PROC_END,
};

static const struct proc_entry ip6_entries[] = {
	NUMBER("bindv6only", NONE),
	PROC_DIRECTORY("conf", ip6_conf_entries),
	PROC_END,
};

static const struct proc_entry core = PROC_DIRECTORY("core", core_entries);
static const struct proc_entry ip4 = PROC_DIRECTORY("ipv4", ip4_entries);
static const struct proc_entry ip6 = PROC_DIRECTORY("ipv6", ip6_entries);
static struct proc_addition additions[] = {{.entry = &ip6}, {.entry = &ip4}, {.entry = &core}};

void inet_settings_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(additions); i++)
		proc_sys_net_add(&additions[i]);
}
