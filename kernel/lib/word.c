/* SPDX-License-Identifier: BSD-2-Clause */
/* The rare case of word.h: a string that ends just before the end of a page. */
#include "lib/word.h"

u64 word_gather(const char *text)
{
	u64 word = 0;

	for (u32 i = 0; i < sizeof(word) && text[i]; i++)
		word |= (u64)(u8)text[i] << 8 * i;
	return word;
}
