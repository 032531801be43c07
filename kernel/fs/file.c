/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: their life from open to the last close, and files without a name.
 *
 * Anonymous files that need no inode of their own share one; pipes and sockets get their own.  All
 * live in one internal mount that no path leads to.
 */
#include "fs/fs_internal.h"
#include "fs/notify.h"

#include "lib/abi/mman.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "mm/vmm.h"
#include "proc/credentials.h"

static slab_cache_t *file_slab;
static u64 next_file_id; /* atomic */
static u32 open_files;   /* atomic */
static u32 max_files;

static struct mount *anon_mount;
static struct inode *anon_inode;

void file_cache_init(void)
{
	file_slab = slab_cache_create("file", sizeof(struct file), 0, NULL, NULL);
	if (!file_slab)
		panic("no memory for the file cache");
	max_files = (u32)MAX(frame_get_total_memory() / (10 * KIB), (size_t)8192);
}

void files_count(u64 *open, u64 *limit)
{
	*open = __atomic_load_n(&open_files, __ATOMIC_RELAXED);
	*limit = max_files;
}

/* --- What mappings hold --- */

static struct file *file_of_backing(struct backing *backing)
{
	return container_of(backing, struct file, backing);
}

static void backing_get_file(struct backing *backing)
{
	file_get_ref(file_of_backing(backing));
}

static void backing_put_file(struct backing *backing)
{
	file_put(file_of_backing(backing));
}

static ssize_t backing_name(struct backing *backing, char *buffer, size_t size)
{
	char *name = path_name(&file_of_backing(backing)->path, buffer, size);
	size_t length;

	if (IS_ERR(name))
		return PTR_ERR(name);
	length = strlen(name);
	memmove(buffer, name, length + 1);
	return (ssize_t)length;
}

static void backing_identity(struct backing *backing, dev_t *device, ino_t *number)
{
	const struct inode *inode = file_of_backing(backing)->inode;

	*device = inode->superblock->device;
	*number = inode->ino;
}

static void backing_written(struct backing *backing)
{
	inode_touch(file_of_backing(backing)->inode, ATTR_MTIME | ATTR_CTIME);
}

static int backing_sync(struct backing *backing, u64 start, u64 end)
{
	struct file *file = file_of_backing(backing);

	if (!file->ops || !file->ops->fsync)
		return 0;
	return file->ops->fsync(file, (off_t)start, (off_t)end, false);
}

static int backing_punch(struct backing *backing, u64 start, u64 end)
{
	struct file *file = file_of_backing(backing);

	if (!file->ops || !file->ops->fallocate)
		return -EOPNOTSUPP;
	return (int)file->ops->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					 (off_t)start, (off_t)(end - start));
}

static const struct backing_ops file_backing_ops = {
	.get = backing_get_file,
	.put = backing_put_file,
	.name = backing_name,
	.identity = backing_identity,
	.sync = backing_sync,
	.written = backing_written,
	.punch = backing_punch,
};

