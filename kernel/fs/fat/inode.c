/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: one for each place of a short name, which in units of a slot is its key in the
 * volume's table (disk_inode.h).  One whose last reference has gone is written, or, if it has no
 * name any more, its clusters are freed.
 *
 * A file's number is its key, for as long as it stays there; a file that has been moved keeps its
 * number while it is in memory, and who comes to its old place gets one that no place has.
 */
#include "fs/fat/fat_internal.h"
#include "fs/read_section.h"

#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/slab.h"

static slab_cache_t *inode_slab;

void fat_inode_init(void)
{
	inode_slab = slab_cache_create("fat_inode", sizeof(struct fat_inode), 0, NULL, NULL);
	if (!inode_slab)
		panic("no memory for FAT");
}

/* --- Places and numbers --- */

static ino_t number_of(u64 place)
{
	return place / FAT_SLOT;
}

void fat_inode_wait(struct fat_super *super, u64 place)
{
	disk_inode_wait(&super->inodes, number_of(place));
}

/* inodes.lock held. */
static bool is_used_locked(struct fat_super *super, ino_t ino)
{
	const struct fat_inode *inode;

	list_for_each_entry (inode, &super->moved, moved_link)
		if (inode->inode.ino == ino)
			return true;
	return false;
}

static void choose_number_locked(struct fat_super *super, struct fat_inode *inode)
{
	inode->inode.ino = number_of(inode->node.place);
	if (!is_used_locked(super, inode->inode.ino))
		return;
	inode->inode.ino = super->next_ino++;
	list_add(&inode->moved_link, &super->moved);
}

ino_t fat_inode_number(struct fat_super *super, u64 place)
{
	ino_t ino = number_of(place);
	struct disk_inode *disk;

	spin_lock(&super->inodes.lock);
	disk = disk_inode_peek_locked(&super->inodes, ino);
	if (disk)
		ino = disk->inode->ino;
	spin_unlock(&super->inodes.lock);
	return ino;
}

void fat_inode_place(struct fat_inode *inode)
{
	struct fat_super *super = fat_super_of(inode);
	u64 place = inode->node.place;

	spin_lock(&super->inodes.lock);
	list_remove(&inode->moved_link);
	if (place != 0)
		disk_inode_insert_locked(&inode->disk, number_of(place));
	else
		list_remove(&inode->disk.link);
	if (inode->inode.ino == 0)
		choose_number_locked(super, inode);
	else if (number_of(place) != inode->inode.ino)
		list_add(&inode->moved_link, &super->moved);
	spin_unlock(&super->inodes.lock);
}

/* --- From the disk --- */

static mode_t mode_of(const struct fat_super *super, const struct fat_entry *entry, bool directory)
{
	static const char *const endings[] = {"EXE", "COM", "BAT"};
	const struct fat_options *options = &super->options;
	mode_t mode = S_IRWXUGO;
	bool executable = !options->show_exec || directory;

	for (u32 i = 0; entry && i < ARRAY_SIZE(endings); i++)
		executable |= memcmp(entry->slot.name + FAT_BASE, endings[i], 3) == 0;
	if (!executable)
		mode &= ~(mode_t)(S_IXUSR | S_IXGRP | S_IXOTH);
	if (entry && entry->slot.attributes & FAT_READ_ONLY && !directory)
		mode &= ~(mode_t)(S_IWUSR | S_IWGRP | S_IWOTH);
	mode &= ~(directory ? options->directory_mask : options->file_mask);
	return mode | (directory ? S_IFDIR : S_IFREG);
}

static void set_operations(struct fat_inode *inode)
{
	struct inode *base = &inode->inode;

	if (S_ISDIR(base->mode)) {
		base->ops = &fat_directory_inode_ops;
		base->file_ops = &fat_directory_ops;
		return;
	}
	base->ops = &fat_file_inode_ops;
	base->file_ops = &fat_file_ops;
	base->flags |= INODE_PAGE_CACHE;
	page_cache_init(&base->cache, &fat_cache_ops);
	base->cache.size = inode->node.size;
}

static struct fat_inode *alloc(struct superblock *superblock, const struct fat_entry *entry,
			       bool directory)
{
	struct fat_super *super = fat_super(superblock);
	struct fat_inode *inode = slab_alloc_zeroed(inode_slab);

	if (!inode)
		return NULL;
	disk_inode_init(&inode->disk, &super->inodes, &inode->inode);
	list_init(&inode->moved_link);
	inode_init(&inode->inode, superblock, mode_of(super, entry, directory));
	inode->inode.uid = super->options.uid;
	inode->inode.gid = super->options.gid;
	inode->inode.ino = 0;
	return inode;
}

/* From the node: times, and of a directory how large it is and how many are in it. */
static int set_attributes(struct fat_inode *inode)
{
	struct fat_volume *volume = &fat_super_of(inode)->volume;
	struct inode *base = &inode->inode;
	const struct fat_node *node = &inode->node;
	int directories;
	u32 clusters;

	base->atime = (struct vfs_time){node->accessed, 0};
	base->mtime = base->ctime = (struct vfs_time){node->modified, 0};
	base->btime = (struct vfs_time){node->created, node->created_ns};
	if (!S_ISDIR(base->mode))
		return 0;
	directories = fat_chain_length(volume, &inode->node.chain, &clusters);
	if (!directories)
		directories = fat_directory_count(volume, &inode->node);
	if (directories < 0)
		return directories;
	base->nlink = 2 + (u32)directories;
	base->size = node->chain.start ? (off_t)clusters << volume->cluster_shift
				       : (off_t)volume->root_size;
	return 0;
}

