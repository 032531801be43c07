/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_KOBJECT_UEVENT: what becomes of devices, told to udev and its like, as strings one behind
 * the other: "ACTION@PATH", then "NAME=value" each.
 *
 * sequence_lock (mutex, before the locks of netlink_internal.h) numbers the messages in the order
 * in which they are sent.
 */
#include "net/netlink/netlink.h"
#include "net/netlink/netlink_internal.h"

#include <stdarg.h>

#include "lib/format.h"
#include "mm/kmalloc.h"

enum { EVENT_SIZE = 2048, KERNEL_GROUP = 1 };

static mutex_t sequence_lock = MUTEX_INIT(sequence_lock);
static u64 sequence; /* sequence_lock */

__printf(2, 3) static void add(struct netlink_message *message, const char *format, ...)
{
	size_t room = message->capacity - message->length;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf((char *)message->bytes + message->length, room, format, arguments);
	va_end(arguments);
	if ((size_t)length < room)
		message->length += (u32)length + 1;
}

void netlink_uevent(const char *action, const char *path, const char *subsystem,
		    const char *const *more)
{
	struct namespace *first = namespace_first(NAMESPACE_NET);

	mutex_lock(&sequence_lock);
	sequence++;
	if (netlink_has_listeners(NETLINK_KOBJECT_UEVENT, KERNEL_GROUP, first)) {
		struct netlink_message *message = netlink_message_create(EVENT_SIZE);

		if (message != NULL) {
			add(message, "%s@%s", action, path);
			add(message, "ACTION=%s", action);
			add(message, "DEVPATH=%s", path);
			add(message, "SUBSYSTEM=%s", subsystem);
			for (; *more != NULL; more++)
				add(message, "%s", *more);
			add(message, "SEQNUM=%lu", (unsigned long)sequence);
			(void)netlink_broadcast(NETLINK_KOBJECT_UEVENT, KERNEL_GROUP, first,
						message, 0, NULL);
			kfree(message);
		}
	}
	mutex_unlock(&sequence_lock);
}
