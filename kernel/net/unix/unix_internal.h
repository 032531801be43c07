/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of kernel/net/unix share.
 *
 * A unix socket is counted: its file holds a reference (before accept: the listener's list of
 * connections), a peer does, and so does each message that it has sent, because the message takes
 * its room.  It is `dead` once its file is closed; then nobody adds to its queue any more.
 *
 * Locks, outermost first:
 *	socket->change_lock     mutex: bind and connect, one at a time
 *	socket->read_lock       mutex: one reader at a time, who may look at queued messages without
 *				`lock`; only the reader takes them off the queue
 *	drain_lock (flight.c)   mutex; taken where messages with descriptors are freed
 *	flight_lock (flight.c)  mutex: descriptors in flight
 *	socket->lock            spin: state, peer, queue, connections.  Two of them: a listener
 *				before the connections in its list, else by address
 *	table_lock (name.c)     spin: names, the list of all sockets
 *	wait queues
 * Release, which runs with drain_lock held when a message held the last reference, takes none of
 * the first two.
 */
#ifndef NET_UNIX_UNIX_INTERNAL_H
#define NET_UNIX_UNIX_INTERNAL_H

#include "lib/text.h"
#include "net/socket.h"
#include "proc/namespace.h"

struct credentials;

#define READABLE (POLLIN | POLLRDNORM)
#define WRITABLE (POLLOUT | POLLWRNORM | POLLWRBAND)

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };
enum unix_shutdown { SHUT_RECEIVE = 1, SHUT_SEND = 2, SHUT_BOTH = 3 };

/* The name of a socket; those that it accepts share it.  Constant. */
struct unix_name {
	u32 references;   /* atomic */
	u32 length;       /* of `address` as a program sees it */
	struct path path; /* mount NULL: abstract */
	u64 hash;
	struct linux_sockaddr_un address;
	char terminator;
};

/* Descriptors that travel with a message. */
struct unix_rights {
	u32 count;
	bool launched;                      /* counted as in flight */
	bool has_sockets;                   /* unix sockets are among them */
	u64 is_socket[SCM_MAX_FD / 64 + 1]; /* which: a bit for each file */
	const struct credentials *sender;   /* counted: whose descriptors these are */
	struct unix_rights *next_doomed;    /* flight.c */
	struct file *files[];
};

struct unix_message {
	struct list_head link;      /* the receiver's lock */
	struct unix_socket *sender; /* counted */
	u32 length;
	u32 offset; /* bytes that have been read; the receiver's read_lock and lock to change */
	u32 charge; /* what it takes of the sender's room */
	u32 frames; /* how many `pages`; 0: the data is in `bytes` */
	bool has_credentials;
	struct linux_ucred credentials;
	struct unix_rights *rights; /* the receiver's read_lock; NULL: none */
	union {
		u8 bytes[0];
		phys_t pages[0];
	};
};

struct unix_socket {
	struct socket socket;
	u32 references;          /* atomic */
	struct namespace *space; /* const; counted: where its abstract name is */
	spinlock_t lock;
	u32 state;    /* lock; read without */
	u32 shutdown; /* lock; read without: enum unix_shutdown */
	bool dead;    /* lock; read without */
	/* lock, counted.  Of streams it is set once, and stays until release: read without. */
	struct unix_socket *peer;
	struct list_head queue;      /* lock: messages to be read */
	u32 queued;                  /* lock; read without: how many */
	struct unix_message *urgent; /* lock; read without: the queue's last urgent byte, unread */
	u32 sent;                    /* atomic: bytes of room that messages of ours take */

	/* Listening: connections that wait for accept. */
	struct list_head pending;      /* lock */
	struct list_head pending_link; /* the listener's lock */
	u32 pending_count;             /* lock; read without */
	u32 backlog;                   /* lock; read without */

	/* Datagrams: who is connected to us and may wait for POLLOUT. */
	struct list_head clients;     /* lock */
	struct list_head client_link; /* the peer's lock */

	mutex_t change_lock;
	mutex_t read_lock;
	wait_queue_t read_wait;  /* for data, connections, the end */
	wait_queue_t write_wait; /* for room in our own share */
	wait_queue_t room_wait;  /* others, for room in our queue */

