/* SPDX-License-Identifier: BSD-2-Clause */
/* A module that uses what another one exports. */
#include "lib/log.h"
#include "tests/modules/test_base/test_base.h"

MODULE_LICENSE("BSD-2-Clause");

static int user_init(void)
{
	log_info("test_user: the sum is %d", test_base_sum(100));
	return 0;
}

static void user_exit(void) {}

module_init(user_init);
module_exit(user_exit);
