/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting ext2, ext3 and ext4.
 *
 * The three are one format with more or fewer features; a type refuses what its Linux namesake
 * would.
 *
 * A volume that is mounted for reading alone is not touched, not even by the replay of its journal.
 * To be written, its journal is replayed and its orphans are ended first.  When something is wrong
 * for good the journal takes no more changes, and the superblock becomes read-only.
 */
#include "fs/ext4/ext4_internal.h"

#include "fs/device.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum { CACHE_SHARE = 64, CACHE_BLOCKS_MIN = 256 };

/* --- What the volume wants --- */

static int read_device(void *context, u64 position, void *buffer, size_t size)
{
	struct ext4_super *super = context;

	return block_read_bytes(super->device, position, buffer, size);
}

static void *allocate(size_t size)
{
	return kmalloc(size);
}

static void release(void *memory)
{
	kfree(memory);
}

static void complain(void *context, const char *why, u64 number)
{
	const struct ext4_super *super = context;

	log_error("ext4: %s: %s: 0x%lx", super->device->name, why, (unsigned long)number);
}

static const struct ext4_volume_ops volume_ops = {
	.read = read_device, .allocate = allocate, .release = release, .complain = complain};

/* --- For writing --- */

static int begin_writing(struct ext4_super *super)
{
	struct ext4_volume *volume = &super->volume;
	struct ext4_journal_options options = {
		.no_barriers = super->options.no_barriers,
		.cache_blocks = (u32)MAX(frame_get_total_memory() / PAGE_SIZE / CACHE_SHARE,
					 (u64)CACHE_BLOCKS_MIN),
	};
	u32 ended = 0;
	int error;

	if (volume->journal)
		return ext4_journal_resume(volume);
	error = ext4_journal_open(volume, &ext4_device_journal_ops, &options);
	if (!error)
		error = ext4_space_open(volume);
	if (!error)
		error = ext4_orphans_end(volume, &ended);
	if (ended > 0)
		log_info("ext4: %s: %u files without names ended", super->device->name, ended);
	return error;
}

static int start_threads(struct ext4_super *super)
{
	if (!super->committer)
		super->committer = ext4_committer_start(&super->volume, super->device->name,
							super->options.commit_seconds);
	return super->committer ? disk_writer_start(&super->inodes) : -ENOMEM;
}

static void stop_threads(struct ext4_super *super)
{
	disk_writer_stop(&super->inodes);
	ext4_committer_stop(super->committer);
	super->committer = NULL;
}

static int make_writable(struct ext4_super *super)
{
	int error = begin_writing(super);

	if (!error)
		error = start_threads(super);
	if (!error)
		__atomic_store_n(&super->writable, true, __ATOMIC_RELEASE);
	else
		stop_threads(super);
	return error;
}

/* Everything to the disk, and nothing more. */
static int make_readable(struct ext4_super *super)
{
	int error = ext4_sync(super->superblock), suspended;

	stop_threads(super);
	__atomic_store_n(&super->writable, false, __ATOMIC_RELEASE);
	suspended = ext4_journal_suspend(&super->volume);
	return error ? error : suspended;
}

void ext4_super_aborted(void *context, int error)
{
	struct ext4_super *super = context;

	if (super->options.errors == EXT4_ERRORS_PANIC)
		panic("ext4: %s: error %d", super->device->name, -error);
	if (super->superblock)
		super->superblock->flags |= MS_RDONLY;
}

/* --- The superblock --- */

static int statfs(struct superblock *superblock, struct linux_statfs *result)
{
	struct ext4_volume *volume = &ext4_super(superblock)->volume;
	u64 blocks_free = volume->free_blocks, inodes_free = volume->free_inodes;

	if (volume->space) {
		blocks_free = ext4_space_free_blocks(volume);
		inodes_free = READ_ONCE(volume->space->free_inodes);
	}
	result->block_size = result->fragment_size = volume->block_size;
	result->blocks = volume->blocks - MIN(volume->blocks - 1, volume->overhead);
	result->blocks_free = blocks_free;
	result->blocks_available = blocks_free - MIN(blocks_free, volume->reserved_blocks);
	result->files = volume->inodes;
	result->files_free = inodes_free;
	memcpy(result->fsid, volume->uuid, sizeof(result->fsid));
	return 0;
}

static int remount(struct superblock *superblock, u64 flags, const char *text)
{
	struct ext4_super *super = ext4_super(superblock);
	struct ext4_options options = super->options;
	int error = ext4_options_parse(&options, text);

	if (error)
		return error;
	super->options.errors = options.errors;
	if (flags & MS_RDONLY)
		return ext4_is_writable(super) ? make_readable(super) : 0;
	if (ext4_is_writable(super))
		return ext4_transaction_aborted(&super->volume) ? -EROFS : 0;
	return READ_ONCE(super->device->read_only) ? -EACCES : make_writable(super);
}

static void shrink(struct superblock *superblock, size_t part, size_t whole)
{
	struct ext4_volume *volume = &ext4_super(superblock)->volume;
	u64 blocks = volume->journal ? ext4_journal_unused(volume) : 0;

	if (blocks > 0)
		ext4_journal_shrink(volume, (u32)(blocks * part / whole));
}

static void super_free(struct ext4_super *super)
{
	bool written = super->volume.journal;

	stop_threads(super);
	ext4_journal_close(&super->volume);
	/* The device's pages have not seen what went past them. */
	if (written)
		block_drop_pages(super->device);
	ext4_space_close(&super->volume);
	ext4_volume_close(&super->volume);
	block_close(super->device, super);
	block_put(super->device);
	kfree(super);
}

