/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount, umount2 and pivot_root: permission, strings from user memory, and which of mount(2)'s many
 * forms is meant.
 */
#include "fs/calls.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "syscall/table.h"

/* An optional string of up to a page; *result NULL for none. */
static int get_string(vaddr_t address, char **result)
{
	*result = NULL;
	if (!address)
		return 0;
	*result = strdup_from_user((const char __user *)address, PATH_MAX);
	if (!IS_ERR(*result))
		return 0;
	int error = (int)PTR_ERR(*result);

	*result = NULL;
	return error == -ENAMETOOLONG ? -EINVAL : error;
}

/* Who rules the namespace changes its mounts, but from within a Landlock domain. */
static bool may_mount(void)
{
	return current_credentials()->landlock == NULL &&
	       capable_in(mount_namespace_current()->base.owner, CAP_SYS_ADMIN);
}

static long dispatch(const char *source, const char *target, const char *type, u64 flags,
		     const char *options)
{
	const u64 propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND))
		return mount_remount(target, flags, NULL, true);
	if (flags & MS_REMOUNT)
		return mount_remount(target, flags, options, false);
	if (flags & MS_BIND)
		return source ? mount_bind(source, target, flags & MS_REC) : -EINVAL;
	if (flags & propagation)
		return mount_set_propagation(target, flags);
	if (flags & MS_MOVE)
		return source ? mount_move(source, target) : -EINVAL;
	return mount_filesystem(source, target, type, flags, options);
}

long sys_mount(vaddr_t source_address, vaddr_t target_address, vaddr_t type_address, u64 flags,
	       vaddr_t options_address)
{
	char *source = NULL, *type = NULL, *options = NULL;
	struct pathname target;
	long result = get_string(type_address, &type);

	if (!result)
		result = get_string(source_address, &source);
	if (!result)
		result = get_string(options_address, &options);
	if (!result)
		result = pathname_get(&target, target_address);
	if (!result) {
		result = may_mount() ? dispatch(source, target.text, type, flags, options) : -EPERM;
		pathname_put(&target);
	}
	kfree(options);
	kfree(source);
	kfree(type);
	return result;
}

long sys_umount2(vaddr_t target, int flags)
{
	struct pathname name;
	long result;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) ||
	    (flags & MNT_EXPIRE && flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	result = pathname_get(&name, target);
	if (result)
		return result;
	if (!may_mount())
		result = -EPERM;
	else
		result = flags & MNT_EXPIRE ? -EAGAIN : mount_umount(name.text, flags);
	pathname_put(&name);
	return result;
}

long sys_pivot_root(vaddr_t new_root, vaddr_t put_old)
{
	struct pathname root_name, old_name;
	long result;

	if (!may_mount())
		return -EPERM;
	result = pathname_get(&root_name, new_root);
	if (result)
		return result;
	result = pathname_get(&old_name, put_old);
	if (!result) {
		result = mount_pivot_root(root_name.text, old_name.text);
		pathname_put(&old_name);
	}
	pathname_put(&root_name);
	return result;
}
