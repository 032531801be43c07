/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open regular files: behind each is an open file of a layer, which does the work.
 *
 * It has the path of the overlay's file, for /proc and the like, and the inode of the layer.  A file
 * that is opened to be written is copied up first.  One that was opened for reading alone before that
 * goes over to the copy with its next read; what is mapped stays what it was.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/abi/fsctl.h"

/* file->private */
struct overlay_file {
	struct file *real;  /* opened first */
	struct file *newer; /* after a copy: set once (release); or NULL */
};

/* Flags of a description that may change while it is open. */
enum { CHANGING_FLAGS = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME };

struct file *overlay_open_real(const struct path *shown, struct dentry *real, u32 flags)
{
	static const u8 wanted[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
				    MAY_READ | MAY_WRITE};
	struct inode *inode = dentry_inode(real);
	int error = inode_permission(inode, wanted[flags & O_ACCMODE]);
	struct file *file;

	if (error)
		return ERR_PTR(error);
	file = file_alloc(shown, flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY));
	if (IS_ERR(file))
		return file;
	file->inode = inode;
	file->backing.cache = &inode->cache;
	error = file_open_checked(file);
	if (error) {
		file_put(file);
		return ERR_PTR(error);
	}
	file->mode |= FILE_QUIET | FILE_NO_ATIME;
	return file;
}

static int open(struct inode *inode, struct file *file)
{
	struct overlay_node *node = overlay_node(inode);
	const struct credentials *before;
	struct overlay_file *open;
	int error = 0;

	if ((file->flags & O_ACCMODE) != O_RDONLY || file->flags & O_TRUNC)
		error = overlay_copy_up(node, file->flags & O_TRUNC ? 0 : OVERLAY_ALL);
	if (error)
		return error;
	open = kzalloc(sizeof(*open));
	if (!open)
		return -ENOMEM;
	before = overlay_act(overlay_super_of(node));
	open->real = overlay_open_real(&file->path, overlay_real(node), file->flags);
	credentials_act(before);
	if (IS_ERR(open->real)) {
		error = (int)PTR_ERR(open->real);
		kfree(open);
		return error;
	}
	file->private = open;
	return 0;
}

static void release(struct file *file)
{
	struct overlay_file *open = file->private;

	file_put(open->real);
	if (open->newer)
		file_put(open->newer);
	kfree(open);
}

/* The open file of what stands for the file now, no reference.  Current acts as the mounter. */
static struct file *real_of(struct file *file)
{
	struct overlay_file *open = file->private;
	struct dentry *dentry = overlay_real(overlay_node(file->inode));
	struct file *real = open->real, *newer, *none = NULL;

	if (unlikely(real->inode != dentry_inode(dentry))) {
		real = __atomic_load_n(&open->newer, __ATOMIC_ACQUIRE);
		if (!real) {
			newer = overlay_open_real(&file->path, dentry, file->flags);
			if (IS_ERR(newer))
				return newer;
			real = newer;
			if (!__atomic_compare_exchange_n(&open->newer, &none, newer, false,
							 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
				file_put(newer);
				real = none;
			}
		}
	}
	if (unlikely((real->flags ^ file->flags) & CHANGING_FLAGS)) {
		spin_lock(&real->lock);
		real->flags = (real->flags & ~(u32)CHANGING_FLAGS) | (file->flags & CHANGING_FLAGS);
		spin_unlock(&real->lock);
	}
	return real;
}

static const struct credentials *act_for(const struct file *file)
{
	return overlay_act(overlay_super(file->inode->superblock));
}

static ssize_t read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	const struct credentials *before = act_for(file);
	struct file *real = real_of(file);
	ssize_t done = IS_ERR(real) ? PTR_ERR(real) : -EINVAL;

	if (!IS_ERR(real) && real->ops->read) {
		done = real->ops->read(real, cursor, position);
		/* Lower files are left as they are. */
		if (!(file->mode & FILE_NO_ATIME) && overlay_upper(overlay_node(file->inode)))
			inode_accessed(file->path.mount, real->inode);
	}
	credentials_act(before);
	return done;
}

