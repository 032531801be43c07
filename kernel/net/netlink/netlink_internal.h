/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of kernel/net/netlink share.
 *
 * A socket has a port, a number that is unique in its protocol and namespace, and is a member of
 * groups.  What it receives waits in its queue, one datagram an entry.  Requests to the kernel are
 * worked on while they are sent, by the sender's thread; the answers are in the queue when send
 * returns.  A dump is a snapshot: all its datagrams are queued at once, and until the last of them
 * has been read the socket may not ask for another.
 *
 * A socket is counted: its file holds a reference, and so does each thread that puts something into
 * its queue.
 *
 * Locks, outermost first:
 *	socket->read_lock   mutex: one reader at a time, who alone takes messages off the queue
 *	table_lock          spin (table.c): ports, groups, the list of all sockets
 *	socket->lock        spin: the queue
 *	wait queues
 */
#ifndef NET_NETLINK_NETLINK_INTERNAL_H
#define NET_NETLINK_NETLINK_INTERNAL_H

#include "lib/abi/netlink.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/string.h"
#include "lib/text.h"
#include "net/socket.h"
#include "proc/namespace.h"

struct netlink_request;

/* One datagram in a queue. */
struct netlink_message {
	struct list_head link; /* the receiver's lock */
	u32 length;
	u32 capacity;
	u32 sender; /* its port; 0: the kernel */
	u32 group;  /* to which group it was sent; 0: to the port */
	pid_t pid;  /* who sent it, in the kernel's numbers */
	uid_t uid;
	gid_t gid;
	bool last_of_dump;
	bool of_dump; /* takes no room of the receiver's buffer */
	u8 bytes[] __attribute__((aligned(8)));
};

struct netlink_socket {
	struct socket socket;
	u32 references;             /* atomic */
	struct namespace *space;    /* const; counted */
	u32 port;                   /* table_lock; set once, before `bound` */
	bool bound;                 /* table_lock; read without */
	u64 groups;                 /* table_lock; read without: bit N - 1 for group N */
	u32 switches;               /* atomic: BIT(NETLINK_*) */
	u32 peer_port, peer_group;  /* lock: where send goes to without an address */
	struct list_head all_link;  /* table_lock */
	struct list_head port_link; /* table_lock: in the bucket of the port, when bound */

	spinlock_t lock;
	struct list_head queue; /* lock; taken off also under read_lock */
	u32 queued;             /* lock; read without: how many */
	u32 charge;             /* lock; read without: bytes that count against the buffer */
	u32 dropped;            /* atomic: messages lost */
	bool congested;         /* lock; read without: lost something, until the queue is empty */
	bool dumping;           /* lock: the end of a dump is in the queue */
	bool dead;              /* lock: closed */
	mutex_t read_lock;
	wait_queue_t wait;      /* for messages */
	wait_queue_t room_wait; /* others, for room in our queue */
};

struct netlink_protocol {
	u8 number;
	u8 groups;          /* how many there are */
	bool programs_send; /* any program may send to ports and groups of others */
	/* Works on one message to the kernel: 0 or an error, which becomes the answer; -EINTR: there
	 * is none.  NULL: the kernel does not listen. */
	int (*handle)(struct netlink_request *request);
};

/* One message to the kernel while it is worked on. */
struct netlink_request {
	struct netlink_socket *from;
	const struct linux_nlmsghdr *header; /* the whole message, of header->length bytes */
	const char *reason;                  /* an extended error's text; NULL: none */
	u32 offset;                          /* … and where in the message it is; 0: unknown */
};

static inline struct netlink_socket *netlink_of(struct socket *socket)
{
	return container_of(socket, struct netlink_socket, socket);
}
static inline bool netlink_switch(const struct netlink_socket *netlink, int option)
{
	return READ_ONCE(netlink->switches) & BIT(option);
}
/* The body of a request's message, behind the header. */
static inline const void *netlink_body(const struct netlink_request *request)
{
	return request->header + 1;
}
static inline u32 netlink_body_length(const struct netlink_request *request)
{
	return request->header->length - (u32)sizeof(*request->header);
}
/* Says why, for an extended error, and returns the error. */
static inline int netlink_refuse(struct netlink_request *request, int error, const char *reason)
{
	request->reason = reason;
	return error;
}

/* --- socket.c --- */

struct netlink_socket *netlink_get(struct netlink_socket *netlink);
void netlink_put(struct netlink_socket *netlink);
/* The protocol's table, or NULL when there is none of that number. */
const struct netlink_protocol *netlink_protocol(u32 number);
/* A mask of all groups that the protocol has. */
u64 netlink_group_mask(const struct netlink_protocol *protocol);

/* --- table.c: who has which port, and who hears what --- */

void netlink_table_add(struct netlink_socket *netlink);
void netlink_table_remove(struct netlink_socket *netlink);
/* Gives it that port, or with 0 one of the kernel's choice; 0, -EINVAL when it has another one,
 * -EADDRINUSE. */
