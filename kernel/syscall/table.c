/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of system calls, put together from the groups' .def files and the machine's numbers.
 * Constant, so no locks.
 */
#include "syscall/table.h"

/* The machine passes every argument as a 64-bit word; a function that declares fewer or narrower
 * ones ignores the rest. */
#pragma GCC diagnostic ignored "-Wcast-function-type"
#pragma GCC diagnostic ignored "-Woverride-init"

syscall_function_t *const syscall_table[SYSCALL_LIMIT] = {
	[0 ... SYSCALL_LIMIT - 1] = (syscall_function_t *)syscall_missing,
#define SYSCALL(call_name, ...) [NR_##call_name] = (syscall_function_t *)sys_##call_name,
#include "syscall/calls.h"
#undef SYSCALL
};

const char *const syscall_names[SYSCALL_LIMIT] = {
#define X(number, call_name) [number] = #call_name,
	MACHINE_SYSCALLS(X)
#undef X
#define SYSCALL(call_name, ...) [NR_##call_name] = #call_name,
#include "syscall/calls.h"
#undef SYSCALL
};
