/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Range checks in front of the machine's copy primitives, which survive faults; see usercopy.h.
 *
 * A string may end just below USER_TOP: its limit is cut there, and running into the cut is a bad
 * address.
 */
#include "mm/usercopy.h"

#include "arch/usercopy.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"

int validate_user_pointer(const void __user *pointer)
{
	return (vaddr_t)pointer < USER_TOP ? 0 : -EFAULT;
}

int validate_user_buffer(const void __user *buffer, size_t size, bool write)
{
	vaddr_t start = (vaddr_t)buffer;

	if (!user_range_ok(start, size))
		return -EFAULT;
	struct address_space *space = vmm_current_space();
	for (vaddr_t page = ALIGN_DOWN(start, PAGE_SIZE); page < start + size; page += PAGE_SIZE) {
		u8 byte;
		if (arch_copy_from_user(&byte, MAX(page, start), 1) != 0)
			return -EFAULT;
		if (write && (space == NULL || vmm_fault(space, page, FAULT_WRITE, NULL) != 0))
			return -EFAULT;
	}
	return 0;
}

size_t copy_from_user_partial(void *to, const void __user *from, size_t size)
{
	if (unlikely(!user_range_ok((vaddr_t)from, size)))
		return size;
	return arch_copy_from_user(to, (vaddr_t)from, size);
}

size_t copy_to_user_partial(void __user *to, const void *from, size_t size)
{
	if (unlikely(!user_range_ok((vaddr_t)to, size)))
		return size;
	return arch_copy_to_user((vaddr_t)to, from, size);
}

int copy_from_user(void *to, const void __user *from, size_t size)
{
	return copy_from_user_partial(to, from, size) == 0 ? 0 : -EFAULT;
}

int copy_to_user(void __user *to, const void *from, size_t size)
{
	return copy_to_user_partial(to, from, size) == 0 ? 0 : -EFAULT;
}

int clear_user(void __user *to, size_t size)
{
	if (unlikely(!user_range_ok((vaddr_t)to, size)))
		return -EFAULT;
	return arch_clear_user((vaddr_t)to, size) == 0 ? 0 : -EFAULT;
}

/* How much of [start, start + wanted) lies in the user half. */
static size_t user_limit(vaddr_t start, size_t wanted)
{
	return start < USER_TOP ? MIN(wanted, USER_TOP - start) : 0;
}

ssize_t strncpy_from_user(char *to, const char __user *from, size_t size)
{
	size_t limit = user_limit((vaddr_t)from, size);

	if (limit == 0)
		return size == 0 ? 0 : -EFAULT;
	ssize_t length = arch_strncpy_from_user(to, (vaddr_t)from, limit);
	return length == (ssize_t)limit && limit < size ? -EFAULT : length;
}

ssize_t strnlen_user(const char __user *string, size_t wanted)
{
	size_t limit = user_limit((vaddr_t)string, wanted);

	if (limit == 0)
		return wanted == 0 ? 0 : -EFAULT;
	ssize_t length = arch_strnlen_user((vaddr_t)string, limit);
	return length == (ssize_t)limit && limit < wanted ? -EFAULT : length;
}

/* The string may change between the two looks at it: whatever the copy finds is bounded by the
 * first length. */
char *strdup_from_user(const char __user *string, size_t limit)
{
	ssize_t length = strnlen_user(string, limit);

	if (length < 0)
		return ERR_PTR(length);
	if ((size_t)length >= limit)
		return ERR_PTR(-ENAMETOOLONG);
	char *copy = kmalloc((size_t)length + 1);
	if (copy == NULL)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(copy, string, (size_t)length) != 0) {
		kfree(copy);
		return ERR_PTR(-EFAULT);
	}
	copy[length] = '\0';
	return copy;
}

int user_read_u32(u32 *value, vaddr_t address)
{
	if (unlikely(!user_range_ok(address, sizeof(u32))))
		return -EFAULT;
	return arch_get_user_u32(value, address);
}

int user_compare_exchange_u32(vaddr_t address, u32 expected, u32 desired, u32 *old)
{
	if (unlikely(!user_range_ok(address, sizeof(u32))))
		return -EFAULT;
	return arch_user_compare_exchange_u32(address, expected, desired, old);
}