int __must_check netlink_bind_port(struct netlink_socket *netlink, u32 port);
/* Gives it a port unless it has one. */
int __must_check netlink_bind_port_any(struct netlink_socket *netlink);
/* Changes its groups: those of `mask` become as in `groups`. */
void netlink_set_groups(struct netlink_socket *netlink, u64 mask, u64 groups);
/* The socket of a port in the same protocol and namespace, with a reference; NULL. */
struct netlink_socket *netlink_find(const struct netlink_socket *like, u32 port);
/* Does anybody in the namespace listen to the group? */
bool netlink_has_listeners(u32 protocol, u32 group, const struct namespace *space);
/*
 * Gives everybody in the group a copy of a message, but not the socket `but` (or NULL) and those
 * with `port`, who get it otherwise; sockets that are not bound have port 0.  Its `group` is set.  0, -ESRCH when nobody listens, -ENOBUFS when one had no room and wants that told.
 */
int netlink_broadcast(u32 protocol, u32 group, const struct namespace *space,
		      struct netlink_message *message, u32 port, const struct netlink_socket *but);
/* A line each for /proc/net/netlink. */
void netlink_table_show(const struct namespace *space, struct text *text);

/* --- message.c --- */

/* An empty one with room for `capacity` bytes, from the kernel; NULL without memory. */
struct netlink_message *netlink_message_create(u32 capacity);
/* Queues it: takes it over.  -EAGAIN (there is no room), -ECONNREFUSED (it is closed): then the
 * caller still has it. */
int __must_check netlink_queue(struct netlink_socket *netlink, struct netlink_message *message);
/* Something was lost for want of room or memory. */
void netlink_overrun(struct netlink_socket *netlink);
ssize_t netlink_send(struct socket *socket, struct socket_message *message, u32 flags);
ssize_t netlink_receive(struct socket *socket, struct socket_message *message, u32 flags);

/* --- request.c --- */

/* Works on all messages in a datagram to the kernel. */
void netlink_requests(const struct netlink_protocol *protocol, struct netlink_socket *from,
		      const struct netlink_message *datagram);

/* --- build.c: answers --- */

enum { NETLINK_DATAGRAM = 3776, NETLINK_ONE_MAX = 3072 };

/*
 * Messages that are being written.  Each is put together in `work`, then goes into a datagram, of
 * which there are as many as are needed.
 */
struct netlink_reply {
	u32 port, sequence;
	u16 flags; /* of each message */
	u32 length;
	struct list_head datagrams;
	int error; /* the first that came up; then nothing more is written */
	u8 *work;  /* NETLINK_ONE_MAX bytes */
};

/* An empty reply to the request; the error comes up at the end. */
void netlink_reply_init(struct netlink_reply *reply, const struct netlink_request *request);
/* The same for messages that nobody has asked for. */
void netlink_notice_init(struct netlink_reply *reply);
/* Begins a message with a fixed part behind its header; ends it. */
void netlink_begin(struct netlink_reply *reply, u16 type, const void *fixed, size_t size);
void netlink_end(struct netlink_reply *reply);
void netlink_put_bytes(struct netlink_reply *reply, u16 type, const void *value, size_t size);
void netlink_put_u8(struct netlink_reply *reply, u16 type, u8 value);
void netlink_put_u32(struct netlink_reply *reply, u16 type, u32 value);
void netlink_put_string(struct netlink_reply *reply, u16 type, const char *value);
/* What comes between them is inside an attribute of that type. */
u32 netlink_nest(struct netlink_reply *reply, u16 type);
void netlink_nest_end(struct netlink_reply *reply, u32 nest);
/* Sends the reply's one message; what a handler returns.  Frees the reply. */
int netlink_reply_send(struct netlink_reply *reply, struct netlink_request *request);
/* The same for a dump: its messages and the end.  -EBUSY while another dump is being read. */
int netlink_reply_dump(struct netlink_reply *reply, struct netlink_request *request);
/* Sends it to a group of the first namespace; frees it. */
void netlink_notice_send(struct netlink_reply *reply, u32 protocol, u32 group);

/* --- attribute.c: what requests hold --- */

struct netlink_attribute {
	const void *value; /* NULL: it is not there */
	u32 length;
};
/*
 * Reads the attributes in `length` bytes: those of type 0 … count - 1 go into `table`, the last of
 * each type counts.  0, or -EINVAL for a malformed one.
 */
int __must_check netlink_attributes(const void *from, size_t length,
				    struct netlink_attribute *table, u32 count);
/* Those behind the fixed part, of `size` bytes, of a request's message. */
int __must_check netlink_request_attributes(const struct netlink_request *request, size_t size,
					    struct netlink_attribute *table, u32 count);
/* A number; `otherwise` when it is not there or too short. */
u32 netlink_attribute_u32(const struct netlink_attribute *attribute, u32 otherwise);
/* Copies a string that must be shorter than `size`: 0 or -EINVAL. */
int __must_check netlink_attribute_string(const struct netlink_attribute *attribute, char *to,
					  size_t size);

/* --- The protocols --- */

int netlink_route_handle(struct netlink_request *request); /* route.c */
int netlink_diag_handle(struct netlink_request *request);  /* diag.c */

#endif
