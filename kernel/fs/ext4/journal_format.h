/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the journal (jbd2) keeps on the disk; numbers are big-endian.
 *
 * The journal is a file of blocks: its own super block, then a ring of transactions,
 *
 *	[revoke …]  descriptor  copy copy …  [descriptor copy …]  commit
 *
 * Each block but the copies begins with a magic number, its type and the transaction's sequence
 * number.  A descriptor's tags name the blocks whose copies follow.  A revoke block names blocks
 * whose copies in this transaction and in earlier ones are void.  A transaction counts when its
 * commit block is there; the first one that does not ends the log.  A copy that begins with the
 * magic number has zeros instead of it, and its tag says so.
 */
#ifndef FS_EXT4_JOURNAL_FORMAT_H
#define FS_EXT4_JOURNAL_FORMAT_H

#include "lib/types.h"

#define JOURNAL_MAGIC 0xc03b3998u

enum journal_block_type {
	JOURNAL_DESCRIPTOR = 1,
	JOURNAL_COMMIT,
	JOURNAL_SUPER_1,
	JOURNAL_SUPER_2,
	JOURNAL_REVOKE
};

enum { /* bytes from the beginning of a block */
       HEADER_TYPE = 4,
       HEADER_SEQUENCE = 8,
       HEADER_SIZE = 12,
       SUPER_BLOCK_SIZE = 12,
       SUPER_LENGTH = 16,
       SUPER_FIRST = 20,
       SUPER_SEQUENCE = 24,
       SUPER_START = 28, /* 0: the log is empty */
       SUPER_ERROR = 32, /* why it was aborted */
       SUPER_COMPAT = 36,
       SUPER_INCOMPAT = 40,
       SUPER_UUID = 48,
       SUPER_CHECKSUM_TYPE = 80, /* a byte */
       SUPER_CHECKSUM = 252,
       SUPER_SIZE = 1024,
       REVOKE_USED = 12,
       REVOKE_FIRST = 16,
       COMMIT_CHECKSUM = 16,
       COMMIT_SECONDS = 48, /* 64 bits */
       COMMIT_NANOSECONDS = 56,
       JOURNAL_UUID_SIZE = 16,
       JOURNAL_TAIL_SIZE = 4, /* the checksum of a descriptor or revoke block */
       JOURNAL_CRC32C = 4,    /* a type of checksums */
};

enum journal_features {
	JOURNAL_REVOKES = 0x1,
	JOURNAL_WIDE = 0x2,
	JOURNAL_CHECKSUM_2 = 0x8,
	JOURNAL_CHECKSUM_3 = 0x10
};
#define JOURNAL_FEATURES_KNOWN \
	((u32)JOURNAL_REVOKES | JOURNAL_WIDE | JOURNAL_CHECKSUM_2 | JOURNAL_CHECKSUM_3)

enum journal_tag_flags { TAG_ESCAPED = 1, TAG_SAME_UUID = 2, TAG_LAST = 8 };

static inline u32 journal_get_u32(const u8 *at)
{
	return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

static inline u16 journal_get_u16(const u8 *at)
{
	return (u16)(at[0] << 8 | at[1]);
}

static inline void journal_put_u32(u8 *at, u32 value)
{
	at[0] = (u8)(value >> 24);
	at[1] = (u8)(value >> 16);
	at[2] = (u8)(value >> 8);
	at[3] = (u8)value;
}

/* Bytes of a tag without the UUID that may follow. */
static inline u32 journal_tag_size(u32 features)
{
	if (features & JOURNAL_CHECKSUM_3)
		return 16;
	return (features & JOURNAL_WIDE ? 12u : 8u) + (features & JOURNAL_CHECKSUM_2 ? 2u : 0u);
}

#endif
