/* SPDX-License-Identifier: BSD-2-Clause */
/* A module that needs what nobody exports, so that it does not get in. */
#include "lib/module.h"

MODULE_LICENSE("BSD-2-Clause");

int nobody_exports_this(void);

static int needy_init(void)
{
	return nobody_exports_this();
}

module_init(needy_init);
