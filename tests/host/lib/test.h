/* SPDX-License-Identifier: BSD-2-Clause */
/* What every cmocka program starts with. */
#ifndef TESTS_HOST_LIB_TEST_H
#define TESTS_HOST_LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/types.h"

/* Random numbers that are the same in each run (Marsaglia's xorshift). */
static inline u64 test_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
