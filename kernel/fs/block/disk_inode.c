/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of a volume's inodes in memory (disk_inode.h), and how they leave it. */
#include "fs/block/disk_inode.h"

#include "fs/fs_internal.h"
#include "proc/sched.h"

void disk_inodes_init(struct disk_inodes *inodes, const struct disk_inodes_ops *ops,
		      struct block_device *device)
{
	*inodes = (struct disk_inodes){.ops = ops, .device = device};
	spin_lock_init(&inodes->lock);
	for (u32 i = 0; i < DISK_INODE_BUCKETS; i++)
		list_init(&inodes->buckets[i]);
	list_init(&inodes->dirty);
	list_init(&inodes->ending);
	mutex_init(&inodes->sync_lock);
	wait_queue_init(&inodes->gone);
	wait_queue_init(&inodes->work);
}

void disk_inode_init(struct disk_inode *disk, struct disk_inodes *inodes, struct inode *inode)
{
	*disk = (struct disk_inode){.inodes = inodes, .inode = inode};
	list_init(&disk->link);
	list_init(&disk->work_link);
	mutex_init(&disk->write_back_lock);
}

/* --- The table --- */

static struct list_head *bucket_of(struct disk_inodes *inodes, u64 key)
{
	return &inodes->buckets[key % DISK_INODE_BUCKETS];
}

static struct inode *find_locked(struct disk_inodes *inodes, u64 key, bool *ending)
{
	struct disk_inode *disk;

	*ending = false;
	list_for_each_entry (disk, bucket_of(inodes, key), link) {
		if (disk->key != key)
			continue;
		if (inode_try_get(disk->inode))
			return disk->inode;
		*ending = true;
	}
	return NULL;
}

struct inode *disk_inode_find(struct disk_inodes *inodes, u64 key, bool *ending)
{
	struct inode *found;

	spin_lock(&inodes->lock);
	found = find_locked(inodes, key, ending);
	spin_unlock(&inodes->lock);
	return found;
}

struct disk_inode *disk_inode_peek_locked(struct disk_inodes *inodes, u64 key)
{
	struct disk_inode *disk;

	list_for_each_entry (disk, bucket_of(inodes, key), link)
		if (disk->key == key)
			return disk;
	return NULL;
}

static bool has_gone(struct disk_inodes *inodes, u64 key)
{
	bool ending;
	struct inode *found = disk_inode_find(inodes, key, &ending);

	if (found)
		inode_put(found);
	return found || !ending;
}

void disk_inode_wait(struct disk_inodes *inodes, u64 key)
{
	wait_event(&inodes->gone, has_gone(inodes, key));
}

void disk_inode_insert_locked(struct disk_inode *disk, u64 key)
{
	list_remove(&disk->link);
	disk->key = key;
	list_add(&disk->link, bucket_of(disk->inodes, key));
}

void disk_inode_insert(struct disk_inode *disk, u64 key)
{
	spin_lock(&disk->inodes->lock);
	disk_inode_insert_locked(disk, key);
	spin_unlock(&disk->inodes->lock);
}

struct inode *disk_inode_insert_unless_found(struct disk_inode *disk, u64 key, bool *ending)
{
	struct inode *found;

	spin_lock(&disk->inodes->lock);
	found = find_locked(disk->inodes, key, ending);
	if (!found && !*ending)
		disk_inode_insert_locked(disk, key);
	spin_unlock(&disk->inodes->lock);
	return found;
}

/* --- The end --- */

void disk_inode_destroy(struct disk_inode *disk)
{
	struct disk_inodes *inodes = disk->inodes;
	bool can_wait = current->process || current == inodes->writer || !inodes->writer;

	if (can_wait || (inodes->ops->has_work && !inodes->ops->has_work(disk))) {
		inodes->ops->end(disk);
		return;
	}
	spin_lock(&inodes->lock);
	disk->ending = true;
	list_move_tail(&disk->work_link, &inodes->ending);
	spin_unlock(&inodes->lock);
	wake_up_all(&inodes->work);
}

void disk_inode_gone(struct disk_inode *disk)
{
	struct disk_inodes *inodes = disk->inodes;

	spin_lock(&inodes->lock);
	list_remove(&disk->link);
	list_remove(&disk->work_link);
	spin_unlock(&inodes->lock);
	wake_up_all(&inodes->gone);
}

void disk_inodes_end(struct disk_inodes *inodes)
{
	struct disk_inode *disk;

	for (;;) {
		spin_lock(&inodes->lock);
		disk = list_first_entry_or_null(&inodes->ending, struct disk_inode, work_link);
		if (disk)
			list_remove(&disk->work_link);
		spin_unlock(&inodes->lock);
		if (!disk)
			return;
		inodes->ops->end(disk);
	}
}
