/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what must end in a panic, each in a process of its own. */
#ifndef TESTS_HOST_MM_DEATH_H
#define TESTS_HOST_MM_DEATH_H

#include <stdbool.h>

bool death_begin(void);                            /* true in the new process */
void death_missed(void) __attribute__((noreturn)); /* it is still alive */
bool death_came(void); /* in the old process: did the new one end by a panic? */

#define assert_dies(statement)             \
	do {                               \
		if (death_begin()) {       \
			statement;         \
			death_missed();    \
		}                          \
		assert_true(death_came()); \
	} while (0)

#endif
