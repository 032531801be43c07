/* SPDX-License-Identifier: BSD-2-Clause */
/* File handles: what name_to_handle_at(2) gives, and how a file is found by it (handle.c). */
#ifndef FS_HANDLE_H
#define FS_HANDLE_H

#include "fs/vfs.h"

/* As programs keep it, after the length and the type. */
struct file_handle {
	u32 type;
	u32 generation;
	u64 number;
};

/* The handle of a file: 0, -EOPNOTSUPP, -ENOMEM.  May sleep. */
int __must_check handle_of(const struct path *path, struct file_handle *handle);
/* Where the file of a handle is, as seen through a mount, referenced: 0, -ESTALE, -ENOMEM, -EIO.
 * May sleep.  Asks for no permission. */
int __must_check handle_path(struct mount *mount, const struct file_handle *handle,
			     struct path *result);

#endif
