/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs directories: entries in two trees, and the operations on names.
 *
 * Listing goes from the newest entry to the oldest, so that names made meanwhile do not appear and
 * the walk ends.  The position of an entry is FIRST_POSITION + LAST_COOKIE - cookie, which ascends
 * that way.  A directory's size is 20 bytes an entry, which is what Linux shows.
 */
#include "fs/tmpfs/tmpfs_internal.h"

#include "lib/string.h"

#define FIRST_POSITION ((off_t)2)
#define LAST_COOKIE    ((u64)INT64_MAX - 2)
enum { ENTRY_SIZE = 20 };

static off_t position_of(u64 cookie)
{
	return FIRST_POSITION + (off_t)(LAST_COOKIE - cookie);
}

static int compare(const struct tmpfs_entry *entry, u32 hash, const char *text, u32 length)
{
	if (hash != entry->hash)
		return hash < entry->hash ? -1 : 1;
	if (length != entry->length)
		return length < entry->length ? -1 : 1;
	return memcmp(text, entry->text, length);
}

static struct tmpfs_entry *find(struct tmpfs_inode *directory, const struct dentry *dentry)
{
	struct rb_node *at = directory->names.top;

	while (at) {
		struct tmpfs_entry *entry = rb_entry(at, struct tmpfs_entry, by_name);
		int order = compare(entry, dentry->hash, dentry->text, dentry->length);

		if (order == 0)
			return entry;
		at = order < 0 ? at->left : at->right;
	}
	return NULL;
}

static struct tmpfs_entry *entry_alloc(const struct dentry *dentry)
{
	struct tmpfs_entry *entry = kmalloc(sizeof(*entry) + dentry->length);

	if (!entry)
		return NULL;
	entry->hash = dentry->hash;
	entry->length = dentry->length;
	memcpy(entry->text, dentry->text, dentry->length);
	return entry;
}

/* Links an entry with a new cookie; takes over the inode's reference. */
static void entry_insert(struct tmpfs_inode *directory, struct tmpfs_entry *entry,
			 struct inode *inode)
{
	struct rb_node **link = &directory->names.top, *parent = NULL;

	entry->inode = inode;
	while (*link) {
		const struct tmpfs_entry *other = rb_entry(*link, struct tmpfs_entry, by_name);

		parent = *link;
		link = compare(other, entry->hash, entry->text, entry->length) < 0 ? &parent->left
										   : &parent->right;
	}
	rb_insert(&directory->names, &entry->by_name, parent, link);
	entry->cookie = directory->next_cookie++;
	/* The greatest so far: at the right end. */
	parent = NULL;
	for (link = &directory->cookies.top; *link; link = &parent->right)
		parent = *link;
	rb_insert(&directory->cookies, &entry->by_cookie, parent, link);
	directory->inode.size += ENTRY_SIZE;
}

/* Unlinks and frees; the inode's reference is the caller's then. */
static struct inode *entry_remove(struct tmpfs_inode *directory, struct tmpfs_entry *entry)
{
	struct inode *inode = entry->inode;

	rb_erase(&directory->names, &entry->by_name);
	rb_erase(&directory->cookies, &entry->by_cookie);
	directory->inode.size -= ENTRY_SIZE;
	kfree(entry);
	return inode;
}

/* Deep trees must not cost stack, so this goes down and up by hand. */
void tmpfs_directory_empty(struct inode *inode)
{
	struct tmpfs_inode *top = tmpfs_inode(inode), *at = top;

	for (;;) {
		struct rb_node *node = rb_first(&at->cookies);
		struct tmpfs_entry *entry;

		if (!node) {
			if (at == top)
				break;
			at = at->parent;
			continue;
		}
		entry = rb_entry(node, struct tmpfs_entry, by_cookie);
		if (S_ISDIR(entry->inode->mode) && !rb_is_empty(&tmpfs_inode(entry->inode)->names))
			at = tmpfs_inode(entry->inode);
		else
			inode_put(entry_remove(at, entry));
	}
}

static int lookup(struct inode *directory, struct dentry *dentry)
{
	struct tmpfs_entry *entry = find(tmpfs_inode(directory), dentry);

	if (entry)
		dentry_instantiate(dentry, inode_get(entry->inode));
	return 0;
}

