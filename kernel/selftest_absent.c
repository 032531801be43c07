/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for tests/kernel/ktest.c in kernels that are built without the tests. */
#include "lib/panic.h"
#include "tests/kernel/ktest.h"

void ktest_run_all(const char *prefix __unused)
{
	panic("selftest: this kernel has no tests inside; build it with DEBUG=1");
}
