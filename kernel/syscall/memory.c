/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on memory: thin functions on mm/vmm.h, and where a descriptor becomes a backing.
 */
#include "fs/file.h"
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/task.h"
#include "syscall/table.h"

/* Beyond what the file could ever have. */
static bool reaches_too_far(const struct file *file, u64 offset, size_t length)
{
	const u64 most = INT64_MAX;
	mode_t mode = file->inode->mode;

	return (S_ISREG(mode) || S_ISBLK(mode)) && (length > most || offset > most - length);
}

static long map_file(vaddr_t address, size_t length, u32 prot, u32 flags, int fd, u64 offset)
{
	struct file *file = fd_get(fd);
	struct backing *backing = NULL;
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

	if (file == NULL)
		return -EBADF;
	if (reaches_too_far(file, offset, length)) {
		file_put(file);
		return -EOVERFLOW;
	}
	if (shared)
		file_begin_mapping(file);
	long result = file_backing(file, prot, flags, &backing);
	/* No file of huge pages. */
	if (result == 0 && backing == NULL && (flags & MAP_HUGETLB))
		result = -EINVAL;
	if (result == 0)
		result = vmm_mmap_file(current->space, address, length, prot, flags, backing,
				       offset, file_map_access(file));
	if (shared)
		file_end_mapping(file);
	if (backing != NULL)
		backing->ops->put(backing);
	file_put(file);
	return result;
}

long sys_mmap(vaddr_t address, size_t length, u32 prot, u32 flags, int fd, u64 offset)
{
	if (offset % PAGE_SIZE != 0)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return map_file(address, length, prot, flags, fd, offset);
	return vmm_mmap(current->space, address, length, prot, flags, NULL, offset);
}

long sys_munmap(vaddr_t address, size_t length)
{
	return vmm_munmap(current->space, address, length);
}

long sys_mremap(vaddr_t address, size_t old_length, size_t new_length, u64 flags,
		vaddr_t new_address)
{
	if (flags > UINT32_MAX)
		return -EINVAL;
	return vmm_mremap(current->space, address, old_length, new_length, (u32)flags, new_address);
}

long sys_remap_file_pages(vaddr_t start, size_t size, u64 prot, u64 index, u64 flags)
{
	return vmm_remap_file_pages(current->space, start, size, prot != 0, index, (u32)flags);
}

long sys_mprotect(vaddr_t address, size_t length, u64 prot)
{
	if (prot > UINT32_MAX)
		return -EINVAL;
	return vmm_mprotect(current->space, address, length, (u32)prot);
}

long sys_brk(vaddr_t address)
{
	return (long)vmm_expand_heap(current->space, address);
}

long sys_madvise(vaddr_t address, size_t length, int advice)
{
	return vmm_madvise(current->space, address, length, advice);
}

/* In pieces, whose results are copied out while no lock is held. */
long sys_mincore(vaddr_t address, size_t length, vaddr_t vector)
{
	u8 piece[256];
	size_t pages = DIV_ROUND_UP(length, PAGE_SIZE);

	if (address % PAGE_SIZE != 0)
		return -EINVAL;
	if (!user_range_ok(address, length))
		return -ENOMEM;
	if (!user_range_ok(vector, pages))
		return -EFAULT;
	for (size_t done = 0; done < pages;) {
		size_t count = MIN(pages - done, sizeof(piece));
		int result = vmm_mincore(current->space, address + done * PAGE_SIZE,
					 count * PAGE_SIZE, piece);
		if (result != 0)
			return result;
		if (copy_to_user((void __user *)(vector + done), piece, count) != 0)
			return -EFAULT;
		done += count;
	}
	return 0;
}

long sys_msync(vaddr_t address, size_t length, int flags)
{
	return vmm_msync(current->space, address, length, flags);
}

long sys_mlock(vaddr_t address, size_t length)
{
	return vmm_mlock(current->space, address, length, 0);
}

long sys_mlock2(vaddr_t address, size_t length, int flags)
{
	return vmm_mlock(current->space, address, length, flags);
}

long sys_munlock(vaddr_t address, size_t length)
{
	return vmm_munlock(current->space, address, length);
}

long sys_mlockall(int flags)
{
	return vmm_mlockall(current->space, flags);
}

long sys_munlockall(void)
{
	return vmm_munlockall(current->space);
}
