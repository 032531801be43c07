/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the invariants of page-table trees; in the checking build.
 */
#ifndef MM_TREE_CHECK_H
#define MM_TREE_CHECK_H

#include "mm/vmm.h"

#ifdef CONFIG_CHECKING

/*
 * Walks the trees of all spaces of a family, in which nothing is under way and nothing will be: no
 * call, no fault, no exit.  What is wrong panics.  `alone`: nobody but entries and the page cache
 * holds references to the frames that the trees name, and no other family maps the same files; then
 * their counts must be exact.  Sleeps; allocates, and without memory checks no counts.
 */
void tree_check(struct family *family, bool alone);

/* The same for all families, none of which is alone. */
void tree_check_all(void);

#endif

#endif
