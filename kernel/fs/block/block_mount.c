/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What file systems on block devices need: the device that a mount names, its superblock, and its
 * bytes.
 *
 * A device is mounted once: mounted again, it gives the superblock that it has.
 */
#include "arch/mmu.h"
#include "fs/block/block_internal.h"
#include "fs/vfs.h"
#include "lib/abi/fcntl.h"
#include "lib/abi/statfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

static mutex_t mounts_lock = MUTEX_INIT(mounts_lock);

struct block_device *block_find_path(const char *text)
{
	struct block_device *device = NULL;
	struct path path;
	int error;

	if (!text)
		return ERR_PTR(-EINVAL);
	error = path_lookup(AT_FDCWD, text, LOOKUP_FOLLOW, &path);
	if (error)
		return ERR_PTR(error);
	if (!S_ISBLK(path_inode(&path)->mode))
		error = -ENOTBLK;
	else
		device = block_find(path_inode(&path)->rdev);
	path_put(&path);
	if (error)
		return ERR_PTR(error);
	return device ? device : ERR_PTR(-ENXIO);
}

int block_read_bytes(struct block_device *device, u64 position, void *buffer, size_t size)
{
	while (size > 0) {
		u32 offset = (u32)(position % PAGE_SIZE);
		size_t part = MIN(size, (size_t)(PAGE_SIZE - offset));
		phys_t frame;
		int error = page_cache_get(&device->cache, position / PAGE_SIZE, PAGE_CACHE_READ,
					   &frame);

		if (error)
			return error;
		memcpy(buffer, (const char *)phys_to_virt(frame) + offset, part);
		frame_free(frame);
		buffer = (char *)buffer + part;
		position += part;
		size -= part;
	}
	return 0;
}

/* --- Mounts --- */

/* Another reference on the superblock of a device that is mounted; mounts_lock held. */
static int mount_again(const struct block_device *device, const struct filesystem *type, u64 flags,
		       struct superblock **result)
{
	struct superblock *mounted = device->mounted;

	if (mounted->type != type || !superblock_try_get(mounted))
		return -EBUSY;
	if ((mounted->flags ^ flags) & MS_RDONLY) {
		superblock_put(mounted);
		return -EBUSY;
	}
	*result = mounted;
	return 0;
}

int block_mount(const struct filesystem *type, u64 flags, const char *source, const char *options,
		block_mount_t mount_device, struct superblock **result)
{
	struct block_device *device = block_find_path(source);
	int error;

	if (IS_ERR(device))
		return (int)PTR_ERR(device);
	if (!(flags & MS_RDONLY) && READ_ONCE(device->read_only)) {
		block_put(device);
		return -EACCES;
	}
	mutex_lock(&mounts_lock);
	if (device->mounted) {
		error = mount_again(device, type, flags, result);
		block_put(device);
	} else {
		error = mount_device(type, device, flags, options, result);
		if (!error)
			device->mounted = *result;
	}
	mutex_unlock(&mounts_lock);
	return error;
}

void block_unmount(struct block_device *device)
{
	mutex_lock(&mounts_lock);
	device->mounted = NULL;
	mutex_unlock(&mounts_lock);
}

struct superblock *block_superblock(const struct filesystem *type,
				    const struct superblock_operations *ops,
				    const struct block_device *device, u64 flags, void *private)
{
	struct superblock *superblock = superblock_alloc(type, ops);

	if (!superblock)
		return NULL;
	superblock->private = private;
	superblock->device = device->number;
	superblock->flags = flags & MS_RDONLY;
	return superblock;
}
