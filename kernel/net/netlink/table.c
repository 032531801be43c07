/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink sockets: who has which port, and who hears what.
 *
 * All sockets are on one list, and those that have a port in a bucket of a table besides.  Ports
 * and memberships are of a protocol and a namespace.
 *
 * table_lock (spin) guards all of it.  A broadcast holds it while everybody gets a copy, so that all
 * hear messages in the same order.
 */
#include "net/netlink/netlink_internal.h"

#include "mm/kmalloc.h"
#include "proc/pid.h"
#include "proc/process.h"

#define BUCKETS 64

static spinlock_t table_lock = SPINLOCK_INIT;
static struct list_head all_sockets = LIST_INIT(all_sockets); /* table_lock */
static struct list_head buckets[BUCKETS]; /* table_lock; links NULL until first used */
static u32 listeners[NETLINK_PROTOCOLS];  /* table_lock; read without: members of any group */

static struct list_head *bucket_of_locked(u32 port)
{
	struct list_head *bucket = &buckets[(port * 0x9e3779b1u) >> 26];

	if (bucket->next == NULL)
		list_init(bucket);
	return bucket;
}

void netlink_table_add(struct netlink_socket *netlink)
{
	spin_lock(&table_lock);
	list_add_tail(&netlink->all_link, &all_sockets);
	spin_unlock(&table_lock);
}

static void set_groups_locked(struct netlink_socket *netlink, u64 groups)
{
	u32 *count = &listeners[netlink->socket.protocol];

	WRITE_ONCE(*count, *count + (groups != 0) - (netlink->groups != 0));
	WRITE_ONCE(netlink->groups, groups);
}

void netlink_table_remove(struct netlink_socket *netlink)
{
	spin_lock(&table_lock);
	set_groups_locked(netlink, 0);
	list_remove(&netlink->all_link);
	list_remove(&netlink->port_link);
	spin_unlock(&table_lock);
}

void netlink_set_groups(struct netlink_socket *netlink, u64 mask, u64 groups)
{
	spin_lock(&table_lock);
	set_groups_locked(netlink, (netlink->groups & ~mask) | (groups & mask));
	spin_unlock(&table_lock);
}

/* --- Ports --- */

static struct netlink_socket *find_locked(const struct netlink_socket *like, u32 port)
{
	struct netlink_socket *at;

	list_for_each_entry (at, bucket_of_locked(port), port_link)
		if (at->port == port && at->socket.protocol == like->socket.protocol &&
		    at->space == like->space)
			return at;
	return NULL;
}

/* The number that is wanted, or if that is taken one that no process has. */
static u32 choose_port_locked(const struct netlink_socket *netlink, u32 port)
{
	static u32 last; /* table_lock */

	while (port == 0 || find_locked(netlink, port) != NULL) {
		last = (last + 1) & 0x3fffffff;
		port = (u32)-4096 - last;
	}
	return port;
}

int netlink_bind_port(struct netlink_socket *netlink, u32 port)
{
	u32 own = (u32)pid_show_number(current->process->pid);
	int error = 0;

	spin_lock(&table_lock);
	if (netlink->bound) {
		error = port == netlink->port ? 0 : -EINVAL;
	} else if (port != 0 && find_locked(netlink, port) != NULL) {
		error = -EADDRINUSE;
	} else {
		WRITE_ONCE(netlink->port, port != 0 ? port : choose_port_locked(netlink, own));
		list_add_tail(&netlink->port_link, bucket_of_locked(netlink->port));
		__atomic_store_n(&netlink->bound, true, __ATOMIC_RELEASE);
	}
	spin_unlock(&table_lock);
	return error;
}

int netlink_bind_port_any(struct netlink_socket *netlink)
{
	int error = netlink_bind_port(netlink, 0);

	/* Another thread may have been faster. */
	return error && READ_ONCE(netlink->bound) ? 0 : error;
}

struct netlink_socket *netlink_find(const struct netlink_socket *like, u32 port)
{
	spin_lock(&table_lock);
	struct netlink_socket *found = find_locked(like, port);
	if (found != NULL)
		netlink_get(found);
	spin_unlock(&table_lock);
	return found;
}

/* --- Groups --- */

static bool hears(const struct netlink_socket *netlink, u32 protocol, u32 group,
		  const struct namespace *space)
{
	return netlink->socket.protocol == protocol && netlink->groups & BIT(group - 1) &&
	       netlink->space == space;
}

bool netlink_has_listeners(u32 protocol, u32 group, const struct namespace *space)
{
	const struct netlink_socket *at;
	bool found = false;

	if (READ_ONCE(listeners[protocol]) == 0)
		return false;
	spin_lock(&table_lock);
	list_for_each_entry (at, &all_sockets, all_link)
		if (hears(at, protocol, group, space)) {
			found = true;
			break;
		}
	spin_unlock(&table_lock);
	return found;
}

static int give_copy(struct netlink_socket *netlink, const struct netlink_message *message)
{
	struct netlink_message *copy = kmemdup(message, sizeof(*message) + message->length);

	if (copy != NULL && netlink_queue(netlink, copy) == 0)
		return 0;
	kfree(copy);
	netlink_overrun(netlink);
	return netlink_switch(netlink, NETLINK_BROADCAST_ERROR) ? -ENOBUFS : 0;
}

int netlink_broadcast(u32 protocol, u32 group, const struct namespace *space,
		      struct netlink_message *message, u32 port, const struct netlink_socket *but)
{
	struct netlink_socket *at;
	int error = -ESRCH;

	if (READ_ONCE(listeners[protocol]) == 0)
		return error;
	message->group = group;
	spin_lock(&table_lock);
	list_for_each_entry (at, &all_sockets, all_link) {
		if (at == but || at->port == port || !hears(at, protocol, group, space))
			continue;
		int result = give_copy(at, message);

		error = result || error == -ESRCH ? result : error;
	}
	spin_unlock(&table_lock);
	return error;
}

/* --- /proc/net/netlink --- */

void netlink_table_show(const struct namespace *space, struct text *text)
{
	const struct netlink_socket *at;

	text_printf(text,
		    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    "
		    "Drops    Inode\n");
	spin_lock(&table_lock);
	list_for_each_entry (at, &all_sockets, all_link) {
		const struct file *file = READ_ONCE(at->socket.file);

		if (at->space != space)
			continue;
		text_printf(text, "%016x %-3d %-10u %08x %-8u %-8u %-5d %-8u %-8u %-8lu\n", 0,
			    at->socket.protocol, at->port, (u32)at->groups, READ_ONCE(at->charge),
			    0u, READ_ONCE(at->dumping), READ_ONCE(at->references),
			    READ_ONCE(at->dropped),
			    (unsigned long)(file != NULL ? file->inode->ino : 0));
	}
	spin_unlock(&table_lock);
}
