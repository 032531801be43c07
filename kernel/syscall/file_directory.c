/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: getdents, getdents64, and a task's place among them: getcwd, chdir, fchdir, chroot,
 * umask.
 */
#include "fs/calls.h"
#include "fs/notify.h"
#include "lib/abi/dirent.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/task.h"
#include "syscall/table.h"

/*
 * Fills a program's buffer with records.  A record's "next" is known only when the following entry
 * comes, or the end: `last` is the record that still waits for it.
 */
struct listing {
	struct dir_context context;
	vaddr_t at;
	size_t room;
	vaddr_t last;
	int error;
	bool old_format;
};

static bool finish_last(struct listing *listing)
{
	s64 next = listing->context.position;

	/* At the same place in both formats. */
	if (listing->last &&
	    put_user(next, listing->last + offsetof(struct linux_dirent64, next))) {
		listing->error = -EFAULT;
		return false;
	}
	return true;
}

/* The record's bytes in kernel memory: header, name, type.  Its length. */
static size_t build_record(const struct listing *listing, u8 *record, const char *name,
			   size_t length, ino_t ino, unsigned type)
{
	size_t header = listing->old_format ? offsetof(struct linux_dirent, name)
					    : offsetof(struct linux_dirent64, name);
	size_t size = ALIGN_UP(header + length + 1 + (listing->old_format ? 1 : 0), (size_t)8);
	u16 short_size = (u16)size;

	memset(record, 0, size);
	memcpy(record + offsetof(struct linux_dirent64, ino), &ino, sizeof(u64));
	memcpy(record + offsetof(struct linux_dirent64, length), &short_size, sizeof(short_size));
	if (listing->old_format)
		record[size - 1] = (u8)type;
	else
		record[offsetof(struct linux_dirent64, type)] = (u8)type;
	memcpy(record + header, name, length);
	return size;
}

static bool emit(struct dir_context *context, const char *name, size_t length, ino_t ino,
		 unsigned type)
{
	struct listing *listing = container_of(context, struct listing, context);
	u8 record[ALIGN_UP(offsetof(struct linux_dirent64, name) + NAME_MAX + 2, (size_t)8)];
	size_t size;

	if (length > NAME_MAX) {
		listing->error = -EIO;
		return false;
	}
	size = build_record(listing, record, name, length, ino, type);
	if (size > listing->room) {
		listing->error = -EINVAL;
		return false;
	}
	if (!finish_last(listing))
		return false;
	if (copy_to_user((void __user *)listing->at, record, size)) {
		listing->error = -EFAULT;
		return false;
	}
	listing->last = listing->at;
	listing->at += size;
	listing->room -= size;
	return true;
}

static long list_directory(struct file *file, struct listing *listing)
{
	struct inode *inode = file->inode;
	long error = notify_file_permission(file, FAN_ACCESS_PERM);

	if (error)
		return error;
	bool locked = file_lock_position(file);
	vaddr_t start = listing->at;

	listing->context.emit = emit;
	listing->context.position = file->position;
	rwlock_read_lock(&inode->lock);
	error = inode->flags & INODE_DEAD ? -ENOENT : file->ops->readdir(file, &listing->context);
	rwlock_read_unlock(&inode->lock);
	if (!error) {
		file->position = listing->context.position;
		inode_accessed(file->path.mount, inode);
		notify_file(file, NOTIFY_ACCESS);
	}
	file_unlock_position(file, locked);
	if (error)
		return error;
	if (!listing->last)
		return listing->error;
	if (!finish_last(listing))
		return -EFAULT;
	return (long)(listing->at - start);
}

static long getdents(int fd, vaddr_t buffer, unsigned size, bool old_format)
{
	struct listing listing = {.at = buffer, .room = size, .old_format = old_format};
	struct fd_borrow borrow = fd_borrow(fd);
	long result = -ENOTDIR;

	if (!borrow.file)
		return -EBADF;
	if (borrow.file->ops->readdir)
		result = list_directory(borrow.file, &listing);
	fd_return(borrow);
	return result;
}

long sys_getdents64(int fd, vaddr_t buffer, unsigned size)
{
	return getdents(fd, buffer, size, false);
}

long sys_getdents(int fd, vaddr_t buffer, unsigned size)
{
	return getdents(fd, buffer, size, true);
}

static long cwd_name(const struct path *cwd, char *buffer, char **name)
{
	static const char unreachable[] = "(unreachable)";
	struct path root;
	bool reached;

	if (path_inode(cwd)->flags & INODE_DEAD)
		return -ENOENT;
	fs_context_root(current->fs, &root);
	*name = path_name_from(cwd, &root, buffer, PATH_MAX, &reached);
	path_put(&root);
	if (IS_ERR(*name))
		return PTR_ERR(*name);
	if (!reached && *name - buffer >= (long)sizeof(unreachable) - 1) {
		*name -= sizeof(unreachable) - 1;
		memcpy(*name, unreachable, sizeof(unreachable) - 1);
	}
	return 0;
}

long sys_getcwd(vaddr_t user, size_t size)
{
	char *buffer = kmalloc(PATH_MAX), *name;
	struct path cwd;
	long result;

	if (!buffer)
		return -ENOMEM;
	fs_context_cwd(current->fs, &cwd);
	result = cwd_name(&cwd, buffer, &name);
	path_put(&cwd);
	if (result == 0) {
		size_t length = strlen(name) + 1;

		if (length > size)
			result = -ERANGE;
		else
			result = copy_to_user((void __user *)user, name, length) ? -EFAULT
										 : (long)length;
	}
	kfree(buffer);
	return result;
}

static long enter(const struct path *path, bool root)
{
	long error = inode_permission(path_inode(path), MAY_EXEC);

	if (!error && root && !capable_here(CAP_SYS_CHROOT))
		error = -EPERM;
	if (!error)
		fs_context_set(current->fs, path, root);
	return error;
}

static long enter_user(vaddr_t name, bool root)
{
	struct path path;
	long error = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (error)
		return error;
	error = enter(&path, root);
	path_put(&path);
	return error;
}

long sys_chdir(vaddr_t name)
{
	return enter_user(name, false);
}

long sys_chroot(vaddr_t name)
{
	return enter_user(name, true);
}

long sys_fchdir(int fd)
{
	struct fd_borrow borrow = fd_borrow_any(fd);
	long error = -ENOTDIR;

	if (!borrow.file)
		return -EBADF;
	if (S_ISDIR(borrow.file->inode->mode))
		error = enter(&borrow.file->path, false);
	fd_return(borrow);
	return error;
}

long sys_umask(int mask)
{
	struct fs_context *context = current->fs;
	mode_t old;

	spin_lock(&context->lock);
	old = context->umask;
	context->umask = (mode_t)mask & S_IRWXUGO;
	spin_unlock(&context->lock);
	return (long)old;
}
