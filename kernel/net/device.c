/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of network interfaces: names, numbers, and who is told of changes.
 *
 * The list is ordered by index.  A device that is unregistered leaves the list, and goes when the
 * last reference does.  The subscribers are set at start-up and only read afterwards.
 *
 * lo is a device like others, but that what the protocols send to this machine does not come by;
 * only frames of programs go through its queue, which the network's thread empties.
 */
#include "net/device.h"

#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "net/device_internal.h"

enum { MAX_SUBSCRIBERS = 4, MAX_NUMBER = 1000, LOOPBACK_MTU = 65536 };

mutex_t net_devices_lock = MUTEX_INIT(net_devices_lock);
static struct list_head devices = LIST_INIT(devices); /* net_devices_lock */
static u32 last_index;                                /* net_devices_lock */
static void (*subscribers[MAX_SUBSCRIBERS])(struct net_device *device, enum net_event event,
					    u32 changed);

/* --- Finding --- */

struct net_device *net_device_get(struct net_device *device)
{
	__atomic_add_fetch(&device->references, 1, __ATOMIC_RELAXED);
	return device;
}

void net_device_put(struct net_device *device)
{
	if (__atomic_sub_fetch(&device->references, 1, __ATOMIC_ACQ_REL) == 0 &&
	    device->ops->release != NULL)
		device->ops->release(device);
}

struct net_device *net_device_find_locked(const char *name)
{
	struct net_device *device;

	list_for_each_entry (device, &devices, node)
		if (strcmp(device->name, name) == 0)
			return device;
	return NULL;
}

struct net_device *net_device_find(const char *name)
{
	mutex_lock(&net_devices_lock);
	struct net_device *device = net_device_find_locked(name);
	if (device != NULL)
		net_device_get(device);
	mutex_unlock(&net_devices_lock);
	return device;
}

struct net_device *net_device_next(u32 index)
{
	struct net_device *device, *found = NULL;

	mutex_lock(&net_devices_lock);
	list_for_each_entry (device, &devices, node) {
		if (device->index >= index) {
			found = net_device_get(device);
			break;
		}
	}
	mutex_unlock(&net_devices_lock);
	return found;
}

struct net_device *net_device_by_index(u32 index)
{
	struct net_device *device = net_device_next(index);

	if (device == NULL || device->index == index)
		return device;
	net_device_put(device);
	return NULL;
}

int net_device_for_each(int (*visit)(struct net_device *device, void *context), void *context)
{
	struct net_device *device;
	int result = 0;

	mutex_lock(&net_devices_lock);
	list_for_each_entry (device, &devices, node) {
		result = visit(device, context);
		if (result != 0)
			break;
	}
	mutex_unlock(&net_devices_lock);
	return result;
}

/* --- Those who are told --- */

void net_device_subscribe(void (*callback)(struct net_device *device, enum net_event event,
					   u32 changed))
{
	for (size_t i = 0; i < MAX_SUBSCRIBERS; i++) {
		if (subscribers[i] == NULL) {
			subscribers[i] = callback;
			return;
		}
	}
	panic("too many want to know of network interfaces");
}

void net_device_tell_locked(struct net_device *device, enum net_event event, u32 changed)
{
	for (size_t i = 0; i < MAX_SUBSCRIBERS && subscribers[i] != NULL; i++)
		subscribers[i](device, event, changed);
}

/* --- Coming and going --- */

bool net_device_name_valid(const char *name)
{
	size_t length = strnlen(name, IFNAMSIZ);

	if (length == 0 || length == IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '/' || name[i] == ':' || name[i] == ' ' ||
		    (name[i] >= '\t' && name[i] <= '\r'))
			return false;
	return true;
}

/* "eth%d" becomes the first of eth0, eth1, … that is free. */
static int fill_in_name(struct net_device *device)
{
	char *number = strchr(device->name, '%');
	char name[IFNAMSIZ];

	if (number == NULL)
		return net_device_find_locked(device->name) == NULL ? 0 : -EEXIST;
	*number = '\0';
	for (u32 i = 0; i < MAX_NUMBER; i++) {
		if (snprintf(name, sizeof(name), "%s%u", device->name, i) >= (int)sizeof(name))
			return -EINVAL;
		if (net_device_find_locked(name) == NULL) {
			memcpy(device->name, name, sizeof(name));
			return 0;
		}
	}
	return -ENFILE;
}

int net_device_register(struct net_device *device)
{
	int error;

	if (!net_device_name_valid(device->name))
		return -EINVAL;
	error = device->ops->poll != NULL && device != &loopback_device ? net_device_start_thread()
									: 0;
	if (error != 0)
		return error;
	mutex_lock(&net_devices_lock);
	error = fill_in_name(device);
	if (error == 0) {
		device->index = ++last_index;
		device->references = 1;
		list_init(&device->pending);
		list_init(&device->received);
		list_add_tail(&device->node, &devices);
		net_device_tell_locked(device, NET_DEVICE_ADDED, 0);
	}
	mutex_unlock(&net_devices_lock);
	return error;
}

void net_device_unregister(struct net_device *device)
{
	mutex_lock(&net_devices_lock);
	int error = net_device_change_flags_locked(device, device->flags & ~(u32)IFF_UP);
	if (error != 0)
		log_warn("%s: does not close: error %d", device->name, -error);
	list_remove(&device->node);
	net_device_tell_locked(device, NET_DEVICE_GONE, 0);
	mutex_unlock(&net_devices_lock);
	net_device_unschedule(device);
	net_device_put(device);
}

/* --- lo --- */

static struct list_head loopback_queue = LIST_INIT(loopback_queue); /* loopback_lock */
static u32 loopback_length;                                         /* loopback_lock */
static spinlock_t loopback_lock;

static int loopback_transmit(struct net_device *device, struct net_frame *frame)
{
	unsigned long flags = spin_lock_irqsave(&loopback_lock);
	bool room = loopback_length < device->queue_length;

	if (room) {
		list_add_tail(&frame->link, &loopback_queue);
		loopback_length++;
		frame = NULL;
	}
	spin_unlock_irqrestore(&loopback_lock, flags);
	if (frame != NULL) {
		net_frame_put(frame);
		return -ENOBUFS;
	}
	net_device_schedule(device);
	return 0;
}

static struct net_frame *loopback_take(void)
{
	struct net_frame *frame;
	unsigned long flags = spin_lock_irqsave(&loopback_lock);

	frame = list_first_entry_or_null(&loopback_queue, struct net_frame, link);
	if (frame != NULL) {
		list_remove(&frame->link);
		loopback_length--;
	}
	spin_unlock_irqrestore(&loopback_lock, flags);
	return frame;
}

static u32 loopback_poll(struct net_device *device, u32 budget)
{
	struct net_frame *frame;
	u32 count = 0;

	while (count < budget && (frame = loopback_take()) != NULL) {
		net_device_receive(device, frame);
		count++;
	}
	return count;
}

static const struct net_device_ops loopback_ops = {.transmit = loopback_transmit,
						   .poll = loopback_poll};

struct net_device loopback_device = {
	.name = "lo",
	.type = ARPHRD_LOOPBACK,
	.address_length = ETHERNET_ADDRESS,
	.carrier = true,
	.flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP,
	.mtu = LOOPBACK_MTU,
	.max_mtu = LOOPBACK_MTU,
	.queue_length = 1000,
	.ops = &loopback_ops,
};

void net_devices_init(void)
{
	if (net_device_register(&loopback_device) != 0)
		panic("lo cannot be registered");
}
