/* SPDX-License-Identifier: BSD-2-Clause */
/* The end: called by every floor, provided by the machine (kernel) or by the test program (host).
 */
#ifndef LIB_PANIC_H
#define LIB_PANIC_H

#include "lib/types.h"

/*
 * Stops every other CPU, prints the message, registers, a symbolised back trace and the last log
 * lines, then halts or resets as `panic=` says.  Any context.
 */
void panic(const char *format, ...) __noreturn __printf(1, 2);

#endif
