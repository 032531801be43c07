/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Working directory, root and umask of a task, and what proc asks of files in general
 * (proc/hooks.h).
 *
 * Kernel threads have no context of their own; they see the first root.
 */
#include "fs/fs_internal.h"

#include "lib/abi/mman.h"
#include "lib/log.h"
#include "lib/string.h"
#include "proc/credentials.h"
#include "proc/hooks.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

mode_t current_umask(void)
{
	return current->fs ? READ_ONCE(current->fs->umask) : 0;
}

struct path fs_context_peek_root(struct fs_context *context)
{
	struct path root;

	if (unlikely(!context))
		return (struct path){mount_root(), mount_root()->root};
	spin_lock(&context->lock);
	root = context->root;
	spin_unlock(&context->lock);
	return root;
}

struct path fs_context_peek_cwd(struct fs_context *context)
{
	struct path cwd;

	if (unlikely(!context))
		return fs_context_peek_root(NULL);
	spin_lock(&context->lock);
	cwd = context->cwd;
	spin_unlock(&context->lock);
	return cwd;
}

void fs_context_root(struct fs_context *context, struct path *result)
{
	if (unlikely(!context)) {
		*result = (struct path){mount_root(), mount_root()->root};
		path_get(result);
		return;
	}
	spin_lock(&context->lock);
	*result = context->root;
	path_get(result);
	spin_unlock(&context->lock);
}

void fs_context_cwd(struct fs_context *context, struct path *result)
{
	if (unlikely(!context)) {
		fs_context_root(NULL, result);
		return;
	}
	spin_lock(&context->lock);
	*result = context->cwd;
	path_get(result);
	spin_unlock(&context->lock);
}

void fs_context_set(struct fs_context *context, const struct path *path, bool root)
{
	struct path old;

	path_get(path);
	spin_lock(&context->lock);
	old = root ? context->root : context->cwd;
	*(root ? &context->root : &context->cwd) = *path;
	spin_unlock(&context->lock);
	path_put(&old);
}

void fs_context_replace(struct fs_context *context, const struct path *from, const struct path *to)
{
	bool root, cwd;

	spin_lock(&context->lock);
	root = path_equal(&context->root, from);
	cwd = path_equal(&context->cwd, from);
	spin_unlock(&context->lock);
	if (root)
		fs_context_set(context, to, true);
	if (cwd)
		fs_context_set(context, to, false);
}

static struct fs_context *context_copy(struct fs_context *from)
{
	struct fs_context *context = kzalloc(sizeof(*context));

	if (!context)
		return ERR_PTR(-ENOMEM);
	context->refs = 1;
	spin_lock_init(&context->lock);
	fs_context_root(from, &context->root);
	fs_context_cwd(from, &context->cwd);
	context->umask = from ? READ_ONCE(from->umask) : S_IWGRP | S_IWOTH;
	return context;
}

static void context_get(struct fs_context *context)
{
	__atomic_add_fetch(&context->refs, 1, __ATOMIC_RELAXED);
}

