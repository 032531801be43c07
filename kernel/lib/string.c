/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String functions.  They work a byte at a time, so that they never read past a terminator: the
 * strings of a kernel are short, and the next byte may be on a page that is not there.
 */
#include "lib/errno.h"
#include "lib/string.h"

void *memchr(const void *block, int byte, size_t size)
{
	const u8 *at = block;

	for (; size; size--, at++)
		if (*at == (u8)byte)
			return (void *)at;
	return NULL;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

size_t strnlen(const char *text, size_t limit)
{
	size_t length = 0;

	while (length < limit && text[length])
		length++;
	return length;
}

int strcmp(const char *left, const char *right)
{
	for (; *left && *left == *right; left++, right++)
		;
	return (u8)*left - (u8)*right;
}

int strncmp(const char *left, const char *right, size_t limit)
{
	for (; limit && *left && *left == *right; limit--, left++, right++)
		;
	return limit ? (u8)*left - (u8)*right : 0;
}

static int to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (u8)c;
}

int strncasecmp(const char *left, const char *right, size_t limit)
{
	for (; limit && *left && to_lower(*left) == to_lower(*right); limit--, left++, right++)
		;
	return limit ? to_lower(*left) - to_lower(*right) : 0;
}

int strcasecmp(const char *left, const char *right)
{
	return strncasecmp(left, right, SIZE_MAX);
}

char *strchr(const char *text, int byte)
{
	for (; *text != (char)byte; text++)
		if (!*text)
			return NULL;
	return (char *)text;
}

char *strrchr(const char *text, int byte)
{
	const char *found = NULL;

	do {
		if (*text == (char)byte)
			found = text;
	} while (*text++);
	return (char *)found;
}

char *strstr(const char *text, const char *wanted)
{
	size_t length = strlen(wanted);

	for (; *text; text++)
		if (strncmp(text, wanted, length) == 0)
			return (char *)text;
	return length ? NULL : (char *)text;
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	if (size == 0)
		return -E2BIG;
	for (size_t i = 0; i < size; i++) {
		to[i] = from[i];
		if (!from[i])
			return (ssize_t)i;
	}
	to[size - 1] = '\0';
	return -E2BIG;
}
