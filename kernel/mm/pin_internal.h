/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins and the tree; for mm's own files.  See pin.c.
 */
#ifndef MM_PIN_INTERNAL_H
#define MM_PIN_INTERNAL_H

#include "mm/tree.h"

/* The way to a page, which is exclusive, may lead to a pinned frame from now on.  Map lock held. */
void pin_note_path(struct address_space *space, vaddr_t page);

/*
 * For fork, with the map locks of parent and child held for writing and the parent's tree_lock.
 * Looks which of the links [0, limit) of a table still lead to pinned frames, and forgets about the
 * others; says whether any does.
 */
bool pin_look_below(const pte_t *table, u32 limit);
/* Gives the child at the empty link `to` what the parent has at `from`: the same node, or a copy of
 * the way to pinned frames.  0 or -ENOMEM. */
int __must_check pin_share_link(pte_t *to, pte_t *from);
/* Copies the content of pinned frames to the child, once the parent's CPUs have been flushed.  Map
 * locks held for writing. */
void pin_finish_fork(struct address_space *child, struct address_space *parent);

#endif
