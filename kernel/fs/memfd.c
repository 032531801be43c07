/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files in memory without a name, memfd_create(2), and the seals of all files of tmpfs (fcntl(2),
 * F_ADD_SEALS).
 *
 * They live in a tmpfs of their own that nothing is mounted on and that has no limits, or in such a
 * hugetlbfs (MFD_HUGETLB). inode->seals
 * is guarded by inode->lock; everything that a seal forbids looks at it under that lock, but for
 * mmap, which looks without: a seal against writing is refused while a shared mapping may write, or
 * is on its way (file_begin_mapping).
 */
#include "fs/fs_internal.h"

#include "lib/abi/mman.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/hugetlb.h"

/* Set once: for ordinary pages, and of each size of huge ones. */
static struct mount *memfd_mount, *huge_mounts[HUGETLB_SIZES];

static int describe(struct dentry *dentry, char *buffer, size_t size)
{
	const char *name = dentry_inode(dentry)->link_text;

	return snprintf(buffer, size, "/memfd:%s (deleted)", name ? name : "");
}

static const struct dentry_operations memfd_dentry_ops = {.describe = describe};

static struct mount *mount_type(const char *name, const char *options)
{
	const struct filesystem *type = filesystem_find(name);
	struct superblock *superblock;
	struct mount *mount;

	if (type->mount(type, 0, NULL, options, &superblock))
		panic("no memory for nameless files");
	superblock->dentry_ops = &memfd_dentry_ops;
	mount = mount_create(superblock, NULL, 0);
	if (!mount)
		panic("no memory for nameless files");
	return mount;
}

void memfd_init(void)
{
	memfd_mount = mount_type("tmpfs", "size=0,nr_inodes=0");
	huge_mounts[HUGETLB_2M] = mount_type("hugetlbfs", "pagesize=2M");
	huge_mounts[HUGETLB_1G] = mount_type("hugetlbfs", "pagesize=1G");
}

static struct file *open_inode(struct mount *mount, struct inode *inode)
{
	struct path path = {mount, dentry_alloc_root(mount->superblock, inode)};
	struct file *file;
	int error;

	if (!path.dentry) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	file = file_alloc(&path, O_RDWR | O_LARGEFILE);
	dentry_put(path.dentry);
	if (IS_ERR(file))
		return file;
	error = file_open_checked(file);
	if (!error)
		return file;
	file_put(file);
	return ERR_PTR(error);
}

struct file *memfd_create(const char *name, u32 flags)
{
	struct mount *mount = memfd_mount;
	enum hugetlb_size size;
	struct inode *root, *inode;
	int error;

	if (flags & MFD_HUGETLB) {
		if (!hugetlb_size_of_shift(flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK, &size))
			return ERR_PTR(-ENODEV);
		mount = huge_mounts[size];
	}
	root = dentry_inode(mount->root);
	error = root->ops->tmpfile(root, S_IFREG | S_IRWXUGO, &inode);
	if (error)
		return ERR_PTR(error);
	inode->link_text = kstrdup(name);
	if (!inode->link_text) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	inode->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	return open_inode(mount, inode);
}

int seals_check(const struct inode *inode, u32 seals)
{
	return READ_ONCE(inode->seals) & seals ? -EPERM : 0;
}

static long add_seals(struct file *file, u32 seals)
{
	struct inode *inode = file->inode;
	long result = 0;

	if (!(file->mode & FILE_WRITE))
		return -EPERM;
	if (seals &
	    ~(u32)(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EINVAL;
	rwlock_write_lock(&inode->lock);
	if (inode->seals & F_SEAL_SEAL)
		result = -EPERM;
	else if (seals & F_SEAL_WRITE && !(inode->seals & F_SEAL_WRITE) &&
		 page_cache_mapped_writable(&inode->cache))
		result = -EBUSY;
	else
		inode->seals |= seals;
	rwlock_write_unlock(&inode->lock);
	return result;
}

long seals_fcntl(struct file *file, unsigned command, vaddr_t argument)
{
	switch (command) {
	case F_ADD_SEALS:
		return add_seals(file, (u32)argument);
	case F_GET_SEALS:
		return (long)READ_ONCE(file->inode->seals);
	default:
		return -EINVAL;
	}
}
