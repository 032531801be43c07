/* SPDX-License-Identifier: BSD-2-Clause */
/* What file systems on block devices need: the device that a mount names, and its bytes. */
#include "arch/mmu.h"
#include "fs/block/block_internal.h"
#include "fs/vfs.h"
#include "lib/abi/fcntl.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

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
