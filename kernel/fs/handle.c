/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File handles: files found by number and generation (name_to_handle_at(2)).
 *
 * A file system takes part when its superblock operations have find_number.  A handle leads to an
 * inode, but an open file needs a dentry.  A directory gets the one in the tree: from it the way up
 * to the root is noted, ".." by "..", then walked down again, each name found by listing its parent
 * for the number of the child.  Any other file gets a dentry of its own without a name, as the
 * handle does not tell which of its names is meant.
 *
 * superblock->rename_lock is held on the way up and down, so no directory moves; one that is removed
 * meanwhile makes the handle stale.
 */
#include "fs/handle.h"

#include "fs/fs_internal.h"
#include "fs/notify.h"
#include "lib/string.h"

/* The most directories above one that is looked for. */
enum { DEPTH_MAX = 1024, NUMBER_TYPE = 1 };

int handle_of(struct inode *inode, struct linux_file_handle *handle)
{
	const struct superblock_operations *ops = inode->superblock->ops;

	if (!ops->find_number)
		return -EOPNOTSUPP;
	if (ops->keep_number)
		ops->keep_number(inode);
	*handle = (struct linux_file_handle){
		.bytes = FILE_HANDLE_BYTES,
		.type = NUMBER_TYPE,
		.generation = ops->generation ? ops->generation(inode) : 0,
		.number_low = (u32)inode->ino,
		.number_high = (u32)(inode->ino >> 32),
	};
	return 0;
}

/* --- Looking through a directory --- */

struct search {
	struct dir_context context;
	ino_t wanted;    /* 0: that of ".." is asked for */
	ino_t above;     /* of ".." */
	bool done;       /* found */
	u32 name_length; /* of the wanted one */
	char name[NAME_MAX];
};

static bool look(struct dir_context *context, const char *name, size_t length, ino_t ino,
		 unsigned type __unused)
{
	struct search *search = container_of(context, struct search, context);
	bool above = length == 2 && name[0] == '.' && name[1] == '.';

	if (above)
		search->above = ino;
	if (above ? search->wanted == 0 : ino == search->wanted) {
		if (length == 1 && name[0] == '.')
			return true;
		search->name_length = (u32)length;
		memcpy(search->name, name, length);
		search->done = true;
	}
	return !search->done;
}

/* Lists the directory until `search` has what it looks for; -ESTALE when that is not there. */
static int search_directory(const struct path *path, struct search *search)
{
	struct file *file = file_open_quiet(path, O_RDONLY | O_DIRECTORY);
	int error;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	error = file->ops->readdir ? 0 : -ESTALE;
	if (!error) {
		search->context.emit = look;
		rwlock_read_lock(&file->inode->lock);
		if (!(file->inode->flags & INODE_DEAD))
			error = file->ops->readdir(file, &search->context);
		rwlock_read_unlock(&file->inode->lock);
	}
	file_put(file);
	return error ? error : search->done ? 0 : -ESTALE;
}

/* --- Directories --- */

/* The dentry of `child`, a directory in `parent`: referenced, or ERR_PTR. */
static struct dentry *down_to(const struct path *parent, struct inode *child, struct search *search)
{
	struct inode *directory = path_inode(parent);
	struct dentry *found;
	int error;

	*search = (struct search){.wanted = child->ino};
	error = search_directory(parent, search);
	if (error)
		return ERR_PTR(error);
	struct name name = name_of(search->name, search->name_length);
	rwlock_read_lock(&directory->lock);
	found = dentry_lookup_locked(parent->dentry, &name);
	rwlock_read_unlock(&directory->lock);
	if (!IS_ERR(found) && dentry_inode(found) != child) {
		dentry_put(found);
		return ERR_PTR(-ESTALE);
	}
	return found;
}

/* The directory above, referenced; ERR_PTR. */
static struct inode *above(struct mount *mount, struct inode *directory, struct search *search)
{
	struct superblock *superblock = mount->superblock;
	struct path path = {.mount = mount};
	int error;

	if (superblock->ops->parent)
		return superblock->ops->parent(directory);
	path.dentry = dentry_alloc_root(superblock, inode_get(directory));
	if (!path.dentry) {
		inode_put(directory);
		return ERR_PTR(-ENOMEM);
	}
	*search = (struct search){.wanted = 0};
	error = search_directory(&path, search);
	dentry_put(path.dentry);
	return error ? ERR_PTR(error) : superblock->ops->find_number(superblock, search->above, 0);
}

/* A directory on the way up. */
struct step {
	struct step *below;
	struct inode *inode; /* referenced */
};

static void drop_steps(struct step *step)
{
	while (step) {
		struct step *below = step->below;

		inode_put(step->inode);
		kfree(step);
		step = below;
	}
}

/* All directories from `inode`, whose reference it takes over, up to the root's child in *top. */
static int climb(struct mount *mount, struct inode *inode, struct search *search, struct step **top)
{
	const struct inode *root = dentry_inode(mount->superblock->root);

	for (unsigned depth = 0; inode != root; depth++) {
		struct step *step = depth < DEPTH_MAX ? kzalloc(sizeof(*step)) : NULL;

		if (!step) {
			inode_put(inode);
			return -ENOMEM;
		}
		*step = (struct step){.below = *top, .inode = inode};
		*top = step;
		inode = above(mount, inode, search);
		if (IS_ERR(inode))
			return (int)PTR_ERR(inode);
	}
	inode_put(inode);
	return 0;
}

/* The dentry of a directory, whose reference it takes over. */
static struct dentry *connect(struct mount *mount, struct inode *inode)
{
	struct superblock *superblock = mount->superblock;
	struct search *search = kzalloc(sizeof(*search));
	struct path at = {mount, dentry_get(superblock->root)};
	struct step *top = NULL;

	if (!search) {
		inode_put(inode);
		dentry_put(at.dentry);
		return ERR_PTR(-ENOMEM);
	}
	mutex_lock(&superblock->rename_lock);
	int error = climb(mount, inode, search, &top);
	for (const struct step *step = top; !error && step; step = step->below) {
		struct dentry *next = down_to(&at, step->inode, search);

		if (IS_ERR(next)) {
			error = (int)PTR_ERR(next);
			break;
		}
		dentry_put(at.dentry);
		at.dentry = next;
	}
	mutex_unlock(&superblock->rename_lock);
	drop_steps(top);
	kfree(search);
	if (!error)
		return at.dentry;
	dentry_put(at.dentry);
	return ERR_PTR(error);
}

int handle_path(struct mount *mount, const struct file_handle *handle, struct path *result)
{
	struct superblock *superblock = mount->superblock;
	struct dentry *dentry;
	struct inode *inode;

	if (!superblock->ops->find_number || handle->type != NUMBER_TYPE)
		return -ESTALE;
	inode = superblock->ops->find_number(superblock, handle->number, handle->generation);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	if (S_ISDIR(inode->mode)) {
		dentry = connect(mount, inode);
	} else {
		dentry = dentry_alloc_root(superblock, inode);
		if (!dentry) {
			inode_put(inode);
			dentry = ERR_PTR(-ENOMEM);
		}
	}
	if (IS_ERR(dentry))
		return (int)PTR_ERR(dentry);
	*result = (struct path){mount, dentry};
	path_get(result);
	dentry_put(dentry);
	return 0;
}
