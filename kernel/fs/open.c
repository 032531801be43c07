/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open(2): from a path and flags to an open file.
 *
 * The last component is looked up without the directory's lock first, since most opens find it in
 * the cache.  When it may have to be created, the directory is locked and asked again.
 */
#include "fs/acl.h"
#include "fs/fs_internal.h"
#include "fs/landlock.h"
#include "fs/notify.h"

#include "lib/format.h"
#include "proc/credentials.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

/* An open in progress. */
struct opening {
	struct walk walk;
	u32 flags;
	mode_t mode;
	bool exec;
	bool created;
};

int may_open(const struct path *path, u32 flags, bool exec)
{
	static const u8 wanted[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
				    MAY_READ | MAY_WRITE};
	struct inode *inode = path_inode(path);
	unsigned mask = exec ? MAY_EXEC : wanted[flags & O_ACCMODE];

	if (flags & O_TRUNC)
		mask |= MAY_WRITE;
	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE)
			return -EISDIR;
		if (mask & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (path->mount->flags & MS_NODEV ||
		    path->mount->superblock->owner != user_namespace_first())
			return -EACCES;
		/* fall through */
	case S_IFIFO:
	case S_IFSOCK:
		if (mask & MAY_EXEC)
			return -EACCES;
		break;
	case S_IFREG:
		if (mask & MAY_EXEC && path->mount->flags & MS_NOEXEC)
			return -EACCES;
		break;
	default:
		break;
	}
	if (mask & MAY_WRITE && (S_ISREG(inode->mode) || S_ISDIR(inode->mode)) &&
	    mount_is_readonly(path->mount))
		return -EROFS;
	int error = inode_permission(inode, mask);

	if (error)
		return error;
	if (inode->flags & INODE_APPEND_ONLY &&
	    ((mask & MAY_WRITE && !(flags & O_APPEND)) || flags & O_TRUNC))
		return -EPERM;
	return flags & O_NOATIME && !inode_owner_or_capable(inode) ? -EPERM : 0;
}

/* Mode, counts and operations; what fails is undone by file_put. */
int file_open_checked(struct file *file)
{
	struct inode *inode = file->inode;
	u32 flags = file->flags;
	int error;

	file->mode = ((flags & O_ACCMODE) + 1) & (FILE_READ | FILE_WRITE);
	if (S_ISDIR(inode->mode))
		file->mode |= FILE_DIRECTORY;
	if (unlikely(flags & (O_NOATIME | O_DIRECT))) {
		if (flags & O_DIRECT && S_ISREG(inode->mode) && !inode->ops->direct)
			return -EINVAL;
		if (flags & O_NOATIME)
			file->mode |= FILE_NO_ATIME;
	}
	if (file->mode & FILE_WRITE && S_ISREG(inode->mode)) {
		error = inode_take_write(inode);
		if (error)
			return error;
		__atomic_add_fetch(&inode->superblock->writers, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&file->path.mount->writers, 1, __ATOMIC_RELAXED);
		file->mode |= FILE_COUNTED;
	}
	file->ops = inode->file_ops;
	if (!file->ops)
		return -ENXIO;
	if (file->ops->open) {
		const struct file_operations *ops = file->ops;

		error = ops->open(inode, file);
		if (error) {
			file->ops = NULL; /* nothing to release */
			return error;
		}
	}
	file->error_mark = page_cache_error_mark(file->backing.cache);
	/* These concern the open alone, as its operation has seen. */
	file->flags &= ~(u32)(O_NOCTTY | O_EXCL | O_TRUNC);
	if (!file->ops->stream)
		file->mode |= FILE_SEEK;
	return 0;
}

/* Opens what the walk arrived at. */
static struct file *open_path(const struct path *path, u32 flags, bool exec, bool created)
{
	struct inode *inode = path_inode(path);
	struct file *file;
	int error = 0;

