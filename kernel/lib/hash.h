/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash functions for tables in memory.  Not for cryptography.
 *
 * Names come from programs, which could choose names that collide and so turn a table into a list.
 * Bytes are therefore hashed with a secret key, by SipHash-1-3 (Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF", 2012).
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include "lib/types.h"

/* A secret: 16 random bytes, drawn when the table is made. */
struct hash_key {
	u64 words[2];
};

/* Hashes @size bytes. */
u64 hash_bytes(const struct hash_key *key, const void *bytes, size_t size);

/* Mixes a number that no program chooses freely, such as an address: every bit depends on every
 * bit. */
static inline u64 hash_u64(u64 value)
{
	value = (value ^ value >> 32) * 0xd6e8feb86659fd93;
	value = (value ^ value >> 32) * 0xd6e8feb86659fd93;
	return value ^ value >> 32;
}

static inline u64 hash_pointer(const void *pointer)
{
	return hash_u64((uintptr_t)pointer);
}

#endif
