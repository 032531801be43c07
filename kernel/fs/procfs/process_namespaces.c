/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the namespaces of a process (/proc/PID/ns), and the maps of its user namespace.
 */
#include "fs/nsfs.h"
#include "fs/procfs/procfs.h"
#include "lib/string.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

/* --- Links --- */

static const struct {
	const char *name;
	enum namespace_kind kind;
	bool children;
} links[] = {
	{"cgroup", NAMESPACE_CGROUP, false}, {"ipc", NAMESPACE_IPC, false},
	{"mnt", NAMESPACE_MOUNT, false},     {"net", NAMESPACE_NET, false},
	{"pid", NAMESPACE_PID, false},       {"user", NAMESPACE_USER, false},
	{"uts", NAMESPACE_UTS, false},       {"pid_for_children", NAMESPACE_PID, true},
};

/* The task's namespace that the entry is about, with a reference, or NULL. */
static struct namespace *find(struct task *task, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (strcmp(links[i].name, name) == 0)
			return namespace_of_task(task, links[i].kind, links[i].children);
	return NULL;
}

static int get_link(const struct proc_node *node, struct link_target *target)
{
	int error = proc_may_inspect(node);

	if (error)
		return error;
	struct task *task = proc_node_task(node);
	if (task == NULL)
		return -ESRCH;
	struct namespace *space = find(task, node->entry->name);
	task_put(task);
	return space != NULL ? nsfs_path(space, &target->jump) : -ENOENT;
}

#define NS_LINK(entry_name)                                                        \
	{                                                                          \
		.name = (entry_name), .mode = S_IFLNK | 0777, .get_link = get_link \
	}

const struct proc_entry proc_ns_entries[] = {
	NS_LINK("cgroup"), NS_LINK("ipc"),  NS_LINK("mnt"), NS_LINK("net"),
	NS_LINK("pid"),    NS_LINK("user"), NS_LINK("uts"), NS_LINK("pid_for_children"),
	PROC_END,
};

/* --- Maps --- */

/* The user namespace of the process, with a reference, or NULL. */
static struct user_namespace *space_of(const struct proc_node *node)
{
	struct task *task = proc_node_task(node);

	if (task == NULL)
		return NULL;
	struct namespace *space = namespace_of_task(task, NAMESPACE_USER, false);
	task_put(task);
	return user_namespace_of(space);
}

static int show_map(const struct proc_node *node, enum id_kind kind, struct text *text)
{
	struct user_namespace *space = space_of(node);

	if (space == NULL)
		return -ESRCH;
	user_namespace_show_map(space, kind, text);
	user_namespace_put(space);
	return 0;
}

static int store_map(const struct proc_node *node, enum id_kind kind, const char *value,
		     size_t size)
{
	struct user_namespace *space = space_of(node);

	if (space == NULL)
		return -ESRCH;
	int error = user_namespace_set_map(space, kind, value, size);
	user_namespace_put(space);
	return error;
}

int proc_show_uid_map(const struct proc_node *node, struct text *text)
{
	return show_map(node, ID_USER, text);
}

int proc_show_gid_map(const struct proc_node *node, struct text *text)
{
	return show_map(node, ID_GROUP, text);
}

int proc_show_projid_map(const struct proc_node *node, struct text *text)
{
	return show_map(node, ID_PROJECT, text);
}

int proc_store_uid_map(const struct proc_node *node, char *value, size_t size)
{
	return store_map(node, ID_USER, value, size);
}

int proc_store_gid_map(const struct proc_node *node, char *value, size_t size)
{
	return store_map(node, ID_GROUP, value, size);
}

int proc_store_projid_map(const struct proc_node *node, char *value, size_t size)
{
	return store_map(node, ID_PROJECT, value, size);
}

int proc_show_setgroups(const struct proc_node *node, struct text *text)
{
	struct user_namespace *space = space_of(node);

	if (space == NULL)
		return -ESRCH;
	text_printf(text, "%s\n", READ_ONCE(space->no_setgroups) ? "deny" : "allow");
	user_namespace_put(space);
	return 0;
}

int proc_store_setgroups(const struct proc_node *node, char *value, size_t size)
{
	struct user_namespace *space;
	int error = -EINVAL;

	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	bool allow = strcmp(value, "allow") == 0;
	space = space_of(node);
	if (space == NULL)
		return -ESRCH;
	if (!capable_in(space, CAP_SYS_ADMIN))
		error = -EPERM;
	else if (allow || strcmp(value, "deny") == 0)
		error = user_namespace_set_setgroups(space, allow);
	user_namespace_put(space);
	return error;
}
