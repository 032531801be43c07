/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process_vm_readv(2) and process_vm_writev(2): data goes through a page of kernel memory, from one
 * space to the other, in pieces that lie in one page of the other process.
 *
 * What has been moved before a bad page is the result; the error shows only when that is nothing.
 */
#include "lib/errno.h"
#include "mm/iov.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/access.h"
#include "syscall/process_internal.h"
#include "syscall/table.h"

/* One piece, at most to the end of the page at `address`.  Bytes moved, fewer after a bad page, or
 * -EFAULT. */
static ssize_t move_piece(struct address_space *space, vaddr_t address, size_t length,
			  struct io_cursor *local, void *page)
{
	ssize_t count;

	if (local->direction == IO_READ) {
		count = vmm_access(space, address, page, length, VM_READ);
		return count <= 0 ? count : io_copy_to(local, page, (size_t)count);
	}
	count = io_copy_from(local, page, length);
	return count <= 0 ? count : vmm_access(space, address, page, (size_t)count, VM_WRITE);
}

/* All of the remote list, as far as the local one goes. */
static ssize_t move_all(struct address_space *space, const struct user_iovec *remote, size_t count,
			struct io_cursor *local, void *page)
{
	ssize_t total = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t done = 0; done < remote[i].length && local->remaining > 0;) {
			vaddr_t address = remote[i].base + done;
			size_t piece =
				MIN(PAGE_SIZE - address % PAGE_SIZE, remote[i].length - done);
			piece = MIN(piece, local->remaining);
			ssize_t moved = move_piece(space, address, piece, local, page);
			if (moved < 0)
				return total > 0 ? total : moved;
			total += moved;
			done += (size_t)moved;
			if ((size_t)moved < piece)
				return total;
		}
	}
	return total;
}

struct user_iovec *copy_remote_vector(vaddr_t vector, size_t count)
{
	if (count > IO_MAX_VECTORS)
		return ERR_PTR(-EINVAL);
	struct user_iovec *copy = kmalloc(MAX(count, (size_t)1) * sizeof(*copy));
	int error = 0;

	if (copy == NULL)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(copy, (const void __user *)vector, count * sizeof(*copy)) != 0)
		error = -EFAULT;
	for (size_t i = 0; i < count && error == 0; i++)
		if ((s64)copy[i].length < 0)
			error = -EINVAL;
	if (error == 0)
		return copy;
	kfree(copy);
	return ERR_PTR(error);
}

static bool has_bytes(const struct user_iovec *vector, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vector[i].length > 0)
			return true;
	return false;
}

static ssize_t move_with(pid_t pid, const struct user_iovec *remote, size_t count,
			 struct io_cursor *local)
{
	struct address_space *space;
	void *page = kmalloc(PAGE_SIZE);

	if (page == NULL)
		return -ENOMEM;
	ssize_t result = pid > 0 ? task_inspect_space(pid, -ESRCH, &space) : -ESRCH;
	if (result == 0) {
		result = move_all(space, remote, count, local, page);
		vmm_put_address_space(space);
	}
	kfree(page);
	return result;
}

static ssize_t process_vm(pid_t pid, vaddr_t local_vector, size_t local_count,
			  vaddr_t remote_vector, size_t remote_count, u64 flags,
			  enum io_direction direction)
{
	struct io_cursor local;

	if (flags != 0)
		return -EINVAL;
	ssize_t result = io_cursor_init_vector(&local, local_vector, local_count, direction);
	if (result != 0)
		return result;
	if (local.remaining > 0) {
		struct user_iovec *remote = copy_remote_vector(remote_vector, remote_count);
		result = IS_ERR(remote) ? PTR_ERR(remote) : 0;
		if (result == 0 && has_bytes(remote, remote_count))
			result = move_with(pid, remote, remote_count, &local);
		if (!IS_ERR(remote))
			kfree(remote);
	}
	io_cursor_release(&local);
	return result;
}

long sys_process_vm_readv(pid_t pid, vaddr_t local, size_t local_count, vaddr_t remote,
			  size_t remote_count, u64 flags)
{
	return process_vm(pid, local, local_count, remote, remote_count, flags, IO_READ);
}

long sys_process_vm_writev(pid_t pid, vaddr_t local, size_t local_count, vaddr_t remote,
			   size_t remote_count, u64 flags)
{
	return process_vm(pid, local, local_count, remote, remote_count, flags, IO_WRITE);
}
