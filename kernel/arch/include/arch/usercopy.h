/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only instructions that touch a program's memory (SMAP or PAN lifted just around them), with
 * fix-up on a fault.
 *
 * The addresses have been range-checked by mm/usercopy.c, which is what everybody else calls.  May
 * fault, so may sleep, unless page faults are disabled for the task.
 */
#ifndef ARCH_USERCOPY_H
#define ARCH_USERCOPY_H

#include "lib/types.h"

/* Copy `size` bytes; the result is how many could NOT be copied: 0 is success. */
size_t __must_check arch_copy_from_user(void *to, vaddr_t from, size_t size);
size_t __must_check arch_copy_to_user(vaddr_t to, const void *from, size_t size);
size_t __must_check arch_clear_user(vaddr_t to, size_t size);

/* Length of the string before its NUL, at most `limit`; limit when none was found; -EFAULT. */
ssize_t __must_check arch_strnlen_user(vaddr_t string, size_t limit);
/* Copies up to and including NUL; its length without NUL, `size` when no NUL fitted, -EFAULT. */
ssize_t __must_check arch_strncpy_from_user(char *to, vaddr_t from, size_t size);

/* Single words, for hot paths: 0 or -EFAULT. */
int __must_check arch_get_user_u32(u32 *value, vaddr_t address);
int __must_check arch_put_user_u32(vaddr_t address, u32 value);
int __must_check arch_get_user_u64(u64 *value, vaddr_t address);
int __must_check arch_put_user_u64(vaddr_t address, u64 value);

/* Atomic on a program's word (futex): 0 and *old, or -EFAULT. */
int __must_check arch_user_compare_exchange_u32(vaddr_t address, u32 expected, u32 desired,
						u32 *old);
enum user_atomic {
	USER_ATOMIC_SET,
	USER_ATOMIC_ADD,
	USER_ATOMIC_OR,
	USER_ATOMIC_ANDN,
	USER_ATOMIC_XOR
};
int __must_check arch_user_atomic_u32(enum user_atomic operation, vaddr_t address, u32 operand,
				      u32 *old);

#endif
