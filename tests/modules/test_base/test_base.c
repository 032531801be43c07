/* SPDX-License-Identifier: BSD-2-Clause */
/* A module with parameters of each type, which exports a function that another one uses. */
#include "test_base.h"

#include "lib/log.h"

static int number = -3;
static unsigned int positive = 7;
static u64 large = 1;
static bool flag;
static char *word;

MODULE_LICENSE("BSD-2-Clause");
MODULE_DESCRIPTION("what other test modules use");
module_param(number, int, 0644, "a number");
module_param(positive, uint, 0444, "a positive number");
module_param(large, ulong, 0400, "a large number");
module_param(flag, bool, 0644, "yes or no");
module_param(word, charp, 0444, "a word");

int test_base_sum(int more)
{
	return number + (int)positive + more;
}
EXPORT_SYMBOL(test_base_sum);

static int base_init(void)
{
	log_info("test_base: number %d, positive %u, large %lu, flag %d, word %s", number, positive,
		 (unsigned long)large, flag, word != NULL ? word : "none");
	return 0;
}

static void base_exit(void)
{
	log_info("test_base: gone, the sum was %d", test_base_sum(0));
}

module_init(base_init);
module_exit(base_exit);
