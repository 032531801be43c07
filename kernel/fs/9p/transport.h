/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What carries 9P messages to a server and back: a driver registers one for each server it finds.
 *
 * A request is a message out and a message in.  The data of reads and writes need not be copied: it
 * lies in whole frames, which follow the one message or the other.
 */
#ifndef FS_9P_TRANSPORT_H
#define FS_9P_TRANSPORT_H

#include "lib/list.h"
#include "lib/types.h"

enum {
	P9_MESSAGE_MAX = 4608, /* bytes of a message without its data: a path and a name fit */
	P9_DATA_FRAMES = 32,   /* of one request */
	P9_READ_HEADER = 11,   /* bytes in front of the data of Rread, and all of Rlerror */
	P9_TAG_NAME_MAX = 63,  /* of what a server calls itself */
};

/* Memory is the kernel heap's, so each message is in one piece. */
struct p9_request {
	struct list_head link; /* the transport's, as long as it has the request */
	u8 out[P9_MESSAGE_MAX];
	u8 in[P9_MESSAGE_MAX];
	u32 out_size;        /* of `out` */
	u32 in_room;         /* of `in`, that the server may fill */
	const phys_t *data;  /* frames that go out or come in, or NULL */
	u32 data_size;       /* bytes, from the first frame's first on */
	bool data_is_answer; /* follows `in`; else it follows `out` */
	u32 received;        /* in all, data included; the transport's answer */
	int error;           /* the same: 0, or the server could not be asked */
	bool done;           /* atomic: set last by p9_request_done */
};

struct p9_transport;

struct p9_transport_ops {
	/*
	 * Sends a request; p9_request_done follows, from any context, unless an error is returned.
	 * May sleep until there is room.
	 */
	int (*submit)(struct p9_transport *transport, struct p9_request *request);
};

struct p9_transport {
	struct list_head link; /* client.c's list */
	const struct p9_transport_ops *ops;
	char name[P9_TAG_NAME_MAX + 1];
	bool used; /* its lock: a mount talks to the server */
};

/* Makes a server known by its name; it stays.  At start-up. */
void p9_transport_register(struct p9_transport *transport);
/* A request has been answered, or cannot be.  Any context; the request is the waiter's from then
 * on. */
void p9_request_done(struct p9_request *request, u32 received, int error);

#endif
