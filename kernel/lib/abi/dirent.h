/* SPDX-License-Identifier: BSD-2-Clause */
/* Directory records of getdents(2) and getdents64(2). */
#ifndef LIB_ABI_DIRENT_H
#define LIB_ABI_DIRENT_H

#include "lib/types.h"

/* File types in a record: the mode's type bits, shifted down by 12. */
enum dirent_types {
	DT_UNKNOWN = 0,
	DT_FIFO = 1,
	DT_CHR = 2,
	DT_DIR = 4,
	DT_BLK = 6,
	DT_REG = 8,
	DT_LNK = 10,
	DT_SOCK = 12,
	DT_WHT = 14,
};

struct linux_dirent64 {
	u64 ino;
	s64 next;   /* the position behind this record */
	u16 length; /* of the record, a multiple of 8 */
	u8 type;
	char name[];
};

/* The old form: the type is the record's last byte. */
struct linux_dirent {
	u64 ino;
	u64 next;
	u16 length;
	char name[];
};

#endif
