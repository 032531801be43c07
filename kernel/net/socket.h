/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: what every family of addresses shares, and the door through which a family comes in.
 *
 * A family registers under its number and makes its sockets: a structure of its own that begins
 * with (or holds) a struct socket, whose operations the generic code calls.  A descriptor of a
 * socket is an open file with an inode of its own (type S_IFSOCK), whose `private` is the socket;
 * the file's last close releases it.
 *
 * Locks: options are single words, read and written without a lock, but for `options`, whose bits
 * are set and cleared atomically.  Everything else is the family's.  The operations run in a task,
 * with no locks held, may sleep, and several threads may be in them at once; the file, and so the
 * socket, stays while they run.
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "fs/file.h"
#include "lib/abi/socket.h"

struct socket;
struct socket_message;

/* As large as struct sockaddr_storage. */
#define SOCKET_ADDRESS_MAX 128

struct socket_address {
	u32 length; /* bytes that are there; 0: no address */
	union {
		u16 family; /* only with a length of 2 or more */
		u8 bytes[SOCKET_ADDRESS_MAX];
		struct linux_sockaddr_un local;
	};
};

/* What a socket can do.  0, a count or a socket where nothing else is said, or a negative errno;
 * what is missing answers -EOPNOTSUPP.  `flags` are MSG_*, with MSG_DONTWAIT also for O_NONBLOCK.
 */
struct socket_ops {
	void (*release)(struct socket *socket); /* the file's last reference is gone */
	int (*pair)(struct socket *one, struct socket *other); /* socketpair(2): both fresh */
	int (*bind)(struct socket *socket, const struct socket_address *address);
	int (*connect)(struct socket *socket, const struct socket_address *address, u32 flags);
	int (*listen)(struct socket *socket, u32 backlog);
	/* *result: a connected socket, which gets its file from the caller. */
	int (*accept)(struct socket *socket, u32 flags, struct socket **result);
	int (*get_name)(struct socket *socket, bool peer, struct socket_address *address);
	ssize_t (*send)(struct socket *socket, struct socket_message *message, u32 flags);
	ssize_t (*receive)(struct socket *socket, struct socket_message *message, u32 flags);
	int (*shutdown)(struct socket *socket, int how); /* how: SHUT_* */
	u32 (*poll)(struct socket *socket, struct poll_table *table);
	long (*ioctl)(struct socket *socket, unsigned command, vaddr_t argument);
	/* Options of other levels than SOL_SOCKET, and SO_* that are not for all families
	 * (-ENOPROTOOPT).  `get` writes at most *length bytes and says in *length how many. */
	int (*set_option)(struct socket *socket, int level, int option, vaddr_t value, u32 length);
	int (*get_option)(struct socket *socket, int level, int option, vaddr_t value, u32 *length);
	/* An option that the generic code keeps has been set. */
	void (*notice_option)(struct socket *socket);
};

struct socket {
	const struct socket_ops *ops; /* constant */
	struct file *file;            /* not counted; NULL before accept */
	u16 family, type, protocol;   /* constant */
	u32 error;                    /* atomic: pending, positive; see socket_take_error */
	u64 options;                  /* atomic: BIT(SO_*) of those that are on or off */
	u32 send_buffer;              /* bytes */
	u32 receive_buffer;           /* bytes */
	u32 receive_low_water;        /* bytes, at least 1 */
	u32 priority, mark;
	s32 peek_offset; /* SO_PEEK_OFF; -1: off */
	struct linux_linger linger;
	nsec_t send_timeout, receive_timeout; /* NO_DEADLINE: for ever */
	u64 cookie;                           /* atomic: SO_COOKIE; 0: not asked for yet */
};

/* In bytes; also the largest that an ordinary program may set, halved. */
#define SOCKET_BUFFER_DEFAULT 212992