static struct fat_inode *read_inode(struct superblock *superblock, const struct fat_entry *entry)
{
	struct fat_super *super = fat_super(superblock);
	struct fat_inode *inode = alloc(superblock, entry, entry->slot.attributes & FAT_DIRECTORY);
	int error;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	error = fat_node_read(&super->volume, entry, &inode->node);
	if (!error)
		error = set_attributes(inode);
	if (!error) {
		set_operations(inode);
		return inode;
	}
	fat_inode_free(inode);
	return ERR_PTR(error);
}

struct inode *fat_inode_get_locked(struct superblock *superblock, const struct fat_entry *entry)
{
	struct fat_inode *inode;
	struct inode *found;
	bool ending;

	found = disk_inode_find(&fat_super(superblock)->inodes, number_of(entry->place), &ending);
	if (found)
		return found;
	if (ending)
		return ERR_PTR(-EAGAIN);
	inode = read_inode(superblock, entry);
	if (IS_ERR(inode))
		return ERR_PTR(PTR_ERR(inode));
	fat_inode_place(inode);
	return &inode->inode;
}

struct inode *fat_inode_root(struct superblock *superblock)
{
	struct fat_super *super = fat_super(superblock);
	struct fat_inode *inode = alloc(superblock, NULL, true);
	int error;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	fat_node_root(&super->volume, &inode->node);
	inode->inode.ino = FAT_ROOT_INO;
	fat_lock(super);
	error = set_attributes(inode);
	fat_unlock(super);
	if (error) {
		fat_inode_free(inode);
		return ERR_PTR(error);
	}
	set_operations(inode);
	return &inode->inode;
}

/* --- New ones --- */

struct fat_inode *fat_inode_alloc(struct superblock *superblock, bool directory)
{
	struct fat_inode *inode = alloc(superblock, NULL, directory);

	if (!inode)
		return NULL;
	inode->node.attributes = directory ? FAT_DIRECTORY : FAT_ARCHIVE;
	inode->node.created = inode->inode.btime.seconds;
	inode->node.created_ns = inode->inode.btime.nanoseconds;
	inode->node.modified = inode->node.accessed = inode->node.created;
	if (directory)
		inode->inode.nlink = 2;
	set_operations(inode);
	return inode;
}

void fat_inode_free(struct fat_inode *inode)
{
	if (inode->inode.flags & INODE_PAGE_CACHE)
		page_cache_destroy(&inode->inode.cache);
	fat_chain_forget(&fat_super_of(inode)->volume, &inode->node.chain);
	read_section_free(inode_slab, inode);
}

/* --- To the disk --- */

/* From the VFS's fields to the node's. */
static void take_attributes(struct fat_inode *inode)
{
	struct inode *base = &inode->inode;
	struct fat_node *node = &inode->node;

	spin_lock(&base->attribute_lock);
	node->modified = base->mtime.seconds;
	node->accessed = base->atime.seconds;
	if (base->flags & INODE_PAGE_CACHE) {
		node->attributes &= ~(u32)FAT_READ_ONLY;
		if (!(base->mode & (S_IWUSR | S_IWGRP | S_IWOTH)) &&
		    (S_IRWXUGO & ~fat_super_of(inode)->options.file_mask &
		     (S_IWUSR | S_IWGRP | S_IWOTH)))
			node->attributes |= FAT_READ_ONLY;
	}
	spin_unlock(&base->attribute_lock);
}

int fat_inode_store_locked(struct fat_inode *inode)
{
	take_attributes(inode);
	return fat_node_store(&fat_super_of(inode)->volume, &inode->node);
}

int fat_inode_flush(struct fat_inode *inode)
{
	struct fat_super *super = fat_super_of(inode);
	int error;

	if (!fat_is_writable(super))
		return 0;
	fat_lock(super);
	error = fat_inode_store_locked(inode);
	fat_unlock(super);
	return error;
}

/* --- The end --- */

static void finish_on_disk(struct fat_inode *inode)
{
	struct fat_super *super = fat_super_of(inode);
	int error;

	if (inode->node.place == 0) {
		fat_lock(super);
		error = fat_node_end(&super->volume, &inode->node);
		fat_unlock(super);
	} else {
		error = disk_inode_write(&inode->disk);
	}
	if (error && !super->volume.failed)
		log_error("fat: %s: inode %lu was not written: error %d", super->device->name,
			  (unsigned long)inode->inode.ino, -error);
}

static void end_inode(struct disk_inode *disk)
{
	struct fat_inode *inode = fat_inode_of_disk(disk);
	struct fat_super *super = fat_super_of(inode);

	if (fat_is_writable(super) && inode->inode.ino != FAT_ROOT_INO)
		finish_on_disk(inode);
	fat_lock(super);
	fat_release(&super->volume, inode->promised);
	fat_unlock(super);
	disk_inode_gone(disk);
	spin_lock(&super->inodes.lock);
	list_remove(&inode->moved_link);
	spin_unlock(&super->inodes.lock);
	fat_inode_free(inode);
}

void fat_inode_destroy(struct inode *base)
{
	disk_inode_destroy(&fat_inode(base)->disk);
}

static int flush(struct disk_inode *disk)
{
	return fat_inode_flush(fat_inode_of_disk(disk));
}

static u64 written(struct disk_inode *disk)
{
	return READ_ONCE(fat_inode_of_disk(disk)->node.size);
}

static bool has_failed(struct disk_inodes *inodes)
{
	return container_of(inodes, struct fat_super, inodes)->volume.failed;
}

const struct disk_inodes_ops fat_inodes_ops = {.name = "fat",
					       .thread_name = "fat-write-back",
					       .flush = flush,
					       .end = end_inode,
					       .written = written,
					       .commit = fat_commit_turn,
					       .has_failed = has_failed};
