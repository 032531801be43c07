/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of a network interface's configuration, under the registry's mutex, each told to those
 * who subscribed.
 *
 * Of the flags, some are asked for, and some follow: IFF_RUNNING and IFF_LOWER_UP say that the
 * device is up and has a link, IFF_PROMISC and IFF_ALLMULTI that somebody counts on it or the flag
 * was set itself, which counts as one.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "net/device_internal.h"

#define FLAGS_ASKED_FOR \
	(IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_DYNAMIC | IFF_MULTICAST | IFF_DEBUG)
#define FLAGS_OF_LINK (IFF_RUNNING | IFF_LOWER_UP)

static void set_flags_locked(struct net_device *device, u32 flags)
{
	u32 before = device->flags;

	flags &= ~(u32)FLAGS_OF_LINK;
	if ((flags & IFF_UP) && device->carrier)
		flags |= FLAGS_OF_LINK;
	if (flags == before)
		return;
	WRITE_ONCE(device->flags, flags);
	net_device_tell_locked(device, NET_DEVICE_CHANGED, flags ^ before);
}

int net_device_change_flags_locked(struct net_device *device, u32 flags)
{
	bool up = flags & IFF_UP, was_up = device->flags & IFF_UP;
	int error = 0;

	if (up && !was_up && device->ops->open != NULL)
		error = device->ops->open(device);
	if (error != 0)
		return error;
	set_flags_locked(device, flags);
	if (!up && was_up && device->ops->close != NULL)
		device->ops->close(device);
	return 0;
}

/* Counts `flag`'s users; the flag with the change in it. */
static u32 counted(u32 *users, u32 before, u32 after, u32 flag)
{
	if ((after & flag) && !(before & flag))
		*users += 1;
	else if (!(after & flag) && (before & flag) && *users > 0)
		*users -= 1;
	return *users > 0 ? after | flag : after & ~flag;
}

int net_device_set_flags(struct net_device *device, u32 flags, u32 mask)
{
	mutex_lock(&net_devices_lock);
	u32 before = device->flags;
	mask &= FLAGS_ASKED_FOR;
	flags = (before & ~mask) | (flags & mask);
	flags = counted(&device->promiscuous, before, flags, IFF_PROMISC);
	flags = counted(&device->all_multicast, before, flags, IFF_ALLMULTI);
	int error = net_device_change_flags_locked(device, flags);
	mutex_unlock(&net_devices_lock);
	return error;
}

static void count_users(struct net_device *device, u32 *users, u32 flag, int change)
{
	mutex_lock(&net_devices_lock);
	*users += (u32)change;
	set_flags_locked(device, *users > 0 ? device->flags | flag : device->flags & ~flag);
	mutex_unlock(&net_devices_lock);
}

void net_device_count_promiscuous(struct net_device *device, int change)
{
	count_users(device, &device->promiscuous, IFF_PROMISC, change);
}

void net_device_count_multicast(struct net_device *device, int change)
{
	count_users(device, &device->all_multicast, IFF_ALLMULTI, change);
}

void net_device_set_carrier(struct net_device *device, bool carrier)
{
	mutex_lock(&net_devices_lock);
	device->carrier = carrier;
	set_flags_locked(device, device->flags);
	mutex_unlock(&net_devices_lock);
}

int net_device_set_mtu(struct net_device *device, u32 mtu)
{
	int error = 0;

	mutex_lock(&net_devices_lock);
	if (mtu < device->min_mtu || mtu > device->max_mtu)
		error = -EINVAL;
	else if (device->ops->set_mtu != NULL)
		error = device->ops->set_mtu(device, mtu);
	if (error == 0 && mtu != device->mtu) {
		WRITE_ONCE(device->mtu, mtu);
		net_device_tell_locked(device, NET_DEVICE_CHANGED, 0);
	}
	mutex_unlock(&net_devices_lock);
	return error;
}

int net_device_set_address(struct net_device *device, const u8 *address)
{
	static const u8 none[NET_ADDRESS_MAX];
	int error;

	if (device->ops->set_address == NULL)
		return -EOPNOTSUPP;
	if ((address[0] & 1) || memcmp(address, none, device->address_length) == 0)
		return -EADDRNOTAVAIL;
	mutex_lock(&net_devices_lock);
	error = device->ops->set_address(device, address);
	if (error == 0) {
		memcpy(device->address, address, device->address_length);
		net_device_tell_locked(device, NET_DEVICE_CHANGED, 0);
	}
	mutex_unlock(&net_devices_lock);
	return error;
}

int net_device_rename(struct net_device *device, const char *name)
{
	int error = 0;

	if (!net_device_name_valid(name))
		return -EINVAL;
	mutex_lock(&net_devices_lock);
	if (device->flags & IFF_UP)
		error = -EBUSY;
	else if (strcmp(device->name, name) == 0)
		goto out;
	else if (net_device_find_locked(name) != NULL)
		error = -EEXIST;
	if (error == 0) {
		memset(device->name, 0, sizeof(device->name));
		memcpy(device->name, name, strlen(name));
		net_device_tell_locked(device, NET_DEVICE_CHANGED, 0);
	}
out:
	mutex_unlock(&net_devices_lock);
	return error;
}

int net_device_set_queue_length(struct net_device *device, u32 length)
{
	if (length > INT_MAX)
		return -ERANGE;
	mutex_lock(&net_devices_lock);
	WRITE_ONCE(device->queue_length, length);
	net_device_tell_locked(device, NET_DEVICE_CHANGED, 0);
	mutex_unlock(&net_devices_lock);
	return 0;
}
