/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control lists of inodes: asking, setting, following the mode, inheriting.
 *
 * A file system that keeps attributes itself (inode_operations' set_xattr) is told each change, with
 * the new mode in the inode already, so that both are written at once; the others have no more than
 * what the inode points at.
 */
#include "fs/acl.h"
#include "fs/fs_internal.h"
#include "fs/read_section.h"

#include "lib/string.h"
#include "proc/credentials.h"
#include "proc/user_namespace.h"

/* What a dead inode has: the walk that still looks at it may not pass. */
static const struct acl nobody;

bool acl_is_name(const char *name)
{
	return strcmp(name, ACL_ACCESS_NAME) == 0 || strcmp(name, ACL_DEFAULT_NAME) == 0;
}

int acl_permission(struct inode *inode, const struct credentials *who, unsigned mask)
{
	bool permitted;
	mode_t mode;

	spin_lock(&inode->attribute_lock);
	mode = inode->mode;
	/* Where the mask is empty, the mode decides, as on Linux. */
	if (!inode->acl || (!(mode & S_IRWXG) && inode->acl != &nobody)) {
		spin_unlock(&inode->attribute_lock);
		return credentials_permission(who, inode->uid, inode->gid, mode, mask);
	}
	permitted = acl_permits(inode->acl, who, inode->uid, inode->gid, mask);
	spin_unlock(&inode->attribute_lock);
	return permitted ? 0 : credentials_override(who, inode->uid, inode->gid, mode, mask);
}

/* --- As attributes --- */

static u32 shown(const struct acl_entry *entry)
{
	if (entry->tag == ACL_USER)
		return uid_shown(entry->id);
	return entry->tag == ACL_GROUP ? gid_shown(entry->id) : entry->id;
}

ssize_t acl_get(struct inode *inode, const char *name, void *value, size_t size)
{
	const struct acl *acl;
	ssize_t result = -ENODATA;

	if (S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	rwlock_read_lock(&inode->lock);
	acl = strcmp(name, ACL_DEFAULT_NAME) == 0 ? inode->default_acl : inode->acl;
	if (acl) {
		result = (ssize_t)acl_value_size(acl);
		if (size > 0 && size < (size_t)result)
			result = -ERANGE;
		for (u32 i = 0; result > 0 && size > 0 && i < acl->count; i++) {
			struct acl_entry entry = acl->entries[i];
			size_t at = sizeof(acl->version) + i * sizeof(entry);

			entry.id = shown(&entry);
			memcpy((u8 *)value + at, &entry, sizeof(entry));
		}
		if (result > 0 && size > 0)
			memcpy(value, &acl->version, sizeof(acl->version));
	}
	rwlock_read_unlock(&inode->lock);
	return result;
}

/* What a program gives, checked, in the kernel's numbers. */
static int take_value(const void *value, size_t size, struct acl **result)
{
	struct acl *acl;
	int error = acl_from_value(value, size, &acl);

	if (error || !acl)
		return error;
	for (u32 i = 0; i < acl->count && !error; i++) {
		struct acl_entry *entry = &acl->entries[i];

		if (entry->tag == ACL_USER)
			entry->id = uid_given(entry->id);
		else if (entry->tag == ACL_GROUP)
			entry->id = gid_given(entry->id);
	}
	error = acl_check(acl);
	if (error)
		kfree(acl);
	else
		*result = acl;
	return error;
}

/* Puts a list, or NULL, in place; what was there goes. */
static void put_in_place(struct inode *inode, bool is_default, struct acl *acl)
{
	const struct acl **place = is_default ? &inode->default_acl : &inode->acl, *old;

	spin_lock(&inode->attribute_lock);
	old = *place;
	*place = acl;
	spin_unlock(&inode->attribute_lock);
	kfree((void *)old);
}

static mode_t exchange_mode(struct inode *inode, mode_t mode)
{
	mode_t old;

	spin_lock(&inode->attribute_lock);
	old = inode->mode;
	inode->mode = mode;
	spin_unlock(&inode->attribute_lock);
	return old;
}

/* The mode alone, where the file system has it. */
static int store_mode(struct inode *inode, mode_t mode)
{
	struct attr_change change = {
		.valid = ATTR_MODE | ATTR_CTIME, .mode = mode & S_IALLUGO, .ctime = vfs_now()};

	if (inode->ops->set_attributes)
		return inode->ops->set_attributes(inode, &change);
	inode_apply_change(inode, &change);
	return 0;
}

/* Stores a list, or NULL, and a mode, and takes the list over unless there is an error.  inode->lock
 * held for writing. */
static int store(struct inode *inode, bool is_default, struct acl *acl, mode_t mode)
{
	const char *name = is_default ? ACL_DEFAULT_NAME : ACL_ACCESS_NAME;
	bool had = is_default ? inode->default_acl : inode->acl;
	mode_t before;
	int error = 0;

	if (!acl && !had)
		return mode != inode->mode ? store_mode(inode, mode) : 0;
	before = exchange_mode(inode, mode);
	if (inode->ops->set_xattr)
		error = inode->ops->set_xattr(inode, name, acl ? acl_value(acl) : NULL,
					      acl ? acl_value_size(acl) : 0, 0);
	else
		inode_touch(inode, ATTR_CTIME);
	if (error)
		exchange_mode(inode, before);
	else
		put_in_place(inode, is_default, acl);
	return error;
}

/* The mode that goes with a list; a list that says no more is dropped. */
static mode_t mode_with(const struct inode *inode, struct acl **acl)
{
	mode_t mode = inode->mode;
	bool exact;

	if (!*acl)
		return mode;
	mode = (mode & ~(mode_t)S_IRWXUGO) | acl_mode(*acl, &exact);
	if (!credentials_in_group(current_credentials(), inode->gid) &&
	    !capable_over(inode->uid, inode->gid, CAP_FSETID))
		mode &= ~(mode_t)S_ISGID;
	if (exact) {
		kfree(*acl);
		*acl = NULL;
	}
	return mode;
}

int acl_set(struct inode *inode, const char *name, const void *value, size_t size)
{
	bool is_default = strcmp(name, ACL_DEFAULT_NAME) == 0;
	struct acl *acl = NULL;
	int error;

	if (S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	error = value ? take_value(value, size, &acl) : 0;
	if (error)
		return error;
	if (is_default && !S_ISDIR(inode->mode))
		error = acl ? -EACCES : 0;
	else if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND_ONLY) ||
		 !inode_owner_or_capable(inode))
		error = -EPERM;
	if (error || (is_default && !S_ISDIR(inode->mode))) {
		kfree(acl);
		return error;
	}
	rwlock_write_lock(&inode->lock);
	error = store(inode, is_default, acl, is_default ? inode->mode : mode_with(inode, &acl));
	rwlock_write_unlock(&inode->lock);
	if (error)
		kfree(acl);
	return error;
}

int acl_follow_mode(struct inode *inode)
{
	struct acl *acl;
	bool exact;
	int error;

	if (!inode->acl || acl_mode(inode->acl, &exact) == (inode->mode & S_IRWXUGO))
		return 0;
	acl = acl_copy(inode->acl);
	if (!acl)
		return -ENOMEM;
	acl_take_mode(acl, inode->mode);
	error = store(inode, false, acl, inode->mode);
	if (error)
		kfree(acl);
	return error;
}

/* --- New inodes --- */

mode_t acl_umask(const struct inode *directory, mode_t mode)
{
	return directory->default_acl ? mode : mode & ~current_umask();
}

int acl_inherit(struct inode *inode, const struct inode *directory)
{
	struct acl *access, *defaults = NULL;
	bool exact;

	if (likely(!directory->default_acl) || S_ISLNK(inode->mode))
		return 0;
	access = acl_copy(directory->default_acl);
	if (S_ISDIR(inode->mode))
		defaults = acl_copy(directory->default_acl);
	if (!access || (S_ISDIR(inode->mode) && !defaults)) {
		kfree(access);
		kfree(defaults);
		return -ENOMEM;
	}
	inode->mode = acl_limit(access, inode->mode);
	acl_mode(access, &exact);
	if (exact)
		kfree(access);
	else
		inode->acl = access;
	inode->default_acl = defaults;
	return 0;
}

int acl_load(struct inode *inode, bool is_default, const void *value, size_t size)
{
	struct acl *acl = NULL;
	int error = size > 0 ? acl_from_value(value, size, &acl) : 0;

	if (!error && acl)
		error = acl_check(acl);
	if (error || (acl && is_default && !S_ISDIR(inode->mode))) {
		kfree(acl);
		return error == -ENOMEM ? error : -EUCLEAN;
	}
	if (is_default)
		inode->default_acl = acl;
	else
		inode->acl = acl;
	return 0;
}

void acl_release(struct inode *inode)
{
	const struct acl *access, *defaults;

	if (likely(!inode->acl && !inode->default_acl))
		return;
	spin_lock(&inode->attribute_lock);
	access = inode->acl;
	defaults = inode->default_acl;
	inode->acl = access ? &nobody : NULL;
	inode->default_acl = NULL;
	spin_unlock(&inode->attribute_lock);
	if (access && access != &nobody)
		read_section_free(NULL, (void *)access);
	kfree((void *)defaults);
}
