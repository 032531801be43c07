/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The questions of 9P2000.L, one function each: what goes into the message, and what comes out.
 */
#include "arch/mmu.h"
#include "fs/9p/client.h"
#include "fs/9p/protocol.h"
#include "lib/abi/statfs.h"
#include "lib/errno.h"
#include "lib/string.h"

static struct p9_qid get_qid(struct p9_message *message)
{
	struct p9_qid qid;

	qid.type = p9_get_u8(message);
	qid.version = p9_get_u32(message);
	qid.path = p9_get_u64(message);
	return qid;
}

static struct p9_time get_time(struct p9_message *message)
{
	struct p9_time time;

	time.seconds = p9_get_u64(message);
	time.nanoseconds = p9_get_u64(message);
	return time;
}

static void put_time(struct p9_message *message, struct p9_time time)
{
	p9_put_u64(message, time.seconds);
	p9_put_u64(message, time.nanoseconds);
}

/* Begins a question about a fid. */
static void begin(struct p9_call *call, struct p9_fid *fid, u8 type)
{
	p9_call_begin(call, fid->client, type);
	p9_put_u32(&call->out, fid->number);
}

/* Asks, when nothing of the answer is of interest. */
static int ask(struct p9_call *call)
{
	return p9_call_end(call, p9_call_run(call));
}

/* --- Fids --- */

/* How many steps the server went, of at most one. */
static int walk(struct p9_fid *directory, const char *name, size_t length, struct p9_fid *to)
{
	u16 wanted = name != NULL;
	struct p9_call call;
	int error;

	begin(&call, directory, P9_WALK);
	p9_put_u32(&call.out, to->number);
	p9_put_u16(&call.out, wanted);
	if (name)
		p9_put_text(&call.out, name, length);
	error = p9_call_run(&call);
	if (!error && p9_get_u16(&call.in) != wanted)
		error = -ENOENT;
	return p9_call_end(&call, error);
}

struct p9_fid *p9_walk(struct p9_fid *directory, const char *name, size_t length)
{
	struct p9_fid *fid = p9_fid_alloc(directory->client);
	int error = fid ? walk(directory, name, length, fid) : -ENOMEM;

	if (!error)
		return fid;
	if (fid)
		p9_fid_free(fid);
	return ERR_PTR(error);
}

int p9_open(struct p9_fid *fid, u32 flags)
{
	struct p9_call call;

	begin(&call, fid, P9_LOPEN);
	p9_put_u32(&call.out, flags);
	return ask(&call);
}

/* --- Attributes --- */

int p9_get_attributes(struct p9_fid *fid, struct p9_attributes *attributes)
{
	struct p9_call call;
	int error;

	begin(&call, fid, P9_GETATTR);
	p9_put_u64(&call.out, P9_GETATTR_BASIC);
	error = p9_call_run(&call);
	if (!error) {
		u64 valid = p9_get_u64(&call.in);

		attributes->qid = get_qid(&call.in);
		attributes->mode = p9_get_u32(&call.in);
		attributes->uid = p9_get_u32(&call.in);
		attributes->gid = p9_get_u32(&call.in);
		attributes->links = p9_get_u64(&call.in);
		attributes->rdev = p9_get_u64(&call.in);
		attributes->size = p9_get_u64(&call.in);
		attributes->block_size = p9_get_u64(&call.in);
		attributes->blocks = p9_get_u64(&call.in);
		attributes->atime = get_time(&call.in);
		attributes->mtime = get_time(&call.in);
		attributes->ctime = get_time(&call.in);
		if ((valid & P9_GETATTR_BASIC) != P9_GETATTR_BASIC)
			error = -EPROTO;
	}
	return p9_call_end(&call, error);
}

int p9_set_attributes(struct p9_fid *fid, const struct p9_change *change)
{
	struct p9_call call;

	begin(&call, fid, P9_SETATTR);
	p9_put_u32(&call.out, change->valid);
	p9_put_u32(&call.out, change->mode);
	p9_put_u32(&call.out, change->uid);
	p9_put_u32(&call.out, change->gid);
	p9_put_u64(&call.out, change->size);
	put_time(&call.out, change->atime);
	put_time(&call.out, change->mtime);
	return ask(&call);
}

int p9_statfs(struct p9_fid *fid, struct linux_statfs *result)
{
	struct p9_call call;
	int error;

	begin(&call, fid, P9_STATFS);
	error = p9_call_run(&call);
	if (!error) {
		u64 id;

		p9_get_u32(&call.in); /* the type of the host's file system */
		result->block_size = result->fragment_size = p9_get_u32(&call.in);
		result->blocks = p9_get_u64(&call.in);
		result->blocks_free = p9_get_u64(&call.in);
		result->blocks_available = p9_get_u64(&call.in);
		result->files = p9_get_u64(&call.in);
		result->files_free = p9_get_u64(&call.in);
		id = p9_get_u64(&call.in);
		memcpy(result->fsid, &id, sizeof(id));
		result->name_length = p9_get_u32(&call.in);
	}
	return p9_call_end(&call, error);
}

/* --- Names --- */

int p9_create(struct p9_fid *directory, const char *name, size_t length, u32 flags, u32 mode,
	      u32 gid)
{
	struct p9_call call;

	begin(&call, directory, P9_LCREATE);
	p9_put_text(&call.out, name, length);
	p9_put_u32(&call.out, flags);
	p9_put_u32(&call.out, mode);
	p9_put_u32(&call.out, gid);
	return ask(&call);
}

int p9_make_node(struct p9_fid *directory, const char *name, size_t length, u32 mode, u32 major,
		 u32 minor, u32 gid)
{
	struct p9_call call;

	begin(&call, directory, P9_MKNOD);
	p9_put_text(&call.out, name, length);
	p9_put_u32(&call.out, mode);
	p9_put_u32(&call.out, major);
	p9_put_u32(&call.out, minor);
	p9_put_u32(&call.out, gid);
	return ask(&call);
}

