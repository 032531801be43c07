/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounting through files, fsopen(2) and its kin: what programs and the kernel share. */
#ifndef LIB_ABI_MOUNT_H
#define LIB_ABI_MOUNT_H

#include "lib/types.h"

enum { OPEN_TREE_CLONE = 1, OPEN_TREE_CLOEXEC = 02000000, AT_RECURSIVE = 0x8000 };

enum move_mount_flags {
	MOVE_MOUNT_F_SYMLINKS = 0x01,
	MOVE_MOUNT_F_AUTOMOUNTS = 0x02,
	MOVE_MOUNT_F_EMPTY_PATH = 0x04,
	MOVE_MOUNT_T_SYMLINKS = 0x10,
	MOVE_MOUNT_T_AUTOMOUNTS = 0x20,
	MOVE_MOUNT_T_EMPTY_PATH = 0x40,
};

enum { FSOPEN_CLOEXEC = 1, FSMOUNT_CLOEXEC = 1 };

enum fspick_flags {
	FSPICK_CLOEXEC = 1,
	FSPICK_SYMLINK_NOFOLLOW = 2,
	FSPICK_NO_AUTOMOUNT = 4,
	FSPICK_EMPTY_PATH = 8,
};

enum fsconfig_command {
	FSCONFIG_SET_FLAG,
	FSCONFIG_SET_STRING,
	FSCONFIG_SET_BINARY,
	FSCONFIG_SET_PATH,
	FSCONFIG_SET_PATH_EMPTY,
	FSCONFIG_SET_FD,
	FSCONFIG_CMD_CREATE,
	FSCONFIG_CMD_RECONFIGURE,
};

enum mount_attribute {
	MOUNT_ATTR_RDONLY = 0x01,
	MOUNT_ATTR_NOSUID = 0x02,
	MOUNT_ATTR_NODEV = 0x04,
	MOUNT_ATTR_NOEXEC = 0x08,
	MOUNT_ATTR_ATIME = 0x70, /* one of the next three */
	MOUNT_ATTR_RELATIME = 0x00,
	MOUNT_ATTR_NOATIME = 0x10,
	MOUNT_ATTR_STRICTATIME = 0x20,
	MOUNT_ATTR_NODIRATIME = 0x80,
	MOUNT_ATTR_ALL = 0xff,
};

struct linux_mount_attr {
	u64 set, clear, propagation, user_namespace;
};

#endif
