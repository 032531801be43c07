/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings and memory blocks.
 *
 * The C standard's functions under their standard names and with their standard meaning (the
 * compiler emits calls to memcpy, memmove, memset and memcmp on its own), and strscpy() as the one
 * way to copy a string into a buffer of fixed size.  strcpy, strcat and strncpy do not exist here.
 * None of them sleeps or takes a lock; all may be called from any context.
 *
 * memcpy, memmove, memset and memcmp live in lib/memory.c, so that an architecture can bring its
 * own.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
void *memchr(const void *block, int byte, size_t size);

#if defined(__KERNEL__) && !defined(LIB_STRING_PLAIN)
/*
 * A freestanding compiler takes these for functions like any other.  Under their built-in names it
 * knows what they do, and copies a few bytes by a few instructions.
 */
#define memcpy(to, from, size)    __builtin_memcpy(to, from, size)
#define memmove(to, from, size)   __builtin_memmove(to, from, size)
#define memset(to, byte, size)    __builtin_memset(to, byte, size)
#define memcmp(left, right, size) __builtin_memcmp(left, right, size)
#endif

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
int strcasecmp(const char *left, const char *right);
int strncasecmp(const char *left, const char *right, size_t limit);
char *strchr(const char *text, int byte);
char *strrchr(const char *text, int byte);
char *strstr(const char *text, const char *wanted);

/*
 * Copies the string @from into @to, a buffer of @size bytes, and always terminates it (unless @size
 * is 0).  Returns the length copied without the terminator, or -E2BIG if the string was cut short.
 * Reads no byte of @from beyond its terminator or beyond @size.
 */
ssize_t strscpy(char *to, const char *from, size_t size);

#endif
