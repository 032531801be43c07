/* SPDX-License-Identifier: BSD-2-Clause */
/* Between region.c and region_change.c. */
#ifndef MM_REGION_INTERNAL_H
#define MM_REGION_INTERNAL_H

#include "mm/region.h"

/* An object without content; and back, when nothing names it yet. */
struct region *__must_check region_alloc(void);
void region_free_unused(struct region *region);

/* So many pages more with this backing and these flags are in the space's map. */
void region_count(struct address_space *space, const struct backing *backing, u32 flags, s64 pages);
/* So many have other flags. */
void region_recount(struct address_space *space, const struct backing *backing, u32 old, u32 flags,
		    s64 pages);

#endif
