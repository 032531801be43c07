/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control lists (acl(5)): who may do what with a file, beyond owner, group and the rest.
 *
 * A file may have one that decides (access), a directory a second one for what is made in it
 * (default).  The inode points at both, in the kernel's numbers of users and groups, as long as it
 * is in memory; no list costs one comparison.  A list that says no more than the mode is none.  The
 * bits of the mode and the list are kept the same: owner, others, and, for the group's bits, the
 * mask or, without one, the group.
 *
 * inode->acl and inode->default_acl are set with inode->lock held for writing and attribute_lock
 * inside it; either is enough to look at them.  A reading section, too, may look, with
 * attribute_lock: the last list of an inode stays until the section is over.  A list in an inode is
 * never changed.
 *
 * acl.c is about lists alone, acl_inode.c puts them into inodes and file systems.
 */
#ifndef FS_ACL_H
#define FS_ACL_H

#include "lib/types.h"

struct inode;
struct credentials;

enum acl_tag {
	ACL_USER_OBJ = 0x01, /* the owner */
	ACL_USER = 0x02,
	ACL_GROUP_OBJ = 0x04, /* the file's group */
	ACL_GROUP = 0x08,
	ACL_MASK = 0x10, /* what all but the owner and the others have at most */
	ACL_OTHER = 0x20,
};

enum { ACL_VERSION = 2 };

/* As programs have them in the attributes, and as they are kept. */
struct acl_entry {
	u16 tag, permissions;
	u32 id; /* of ACL_USER and ACL_GROUP; else (u32)-1 */
};

struct acl {
	u32 count;
	u32 version; /* the attribute's value begins here */
	struct acl_entry entries[];
};

#define ACL_ACCESS_NAME  "system.posix_acl_access"
#define ACL_DEFAULT_NAME "system.posix_acl_default"

/* --- Lists: acl.c --- */

/*
 * The list that is the value of an attribute, to be freed with kfree; *result NULL: it is empty.
 * 0, -EINVAL: it makes no sense, -EOPNOTSUPP: of another version, -ENOMEM.
 */
int __must_check acl_from_value(const void *value, size_t size, struct acl **result);
/* Its entries are in order, complete and all different: 0 or -EINVAL. */
int __must_check acl_check(const struct acl *acl);
/* The attribute's value. */
static inline const void *acl_value(const struct acl *acl)
{
	return &acl->version;
}
static inline size_t acl_value_size(const struct acl *acl)
{
	return sizeof(acl->version) + acl->count * sizeof(acl->entries[0]);
}
/* A copy, or NULL. */
struct acl *acl_copy(const struct acl *acl);
/* The nine bits of a mode that say the same; *exact: and that is all that it says. */
mode_t acl_mode(const struct acl *acl, bool *exact);
/* Changes a list by the bits of a new mode. */
void acl_take_mode(struct acl *acl, mode_t mode);
/* The list of a new file, copied from a default one: it and the mode that was asked for both lose
 * what the other has not.  The result is the mode. */
mode_t acl_limit(struct acl *acl, mode_t mode);
/* Does it let somebody do that with a file of this owner and group (PERMISSION_*)? */
bool acl_permits(const struct acl *acl, const struct credentials *who, uid_t owner, gid_t group,
		 unsigned want);

/* --- Lists of inodes: acl_inode.c --- */

/* Is it the name of one of both? */
bool acl_is_name(const char *name);
/* With a list: inode_permission for `who`; by mode and list alone.  0 or -EACCES. */
int __must_check acl_permission(struct inode *inode, const struct credentials *who, unsigned mask);
/* The attributes of an inode on a file system with has_acls.  As in fs/calls.h; value NULL: goes. */
ssize_t acl_get(struct inode *inode, const char *name, void *value, size_t size);
int __must_check acl_set(struct inode *inode, const char *name, const void *value, size_t size);
/* After a change of the mode.  inode->lock held for writing. */
int __must_check acl_follow_mode(struct inode *inode);
/* What umask leaves of a new file's mode: all, where the directory has a default list.
 * directory->lock held. */
mode_t acl_umask(const struct inode *directory, mode_t mode);
/* A fresh inode, which nobody knows, gets lists and mode from its directory.  directory->lock held.
 * 0 or -ENOMEM. */
int __must_check acl_inherit(struct inode *inode, const struct inode *directory);
/* Puts lists from the disk into a fresh inode: kernel memory's values, size 0 for none. */
int __must_check acl_load(struct inode *inode, bool is_default, const void *value, size_t size);
/* At the end of an inode, once or more.  May sleep. */
void acl_release(struct inode *inode);

#endif
