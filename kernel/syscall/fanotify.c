/* SPDX-License-Identifier: BSD-2-Clause */
/* fanotify_init(2) and fanotify_mark(2): what is allowed to whom; the rest is ipc/fanotify.h's. */
#include "fs/calls.h"
#include "fs/notify.h"
#include "ipc/fanotify.h"
#include "lib/abi/fanotify.h"
#include "proc/credentials.h"
#include "syscall/table.h"

enum {
	PERMISSIONS = FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM,
	/* Events of files that somebody has by a path, so that they can be opened. */
	OF_PATHS = NOTIFY_ACCESS | NOTIFY_MODIFY | NOTIFY_CLOSE_WRITE | NOTIFY_CLOSE_NOWRITE |
		   NOTIFY_OPEN | NOTIFY_OPEN_EXEC | PERMISSIONS,
	EVENT_FLAGS = FAN_EVENT_ON_CHILD | FAN_ONDIR,
	FREE_FLAGS = FAN_CLOEXEC | FAN_NONBLOCK | FAN_FIDS, /* for everybody */
};

static int check_flags(u32 flags, u32 open_flags)
{
	const u32 known = FREE_FLAGS | FAN_CLASSES | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS |
			  FAN_REPORT_TID;
	const u32 known_open = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_CLOEXEC |
			       O_LARGEFILE | O_NOATIME;

	if (!capable(CAP_SYS_ADMIN) && (flags & ~(u32)FREE_FLAGS || !(flags & FAN_FIDS)))
		return -EPERM;
	if (flags & ~known || open_flags & ~known_open || (open_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if ((flags & FAN_CLASSES) == FAN_CLASSES)
		return -EINVAL;
	if (flags & FAN_FIDS && flags & FAN_CLASSES)
		return -EINVAL;
	/* Names are in directories. */
	return flags & FAN_REPORT_NAME && !(flags & FAN_REPORT_DIR_FID) ? -EINVAL : 0;
}

long sys_fanotify_init(u32 flags, u32 open_flags)
{
	int error = check_flags(flags, open_flags);

	if (error)
		return error;
	struct file *file =
		fanotify_create(flags, open_flags | O_LARGEFILE, capable(CAP_SYS_ADMIN));
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install(file, flags & FAN_CLOEXEC ? O_CLOEXEC : 0);
}

/* What may be said without knowing of which group. */
static int check_mark(u32 flags, u64 mask)
{
	const u32 known = FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_DONT_FOLLOW | FAN_MARK_ONLYDIR |
			  FAN_MARK_KINDS | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY |
			  FAN_MARK_FLUSH;

	if (mask > UINT32_MAX || flags & ~known || (flags & FAN_MARK_KINDS) == FAN_MARK_KINDS)
		return -EINVAL;
	switch (flags & (FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH)) {
	case FAN_MARK_ADD:
	case FAN_MARK_REMOVE:
		if (mask == 0)
			return -EINVAL;
		break;
	case FAN_MARK_FLUSH:
		if (flags & ~(u32)(FAN_MARK_KINDS | FAN_MARK_FLUSH))
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	return mask & ~(u64)(NOTIFY_ALL | OF_PATHS | EVENT_FLAGS) ? -EINVAL : 0;
}

static int check_group(const struct file *file, u32 flags, u32 mask)
{
	u32 group = fanotify_flags(file);

	if (!fanotify_is_privileged(file) && flags & FAN_MARK_KINDS)
		return -EPERM;
	if (mask & PERMISSIONS && !(group & FAN_CLASSES))
		return -EINVAL;
	if (mask & ~(u32)(OF_PATHS | EVENT_FLAGS) &&
	    (!(group & FAN_FIDS) || flags & FAN_MARK_MOUNT))
		return -EINVAL;
	return 0;
}

/* The path that is meant: without a name the descriptor's own. */
static int find_path(int directory, vaddr_t name, u32 flags, struct path *path)
{
	int error = 0;

	if (name != 0) {
		error = path_lookup_user(directory, name,
					 (flags & FAN_MARK_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
						 (flags & FAN_MARK_ONLYDIR ? LOOKUP_DIRECTORY : 0),
					 path);
	} else {
		struct fd_borrow borrow = fd_borrow(directory);
		if (borrow.file == NULL)
			return -EBADF;
		*path = borrow.file->path;
		path_get(path);
		fd_return(borrow);
		if (flags & FAN_MARK_ONLYDIR && !S_ISDIR(path_inode(path)->mode)) {
			path_put(path);
			error = -ENOTDIR;
		}
	}
	if (error)
		return error;
	error = inode_permission(path_inode(path), MAY_READ);
	if (error)
		path_put(path);
	return error;
}

static long change_mark(struct file *file, u32 flags, u32 mask, int directory, vaddr_t name)
{
	struct path path;
	int error;

	if (!fanotify_is_file(file))
		return -EINVAL;
	error = check_group(file, flags, mask);
	if (error)
		return error;
	if (flags & FAN_MARK_FLUSH) {
		fanotify_flush(file, flags);
		return 0;
	}
	error = find_path(directory, name, flags, &path);
	if (error)
		return error;
	error = flags & FAN_MARK_ADD ? fanotify_add(file, &path, flags, mask)
				     : fanotify_remove(file, &path, flags, mask);
	path_put(&path);
	return error;
}

long sys_fanotify_mark(int fd, u32 flags, u64 mask, int directory, vaddr_t name)
{
	long error = check_mark(flags, mask);

	if (error)
		return error;
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	error = change_mark(borrow.file, flags, (u32)mask, directory, name);
	fd_return(borrow);
	return error;
}
