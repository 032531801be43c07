/* SPDX-License-Identifier: BSD-2-Clause */
/* Between xattr.c and xattr_change.c. */
#ifndef FS_EXT4_XATTR_INTERNAL_H
#define FS_EXT4_XATTR_INTERNAL_H

#include "fs/ext4/volume.h"

enum ext4_xattr_space {
	EXT4_XATTR_ACL_ACCESS = 2,
	EXT4_XATTR_ACL_DEFAULT = 3,
	EXT4_XATTR_SYSTEM = 7,
	EXT4_XATTR_SPACES
};

/* What names begin with, or, of access control lists, all of them. */
extern const char *const ext4_xattr_prefixes[EXT4_XATTR_SPACES];

enum {
	EXT4_ACL_DISK_VERSION = 1,
	EXT4_ACL_VERSION = 2,
	EXT4_ACL_USER = 2,
	EXT4_ACL_GROUP = 8,
	EXT4_ACL_ENTRY_SIZE = 8
};

/* A place with attributes. */
struct ext4_xattr_area {
	void *memory;    /* a copy, to be released */
	const u8 *bytes; /* offsets count from here */
	u32 size, first; /* where the first entry is */
};

/* Copies of the two places, checked: -ENODATA: there is none. */
int __must_check ext4_xattr_open_inode(const struct ext4_volume *volume,
				       const struct ext4_node *node, struct ext4_xattr_area *area);
int __must_check ext4_xattr_open_block(const struct ext4_volume *volume,
				       const struct ext4_node *node, struct ext4_xattr_area *area);
/* The entry at *offset, which moves on; NULL at the end, with *error if it makes no sense. */
const struct ext4_disk_xattr *ext4_xattr_next(const struct ext4_xattr_area *area, u32 *offset,
					      int *error);

#endif
