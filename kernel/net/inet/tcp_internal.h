/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of TCP's sockets share.
 *
 * A socket has a connection (lwIP's tcp_pcb, whose callback_arg is the socket) from connect or
 * accept on, or a listener, and loses it when lwIP frees it (on_error) or when both directions
 * have ended.  What a socket was told by its connection stays: bytes, the end, an error.  A file
 * that is closed leaves its connection to lwIP, without callbacks, which ends it properly.
 * Connections that wait for accept are sockets without a file in their listener's list.
 *
 * Received data is a list of pbufs linked by `next`, one piece each; their tot_len is not looked
 * at.  Only the reader takes pieces off, so it may copy from the first one without the lock.
 *
 * Locks, outermost first:
 *	write_lock	mutex: one writer at a time; not held while waiting for room
 *	read_lock	mutex: one reader at a time; not held while waiting for data
 *	stack_lock()	the connection, state, names
 *	lock		spin: the list of received data
 *	wait queues
 */
#ifndef NET_INET_TCP_INTERNAL_H
#define NET_INET_TCP_INTERNAL_H

#include <lwip/tcp.h>

#include "lib/sync.h"
#include "net/inet/inet.h"

#define READABLE (POLLIN | POLLRDNORM)
#define WRITABLE (POLLOUT | POLLWRNORM)

enum tcp_socket_state {
	TCP_IDLE,       /* no connection, or not any more */
	TCP_CONNECTING, /* connect was called */
	TCP_CONNECTED,  /* and stays so until both directions have ended, or an error */
	TCP_LISTENING,
};

/* Linux's RCV_SHUTDOWN and SEND_SHUTDOWN. */
enum tcp_shutdown { TCP_NO_RECEIVE = 1, TCP_NO_SEND = 2, TCP_NEITHER = 3 };

/* What a fresh socket says of its buffers; until a program sets others the limits are higher. */
#define TCP_SEND_DEFAULT    16384
#define TCP_RECEIVE_DEFAULT 131072

struct tcp_socket {
	struct inet_socket inet;
	struct tcp_pcb *pcb; /* stack lock; NULL: none */
	u32 state;           /* stack lock; read without: enum tcp_socket_state */
	u32 shutdown;        /* stack lock; read without: enum tcp_shutdown */
	bool told;           /* stack lock: connect has told how it ended */
	bool ended;          /* stack lock; read without: the peer's end has been received */
	bool cork;
	bool nodelay, quick_ack;
	u16 max_segment;                          /* TCP_MAXSEG; 0: none */
	u32 keep_idle, keep_interval, keep_count; /* seconds, seconds, probes */
	u32 syn_count, linger2, notsent_low, window_clamp;
	u32 defer_accept; /* seconds; 0: off */
	u32 user_timeout; /* milliseconds; 0: none */
	nsec_t progress;  /* stack lock: when something was last acknowledged */

	/* Listening. */
	struct list_head pending;      /* stack lock: connections to be accepted */
	struct list_head deferred;     /* stack lock: those without data, TCP_DEFER_ACCEPT */
	struct list_head pending_link; /* stack lock: in one of the listener's lists */
	struct tcp_socket *listener;   /* stack lock: of one in its list `deferred` */
	u32 pending_count;             /* stack lock; read without */
	u32 backlog;                   /* stack lock */

	/* Sending. */
	mutex_t write_lock;
	u32 queued; /* stack lock; read without: bytes that are not acknowledged */
	wait_queue_t write_wait;

	/* Receiving. */
	mutex_t read_lock;
	spinlock_t lock;
	struct pbuf *first; /* lock; the reader reads without */
	struct pbuf *last;  /* lock */
	u32 received;       /* lock; read without: bytes in the list */
	u32 collect_room;   /* lock: bytes that fit behind the last piece */
	u32 taken;          /* read_lock: bytes read that the window does not know of yet */
	u32 window;         /* stack lock: bytes that we take without reading */
	wait_queue_t read_wait;
};

static inline struct tcp_socket *tcp_of(struct socket *socket)
{
	return container_of(socket, struct tcp_socket, inet.socket);
}

extern struct inet_ports tcp_ports;

/* --- tcp_socket.c: life --- */

/* A connection's socket, with the options of the listener's; NULL: no memory. */
struct tcp_socket *tcp_socket_copy(const struct tcp_socket *listener);
/* Frees it; it has no connection, no port, and nobody knows it. */
void tcp_socket_free(struct tcp_socket *tcp);
/* Wakes everybody who waits for the socket.  Any context. */
void tcp_wake_all(struct tcp_socket *tcp);
/* The connection is gone or of no more interest: both directions are shut.  Stack lock. */
void tcp_finish(struct tcp_socket *tcp);
/* Forgets the connection, which goes on by itself.  Stack lock. */
void tcp_detach(struct tcp_socket *tcp);
/* Ends the connection at once, with a reset, if there is one.  Stack lock. */
void tcp_break(struct tcp_socket *tcp);

/* --- tcp_connect.c --- */

int tcp_socket_connect(struct socket *socket, const struct socket_address *address, u32 flags);
/* Waits until connect has ended: 0, -EAGAIN, -EINTR, -ERESTARTSYS. */
int __must_check tcp_wait_connected(struct tcp_socket *tcp, u32 flags);
/* Back to a socket that never had a connection; the port stays if a program chose it.  Stack
 * lock. */
void tcp_disconnect(struct tcp_socket *tcp);

/* --- tcp_listen.c --- */

int tcp_socket_listen(struct socket *socket, u32 backlog);
int tcp_socket_accept(struct socket *socket, u32 flags, struct socket **result);
/* Stops listening; connections that were not accepted are broken.  Stack lock. */
void tcp_stop_listening(struct tcp_socket *tcp);
/* The first data, or the end, has come: TCP_DEFER_ACCEPT.  Stack lock. */
void tcp_stop_deferring(struct tcp_socket *tcp);

/* --- tcp_event.c: what lwIP tells --- */

/* Ties a connection to its socket.  Stack lock. */
void tcp_attach(struct tcp_socket *tcp, struct tcp_pcb *pcb);

/* --- tcp_send.c, tcp_receive.c --- */

ssize_t tcp_socket_send(struct socket *socket, struct socket_message *message, u32 flags);
ssize_t tcp_socket_receive(struct socket *socket, struct socket_message *message, u32 flags);
/* Is there room enough to tell writers? */
bool tcp_is_writable(const struct tcp_socket *tcp);
/* How many bytes may wait to be acknowledged. */
u32 tcp_send_limit(const struct tcp_socket *tcp);
/* Sends what waits, unless it is held back.  Stack lock. */
void tcp_push(struct tcp_socket *tcp, bool more);
/* Data has come: takes over the pbufs.  Stack lock. */
void tcp_queue_received(struct tcp_socket *tcp, struct pbuf *data);
/* Frees all that was received. */
void tcp_free_received(struct tcp_socket *tcp);
/* The window that the socket's buffer is worth. */
u32 tcp_receive_window(const struct tcp_socket *tcp);

/* --- tcp_option.c --- */

int tcp_set_option(struct socket *socket, int level, int option, vaddr_t value, u32 length);
int tcp_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length);
/* Tells the connection what the socket's options are.  Stack lock. */
void tcp_apply_options(struct tcp_socket *tcp);
/* The same without the lock. */
void tcp_notice_option(struct socket *socket);
/* LINUX_TCP_* of a connection. */
u8 tcp_linux_state(const struct tcp_pcb *pcb);

#endif
