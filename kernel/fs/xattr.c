/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes (xattr(7)), kept in a list at the inode.
 *
 * As on tmpfs of Linux 6.1 the name spaces trusted. (seen by CAP_SYS_ADMIN alone) and security.
 * exist, user. does not.  inode->lock guards the list.
 *
 * A file system that keeps attributes itself (inode_operations' get_xattr) has user. too; one
 * without set_xattr lets nothing be changed.  Access control lists are acl_inode.c's, where the file
 * system has them (superblock->has_acls), or of a file system that hands them on to another.
 */
#include "fs/acl.h"
#include "fs/fs_internal.h"

#include "lib/string.h"
#include "proc/credentials.h"

struct xattr {
	struct list_head link;
	char *name;
	size_t size;
	u8 value[];
};

struct xattr_list {
	struct list_head attributes;
};

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Does the file system keep the attributes, and not the inode's list? */
static bool keeps_itself(const struct inode *inode)
{
	return inode->ops && inode->ops->get_xattr;
}

/* A name that files and directories may have there. */
static bool is_user(const struct inode *inode, const char *name)
{
	return starts_with(name, "user.") && name[5] &&
	       (S_ISREG(inode->mode) || S_ISDIR(inode->mode));
}

/* Is it an access control list, and the kernel understands it? */
static bool is_kept_acl(const struct inode *inode, const char *name)
{
	return inode->superblock->has_acls && acl_is_name(name);
}

/* May the caller touch that name?  0 or what to answer. */
static int check_name(const struct inode *inode, const char *name, bool write)
{
	if (!inode->superblock->has_xattrs)
		return -EOPNOTSUPP;
	if (starts_with(name, "trusted.") && name[8]) {
		if (!capable(CAP_SYS_ADMIN))
			return write ? -EPERM : -ENODATA;
	} else if (starts_with(name, "security.") && name[9]) {
		if (write && !capable(CAP_SYS_ADMIN))
			return -EPERM;
	} else if (!write && keeps_itself(inode) && (acl_is_name(name) || is_user(inode, name))) {
		return acl_is_name(name) ? 0 : inode_permission((struct inode *)inode, MAY_READ);
	} else if (write && keeps_itself(inode) && acl_is_name(name)) {
		return inode_owner_or_capable(inode) ? 0 : -EPERM;
	} else if (write && keeps_itself(inode) && is_user(inode, name)) {
		return inode_permission((struct inode *)inode, MAY_WRITE);
	} else if (acl_is_name(name)) {
		return write ? -EOPNOTSUPP : -ENODATA;
	} else {
		int error = inode_permission((struct inode *)inode, write ? MAY_WRITE : MAY_READ);

		return error ? error : -EOPNOTSUPP;
	}
	return 0;
}

static struct xattr *find(const struct inode *inode, const char *name)
{
	struct xattr *attribute;

	if (!inode->xattrs)
		return NULL;
	list_for_each_entry (attribute, &inode->xattrs->attributes, link)
		if (strcmp(attribute->name, name) == 0)
			return attribute;
	return NULL;
}

static void xattr_free(struct xattr *attribute)
{
	kfree(attribute->name);
	kfree(attribute);
}

void xattrs_free(struct xattr_list *list)
{
	struct xattr *attribute, *next;

	list_for_each_entry_safe (attribute, next, &list->attributes, link)
		xattr_free(attribute);
	kfree(list);
}

ssize_t xattr_get(struct inode *inode, const char *name, void *value, size_t size)
{
	const struct xattr *attribute;
	ssize_t result;

	if (is_kept_acl(inode, name))
		return acl_get(inode, name, value, size);
	result = check_name(inode, name, false);
	if (result)
		return result;
	if (keeps_itself(inode))
		return inode->ops->get_xattr(inode, name, value, size);
	rwlock_read_lock(&inode->lock);
	attribute = find(inode, name);
	if (!attribute) {
		result = -ENODATA;
	} else if (size > 0 && size < attribute->size) {
		result = -ERANGE;
	} else {
		if (size > 0)
			memcpy(value, attribute->value, attribute->size);
		result = (ssize_t)attribute->size;
	}
	rwlock_read_unlock(&inode->lock);
	return result;
}

static struct xattr *xattr_alloc(const char *name, const void *value, size_t size)
{
	struct xattr *attribute = kmalloc(sizeof(*attribute) + size);

	if (!attribute)
		return NULL;
	attribute->name = kstrdup(name);
	if (!attribute->name) {
		kfree(attribute);
		return NULL;
	}
	attribute->size = size;
	if (size > 0)
		memcpy(attribute->value, value, size);
	return attribute;
}

static int set_locked(struct inode *inode, struct xattr *added, int flags)
{
	struct xattr *old = find(inode, added->name);

	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && flags & XATTR_REPLACE)
		return -ENODATA;
	if (!inode->xattrs) {
		inode->xattrs = kmalloc(sizeof(*inode->xattrs));
		if (!inode->xattrs)
			return -ENOMEM;
		list_init(&inode->xattrs->attributes);
	}
	list_add_tail(&added->link, &inode->xattrs->attributes);
	if (old) {
		list_remove(&old->link);
		xattr_free(old);
	}
	return 0;
}

