/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix sockets: their life, and the calls that all types have in common.
 *
 * Release takes the socket out of the table, so that nobody finds it, and marks it dead under its
 * lock, so that nobody sends to it; then it tells the peer and those who wait, and frees what was
 * queued.  Connections that nobody has accepted are released with their listener.
 */
#include "net/net_namespace.h"
#include "net/unix/unix.h"
#include "net/unix/unix_internal.h"

#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "mm/slab.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/user_namespace.h"

static slab_cache_t *socket_slab;
static u32 socket_count; /* atomic */

static const struct socket_ops stream_ops, datagram_ops, packet_ops;

/* --- Life --- */

static const struct socket_ops *ops_of(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return &stream_ops;
	case SOCK_SEQPACKET:
		return &packet_ops;
	default:
		return &datagram_ops;
	}
}

/* Connections that wait for accept have no file, and so need a limit of their own. */
static bool count_in(void)
{
	u64 open, limit;

	files_count(&open, &limit);
	if (__atomic_add_fetch(&socket_count, 1, __ATOMIC_RELAXED) <= 2 * limit)
		return true;
	__atomic_sub_fetch(&socket_count, 1, __ATOMIC_RELAXED);
	return false;
}

struct unix_socket *unix_create(int type, int protocol)
{
	struct unix_socket *new;

	if (!count_in())
		return ERR_PTR(-ENFILE);
	new = slab_alloc_zeroed(socket_slab);
	if (new == NULL) {
		__atomic_sub_fetch(&socket_count, 1, __ATOMIC_RELAXED);
		return ERR_PTR(-ENOMEM);
	}
	socket_init(&new->socket, ops_of(type), AF_UNIX, type, protocol);
	new->references = 1;
	new->space = namespace_get(namespace_current(NAMESPACE_NET));
	spin_lock_init(&new->lock);
	mutex_init(&new->change_lock);
	mutex_init(&new->read_lock);
	wait_queue_init(&new->read_wait);
	wait_queue_init(&new->write_wait);
	wait_queue_init(&new->room_wait);
	list_init(&new->queue);
	list_init(&new->pending);
	list_init(&new->pending_link);
	list_init(&new->clients);
	list_init(&new->client_link);
	list_init(&new->name_link);
	list_init(&new->flight_link);
	list_init(&new->collect_link);
	unix_table_add(new);
	return new;
}

static struct socket *create(int type, int protocol)
{
	if (protocol != 0 && protocol != AF_UNIX)
		return ERR_PTR(-EPROTONOSUPPORT);
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return ERR_PTR(-ESOCKTNOSUPPORT);
	struct unix_socket *new = unix_create(type, protocol);
	return IS_ERR(new) ? ERR_PTR(PTR_ERR(new)) : &new->socket;
}

struct unix_socket *unix_get(struct unix_socket *unix_socket)
{
	__atomic_add_fetch(&unix_socket->references, 1, __ATOMIC_RELAXED);
	return unix_socket;
}

