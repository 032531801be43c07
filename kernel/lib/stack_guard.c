/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compiler's stack protector calls in the checking build: a word between a function's
 * arrays and its return address that has changed when it returns.  The zero byte in the value stops
 * string copies.
 */
#include "lib/stack_guard.h"

#include "lib/panic.h"

const uintptr_t __stack_chk_guard = 0x5ca1ab1e00ff0a0du;

void __stack_chk_fail(void)
{
	panic("stack smashed in the function that %p is in", __builtin_return_address(0));
}
