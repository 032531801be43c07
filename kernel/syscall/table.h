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

#define SYSCALL(name, ...) long sys_##name(__VA_ARGS__);
#include "syscall/calls.h"
#undef SYSCALL

typedef long syscall_function_t(u64, u64, u64, u64, u64, u64);

struct syscall {
	syscall_function_t *function; /* NULL: the call is not there */
	const char *name;             /* NULL: the number means nothing */
};

extern const struct syscall syscall_table[];
extern const u64 syscall_table_length;

/* The entry of a number, or NULL outside the table. */
static inline const struct syscall *syscall_find(u64 number)
{
	return number < syscall_table_length ? &syscall_table[number] : NULL;
}

#endif
