/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the map of regions share: spaces with arrays of pages beside them, files,
 * checks. */
#ifndef TESTS_HOST_MM_REGIONS_MODEL_H
#define TESTS_HOST_MM_REGIONS_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/family.h"
#include "mm/mapping.h"
#include "mm/region_internal.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/userfault.h"

enum { SPACES = 4, PAGES = 60, FILES = 3, STEPS = 30000 };

#define BASE ((vaddr_t)16 * MIB)

struct page {
	bool there;
	u32 flags;
	u8 kind;
	s8 file; /* or -1 */
	u64 index;
	u32 policy;
	bool stale; /* shows a page of a file that is being unmapped */
};

struct subject {
	struct address_space space;
	struct list_head link; /* in `living`, by age */
	bool alive;
	struct page pages[PAGES];
};
extern struct subject subjects[SPACES];

extern struct list_head living; /* subjects */
extern struct family family;

struct file {
	struct backing backing;
	struct page_cache cache;
	s32 refs, mapped;
};
extern struct file files[FILES];

/* Of files that do not ask, and do, how often they are mapped. */
extern const struct backing_ops plain, counting;

extern size_t allocations, fail_at, objects;
extern s64 promised;
extern u64 random_state;
extern bool merged;    /* no allocation has failed, so all neighbours that can be one are */
extern bool unmapping; /* a file is being unmapped: changes are those that might confuse this */
extern bool locked;    /* the mappings_lock of a file is held */

#define expect(condition)                                              \
	do {                                                           \
		if (!(condition))                                      \
			fail_msg("line %d: %s", __LINE__, #condition); \
	} while (0)

struct subject *subject_of(struct address_space *space);
u32 random_below(u32 limit);
struct subject *some_subject(void);
vaddr_t address_of(u32 page);
/* Everything is as the arrays say, and all counts are right. */
void check(void);

#endif
