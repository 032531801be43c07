/* SPDX-License-Identifier: BSD-2-Clause */
/* A module whose start fails; asked to, it stays, and then for good: it has no exit function. */
#include "lib/errno.h"
#include "lib/module.h"

static bool stay;

MODULE_LICENSE("BSD-2-Clause");
module_param(stay, bool, 0, "do not fail");

static int fails_init(void)
{
	return stay ? 0 : -ENODEV;
}

module_init(fails_init);
