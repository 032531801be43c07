/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the region tree share: regions, a model of arrays, and the checks. */
#ifndef TESTS_HOST_MM_REGION_TREE_MODEL_H
#define TESTS_HOST_MM_REGION_TREE_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/list.h"
#include "mm/region_tree_internal.h"

enum { TREES = 2, PLACES = 10, MANY = 700 };

/* A place has room for a region of one of two lengths; two places are further apart than the guard
 * gap in front of a long region's successor is long. */
#define PLACE         ((u64)2 * MIB)
#define LENGTH(large) ((large) ? PLACE * 3 / 4 : PLACE / 2)
#define BOTTOM        ((vaddr_t)64 * MIB)

struct region {
	struct list_head all;
	u32 refs, links; /* links: as counted by the check */
	u32 place;
	bool large, guarded;
};

/* What a node is allocated with. */
struct node_header {
	struct list_head all;
	u32 links;
	u32 unused;
};

/* A tree, and what must be in it. */
struct subject {
	struct region_tree tree;
	u32 places;
	bool there[MANY], large[MANY];
};

extern struct subject subjects[TREES];
extern struct list_head nodes, regions; /* all that are alive */
extern bool ever_shared;                /* two trees had nodes in common since the last reset */
extern size_t allocations, fail_at; /* fail_at: the allocation with this number fails; 0: none */

#define expect(condition)                                              \
	do {                                                           \
		if (!(condition))                                      \
			fail_msg("line %d: %s", __LINE__, #condition); \
	} while (0)

/* A region comes with a reference; the last one that goes frees it. */
struct region *make_region(u32 place, bool large);
void get_region(struct region *region);
void put_region(struct region *region);
vaddr_t start_of(u32 place);
struct region_slot slot_of(struct region *region);
vaddr_t model_end(const struct subject *subject, u32 place);
/* All invariants of both trees, and all that can be asked of them. */
void check(void);

#endif
