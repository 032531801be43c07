/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISO 9660 volumes (ECMA-119), read: the names and attributes of Rock Ridge (IEEE P1282) where a
 * volume has them, else the names of Joliet, else the plain ones in small letters.
 *
 * A directory is a file of records, none of which crosses a sector; a file is one run of blocks, or
 * several records on end.  A record's place on the volume is the file's number; a directory has
 * that of its own first record, ".", so that it is the same from wherever it is found.
 *
 * This half knows nothing of the kernel: it reads bytes through a function, and also runs on the
 * host, under tests.  Nothing on the volume is believed.  No locks: all of it is constant once the
 * volume is open.
 */
#ifndef FS_ISO9660_VOLUME_H
#define FS_ISO9660_VOLUME_H

#include "lib/types.h"

enum {
	ISO_SECTOR = 2048,
	ISO_NAME_MAX = 255,
	ISO_EXTENTS = 16, /* runs that a file may have: each of almost 4 GiB */
	ISO_LINK_MAX = 1024,
};

enum iso_names { ISO_PLAIN, ISO_JOLIET, ISO_ROCK_RIDGE };

struct iso_volume {
	/* Set by the owner before iso_open: reads bytes of the volume; 0 or an error. */
	int (*read)(void *context, u64 position, void *buffer, size_t size);
	void *context;
	u64 size; /* bytes */
	/* Set by iso_open. */
	u32 block_size;
	u64 blocks;
	enum iso_names names;
	u32 skip; /* bytes in front of each record's Rock Ridge */
	u64 root; /* number of the root directory */
};

struct iso_extent {
	u64 start; /* byte on the volume */
	u64 length;
};

struct iso_node {
	u64 number;
	u32 mode, uid, gid, links;
	u32 major, minor;
	u64 size;
	s64 atime, mtime, ctime; /* seconds */
	u32 extent_count;
	struct iso_extent extents[ISO_EXTENTS];
	u32 link_length;
	char link[ISO_LINK_MAX + 1]; /* a symbolic link's text */
};

/* Reads what the volume says of itself.  0; -EINVAL: it is none; -EUCLEAN: it makes no sense; or
 * the error of `read`. */
int iso_open(struct iso_volume *volume);
/* The file with that number. */
int iso_node_read(const struct iso_volume *volume, u64 number, struct iso_node *node);
/* The number of a name in a directory; -ENOENT. */
int iso_find(const struct iso_volume *volume, const struct iso_node *directory, const char *name,
	     size_t length, u64 *number);
/*
 * Hands over the entries of a directory from *position on, until `emit` answers false; *position
 * is where to go on.  "." and ".." are among them.  `type` as in getdents(2).
 */
int iso_list(const struct iso_volume *volume, const struct iso_node *directory, u64 *position,
	     bool (*emit)(void *argument, u64 position, const char *name, size_t length, u64 number,
			  u32 type),
	     void *argument);
/* Reads bytes of a file; what lies behind its end are zeros. */
int iso_read(const struct iso_volume *volume, const struct iso_node *node, u64 position,
	     void *buffer, size_t size);

#endif
