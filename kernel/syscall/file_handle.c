/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name_to_handle_at(2) and open_by_handle_at(2).
 *
 * A handle is, after its head, twelve bytes: the generation, then the number, the lower half first.
 */
#include "fs/calls.h"
#include "fs/handle.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/task.h"
#include "syscall/table.h"

enum { HANDLE_BYTES_MAX = 128 };

/* The beginning of one; user memory is reached by whole words. */
struct handle_head {
	alignas(u64) u32 bytes;
	s32 type;
};

static long give_handle(const struct path *path, vaddr_t address, vaddr_t mount_id)
{
	struct linux_file_handle handle;
	struct handle_head head;
	long error;

	if (get_user(head, address))
		return -EFAULT;
	if (head.bytes > HANDLE_BYTES_MAX)
		return -EINVAL;
	error = handle_of(path_inode(path), &handle);
	if (error)
		return error;
	bool fits = head.bytes >= FILE_HANDLE_BYTES;
	head = (struct handle_head){handle.bytes, handle.type};
	if (put_user((s32)path->mount->id, mount_id) ||
	    (fits ? put_user(handle, address) : put_user(head, address)))
		return -EFAULT;
	return fits ? 0 : -EOVERFLOW;
}

long sys_name_to_handle_at(int directory, vaddr_t name, vaddr_t handle, vaddr_t mount_id, int flags)
{
	u32 lookup = 0;
	struct path path;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_SYMLINK_FOLLOW)
		lookup |= LOOKUP_FOLLOW;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	long error = path_lookup_user(directory, name, lookup, &path);
	if (error)
		return error;
	error = give_handle(&path, handle, mount_id);
	path_put(&path);
	return error;
}

static int read_handle(struct file_handle *handle, vaddr_t address)
{
	struct handle_head head;
	struct linux_file_handle whole;

	if (get_user(head, address))
		return -EFAULT;
	if (head.bytes == 0 || head.bytes > HANDLE_BYTES_MAX)
		return -EINVAL;
	if (head.bytes != FILE_HANDLE_BYTES)
		return -ESTALE;
	if (get_user(whole, address))
		return -EFAULT;
	*handle = (struct file_handle){(u32)whole.type, whole.generation,
				       (u64)whole.number_high << 32 | whole.number_low};
	return 0;
}

/* A path on the mount that the descriptor is on, referenced. */
static int path_of_mount(int fd, struct path *path)
{
	if (fd == AT_FDCWD) {
		fs_context_cwd(current->fs, path);
		return 0;
	}
	struct fd_borrow borrow = fd_borrow(fd);
	if (!borrow.file)
		return -EBADF;
	*path = borrow.file->path;
	path_get(path);
	fd_return(borrow);
	return 0;
}

long sys_open_by_handle_at(int mount_fd, vaddr_t address, int flags)
{
	struct file_handle handle;
	struct path start, path;

	if (!capable(CAP_DAC_READ_SEARCH))
		return -EPERM;
	int error = read_handle(&handle, address);
	/* Stale is also what no mount is asked about: a wrong descriptor comes first. */
	if (error && error != -ESTALE)
		return error;
	int other = path_of_mount(mount_fd, &start);
	if (other || error) {
		if (!other)
			path_put(&start);
		return other ? other : error;
	}
	error = handle_path(start.mount, &handle, &path);
	path_put(&start);
	if (error)
		return error;
	int fd = fd_reserve((u32)flags);
	if (fd >= 0) {
		struct file *file = file_open_path(&path, (u32)flags | O_LARGEFILE);
		if (IS_ERR(file)) {
			fd_release(fd);
			fd = (int)PTR_ERR(file);
		} else {
			fd_fill(fd, file);
		}
	}
	path_put(&path);
	return fd;
}
