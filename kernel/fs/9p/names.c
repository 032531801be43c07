/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of the host, and what its files tell of themselves, as the VFS wants it.
 *
 * Names die with their last user, so that the next one asks the server again.
 */
#include "fs/9p/p9_internal.h"

#include "arch/mmu.h"
#include "fs/device.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"

/* --- Names --- */

/* The server has the name, or not: so has the dentry. */
static int find(struct inode *directory, struct dentry *dentry)
{
	struct p9_fid *parent = p9_inode_fid(directory), *fid;
	struct inode *inode;

	fid = p9_walk(parent, dentry->text, dentry->length);
	p9_fid_put(parent);
	if (IS_ERR(fid))
		return PTR_ERR(fid) == -ENOENT ? 0 : (int)PTR_ERR(fid);
	inode = p9_inode_find(directory->superblock, fid);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	dentry_instantiate(dentry, inode);
	return 0;
}

static int lookup(struct inode *directory, struct dentry *dentry)
{
	spin_lock(&dentry->lock);
	dentry->flags |= DENTRY_NO_CACHE;
	spin_unlock(&dentry->lock);
	return find(directory, dentry);
}

/* After something was made under a name. */
static int made(struct inode *directory, struct dentry *dentry, int error)
{
	if (!error)
		error = find(directory, dentry);
	if (!error && !dentry_inode(dentry))
		error = -ENOENT;
	return error;
}

/* The group of a new file, as set-group-id directories hand it down. */
static u32 group_for(const struct inode *directory)
{
	return directory->mode & S_ISGID ? directory->gid : current_credentials()->fsgid;
}

static int create(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device)
{
	struct p9_fid *parent = p9_inode_fid(directory), *opened;
	u32 group = group_for(directory);
	int error;

	if (!S_ISREG(mode)) {
		error = p9_make_node(parent, dentry->text, dentry->length, mode,
				     device_major(device), device_minor(device), group);
	} else {
		/* The fid becomes that of the new file, open: that is left to the open. */
		opened = p9_walk(parent, NULL, 0);
		error = IS_ERR(opened)
				? (int)PTR_ERR(opened)
				: p9_create(opened, dentry->text, dentry->length,
					    O_CREAT | O_EXCL | O_RDWR, mode & S_IALLUGO, group);
		if (!IS_ERR(opened))
			p9_fid_put(opened);
	}
	p9_fid_put(parent);
	return made(directory, dentry, error);
}

static int make_directory(struct inode *directory, struct dentry *dentry, mode_t mode)
{
	struct p9_fid *parent = p9_inode_fid(directory);
	int error = p9_make_directory(parent, dentry->text, dentry->length, mode & S_IALLUGO,
				      group_for(directory));

	p9_fid_put(parent);
	if (!error)
		inode_change_nlink(directory, 1);
	return made(directory, dentry, error);
}

static int make_link(struct inode *directory, struct dentry *dentry, const char *target)
{
	struct p9_fid *parent = p9_inode_fid(directory);
	int error =
		p9_make_link(parent, dentry->text, dentry->length, target, group_for(directory));

	p9_fid_put(parent);
	return made(directory, dentry, error);
}

static int link(struct inode *directory, struct dentry *dentry, struct inode *inode)
{
	struct p9_fid *parent = p9_inode_fid(directory), *file = p9_inode_fid(inode);
	int error = p9_link(parent, dentry->text, dentry->length, file);

	p9_fid_put(file);
	p9_fid_put(parent);
	return made(directory, dentry, error);
}

static int remove(struct inode *directory, struct dentry *dentry, bool is_directory)
{
	struct p9_fid *parent = p9_inode_fid(directory);
	int error = p9_unlink(parent, dentry->text, dentry->length, is_directory);

	p9_fid_put(parent);
	if (error)
		return error;
	inode_change_nlink(dentry_inode(dentry), is_directory ? -2 : -1);
	if (is_directory)
		inode_change_nlink(directory, -1);
	return 0;
}

static int unlink(struct inode *directory, struct dentry *dentry)
{
	return remove(directory, dentry, false);
}

static int remove_directory(struct inode *directory, struct dentry *dentry)
{
	return remove(directory, dentry, true);
}

static int rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		  struct dentry *to, unsigned flags)
{
	struct p9_fid *source, *target;
	int error;

	/* The protocol has no other; that nothing is there has been looked at. */
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL;
	source = p9_inode_fid(from_directory);
	target = p9_inode_fid(to_directory);
	error = p9_rename(source, from->text, from->length, target, to->text, to->length);
	p9_fid_put(target);
	p9_fid_put(source);
	if (!error && dentry_inode(to))
		inode_change_nlink(dentry_inode(to), S_ISDIR(dentry_inode(to)->mode) ? -2 : -1);
	return error;
}

/* --- Reading directories --- */

