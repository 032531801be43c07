/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two files of the decompressor share: bits come in, codes are decoded, errors are noted.
 */
#ifndef LIB_INFLATE_INTERNAL_H
#define LIB_INFLATE_INTERNAL_H

#include "lib/inflate.h"

/* Notes what is wrong with the input; returns -EINVAL. */
int inflate_fail(struct inflate *state, const char *text);

/* Makes sure of at least 56 bits, or of all that the input still has. */
void inflate_refill(struct inflate *state);

/* Takes @count bits (16 at most) to *@value, or fails at the end of the input. */
int __must_check inflate_take_bits(struct inflate *state, unsigned int count, u32 *value);

/*
 * Makes the code whose symbol n has lengths[n] bits (0: unused).  Returns 0, or -EINVAL if no
 * complete prefix code has these lengths; the one incomplete code allowed is that of a single
 * symbol or none.
 */
int __must_check inflate_make_code(struct inflate_code *code, const u8 *lengths,
				   unsigned int count);

/* Takes one symbol, after inflate_refill.  Returns it, or -EINVAL with the error noted. */
int __must_check inflate_take_symbol(struct inflate *state, const struct inflate_code *code);

#endif
