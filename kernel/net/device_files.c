/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces as files.
 *
 * A device's directory is /sys/devices/virtual/net/NAME, and /sys/class/net/NAME leads there.  The
 * nodes' `number` is the device's index; a file about a device that has gone has no text.  The
 * files show the first namespace's devices to everybody, as sysfs is one for all.
 *
 * No state; the registry has its own lock.
 */
#include "net/device_files.h"

#include "fs/procfs/sysfs.h"
#include "lib/format.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "net/device.h"

/* --- /proc/net/dev --- */

static int show_line(struct net_device *device, void *text)
{
	const struct net_device_statistics *s = &device->statistics;

	text_printf(text,
		    "%6s: %7lu %7lu %4lu %4lu %4u %5u %10u %9lu %8lu %7lu %4lu %4lu %4u %5u %7u "
		    "%10u\n",
		    device->name, (unsigned long)s->rx_bytes, (unsigned long)s->rx_packets,
		    (unsigned long)s->rx_errors, (unsigned long)s->rx_dropped, 0, 0, 0,
		    (unsigned long)s->multicast, (unsigned long)s->tx_bytes,
		    (unsigned long)s->tx_packets, (unsigned long)s->tx_errors,
		    (unsigned long)s->tx_dropped, 0, 0, 0, 0);
	return 0;
}

static int show_dev(const struct proc_node *node, struct text *text)
{
	text_printf(text, "Inter-|   Receive                                                |  "
			  "Transmit\n face |bytes    packets errs drop fifo frame compressed "
			  "multicast|bytes    packets errs drop fifo colls carrier compressed\n");
	if (proc_net_is_first(node))
		net_device_for_each(show_line, text);
	else
		text_printf(text,
			    "    lo:       0       0    0    0    0     0          0         0"
			    "        0       0    0    0    0     0       0          0\n");
	return 0;
}

/* --- A device's files --- */

enum which {
	ADDRESS,
	ADDR_ASSIGN_TYPE,
	ADDR_LEN,
	BROADCAST,
	CARRIER,
	DEV_ID,
	DORMANT,
	FLAGS,
	IFINDEX,
	IFLINK,
	LINK_MODE,
	MTU,
	OPERSTATE,
	TX_QUEUE_LEN,
	TYPE,
	UEVENT,
};

static void show_address(struct text *text, const u8 *address, u32 length)
{
	for (u32 i = 0; i < length; i++)
		text_printf(text, i == 0 ? "%02x" : ":%02x", address[i]);
	text_append(text, "\n", 1);
}

static const char *state_of(const struct net_device *device)
{
	if (device->flags & IFF_LOOPBACK)
		return "unknown";
	return device->flags & IFF_UP && device->carrier ? "up" : "down";
}

static int show_value(const struct net_device *device, enum which which, struct text *text)
{
	switch (which) {
	case ADDRESS:
		show_address(text, device->address, device->address_length);
		return 0;
	case BROADCAST:
		show_address(text, device->broadcast, device->address_length);
		return 0;
	case CARRIER:
	case DORMANT:
		if (!net_device_is_up(device))
			return -EINVAL;
		text_printf(text, "%d\n", which == CARRIER && device->carrier);
		return 0;
	case ADDR_ASSIGN_TYPE:
	case LINK_MODE:
		text_printf(text, "0\n");
		return 0;
	case ADDR_LEN:
		text_printf(text, "%u\n", device->address_length);
		return 0;
	case DEV_ID:
		text_printf(text, "0x0\n");
		return 0;
	case FLAGS:
		/* What only rtnetlink tells is above. */
		text_printf(text, "0x%x\n", device->flags & 0xffff & ~(u32)IFF_RUNNING);
		return 0;
	case IFINDEX:
	case IFLINK:
		text_printf(text, "%u\n", device->index);
		return 0;
	case MTU:
		text_printf(text, "%u\n", device->mtu);
		return 0;
	case OPERSTATE:
		text_printf(text, "%s\n", state_of(device));
		return 0;
	case TX_QUEUE_LEN:
		text_printf(text, "%u\n", device->queue_length);
		return 0;
	case TYPE:
		text_printf(text, "%u\n", device->type);
		return 0;
	case UEVENT:
		text_printf(text, "INTERFACE=%s\nIFINDEX=%u\n", device->name, device->index);
		return 0;
	}
	return -EINVAL;
}

static int show_file(const struct proc_node *node, struct text *text)
{
	struct net_device *device = net_device_by_index(node->number);

	if (device == NULL)
		return -EINVAL;
	int error = show_value(device, node->entry->which, text);
	net_device_put(device);
	return error;
}

static int store_file(const struct proc_node *node, char *value, size_t size __unused)
{
	char *newline = strchr(value, '\n');
	u64 number;

	if (newline != NULL)
		*newline = '\0';
	if (parse_u64(value, 0, &number) || number > UINT_MAX)
		return -EINVAL;
	struct net_device *device = net_device_by_index(node->number);
	if (device == NULL)
		return -EINVAL;
	int error = node->entry->which == MTU ? net_device_set_mtu(device, (u32)number)
					      : net_device_set_queue_length(device, (u32)number);
	net_device_put(device);
	return error;
}

/* `which` is the number of the word in struct net_device_statistics; NONE: always 0. */
enum { STATISTICS = sizeof(struct net_device_statistics) / sizeof(u64), NONE = STATISTICS };