static int open_directory(struct inode *inode, struct file *file)
{
	struct p9_fid *fid = p9_inode_fid(inode), *opened = p9_walk(fid, NULL, 0);
	int error = IS_ERR(opened) ? (int)PTR_ERR(opened) : p9_open(opened, O_RDONLY | O_DIRECTORY);

	p9_fid_put(fid);
	if (!error)
		file->private = opened;
	else if (!IS_ERR(opened))
		p9_fid_put(opened);
	return error;
}

static void release_directory(struct file *file)
{
	p9_fid_put(file->private);
}

static bool is_name(const struct p9_entry *entry)
{
	return entry->length > 0 && entry->length <= NAME_MAX &&
	       !memchr(entry->name, '/', entry->length) && !memchr(entry->name, 0, entry->length);
}

/* Hands the entries of one answer over: 1 when there may be more, 0 when there is no more room. */
static int emit_entries(struct dir_context *context, const void *entries, size_t size)
{
	struct p9_message message = p9_message_at((void *)entries, size);
	struct p9_entry entry;

	while (p9_next_entry(&message, &entry)) {
		if ((off_t)entry.next < 0)
			return -EPROTO;
		if (is_name(&entry) &&
		    !dir_emit(context, entry.name, entry.length, entry.qid.path, entry.type))
			return 0;
		context->position = (off_t)entry.next;
	}
	return message.bad ? -EPROTO : 1;
}

static int readdir(struct file *file, struct dir_context *context)
{
	phys_t frame = frame_alloc();
	int result = frame ? 1 : -ENOMEM;

	while (result > 0) {
		off_t before = context->position;
		ssize_t size = p9_read_directory(file->private, (u64)before, frame);

		if (size <= 0) {
			result = (int)size;
			break;
		}
		result = emit_entries(context, phys_to_virt(frame), (size_t)size);
		if (result > 0 && context->position == before)
			result = -EPROTO;
	}
	if (frame)
		frame_free(frame);
	return result;
}

static int sync_directory(struct file *file, off_t start __unused, off_t end __unused,
			  bool data_only)
{
	return p9_sync(file->private, data_only);
}

const struct file_operations p9_directory_ops = {
	.open = open_directory,
	.release = release_directory,
	.readdir = readdir,
	.fsync = sync_directory,
};

/* --- Attributes --- */

static int get_status(const struct path *path __unused, struct inode *inode,
		      struct file_status *status)
{
	struct p9_attributes attributes;
	int error = p9_inode_refresh(inode, &attributes);

	/* Gone from the host: what is known of it, as of any file that was removed. */
	if (error == -ENOENT || error == -ESTALE) {
		status->nlink = 0;
		return 0;
	}
	if (error)
		return error;
	status->mode = inode->mode;
	status->nlink = (u32)attributes.links;
	status->uid = attributes.uid;
	status->gid = attributes.gid;
	status->size = (u64)inode_size(inode);
	status->block_size = (u32)MIN(attributes.block_size, (u64)UINT32_MAX);
	status->blocks = attributes.blocks;
	status->atime = p9_vfs_time(attributes.atime);
	status->mtime = p9_vfs_time(attributes.mtime);
	status->ctime = p9_vfs_time(attributes.ctime);
	return 0;
}

static struct p9_time to_server(struct vfs_time time)
{
	return (struct p9_time){(u64)time.seconds, time.nanoseconds};
}

static int change_on_server(struct inode *inode, const struct attr_change *change)
{
	static const struct {
		u32 ours, theirs;
	} bits[] = {
		{ATTR_MODE, P9_SET_MODE},
		{ATTR_UID, P9_SET_UID},
		{ATTR_GID, P9_SET_GID},
		{ATTR_SIZE, P9_SET_SIZE},
		{ATTR_ATIME, P9_SET_ATIME | P9_SET_ATIME_GIVEN},
		{ATTR_MTIME, P9_SET_MTIME | P9_SET_MTIME_GIVEN},
	};
	struct p9_change wanted = {
		.mode = change->mode & S_IALLUGO,
		.uid = change->uid,
		.gid = change->gid,
		.size = (u64)change->size,
		.atime = to_server(change->atime),
		.mtime = to_server(change->mtime),
	};
	struct p9_fid *fid;
	int error;

	for (u32 i = 0; i < ARRAY_SIZE(bits); i++)
		if (change->valid & bits[i].ours)
			wanted.valid |= bits[i].theirs;
	if (wanted.valid == 0)
		return 0;
	fid = p9_inode_fid(inode);
	error = p9_set_attributes(fid, &wanted);
	p9_fid_put(fid);
	return error;
}

