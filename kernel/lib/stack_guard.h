/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that the compiler knows: see stack_guard.c. */
#ifndef LIB_STACK_GUARD_H
#define LIB_STACK_GUARD_H

#include "lib/types.h"

extern const uintptr_t __stack_chk_guard;
void __stack_chk_fail(void) __noreturn;

#endif
