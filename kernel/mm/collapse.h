/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making huge pages (huge.h) of pages that are there already.
 */
#ifndef MM_COLLAPSE_H
#define MM_COLLAPSE_H

#include "mm/vmm.h"

/* MADV_COLLAPSE: every aligned 2 MiB of [start, end), whose pages lie in regions without a hole,
 * becomes a huge page, whatever the switches say.  0; -ENOMEM, -EINVAL, -EAGAIN if some did not. No
 * lock is held; may sleep. */
int __must_check vmm_collapse(struct address_space *space, vaddr_t start, vaddr_t end);

/* khugepaged comes by the spaces that are made, until they go. */
void collapse_add_space(struct address_space *space);
void collapse_remove_space(struct address_space *space);

/* What khugepaged does each time it wakes; one caller at a time.  False: memory has no block left.
 * May sleep. */
bool collapse_round(void);

#endif