	struct unix_name *name;     /* set once, under change_lock and with release */
	struct list_head name_link; /* table_lock: in the bucket of the name; empty: not there */
	struct list_head all_link;  /* table_lock */
	pid_t peer_pid;             /* lock: whom SO_PEERCRED tells of */
	const struct credentials *peer_credentials; /* lock; counted; NULL: nobody */

	/* flight_lock */
	u32 in_flight;                 /* how many times our file travels */
	u32 unexplained;               /* scratch of the collector */
	bool candidate;                /* likewise */
	struct list_head flight_link;  /* on the list of those in flight */
	struct list_head collect_link; /* scratch of the collector */
};

static inline struct unix_socket *unix_of(struct socket *socket)
{
	return container_of(socket, struct unix_socket, socket);
}
static inline struct unix_name *unix_name_of(const struct unix_socket *unix_socket)
{
	return __atomic_load_n(&unix_socket->name, __ATOMIC_ACQUIRE);
}
static inline struct unix_socket *unix_stream_peer(const struct unix_socket *unix_socket)
{
	return __atomic_load_n(&unix_socket->peer, __ATOMIC_ACQUIRE);
}
static inline bool unix_has_sent_all(const struct unix_socket *unix_socket)
{
	return READ_ONCE(unix_socket->sent) * 4ull <= READ_ONCE(unix_socket->socket.send_buffer);
}

/* --- socket.c: life --- */

/* ERR_PTR(-ENFILE, -ENOMEM); one reference. */
struct unix_socket *unix_create(int type, int protocol);
struct unix_socket *unix_get(struct unix_socket *unix_socket);
void unix_put(struct unix_socket *unix_socket); /* any context but under its lock */
/* The file is gone, or the listener of one that was not accepted (`refused`): drops the reference.
 */
void unix_release(struct unix_socket *unix_socket, bool refused);
/* Both locks, in order; they may be the same socket's. */
void unix_lock_pair(struct unix_socket *one, struct unix_socket *other);
void unix_unlock_pair(struct unix_socket *one, struct unix_socket *other);
/* The present peer with a reference, or NULL. */
struct unix_socket *unix_get_peer(struct unix_socket *unix_socket);
/* Sets whom SO_PEERCRED tells of: current, or the same as `from` knows.  No locks held. */
void unix_set_peer_current(struct unix_socket *unix_socket);
void unix_set_peer_process(struct unix_socket *unix_socket, pid_t pid,
			   const struct credentials *credentials);
/* Tells everybody who waits for the socket that it was shut down or its peer was. */
void unix_wake_all(struct unix_socket *unix_socket);

/* --- name.c --- */

void unix_names_init(void);
/* Is it an address of a unix socket, with a name?  0 or -EINVAL. */
int __must_check unix_check_address(const struct socket_address *address);
int __must_check unix_bind(struct socket *socket, const struct socket_address *address);
/* Gives a socket that has none a name of the kernel's choice; 0 if it has one.  -ENOSPC, -ENOMEM.
 */
int __must_check unix_autobind(struct unix_socket *unix_socket);
/* Before sending or connecting with SO_PASSCRED. */
int __must_check unix_autobind_if_asked(struct unix_socket *unix_socket);
/* The socket of a name, with a reference: 0, -ECONNREFUSED, -EPROTOTYPE, and a path's errors. */
int __must_check unix_find(const struct socket_address *address, int type,
			   struct unix_socket **result);
/* Copies the socket's name out; length 2 when it has none. */
void unix_copy_name(const struct unix_socket *unix_socket, struct socket_address *address);
void unix_name_get(struct unix_name *name);
void unix_name_put(struct unix_name *name); /* NULL is allowed; may sleep */
/* Enters a new socket into the list of all; takes it out, and its name. */
void unix_table_add(struct unix_socket *unix_socket);
void unix_table_remove(struct unix_socket *unix_socket);
/* A line each for /proc/net/unix. */
void unix_table_show(const struct namespace *space, struct text *text);

/* --- connect.c: streams and sequenced packets --- */