/* One message to be sent or received. */
struct socket_message {
	struct io_cursor *cursor;
	struct socket_address *address; /* send: to whom, NULL for nobody; receive: filled in if not
					   NULL (length 0 when nobody is known) */
	/* send: kernel memory, checked by nobody yet; NULL: none */
	const u8 *control;
	/* receive: where control messages go; 0: nowhere.  Moves on as they are put there. */
	vaddr_t control_user;
	size_t control_length; /* bytes at, or left at, either of them */
	u32 flags;             /* receive: MSG_TRUNC, MSG_CTRUNC, MSG_EOR come out */
};

struct socket_family {
	u16 number;
	/* A fresh socket, without a file: ERR_PTR(-EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EPERM,
	 * -ENOMEM, …). */
	struct socket *(*create)(int type, int protocol);
};

/* Makes a family known.  At start-up; the structure stays. */
void socket_family_register(const struct socket_family *family);

/* Fills in what the family does not: called by `create` on zeroed memory. */
void socket_init(struct socket *socket, const struct socket_ops *ops, int family, int type,
		 int protocol);

/*
 * An open file with a new socket: the body of socket(2).  flags: O_NONBLOCK.  ERR_PTR:
 * -EAFNOSUPPORT, -EINVAL, and what the family says.  May sleep.
 */
struct file *socket_create_file(int family, int type, int protocol, u32 flags);
/* Two that are connected: socketpair(2).  0 or an error. */
int __must_check socket_create_pair(int family, int type, int protocol, u32 flags,
				    struct file *ends[2]);
/* The body of accept4(2): an open file, or ERR_PTR.  wait_flags: MSG_DONTWAIT or 0. */
struct file *socket_accept_file(struct socket *socket, u32 wait_flags, u32 flags);

/* The socket behind a file, or NULL when it is none. */
struct socket *socket_of_file(const struct file *file);

/*
 * Sends or receives with all that is common done: O_NONBLOCK, and the result's limits.  Bytes, or a
 * negative errno.  May sleep.
 */
ssize_t socket_send(struct socket *socket, struct socket_message *message, u32 flags);
ssize_t socket_receive(struct socket *socket, struct socket_message *message, u32 flags);

/* getsockopt(2) and setsockopt(2); the length that comes back is in *length. */
int __must_check socket_set_option(struct socket *socket, int level, int option, vaddr_t value,
				   s32 length);
int __must_check socket_get_option(struct socket *socket, int level, int option, vaddr_t value,
				   u32 *length);

/* --- For families --- */

static inline bool socket_has_option(const struct socket *socket, int option)
{
	return READ_ONCE(socket->options) & BIT(option);
}
/* The pending error as a negative errno, which is then no longer pending; 0: none. */
int socket_take_error(struct socket *socket);
/* When a wait that starts now is to end: 0 for at once, NO_DEADLINE for never. */
nsec_t socket_deadline(nsec_t timeout, u32 flags);
/* What a system call returns when wait_event_timeout() failed with `error`: -EAGAIN for the
 * time-out, and after a signal -EINTR if there was to be one. */
int socket_wait_error(int error, nsec_t deadline);
/* SIGPIPE to the current thread, unless flags say MSG_NOSIGNAL; always -EPIPE. */
int socket_broken_pipe(u32 flags);
/* Writes min(size, *length) bytes for getsockopt and sets *length.  0 or -EFAULT. */
int __must_check socket_put_option(vaddr_t value, u32 *length, const void *from, u32 size);

/*
 * Writes one control message to the receiver: cut, with MSG_CTRUNC, when there is too little room.
 * What cannot be written for a bad address is left out.
 */
void socket_put_control(struct socket_message *message, int level, int type, const void *data,
			size_t size);
/*
 * Goes through the control messages of one that is to be sent: returns the header at or behind
 * *position, which moves on, NULL at the end, or ERR_PTR(-EINVAL) for a malformed one.
 */
const struct linux_cmsghdr *socket_next_control(const struct socket_message *message,
						size_t *position);

#endif
