/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of character devices, and /dev.
 *
 * Ranges of numbers are in a list that only grows; a range is complete before it is linked.  /dev
 * is a tmpfs that the kernel mounts at start; every `mount -t devtmpfs` shows the same one, as on
 * Linux.
 */
#include "fs/device.h"
#include "fs/fs_internal.h"

#include "lib/log.h"
#include "lib/string.h"

struct char_range {
	struct list_head link;
	u32 major, first, count;
	const char *name;
	const struct file_operations *ops;
};

static spinlock_t ranges_lock = SPINLOCK_INIT;
static struct list_head ranges = LIST_INIT(ranges); /* ranges_lock to add */
static struct mount *dev_mount;                     /* set once: the first mount of devtmpfs */

const struct file_operations *device_find_char(dev_t device)
{
	u32 major = device_major(device), minor = device_minor(device);
	struct char_range *range;

	list_for_each_entry (range, &ranges, link)
		if (range->major == major && minor - range->first < range->count)
			return range->ops;
	return NULL;
}

void device_iterate(void (*function)(u32 major, const char *name, void *argument), void *argument)
{
	struct char_range *range;

	list_for_each_entry (range, &ranges, link)
		function(range->major, range->name, argument);
}

static bool overlaps_locked(const struct char_range *wanted)
{
	struct char_range *range;

	list_for_each_entry (range, &ranges, link)
		if (range->major == wanted->major && range->first < wanted->first + wanted->count &&
		    wanted->first < range->first + range->count)
			return true;
	return false;
}

int device_register_char(u32 major, u32 minor, u32 count, const char *name, mode_t mode,
			 const struct file_operations *ops)
{
	struct char_range *range = kmalloc(sizeof(*range));
	bool taken;

	if (!range)
		return -ENOMEM;
	*range = (struct char_range){
		.major = major, .first = minor, .count = count, .name = name, .ops = ops};
	spin_lock(&ranges_lock);
	taken = overlaps_locked(range);
	if (!taken)
		list_add_tail(&range->link, &ranges);
	spin_unlock(&ranges_lock);
	if (taken) {
		kfree(range);
		return -EBUSY;
	}
	if (count != 1)
		return 0;
	return device_node_create(name, S_IFCHR | (mode & S_IALLUGO), device_make(major, minor), 0,
				  0);
}

/* Locks the directory of a name below /dev, making directories on the way; *rest is the last
 * component. */
static struct dentry *open_directory(const char *text, const char **rest)
{
	struct dentry *at = dentry_get(dev_mount->root);
	const char *slash;

	while ((slash = strchr(text, '/')) != NULL) {
		struct name name = name_of(text, (size_t)(slash - text));
		struct inode *directory = dentry_inode(at);
		struct dentry *child;

		rwlock_write_lock(&directory->lock);
		child = dentry_lookup_locked(at, &name);
		if (!IS_ERR(child) && !dentry_inode(child) &&
		    directory->ops->mkdir(directory, child, S_IFDIR | 0755)) {
			dentry_put(child);
			child = ERR_PTR(-ENOMEM);
		}
		rwlock_write_unlock(&directory->lock);
		dentry_put(at);
		if (IS_ERR(child))
			return child;
		at = child;
		text = slash + 1;
	}
	*rest = text;
	return at;
}

int device_node_create(const char *text, mode_t mode, dev_t device, uid_t uid, gid_t gid)
{
	const char *rest = text;
	struct dentry *at = open_directory(text, &rest), *dentry;
	struct inode *directory;
	struct name name;
	int error = 0;

	if (IS_ERR(at))
		return (int)PTR_ERR(at);
	directory = dentry_inode(at);
	name = name_of(rest, strlen(rest));
	rwlock_write_lock(&directory->lock);
	dentry = dentry_lookup_locked(at, &name);
	if (IS_ERR(dentry))
		error = (int)PTR_ERR(dentry);
	else if (dentry_inode(dentry))
		error = -EEXIST;
	else
		error = directory->ops->create(directory, dentry, mode, device);
	rwlock_write_unlock(&directory->lock);
	if (!error) {
		struct attr_change change = {
			.valid = ATTR_UID | ATTR_GID | ATTR_FORCE, .uid = uid, .gid = gid};

		error = inode_change(dentry_inode(dentry), &change);
	}
	if (!IS_ERR(dentry))
		dentry_put(dentry);
	dentry_put(at);
	return error;
}

int device_node_remove(const char *text)
{
	const char *rest = text;
	struct dentry *at = open_directory(text, &rest), *dentry;
	struct inode *directory;
	struct name name;
	int error;

	if (IS_ERR(at))
		return (int)PTR_ERR(at);
	directory = dentry_inode(at);
	name = name_of(rest, strlen(rest));
	rwlock_write_lock(&directory->lock);
	dentry = dentry_lookup_locked(at, &name);
	error = IS_ERR(dentry) ? (int)PTR_ERR(dentry) : 0;
	if (!error)
		error = dentry_inode(dentry) ? directory->ops->unlink(directory, dentry) : -ENOENT;
	if (!error)
		dentry_drop(dentry);
	rwlock_write_unlock(&directory->lock);
	if (!IS_ERR(dentry))
		dentry_put(dentry);
	dentry_put(at);
	return error;
}

static int devtmpfs_mount(const struct filesystem *type __unused, u64 flags __unused,
			  const char *source __unused, const char *options __unused,
			  struct superblock **result)
{
	__atomic_add_fetch(&dev_mount->superblock->refs, 1, __ATOMIC_RELAXED);
	*result = dev_mount->superblock;
	return 0;
}

static struct filesystem devtmpfs_type = {.name = "devtmpfs", .mount = devtmpfs_mount};

/* The links that every /dev has. */
static int make_links(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(links) && !error; i++)
		error = vfs_symlink(links[i][0], AT_FDCWD, links[i][1]);
	return error;
}

void devices_init(void)
{
	const struct filesystem *tmpfs = filesystem_find("tmpfs");
	struct superblock *superblock;
	int error = tmpfs->mount(tmpfs, 0, NULL, "mode=755", &superblock);

	if (error)
		panic("no memory for /dev");
	superblock->type = &devtmpfs_type;
	dev_mount = mount_create(superblock, "devtmpfs", MS_RELATIME);
	if (!dev_mount)
		panic("no memory for /dev");
	filesystem_register(&devtmpfs_type);
}

void device_directory_mount(void)
{
	int error = vfs_mkdir(AT_FDCWD, "/dev", 0755);

	if (error && error != -EEXIST)
		log_warn("cannot make /dev: error %d", -error);
	error = mount_filesystem("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL);
	if (!error)
		error = make_links();
	if (error && error != -EEXIST)
		log_warn("cannot set up /dev: error %d", -error);
}
