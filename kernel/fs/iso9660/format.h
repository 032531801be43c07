/* SPDX-License-Identifier: BSD-2-Clause */
/* ISO 9660 on the disk, ECMA-119: only what we look at.  Numbers that are there in both byte orders
 * are read in ours. */
#ifndef FS_ISO9660_FORMAT_H
#define FS_ISO9660_FORMAT_H

#include "lib/types.h"

enum {
	ISO_FIRST_DESCRIPTOR = 16, /* its sector */
	ISO_DESCRIPTORS_MOST = 64,
	ISO_PRIMARY = 1,
	ISO_SUPPLEMENTARY = 2,
	ISO_TERMINATOR = 255,
};

/* 9.1 */
struct iso_record {
	u8 length;
	u8 attributes_length;
	u32 block, block_msb;
	u32 size, size_msb;
	u8 time[7]; /* year since 1900, month, day, hour, minute, second, quarters of an hour east
		       of Greenwich */
	u8 flags;
	u8 unit_size, gap_size;
	u16 sequence, sequence_msb;
	u8 name_length;
	u8 name[]; /* padded to an even length of the record; then what systems use */
} __packed;
_Static_assert(sizeof(struct iso_record) == 33, "a directory record without its name");

enum iso_record_flags { ISO_HIDDEN = 1, ISO_DIRECTORY = 2, ISO_ASSOCIATED = 4, ISO_MORE = 0x80 };

/* 8.4, 8.5 */
struct iso_descriptor {
	u8 type;
	char identifier[5]; /* "CD001" */
	u8 version, flags;
	char system[32], volume[32];
	u8 unused[8];
	u32 blocks, blocks_msb;
	u8 escapes[32]; /* of the characters of names: Joliet's */
	u16 set_size, set_size_msb, sequence, sequence_msb;
	u16 block_size, block_size_msb;
	u8 path_tables[24];
	u8 root[34]; /* a record */
} __packed;
_Static_assert(__builtin_offsetof(struct iso_descriptor, root) == 156,
	       "place of the root's record");

/* System Use Sharing Protocol (IEEE P1281) and Rock Ridge: the head of an entry. */
struct iso_use {
	char signature[2];
	u8 length, version;
	u8 data[];
} __packed;

#endif
