/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port of LZ4: what the library wants from its surroundings, and its functions under our names.
 *
 * The library's one file is compiled as a part of this one, from Debian's source package
 * (tools/fetch-source).  It gets the compiler's memory functions, allocates nothing, and its hash
 * table is made small: clearing a table of 16 KiB would cost more than compressing a page.
 */
#include "lib/lz4.h"

#include "lib/errno.h"

#define LZ4_FREESTANDING               1
#define LZ4_memcpy(to, from, size)     __builtin_memcpy(to, from, size)
#define LZ4_memmove(to, from, size)    __builtin_memmove(to, from, size)
#define LZ4_memset(to, byte, size)     __builtin_memset(to, byte, size)
#define LZ4_MEMORY_USAGE               12 /* log2 of the table's bytes */
#define LZ4_DISABLE_DEPRECATE_WARNINGS 1
#define LZ4LIB_VISIBILITY              static __unused /* what is not called is not compiled */
#include <lz4.c>

_Static_assert(sizeof(LZ4_stream_t) <= LZ4_WORKSPACE, "the workspace holds the library's state");

size_t lz4_compress(const void *from, size_t size, void *to, size_t limit, void *workspace)
{
	int result = LZ4_compress_fast_extState(workspace, from, to, (int)size, (int)limit, 1);

	return result > 0 ? (size_t)result : 0;
}

ssize_t lz4_decompress(const void *from, size_t size, void *to, size_t limit)
{
	int result = LZ4_decompress_safe(from, to, (int)size, (int)limit);

	return result >= 0 ? result : -EINVAL;
}
