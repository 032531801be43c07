/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink sockets: their life, their options, and which protocols there are.
 *
 * Release takes the socket out of the table, so that nobody finds it, and marks it dead under its
 * lock, so that nobody puts anything into its queue; then the queue is freed.
 */
#include "net/netlink/netlink.h"
#include "net/netlink/route_internal.h"

#include "fs/procfs/procfs.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/user_namespace.h"

static const struct netlink_protocol protocols[] = {
	{.number = NETLINK_ROUTE, .groups = 36, .handle = netlink_route_handle},
	{.number = NETLINK_USERSOCK, .groups = 32, .programs_send = true},
	{.number = NETLINK_SOCK_DIAG, .handle = netlink_diag_handle},
	{.number = NETLINK_KOBJECT_UEVENT, .groups = 32},
};

const struct netlink_protocol *netlink_protocol(u32 number)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == number)
			return &protocols[i];
	return NULL;
}

u64 netlink_group_mask(const struct netlink_protocol *protocol)
{
	return BIT(protocol->groups) - 1;
}

/* --- Life --- */

struct netlink_socket *netlink_get(struct netlink_socket *netlink)
{
	__atomic_add_fetch(&netlink->references, 1, __ATOMIC_RELAXED);
	return netlink;
}

void netlink_put(struct netlink_socket *netlink)
{
	if (__atomic_sub_fetch(&netlink->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	namespace_put(netlink->space);
	kfree(netlink);
}

static void release(struct socket *socket)
{
	struct netlink_socket *netlink = netlink_of(socket);
	struct list_head messages = LIST_INIT(messages);

	netlink_table_remove(netlink);
	spin_lock(&netlink->lock);
	netlink->dead = true;
	list_splice(&netlink->queue, &messages);
	spin_unlock(&netlink->lock);
	wake_up_events(&netlink->room_wait, UINT_MAX, 0);
	while (!list_empty(&messages)) {
		struct netlink_message *message =
			list_first_entry(&messages, struct netlink_message, link);

		list_remove(&message->link);
		kfree(message);
	}
	netlink_put(netlink);
}

/* --- Addresses --- */

/* May current send to others than the kernel? */
static bool may_send(const struct netlink_socket *netlink)
{
	return netlink_protocol(netlink->socket.protocol)->programs_send ||
	       capable_in(netlink->space->owner, CAP_NET_ADMIN);
}

static int read_address(const struct socket_address *address, struct linux_sockaddr_nl *name)
{
	if (address->length < sizeof(*name) || address->family != AF_NETLINK)
		return -EINVAL;
	memcpy(name, address->bytes, sizeof(*name));
	return 0;
}

static int bind(struct socket *socket, const struct socket_address *address)
{
	struct netlink_socket *netlink = netlink_of(socket);
	struct linux_sockaddr_nl name;
	int error = read_address(address, &name);

	if (error)
		return error;
	error = netlink_bind_port(netlink, name.port);
	if (error)
		return error;
	u64 mask = netlink_group_mask(netlink_protocol(socket->protocol)) & 0xffffffff;
	netlink_set_groups(netlink, mask, name.groups);
	return 0;
}

static int connect(struct socket *socket, const struct socket_address *address, u32 flags __unused)
{
	struct netlink_socket *netlink = netlink_of(socket);
	struct linux_sockaddr_nl name = {0};
	int error = 0;

	if (address->length < sizeof(u16))
		return -EINVAL;
	if (address->family != AF_UNSPEC) {
		error = read_address(address, &name);
		if (!error && (name.port != 0 || name.groups != 0) && !may_send(netlink))
			error = -EPERM;
		if (!error && !READ_ONCE(netlink->bound))
			error = netlink_bind_port_any(netlink);
	}
	if (error)
		return error;
	spin_lock(&netlink->lock);
	netlink->peer_port = name.port;
	netlink->peer_group = name.groups != 0 ? (u32)__builtin_ctz(name.groups) + 1 : 0;
	spin_unlock(&netlink->lock);
	return 0;
}

static int get_name(struct socket *socket, bool peer, struct socket_address *address)
{
	struct netlink_socket *netlink = netlink_of(socket);
	struct linux_sockaddr_nl name = {.family = AF_NETLINK};

	if (peer) {
		spin_lock(&netlink->lock);
		name.port = netlink->peer_port;
		name.groups = netlink->peer_group != 0 ? 1u << (netlink->peer_group - 1) : 0;
		spin_unlock(&netlink->lock);
	} else {
		name.port = READ_ONCE(netlink->bound) ? READ_ONCE(netlink->port) : 0;
		name.groups = (u32)READ_ONCE(netlink->groups);
	}
	memcpy(address->bytes, &name, sizeof(name));
	address->length = sizeof(name);
	return 0;
}

/* --- Waiting --- */

static u32 poll(struct socket *socket, struct poll_table *table)
{
	struct netlink_socket *netlink = netlink_of(socket);
	u32 events = 0;

	poll_wait(socket->file, &netlink->wait, table);
	if (READ_ONCE(socket->error) != 0)
		events |= POLLERR;
	if (READ_ONCE(netlink->queued) != 0)
		events |= POLLIN | POLLRDNORM;
	return events | POLLOUT | POLLWRNORM | POLLWRBAND;
}

/* --- Options --- */

static int set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length)
{
	struct netlink_socket *netlink = netlink_of(socket);
	const struct netlink_protocol *protocol = netlink_protocol(socket->protocol);
	u32 number = 0;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (length >= sizeof(number) && get_user(number, value))
		return -EFAULT;
	switch (option) {
	case NETLINK_ADD_MEMBERSHIP:
	case NETLINK_DROP_MEMBERSHIP:
		if (number == 0 || number > protocol->groups)
			return -EINVAL;
		netlink_set_groups(netlink, BIT(number - 1),
				   option == NETLINK_ADD_MEMBERSHIP ? BIT(number - 1) : 0);
		return 0;
	case NETLINK_LISTEN_ALL_NSID:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		break;
	case NETLINK_PKTINFO:
	case NETLINK_BROADCAST_ERROR:
	case NETLINK_NO_ENOBUFS:
	case NETLINK_CAP_ACK:
	case NETLINK_EXT_ACK:
	case NETLINK_GET_STRICT_CHK:
		break;
	default:
		return -ENOPROTOOPT;
	}
	if (number != 0)
		__atomic_or_fetch(&netlink->switches, (u32)BIT(option), __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&netlink->switches, ~(u32)BIT(option), __ATOMIC_RELAXED);
	return 0;
}

static int list_groups(const struct netlink_socket *netlink, vaddr_t value, u32 *length)
{
	u64 groups = READ_ONCE(netlink->groups);
	u32 size = netlink_protocol(netlink->socket.protocol)->groups > 32 ? 8 : 4;
	u32 room = ALIGN_DOWN(*length, (u32)sizeof(u32));

	*length = size;
	return copy_to_user((void __user *)value, &groups, MIN(room, size));
}

static int get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length)
{
	struct netlink_socket *netlink = netlink_of(socket);
	s32 number;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	switch (option) {
	case NETLINK_LIST_MEMBERSHIPS:
		return list_groups(netlink, value, length);
	case NETLINK_PKTINFO:
	case NETLINK_BROADCAST_ERROR:
	case NETLINK_NO_ENOBUFS:
	case NETLINK_LISTEN_ALL_NSID:
	case NETLINK_CAP_ACK:
	case NETLINK_EXT_ACK:
	case NETLINK_GET_STRICT_CHK:
		break;
	default:
		return -ENOPROTOOPT;
	}
	if (*length < sizeof(number))
		return -EINVAL;
	number = netlink_switch(netlink, option);
	return socket_put_option(value, length, &number, sizeof(number));
}