void fs_context_put(struct fs_context *context)
{
	if (__atomic_sub_fetch(&context->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	path_put(&context->root);
	path_put(&context->cwd);
	kfree(context);
}

static bool context_shared(struct fs_context *context)
{
	return __atomic_load_n(&context->refs, __ATOMIC_ACQUIRE) > 1;
}

/* --- Tables --- */

static struct files *hook_files_copy(struct files *files)
{
	struct files *copy = files_copy(files);

	return copy ? copy : ERR_PTR(-ENOMEM);
}

static void hook_files_get(struct files *files)
{
	__atomic_add_fetch(&files->refs, 1, __ATOMIC_RELAXED);
}

static bool hook_files_shared(struct files *files)
{
	return __atomic_load_n(&files->refs, __ATOMIC_ACQUIRE) > 1;
}

/* What a descriptor costs: a pipe's end with some data in it, say. */
enum { FILE_WEIGHT = PAGE_SIZE };

/* Without the lock, for the caller may hold locks that interrupt handlers take: so not the open
 * files are counted but what the table has been grown for. */
static size_t hook_files_weight(const struct files *files)
{
	u32 capacity = READ_ONCE(files->table.capacity);

	return capacity > FD_INLINE ? (size_t)capacity * FILE_WEIGHT : 0;
}

static void hook_close_on_exec(struct files *files)
{
	files_close_range(files, 0, UINT_MAX - 1, true);
}

/* --- Programs --- */

static struct file *hook_exec_open(int directory, const char *path, int flags)
{
	u32 lookup = flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0;
	u32 open_flags = O_RDONLY | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0);
	struct file *file = file_open_walk(directory, path, open_flags, 0, lookup, true);
	int error;

	if (IS_ERR(file))
		return file;
	error = S_ISREG(file->inode->mode) ? inode_deny_write(file->inode) : -EACCES;
	if (error) {
		file_put(file);
		return ERR_PTR(error);
	}
	return file;
}

static void hook_exec_close(struct file *file)
{
	inode_allow_write(file->inode);
	file_put(file);
}

static ssize_t hook_exec_read(struct file *file, u64 offset, void *buffer, size_t size)
{
	return file_read_kernel(file, buffer, size, (off_t)offset);
}

static int hook_exec_attributes(struct file *file, struct exec_attributes *attributes)
{
	const struct inode *inode = file->inode;

	*attributes = (struct exec_attributes){
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.size = (u64)inode_size(inode),
		/* Nor on what a user namespace mounted that does not rule us. */
		.no_set_id = file->path.mount->flags & MS_NOSUID ||
			     !mount_is_mine(file->path.mount) ||
			     !user_namespace_is_below(current_credentials()->user_namespace,
						      file->path.mount->superblock->owner),
	};
	return 0;
}

static bool hook_exec_readable(struct file *file)
{
	return inode_permission(file->inode, MAY_READ) == 0;
}

static struct backing *hook_exec_backing(struct file *file)
{
	struct backing *backing;
	int error = file_backing(file, PROT_READ | PROT_EXEC, MAP_PRIVATE, &backing);

	if (!error && !backing)
		error = -ENODEV;
	return error ? ERR_PTR(error) : backing;
}

static void hook_backing_put(struct backing *backing)
{
	backing->ops->put(backing);
}

/* A process holds on to its program; meanwhile nobody writes to it. */
static void hook_executable_get(struct file *file)
{
	int error = inode_deny_write(file_get_ref(file)->inode);

	/* The caller denies writing already, so there is no writer now. */
	ASSERT(!error);
	(void)error;
}

/* Nobody's device, directory or second name is written over. */
static struct file *hook_core_create(const char *name)
{
	struct file *file = file_open(AT_FDCWD, name, O_CREAT | O_WRONLY | O_NOFOLLOW, 0600);

	if (IS_ERR(file))
		return file;
	const struct inode *inode = file->inode;
	int error = S_ISREG(inode->mode) && inode->nlink == 1 &&
				    inode->uid == current->credentials->fsuid
			    ? inode_truncate(file->inode, 0)
			    : -EPERM;
	if (error == 0)
		return file;
	file_put(file);
	return ERR_PTR(error);
}

static ssize_t hook_core_write(struct file *file, u64 offset, const void *buffer, size_t size)
{
	return file_write_kernel(file, buffer, size, (off_t)offset);
}

/* The file is open for appending. */
static ssize_t hook_append(struct file *file, const void *buffer, size_t size)
{
	return file_write_kernel(file, buffer, size, 0);
}

static u32 hook_percent_free(struct file *file)
{
	struct linux_statfs figures;

	/* What has no figures has no limit. */
	if (path_statfs(&file->path, &figures) != 0 || figures.blocks == 0)
		return 100;
	return (u32)(figures.blocks_available * 100 / figures.blocks);
}

/* Descriptors 0, 1 and 2 of the first program. */
static void open_console(void)
{
	struct file *console = file_open(AT_FDCWD, "/dev/console", O_RDWR, 0);

	if (IS_ERR(console)) {
		log_warn("no console for the first program: error %ld", -PTR_ERR(console));
		return;
	}
	for (int fd = 0; fd < 3; fd++)
		if (fd_install_from(file_get_ref(console), fd, false) < 0)
			file_put(console);
	file_put(console);
}

static int hook_init_files(struct task *task)
{
	struct fs_context *context = context_copy(NULL);

	if (IS_ERR(context))
		return -ENOMEM;
	task->files = files_create();
	if (!task->files) {
		fs_context_put(context);
		return -ENOMEM;
	}
	task->fs = context;
	open_console();
	return 0;
}

static const struct file_hooks hooks = {
	.files_copy = hook_files_copy,
	.files_get = hook_files_get,
	.files_put = files_put,
	.files_shared = hook_files_shared,
	.files_weight = hook_files_weight,
	.files_close_on_exec = hook_close_on_exec,
	.fs_copy = context_copy,
	.fs_get = context_get,
	.fs_put = fs_context_put,
	.fs_shared = context_shared,
	.fs_chrooted = fs_is_chrooted,
	.exec_open = hook_exec_open,
	.exec_close = hook_exec_close,
	.exec_read = hook_exec_read,
	.exec_attributes = hook_exec_attributes,
	.exec_readable = hook_exec_readable,
	.exec_backing = hook_exec_backing,
	.backing_put = hook_backing_put,
	.file_get = hook_executable_get,
	.file_put = hook_exec_close,
	.core_create = hook_core_create,
	.core_write = hook_core_write,
	.core_close = file_put,
	.append = hook_append,
	.append_percent_free = hook_percent_free,
	.append_close = file_put,
	.init_files = hook_init_files,
};

void file_hooks_register(void)
{
	file_hooks = &hooks;
}

int fs_context_unshare(void)
{
	struct fs_context *old = current->fs, *copy;

	if (!context_shared(old))
		return 0;
	copy = context_copy(old);
	if (IS_ERR(copy))
		return (int)PTR_ERR(copy);
	unsigned long irq = spin_lock_irqsave(&current->lock);
	current->fs = copy;
	spin_unlock_irqrestore(&current->lock, irq);
	fs_context_put(old);
	return 0;
}
