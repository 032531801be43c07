/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's general heap: slab caches of a row of sizes up to 2 KiB, buddy blocks above, and
 * runs of the largest buddy blocks above 16 MiB.
 *
 * All functions may be called from any context with any lock held; none sleeps.  That, and that
 * memory is contiguous for devices as well, is why large requests do not go to vmalloc: they fail
 * when memory is too fragmented, where vmalloc (vmalloc.h) would succeed.  Results are aligned to
 * 16 bytes, sizes that are powers of two to themselves, blocks above 2 KiB to 4 KiB.  A size of 0
 * gives a valid, unique pointer.
 */
#ifndef MM_KMALLOC_H
#define MM_KMALLOC_H

#include "lib/types.h"

/* Makes the heap usable.  Boot CPU, once, after the direct map covers all memory. */
void heap_init(void);

/* `size` bytes of undefined content, or NULL. */
void *__must_check kmalloc(size_t size) __attribute__((malloc));
/* Filled with zeros. */
void *__must_check kzalloc(size_t size) __attribute__((malloc));
/* An array of `count` elements, filled with zeros; NULL also when the product overflows. */
void *__must_check kcalloc(size_t count, size_t size) __attribute__((malloc));
/* Aligned to `align`, a power of two up to 16 MiB; NULL when it is none. */
void *__must_check kmalloc_aligned(size_t size, size_t align) __attribute__((malloc));
/*
 * Resizes: the content is kept up to the smaller size.  On failure NULL, and the old block stays.
 * krealloc(NULL, n) is kmalloc(n).
 */
void *__must_check krealloc(void *block, size_t size);
/* Frees; NULL is allowed. */
void kfree(const void *block);
/* How many bytes of the block may be used: at least as many as were asked for, and in the checking
 * build, which guards the rest, no more where it can tell. */
size_t kmalloc_size(const void *block);

/* Copies of a string, of at most `limit` bytes of one, and of a block; NULL when there is no
 * memory. */
char *__must_check kstrdup(const char *text);
char *__must_check kstrndup(const char *text, size_t limit);
void *__must_check kmemdup(const void *block, size_t size);

#endif