u32 file_map_access(const struct file *file)
{
	u32 access = file->path.mount->flags & MS_NOEXEC ? VM_ACCESS_NOEXEC : 0;

	if (file->mode & FILE_READ)
		access |= VM_ACCESS_READ;
	if (file->mode & FILE_WRITE && !(file->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		access |= VM_ACCESS_WRITE;
	return access;
}

static bool may_map_writable(const struct file *file)
{
	return (file->mode & FILE_WRITE) && (file->inode->flags & INODE_PAGE_CACHE);
}

void file_begin_mapping(struct file *file)
{
	if (!may_map_writable(file))
		return;
	/* A seal is set before this, and then file_backing sees it, or not at all. */
	rwlock_read_lock(&file->inode->lock);
	page_cache_hold_writable(&file->inode->cache);
	rwlock_read_unlock(&file->inode->lock);
}

void file_end_mapping(struct file *file)
{
	if (may_map_writable(file))
		page_cache_release_writable(&file->inode->cache);
}

int file_backing(struct file *file, unsigned prot, unsigned flags, struct backing **result)
{
	if (file->inode->flags & INODE_SWAPFILE && (flags & MAP_TYPE) != MAP_PRIVATE &&
	    prot & PROT_WRITE)
		return -ETXTBSY;
	if (file->ops && file->ops->mmap)
		return file->ops->mmap(file, prot, flags, result);
	if (!(file->inode->flags & INODE_PAGE_CACHE))
		return -ENODEV;
	*result = &file_get_ref(file)->backing;
	return 0;
}

/* --- Life --- */

struct file *file_alloc(const struct path *path, u32 flags)
{
	struct file *file;

	if (__atomic_add_fetch(&open_files, 1, __ATOMIC_RELAXED) > max_files &&
	    !capable(CAP_SYS_ADMIN)) {
		__atomic_sub_fetch(&open_files, 1, __ATOMIC_RELAXED);
		return ERR_PTR(-ENFILE);
	}
	file = slab_alloc_zeroed(file_slab);
	if (!file) {
		__atomic_sub_fetch(&open_files, 1, __ATOMIC_RELAXED);
		return ERR_PTR(-ENOMEM);
	}
	file->refs = 1;
	file->flags = flags & ~(u32)(O_CREAT | O_TRUNC | O_CLOEXEC);
	file->path = *path;
	path_get(path);
	file->inode = path_inode(path);
	file->backing.ops = &file_backing_ops;
	file->backing.cache = &file->inode->cache;
	mutex_init(&file->position_lock);
	list_init(&file->watches);
	file->id = __atomic_add_fetch(&next_file_id, 1, __ATOMIC_RELAXED);
	return file;
}

struct file *file_get_ref(struct file *file)
{
	__atomic_add_fetch(&file->refs, 1, __ATOMIC_RELAXED);
	return file;
}

static void (*release_hook)(struct file *file); /* set once, at start-up */

void file_set_release_hook(void (*hook)(struct file *file))
{
	release_hook = hook;
}

void file_put(struct file *file)
{
	if (__atomic_sub_fetch(&file->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (notify_active() && file->ops && !(file->mode & FILE_PATH))
		notify_file(file,
			    file->mode & FILE_WRITE ? NOTIFY_CLOSE_WRITE : NOTIFY_CLOSE_NOWRITE);
	if (!list_empty(&file->watches))
		release_hook(file);
	if (unlikely(file->mode & (FILE_LOCKED | FILE_OWNED))) {
		if (file->mode & FILE_LOCKED)
			locks_release_file(file);
		if (file->mode & FILE_LOCKED)
			leases_release(file);
		if (file->mode & FILE_OWNED)
			async_release(file);
	}
	if (file->ops && file->ops->release)
		file->ops->release(file);
	if (file->mode & FILE_COUNTED) {
		inode_drop_write(file->inode);
		__atomic_sub_fetch(&file->inode->superblock->writers, 1, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&file->path.mount->writers, 1, __ATOMIC_RELAXED);
	}
	path_put(&file->path);
	__atomic_sub_fetch(&open_files, 1, __ATOMIC_RELAXED);
	slab_free(file_slab, file);
}

/* --- Files without a name --- */

static int describe_anon(struct dentry *dentry, char *buffer, size_t size)
{
	const struct inode *inode = dentry_inode(dentry);

	if (inode == anon_inode)
		return snprintf(buffer, size, "%s", (const char *)dentry->private);
	return snprintf(buffer, size, "%s:[%lu]", (const char *)dentry->private,
			(unsigned long)inode->ino);
}

static const struct dentry_operations anon_dentry_ops = {.describe = describe_anon};
static const struct superblock_operations anon_super_ops = {.destroy_inode = NULL};
static const struct filesystem anon_type = {.name = "anon_inodefs"};

void anon_init(void)
{
	struct superblock *superblock = superblock_alloc(&anon_type, &anon_super_ops);

	if (!superblock)
		panic("no memory for anonymous files");
	superblock->magic = ANON_INODE_FS_MAGIC;
	superblock->dentry_ops = &anon_dentry_ops;
	anon_inode = inode_alloc(superblock, S_IRUSR | S_IWUSR);
	if (anon_inode)
		superblock->root = dentry_alloc_root(superblock, inode_get(anon_inode));
	if (superblock->root)
		superblock->root->private = (void *)"anon_inode:";
	anon_mount = superblock->root ? mount_create(superblock, NULL, 0) : NULL;
	if (!anon_mount)
		panic("no memory for anonymous files");
}

/* An open file on a dentry of its own; takes over the inode's reference. */
static struct file *anon_open(struct inode *inode, const char *name,
			      const struct file_operations *ops, void *private, u32 flags)
{
	struct path path = {anon_mount, dentry_alloc_root(anon_mount->superblock, inode)};
	struct file *file;

	if (!path.dentry) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	path.dentry->private = (void *)name;
	file = file_alloc(&path, flags);
	dentry_put(path.dentry);
	if (IS_ERR(file))
		return file;
	file->ops = ops;
	file->private = private;
	file->mode = ((flags & O_ACCMODE) + 1) & (FILE_READ | FILE_WRITE);
	if (!ops->stream)
		file->mode |= FILE_SEEK;
	return file;
}

struct file *anon_file_create(const char *name, const struct file_operations *ops, void *private,
			      u32 flags)
{
	return anon_open(inode_get(anon_inode), name, ops, private, flags);
}

struct file *anon_inode_create(const char *name, mode_t mode, const struct file_operations *ops,
			       void *private, u32 flags)
{
	struct inode *inode = inode_alloc(anon_mount->superblock, mode);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->private = private;
	return anon_open(inode, name, ops, private, flags);
}

struct file *anon_file_clone(struct file *file, const struct file_operations *ops, void *private,
			     u32 flags)
{
	struct file *clone = file_alloc(&file->path, flags);

	if (IS_ERR(clone))
		return clone;
	clone->ops = ops;
	clone->private = private;
	clone->mode =
		(((flags & O_ACCMODE) + 1) & (FILE_READ | FILE_WRITE)) | (file->mode & FILE_SEEK);
	return clone;
}
