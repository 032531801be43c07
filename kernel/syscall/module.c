/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading modules and taking them out: init_module(2), finit_module(2), delete_module(2).
 */
#include "fs/file.h"
#include "lib/abi/fcntl.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/vmalloc.h"
#include "module/module.h"
#include "module/object.h"
#include "proc/credentials.h"
#include "syscall/table.h"

/* finit_module's flags. */
enum {
	MODULE_INIT_IGNORE_MODVERSIONS = 1,
	MODULE_INIT_IGNORE_VERMAGIC = 2,
	MODULE_INIT_COMPRESSED_FILE = 4,
};

static bool may_change_modules(void)
{
	return capable(CAP_SYS_MODULE) && !modules_are_disabled();
}

static long load(const void *bytes, size_t size, vaddr_t user_arguments)
{
	char *arguments =
		strdup_from_user((const char __user *)user_arguments, MODULE_ARGUMENTS_MAX);
	long result;

	if (IS_ERR(arguments))
		return PTR_ERR(arguments) == -ENAMETOOLONG ? -EINVAL : PTR_ERR(arguments);
	result = module_load(bytes, size, arguments);
	kfree(arguments);
	return result;
}

long sys_init_module(vaddr_t image, size_t size, vaddr_t arguments)
{
	void *bytes;
	long result;

	if (!may_change_modules())
		return -EPERM;
	if (size < sizeof(struct elf64_header))
		return -ENOEXEC;
	bytes = size <= OBJECT_SIZE_MAX ? vmalloc(size) : NULL;
	if (bytes == NULL)
		return -ENOMEM;
	result = copy_from_user(bytes, (const void __user *)image, size);
	if (result == 0)
		result = load(bytes, size, arguments);
	vfree(bytes);
	return result;
}

static long load_file(struct file *file, vaddr_t arguments)
{
	u64 size = (u64)inode_size(file->inode);
	void *bytes;
	long result = 0;

	if (!(file->mode & FILE_READ))
		return -EBADF;
	if ((file->inode->mode & S_IFMT) != S_IFREG || size == 0)
		return -EINVAL;
	if (size > OBJECT_SIZE_MAX)
		return -EFBIG;
	bytes = vmalloc(size);
	if (bytes == NULL)
		return -ENOMEM;
	for (u64 done = 0; done < size && result >= 0; done += (u64)result) {
		result = file_read_kernel(file, (char *)bytes + done, size - done, (off_t)done);
		if (result == 0)
			result = -EIO;
	}
	if (result >= 0)
		result = load(bytes, size, arguments);
	vfree(bytes);
	return result;
}

long sys_finit_module(int fd, vaddr_t arguments, int flags)
{
	struct file *file;
	long result;

	if (!may_change_modules())
		return -EPERM;
	if (flags & ~(MODULE_INIT_IGNORE_MODVERSIONS | MODULE_INIT_IGNORE_VERMAGIC |
		      MODULE_INIT_COMPRESSED_FILE))
		return -EINVAL;
	file = fd_get(fd);
	if (file == NULL)
		return -EBADF;
	if (flags & MODULE_INIT_COMPRESSED_FILE)
		result = -EOPNOTSUPP;
	else if (flags)
		result = -ENOEXEC; /* nothing is forced in */
	else
		result = load_file(file, arguments);
	file_put(file);
	return result;
}

long sys_delete_module(vaddr_t user_name, u32 flags __unused)
{
	char name[MODULE_NAME_SIZE];
	ssize_t length;

	if (!may_change_modules())
		return -EPERM;
	length = strncpy_from_user(name, (const char __user *)user_name, sizeof(name));
	if (length < 0)
		return length;
	if (length == (ssize_t)sizeof(name))
		return -ENOENT;
	return module_unload(name);
}