static int set_attributes(struct inode *inode, const struct attr_change *change)
{
	struct p9_inode *p9 = p9_inode(inode);
	bool resize = change->valid & ATTR_SIZE && inode->flags & INODE_PAGE_CACHE;
	int error;

	/* No page is written behind an end that has just moved. */
	if (resize)
		mutex_lock(&p9->write_back_lock);
	error = change_on_server(inode, change);
	if (!error)
		inode_apply_change(inode, change);
	if (!error && resize)
		page_cache_truncate(&inode->cache, (u64)change->size);
	if (resize)
		mutex_unlock(&p9->write_back_lock);
	return error;
}

/* --- Extended attributes --- */

/* Reads `size` bytes of an open attribute. */
static int read_xattr(struct p9_fid *fid, char *to, size_t size)
{
	phys_t frame = frame_alloc();
	int error = frame ? 0 : -ENOMEM;
	size_t done = 0;

	while (!error && done < size) {
		ssize_t got = p9_read(fid, done, &frame, (u32)MIN(size - done, (size_t)PAGE_SIZE));

		if (got > 0)
			memcpy(to + done, phys_to_virt(frame), (size_t)got);
		error = got < 0 ? (int)got : got == 0 ? -EPROTO : 0;
		done += got > 0 ? (size_t)got : 0;
	}
	if (frame)
		frame_free(frame);
	return error;
}

/* The attribute's fid and size; ERR_PTR. */
static struct p9_fid *open_xattr(struct inode *inode, const char *name, u64 *size)
{
	struct p9_fid *fid = p9_inode_fid(inode), *xattr = p9_open_xattr(fid, name, size);

	p9_fid_put(fid);
	return xattr;
}

static ssize_t get_xattr(struct inode *inode, const char *name, void *value, size_t size)
{
	u64 length;
	struct p9_fid *fid = open_xattr(inode, name, &length);
	int error = 0;

	if (IS_ERR(fid))
		return PTR_ERR(fid);
	if (size != 0)
		error = length > size ? -ERANGE : read_xattr(fid, value, length);
	p9_fid_put(fid);
	return error ? error : (ssize_t)length;
}

static int list_xattrs(struct inode *inode, void (*function)(void *context, const char *name),
		       void *context)
{
	enum { LIST_MAX = 65536 };
	u64 length;
	struct p9_fid *fid = open_xattr(inode, "", &length);
	char *names;
	int error;

	if (IS_ERR(fid))
		return PTR_ERR(fid) == -EOPNOTSUPP ? 0 : (int)PTR_ERR(fid);
	names = length < LIST_MAX ? kzalloc(length + 1) : NULL;
	error = length >= LIST_MAX ? -E2BIG : !names ? -ENOMEM : read_xattr(fid, names, length);
	for (size_t at = 0; !error && at < length; at += strlen(names + at) + 1)
		function(context, names + at);
	kfree(names);
	p9_fid_put(fid);
	return error;
}

/* Writes the bytes of an attribute to an open fid. */
static int write_xattr(struct p9_fid *fid, const char *from, size_t size)
{
	phys_t frame = frame_alloc();
	int error = frame ? 0 : -ENOMEM;
	size_t done = 0;

	while (!error && done < size) {
		size_t part = MIN(size - done, (size_t)PAGE_SIZE);
		ssize_t written;

		memcpy(phys_to_virt(frame), from + done, part);
		written = p9_write(fid, done, &frame, (u32)part);
		error = written < 0 ? (int)written : 0;
		done += written > 0 ? (size_t)written : 0;
	}
	if (frame)
		frame_free(frame);
	return error;
}

/* The protocol has no attributes without bytes: those are removed. */
static int set_xattr(struct inode *inode, const char *name, const void *value, size_t size,
		     int flags)
{
	struct p9_fid *fid, *xattr;
	int error, closed;

	if (value && size == 0)
		return -EOPNOTSUPP;
	fid = p9_inode_fid(inode);
	xattr = p9_walk(fid, NULL, 0);
	p9_fid_put(fid);
	if (IS_ERR(xattr))
		return (int)PTR_ERR(xattr);
	error = p9_create_xattr(xattr, name, size, (u32)flags);
	if (!error && value)
		error = write_xattr(xattr, value, size);
	closed = p9_fid_close(xattr);
	return error ? error : closed;
}

const struct inode_operations p9_directory_inode_ops = {
	.lookup = lookup,
	.create = create,
	.mkdir = make_directory,
	.symlink = make_link,
	.link = link,
	.unlink = unlink,
	.rmdir = remove_directory,
	.rename = rename,
	.get_status = get_status,
	.status_sleeps = true,
	.set_attributes = set_attributes,
	.get_xattr = get_xattr,
	.list_xattrs = list_xattrs,
	.set_xattr = set_xattr,
};
const struct inode_operations p9_inode_ops = {
	.get_status = get_status,
	.status_sleeps = true,
	.set_attributes = set_attributes,
	.get_xattr = get_xattr,
	.list_xattrs = list_xattrs,
	.set_xattr = set_xattr,
};
