/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISO 9660 as the VFS wants it: mount -t iso9660 -o ro /dev/vda /mnt.
 *
 * Nothing ever changes, so an inode is made for each name that is found, and all of it is read
 * through the pages of the device.  A mount that would write is refused with -EROFS, upon which
 * mount(8) tries again.
 */
#include "fs/block/block_device.h"
#include "fs/device.h"
#include "fs/fs_internal.h"
#include "fs/iso9660/volume.h"
#include "fs/read_section.h"
#include "lib/abi/statfs.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

struct iso_super {
	struct iso_volume volume;
	struct block_device *device;
};

struct iso_inode {
	struct inode inode;
	struct iso_node node;
};

static slab_cache_t *inode_slab;

static struct iso_super *iso_super(const struct superblock *superblock)
{
	return superblock->private;
}

static struct iso_inode *iso_inode(struct inode *inode)
{
	return container_of(inode, struct iso_inode, inode);
}

static const struct iso_volume *volume_of(const struct inode *inode)
{
	return &iso_super(inode->superblock)->volume;
}

/* --- Files --- */

static int fill(struct page_cache *cache, u64 index, void *page)
{
	struct inode *inode = container_of(cache, struct inode, cache);

	return iso_read(volume_of(inode), &iso_inode(inode)->node, index * PAGE_SIZE, page,
			PAGE_SIZE);
}

static const struct page_cache_ops cache_ops = {.fill = fill};

/* --- Directories --- */

static struct inode *make_inode(struct superblock *superblock, u64 number);

static int lookup(struct inode *directory, struct dentry *dentry)
{
	struct inode *inode;
	u64 number;
	int error = iso_find(volume_of(directory), &iso_inode(directory)->node, dentry->text,
			     dentry->length, &number);

	if (error)
		return error == -ENOENT ? 0 : error;
	inode = make_inode(directory->superblock, number);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	dentry_instantiate(dentry, inode);
	return 0;
}

static bool emit_entry(void *argument, u64 position, const char *name, size_t length, u64 number,
		       u32 type)
{
	struct dir_context *context = argument;

	context->position = (off_t)position;
	return dir_emit(context, name, length, number, type);
}

static int readdir(struct file *file, struct dir_context *context)
{
	struct inode *inode = file->inode;
	u64 position = (u64)context->position;
	int error;

	if (context->position < 0)
		return 0;
	error = iso_list(volume_of(inode), &iso_inode(inode)->node, &position, emit_entry, context);
	context->position = (off_t)position;
	return error;
}

static int sync_directory(struct file *file __unused, off_t start __unused, off_t end __unused,
			  bool data_only __unused)
{
	return 0; /* nothing is ever dirty */
}

static const struct file_operations directory_ops = {.readdir = readdir, .fsync = sync_directory};
static const struct inode_operations directory_inode_ops = {.lookup = lookup};
static const struct inode_operations inode_ops = {};

/* --- Inodes --- */

static void set_attributes(struct inode *inode, const struct iso_node *node)
{
	inode->ino = node->number;
	inode->uid = node->uid;
	inode->gid = node->gid;
	inode->nlink = node->links;
	inode->size = (off_t)node->size;
	inode->blocks = DIV_ROUND_UP(node->size, 512ul);
	inode->rdev = device_make(node->major, node->minor);
	inode->atime = (struct vfs_time){node->atime, 0};
	inode->mtime = inode->btime = (struct vfs_time){node->mtime, 0};
	inode->ctime = (struct vfs_time){node->ctime, 0};
}

static int set_operations(struct inode *inode, const struct iso_node *node)
{
	inode->ops = &inode_ops;
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->file_ops = &regular_file_ops;
		inode->flags |= INODE_PAGE_CACHE;
		page_cache_init(&inode->cache, &cache_ops);
		inode->cache.size = node->size;
		return 0;
	case S_IFDIR:
		inode->ops = &directory_inode_ops;
		inode->file_ops = &directory_ops;
		return 0;
	case S_IFLNK:
		inode->link_text = node->link;
		inode->size = (off_t)node->link_length;
		return 0;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		inode_set_special(inode);
		return 0;
	default:
		return -EUCLEAN;
	}
}

