/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock(7): rights and structures of the second version. */
#ifndef LIB_ABI_LANDLOCK_H
#define LIB_ABI_LANDLOCK_H

#include "lib/types.h"

enum {
	LANDLOCK_VERSION = 2,
	LANDLOCK_CREATE_RULESET_VERSION = 1 << 0,
	LANDLOCK_RULE_PATH_BENEATH = 1,
};

enum landlock_right {
	LANDLOCK_EXECUTE = 1 << 0,
	LANDLOCK_WRITE_FILE = 1 << 1,
	LANDLOCK_READ_FILE = 1 << 2,
	LANDLOCK_READ_DIR = 1 << 3,
	LANDLOCK_REMOVE_DIR = 1 << 4,
	LANDLOCK_REMOVE_FILE = 1 << 5,
	LANDLOCK_MAKE_CHAR = 1 << 6,
	LANDLOCK_MAKE_DIR = 1 << 7,
	LANDLOCK_MAKE_REG = 1 << 8,
	LANDLOCK_MAKE_SOCK = 1 << 9,
	LANDLOCK_MAKE_FIFO = 1 << 10,
	LANDLOCK_MAKE_BLOCK = 1 << 11,
	LANDLOCK_MAKE_SYM = 1 << 12,
	LANDLOCK_REFER = 1 << 13,
	LANDLOCK_RIGHTS = 14, /* how many */
	LANDLOCK_ALL = (1 << LANDLOCK_RIGHTS) - 1,
	LANDLOCK_OF_FILES = LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE,
};

struct linux_landlock_path_beneath {
	u64 allowed;
	s32 parent_fd;
} __attribute__((packed));

#endif
