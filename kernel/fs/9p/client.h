/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A conversation with a server of 9P2000.L: what it can be asked for, one function each.
 *
 * A fid is the server's handle of a file; ours are counted, and the last reference gives the number
 * back.  All functions may sleep and wait for the server without being interrupted; they answer 0
 * (or a count) or the server's error, -EIO when it cannot be reached, -EPROTO when it talks
 * nonsense, -ENOMEM.  Nothing that the server says is believed: lengths are checked here, meaning by
 * the callers.
 */
#ifndef FS_9P_CLIENT_H
#define FS_9P_CLIENT_H

#include "fs/9p/message.h"
#include "fs/9p/transport.h"
#include "lib/bitmap.h"
#include "lib/sync.h"

struct linux_statfs;

enum { P9_TAGS = 64 };

struct p9_client {
	struct p9_transport *transport;
	spinlock_t lock;
	DECLARE_BITMAP(tags, P9_TAGS); /* lock: those of requests under way */
	wait_queue_t tag_freed;
	struct list_head free_fids; /* lock */
	u32 fid_count;              /* lock: numbers that were ever used */
	mutex_t reserve_lock;
	struct p9_request *reserve; /* reserve_lock: for when there is no memory */
};

struct p9_fid {
	u32 refs; /* atomic */
	u32 number;
	struct p9_client *client;
	struct list_head link; /* client->lock: while free */
};

/* What the server knows a file by. */
struct p9_qid {
	u8 type;
	u32 version;
	u64 path;
};

struct p9_time {
	u64 seconds, nanoseconds;
};

struct p9_attributes {
	struct p9_qid qid;
	u32 mode, uid, gid;
	u64 links, rdev, size, block_size, blocks;
	struct p9_time atime, mtime, ctime;
};

enum p9_set {
	P9_SET_MODE = 1 << 0,
	P9_SET_UID = 1 << 1,
	P9_SET_GID = 1 << 2,
	P9_SET_SIZE = 1 << 3,
	P9_SET_ATIME = 1 << 4, /* to now, without the next but two */
	P9_SET_MTIME = 1 << 5,
	P9_SET_CTIME = 1 << 6,
	P9_SET_ATIME_GIVEN = 1 << 7,
	P9_SET_MTIME_GIVEN = 1 << 8,
};

struct p9_change {
	u32 valid; /* P9_SET_* */
	u32 mode, uid, gid;
	u64 size;
	struct p9_time atime, mtime;
};

/* Ends what p9_client_open began; all fids have been put. */
void p9_client_close(struct p9_client *client);
/* Takes the server of that name for a conversation, and asks for the root of what it shares.
 * -ENOENT: there is none; -EBUSY: somebody else talks to it. */
int __must_check p9_client_open(struct p9_client *client, const char *name, struct p9_fid **root);

struct p9_fid *p9_fid_get(struct p9_fid *fid);
/* May sleep.  NULL is nothing. */
void p9_fid_put(struct p9_fid *fid);
/* The same for the last reference, when the answer matters. */
int __must_check p9_fid_close(struct p9_fid *fid);

/* A new fid for `name` in a directory, or, with NULL, for the same file.  ERR_PTR. */
struct p9_fid *p9_walk(struct p9_fid *directory, const char *name, size_t length);
int __must_check p9_get_attributes(struct p9_fid *fid, struct p9_attributes *attributes);
int __must_check p9_set_attributes(struct p9_fid *fid, const struct p9_change *change);
/* The fid, which nobody else has, becomes one to read or write with.  flags: O_*. */
int __must_check p9_open(struct p9_fid *fid, u32 flags);
/* Makes a regular file; the directory's fid, which nobody else has, becomes the open file's. */
int __must_check p9_create(struct p9_fid *directory, const char *name, size_t length, u32 flags,
			   u32 mode, u32 gid);
int __must_check p9_make_node(struct p9_fid *directory, const char *name, size_t length, u32 mode,
			      u32 major, u32 minor, u32 gid);
int __must_check p9_make_directory(struct p9_fid *directory, const char *name, size_t length,
				   u32 mode, u32 gid);
int __must_check p9_make_link(struct p9_fid *directory, const char *name, size_t length,
			      const char *target, u32 gid);
int __must_check p9_link(struct p9_fid *directory, const char *name, size_t length,
			 struct p9_fid *file);
int __must_check p9_unlink(struct p9_fid *directory, const char *name, size_t length,
			   bool is_directory);
int __must_check p9_rename(struct p9_fid *from_directory, const char *from, size_t from_length,
			   struct p9_fid *to_directory, const char *to, size_t to_length);
/* The link's text, terminated, into a buffer; its length. */
ssize_t __must_check p9_read_link(struct p9_fid *fid, char *buffer, size_t size);
/* From and to whole frames, at most P9_DATA_FRAMES; how many bytes. */
ssize_t __must_check p9_read(struct p9_fid *fid, u64 position, const phys_t *frames, u32 size);
ssize_t __must_check p9_write(struct p9_fid *fid, u64 position, const phys_t *frames, u32 size);
/* As many entries from `position` on as fit into the frame: how many bytes; p9_next_entry takes
 * them apart. */
ssize_t __must_check p9_read_directory(struct p9_fid *fid, u64 position, phys_t frame);
struct p9_entry {
	struct p9_qid qid;
	u64 next; /* where to go on behind it */
	u8 type;  /* as getdents(2) */
	const char *name;
	size_t length;
};
/* False at the end; message->bad tells whether that was a good one. */
bool p9_next_entry(struct p9_message *message, struct p9_entry *entry);
int __must_check p9_sync(struct p9_fid *fid, bool data_only);
int __must_check p9_statfs(struct p9_fid *fid, struct linux_statfs *result);
/* A fid to read an extended attribute with, or, with "", the list of names; its size in *size. */
struct p9_fid *p9_open_xattr(struct p9_fid *fid, const char *name, u64 *size);

/* The fid, which nobody else has, becomes one to write an extended attribute's `size` bytes with;
 * closing it sets the attribute, or, with size 0, removes it.  flags: XATTR_*. */
int __must_check p9_create_xattr(struct p9_fid *fid, const char *name, u64 size, u32 flags);

/* --- client.c for calls.c --- */

struct p9_call {
	struct p9_client *client;
	struct p9_request *request;
	struct p9_message out; /* where to write the question */
	struct p9_message in;  /* the answer behind its header, after p9_call_run */
	u8 type;
	u16 tag;
};

/* A request of a type (of the T-message); p9_call_end must follow. */
void p9_call_begin(struct p9_call *call, struct p9_client *client, u8 type);
/* The answer will come with data, in frames. */
void p9_call_expect_data(struct p9_call *call, const phys_t *frames, u32 size);
/* Data goes behind the question. */
void p9_call_add_data(struct p9_call *call, const phys_t *frames, u32 size);
/* Asks and waits. */
int __must_check p9_call_run(struct p9_call *call);
/* Frees the request.  `error`, or -EPROTO when there was none and the answer was too short. */
int p9_call_end(struct p9_call *call, int error);
/* A fid with a number of its own, which the server has yet to hear of; or NULL. */
struct p9_fid *p9_fid_alloc(struct p9_client *client);
/* Gives back one that the server never took. */
void p9_fid_free(struct p9_fid *fid);

#endif
