/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: links to what a process has open: exe, cwd, root, and the directories fd and fdinfo.
 */
#include "fs/procfs/procfs.h"
#include "fs/mount.h"
#include "lib/format.h"
#include "mm/kmalloc.h"
#include "proc/process.h"

static struct fs_context *context_of(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct fs_context *context = task->fs;

	if (context != NULL)
		__atomic_fetch_add(&context->refs, 1, __ATOMIC_RELAXED);
	spin_unlock_irqrestore(&task->lock, flags);
	return context;
}

mode_t proc_task_umask(struct task *task)
{
	struct fs_context *context = context_of(task);
	mode_t umask = context != NULL ? READ_ONCE(context->umask) : 0;

	if (context != NULL)
		fs_context_put(context);
	return umask;
}

int proc_task_root(struct task *task, struct path *root)
{
	struct fs_context *context = context_of(task);

	if (context == NULL)
		return -EINVAL;
	fs_context_root(context, root);
	fs_context_put(context);
	return 0;
}

/* A place of the thread's context, by one of the two functions that read one. */
static int get_place(const struct proc_node *node, struct link_target *target,
		     void (*read)(struct fs_context *context, struct path *result))
{
	int error = proc_may_inspect(node);

	if (error)
		return error;
	struct task *task = proc_node_task(node);
	if (task == NULL)
		return -ESRCH;
	struct fs_context *context = context_of(task);
	task_put(task);
	if (context == NULL)
		return -ENOENT;
	read(context, &target->jump);
	fs_context_put(context);
	return 0;
}

int proc_get_cwd(const struct proc_node *node, struct link_target *target)
{
	return get_place(node, target, fs_context_cwd);
}

int proc_get_root(const struct proc_node *node, struct link_target *target)
{
	return get_place(node, target, fs_context_root);
}

int proc_get_exe(const struct proc_node *node, struct link_target *target)
{
	int error = proc_may_inspect(node);

	if (error)
		return error;
	struct process *process = proc_node_process(node);
	if (process == NULL)
		return -ESRCH;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct file *file = process->executable != NULL ? file_get_ref(process->executable) : NULL;
	spin_unlock_irqrestore(&process->lock, flags);
	process_put(process);
	if (file == NULL)
		return -ENOENT;
	target->jump = file->path;
	path_get(&target->jump);
	file_put(file);
	return 0;
}

/* --- Descriptors --- */

static struct file *file_of(const struct proc_node *node, int fd)
{
	struct task *task = proc_node_task(node);

	if (task == NULL)
		return NULL;
	struct file *file = task_get_file(task, fd);
	task_put(task);
	return file;
}

int proc_get_fd(const struct proc_node *node, struct link_target *target)
{
	int error = proc_may_inspect(node);

	if (error)
		return error;
	struct file *file = file_of(node, node->fd);
	if (file == NULL)
		return -ENOENT;
	target->jump = file->path;
	path_get(&target->jump);
	file_put(file);
	return 0;
}

/* The file's own lines; a second time when they are many. */
static void show_own_info(struct file *file, struct text *text)
{
	char few[256], *more = few;
	size_t size = sizeof(few);
	size_t length = (size_t)file->ops->show_info(file, few, size);

	if (length >= size) {
		size = length + sizeof(few);
		more = kmalloc(size);
		if (more == NULL)
			return;
		length = (size_t)file->ops->show_info(file, more, size);
	}
	text_append(text, more, MIN(length, size - 1));
	if (more != few)
		kfree(more);
}

int proc_show_fdinfo(const struct proc_node *node, struct text *text)
{
	int error = proc_may_inspect(node);

	if (error)
		return error;
	struct file *file = file_of(node, node->fd);
	if (file == NULL)
		return -ENOENT;
	text_printf(text, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", file->position,
		    file->flags, file->path.mount != NULL ? file->path.mount->id : 0,
		    (unsigned long)file->inode->ino);
	/* O_PATH leaves a file without operations. */
	if (file->ops != NULL && file->ops->show_info != NULL) {
		show_own_info(file, text);
	}
	file_put(file);
	return 0;
}

static const struct proc_entry fd_entry = {
	.name = "fd",
	.mode = S_IFLNK | 0700,
	.get_link = proc_get_fd,
};

static const struct proc_entry fdinfo_entry = {
	.name = "fdinfo",
	.mode = S_IFREG | 0444,
	.show = proc_show_fdinfo,
};

static bool find(const struct proc_node *node, const struct proc_entry *entry, const char *name,
		 size_t length, struct proc_node *child)
{
	int fd = proc_parse_number(name, length);
	bool may = fd >= 0 && proc_may_inspect(node) == 0;
	struct file *file = may ? file_of(node, fd) : NULL;

	if (file == NULL)
		return false;
	file_put(file);
	child->entry = entry;
	child->fd = fd;
	return true;
}

static bool next(const struct proc_node *node, const struct proc_entry *entry, u64 *position,
		 struct proc_child *child)
{
	struct task *task = proc_node_task(node);

	if (task == NULL || proc_may_inspect(node) != 0) {
		if (task != NULL)
			task_put(task);
		return false;
	}
	int fd = *position <= INT_MAX ? task_next_fd(task, (int)*position) : -1;
	task_put(task);
	if (fd < 0)
		return false;
	child->node = *node;
	child->node.entry = entry;
	child->node.fd = fd;
	snprintf(child->name, sizeof(child->name), "%d", fd);
	*position = (u64)fd + 1;
	return true;
}

bool proc_find_fd(const struct proc_node *node, const char *name, size_t length,
		  struct proc_node *child)
{
	return find(node, &fd_entry, name, length, child);
}

bool proc_next_fd(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	return next(node, &fd_entry, position, child);
}

bool proc_find_fdinfo(const struct proc_node *node, const char *name, size_t length,
		      struct proc_node *child)
{
	return find(node, &fdinfo_entry, name, length, child);
}

bool proc_next_fdinfo(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	return next(node, &fdinfo_entry, position, child);
}
