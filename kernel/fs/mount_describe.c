/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts in words, for /proc/PID/mounts and mountinfo.
 */
#include "fs/fs_internal.h"

#include "lib/format.h"
#include "lib/string.h"
#include "proc/task.h"

/* "rw,nosuid,…" as proc(5) orders them. */
static void describe_flags(u32 flags, bool readonly, char *buffer, size_t size)
{
	static const struct {
		u32 flag;
		const char *word;
	} words[] = {
		{MS_NOSUID, ",nosuid"},         {MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},         {MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"}, {MS_RELATIME, ",relatime"},
	};
	size_t length = ksnprintf(buffer, size, "%s", readonly ? "ro" : "rw");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].flag)
			length += ksnprintf(buffer + length, size - length, "%s", words[i].word);
}

/* The namespace's `index`th mount from the beginning, with a reference, or NULL. */
static struct mount *mount_at_index(struct mount_namespace *space, size_t index)
{
	struct mount *mount, *found = NULL;

	spin_lock(mount_tree_lock());
	list_for_each_entry (mount, &space->mounts, all) {
		if (index-- == 0) {
			mount_get(mount);
			found = mount;
			break;
		}
	}
	spin_unlock(mount_tree_lock());
	return found;
}

/* " shared:1 master:2", as proc_pid_mountinfo(5) has it.  Groups may change meanwhile, so the mutex
 * of changes is held. */
static void describe_relations(const struct mount *mount, char *buffer, size_t size)
{
	size_t length = 0;

	buffer[0] = '\0';
	mount_change_lock();
	if (mount->group)
		length += ksnprintf(buffer, size, " shared:%u", mount->group);
	if (mount->master)
		length += ksnprintf(buffer + length, size - length, " master:%u",
				    mount->master->group);
	if (mount->unbindable)
		ksnprintf(buffer + length, size - length, " unbindable");
	mount_change_unlock();
}

/* false: it cannot be reached from the root. */
static bool describe_mount(struct mount *mount, const struct path *root, struct mount_info *info)
{
	struct superblock *superblock = mount->superblock;
	struct path at = {mount, mount->root}, top = {mount, superblock->root};
	char *half = info->buffer + sizeof(info->buffer) / 2;
	size_t length;
	bool reached, below;

	info->point = path_name_from(&at, root, info->buffer, sizeof(info->buffer) / 2, &reached);
	if (IS_ERR(info->point) || !reached)
		return false;
	info->root = path_name_from(&at, &top, half, sizeof(info->buffer) / 2, &below);
	if (mount->root == superblock->root)
		info->root = (char *)"/";
	if (IS_ERR(info->root))
		return false;
	info->id = mount->id;
	spin_lock(mount_tree_lock());
	info->parent_id = mount->parent ? mount->parent->id : mount->id;
	spin_unlock(mount_tree_lock());
	info->device = superblock->device;
	strscpy(info->source, mount->source ? mount->source : "none", sizeof(info->source));
	strscpy(info->type, superblock->type->name, sizeof(info->type));
	describe_flags(mount->flags, mount_is_readonly(mount), info->flags, sizeof(info->flags));
	describe_relations(mount, info->relations, sizeof(info->relations));
	length = ksnprintf(info->super_options, sizeof(info->super_options), "%s",
			   superblock->flags & MS_RDONLY ? "ro" : "rw");
	if (superblock->ops->show_options)
		superblock->ops->show_options(superblock, info->super_options + length,
					      sizeof(info->super_options) - length);
	return true;
}

bool mount_describe(struct mount_namespace *space, const struct path *root, size_t index,
		    struct mount_info *info)
{
	for (size_t at = 0;; at++) {
		struct mount *mount = mount_at_index(space, at);
		bool reachable;

		if (!mount)
			return false;
		reachable = describe_mount(mount, root, info);
		mount_put(mount);
		if (reachable && index-- == 0)
			return true;
	}
}
