/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: one for each place of a short name, found in a table of the superblock.
 *
 * The table holds no references.  An inode whose last reference has gone is written, or, if it has
 * no name any more, its clusters are freed; only then it leaves the table, and who looks for its
 * place waits meanwhile.  That work is not done in threads of the kernel, which may be the one that
 * finds memory: there it is left to the volume's own thread.
 *
 * A file's number is its place in units of a slot, for as long as it stays there; a file that has
 * been moved keeps its number while it is in memory, and who comes to its old place gets one that
 * no place has.
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

static struct list_head *bucket_of(struct fat_super *super, u64 place)
{
	return &super->inodes[place / FAT_SLOT % FAT_INODE_BUCKETS];
}

/* Referenced, or NULL; *ending: there is one without references.  table_lock held. */
static struct fat_inode *find_locked(struct fat_super *super, u64 place, bool *ending)
{
	struct fat_inode *inode;

	*ending = false;
	list_for_each_entry (inode, bucket_of(super, place), link) {
		if (inode->node.place != place)
			continue;
		if (inode_try_get(&inode->inode))
			return inode;
		*ending = true;
	}
	return NULL;
}

/* Is none on its way out any more? */
static bool has_gone(struct fat_super *super, u64 place)
{
	struct fat_inode *found;
	bool ending;

	spin_lock(&super->table_lock);
	found = find_locked(super, place, &ending);
	spin_unlock(&super->table_lock);
	if (found)
		inode_put(&found->inode);
	return found || !ending;
}

void fat_inode_wait(struct fat_super *super, u64 place)
{
	wait_event(&super->gone, has_gone(super, place));
}

/* --- Numbers --- */

static ino_t number_of(u64 place)
{
	return place / FAT_SLOT;
}

/* table_lock held. */
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
	struct fat_inode *inode;

	spin_lock(&super->table_lock);
	list_for_each_entry (inode, bucket_of(super, place), link)
		if (inode->node.place == place)
			ino = inode->inode.ino;
	spin_unlock(&super->table_lock);
	return ino;
}

void fat_inode_place(struct fat_inode *inode)
{
	struct fat_super *super = fat_super_of(inode);
	u64 place = inode->node.place;

	spin_lock(&super->table_lock);
	list_remove(&inode->link);
	list_remove(&inode->moved_link);
	if (place != 0)
		list_add(&inode->link, bucket_of(super, place));
	if (inode->inode.ino == 0)
		choose_number_locked(super, inode);
	else if (number_of(place) != inode->inode.ino)
		list_add(&inode->moved_link, &super->moved);
	spin_unlock(&super->table_lock);
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
	mutex_init(&inode->write_back_lock);
	list_init(&inode->link);
	list_init(&inode->moved_link);
	list_init(&inode->dirty_link);
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
	struct fat_super *super = fat_super(superblock);
	struct fat_inode *inode;
	bool ending;

	spin_lock(&super->table_lock);
	inode = find_locked(super, entry->place, &ending);
	spin_unlock(&super->table_lock);
	if (inode)
		return &inode->inode;
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

static bool is_dirty(const struct fat_inode *inode)
{
	return inode->inode.flags & INODE_PAGE_CACHE &&
	       page_cache_dirty_pages(&inode->inode.cache) > 0;
}

static void finish_on_disk(struct fat_inode *inode)
{
	struct fat_super *super = fat_super_of(inode);
	int error = 0;

	if (inode->node.place == 0) {
		fat_lock(super);
		error = fat_node_end(&super->volume, &inode->node);
		fat_unlock(super);
	} else {
		if (is_dirty(inode))
			error = fat_write_back(inode, 0, UINT64_MAX);
		if (!error)
			error = fat_inode_flush(inode);
	}
	if (error && !super->volume.failed)
		log_error("fat: %s: inode %lu was not written: error %d", super->device->name,
			  (unsigned long)inode->inode.ino, -error);
}

static void end_inode(struct fat_inode *inode)
{
	struct fat_super *super = fat_super_of(inode);

	if (fat_is_writable(super) && inode->inode.ino != FAT_ROOT_INO)
		finish_on_disk(inode);
	fat_lock(super);
	fat_release(&super->volume, inode->promised);
	fat_unlock(super);
	spin_lock(&super->table_lock);
	list_remove(&inode->link);
	list_remove(&inode->moved_link);
	list_remove(&inode->dirty_link);
	spin_unlock(&super->table_lock);
	wake_up_all(&super->gone);
	fat_inode_free(inode);
}

void fat_inode_destroy(struct inode *base)
{
	struct fat_inode *inode = fat_inode(base);
	struct fat_super *super = fat_super_of(inode);

	if (current->process || current == super->writer || !super->writer) {
		end_inode(inode);
		return;
	}
	spin_lock(&super->table_lock);
	list_move_tail(&inode->dirty_link, &super->ending);
	spin_unlock(&super->table_lock);
	wake_up_all(&super->work);
}

void fat_inodes_end(struct fat_super *super)
{
	struct fat_inode *inode;

	for (;;) {
		spin_lock(&super->table_lock);
		inode = list_first_entry_or_null(&super->ending, struct fat_inode, dirty_link);
		if (inode)
			list_remove(&inode->dirty_link);
		spin_unlock(&super->table_lock);
		if (!inode)
			return;
		end_inode(inode);
	}
}
