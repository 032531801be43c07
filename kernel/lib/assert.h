/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assertions state invariants of the kernel, never hopes about its input.
 *
 * ASSERT is checked in the checking build (CONFIG_CHECKING) only, and otherwise still compiled, so
 * that it cannot rot; ENSURE is checked always, for the few that are cheap and whose violation
 * would destroy data; BUILD_ASSERT is checked by the compiler.
 */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

#include "lib/panic.h"

#define ENSURE(condition)                                                              \
	do {                                                                           \
		if (__builtin_expect(!(condition), 0))                                 \
			panic("%s:%d: %s: violated: %s", __FILE__, __LINE__, __func__, \
			      #condition);                                             \
	} while (0)

#ifdef CONFIG_CHECKING
#define ASSERT(condition) ENSURE(condition)
#else
#define ASSERT(condition) ((void)sizeof(!(condition)))
#endif

#define BUILD_ASSERT(condition) _Static_assert(condition, #condition)

#endif
