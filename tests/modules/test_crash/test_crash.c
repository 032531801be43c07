/* SPDX-License-Identifier: BSD-2-Clause */
/* A module that does what it must not: the panic is to say what and where. */
#include "lib/errno.h"
#include "lib/module.h"
#include "lib/string.h"

static char *how;

MODULE_LICENSE("BSD-2-Clause");
module_param(how, charp, 0, "text, constant, data, nowhere");

static const int constant = 1;
static volatile unsigned char code[] = {0xc3};

int crash_in_module(void);

__noinline int crash_in_module(void)
{
	if (strcmp(how, "text") == 0)
		*(volatile unsigned char *)(uintptr_t)crash_in_module = 0x90;
	else if (strcmp(how, "constant") == 0)
		*(volatile int *)(uintptr_t)&constant = 2; /* in read-only memory */
	else if (strcmp(how, "data") == 0)
		((void (*)(void))(uintptr_t)code)();
	else if (strcmp(how, "nowhere") == 0)
		*(volatile int *)0xdead0 = 1;
	return -EINVAL;
}

static int crash_init(void)
{
	return how != NULL ? crash_in_module() : -EINVAL;
}

module_init(crash_init);
