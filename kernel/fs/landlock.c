/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Landlock: what the layers of a domain (proc/landlock.h) say of a path.
 *
 * A layer allows a right on a file when one of its rules does, for the file or a directory above it,
 * through mounts up to the root.  So one walk up collects, for each right, which layers still refuse:
 * all that handle it at first, and a layer leaves with the first rule that allows.
 *
 * Moving a file must not give anybody more rights on it: on the way from one directory to another,
 * whatever was refused on the file before has to be refused behind it too.  The right to move between
 * directories at all is refused by every layer that does not give it, handled or not.
 *
 * Locks: the walk up holds dentry_move_lock and mount_tree_lock, as path_name does.
 */
#include "fs/landlock.h"

#include "fs/fs_internal.h"

/* For each right the layers that refuse it, a bit each by depth. */
struct refusal {
	u16 layers[LANDLOCK_RIGHTS];
};

struct landlock_rule landlock_name(const struct inode *inode)
{
	const struct superblock *superblock = inode->superblock;

	return (struct landlock_rule){
		.file_system = superblock->id,
		.number = inode->ino,
		.generation = superblock->ops->generation ? superblock->ops->generation(inode) : 0,
	};
}

bool landlock_is_exempt(const struct path *path)
{
	return path->mount->internal;
}

static void refuse_all(const struct landlock_layer *domain, struct refusal *refusal)
{
	*refusal = (struct refusal){{0}};
	for (const struct landlock_layer *layer = domain; layer; layer = layer->older)
		for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
			if ((layer->handled | LANDLOCK_REFER) & BIT(right))
				refusal->layers[right] |= (u16)BIT(layer->depth - 1);
}

/* The layers' rules about one file. */
static void allow_file(const struct landlock_layer *domain, const struct inode *inode,
		       struct refusal *refusal)
{
	const struct landlock_rule name = landlock_name(inode);

	for (const struct landlock_layer *layer = domain; layer; layer = layer->older) {
		u32 at = landlock_find(layer->rules, layer->count, &name);

		if (at == layer->count || !landlock_same_file(&layer->rules[at], &name))
			continue;
		for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
			if (layer->rules[at].rights & BIT(right))
				refusal->layers[right] &= (u16)~BIT(layer->depth - 1);
	}
}

/* What remains refused on the path after all rules on the way up. */
static void refused_on(const struct landlock_layer *domain, const struct path *path,
		       struct refusal *refusal)
{
	const struct mount *mount = path->mount;
	const struct dentry *dentry = path->dentry;

	refuse_all(domain, refusal);
	if (landlock_is_exempt(path)) {
		*refusal = (struct refusal){{0}};
		return;
	}
	spin_lock(dentry_move_lock());
	spin_lock(mount_tree_lock());
	for (;;) {
		if (dentry_inode(dentry))
			allow_file(domain, dentry_inode(dentry), refusal);
		while (dentry == mount->root && mount->parent) {
			dentry = mount->mountpoint;
			mount = mount->parent;
		}
		if (dentry == mount->root || dentry->parent == dentry)
			break;
		dentry = dentry->parent;
	}
	if (mount->internal)
		*refusal = (struct refusal){{0}};
	spin_unlock(mount_tree_lock());
	spin_unlock(dentry_move_lock());
}

/* Is any of the rights refused by any layer? */
static bool is_refused(const struct refusal *refusal, u32 rights)
{
	for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
		if (rights & BIT(right) && refusal->layers[right])
			return true;
	return false;
}

int landlock_check_slow(const struct path *path, u32 rights)
{
	const struct landlock_layer *domain = current_credentials()->landlock;
	struct refusal refusal;

	refused_on(domain, path, &refusal);
	return is_refused(&refusal, rights) ? -EACCES : 0;
}

int landlock_check_open(const struct path *path, u32 flags, bool exec)
{
	u32 mode = (flags & O_ACCMODE) + 1, rights = 0;

	if (likely(current_credentials()->landlock == NULL))
		return 0;
	if (mode & FILE_READ)
		rights |= S_ISDIR(path_inode(path)->mode) ? LANDLOCK_READ_DIR : LANDLOCK_READ_FILE;
	if (mode & FILE_WRITE)
		rights |= LANDLOCK_WRITE_FILE;
	if (exec)
		rights |= LANDLOCK_EXECUTE;
	return landlock_check_slow(path, rights);
}

u32 landlock_making(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return LANDLOCK_MAKE_SYM;
	case S_IFDIR:
		return LANDLOCK_MAKE_DIR;
	case S_IFCHR:
		return LANDLOCK_MAKE_CHAR;
	case S_IFBLK:
		return LANDLOCK_MAKE_BLOCK;
	case S_IFIFO:
		return LANDLOCK_MAKE_FIFO;
	case S_IFSOCK:
		return LANDLOCK_MAKE_SOCK;
	default:
		return LANDLOCK_MAKE_REG;
	}
}

/* --- Moving --- */

/* The right that it takes to remove the name. */
static u32 removing(const struct dentry *dentry)
{
	const struct inode *inode = dentry_inode(dentry);

	if (!inode)
		return 0;
	return S_ISDIR(inode->mode) ? LANDLOCK_REMOVE_DIR : LANDLOCK_REMOVE_FILE;
}

/* Would the file have, below `to`, a right that it has not got below `from`? */
static bool gains(const struct landlock_layer *domain, const struct inode *inode,
		  const struct refusal *from, const struct refusal *to)
{
	struct refusal own;

	refuse_all(domain, &own);
	allow_file(domain, inode, &own);
	for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++) {
		if (!S_ISDIR(inode->mode) && !(LANDLOCK_OF_FILES & BIT(right)))
			continue;
		if (from->layers[right] & own.layers[right] & (u16)~to->layers[right])
			return true;
	}
	return false;
}

/* Between two directories. */
static int check_far(const struct landlock_layer *domain, const struct landlock_move *move,
		     u32 from_rights, u32 to_rights)
{
	struct refusal from, to;
	u32 handled = 0;

	for (const struct landlock_layer *layer = domain; layer; layer = layer->older)
		handled |= layer->handled;
	if (!(handled & LANDLOCK_REFER))
		return -EXDEV;
	refused_on(domain, move->from, &from);
	refused_on(domain, move->to, &to);
	if (is_refused(&from, from_rights) || is_refused(&to, to_rights))
		return -EACCES;
	if (is_refused(&from, LANDLOCK_REFER) || is_refused(&to, LANDLOCK_REFER) ||
	    gains(domain, dentry_inode(move->source), &from, &to))
		return -EXDEV;
	if (move->exchange && gains(domain, dentry_inode(move->target), &to, &from))
		return -EXDEV;
	return 0;
}

int landlock_check_move(const struct landlock_move *move)
{
	const struct landlock_layer *domain = current_credentials()->landlock;
	u32 from_rights = 0, to_rights;

	if (likely(domain == NULL))
		return 0;
	to_rights = landlock_making(dentry_inode(move->source)->mode);
	if (move->exchange)
		from_rights = landlock_making(dentry_inode(move->target)->mode);
	if (move->removes) {
		from_rights |= removing(move->source);
		to_rights |= removing(move->target);
	}
	if (move->from->dentry == move->to->dentry)
		return landlock_check_slow(move->to, from_rights | to_rights);
	return check_far(domain, move, from_rights, to_rights);
}