int p9_make_directory(struct p9_fid *directory, const char *name, size_t length, u32 mode, u32 gid)
{
	struct p9_call call;

	begin(&call, directory, P9_MKDIR);
	p9_put_text(&call.out, name, length);
	p9_put_u32(&call.out, mode);
	p9_put_u32(&call.out, gid);
	return ask(&call);
}

int p9_make_link(struct p9_fid *directory, const char *name, size_t length, const char *target,
		 u32 gid)
{
	struct p9_call call;

	begin(&call, directory, P9_SYMLINK);
	p9_put_text(&call.out, name, length);
	p9_put_text(&call.out, target, strlen(target));
	p9_put_u32(&call.out, gid);
	return ask(&call);
}

int p9_link(struct p9_fid *directory, const char *name, size_t length, struct p9_fid *file)
{
	struct p9_call call;

	begin(&call, directory, P9_LINK);
	p9_put_u32(&call.out, file->number);
	p9_put_text(&call.out, name, length);
	return ask(&call);
}

int p9_unlink(struct p9_fid *directory, const char *name, size_t length, bool is_directory)
{
	struct p9_call call;

	begin(&call, directory, P9_UNLINKAT);
	p9_put_text(&call.out, name, length);
	p9_put_u32(&call.out, is_directory ? P9_UNLINK_DIRECTORY : 0);
	return ask(&call);
}

int p9_rename(struct p9_fid *from_directory, const char *from, size_t from_length,
	      struct p9_fid *to_directory, const char *to, size_t to_length)
{
	struct p9_call call;

	begin(&call, from_directory, P9_RENAMEAT);
	p9_put_text(&call.out, from, from_length);
	p9_put_u32(&call.out, to_directory->number);
	p9_put_text(&call.out, to, to_length);
	return ask(&call);
}

ssize_t p9_read_link(struct p9_fid *fid, char *buffer, size_t size)
{
	struct p9_call call;
	size_t length = 0;
	int error;

	begin(&call, fid, P9_READLINK);
	error = p9_call_run(&call);
	if (!error) {
		const char *text = p9_get_text(&call.in, &length);

		if (length >= size)
			error = -ENAMETOOLONG;
		else
			memcpy(buffer, text, length);
		if (!error)
			buffer[length] = 0;
	}
	error = p9_call_end(&call, error);
	return error ? error : (ssize_t)length;
}

/* --- Data --- */

/* Reads, entries of a directory or bytes. */
static ssize_t read(struct p9_fid *fid, u8 type, u64 position, const phys_t *frames, u32 size)
{
	struct p9_call call;
	u32 count = 0;
	int error;

	begin(&call, fid, type);
	p9_put_u64(&call.out, position);
	p9_put_u32(&call.out, size);
	p9_call_expect_data(&call, frames, size);
	error = p9_call_run(&call);
	if (!error)
		count = p9_get_u32(&call.in);
	if (!error && (count > size || count != call.request->received - P9_READ_HEADER))
		error = -EPROTO;
	error = p9_call_end(&call, error);
	return error ? error : (ssize_t)count;
}

ssize_t p9_read(struct p9_fid *fid, u64 position, const phys_t *frames, u32 size)
{
	return read(fid, P9_READ, position, frames, size);
}

ssize_t p9_read_directory(struct p9_fid *fid, u64 position, phys_t frame)
{
	return read(fid, P9_READDIR, position, &frame, PAGE_SIZE);
}

bool p9_next_entry(struct p9_message *message, struct p9_entry *entry)
{
	if (message->at == message->end)
		return false;
	entry->qid = get_qid(message);
	entry->next = p9_get_u64(message);
	entry->type = p9_get_u8(message);
	entry->name = p9_get_text(message, &entry->length);
	return !message->bad;
}

ssize_t p9_write(struct p9_fid *fid, u64 position, const phys_t *frames, u32 size)
{
	struct p9_call call;
	u32 count = 0;
	int error;

	begin(&call, fid, P9_WRITE);
	p9_put_u64(&call.out, position);
	p9_put_u32(&call.out, size);
	p9_call_add_data(&call, frames, size);
	error = p9_call_run(&call);
	if (!error)
		count = p9_get_u32(&call.in);
	if (!error && (count == 0 || count > size))
		error = -EPROTO;
	error = p9_call_end(&call, error);
	return error ? error : (ssize_t)count;
}

int p9_sync(struct p9_fid *fid, bool data_only)
{
	struct p9_call call;

	begin(&call, fid, P9_FSYNC);
	p9_put_u32(&call.out, data_only);
	return ask(&call);
}

struct p9_fid *p9_open_xattr(struct p9_fid *fid, const char *name, u64 *size)
{
	struct p9_fid *to = p9_fid_alloc(fid->client);
	struct p9_call call;
	int error;

	if (!to)
		return ERR_PTR(-ENOMEM);
	begin(&call, fid, P9_XATTRWALK);
	p9_put_u32(&call.out, to->number);
	p9_put_text(&call.out, name, strlen(name));
	error = p9_call_run(&call);
	if (!error)
		*size = p9_get_u64(&call.in);
	error = p9_call_end(&call, error);
	if (!error)
		return to;
	p9_fid_free(to);
	return ERR_PTR(error);
}

int p9_create_xattr(struct p9_fid *fid, const char *name, u64 size, u32 flags)
{
	struct p9_call call;

	begin(&call, fid, P9_XATTRCREATE);
	p9_put_text(&call.out, name, strlen(name));
	p9_put_u64(&call.out, size);
	p9_put_u32(&call.out, flags);
	return ask(&call);
}