/* --- The family --- */

static const struct socket_ops operations = {
	.release = release,
	.bind = bind,
	.connect = connect,
	.get_name = get_name,
	.send = netlink_send,
	.receive = netlink_receive,
	.poll = poll,
	.set_option = set_option,
	.get_option = get_option,
};

static struct socket *create(int type, int protocol)
{
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return ERR_PTR(-ESOCKTNOSUPPORT);
	if (protocol < 0 || protocol >= NETLINK_PROTOCOLS ||
	    netlink_protocol((u32)protocol) == NULL)
		return ERR_PTR(-EPROTONOSUPPORT);
	struct netlink_socket *new = kzalloc(sizeof(*new));
	if (new == NULL)
		return ERR_PTR(-ENOMEM);
	socket_init(&new->socket, &operations, AF_NETLINK, type, protocol);
	new->references = 1;
	new->space = namespace_get(namespace_current(NAMESPACE_NET));
	spin_lock_init(&new->lock);
	mutex_init(&new->read_lock);
	wait_queue_init(&new->wait);
	wait_queue_init(&new->room_wait);
	list_init(&new->queue);
	list_init(&new->port_link);
	netlink_table_add(new);
	return &new->socket;
}

/* The sockets of the process's namespace. */
static int show_netlink(const struct proc_node *node, struct text *text)
{
	struct task *task = proc_node_task(node);
	struct namespace *space =
		task != NULL ? namespace_of_task(task, NAMESPACE_NET, false) : NULL;

	if (task != NULL)
		task_put(task);
	if (space == NULL)
		return -EINVAL;
	netlink_table_show(space, text);
	namespace_put(space);
	return 0;
}

static const struct socket_family family = {.number = AF_NETLINK, .create = create};
static const struct proc_entry entry = PROC_FILE("netlink", 0444, show_netlink);

void netlink_init(void)
{
	route_links_init();
	route_addresses_init();
	route_routes_init();
	socket_family_register(&family);
	proc_net_register(&entry);
}