static int show_statistic(const struct proc_node *node, struct text *text)
{
	struct net_device *device = net_device_by_index(node->number);
	u64 value = 0;

	if (device == NULL)
		return -EINVAL;
	if (node->entry->which < STATISTICS)
		value = READ_ONCE(((const u64 *)&device->statistics)[node->entry->which]);
	text_printf(text, "%lu\n", (unsigned long)value);
	net_device_put(device);
	return 0;
}

#define STATISTIC(field)                                                             \
	{                                                                            \
		.name = #field, .mode = S_IFREG | 0444, .show = show_statistic,      \
		.which = offsetof(struct net_device_statistics, field) / sizeof(u64) \
	}
#define NO_STATISTIC(entry_name)                                                      \
	{                                                                             \
		.name = (entry_name), .mode = S_IFREG | 0444, .show = show_statistic, \
		.which = NONE                                                         \
	}
#define FILE(entry_name, number)                                                                   \
	{                                                                                          \
		.name = (entry_name), .mode = S_IFREG | 0444, .show = show_file, .which = (number) \
	}
#define SETTING(entry_name, number)                                              \
	{                                                                        \
		.name = (entry_name), .mode = S_IFREG | 0644, .show = show_file, \
		.store = store_file, .which = (number)                           \
	}

static const struct proc_entry statistics_entries[] = {
	NO_STATISTIC("collisions"),
	STATISTIC(multicast),
	NO_STATISTIC("rx_compressed"),
	NO_STATISTIC("rx_crc_errors"),
	STATISTIC(rx_bytes),
	STATISTIC(rx_dropped),
	STATISTIC(rx_errors),
	NO_STATISTIC("rx_fifo_errors"),
	NO_STATISTIC("rx_frame_errors"),
	STATISTIC(rx_packets),
	STATISTIC(tx_bytes),
	NO_STATISTIC("tx_carrier_errors"),
	NO_STATISTIC("tx_compressed"),
	STATISTIC(tx_dropped),
	STATISTIC(tx_errors),
	NO_STATISTIC("tx_fifo_errors"),
	STATISTIC(tx_packets),
	PROC_END,
};

static const struct proc_entry device_entries[] = {
	FILE("addr_assign_type", ADDR_ASSIGN_TYPE),
	FILE("addr_len", ADDR_LEN),
	FILE("address", ADDRESS),
	FILE("broadcast", BROADCAST),
	FILE("carrier", CARRIER),
	FILE("dev_id", DEV_ID),
	FILE("dormant", DORMANT),
	FILE("flags", FLAGS),
	FILE("ifindex", IFINDEX),
	FILE("iflink", IFLINK),
	FILE("link_mode", LINK_MODE),
	SETTING("mtu", MTU),
	FILE("operstate", OPERSTATE),
	PROC_DIRECTORY("statistics", statistics_entries),
	SETTING("tx_queue_len", TX_QUEUE_LEN),
	FILE("type", TYPE),
	FILE("uevent", UEVENT),
	PROC_END,
};

/* --- The directories --- */

static void read_link(const struct proc_node *node, char *buffer, size_t size)
{
	struct net_device *device = net_device_by_index(node->number);

	snprintf(buffer, size, "../../devices/virtual/net/%s", device != NULL ? device->name : "");
	if (device != NULL)
		net_device_put(device);
}

static const struct proc_entry device_directory = PROC_DIRECTORY("NAME", device_entries);
static const struct proc_entry device_link = {
	.name = "NAME", .mode = S_IFLNK | 0777, .readlink = read_link};

/* Directories have the devices' directories, /sys/class/net links to them. */
static const struct proc_entry *child_entry(const struct proc_node *node)
{
	return node->entry->which ? &device_link : &device_directory;
}

static bool find_device(const struct proc_node *node, const char *name, size_t length,
			struct proc_node *child)
{
	char text[IFNAMSIZ];

	if (length >= sizeof(text))
		return false;
	memcpy(text, name, length);
	text[length] = '\0';
	struct net_device *device = net_device_find(text);
	if (device == NULL)
		return false;
	child->entry = child_entry(node);
	child->number = device->index;
	net_device_put(device);
	return true;
}

static bool next_device(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	struct net_device *device = net_device_next((u32)*position);

	if (device == NULL)
		return false;
	child->node =
		(struct proc_node){.entry = child_entry(node), .fd = -1, .number = device->index};
	snprintf(child->name, sizeof(child->name), "%s", device->name);
	*position = device->index + 1ull;
	net_device_put(device);
	return true;
}

#define DEVICES(links)                                                                        \
	{                                                                                     \
		.name = "net", .mode = S_IFDIR | 0555, .which = (links), .find = find_device, \
		.next = next_device                                                           \
	}

static const struct proc_entry class_net = DEVICES(true), virtual_net = DEVICES(false);
static const struct proc_entry dev_entry = PROC_FILE("dev", 0444, show_dev);
static struct proc_addition class_addition = {.entry = &class_net};
static struct proc_addition virtual_addition = {.entry = &virtual_net};

void net_device_files_init(void)
{
	proc_net_register(&dev_entry);
	net_route_files_init();
	sysfs_add(SYSFS_CLASS, &class_addition);
	sysfs_add(SYSFS_DEVICES_VIRTUAL, &virtual_addition);
}