	if (flags & O_PATH) {
		file = file_alloc(path, flags);
		if (!IS_ERR(file))
			file->mode = FILE_PATH;
		return file;
	}
	if (flags & O_TRUNC && !S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
		flags &= ~(u32)O_TRUNC;
	if (!created)
		error = may_open(path, flags, exec);
	if (!error)
		error = landlock_check_open(path, flags, exec);
	if (!error && exec)
		error = notify_permission(path, FAN_OPEN_EXEC_PERM);
	if (!error)
		error = notify_permission(path, FAN_OPEN_PERM);
	if (!error && !created && unlikely(leases_exist()) && S_ISREG(inode->mode))
		error = leases_break(inode, flags);
	if (error)
		return ERR_PTR(error);
	file = file_alloc(path, flags);
	if (IS_ERR(file))
		return file;
	file->flags |= flags & O_TRUNC;
	error = file_open_checked(file);
	if (!error && flags & O_TRUNC && !created && S_ISREG(inode->mode)) {
		error = inode_take_write(inode);
		if (!error) {
			error = inode_truncate(inode, 0);
			inode_drop_write(inode);
			if (!error)
				notify_dentry(path->dentry, NOTIFY_MODIFY);
		}
	}
	if (error) {
		file_put(file);
		return ERR_PTR(error);
	}
	return file;
}

struct file *file_open_path(const struct path *path, u32 flags)
{
	return open_path(path, flags, false, false);
}

struct file *file_open_quiet(const struct path *path, u32 flags)
{
	struct file *file = file_alloc(path, flags);

	if (IS_ERR(file))
		return file;
	int error = file_open_checked(file);
	file->mode |= FILE_QUIET;
	if (!error)
		return file;
	file_put(file);
	return ERR_PTR(error);
}

struct file *file_open_made(const struct path *path, u32 flags, bool made)
{
	return open_path(path, flags, false, made);
}

/* Makes the missing file.  The directory is locked for writing. */
static int create_missing(struct opening *opening, struct dentry *dentry)
{
	struct inode *directory = path_inode(&opening->walk.path);
	mode_t mode = acl_umask(directory, opening->mode & S_IALLUGO);
	int error = mount_want_write(opening->walk.path.mount);

	if (!error)
		error = landlock_check(&opening->walk.path, LANDLOCK_MAKE_REG);
	if (!error)
		error = may_create(directory);
	if (error)
		return error;
	if (!directory->ops->create)
		return -EACCES;
	error = directory->ops->create(directory, dentry, S_IFREG | mode, 0);
	opening->created = !error;
	if (!error)
		notify_create(directory, dentry);
	return error;
}

/* The last component's dentry, made if it has to be.  Referenced, or ERR_PTR. */
static struct dentry *find_or_create(struct opening *opening)
{
	struct walk *walk = &opening->walk;
	struct inode *directory = path_inode(&walk->path);
	struct dentry *dentry = dentry_find(walk->path.dentry, &walk->last);
	int error = 0;

	if (dentry) {
		if (dentry_inode(dentry) &&
		    (!dentry->ops || !dentry->ops->revalidate || dentry->ops->revalidate(dentry)))
			return dentry;
		dentry_put(dentry);
	}
	if (!(opening->flags & O_CREAT))
		return walk_lookup(walk);
	rwlock_write_lock(&directory->lock);
	dentry = dentry_lookup_locked(walk->path.dentry, &walk->last);
	if (!IS_ERR(dentry) && !dentry_inode(dentry))
		error = create_missing(opening, dentry);
	rwlock_write_unlock(&directory->lock);
	if (!error)
		return dentry;
	dentry_put(dentry);
	return ERR_PTR(error);
}

/* One round at the last component: 1 when a link was taken up, 0 at the goal, or an error. */
static int open_last(struct opening *opening)
{
	struct walk *walk = &opening->walk;
	u32 flags = opening->flags;
	struct dentry *dentry;
	bool follow, is_link;
	int error;

	if (walk->last_kind != LAST_NAME)
		return walk_last(walk, true);
	if (flags & O_CREAT && walk->must_be_directory)
		return -EISDIR;
	dentry = find_or_create(opening);
	if (IS_ERR(dentry))
		return (int)PTR_ERR(dentry);
	is_link = dentry_inode(dentry) && S_ISLNK(dentry_inode(dentry)->mode);
	if (flags & O_CREAT && flags & O_EXCL && !opening->created) {
		dentry_put(dentry);
		return -EEXIST;
	}
	follow = !(flags & O_NOFOLLOW) || walk->must_be_directory;
	error = walk_into(walk, dentry, follow);
	if (error == 0 && is_link && !follow && !(flags & O_PATH))
		return -ELOOP;
	return error;
}

static struct file *open_walked(struct opening *opening)
{
	struct walk *walk = &opening->walk;
	struct inode *inode;
	int error;