/* Names a fresh inode: the entry takes the reference, the dentry another. */
static int add(struct inode *directory, struct dentry *dentry, struct inode *inode)
{
	struct tmpfs_entry *entry = entry_alloc(dentry);

	if (!entry) {
		inode_put(inode);
		return -ENOMEM;
	}
	entry_insert(tmpfs_inode(directory), entry, inode);
	inode_touch(directory, ATTR_MTIME | ATTR_CTIME);
	dentry_instantiate(dentry, inode_get(inode));
	return 0;
}

static int create(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device)
{
	struct inode *inode = tmpfs_inode_create(directory->superblock, directory, mode, device);

	return IS_ERR(inode) ? (int)PTR_ERR(inode) : add(directory, dentry, inode);
}

static int mkdir(struct inode *directory, struct dentry *dentry, mode_t mode)
{
	struct inode *inode = tmpfs_inode_create(directory->superblock, directory, mode, 0);
	int error;

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	error = add(directory, dentry, inode);
	if (!error)
		inode_change_nlink(directory, 1);
	return error;
}

static int symlink(struct inode *directory, struct dentry *dentry, const char *target)
{
	char *text = kstrdup(target);
	struct inode *inode;

	if (!text)
		return -ENOMEM;
	inode = tmpfs_inode_create(directory->superblock, directory, S_IFLNK | S_IRWXUGO, 0);
	if (IS_ERR(inode)) {
		kfree(text);
		return (int)PTR_ERR(inode);
	}
	inode->link_text = text;
	inode->size = (off_t)strlen(text);
	return add(directory, dentry, inode);
}

static int link(struct inode *directory, struct dentry *dentry, struct inode *inode)
{
	struct tmpfs_entry *entry = entry_alloc(dentry);
	int error;

	if (!entry)
		return -ENOMEM;
	error = tmpfs_charge_name(inode);
	if (error) {
		kfree(entry);
		return error;
	}
	entry_insert(tmpfs_inode(directory), entry, inode_get(inode));
	inode_change_nlink(inode, 1);
	inode->flags &= ~(u32)INODE_LINKABLE;
	inode_touch(directory, ATTR_MTIME | ATTR_CTIME);
	dentry_instantiate(dentry, inode_get(inode));
	return 0;
}

static int unlink(struct inode *directory, struct dentry *dentry)
{
	struct tmpfs_entry *entry = find(tmpfs_inode(directory), dentry);
	struct inode *inode;

	if (!entry)
		return -ENOENT;
	inode = entry_remove(tmpfs_inode(directory), entry);
	tmpfs_uncharge_name(inode);
	inode_change_nlink(inode, -1);
	inode_touch(directory, ATTR_MTIME | ATTR_CTIME);
	inode_put(inode);
	return 0;
}

static int rmdir(struct inode *directory, struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	int error;

	if (!rb_is_empty(&tmpfs_inode(inode)->names))
		return -ENOTEMPTY;
	error = unlink(directory, dentry);
	if (error)
		return error;
	inode_change_nlink(inode, -1);
	inode_change_nlink(directory, -1);
	return 0;
}

static int tmpfile(struct inode *directory, mode_t mode, struct inode **result)
{
	struct inode *inode = tmpfs_inode_create(directory->superblock, directory, mode, 0);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode->nlink = 0;
	*result = inode;
	return 0;
}

/* A moved directory's ".." counts with its new parent. */
static void move_parent(struct inode *moved, struct inode *from, struct inode *to)
{
	if (!S_ISDIR(moved->mode) || from == to)
		return;
	inode_change_nlink(from, -1);
	inode_change_nlink(to, 1);
	tmpfs_inode(moved)->parent = tmpfs_inode(to);
}

static int exchange(struct inode *from_directory, struct tmpfs_entry *from,
		    struct inode *to_directory, struct tmpfs_entry *to)
{
	struct inode *moved = from->inode, *back = to->inode;

	from->inode = back;
	to->inode = moved;
	move_parent(moved, from_directory, to_directory);
	move_parent(back, to_directory, from_directory);
	inode_touch(moved, ATTR_CTIME);
	inode_touch(back, ATTR_CTIME);
	return 0;
}

/* What a rename needs beside what is there: all of it is got before the first change. */
struct rename_stock {
	struct tmpfs_entry *to_entry;   /* for the new name */
	struct tmpfs_entry *from_entry; /* for the whiteout */
	struct inode *whiteout;
};

