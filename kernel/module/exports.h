/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what the kernel exports: the linker script puts its lines together. */
#ifndef MODULE_EXPORTS_H
#define MODULE_EXPORTS_H

#include "lib/module.h"

extern const struct module_export kernel_exports_start[], kernel_exports_end[];

#endif
