/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths: references, look-ups by text, and back from a path to its name.
 */
#include "fs/fs_internal.h"

#include "lib/format.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/task.h"

void path_get(const struct path *path)
{
	mount_get(path->mount);
	dentry_get(path->dentry);
}

void path_put(const struct path *path)
{
	dentry_put(path->dentry);
	mount_put(path->mount);
}

int pathname_get(struct pathname *name, vaddr_t user)
{
	ssize_t length =
		strncpy_from_user(name->inline_text, (const char __user *)user, PATHNAME_INLINE);

	name->allocated = NULL;
	name->text = name->inline_text;
	if (length < 0)
		return (int)length;
	if (length < PATHNAME_INLINE)
		return 0;
	name->allocated = kmalloc(PATH_MAX);
	if (!name->allocated)
		return -ENOMEM;
	name->text = name->allocated;
	length = strncpy_from_user(name->allocated, (const char __user *)user, PATH_MAX);
	if (length >= 0 && length < PATH_MAX)
		return 0;
	kfree(name->allocated);
	name->allocated = NULL;
	return length < 0 ? (int)length : -ENAMETOOLONG;
}

static int lookup_walk(struct walk *walk, const char *text, u32 flags, struct path *result)
{
	int error = 0;

	if (!*text) {
		if (!(flags & LOOKUP_EMPTY))
			error = -ENOENT;
		else if (flags & LOOKUP_DIRECTORY && !S_ISDIR(path_inode(&walk->path)->mode))
			error = -ENOTDIR;
	} else {
		error = walk_whole(walk);
	}
	if (error) {
		walk_end(walk);
		return error;
	}
	*result = walk->path;
	walk_end_keeping_path(walk);
	return 0;
}

int path_lookup(int directory, const char *text, u32 flags, struct path *result)
{
	struct walk walk;
	int error;

	if (!*text && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	error = walk_begin(&walk, directory, text, flags | LOOKUP_WHOLE);
	return error ? error : lookup_walk(&walk, text, flags, result);
}

int path_lookup_from(const struct path *start, const char *text, u32 flags, struct path *result)
{
	struct walk walk;

	walk_begin_at(&walk, start, text, flags);
	return lookup_walk(&walk, text, flags, result);
}

int path_lookup_user(int directory, vaddr_t text, u32 flags, struct path *result)
{
	struct pathname name;
	int error = pathname_get(&name, text);

	if (error)
		return error;
	error = path_lookup(directory, name.text, flags, result);
	pathname_put(&name);
	return error;
}

/* A text that grows towards lower addresses. */
struct name_builder {
	char *start; /* of the buffer */
	char *at;    /* of the text so far */
	bool full;
};

static void prepend(struct name_builder *builder, const char *text, size_t length)
{
	if (builder->full || (size_t)(builder->at - builder->start) < length) {
		builder->full = true;
		return;
	}
	builder->at -= length;
	memcpy(builder->at, text, length);
}

/* move_lock and mount_lock held.  Whether the walk up ended at `root`. */
static bool build_name(struct name_builder *builder, const struct path *path,
		       const struct path *root)
{
	const struct mount *mount = path->mount;
	const struct dentry *dentry = path->dentry;

	while (mount != root->mount || dentry != root->dentry) {
		if (dentry == mount->root) {
			if (!mount->parent)
				return false;
			dentry = mount->mountpoint;
			mount = mount->parent;
			continue;
		}
		if (dentry->parent == dentry)
			return false;
		prepend(builder, dentry->text, dentry->length);
		prepend(builder, "/", 1);
		dentry = dentry->parent;
	}
	return true;
}

static char *describe(const struct path *path, char *buffer, size_t size)
{
	int length = path->dentry->ops->describe(path->dentry, buffer, size);

	return length < 0 || (size_t)length >= size ? ERR_PTR(-ENAMETOOLONG) : buffer;
}

char *path_name_from(const struct path *path, const struct path *root, char *buffer, size_t size,
		     bool *reached)
{
	struct name_builder builder = {buffer, buffer + size, false};

	*reached = true;
	if (path->dentry->ops && path->dentry->ops->describe && path->dentry->flags & DENTRY_ROOT)
		return describe(path, buffer, size);
	prepend(&builder, "", 1);
	spin_lock(dentry_move_lock());
	spin_lock(mount_tree_lock());
	if (!(path->dentry->flags & (DENTRY_HASHED | DENTRY_ROOT)))
		prepend(&builder, " (deleted)", 10);
	char *before = builder.at;

	*reached = build_name(&builder, path, root);
	if (builder.at == before)
		prepend(&builder, "/", 1);
	spin_unlock(mount_tree_lock());
	spin_unlock(dentry_move_lock());
	return builder.full ? ERR_PTR(-ENAMETOOLONG) : builder.at;
}

char *path_name(const struct path *path, char *buffer, size_t size)
{
	struct path root;
	bool reached;
	char *name;

	fs_context_root(current->fs, &root);
	name = path_name_from(path, &root, buffer, size, &reached);
	path_put(&root);
	return name;
}

ssize_t path_readlink(const struct path *path, char *buffer, size_t size)
{
	struct inode *inode = path_inode(path);
	struct link_target target = {0};
	size_t length;
	int error = 0;

	if (!S_ISLNK(inode->mode))
		return -EINVAL;
	inode_accessed(path->mount, inode);
	if (inode->ops && inode->ops->readlink)
		return inode->ops->readlink(path->dentry, buffer, size);
	if (inode->ops && inode->ops->get_link)
		error = inode->ops->get_link(path->dentry, inode, &target);
	if (error)
		return error;
	if (target.jump.dentry) {
		char *name = path_name(&target.jump, buffer, size);

		path_put(&target.jump);
		if (IS_ERR(name))
			return PTR_ERR(name);
		length = strlen(name);
		memmove(buffer, name, length);
		return (ssize_t)length;
	}
	if (!target.text)
		target.text = target.allocated ? target.allocated : inode->link_text;
	if (!target.text)
		return -EINVAL;
	length = MIN(strlen(target.text), size);
	memcpy(buffer, target.text, length);
	kfree(target.allocated);
	return (ssize_t)length;
}
