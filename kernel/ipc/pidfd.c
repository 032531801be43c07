/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that stand for a process.
 *
 * The file holds a reference on the struct process, so it never comes to mean another process that
 * gets the number later.  It is readable, for poll, once the process is a zombie or gone; the end
 * of a process wakes process->end_watchers.  All else is done by the calls that take such a
 * descriptor (syscall/pidfd.c).
 */
#include "ipc/pidfd.h"

#include "lib/format.h"
#include "proc/hooks.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"

static u32 pidfd_poll(struct file *file, struct poll_table *table)
{
	struct process *process = file->private;

	poll_wait(file, &process->end_watchers, table);
	return READ_ONCE(process->zombie) ? POLLIN | POLLRDNORM : 0;
}

static int pidfd_show_info(struct file *file, char *buffer, size_t size)
{
	const struct process *process = file->private;
	pid_t pid = READ_ONCE(process->reaped) ? -1 : process_shown(process);
	size_t length = (size_t)snprintf(buffer, size, "Pid:\t%d\nNSpid:\t%d", pid, pid);

	/* The numbers further in. */
	if (pid > 0)
		for (u32 level = pid_namespace_current()->level + 1;
		     level <= process->numbers->level && length < size; level++)
			length += (size_t)snprintf(buffer + length, size - length, "\t%d",
						   process->numbers->numbers[level].number);
	if (length < size)
		length += (size_t)snprintf(buffer + length, size - length, "\n");
	return (int)length;
}

static void pidfd_release(struct file *file)
{
	process_put(file->private);
}

static const struct file_operations pidfd_operations = {
	.release = pidfd_release,
	.poll = pidfd_poll,
	.show_info = pidfd_show_info,
	.stream = true,
};

struct file *pidfd_create(struct process *process, u32 flags)
{
	struct file *file = anon_file_create("anon_inode:[pidfd]", &pidfd_operations,
					     process_get(process), O_RDWR | flags);

	if (IS_ERR(file))
		process_put(process);
	return file;
}

struct process *pidfd_process(const struct file *file)
{
	return file->ops == &pidfd_operations ? file->private : NULL;
}

/* --- CLONE_PIDFD --- */

static int prepare(struct process *process, struct file **file)
{
	struct file *made = pidfd_create(process, 0);

	if (IS_ERR(made))
		return (int)PTR_ERR(made);
	int fd = fd_reserve(O_CLOEXEC);
	if (fd < 0)
		file_put(made);
	else
		*file = made;
	return fd;
}

static void discard(int fd, struct file *file)
{
	fd_release(fd);
	file_put(file);
}

static const struct pidfd_hooks hooks = {
	.prepare = prepare,
	.install = fd_fill,
	.discard = discard,
};

void pidfd_init(void)
{
	pidfd_hooks = &hooks;
}
