/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorting in place, without allocation or recursion.
 */
#ifndef LIB_SORT_H
#define LIB_SORT_H

#include "lib/types.h"

/* Less than, equal to or greater than 0, as @left sorts before, with or after @right. */
typedef int (*sort_compare)(const void *left, const void *right, void *context);

/*
 * Sorts @count elements of @size bytes.  Heap sort: at most about 2 n log n comparisons, not
 * stable.  @context is handed to @compare.
 */
void sort(void *elements, size_t count, size_t size, sort_compare compare, void *context);

#endif
