/* SPDX-License-Identifier: BSD-2-Clause */
/* The start of the first program: see init.c. */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

/* Turns the calling kernel thread into process 1, the program that the command line names.  Panics
 * when there is none. */
void init_run(const char *command_line) __attribute__((noreturn));

#endif
