/* SPDX-License-Identifier: BSD-2-Clause */
/* File handles: what name_to_handle_at(2) gives, and how a file is found by it (handle.c). */
#ifndef FS_HANDLE_H
#define FS_HANDLE_H

#include "fs/vfs.h"

/* As programs keep it: how many bytes follow the head, its type, and those. */
struct linux_file_handle {
	u32 bytes;
	s32 type;
	u32 generation, number_low, number_high;
};
enum { FILE_HANDLE_HEAD = 8, FILE_HANDLE_BYTES = 12 };

struct file_handle {
	u32 type;
	u32 generation;
	u64 number;
};

/* The handle of a file: 0, -EOPNOTSUPP.  Does not sleep. */
int __must_check handle_of(struct inode *inode, struct linux_file_handle *handle);
/* Where the file of a handle is, as seen through a mount, referenced: 0, -ESTALE, -ENOMEM, -EIO.
 * May sleep.  Asks for no permission. */
int __must_check handle_path(struct mount *mount, const struct file_handle *handle,
			     struct path *result);

#endif
