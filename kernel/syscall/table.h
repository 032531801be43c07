/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system-call table is data: each group's GROUP.def has a line a call, SYSCALL(name,
 * parameters…), from which come the prototypes here and the table in table.c.  Numbers belong to
 * the machine (<machine/syscall_numbers.h>).
 *
 * A call's function takes its arguments as the program passed them: integers of the declared width,
 * addresses as vaddr_t, none of them checked.  It returns the result or a negative errno, and runs
 * with interrupts on and no locks held.
 */
#ifndef SYSCALL_TABLE_H
#define SYSCALL_TABLE_H

#include "lib/types.h"

#include <machine/syscall_numbers.h>

#define SYSCALL(name, ...) long sys_##name(__VA_ARGS__);
#include "syscall/calls.h"
#undef SYSCALL

typedef long syscall_function_t(u64, u64, u64, u64, u64, u64);

enum { SYSCALL_LIMIT = NR_LIMIT };

extern syscall_function_t *const syscall_table[SYSCALL_LIMIT]; /* syscall_missing where none is */
extern const char *const syscall_names[SYSCALL_LIMIT];         /* NULL: the number means nothing */

/* Answers -ENOSYS for the current task's call, which it logs the first time. */
long syscall_missing(void);

#endif
