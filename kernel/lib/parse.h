/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict reading of numbers, sizes and the kernel command line.
 *
 * Strict: the whole text must be the number.  No white space, no sign unless said so, no overflow.
 * No locks, no allocation, any context.  On an error the result variable is left alone.
 */
#ifndef LIB_PARSE_H
#define LIB_PARSE_H

#include "lib/types.h"

/*
 * Reads @text in @base (2 to 36, or 0: 0x is hexadecimal, a leading 0 octal, else decimal; in base
 * 16 a leading 0x is accepted).  Returns 0, -EINVAL (not a number) or -ERANGE (more than 64 bits).
 */
int parse_u64(const char *text, unsigned int base, u64 *value);

/* The same with an optional sign in front. */
int parse_s64(const char *text, unsigned int base, s64 *value);

/*
 * Reads a number of bytes: a number (decimal, 0x or octal) with an optional K, M, G, T, P or E of
 * either case behind it, powers of 1024.  Returns 0, -EINVAL or -ERANGE.
 */
int parse_size(const char *text, u64 *bytes);

/*
 * The command line: words between white space.  Double quotes keep white space inside a word and
 * are taken off, around the whole word ("init=/a b") or the value alone (init="/a b").  A word "--"
 * ends the words that are the kernel's; the rest is init's.  Of a name given twice, the last
 * counts.
 * '-' and '_' in names are the same.
 */

/*
 * Looks up name=value, and copies value (cut to @size - 1 bytes, always terminated) to @to.
 * Returns the whole value's length (@size or more: it was cut), or -ENOENT if the name is not there
 * with a value; @to is left alone then.
 */
ssize_t cmdline_get(const char *cmdline, const char *name, char *to, size_t size);

/* True if @name stands there, with or without a value. */
bool cmdline_has(const char *cmdline, const char *name);

/*
 * Walks the words: copies the next word from *@at (start with the command line), quotes off, to
 * @word and advances *@at.  Returns the word's whole length, or -ENOENT at the end.  Unlike the
 * look-ups it goes past "--" (which it yields as a word).  For words with more than one occurrence
 * (console=) and for init's arguments.
 */
ssize_t cmdline_next(const char **at, char *word, size_t size);

#endif
