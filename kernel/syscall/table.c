/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of system calls, put together from the groups' .def files and the machine's numbers.
 * Constant, so no locks.
 */
#include "syscall/table.h"

#include <machine/syscall_numbers.h>

/* The machine passes every argument as a 64-bit word; a function that declares fewer or narrower
 * ones ignores the rest. */
#pragma GCC diagnostic ignored "-Wcast-function-type"
#pragma GCC diagnostic ignored "-Woverride-init"

const struct syscall syscall_table[NR_LIMIT] = {
#define X(number, call_name) [number] = {.name = #call_name},
	MACHINE_SYSCALLS(X)
#undef X
#define SYSCALL(call_name, ...) \
	[NR_##call_name] = {.name = #call_name, .function = (syscall_function_t *)sys_##call_name},
#include "syscall/calls.h"
#undef SYSCALL
};

const u64 syscall_table_length = NR_LIMIT;
