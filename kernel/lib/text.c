/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that grow: see text.h. */
#include "lib/text.h"

#include <stdarg.h>

#include "lib/format.h"
#include "lib/string.h"

/* Room for `count` more bytes and a terminator that formatting writes? */
static bool reserve(struct text *text, size_t count)
{
	if (!text->failed && text->length + count + 1 > text->capacity)
		text->failed = !text->grow(text, text->length + count + 1);
	return !text->failed;
}

void text_append(struct text *text, const void *bytes, size_t count)
{
	if (!reserve(text, count))
		return;
	memcpy(text->data + text->length, bytes, count);
	text->length += count;
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list arguments;

	if (!reserve(text, 0))
		return;
	va_start(arguments, format);
	int length = vsnprintf(text->data + text->length, text->capacity - text->length, format,
			       arguments);
	va_end(arguments);
	if ((size_t)length >= text->capacity - text->length) {
		if (!reserve(text, (size_t)length))
			return;
		va_start(arguments, format);
		vsnprintf(text->data + text->length, text->capacity - text->length, format,
			  arguments);
		va_end(arguments);
	}
	text->length += (size_t)length;
}
