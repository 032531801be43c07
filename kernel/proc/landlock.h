/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Landlock (landlock(7)): what a process has forbidden itself.
 *
 * A domain is a list of layers, one for each landlock_restrict_self, the newest first; credentials
 * point at the newest, and children and threads made later have them.  An access has to be allowed by
 * every layer that handles its kind.  A layer never changes, and holds no file: a rule names one by
 * numbers that are not used again while the file system is there, so nothing has to be undone when a
 * file or a file system goes.  What a rule means to a walk is fs/landlock.c's.
 */
#ifndef PROC_LANDLOCK_H
#define PROC_LANDLOCK_H

#include "lib/types.h"

struct task;

enum { LANDLOCK_LAYERS_MAX = 16 };

/* What is allowed on a file, and on everything below a directory. */
struct landlock_rule {
	u64 file_system, number; /* its superblock's id; the inode's number */
	u32 generation;
	u32 rights;
};

struct landlock_layer {
	u32 refs;  /* atomic */
	u32 depth; /* const: how many layers there are, this one counted */
	struct landlock_layer *older;
	u32 handled; /* const: enum landlock_right */
	u32 count;
	struct landlock_rule rules[]; /* const; ascending, as landlock_compare has it */
};

/* Another reference, and one less; NULL is allowed.  Any context. */
struct landlock_layer *landlock_get(struct landlock_layer *layer);
void landlock_put(struct landlock_layer *layer);
/* A layer on top of `older`, whose reference it takes over on success: NULL: no memory. */
struct landlock_layer *landlock_layer_make(struct landlock_layer *older, u32 handled,
					   const struct landlock_rule *rules, u32 count);
/* The rule's place among sorted ones: the first that is not before `key`. */
u32 landlock_find(const struct landlock_rule *rules, u32 count, const struct landlock_rule *key);
bool landlock_same_file(const struct landlock_rule *one, const struct landlock_rule *other);

/* Who is in a domain traces those alone who are in it, or in one made of it: 0 or -EPERM. */
int __must_check landlock_may_trace(struct task *tracer, struct task *traced);

#endif
