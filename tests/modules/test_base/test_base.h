/* SPDX-License-Identifier: BSD-2-Clause */
/* What test_base exports. */
#ifndef TEST_BASE_H
#define TEST_BASE_H

#include "lib/module.h"

/* The sum of two of the module's parameters and `more`. */
int test_base_sum(int more);

#endif
