/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting through files: open_tree, move_mount, fsopen, fsconfig, fsmount, fspick and
 * mount_setattr; arguments, permission, and the encoding of attributes.
 */
#include "fs/calls.h"
#include "lib/abi/mount.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "syscall/table.h"

enum { NAME_LIMIT = 256, BINARY_LIMIT = 1024 * KIB };

/* Who rules the namespace changes its mounts. */
static bool may_mount(void)
{
	return capable_in(mount_namespace_current()->base.owner, CAP_SYS_ADMIN);
}

static long install(struct file *file, bool close_on_exec)
{
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, close_on_exec ? O_CLOEXEC : 0);
}

long sys_open_tree(int directory, vaddr_t name, u32 flags)
{
	const u32 known = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW |
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	bool clone = flags & OPEN_TREE_CLONE, recursive = flags & AT_RECURSIVE;
	struct path path;

	if (flags & ~known || (recursive && !clone))
		return -EINVAL;
	if (clone && !may_mount())
		return -EPERM;
	long error = path_lookup_user(directory, name,
				      (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
					      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
				      &path);
	if (error)
		return error;
	struct file *file = mount_open_tree(&path, clone, recursive);
	path_put(&path);
	return install(file, flags & OPEN_TREE_CLOEXEC);
}

long sys_move_mount(int from_directory, vaddr_t from_name, int to_directory, vaddr_t to_name,
		    u32 flags)
{
	const u32 known = MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_F_AUTOMOUNTS |
			  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS |
			  MOVE_MOUNT_T_AUTOMOUNTS | MOVE_MOUNT_T_EMPTY_PATH;
	struct path from, to;

	if (!may_mount() || current_credentials()->landlock != NULL)
		return -EPERM;
	if (flags & ~known)
		return -EINVAL;
	long error = path_lookup_user(from_directory, from_name,
				      (flags & MOVE_MOUNT_F_SYMLINKS ? LOOKUP_FOLLOW : 0) |
					      (flags & MOVE_MOUNT_F_EMPTY_PATH ? LOOKUP_EMPTY : 0),
				      &from);
	if (error)
		return error;
	error = path_lookup_user(to_directory, to_name,
				 (flags & MOVE_MOUNT_T_SYMLINKS ? LOOKUP_FOLLOW : 0) |
					 (flags & MOVE_MOUNT_T_EMPTY_PATH ? LOOKUP_EMPTY : 0),
				 &to);
	if (!error) {
		error = mount_move_path(&from, &to);
		path_put(&to);
	}
	path_put(&from);
	return error;
}

/* --- Contexts --- */

/* A short string; too long is -EINVAL. */
static char *get_short(vaddr_t address)
{
	char *text = strdup_from_user((const char __user *)address, NAME_LIMIT);

	return IS_ERR(text) && PTR_ERR(text) == -ENAMETOOLONG ? ERR_PTR(-EINVAL) : text;
}

long sys_fsopen(vaddr_t address, u32 flags)
{
	if (!may_mount())
		return -EPERM;
	if (flags & ~(u32)FSOPEN_CLOEXEC)
		return -EINVAL;
	char *type = strdup_from_user((const char __user *)address, PAGE_SIZE);
	if (IS_ERR(type))
		return PTR_ERR(type) == -ENAMETOOLONG ? -EINVAL : PTR_ERR(type);
	struct file *file = mount_context_open(type);
	kfree(type);
	return install(file, flags & FSOPEN_CLOEXEC);
}

long sys_fspick(int directory, vaddr_t name, u32 flags)
{
	const u32 known =
		FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH;
	struct path path;

	if (!may_mount())
		return -EPERM;
	if (flags & ~known)
		return -EINVAL;
	long error = path_lookup_user(directory, name,
				      (flags & FSPICK_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
					      (flags & FSPICK_EMPTY_PATH ? LOOKUP_EMPTY : 0),
				      &path);
	if (error)
		return error;
	struct file *file = mount_context_pick(&path);
	path_put(&path);
	return install(file, flags & FSPICK_CLOEXEC);
}

/* Which arguments a command takes. */
static int check_config(u32 command, vaddr_t key, vaddr_t value, int number)
{
	bool fits;

	switch (command) {
	case FSCONFIG_SET_FLAG:
		fits = key && !value && number == 0;
		break;
	case FSCONFIG_SET_STRING:
		fits = key && value && number == 0;
		break;
	case FSCONFIG_SET_BINARY:
		fits = key && value && number > 0 && number <= (int)BINARY_LIMIT;
		break;
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY:
		fits = key && value && (number == AT_FDCWD || number >= 0);
		break;
	case FSCONFIG_SET_FD:
		fits = key && !value && number >= 0;
		break;
	case FSCONFIG_CMD_CREATE:
	case FSCONFIG_CMD_RECONFIGURE:
		fits = !key && !value && number == 0;
		break;
	default:
		return -EOPNOTSUPP;
	}
	return fits ? 0 : -EINVAL;
}

static long set_parameter(struct file *file, vaddr_t key_address, vaddr_t value_address)
{
	char *key = get_short(key_address), *value = NULL;

	if (IS_ERR(key))
		return PTR_ERR(key);
	if (value_address)
		value = get_short(value_address);
	long error = IS_ERR(value) ? PTR_ERR(value) : mount_context_set(file, key, value);
	if (!IS_ERR(value))
		kfree(value);
	kfree(key);
	return error;
}

static long configure(struct file *file, u32 command, vaddr_t key, vaddr_t value)
{
	switch (command) {
	case FSCONFIG_SET_FLAG:
	case FSCONFIG_SET_STRING:
		return set_parameter(file, key, value);
	case FSCONFIG_CMD_CREATE:
		return mount_context_create(file);
	case FSCONFIG_CMD_RECONFIGURE:
		return mount_context_reconfigure(file);
	default:
		/* No file system here has such parameters. */
		return -EOPNOTSUPP;
	}
}

long sys_fsconfig(int fd, u32 command, vaddr_t key, vaddr_t value, int number)
{
	if (fd < 0)
		return -EINVAL;
	int error = check_config(command, key, value, number);
	if (error)
		return error;
	struct file *file = fd_get(fd);
	if (!file)
		return -EBADF;
	long result = mount_context_is(file) ? configure(file, command, key, value) : -EINVAL;
	file_put(file);
	return result;
}

/* --- Attributes --- */

/* Attributes but for the access times, as flags of a mount: they have the same bits. */
static u32 plain_flags(u64 attributes)
{
	u32 flags = (u32)attributes &
		    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

	return flags | (attributes & MOUNT_ATTR_NODIRATIME ? MS_NODIRATIME : 0);
}

_Static_assert((u32)MOUNT_ATTR_RDONLY == MS_RDONLY && (u32)MOUNT_ATTR_NOSUID == MS_NOSUID &&
		       (u32)MOUNT_ATTR_NODEV == MS_NODEV && (u32)MOUNT_ATTR_NOEXEC == MS_NOEXEC,
	       "the same bits");

/* 0 or -EINVAL. */
static int atime_flags(u64 attributes, u32 *flags)
{
	switch (attributes & MOUNT_ATTR_ATIME) {
	case MOUNT_ATTR_RELATIME:
		*flags = MS_RELATIME;
		return 0;
	case MOUNT_ATTR_NOATIME:
		*flags = MS_NOATIME;
		return 0;
	case MOUNT_ATTR_STRICTATIME:
		*flags = MS_STRICTATIME;
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_fsmount(int fd, u32 flags, u32 attributes)
{
	u32 times;

	if (!may_mount())
		return -EPERM;
	if (flags & ~(u32)FSMOUNT_CLOEXEC || attributes & ~(u32)MOUNT_ATTR_ALL ||
	    atime_flags(attributes, &times) != 0)
		return -EINVAL;
	struct file *file = fd_get(fd);
	if (!file)
		return -EBADF;
	long result = -EINVAL;
	if (mount_context_is(file))
		result = install(mount_context_mount(file, plain_flags(attributes) | times),
				 flags & FSMOUNT_CLOEXEC);
	file_put(file);
	return result;
}

static int decode_attributes(const struct linux_mount_attr *attributes,
			     struct mount_attributes *change)
{
	const u64 kinds = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	u64 kind = attributes->propagation;
	u32 times = 0;

	if (kind & ~kinds || kind & (kind - 1))
		return -EINVAL;
	/* There are no mounts that show other owners. */
	if ((attributes->set | attributes->clear) & ~(u64)MOUNT_ATTR_ALL)
		return -EINVAL;
	*change = (struct mount_attributes){.clear = plain_flags(attributes->clear),
					    .set = plain_flags(attributes->set),
					    .propagation = kind};
	if (attributes->clear & MOUNT_ATTR_ATIME) {
		if ((attributes->clear & MOUNT_ATTR_ATIME) != MOUNT_ATTR_ATIME ||
		    atime_flags(attributes->set, &times) != 0)
			return -EINVAL;
		change->clear |= MS_RELATIME | MS_NOATIME | MS_STRICTATIME;
		change->set |= times;
	} else if (attributes->set & MOUNT_ATTR_ATIME) {
		return -EINVAL;
	}
	return 0;
}

/* Of a structure that may be longer than ours, if the rest is zero. */
static int get_attributes(struct linux_mount_attr *attributes, vaddr_t address, size_t size)
{
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < sizeof(*attributes))
		return -EINVAL;
	if (!may_mount())
		return -EPERM;
	if (get_user(*attributes, address) != 0)
		return -EFAULT;
	for (size_t at = sizeof(*attributes); at < size; at++) {
		u8 byte;

		if (get_user(byte, address + at) != 0)
			return -EFAULT;
		if (byte != 0)
			return -E2BIG;
	}
	return 0;
}

long sys_mount_setattr(int directory, vaddr_t name, u32 flags, vaddr_t address, size_t size)
{
	const u32 known = AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
	struct linux_mount_attr attributes;
	struct mount_attributes change;
	struct path path;

	if (flags & ~known)
		return -EINVAL;
	long error = get_attributes(&attributes, address, size);
	if (error)
		return error;
	if (attributes.set == 0 && attributes.clear == 0 && attributes.propagation == 0)
		return 0;
	error = decode_attributes(&attributes, &change);
	if (!error)
		error = path_lookup_user(directory, name,
					 (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
						 (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
					 &path);
	if (error)
		return error;
	error = mount_set_attributes(&path, &change, flags & AT_RECURSIVE);
	path_put(&path);
	return error;
}