	do {
		error = walk_to_parent(walk);
		if (error)
			return ERR_PTR(error);
		error = walk->last_kind == LAST_ROOT ? 0 : open_last(opening);
	} while (error > 0);
	if (error)
		return ERR_PTR(error);
	inode = path_inode(&walk->path);
	if (opening->flags & O_CREAT && opening->flags & O_EXCL && !opening->created)
		return ERR_PTR(-EEXIST);
	if (opening->flags & O_CREAT && S_ISDIR(inode->mode))
		return ERR_PTR(-EISDIR);
	if ((walk->must_be_directory || opening->flags & O_DIRECTORY) && !S_ISDIR(inode->mode))
		return ERR_PTR(-ENOTDIR);
	return open_path(&walk->path, opening->flags, opening->exec, opening->created);
}

/* O_TMPFILE: a file without a name in the directory that the path names. */
static struct file *open_tmpfile(struct opening *opening)
{
	struct walk *walk = &opening->walk;
	struct inode *directory, *inode;
	struct path path = {0};
	struct file *file;
	char text[24];
	int error;

	walk->flags |= LOOKUP_DIRECTORY | (opening->flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
	error = walk_whole(walk);
	if (error)
		return ERR_PTR(error);
	directory = path_inode(&walk->path);
	error = mount_want_write(walk->path.mount);
	if (!error)
		error = inode_permission(directory, MAY_WRITE | MAY_EXEC);
	if (error)
		return ERR_PTR(error);
	if (!directory->ops->tmpfile)
		return ERR_PTR(-EOPNOTSUPP);
	rwlock_read_lock(&directory->lock);
	error = directory->ops->tmpfile(
		directory, S_IFREG | acl_umask(directory, opening->mode & S_IALLUGO), &inode);
	rwlock_read_unlock(&directory->lock);
	if (error)
		return ERR_PTR(error);
	if (!(opening->flags & O_EXCL))
		inode->flags |= INODE_LINKABLE;
	struct name name =
		name_of(text, ksnprintf(text, sizeof(text), "#%lu", (unsigned long)inode->ino));

	path = (struct path){walk->path.mount, dentry_alloc(walk->path.dentry, &name)};
	if (!path.dentry) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	dentry_instantiate(path.dentry, inode);
	file = open_path(&path, opening->flags, false, true);
	dentry_put(path.dentry);
	return file;
}

struct file *file_open_walk(int directory, const char *text, u32 flags, mode_t mode,
			    u32 lookup_flags, bool exec)
{
	struct opening opening;
	struct file *file;
	int error;

	if (flags & O_PATH)
		flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	if (flags & O_TMPFILE_BIT &&
	    ((flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE || (flags & O_ACCMODE) == O_RDONLY))
		return ERR_PTR(-EINVAL);
	if (!*text && !(lookup_flags & LOOKUP_EMPTY))
		return ERR_PTR(-ENOENT);
	error = walk_begin(&opening.walk, directory, text, lookup_flags | LOOKUP_WHOLE);
	if (error)
		return ERR_PTR(error);
	opening.flags = flags;
	opening.mode = mode;
	opening.exec = exec;
	opening.created = false;
	if (!*text)
		file = open_path(&opening.walk.path, flags, exec, false);
	else if (flags & O_TMPFILE_BIT)
		file = open_tmpfile(&opening);
	else
		file = open_walked(&opening);
	walk_end(&opening.walk);
	if (notify_active() && !IS_ERR(file))
		notify_file(file, exec ? NOTIFY_OPEN | NOTIFY_OPEN_EXEC : NOTIFY_OPEN);
	return file;
}

struct file *file_open(int directory, const char *text, u32 flags, mode_t mode)
{
	return file_open_walk(directory, text, flags, mode, 0, false);
}
