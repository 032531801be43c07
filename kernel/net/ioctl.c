/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controls of network interfaces: netdevice(7).
 *
 * Each takes a struct ifreq with a name.  They are worked on in a copy, under no lock of their own:
 * the registry of devices has one.  In a namespace that is not the first there is only a lo, which
 * is down and cannot be changed.
 */
#include "net/ioctl_internal.h"

#include "lib/string.h"
#include "mm/usercopy.h"
#include "net/device.h"
#include "net/ioctl.h"
#include "net/socket.h"
#include "proc/credentials.h"
#include "proc/namespace.h"

static bool in_first_namespace(void)
{
	return namespace_current(NAMESPACE_NET) == namespace_first(NAMESPACE_NET);
}

/* --- Asking --- */

static int get(const struct net_device *device, unsigned command, struct linux_ifreq *request)
{
	switch (command) {
	case SIOCGIFFLAGS:
		request->flags =
			(s16)(in_first_namespace() ? READ_ONCE(device->flags) : IFF_LOOPBACK);
		return 0;
	case SIOCGIFMETRIC:
		request->value = 0;
		return 0;
	case SIOCGIFMTU:
		request->value = (s32)device->mtu;
		return 0;
	case SIOCGIFINDEX:
		request->value = (s32)device->index;
		return 0;
	case SIOCGIFTXQLEN:
		request->value = (s32)device->queue_length;
		return 0;
	case SIOCGIFHWADDR:
		memset(request->address.data, 0, sizeof(request->address.data));
		request->address.family = device->type;
		memcpy(request->address.data, device->address, device->address_length);
		return 0;
	case SIOCGIFMAP:
		memset(request->map, 0, sizeof(request->map));
		return 0;
	default:
		return -ENOTTY;
	}
}

/* --- Changing --- */

static int set(struct net_device *device, unsigned command, struct linux_ifreq *request)
{
	switch (command) {
	case SIOCSIFFLAGS:
		return net_device_set_flags(device, (u16)request->flags, 0xffff);
	case SIOCSIFMTU:
		return request->value < 0 ? -EINVAL
					  : net_device_set_mtu(device, (u32)request->value);
	case SIOCSIFTXQLEN:
		return request->value < 0
			       ? -EINVAL
			       : net_device_set_queue_length(device, (u32)request->value);
	case SIOCSIFHWADDR:
		if (request->address.family != device->type)
			return -EINVAL;
		return net_device_set_address(device, request->address.data);
	case SIOCSIFNAME:
		request->new_name[IFNAMSIZ - 1] = '\0';
		return net_device_rename(device, request->new_name);
	default:
		return -ENOTTY;
	}
}

static bool is_change(unsigned command)
{
	return command == SIOCSIFFLAGS || command == SIOCSIFMTU || command == SIOCSIFTXQLEN ||
	       command == SIOCSIFHWADDR || command == SIOCSIFNAME;
}

static bool is_question(unsigned command)
{
	return command == SIOCGIFFLAGS || command == SIOCGIFMETRIC || command == SIOCGIFMTU ||
	       command == SIOCGIFINDEX || command == SIOCGIFTXQLEN || command == SIOCGIFHWADDR ||
	       command == SIOCGIFMAP;
}

/* --- Finding --- */

static struct net_device *visible(struct net_device *device)
{
	if (device == NULL || device == &loopback_device || in_first_namespace())
		return device;
	net_device_put(device);
	return NULL;
}

/* The name up to a colon, behind which an alias has its own. */
static struct net_device *find(const struct linux_ifreq *request)
{
	char name[IFNAMSIZ];

	memcpy(name, request->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	char *colon = strchr(name, ':');
	if (colon != NULL)
		*colon = '\0';
	return visible(net_device_find(name));
}

static int get_name(struct linux_ifreq *request)
{
	struct net_device *device = visible(net_device_by_index((u32)request->value));

	if (device == NULL)
		return -ENODEV;
	memcpy(request->name, device->name, sizeof(request->name));
	net_device_put(device);
	return 0;
}

static bool is_about_address(unsigned command)
{
	return (command >= SIOCGIFADDR && command <= SIOCSIFNETMASK);
}

static bool may_change(void)
{
	return capable_in(namespace_current(NAMESPACE_NET)->owner, CAP_NET_ADMIN);
}

/* What sockets that know IPv4's addresses do. */
static int address_ioctl(unsigned command, vaddr_t argument)
{
	bool change = (command - SIOCGIFADDR) & 1;
	struct linux_ifreq request;
	int error;

	if (get_user(request, argument))
		return -EFAULT;
	request.name[IFNAMSIZ - 1] = '\0';
	struct net_device *device = find(&request);
	if (device == NULL)
		return -ENODEV;
	if (!in_first_namespace())
		error = -EADDRNOTAVAIL;
	else if (!change)
		error = net_ioctl_get_address(command, &request);
	else
		error = may_change() ? net_ioctl_set_address(device, command, &request) : -EPERM;
	net_device_put(device);
	if (!error && !change)
		error = put_user(request, argument);
	return error;
}

static int route_ioctl(unsigned command, vaddr_t argument)
{
	if (!may_change())
		return -EPERM;
	if (!in_first_namespace())
		return -EOPNOTSUPP;
	return net_ioctl_route(command == SIOCADDRT, argument);
}

long net_ioctl(struct socket *socket, unsigned command, vaddr_t argument)
{
	bool knows_ip4 = socket->family == AF_INET || socket->family == AF_PACKET;
	struct linux_ifreq request;
	int error;

	if (command == SIOCGIFCONF)
		return net_ioctl_list(argument, !in_first_namespace());
	if (knows_ip4 && is_about_address(command))
		return address_ioctl(command, argument);
	if (knows_ip4 && (command == SIOCADDRT || command == SIOCDELRT))
		return route_ioctl(command, argument);
	if (command != SIOCGIFNAME && !is_change(command) && !is_question(command))
		return -ENOTTY;
	if (get_user(request, argument))
		return -EFAULT;
	if (command == SIOCGIFNAME) {
		error = get_name(&request);
		return error ? error : put_user(request, argument);
	}
	if (is_change(command) && !may_change())
		return -EPERM;
	struct net_device *device = find(&request);
	if (device == NULL)
		return -ENODEV;
	if (is_question(command))
		error = get(device, command, &request);
	else
		error = in_first_namespace() ? set(device, command, &request) : -EOPNOTSUPP;
	net_device_put(device);
	if (!error && is_question(command))
		error = put_user(request, argument);
	return error;
}