/* Before a change of data: takes the set-id bits away, with the caller's rights. */
static int remove_setid(struct inode *inode)
{
	struct attr_change change = {.valid = ATTR_MODE | ATTR_FORCE};
	const struct credentials *before;
	mode_t mode;
	int error;

	if (likely(!(READ_ONCE(inode->mode) & (S_ISUID | S_ISGID))))
		return 0;
	rwlock_write_lock(&inode->lock);
	mode = inode->mode;
	error = inode_remove_setid(inode);
	if (!error && inode->mode != mode) {
		change.mode = inode->mode;
		before = overlay_act(overlay_super(inode->superblock));
		error = inode_change(overlay_real_inode(overlay_node(inode)), &change);
		credentials_act(before);
	}
	rwlock_write_unlock(&inode->lock);
	return error;
}

static ssize_t write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	ssize_t done = cursor->remaining > 0 ? remove_setid(file->inode) : 0;
	const struct credentials *before;
	struct file *real;

	if (done)
		return done;
	before = act_for(file);
	real = real_of(file);
	if (IS_ERR(real))
		done = PTR_ERR(real);
	else
		done = real->ops->write ? real->ops->write(real, cursor, position) : -EINVAL;
	credentials_act(before);
	if (done > 0)
		overlay_mirror_size(overlay_node(file->inode));
	return done;
}

static off_t seek(struct file *file, off_t offset, int whence)
{
	const struct credentials *before = act_for(file);
	struct file *real = real_of(file);
	off_t result;

	if (IS_ERR(real)) {
		result = PTR_ERR(real);
	} else {
		real->position = file->position;
		result = real->ops->seek ? real->ops->seek(real, offset, whence) : -EINVAL;
		if (result >= 0)
			file->position = result;
	}
	credentials_act(before);
	return result;
}

static int map(struct file *file, unsigned prot, unsigned flags, struct backing **result)
{
	const struct credentials *before = act_for(file);
	struct file *real = real_of(file);
	int error = IS_ERR(real) ? (int)PTR_ERR(real) : file_backing(real, prot, flags, result);

	credentials_act(before);
	return error;
}

static int sync(struct file *file, off_t start, off_t end, bool data_only)
{
	const struct credentials *before;
	struct file *real;
	int error = 0;

	/* Lower files have nothing to be written. */
	if (!overlay_upper(overlay_node(file->inode)))
		return 0;
	before = act_for(file);
	real = real_of(file);
	if (IS_ERR(real))
		error = (int)PTR_ERR(real);
	else if (real->ops->fsync)
		error = real->ops->fsync(real, start, end, data_only);
	credentials_act(before);
	return error;
}

static long allocate(struct file *file, int mode, off_t offset, off_t length)
{
	const struct credentials *before;
	struct file *real;
	long error = remove_setid(file->inode);

	if (error)
		return error;
	before = act_for(file);
	real = real_of(file);
	if (IS_ERR(real))
		error = PTR_ERR(real);
	else
		error = real->ops->fallocate ? real->ops->fallocate(real, mode, offset, length)
					     : -EOPNOTSUPP;
	credentials_act(before);
	overlay_mirror_size(overlay_node(file->inode));
	return error;
}

/* What only asks goes to the real file. */
static long control(struct file *file, unsigned command, vaddr_t argument)
{
	const struct credentials *before;
	struct file *real;
	long result = -ENOTTY;

	if (command != FS_IOC_GETFLAGS && command != FS_IOC_FIEMAP)
		return -ENOTTY;
	before = act_for(file);
	real = real_of(file);
	if (IS_ERR(real))
		result = PTR_ERR(real);
	else if (real->ops->ioctl)
		result = real->ops->ioctl(real, command, argument);
	credentials_act(before);
	return result;
}

const struct file_operations overlay_file_ops = {
	.ioctl = control,
	.open = open,
	.release = release,
	.read = read,
	.write = write,
	.seek = seek,
	.mmap = map,
	.fsync = sync,
	.fallocate = allocate,
};
