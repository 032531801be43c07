/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text that grows while it is written, within memory that its owner provides more of when asked.
 *
 * `grow` makes the buffer hold at least `size` bytes and says whether it could; after a failure
 * further text is dropped and `failed` stays set.  Belongs to one thread.
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include "lib/types.h"

struct text {
	char *data;
	size_t length, capacity;
	bool failed;
	bool (*grow)(struct text *text, size_t size);
};

/* Appends formatted text, or bytes. */
void text_printf(struct text *text, const char *format, ...) __printf(2, 3);
void text_append(struct text *text, const void *bytes, size_t count);

#endif
