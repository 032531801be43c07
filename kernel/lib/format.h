/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted text.
 *
 * Conversions: %d %i %u %x %X %o %c %s %p %%.  Flags: - 0 + space #.  Width and precision, also as
 * *. Sizes: hh h l ll z t j.  Meaning and result as in C99; %p prints 0x and the digits; %s of NULL
 * prints
 * "(null)".  Floating point and %n do not exist.  An unknown conversion is copied as it stands.
 * No locks, no allocation, any context.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>

#include "lib/types.h"

/*
 * Writes at most @size bytes including the terminator to @to (which may be NULL when @size is 0).
 * Returns the length that the whole text has, which is @size or more when it was cut short.
 */
__attribute__((format(printf, 3, 0))) int vsnprintf(char *to, size_t size, const char *format,
						    va_list arguments);
__attribute__((format(printf, 3, 4))) int snprintf(char *to, size_t size, const char *format, ...);

/*
 * The same, but returns the length that is in the buffer, without the terminator: what one adds to
 * a position when putting a text together piece by piece.
 */
__attribute__((format(printf, 3, 0))) size_t kvsnprintf(char *to, size_t size, const char *format,
							va_list arguments);
__attribute__((format(printf, 3, 4))) size_t ksnprintf(char *to, size_t size, const char *format,
						       ...);

#endif
