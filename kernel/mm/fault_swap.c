/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on swapped entries: the page comes back to a frame.
 *
 * Entries of a ring that name the same slot hold one count of it together.  When one of them comes
 * back the others keep that count; for the time of it there is another, so that the frame stays in
 * the swap cache and the others find it there instead of making copies.
 *
 * The frame is mapped write-protected unless it turns out to be this entry's alone; a write to
 * others then takes the way of every copy on write.
 */
#include "lib/errno.h"
#include "mm/fault.h"

static enum fault_result result_of(int error)
{
	return error == -ENOMEM ? FAULT_NO_MEMORY : FAULT_NO_PAGE;
}

/* The entry that a frame, whose reference is the entry's now, is mapped by.  The leaf is locked,
 * and its ring. */
static pte_t make_entry(const struct fault *fault, struct tree_leaf *leaf, phys_t frame, u64 marks,
			bool ring)
{
	pte_t entry = pte_leaf(frame, region_entry_flags(fault->region, false) | marks, 1);
	bool sole = leaf->exclusive && frame_refs(frame) == 1 &&
		    !(ring && ring_shares(leaf->node, slot_index(leaf->slot), entry));

	if (!sole || marks != 0 || !(fault->flags & FAULT_WRITE))
		return entry;
	return entry_exclusive(leaf->slot, frame, region_entry_flags(fault->region, true));
}

/* Replaces a swapped entry, without sleeping: 0, or what swap_try_in says. */
static int bring_in_locked(const struct fault *fault, struct tree_leaf *leaf, pte_t old)
{
	swap_entry_t slot = entry_swap_slot(old);
	u32 index = slot_index(leaf->slot);
	phys_t frame;
	bool ring = ring_lock(leaf->node);
	bool others = ring && ring_shares(leaf->node, index, old);

	if (others)
		swap_dup(slot);
	int result = swap_try_in(slot, &frame);
	if (result == 0 || others)
		swap_free(slot);
	if (result == 0) {
		pte_t entry = make_entry(fault, leaf, frame, entry_marks(old), ring);
		bool counted = ring && ring_shares(leaf->node, index, entry);
		pte_write(leaf->slot, entry);
		leaf_count(leaf->node, old, -1);
		leaf_count(leaf->node, entry, 1);
		if (counted)
			frame_free(frame);
	}
	ring_unlock(leaf->node, ring);
	return result;
}

/* A device has to be read; the caller has given us a count of the slot. */
static enum fault_result wait_for_device(struct fault *fault, swap_entry_t slot)
{
	struct tree_leaf leaf;
	phys_t frame;
	int result = swap_in(slot, &frame);

	if (result < 0) {
		swap_free(slot);
		return result_of(result);
	}
	fault->major = fault->major || result == 1;
	enum tree_intent intent = fault->flags & FAULT_WRITE ? TREE_OWN : TREE_FILL;
	result = fault_lock_leaf(fault, intent, &leaf);
	if (result == 0) {
		/* Our count and our reference keep the frame in the cache until it is mapped. */
		pte_t entry = pte_read(leaf.slot);
		if (entry_is_swapped(entry) && entry_swap_slot(entry) == slot)
			result = bring_in_locked(fault, &leaf, entry);
		tree_unlock_leaf(&leaf);
	}
	frame_free(frame);
	swap_free(slot);
	return result < 0 && result != -EAGAIN ? result_of(result) : FAULT_RETRY;
}

enum fault_result fault_swapped(struct fault *fault)
{
	enum tree_intent intent = fault->flags & FAULT_WRITE ? TREE_OWN : TREE_FILL;
	struct tree_leaf leaf;

	if (fault_lock_leaf(fault, intent, &leaf) != 0)
		return FAULT_NO_MEMORY;
	pte_t entry = pte_read(leaf.slot);
	if (!entry_is_swapped(entry)) {
		tree_unlock_leaf(&leaf);
		return FAULT_RETRY;
	}
	swap_entry_t slot = entry_swap_slot(entry);
	int result = bring_in_locked(fault, &leaf, entry);
	if (result == -EAGAIN)
		swap_dup(slot);
	tree_unlock_leaf(&leaf);
	if (result == -EAGAIN)
		return wait_for_device(fault, slot);
	fault_count(COUNT_SWAP_IN);
	/* What is not ours alone still has to be copied for a write. */
	return result == 0 ? FAULT_RETRY : result_of(result);
}
