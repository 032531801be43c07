/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet sockets: their life, and what they are bound to.
 *
 * The interfaces' tap is only called while there is a socket.  An interface that goes down or away
 * tells those bound to it by an error.
 */
#include "net/packet/packet.h"
#include "net/packet/packet_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/time.h"
#include "proc/user_namespace.h"

static struct list_head sockets = LIST_INIT(sockets); /* list_lock */
static spinlock_t list_lock;

enum { SIOCGSTAMP = 0x8906, SIOCGSTAMPNS = 0x8907 };

/* --- Interfaces --- */

bool packet_sees(const struct packet_socket *packet, const struct net_device *device __unused)
{
	return packet->space == namespace_first(NAMESPACE_NET);
}

struct net_device *packet_find_device(const struct packet_socket *packet, u32 index)
{
	struct net_device *device = index != 0 ? net_device_by_index(index) : NULL;

	if (device == NULL || packet_sees(packet, device))
		return device;
	net_device_put(device);
	return NULL;
}

static void tap(struct net_device *device, struct net_frame *frame)
{
	struct packet_socket *packet;

	spin_lock(&list_lock);
	list_for_each_entry (packet, &sockets, link)
		packet_offer(packet, device, frame);
	spin_unlock(&list_lock);
}

/* Sockets that are bound to an interface that is down or gone have an error pending. */
static void device_changed(struct net_device *device, enum net_event event, u32 changed)
{
	bool down = event == NET_DEVICE_CHANGED && (changed & IFF_UP) && !net_device_is_up(device);
	struct packet_socket *packet;

	if (event != NET_DEVICE_GONE && !down)
		return;
	spin_lock(&list_lock);
	list_for_each_entry (packet, &sockets, link) {
		spin_lock(&packet->lock);
		bool bound = packet->index == device->index;
		spin_unlock(&packet->lock);
		if (!bound)
			continue;
		WRITE_ONCE(packet->socket.error, down ? ENETDOWN : ENODEV);
		wake_up_events(&packet->read_wait, UINT_MAX, POLLERR | POLLIN | POLLRDNORM);
	}
	spin_unlock(&list_lock);
}

/* --- Names --- */

static int bind(struct socket *socket, const struct socket_address *address)
{
	struct packet_socket *packet = packet_of(socket);
	struct linux_sockaddr_ll name;
	struct net_device *device = NULL;

	if (address->length < sizeof(name) || address->family != AF_PACKET)
		return -EINVAL;
	memcpy(&name, address->bytes, sizeof(name));
	if (name.index != 0) {
		device = packet_find_device(packet, (u32)name.index);
		if (device == NULL)
			return -ENODEV;
	}
	mutex_lock(&packet->change_lock);
	spin_lock(&packet->lock);
	packet->index = (u32)name.index;
	if (name.protocol != 0)
		packet->protocol = __builtin_bswap16(name.protocol);
	spin_unlock(&packet->lock);
	mutex_unlock(&packet->change_lock);
	if (device == NULL)
		return 0;
	if (!net_device_is_up(device))
		WRITE_ONCE(socket->error, ENETDOWN);
	net_device_put(device);
	return 0;
}

static int get_name(struct socket *socket, bool peer, struct socket_address *address)
{
	struct packet_socket *packet = packet_of(socket);
	struct linux_sockaddr_ll name = {.family = AF_PACKET};

	if (peer)
		return -EOPNOTSUPP;
	spin_lock(&packet->lock);
	name.protocol = __builtin_bswap16(packet->protocol);
	name.index = (s32)packet->index;
	spin_unlock(&packet->lock);
	struct net_device *device = packet_find_device(packet, (u32)name.index);
	if (device != NULL) {
		name.hardware_type = device->type;
		name.length = device->address_length;
		memcpy(name.address, device->address, sizeof(name.address));
		net_device_put(device);
	}
	address->length = (u32)(offsetof(struct linux_sockaddr_ll, address) + name.length);
	memcpy(address->bytes, &name, sizeof(name));
	return 0;
}

/* --- ioctl --- */

static long tell_stamp(struct packet_socket *packet, unsigned command, vaddr_t argument)
{
	spin_lock(&packet->lock);
	nsec_t last = packet->last;
	spin_unlock(&packet->lock);
	if (last == 0)
		return -ENOENT;
	if (command == SIOCGSTAMP) {
		struct linux_timeval time = nsec_to_timeval(last);

		return put_user(time, argument);
	}
	struct linux_timespec time = nsec_to_timespec(last);

	return put_user(time, argument);
}

static long packet_ioctl(struct socket *socket, unsigned command, vaddr_t argument)
{
	struct packet_socket *packet = packet_of(socket);
	s32 amount = 0;

	switch (command) {
	case SIOCINQ:
		amount = (s32)packet_next_length(packet);
		return put_user(amount, argument);
	case SIOCOUTQ:
		return put_user(amount, argument);
	case SIOCGSTAMP:
	case SIOCGSTAMPNS:
		return tell_stamp(packet, command, argument);
	default:
		return -ENOTTY;
	}
}

/* --- Life --- */

static void release(struct socket *socket)
{
	struct packet_socket *packet = packet_of(socket);

	net_device_count_taps(-1);
	spin_lock(&list_lock);
	list_remove(&packet->link);
	spin_unlock(&list_lock);
	packet_leave_all(packet);
	packet_drop_queue(packet);
	socket_filter_free(packet->filter);
	namespace_put(packet->space);
	kfree(packet);
}

static const struct socket_ops packet_ops = {
	.release = release,
	.bind = bind,
	.get_name = get_name,
	.send = packet_send,
	.receive = packet_receive,
	.poll = packet_poll,
	.ioctl = packet_ioctl,
	.set_option = packet_set_option,
	.get_option = packet_get_option,
};

static struct socket *create(int type, int protocol)
{
	struct namespace *space = namespace_current(NAMESPACE_NET);
	struct packet_socket *packet;

	if (!capable_in(space->owner, CAP_NET_RAW))
		return ERR_PTR(-EPERM);
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return ERR_PTR(-ESOCKTNOSUPPORT);
	int error = net_device_start_thread();
	if (error != 0)
		return ERR_PTR(error);
	packet = kzalloc(sizeof(*packet));
	if (packet == NULL)
		return ERR_PTR(-ENOMEM);
	socket_init(&packet->socket, &packet_ops, AF_PACKET, type, protocol);
	mutex_init(&packet->change_lock);
	spin_lock_init(&packet->lock);
	wait_queue_init(&packet->read_wait);
	list_init(&packet->memberships);
	list_init(&packet->queue);
	packet->space = namespace_get(space);
	packet->protocol = __builtin_bswap16((u16)protocol);
	spin_lock(&list_lock);
	list_add_tail(&packet->link, &sockets);
	spin_unlock(&list_lock);
	net_device_count_taps(1);
	return &packet->socket;
}

static const struct socket_family family = {.number = AF_PACKET, .create = create};

void packet_init(void)
{
	net_device_set_tap(tap);
	net_device_subscribe(device_changed);
	socket_family_register(&family);
}
