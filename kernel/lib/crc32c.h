/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32C (Castagnoli's polynomial 0x1edc6f41, reflected), as file systems keep it: begins with
 * whatever the caller says (usually ~0) and is not inverted at the end.
 */
#ifndef LIB_CRC32C_H
#define LIB_CRC32C_H

#include "lib/types.h"

/* The CRC of what `crc` is the CRC of followed by `size` bytes more. */
u32 crc32c(u32 crc, const void *bytes, size_t size);

#endif