/* The file with that number, referenced, or ERR_PTR. */
static struct inode *make_inode(struct superblock *superblock, u64 number)
{
	struct iso_inode *inode = slab_alloc_zeroed(inode_slab);
	int error;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	error = iso_node_read(&iso_super(superblock)->volume, number, &inode->node);
	if (!error) {
		inode_init(&inode->inode, superblock, (mode_t)inode->node.mode);
		set_attributes(&inode->inode, &inode->node);
		error = set_operations(&inode->inode, &inode->node);
	}
	if (!error)
		return &inode->inode;
	slab_free(inode_slab, inode);
	return ERR_PTR(error);
}

static void destroy_inode(struct inode *inode)
{
	if (inode->flags & INODE_PAGE_CACHE)
		page_cache_destroy(&inode->cache);
	read_section_free(inode_slab, iso_inode(inode));
}

/* --- Mounting --- */

static int read_device(void *context, u64 position, void *buffer, size_t size)
{
	struct iso_super *super = context;

	if (position > super->volume.size || size > super->volume.size - position)
		return -EUCLEAN;
	return block_read_bytes(super->device, position, buffer, size);
}

static void super_free(struct iso_super *super)
{
	block_close(super->device, NULL);
	block_put(super->device);
	kfree(super);
}

static void destroy(struct superblock *superblock)
{
	struct iso_super *super = iso_super(superblock);

	block_unmount(super->device);
	super_free(super);
}

static int statfs(struct superblock *superblock, struct linux_statfs *result)
{
	const struct iso_volume *volume = &iso_super(superblock)->volume;

	result->block_size = result->fragment_size = volume->block_size;
	result->blocks = volume->blocks;
	return 0;
}

static int remount(struct superblock *superblock __unused, u64 flags, const char *options __unused)
{
	return flags & MS_RDONLY ? 0 : -EROFS;
}

static const struct superblock_operations super_ops = {
	.destroy_inode = destroy_inode,
	.destroy = destroy,
	.statfs = statfs,
	.remount = remount,
};

/* Opens the volume; takes over the device's reference.  Or ERR_PTR. */
static struct iso_super *super_open(struct block_device *device)
{
	struct iso_super *super = kzalloc(sizeof(*super));
	int error = super ? block_open(device, false, NULL) : -ENOMEM;

	if (error) {
		block_put(device);
		kfree(super);
		return ERR_PTR(error);
	}
	super->device = device;
	super->volume = (struct iso_volume){
		.read = read_device, .context = super, .size = block_size_bytes(device)};
	error = iso_open(&super->volume);
	if (!error)
		return super;
	super_free(super);
	return ERR_PTR(error);
}

static int mount_device(const struct filesystem *type, struct block_device *device, u64 flags,
			const char *options __unused, struct superblock **result)
{
	struct superblock *superblock;
	struct iso_super *super;
	int error;

	if (!(flags & MS_RDONLY)) {
		block_put(device);
		return -EROFS;
	}
	super = super_open(device);
	if (IS_ERR(super))
		return (int)PTR_ERR(super);
	superblock = block_superblock(type, &super_ops, device, flags, super);
	if (!superblock) {
		super_free(super);
		return -ENOMEM;
	}
	superblock->magic = ISOFS_SUPER_MAGIC;
	superblock->block_size = super->volume.block_size;
	error = superblock_set_root(superblock, make_inode(superblock, super->volume.root));
	if (error) {
		super_free(super);
		superblock_free(superblock);
		return error;
	}
	*result = superblock;
	return 0;
}

static int mount(const struct filesystem *type, u64 flags, const char *source, const char *options,
		 struct superblock **result)
{
	return block_mount(type, flags, source, options, mount_device, result);
}

static struct filesystem type = {.name = "iso9660", .needs_device = true, .mount = mount};

void iso9660_init(void)
{
	inode_slab = slab_cache_create("iso_inode", sizeof(struct iso_inode), 0, NULL, NULL);
	if (!inode_slab)
		panic("no memory for iso9660");
	filesystem_register(&type);
}
