/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting FAT12, FAT16 and FAT32: mount -t vfat /dev/vda1 /mnt.
 *
 * While it is mounted for writing a volume is marked as in use; one that was so already stays
 * marked, as it has not been looked at.  When something is wrong with it, it becomes read-only.
 */
#include "fs/fat/fat_internal.h"

#include "lib/abi/statfs.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"

/* Sectors that are kept to be fast; so many changed ones are a reason to commit. */
enum { KEEP_SECTORS = 1024, MANY_CHANGED = 4096 };
/* Beyond all places: a volume has at most 2^32 sectors of 4096 bytes. */
#define NUMBER_WITHOUT_PLACE ((u64)1 << 40)

/* --- The volume's lock --- */

void fat_lock(struct fat_super *super)
{
	mutex_lock(&super->lock);
}

void fat_unlock(struct fat_super *super)
{
	struct fat_volume *volume = &super->volume;

	fat_trim(volume, KEEP_SECTORS);
	disk_inodes_note_changed(&super->inodes, fat_is_changed(volume) || volume->data_written);
	if (volume->dirty_count > MANY_CHANGED)
		disk_inodes_hurry(&super->inodes);
	mutex_unlock(&super->lock);
}

/* --- For writing --- */

static int make_writable(struct fat_super *super)
{
	int error;

	if (super->volume.failed)
		return -EROFS;
	fat_lock(super);
	error = fat_volume_mark(&super->volume, true);
	fat_unlock(super);
	if (!error)
		error = disk_writer_start(&super->inodes);
	if (!error)
		__atomic_store_n(&super->writable, true, __ATOMIC_RELEASE);
	return error;
}

/* Everything to the disk, and nothing more. */
static int make_readable(struct fat_super *super)
{
	int error, marked = 0;

	disk_writer_stop(&super->inodes);
	error = fat_sync(super->superblock);
	__atomic_store_n(&super->writable, false, __ATOMIC_RELEASE);
	fat_lock(super);
	if (!super->volume.failed)
		marked = fat_volume_mark(&super->volume, false);
	fat_unlock(super);
	return error ? error : marked;
}

/* --- The superblock --- */

static int statfs(struct superblock *superblock, struct linux_statfs *result)
{
	struct fat_super *super = fat_super(superblock);
	const struct fat_volume *volume = &super->volume;
	u32 free = 0;
	int error;

	fat_lock(super);
	error = fat_free_clusters(&super->volume, &free);
	result->block_size = result->fragment_size = volume->cluster_size;
	result->blocks = volume->clusters;
	result->blocks_free = result->blocks_available = free - MIN(free, volume->reserved);
	result->fsid[0] = (s32)volume->serial;
	result->name_length = FAT_NAME_MAX;
	fat_unlock(super);
	return error;
}

static int remount(struct superblock *superblock, u64 flags, const char *text)
{
	struct fat_super *super = fat_super(superblock);
	struct fat_options options = super->options;
	int error = fat_options_parse(&options, text);

	if (error)
		return error;
	/* Owners and modes of files in memory stay: so do they of others. */
	super->options.errors = options.errors;
	super->options.quiet = options.quiet;
	super->options.flush = options.flush;
	if (flags & MS_RDONLY)
		return fat_is_writable(super) ? make_readable(super) : 0;
	if (fat_is_writable(super))
		return 0;
	return READ_ONCE(super->device->read_only) ? -EACCES : make_writable(super);
}

static void super_free(struct fat_super *super)
{
	bool written = super->inodes.writer || super->superblock;

	disk_writer_stop(&super->inodes);
	/* The device's pages have not seen what went past them. */
	if (written)
		block_drop_pages(super->device);
	fat_volume_close(&super->volume);
	block_close(super->device, super);
	block_put(super->device);
	kfree(super);
}

static void hurry(struct superblock *superblock)
{
	disk_inodes_hurry(&fat_super(superblock)->inodes);
}

static void destroy(struct superblock *superblock)
{
	struct fat_super *super = fat_super(superblock);

	if (fat_is_writable(super) && make_readable(super))
		log_error("fat: %s: not everything was written", super->device->name);
	block_unmount(super->device);
	super_free(super);
}

static const struct superblock_operations super_ops = {
	.destroy_inode = fat_inode_destroy,
	.destroy = destroy,
	.statfs = statfs,
	.sync = fat_sync,
	.hurry = hurry,
	.remount = remount,
	.show_options = fat_options_show,
};

/* --- Mounting --- */

static void set_defaults(struct fat_options *options)
{
	const struct credentials *credentials = current_credentials();

	options->uid = credentials->uid;
	options->gid = credentials->gid;
	options->file_mask = options->directory_mask = current_umask();
}

static struct fat_super *super_alloc(struct block_device *device)
{
	struct fat_super *super = kzalloc(sizeof(*super));

	if (!super)
		return NULL;
	super->device = device;
	super->volume = (struct fat_volume){
		.ops = &fat_device_ops, .context = super, .size = block_size_bytes(device)};
	mutex_init(&super->lock);
	disk_inodes_init(&super->inodes, &fat_inodes_ops, device);
	list_init(&super->moved);
	super->next_ino = NUMBER_WITHOUT_PLACE;
	set_defaults(&super->options);
	return super;
}

/* Opens the device and the volume; takes over the device's reference.  Or ERR_PTR. */
static struct fat_super *super_open(struct block_device *device, const char *options)
{
	struct fat_super *super = super_alloc(device);
	int error = super ? fat_options_parse(&super->options, options) : -ENOMEM;

	if (!error)
		error = block_open(device, !READ_ONCE(device->read_only), super);
	if (error) {
		block_put(device);
		kfree(super);
		return ERR_PTR(error);
	}
	super->volume.short_names = super->options.short_names;
	super->volume.plain_tails = super->options.plain_tails;
	/* It is read past the device's pages. */
	error = block_sync(device, 0, UINT64_MAX);
	if (!error)
		error = fat_volume_open(&super->volume);
	if (!error && super->volume.sector_size < block_logical_size(device))
		error = -EINVAL;
	if (!error)
		return super;
	super_free(super);
	return ERR_PTR(error);
}

static int mount_device(const struct filesystem *type, struct block_device *device, u64 flags,
			const char *options, struct superblock **result)
{
	struct fat_super *super = super_open(device, options);
	struct superblock *superblock;
	int error;

	if (IS_ERR(super))
		return (int)PTR_ERR(super);
	superblock = block_superblock(type, &super_ops, device, flags, super);
	if (!superblock) {
		super_free(super);
		return -ENOMEM;
	}
	superblock->magic = MSDOS_SUPER_MAGIC;
	superblock->block_size = super->volume.cluster_size;
	superblock->max_size = UINT32_MAX;
	super->superblock = superblock;
	if (super->volume.was_dirty)
		log_warn("fat: %s: was not unmounted properly: fsck.fat should look at it",
			 device->name);
	error = flags & MS_RDONLY ? 0 : make_writable(super);
	if (!error)
		error = superblock_set_root(superblock, fat_inode_root(superblock));
	if (!error) {
		*result = superblock;
		return 0;
	}
	super_free(super);
	superblock_free(superblock);
	return error;
}

static int mount(const struct filesystem *type, u64 flags, const char *source, const char *options,
		 struct superblock **result)
{
	return block_mount(type, flags, source, options, mount_device, result);
}

static struct filesystem type = {.name = "vfat", .needs_device = true, .mount = mount};

void fat_init(void)
{
	fat_inode_init();
	fat_file_init();
	filesystem_register(&type);
}
