/* SPDX-License-Identifier: BSD-2-Clause */
/* Atomic operations on a program's words: exchange and add are instructions, the rest loops over
 * compare and exchange. */
#include "arch/usercopy.h"
#include "lib/errno.h"
#include "machine_internal.h"

static u32 combine(enum user_atomic operation, u32 old, u32 operand)
{
	switch (operation) {
	case USER_ATOMIC_OR:
		return old | operand;
	case USER_ATOMIC_ANDN:
		return old & ~operand;
	case USER_ATOMIC_XOR:
		return old ^ operand;
	default:
		return operand;
	}
}

int arch_user_atomic_u32(enum user_atomic operation, vaddr_t address, u32 operand, u32 *old)
{
	u32 expected;
	int result;

	if (operation == USER_ATOMIC_SET)
		return user_exchange_u32(address, operand, old);
	if (operation == USER_ATOMIC_ADD)
		return user_add_u32(address, operand, old);

	result = arch_get_user_u32(&expected, address);
	while (result == 0) {
		result = arch_user_compare_exchange_u32(address, expected,
							combine(operation, expected, operand), old);
		if (result != 0 || *old == expected)
			break;
		expected = *old;
	}
	return result;
}
