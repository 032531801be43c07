/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes: life, owners and permissions, time stamps.
 *
 * An inode lives while anybody references it: dentries, and whatever the file system itself keeps
 * (a tmpfs directory entry).  The file system's destroy_inode runs at the end, in a task that may
 * sleep.
 */
#include "fs/acl.h"
#include "fs/fs_internal.h"
#include "fs/read_section.h"

#include "lib/string.h"
#include "mm/slab.h"
#include "proc/credentials.h"
#include "proc/user_namespace.h"
#include "proc/time.h"

static slab_cache_t *inode_slab;

void inode_cache_init(void)
{
	inode_slab = slab_cache_create("inode", sizeof(struct inode), 0, NULL, NULL);
	if (!inode_slab)
		panic("no memory for the inode cache");
}

struct vfs_time vfs_now(void)
{
	nsec_t now = time_wall();

	return (struct vfs_time){(s64)(now / NSEC_PER_SEC), (u32)(now % NSEC_PER_SEC)};
}

void inode_init(struct inode *inode, struct superblock *superblock, mode_t mode)
{
	const struct credentials *credentials = current ? current_credentials() : NULL;

	inode->refs = 1;
	inode->nlink = 1;
	inode->mode = mode;
	inode->superblock = superblock;
	inode->uid = credentials ? credentials->fsuid : 0;
	inode->gid = credentials ? credentials->fsgid : 0;
	inode->ino = __atomic_add_fetch(&superblock->next_ino, 1, __ATOMIC_RELAXED);
	inode->atime = vfs_now();
	inode->mtime = inode->ctime = inode->btime = inode->atime;
	rwlock_init(&inode->lock);
	spin_lock_init(&inode->attribute_lock);
}

void inode_init_owner(struct inode *inode, const struct inode *directory)
{
	if (!(directory->mode & S_ISGID))
		return;
	inode->gid = directory->gid;
	if (S_ISDIR(inode->mode))
		inode->mode |= S_ISGID;
	else if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		 !credentials_in_group(current_credentials(), inode->gid) &&
		 !capable_over(inode->uid, inode->gid, CAP_FSETID))
		inode->mode &= ~(mode_t)S_ISGID;
}

struct inode *inode_alloc(struct superblock *superblock, mode_t mode)
{
	struct inode *inode = slab_alloc(inode_slab);

	if (!inode)
		return NULL;
	memset(inode, 0, sizeof(*inode));
	inode_init(inode, superblock, mode);
	inode_set_special(inode);
	return inode;
}

void inode_free(struct inode *inode)
{
	read_section_free(inode_slab, inode);
}

