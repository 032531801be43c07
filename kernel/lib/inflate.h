/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompression: DEFLATE (RFC 1951) and the gzip container around it (RFC 1952).
 *
 * The input is a block of memory; the output goes in pieces of up to 32 KiB to a function of the
 * caller's, so that it never has to exist as a whole.  Nothing in the input is trusted; whatever is
 * wrong with it ends in -EINVAL and a text.  The state takes some 40 KiB and is the caller's.
 */
#ifndef LIB_INFLATE_H
#define LIB_INFLATE_H

#include "lib/types.h"

enum {
	INFLATE_WINDOW = 32768,
	INFLATE_SYMBOLS = 288,
	INFLATE_FAST_BITS = 10,
	INFLATE_CODE_BITS = 15,
};

/* Takes the next bytes of output.  Returns 0, or a negative errno that ends the work and is handed
 * through. */
typedef int (*inflate_write)(void *context, const u8 *bytes, size_t size);

/* A Huffman code, ready for decoding. */
struct inflate_code {
	u16 fast[1 << INFLATE_FAST_BITS];  /* by the next bits: symbol << 4 | length, 0: longer or
					      invalid */
	u16 counts[INFLATE_CODE_BITS + 1]; /* symbols of each length */
	u16 symbols[INFLATE_SYMBOLS];      /* in the order of their codes */
};

struct inflate {
	inflate_write write;
	void *context;
	const char *error;   /* what is wrong with the input, NULL: nothing */
	size_t error_offset; /* about where, in the input */

	const u8 *start, *at, *end; /* input */
	u64 bits;                   /* read from the input, not yet used; the lowest comes first */
	unsigned int bit_count;

	u64 written;    /* bytes of output so far, those still in the window included */
	u64 handed_out; /* bytes given to write */
	u32 crc;        /* of handed_out bytes */
	u8 window[INFLATE_WINDOW];

	struct inflate_code literals, distances;
};

static inline void inflate_init(struct inflate *state, inflate_write write, void *context)
{
	state->write = write;
	state->context = context;
	state->error = NULL;
	state->error_offset = 0;
}

/*
 * Decompresses one DEFLATE stream.  *@consumed is the number of bytes of input that it took (whole
 * bytes).  Returns 0, -EINVAL with state->error set, or what write returned.  Does not sleep
 * itself.  Can be repeated on one state.
 */
int inflate_raw(struct inflate *state, const void *input, size_t size, size_t *consumed);

/* The same for one gzip member, whose checksum and length are checked. */
int inflate_gzip(struct inflate *state, const void *input, size_t size, size_t *consumed);

/* Does the input start like a gzip member? */
bool inflate_is_gzip(const void *input, size_t size);

#endif
