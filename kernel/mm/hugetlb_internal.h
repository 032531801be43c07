/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between hugetlb_pool.c, which has the blocks, and hugetlb.c, which maps them.
 */
#ifndef MM_HUGETLB_INTERNAL_H
#define MM_HUGETLB_INTERNAL_H

#include "mm/hugetlb.h"

/* Promises blocks; false: there are not so many.  Takes a promise back. */
bool __must_check hugetlb_pool_reserve(size_t blocks);
void hugetlb_pool_unreserve(size_t blocks);

/* A block, `reserved` by the caller or not, each frame with a reference, of undefined content; 0:
 * there is none. */
phys_t __must_check hugetlb_pool_take(bool reserved);

#endif