static void destroy(struct superblock *superblock)
{
	struct ext4_super *super = ext4_super(superblock);

	/* The thread may still have inodes to end. */
	disk_writer_stop(&super->inodes);
	if (ext4_is_writable(super) && make_readable(super))
		log_error("ext4: %s: not everything was written", super->device->name);
	block_unmount(super->device);
	super_free(super);
}

static u32 generation(const struct inode *inode)
{
	return ext4_inode((struct inode *)inode)->node.generation;
}

static struct inode *find_number(struct superblock *superblock, u64 number, u32 wanted)
{
	const struct ext4_volume *volume = &ext4_super(superblock)->volume;
	struct inode *inode;

	if (number > volume->inodes || (number < volume->first_ino && number != EXT4_ROOT_INO))
		return ERR_PTR(-ESTALE);
	inode = ext4_inode_get(superblock, (u32)number);
	if (IS_ERR(inode) || wanted == 0 || generation(inode) == wanted)
		return inode;
	inode_put(inode);
	return ERR_PTR(-ESTALE);
}

static void hurry(struct superblock *superblock)
{
	disk_inodes_hurry(&ext4_super(superblock)->inodes);
}

static const struct superblock_operations super_ops = {
	.generation = generation,
	.find_number = find_number,
	.destroy_inode = ext4_inode_destroy,
	.destroy = destroy,
	.statfs = statfs,
	.sync = ext4_sync,
	.hurry = hurry,
	.remount = remount,
	.shrink = shrink,
	.show_options = ext4_options_show,
};

/* --- Mounting --- */

/* Does the volume have what only later types know? */
static int check_type(const struct filesystem *type, const struct ext4_volume *volume)
{
	u32 old = EXT4_INCOMPAT_FILETYPE | EXT4_INCOMPAT_RECOVER | EXT4_INCOMPAT_META_BG;
	bool journal = volume->compat & EXT4_COMPAT_JOURNAL;

	if (strcmp(type->name, "ext4") == 0)
		return 0;
	if (volume->incompat & ~old)
		return -EINVAL;
	return strcmp(type->name, "ext3") != 0 || journal ? 0 : -EINVAL;
}

/* Extents count blocks with 32 bits; block maps have three levels of tables. */
static off_t max_size(const struct ext4_volume *volume)
{
	u64 each = volume->block_size / 4, mapped = 12 + each + each * each + each * each * each;
	u64 blocks = ext4_has_incompat(volume, EXT4_INCOMPAT_EXTENTS) ? UINT32_MAX
								      : MIN(mapped, UINT32_MAX);

	return (off_t)(blocks << volume->block_shift);
}

/* Opens the device and the volume; takes over the device's reference.  Or ERR_PTR. */
static struct ext4_super *super_open(struct block_device *device, const char *options)
{
	struct ext4_super *super = kzalloc(sizeof(*super));
	int error;

	if (!super) {
		block_put(device);
		return ERR_PTR(-ENOMEM);
	}
	super->device = device;
	super->volume = (struct ext4_volume){
		.ops = &volume_ops, .context = super, .size = block_size_bytes(device)};
	disk_inodes_init(&super->inodes, &ext4_inodes_ops, device);
	error = ext4_options_parse(&super->options, options);
	if (!error)
		error = block_open(device, !READ_ONCE(device->read_only), super);
	if (error) {
		block_put(device);
		kfree(super);
		return ERR_PTR(error);
	}
	/* Files are read past the device's pages. */
	error = block_sync(device, 0, UINT64_MAX);
	if (!error)
		error = ext4_volume_open(&super->volume);
	if (!error)
		return super;
	super_free(super);
	return ERR_PTR(error);
}

/* The first mount of a device, whose reference is taken over. */
static int mount_device(const struct filesystem *type, struct block_device *device, u64 flags,
			const char *options, struct superblock **result)
{
	struct superblock *superblock;
	struct ext4_super *super = super_open(device, options);
	int error;

	if (IS_ERR(super))
		return (int)PTR_ERR(super);
	error = check_type(type, &super->volume);
	superblock = error ? NULL : block_superblock(type, &super_ops, device, flags, super);
	if (!superblock) {
		super_free(super);
		return error ? error : -ENOMEM;
	}
	superblock->magic = EXT4_MAGIC;
	superblock->has_xattrs = superblock->has_acls = true;
	memcpy(superblock->uuid, super->volume.uuid, sizeof(superblock->uuid));
	superblock->block_size = super->volume.block_size;
	superblock->max_size = max_size(&super->volume);
	super->superblock = superblock;
	error = flags & MS_RDONLY ? 0 : make_writable(super);
	if (!error)
		error = superblock_set_root(superblock, ext4_inode_get(superblock, EXT4_ROOT_INO));
	if (error) {
		super_free(super);
		superblock_free(superblock);
		return error;
	}
	if (super->volume.overlay_count > 0 && !super->volume.journal)
		log_info("ext4: %s: %u blocks are read from the journal", device->name,
			 super->volume.overlay_count);
	*result = superblock;
	return 0;
}

static int mount(const struct filesystem *type, u64 flags, const char *source, const char *options,
		 struct superblock **result)
{
	return block_mount(type, flags, source, options, mount_device, result);
}

static struct filesystem types[] = {
	{.name = "ext4", .needs_device = true, .mount = mount},
	{.name = "ext3", .needs_device = true, .mount = mount},
	{.name = "ext2", .needs_device = true, .mount = mount},
};

void ext4_init(void)
{
	ext4_inode_init();
	ext4_file_init();
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		filesystem_register(&types[i]);
}