/* The file system's own; value NULL: it goes. */
static int set_kept(struct inode *inode, const char *name, const void *value, size_t size,
		    int flags)
{
	int error;

	if (!inode->ops->set_xattr)
		return -EROFS;
	if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND_ONLY))
		return -EPERM;
	rwlock_write_lock(&inode->lock);
	error = inode->ops->set_xattr(inode, name, value, size, flags);
	rwlock_write_unlock(&inode->lock);
	return error;
}

int xattr_set(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct xattr *added;
	int error;

	if (is_kept_acl(inode, name))
		return acl_set(inode, name, value ? value : "", size);
	error = check_name(inode, name, true);
	if (error)
		return error;
	if (keeps_itself(inode))
		return set_kept(inode, name, value ? value : "", size, flags);
	added = xattr_alloc(name, value, size);
	if (!added)
		return -ENOMEM;
	rwlock_write_lock(&inode->lock);
	error = set_locked(inode, added, flags);
	rwlock_write_unlock(&inode->lock);
	if (error)
		xattr_free(added);
	else
		inode_touch(inode, ATTR_CTIME);
	return error;
}

int xattr_remove(struct inode *inode, const char *name)
{
	struct xattr *attribute;
	int error;

	if (is_kept_acl(inode, name))
		return acl_set(inode, name, NULL, 0);
	error = check_name(inode, name, true);
	if (error)
		return error;
	if (keeps_itself(inode))
		return set_kept(inode, name, NULL, 0, XATTR_REPLACE);
	rwlock_write_lock(&inode->lock);
	attribute = find(inode, name);
	if (attribute)
		list_remove(&attribute->link);
	rwlock_write_unlock(&inode->lock);
	if (!attribute)
		return -ENODATA;
	xattr_free(attribute);
	inode_touch(inode, ATTR_CTIME);
	return 0;
}

/* Names one behind the other, as far as there is room. */
struct listing {
	char *list;
	size_t size, total;
	bool privileged;
};

static void list_name(void *context, const char *name)
{
	struct listing *listing = context;
	size_t length = strlen(name) + 1;

	if (starts_with(name, "trusted.") && !listing->privileged)
		return;
	if (listing->size > 0 && listing->total + length <= listing->size)
		memcpy(listing->list + listing->total, name, length);
	listing->total += length;
}

ssize_t xattr_list(struct inode *inode, char *list, size_t size)
{
	struct listing listing = {list, size, 0, capable(CAP_SYS_ADMIN)};
	struct xattr *attribute;
	int error = 0;

	if (!inode->superblock->has_xattrs)
		return 0;
	if (keeps_itself(inode)) {
		error = inode->ops->list_xattrs(inode, list_name, &listing);
	} else if (inode->xattrs || inode->acl || inode->default_acl) {
		rwlock_read_lock(&inode->lock);
		if (inode->acl)
			list_name(&listing, ACL_ACCESS_NAME);
		if (inode->default_acl)
			list_name(&listing, ACL_DEFAULT_NAME);
		if (inode->xattrs)
			list_for_each_entry (attribute, &inode->xattrs->attributes, link)
				list_name(&listing, attribute->name);
		rwlock_read_unlock(&inode->lock);
	}
	if (error)
		return error;
	return size > 0 && listing.total > size ? -ERANGE : (ssize_t)listing.total;
}