static int stock_get(struct rename_stock *stock, struct inode *directory, const struct dentry *from,
		     const struct dentry *to, bool whiteout)
{
	*stock = (struct rename_stock){.to_entry = entry_alloc(to)};
	if (!stock->to_entry)
		return -ENOMEM;
	if (!whiteout)
		return 0;
	stock->from_entry = entry_alloc(from);
	stock->whiteout = tmpfs_inode_create(directory->superblock, directory, S_IFCHR, 0);
	if (stock->from_entry && !IS_ERR(stock->whiteout))
		return 0;
	kfree(stock->to_entry);
	kfree(stock->from_entry);
	if (IS_ERR(stock->whiteout))
		return (int)PTR_ERR(stock->whiteout);
	inode_put(stock->whiteout);
	return -ENOMEM;
}

/* The name `to` ceases to be what it was. */
static void replace_target(struct inode *to_directory, struct tmpfs_entry *entry)
{
	bool is_directory = S_ISDIR(entry->inode->mode);
	struct inode *inode = entry_remove(tmpfs_inode(to_directory), entry);

	tmpfs_uncharge_name(inode);
	inode_change_nlink(inode, is_directory ? -2 : -1);
	if (is_directory)
		inode_change_nlink(to_directory, -1);
	inode_put(inode);
}

static int rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		  struct dentry *to, unsigned flags)
{
	struct tmpfs_entry *source = find(tmpfs_inode(from_directory), from);
	struct tmpfs_entry *target = find(tmpfs_inode(to_directory), to);
	struct rename_stock stock;
	struct inode *moved;
	int error;

	if (!source)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE) {
		error = target ? exchange(from_directory, source, to_directory, target) : -ENOENT;
		goto out;
	}
	if (target && S_ISDIR(target->inode->mode) &&
	    !rb_is_empty(&tmpfs_inode(target->inode)->names))
		return -ENOTEMPTY;
	error = stock_get(&stock, from_directory, from, to, flags & RENAME_WHITEOUT);
	if (error)
		return error;
	if (target)
		replace_target(to_directory, target);
	moved = entry_remove(tmpfs_inode(from_directory), source);
	entry_insert(tmpfs_inode(to_directory), stock.to_entry, moved);
	if (stock.from_entry)
		entry_insert(tmpfs_inode(from_directory), stock.from_entry, stock.whiteout);
	move_parent(moved, from_directory, to_directory);
	inode_touch(moved, ATTR_CTIME);
out:
	if (!error) {
		inode_touch(from_directory, ATTR_MTIME | ATTR_CTIME);
		inode_touch(to_directory, ATTR_MTIME | ATTR_CTIME);
	}
	return error;
}

const struct inode_operations tmpfs_directory_inode_ops = {
	.lookup = lookup,
	.create = create,
	.mkdir = mkdir,
	.symlink = symlink,
	.link = link,
	.unlink = unlink,
	.rmdir = rmdir,
	.rename = rename,
	.tmpfile = tmpfile,
	.get_status = tmpfs_get_status,
};

/* The newest entry whose position is not before the given one. */
static struct tmpfs_entry *entry_at(struct tmpfs_inode *directory, off_t position)
{
	u64 most = LAST_COOKIE - (u64)(position - FIRST_POSITION);
	struct rb_node *at = directory->cookies.top;
	struct tmpfs_entry *best = NULL;

	while (at) {
		struct tmpfs_entry *entry = rb_entry(at, struct tmpfs_entry, by_cookie);

		if (entry->cookie <= most) {
			best = entry;
			at = at->right;
		} else {
			at = at->left;
		}
	}
	return best;
}

static int readdir(struct file *file, struct dir_context *context)
{
	struct tmpfs_inode *directory = tmpfs_inode(file->inode);
	struct tmpfs_entry *entry;

	if (context->position < 0 || !dir_emit_dots(file, context))
		return 0;
	entry = entry_at(directory, context->position);
	while (entry) {
		struct rb_node *older = rb_prev(&entry->by_cookie);

		context->position = position_of(entry->cookie);
		if (!dir_emit(context, entry->text, entry->length, entry->inode->ino,
			      (entry->inode->mode & S_IFMT) >> 12))
			return 0;
		context->position++;
		entry = older ? rb_entry(older, struct tmpfs_entry, by_cookie) : NULL;
	}
	return 0;
}

static int sync_directory(struct file *file __unused, off_t start __unused, off_t end __unused,
			  bool data_only __unused)
{
	return 0;
}

const struct file_operations tmpfs_directory_ops = {
	.readdir = readdir,
	.seek = file_seek_directory,
	.fsync = sync_directory,
	.ioctl = tmpfs_control,
};
