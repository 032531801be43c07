/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the mounts that the reader can reach: mounts (fstab(5)'s format) and mountinfo
 * (proc_pid_mountinfo(5)).
 */
#include "fs/device.h"
#include "fs/mount.h"
#include "fs/procfs/procfs.h"
#include "mm/kmalloc.h"
#include "proc/namespace.h"
#include "proc/task.h"

/* Blanks and the like in a path are shown in octal, as in fstab. */
static void append_escaped(struct text *text, const char *path)
{
	for (; *path != '\0'; path++) {
		if (*path == ' ' || *path == '\t' || *path == '\n' || *path == '\\')
			text_printf(text, "\\%03o", (unsigned char)*path);
		else
			text_append(text, path, 1);
	}
}

static void show_mount(const struct mount_info *mount, struct text *text)
{
	append_escaped(text, mount->source);
	text_append(text, " ", 1);
	append_escaped(text, mount->point);
	text_printf(text, " %s %s%s%s 0 0\n", mount->type, mount->flags,
		    mount->super_options[2] == ',' ? "," : "",
		    mount->super_options[2] == ',' ? mount->super_options + 3 : "");
}

static void show_info(const struct mount_info *mount, struct text *text)
{
	text_printf(text, "%d %d %u:%u ", mount->id, mount->parent_id, device_major(mount->device),
		    device_minor(mount->device));
	append_escaped(text, mount->root);
	text_append(text, " ", 1);
	append_escaped(text, mount->point);
	text_printf(text, " %s%s - %s ", mount->flags, mount->relations, mount->type);
	append_escaped(text, mount->source);
	text_printf(text, " %s\n", mount->super_options);
}

/* The process's namespace and root, with references. */
static int get_view(const struct proc_node *node, struct namespace **space, struct path *root)
{
	struct task *task = proc_node_task(node);

	if (task == NULL)
		return -ESRCH;
	*space = namespace_of_task(task, NAMESPACE_MOUNT, false);
	int error = *space != NULL ? proc_task_root(task, root) : -EINVAL;
	if (error && *space != NULL)
		namespace_put(*space);
	task_put(task);
	return error;
}

static int show_all(const struct proc_node *node, struct text *text,
		    void (*show)(const struct mount_info *mount, struct text *text))
{
	struct namespace *space;
	struct path root;
	int error = get_view(node, &space, &root);

	if (error)
		return error;
	struct mount_info *mount = kmalloc(sizeof(*mount));
	for (size_t index = 0;
	     mount != NULL && mount_describe(mount_namespace_from(space), &root, index, mount);
	     index++)
		show(mount, text);
	error = mount != NULL ? 0 : -ENOMEM;
	kfree(mount);
	path_put(&root);
	namespace_put(space);
	return error;
}

int proc_show_mounts(const struct proc_node *node, struct text *text)
{
	return show_all(node, text, show_mount);
}

int proc_show_mountinfo(const struct proc_node *node, struct text *text)
{
	return show_all(node, text, show_info);
}