int unix_listen(struct socket *socket, u32 backlog);
int unix_stream_connect(struct socket *socket, const struct socket_address *address, u32 flags);
int unix_accept(struct socket *socket, u32 flags, struct socket **result);
int unix_pair(struct socket *one, struct socket *other);

/* --- message.c --- */

/* What is to go with a message besides its data. */
struct unix_outgoing {
	struct unix_rights *rights;
	bool has_credentials; /* given by the program, and checked */
	struct linux_ucred credentials;
};
/* Reads the control messages: 0, -EINVAL, -EBADF, -EPERM, -ESRCH, -ETOOMANYREFS, -ENOMEM.  Then
 * unix_outgoing_drop must follow. */
int __must_check unix_outgoing_read(const struct socket_message *message,
				    struct unix_outgoing *outgoing);
void unix_outgoing_drop(struct unix_outgoing *outgoing);

/*
 * A message of `length` bytes from the cursor, which takes room of the sender's: waits for that
 * until the deadline.  ERR_PTR: -EAGAIN, -EINTR, -ERESTARTSYS, -EPIPE, -ENOBUFS, -EFAULT, a pending
 * error.
 */
struct unix_message *unix_message_create(struct unix_socket *sender, struct io_cursor *cursor,
					 size_t length, nsec_t deadline);
/* Puts what goes with it on the message; the rights are the message's then. */
void unix_message_attach(struct unix_message *message, struct unix_outgoing *outgoing,
			 const struct unix_socket *receiver);
/* Copies `length` bytes from `offset` on; bytes, which is less after a bad page, or -EFAULT. */
ssize_t __must_check unix_message_copy(const struct unix_message *message, size_t offset,
				       struct io_cursor *cursor, size_t length);
/* Off every queue: gives the room back, drops what travels with it.  May sleep. */
void unix_message_free(struct unix_message *message);
void unix_messages_free(struct list_head *messages);

/* What a receiver gets besides data. */
struct unix_incoming {
	struct unix_rights *rights;
	struct linux_ucred credentials;
};
/* Takes the rights from a message, or copies of them; read_lock held. */
void unix_incoming_take(struct unix_incoming *incoming, struct unix_message *message, bool peek);
/* Writes the control messages. */
void unix_incoming_deliver(struct unix_socket *unix_socket, struct socket_message *message,
			   struct unix_incoming *incoming, u32 flags);

/* --- stream.c, packet.c --- */

ssize_t unix_stream_send(struct socket *socket, struct socket_message *message, u32 flags);
ssize_t unix_stream_receive(struct socket *socket, struct socket_message *message, u32 flags);
ssize_t unix_packet_send(struct socket *socket, struct socket_message *message, u32 flags);
ssize_t unix_packet_receive(struct socket *socket, struct socket_message *message, u32 flags);
int unix_packet_connect(struct socket *socket, const struct socket_address *address, u32 flags);
/* Of datagram sockets: would a message of ours have to wait for room in the peer's queue? */
bool unix_packet_peer_is_full(struct unix_socket *unix_socket);
/* No longer one of the peer's clients. */
void unix_packet_leave(struct unix_socket *unix_socket, struct unix_socket *peer);
/* Wakes those who wait for room in the queue. */
void unix_packet_wake_senders(struct unix_socket *unix_socket);

/* --- flight.c --- */

/* The unix socket behind a file, or NULL. */
struct unix_socket *unix_of_file(const struct file *file);
/* The descriptors are about to travel, or have arrived.  -ETOOMANYREFS. */
int __must_check unix_rights_launch(struct unix_rights *rights);
void unix_rights_land(struct unix_rights *rights);
/* A copy that is not in flight, of rights that are; NULL: no memory. */
struct unix_rights *unix_rights_peek(const struct unix_rights *rights);
/* Closes what is left; lands first if need be; NULL is allowed.  May sleep. */
void unix_rights_free(struct unix_rights *rights);
/* Frees sockets that only sockets in flight lead to; the second when a socket was closed, if it is
 * time.  May sleep. */
void unix_collect(void);
void unix_collect_if_due(void);

#endif