void unix_put(struct unix_socket *unix_socket)
{
	if (__atomic_sub_fetch(&unix_socket->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	namespace_put(unix_socket->space);
	slab_free(socket_slab, unix_socket);
	__atomic_sub_fetch(&socket_count, 1, __ATOMIC_RELAXED);
}

void unix_lock_pair(struct unix_socket *one, struct unix_socket *other)
{
	spin_lock(one < other ? &one->lock : &other->lock);
	if (one != other)
		spin_lock_nested(one < other ? &other->lock : &one->lock, 1);
}

void unix_unlock_pair(struct unix_socket *one, struct unix_socket *other)
{
	spin_unlock(&one->lock);
	if (one != other)
		spin_unlock(&other->lock);
}

struct unix_socket *unix_get_peer(struct unix_socket *unix_socket)
{
	spin_lock(&unix_socket->lock);
	struct unix_socket *peer = unix_socket->peer;
	if (peer != NULL)
		unix_get(peer);
	spin_unlock(&unix_socket->lock);
	return peer;
}

void unix_set_peer_process(struct unix_socket *unix_socket, pid_t pid,
			   const struct credentials *credentials)
{
	const struct credentials *new = credentials != NULL ? credentials_get(credentials) : NULL;

	spin_lock(&unix_socket->lock);
	const struct credentials *old = unix_socket->peer_credentials;
	unix_socket->peer_credentials = new;
	unix_socket->peer_pid = pid;
	spin_unlock(&unix_socket->lock);
	if (old != NULL)
		credentials_put(old);
}

void unix_set_peer_current(struct unix_socket *unix_socket)
{
	unix_set_peer_process(unix_socket, current->process->pid, current_credentials());
}

void unix_wake_all(struct unix_socket *unix_socket)
{
	wake_up_events(&unix_socket->read_wait, UINT_MAX, READABLE | POLLRDHUP | POLLHUP | POLLERR);
	wake_up_events(&unix_socket->write_wait, UINT_MAX, WRITABLE | POLLHUP | POLLERR);
	wake_up_events(&unix_socket->room_wait, UINT_MAX, 0);
}

/* Tells the peer that nobody is here any more. */
static void leave_peer(struct unix_socket *unix_socket, struct unix_socket *peer, bool unread)
{
	if (unix_socket->socket.type == SOCK_DGRAM) {
		unix_packet_leave(unix_socket, peer);
	} else {
		spin_lock(&peer->lock);
		WRITE_ONCE(peer->shutdown, SHUT_BOTH);
		if (unread)
			WRITE_ONCE(peer->socket.error, ECONNRESET);
		spin_unlock(&peer->lock);
		unix_wake_all(peer);
	}
	unix_put(peer);
}

static void refuse_pending(struct list_head *pending)
{
	while (!list_empty(pending)) {
		struct unix_socket *connection =
			list_first_entry(pending, struct unix_socket, pending_link);

		list_remove(&connection->pending_link);
		unix_release(connection, true);
	}
}

void unix_release(struct unix_socket *unix_socket, bool refused)
{
	struct list_head messages = LIST_INIT(messages), pending = LIST_INIT(pending);

	unix_table_remove(unix_socket);
	spin_lock(&unix_socket->lock);
	WRITE_ONCE(unix_socket->dead, true);
	WRITE_ONCE(unix_socket->shutdown, SHUT_BOTH);
	WRITE_ONCE(unix_socket->state, UNIX_CLOSED);
	struct unix_socket *peer = unix_socket->peer;
	unix_socket->peer = NULL;
	list_splice(&unix_socket->queue, &messages);
	WRITE_ONCE(unix_socket->urgent, NULL);
	list_splice(&unix_socket->pending, &pending);
	spin_unlock(&unix_socket->lock);

	unix_packet_wake_senders(unix_socket);
	if (peer != NULL)
		leave_peer(unix_socket, peer, refused || !list_empty(&messages));
	unix_messages_free(&messages);
	refuse_pending(&pending);
	unix_name_put(unix_socket->name);
	unix_set_peer_process(unix_socket, 0, NULL);
	unix_put(unix_socket);
}

static void release(struct socket *socket)
{
	unix_release(unix_of(socket), false);
	unix_collect_if_due();
}

/* --- Names of both ends --- */

static int get_name(struct socket *socket, bool peer, struct socket_address *address)
{
	struct unix_socket *unix_socket = unix_of(socket);

	if (!peer) {
		unix_copy_name(unix_socket, address);
		return 0;
	}
	struct unix_socket *other = unix_get_peer(unix_socket);
	if (other == NULL)
		return -ENOTCONN;
	unix_copy_name(other, address);
	unix_put(other);
	return 0;
}

/* --- The end --- */

static int shut_down(struct socket *socket, int how)
{
	struct unix_socket *unix_socket = unix_of(socket), *peer = NULL;
	u32 mode = (u32)how + 1; /* SHUT_RD, SHUT_WR, SHUT_RDWR to a set of bits */

	spin_lock(&unix_socket->lock);
	WRITE_ONCE(unix_socket->shutdown, unix_socket->shutdown | mode);
	if (socket->type != SOCK_DGRAM && unix_socket->peer != NULL)
		peer = unix_get(unix_socket->peer);
	spin_unlock(&unix_socket->lock);
	unix_wake_all(unix_socket);
	if (peer != NULL) {
		u32 peer_mode = (mode & SHUT_RECEIVE ? SHUT_SEND : 0u) |
				(mode & SHUT_SEND ? SHUT_RECEIVE : 0u);

		spin_lock(&peer->lock);
		WRITE_ONCE(peer->shutdown, peer->shutdown | peer_mode);
		spin_unlock(&peer->lock);
		unix_wake_all(peer);
		unix_put(peer);
	}
	return 0;
}

/* --- Waiting --- */

static u32 poll(struct socket *socket, struct poll_table *table)
{
	struct unix_socket *unix_socket = unix_of(socket);
	u32 events = 0;

	poll_wait(socket->file, &unix_socket->read_wait, table);
	poll_wait(socket->file, &unix_socket->write_wait, table);
	u32 shutdown = READ_ONCE(unix_socket->shutdown), state = READ_ONCE(unix_socket->state);
	if (READ_ONCE(socket->error) != 0)
		events |= POLLERR;
	if (shutdown == SHUT_BOTH)
		events |= POLLHUP;
	if (shutdown & SHUT_RECEIVE)
		events |= POLLRDHUP | READABLE;
	if (READ_ONCE(unix_socket->queued) != 0 || READ_ONCE(unix_socket->pending_count) != 0)
		events |= READABLE;
	if (READ_ONCE(unix_socket->urgent) != NULL)
		events |= POLLPRI;
	if (socket->type != SOCK_DGRAM && state == UNIX_CLOSED)
		events |= POLLHUP;
	if (state != UNIX_LISTENING && unix_has_sent_all(unix_socket) &&
	    (socket->type != SOCK_DGRAM || !unix_packet_peer_is_full(unix_socket)))
		events |= WRITABLE;
	return events;
}

/* --- Controls --- */

/* Bytes to be read; of datagrams, those of the first. */
static long count_incoming(struct unix_socket *unix_socket)
{
	const struct unix_message *message;
	long bytes = 0;

	if (READ_ONCE(unix_socket->state) == UNIX_LISTENING)
		return -EINVAL;
	spin_lock(&unix_socket->lock);
	list_for_each_entry (message, &unix_socket->queue, link) {
		bytes += message->length - message->offset;
		if (unix_socket->socket.type == SOCK_DGRAM)
			break;
	}
	spin_unlock(&unix_socket->lock);
	return bytes;
}

/* Does the next read begin at an urgent byte? */
static s32 is_at_mark(struct unix_socket *unix_socket)
{
	spin_lock(&unix_socket->lock);
	s32 at_mark = unix_socket->urgent != NULL &&
		      list_first_entry(&unix_socket->queue, struct unix_message, link) ==
			      unix_socket->urgent;
	spin_unlock(&unix_socket->lock);
	return at_mark;
}

static long ioctl(struct socket *socket, unsigned command, vaddr_t argument)
{
	long bytes;

	switch (command) {
	case SIOCOUTQ:
		return put_user((s32)READ_ONCE(unix_of(socket)->sent), argument);
	case SIOCINQ:
		bytes = count_incoming(unix_of(socket));
		return bytes < 0 ? bytes : put_user((s32)bytes, argument);
	case SIOCATMARK:
		return put_user(is_at_mark(unix_of(socket)), argument);
	default:
		return -ENOTTY;
	}
}

static int get_peer_groups(const struct credentials *credentials, vaddr_t value, u32 *length)
{
	const struct group_set *groups = credentials->groups;
	u32 size = groups->count * (u32)sizeof(gid_t);
	bool fits = *length >= size;

	*length = size;
	if (!fits)
		return -ERANGE;
	return copy_to_user((void __user *)value, groups->ids, size);
}

static int get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length)
{
	struct unix_socket *unix_socket = unix_of(socket);
	struct linux_ucred peer = {0, (u32)-1, (u32)-1};
	const struct credentials *credentials = NULL;
	int error = -ENODATA;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (option == SO_ACCEPTCONN) {
		s32 listens = READ_ONCE(unix_socket->state) == UNIX_LISTENING;
		return socket_put_option(value, length, &listens, sizeof(listens));
	}
	if (option != SO_PEERCRED && option != SO_PEERGROUPS)
		return -ENOPROTOOPT;
	spin_lock(&unix_socket->lock);
	pid_t pid = unix_socket->peer_pid;
	if (unix_socket->peer_credentials != NULL)
		credentials = credentials_get(unix_socket->peer_credentials);
	spin_unlock(&unix_socket->lock);
	peer.pid = pid_show_number(pid);
	if (credentials != NULL) {
		peer.uid = uid_shown(credentials->euid);
		peer.gid = gid_shown(credentials->egid);
	}
	if (option == SO_PEERCRED)
		error = socket_put_option(value, length, &peer, sizeof(peer));
	else if (credentials != NULL)
		error = get_peer_groups(credentials, value, length);
	if (credentials != NULL)
		credentials_put(credentials);
	return error;
}

/* --- The types --- */

static const struct socket_ops stream_ops = {
	.release = release,
	.pair = unix_pair,
	.bind = unix_bind,
	.connect = unix_stream_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.get_name = get_name,
	.send = unix_stream_send,
	.receive = unix_stream_receive,
	.shutdown = shut_down,
	.poll = poll,
	.ioctl = ioctl,
	.get_option = get_option,
};

static const struct socket_ops datagram_ops = {
	.release = release,
	.pair = unix_pair,
	.bind = unix_bind,
	.connect = unix_packet_connect,
	.get_name = get_name,
	.send = unix_packet_send,
	.receive = unix_packet_receive,
	.shutdown = shut_down,
	.poll = poll,
	.ioctl = ioctl,
	.get_option = get_option,
};

static const struct socket_ops packet_ops = {
	.release = release,
	.pair = unix_pair,
	.bind = unix_bind,
	.connect = unix_stream_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.get_name = get_name,
	.send = unix_packet_send,
	.receive = unix_packet_receive,
	.shutdown = shut_down,
	.poll = poll,
	.ioctl = ioctl,
	.get_option = get_option,
};

struct unix_socket *unix_of_file(const struct file *file)
{
	struct socket *socket = socket_of_file(file);

	return socket != NULL && socket->family == AF_UNIX ? unix_of(socket) : NULL;
}

/* The sockets of the process's namespace. */
static int show_unix(const struct proc_node *node, struct text *text)
{
	struct task *task = proc_node_task(node);
	struct namespace *space =
		task != NULL ? namespace_of_task(task, NAMESPACE_NET, false) : NULL;

	if (task != NULL)
		task_put(task);
	if (space == NULL)
		return -EINVAL;
	text_printf(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	unix_table_show(space, text);
	namespace_put(space);
	return 0;
}

static const struct socket_family unix_family = {.number = AF_UNIX, .create = create};
static const struct proc_entry unix_entry = PROC_FILE("unix", 0444, show_unix);

void unix_init(void)
{
	socket_slab = slab_cache_create("unix_socket", sizeof(struct unix_socket), 0, NULL, NULL);
	if (socket_slab == NULL)
		panic("no memory for the socket cache");
	net_namespaces_init();
	unix_names_init();
	socket_family_register(&unix_family);
	proc_net_register(&unix_entry);
}
