/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data between the kernel and a program's memory.
 *
 * Everything checks that the range lies in the user half, and then survives any page that is
 * missing or protected: the result is -EFAULT, never a kernel fault.  The copies may fault pages
 * in, so they may sleep; with preemption or interrupts off they do not sleep, and fail for a page
 * that is not there (callers with such needs touch the page before, and retry).
 */
#ifndef MM_USERCOPY_H
#define MM_USERCOPY_H

#include "arch/mmu.h"
#include "arch/usercopy.h"
#include "lib/errno.h"
#include "lib/types.h"

/* Does [address, address + size) lie in the user half? */
static inline bool user_range_ok(vaddr_t address, size_t size)
{
	return size <= USER_TOP && address <= USER_TOP - size;
}

/* Is this a possible pointer of a program?  0 or -EFAULT. */
int __must_check validate_user_pointer(const void __user *pointer);
/* Can the program read (write) all of the buffer?  Faults the pages in.  0 or -EFAULT.  Another
 * thread may unmap it right after. */
int __must_check validate_user_buffer(const void __user *buffer, size_t size, bool write);

/* All bytes, or -EFAULT (part may have been copied). */
int __must_check copy_from_user(void *to, const void __user *from, size_t size);
int __must_check copy_to_user(void __user *to, const void *from, size_t size);
int __must_check clear_user(void __user *to, size_t size);

/* The same, with the number of bytes NOT copied as the result. */
size_t __must_check copy_from_user_partial(void *to, const void __user *from, size_t size);
size_t __must_check copy_to_user_partial(void __user *to, const void *from, size_t size);

/*
 * Copies a string of at most size - 1 bytes and terminates it.  Its length; `size` when no NUL was
 * found within `size` bytes (`to` is not terminated then); -EFAULT.
 */
ssize_t __must_check strncpy_from_user(char *to, const char __user *from, size_t size);
/* Length before the NUL, at most `limit` (limit: none found); -EFAULT. */
ssize_t __must_check strnlen_user(const char __user *string, size_t limit);
/* A kmalloc'd copy of a string.  ERR_PTR: -EFAULT, -ENOMEM, or -ENAMETOOLONG for one of `limit`
 * bytes or more without the NUL. */
char *__must_check strdup_from_user(const char __user *string, size_t limit);

/* A word or a structure; words have a way of their own.  0 or -EFAULT. */
static inline int __must_check user_read_word(void *to, vaddr_t from, size_t size)
{
	if (size != sizeof(u32) && size != sizeof(u64))
		return copy_from_user(to, (const void __user *)from, size);
	if (unlikely(!user_range_ok(from, size)))
		return -EFAULT;
	return size == sizeof(u32) ? arch_get_user_u32(to, from) : arch_get_user_u64(to, from);
}
static inline int __must_check user_write_word(vaddr_t to, const void *from, size_t size)
{
	if (size != sizeof(u32) && size != sizeof(u64))
		return copy_to_user((void __user *)to, from, size);
	if (unlikely(!user_range_ok(to, size)))
		return -EFAULT;
	return size == sizeof(u32) ? arch_put_user_u32(to, *(const u32 *)from)
				   : arch_put_user_u64(to, *(const u64 *)from);
}

/*
 * One word or structure: get_user(kernel_variable, vaddr) and put_user(value, vaddr), with the size
 * of the first's type. 0 or -EFAULT.
 */
#define get_user(variable, address) \
	user_read_word(&(variable), (vaddr_t)(address), sizeof(variable))
#define put_user(value, address)                                                                \
	({                                                                                      \
		__typeof__(value) put_user_value_ = (value);                                    \
		user_write_word((vaddr_t)(address), &put_user_value_, sizeof(put_user_value_)); \
	})

/* A program's atomic words, for futexes: 0 or -EFAULT; see arch/usercopy.h. */
int __must_check user_read_u32(u32 *value, vaddr_t address);
int __must_check user_compare_exchange_u32(vaddr_t address, u32 expected, u32 desired, u32 *old);

#endif
