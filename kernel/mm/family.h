/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Families: address spaces related by fork since their last exec; for mm's own files.
 *
 * Spaces of a family may share nodes of their page-table trees, and nobody else may.  So whoever
 * changes an entry of a shared leaf flushes the CPUs of the family, and whoever looks for all
 * entries that map something goes through its members.
 *
 * A space joins a family when it is made and leaves it before its tables go.  A family lives as
 * long as it has members, or somebody holds a reference.
 */
#ifndef MM_FAMILY_H
#define MM_FAMILY_H

#include "lib/list.h"
#include "lib/sync.h"
#include "mm/vmm.h"

struct family {
	u32 refs;                /* atomic: members, and whoever visits them */
	cpumask_t cpus;          /* atomic: CPUs that run a member */
	mutex_t lock;            /* guards `spaces`; taken with no map lock of a member held */
	struct list_head spaces; /* members, the oldest first */
	struct list_head link;   /* in the list of all; its lock */
};

void families_init(void); /* once */

/* A family without members and one reference, or NULL. */
struct family *__must_check family_create(void);
struct family *family_get(struct family *family);
void family_put(struct family *family);

/* The first family after `family`, to which the caller has a reference, or the first of all for
 * NULL; with a reference for the caller.  NULL: there is none. */
struct family *families_next(struct family *family);

/*
 * The first member after `space`, to which the caller has a reference, or the first of all for
 * NULL; with a reference for the caller.  NULL: there is none.  Those that are about to go are
 * skipped.
 */
struct address_space *family_next(struct family *family, struct address_space *space);

/* Takes a reference, unless the last one is gone. */
bool __must_check space_try_get(struct address_space *space);

/* The space becomes the last member, which takes a reference; or stops being one.  May sleep. */
void family_join(struct family *family, struct address_space *space);
void family_leave(struct address_space *space);

#endif
