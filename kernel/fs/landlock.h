/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Landlock's questions of the VFS.  The rights are those of lib/abi/landlock.h.  All answer 0 when
 * current is in no domain; none sleeps.
 */
#ifndef FS_LANDLOCK_H
#define FS_LANDLOCK_H

#include "fs/vfs.h"
#include "lib/abi/landlock.h"
#include "proc/credentials.h"
#include "proc/landlock.h"

/* The slow half of landlock_check. */
int __must_check landlock_check_slow(const struct path *path, u32 rights);
/* May the rights be used on what the path names, or in that directory?  0 or -EACCES. */
static inline int __must_check landlock_check(const struct path *path, u32 rights)
{
	return likely(current_credentials()->landlock == NULL) ? 0
							       : landlock_check_slow(path, rights);
}
/* Opening with these flags; as a program to be run. */
int __must_check landlock_check_open(const struct path *path, u32 flags, bool exec);
/* The right that it takes to make a file of that type. */
u32 landlock_making(mode_t mode);

/* A name that gets another, or a second, place.  The directories' locks are held. */
struct landlock_move {
	const struct path *from, *to; /* the directories */
	const struct dentry *source;  /* what gets the name */
	const struct dentry *target;  /* what it replaces or is exchanged with; may be negative */
	bool removes;                 /* the old name goes: no link */
	bool exchange;
};
/* 0, -EACCES, or -EXDEV where a copy would be allowed. */
int __must_check landlock_check_move(const struct landlock_move *move);

/* The file that a rule is about, its rights left 0. */
struct landlock_rule landlock_name(const struct inode *inode);
/* Is it a file that rules are not made for, of the kernel's own: pipes, sockets, name spaces? */
bool landlock_is_exempt(const struct path *path);

#endif
