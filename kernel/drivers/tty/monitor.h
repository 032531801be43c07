/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's monitor on the serial console, for people: with the word `monitor` on the kernel's
 * command line, a line that begins with ~ and a command's name goes to the monitor instead of to
 * the program that reads the terminal.
 */
#ifndef DRIVERS_TTY_MONITOR_H
#define DRIVERS_TTY_MONITOR_H

#include "drivers/tty/tty.h"
#include "lib/text.h"

/* Starts the monitor on a terminal, if the command line wants it. */
void monitor_init(struct tty *tty, const char *command_line);

/* Bytes have arrived: as tty_receive, which gets what is not the monitor's.  From the one interrupt
 * handler of the terminal. */
void monitor_receive(struct tty *tty, const u8 *bytes, size_t count);

/* monitor_cow.c: the commands ~1 to ~6.  They own two spaces, the second a copy of the first; in
 * the monitor's thread. */
void monitor_cow_status(struct text *text, const char *arguments);
void monitor_cow_stats(struct text *text, const char *arguments);
void monitor_cow_create(struct text *text, const char *arguments);
void monitor_cow_protect(struct text *text, const char *arguments);
void monitor_cow_unprotect(struct text *text, const char *arguments);
void monitor_cow_test(struct text *text, const char *arguments);

#endif
