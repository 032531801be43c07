/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CRC-32 of gzip, zlib and Ethernet (polynomial 0x04c11db7, reflected, inverted at both ends).
 */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include "lib/types.h"

/* The CRC of what @crc is the CRC of (0: nothing) followed by @size bytes more. */
u32 crc32(u32 crc, const void *bytes, size_t size);

#endif
