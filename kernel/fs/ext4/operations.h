/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on names, each in one transaction: operations.c, rename.c.
 *
 * Nodes are in memory and the caller's, who holds their locks for writing, and whose fields, time
 * stamps too, are what is to be written.  After -ENOSPC and the like everything is as it was, but
 * that a directory may have become larger.
 */
#ifndef FS_EXT4_OPERATIONS_H
#define FS_EXT4_OPERATIONS_H

#include "fs/ext4/change.h"

enum { EXT4_LINKS_MAX = 65000 };

/* A name in a directory. */
struct ext4_entry {
	struct ext4_node *directory;
	const char *name;
	u32 length;
};

/* What else a new file is. */
struct ext4_fresh {
	u32 mode, uid, gid;
	u32 major, minor; /* of device nodes */
	const char *text; /* of a link */
	s64 seconds;      /* all times */
	u32 nanoseconds;
	const struct ext4_entry *entry; /* NULL: no name; an orphan */
	const struct ext4_node *parent; /* near which it goes */
	const void *acl, *default_acl;  /* as programs have them, or NULL */
	size_t acl_size, default_acl_size;
};

/* Makes a file, and names it.  *node is it.  -ENOSPC, -EMLINK, … */
int __must_check ext4_create(struct ext4_volume *volume, const struct ext4_fresh *fresh,
			     struct ext4_node *node);
/* Another name.  An orphan that gets its first is none any more.  -EMLINK. */
int __must_check ext4_link(struct ext4_volume *volume, const struct ext4_entry *entry,
			   struct ext4_node *node);
/* Takes a name, perhaps the last: then the file is an orphan, to be ended by ext4_node_end. */
int __must_check ext4_unlink(struct ext4_volume *volume, const struct ext4_entry *entry,
			     struct ext4_node *node);
/* The same for a directory, which is empty. */
int __must_check ext4_rmdir(struct ext4_volume *volume, const struct ext4_entry *entry,
			    struct ext4_node *node);

struct ext4_rename {
	struct ext4_entry from, to;
	struct ext4_node *moved;
	struct ext4_node *target;         /* what `to` is now, or NULL */
	bool exchange;                    /* … and it goes to `from` */
	const struct ext4_node *whiteout; /* comes to `from`: made before, an orphan; or NULL */
};
int __must_check ext4_rename(struct ext4_volume *volume, const struct ext4_rename *rename);

/* Writes a node alone. */
int __must_check ext4_node_store(struct ext4_volume *volume, const struct ext4_node *node);

/* --- Between operations.c and rename.c --- */

/* The disk's number of a type of file. */
u8 ext4_type_of(u32 mode);
/* A subdirectory more or less. */
int __must_check ext4_links_add(const struct ext4_volume *volume, struct ext4_node *directory);
void ext4_links_drop(struct ext4_node *directory);
/* Ends a transaction: an error that leaves things half done aborts the volume. */
int __must_check ext4_operation_end(struct ext4_handle *handle, int error);

#endif
