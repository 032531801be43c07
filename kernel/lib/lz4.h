/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast compression of blocks (the LZ4 block format), as one block that is neither preceded nor
 * followed by others.
 *
 * The library is not ours: lz4.c is the port.  No locks, no allocation, any context; about 300
 * bytes of stack.
 */
#ifndef LIB_LZ4_H
#define LIB_LZ4_H

#include "lib/types.h"

/* What lz4_compress wants to work in: its content is of no matter.  Aligned to 8. */
#define LZ4_WORKSPACE 4160

/*
 * Compresses `size` bytes to at most `limit`.  Returns how many it took; 0 when they do not fit.
 */
size_t __must_check lz4_compress(const void *from, size_t size, void *to, size_t limit,
				 void *workspace);

/*
 * The way back, to at most `limit` bytes; nothing outside of the two blocks is touched whatever
 * `from` holds.  Returns how many bytes there are, or -EINVAL when it is not what lz4_compress
 * makes.
 */
ssize_t __must_check lz4_decompress(const void *from, size_t size, void *to, size_t limit);

#endif