bool reference_try_get(u32 *refs)
{
	u32 count = __atomic_load_n(refs, __ATOMIC_RELAXED);

	do {
		if (count == 0)
			return false;
	} while (!__atomic_compare_exchange_n(refs, &count, count + 1, false, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

struct inode *inode_get(struct inode *inode)
{
	__atomic_add_fetch(&inode->refs, 1, __ATOMIC_RELAXED);
	return inode;
}

void inode_put(struct inode *inode)
{
	const struct superblock_operations *ops = inode->superblock->ops;

	if (__atomic_sub_fetch(&inode->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (inode->locks)
		locks_free_inode(inode);
	if (inode->xattrs)
		xattrs_free(inode->xattrs);
	acl_release(inode);
	if (ops->destroy_inode)
		ops->destroy_inode(inode);
	else
		inode_free(inode);
}

void inode_set_special(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFCHR:
		inode->file_ops = &special_char_ops;
		break;
	case S_IFBLK:
		inode->file_ops = &special_block_ops;
		break;
	case S_IFIFO:
		inode->file_ops = &special_fifo_ops;
		break;
	case S_IFSOCK:
		inode->file_ops = &special_socket_ops;
		break;
	default:
		break;
	}
}

void inode_touch(struct inode *inode, u32 which)
{
	struct vfs_time now = vfs_now();

	spin_lock(&inode->attribute_lock);
	if (which & ATTR_ATIME)
		inode->atime = now;
	if (which & ATTR_MTIME)
		inode->mtime = now;
	if (which & ATTR_CTIME)
		inode->ctime = now;
	spin_unlock(&inode->attribute_lock);
}

void inode_change_nlink(struct inode *inode, int change)
{
	spin_lock(&inode->attribute_lock);
	inode->nlink = (u32)((int)inode->nlink + change);
	spin_unlock(&inode->attribute_lock);
	inode_touch(inode, ATTR_CTIME);
}

static bool time_before_or_equal(struct vfs_time a, struct vfs_time b)
{
	return a.seconds < b.seconds || (a.seconds == b.seconds && a.nanoseconds <= b.nanoseconds);
}

void inode_accessed(const struct mount *mount, struct inode *inode)
{
	u32 flags = mount ? mount->flags : 0;
	struct vfs_time now;

	if (inode->flags & INODE_NO_ATIME || flags & (MS_NOATIME | MS_RDONLY) ||
	    inode->superblock->flags & (MS_NOATIME | MS_RDONLY))
		return;
	if (flags & MS_NODIRATIME && S_ISDIR(inode->mode))
		return;
	now = vfs_now();
	spin_lock(&inode->attribute_lock);
	if (flags & MS_STRICTATIME || time_before_or_equal(inode->atime, inode->mtime) ||
	    time_before_or_equal(inode->atime, inode->ctime) ||
	    now.seconds - inode->atime.seconds >= 86400)
		inode->atime = now;
	spin_unlock(&inode->attribute_lock);
}

int inode_permission(struct inode *inode, unsigned mask)
{
	if (mask & MAY_WRITE && inode->flags & INODE_IMMUTABLE)
		return -EPERM;
	if (inode->ops && inode->ops->permission)
		return inode->ops->permission(inode, mask);
	if (unlikely(inode->acl))
		return acl_permission(inode, current_credentials(), mask);
	/* What everybody may needs no look at who asks. */
	if ((inode->mode & inode->mode >> 3 & inode->mode >> 6 & mask) == mask)
		return 0;
	return credentials_permission(current_credentials(), inode->uid, inode->gid, inode->mode,
				      mask);
}

int inode_permission_real(struct inode *inode, unsigned mask)
{
	struct credentials real = *current_credentials();

	real.fsuid = real.uid;
	real.fsgid = real.gid;
	real.cap_effective =
		real.uid == user_namespace_root(real.user_namespace) ? real.cap_permitted : 0;
	if (mask & MAY_WRITE && inode->flags & INODE_IMMUTABLE)
		return -EPERM;
	if (inode->ops && inode->ops->permission) {
		const struct credentials *before = credentials_act(&real);
		int error = inode->ops->permission(inode, mask);

		credentials_act(before);
		return error;
	}
	if (unlikely(inode->acl))
		return acl_permission(inode, &real, mask);
	return credentials_permission(&real, inode->uid, inode->gid, inode->mode, mask);
}

bool inode_owner_or_capable(const struct inode *inode)
{
	return credentials_owner_or_capable(current_credentials(), inode->uid, inode->gid);
}

void inode_apply_change(struct inode *inode, const struct attr_change *change)
{
	spin_lock(&inode->attribute_lock);
	if (change->valid & ATTR_UID)
		inode->uid = change->uid;
	if (change->valid & ATTR_GID)
		inode->gid = change->gid;
	if (change->valid & ATTR_MODE)
		inode->mode = (inode->mode & S_IFMT) | (change->mode & S_IALLUGO);
	if (change->valid & ATTR_ATIME)
		inode->atime = change->atime;
	if (change->valid & ATTR_MTIME)
		inode->mtime = change->mtime;
	if (change->valid & ATTR_CTIME)
		inode->ctime = change->ctime;
	spin_unlock(&inode->attribute_lock);
}

int inode_take_write(struct inode *inode)
{
	s32 writers = __atomic_load_n(&inode->writers, __ATOMIC_RELAXED);

	do {
		if (writers < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&inode->writers, &writers, writers + 1, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return 0;
}

void inode_drop_write(struct inode *inode)
{
	__atomic_sub_fetch(&inode->writers, 1, __ATOMIC_ACQ_REL);
}

int inode_deny_write(struct inode *inode)
{
	s32 writers = __atomic_load_n(&inode->writers, __ATOMIC_RELAXED);

	do {
		if (writers > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&inode->writers, &writers, writers - 1, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return 0;
}

void inode_allow_write(struct inode *inode)
{
	__atomic_add_fetch(&inode->writers, 1, __ATOMIC_ACQ_REL);
}
