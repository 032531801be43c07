/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on private memory: zeroed frames on demand, and copies of what is shared.
 *
 * Who else may hold an anonymous frame?  Entries of copied leaves, and short-lived readers that
 * took a reference under the leaf's lock.  An entry with PAGE_EXCL has its frame alone; for others
 * the frame's count and the leaf's ring tell (leaf_is_sole_owner).
 *
 * A frame is replaced in three steps: the new frame, write-protected; a flush; write permission.
 * Otherwise a CPU with a stale entry could read the old frame after another CPU has written the new
 * one.  That is so even when no other CPU runs the space: two may enter it just now.
 *
 * A program that touches page after page gets some ahead: once the few pages below the one it
 * writes are there, the next ones come with it, as far as table and region go, unless memory is
 * short.
 */
#include "mm/fault.h"

#include "lib/assert.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/zap.h"

/* A page of zeros for a read: no frame of its own. */
static enum fault_result map_zeros(struct fault *fault)
{
	struct tree_leaf leaf;

	if (fault_lock_leaf(fault, TREE_FILL, &leaf) != 0)
		return FAULT_NO_MEMORY;
	if (pte_is_none(pte_read(leaf.slot)))
		leaf_put(leaf.node, leaf.slot,
			 pte_leaf(zero_frame(),
				  region_entry_flags(fault->region, false) | PAGE_SPECIAL |
					  region_fresh_marks(fault->region),
				  1));
	tree_unlock_leaf(&leaf);
	return FAULT_DONE;
}

#define STREAK 4 /* pages below that show a sequence */

struct fault_settings fault_settings = {.ahead_pages = FAULT_AHEAD_MOST};

/* Are the pages just below there, writable, each by a fault of its own or a batch's? */
static bool is_sequence(const struct fault *fault, const pte_t *slot)
{
	if (pt_index(fault->page, 1) < STREAK ||
	    fault->page - fault->region->start < STREAK * PAGE_SIZE ||
	    (fault->region->flags & REGION_TRACKED))
		return false;
	for (int i = 1; i <= STREAK; i++)
		if (!entry_is_writable(pte_read(slot - i)))
			return false;
	return true;
}

/* Maps zeroed frames at the empty entries behind the faulting one. */
static void map_ahead(const struct fault *fault, struct tree_leaf *leaf)
{
	phys_t frames[FAULT_AHEAD_MOST];
	u64 flags = region_entry_flags(fault->region, true);
	u32 room = MIN(READ_ONCE(fault_settings.ahead_pages),
		       PTES_PER_TABLE - 1 - pt_index(fault->page, 1));
	u32 wanted = (u32)MIN((vaddr_t)room, (fault->region->end - fault->page) / PAGE_SIZE - 1);
	u32 got = wanted != 0 ? (u32)frame_alloc_user(&fault->region->policy,
						      fault->page + PAGE_SIZE, frames, wanted)
			      : 0;
	u32 used = 0;

	for (u32 i = 0; i < got; i++)
		page_clear(phys_to_virt(frames[i]));
	leaf_extend(leaf->node, slot_index(leaf->slot), wanted + 1);
	for (u32 i = 1; i <= wanted && used < got; i++) {
		pte_t *slot = leaf->slot + i;
		if (pte_is_none(pte_read(slot)))
			pte_write(slot, entry_exclusive(slot, frames[used++], flags));
	}
	leaf->node->counts[RESIDENT_ANONYMOUS] += (u16)used;
	frame_free_batch(frames + used, got - used);
}

enum fault_result fault_anonymous(struct fault *fault)
{
	fault_count(COUNT_DEMAND);
	if (unlikely(fault->region->flags & REGION_HUGETLB))
		return fault_hugetlb(fault);
	if (!(fault->flags & FAULT_WRITE))
		return map_zeros(fault);
	if (fault->slot == NULL) {
		enum fault_result result = fault_huge(fault);
		if (result != FAULT_NO_PAGE)
			return result;
	}
	phys_t frame = frame_alloc_user_page(&fault->region->policy, fault->page);
	if (unlikely(frame == 0))
		return FAULT_NO_MEMORY;
	page_clear(phys_to_virt(frame));
	struct tree_leaf leaf;
	if (unlikely(fault_lock_leaf(fault, TREE_OWN, &leaf) != 0)) {
		frame_free(frame);
		return FAULT_NO_MEMORY;
	}
	bool empty = pte_is_none(pte_read(leaf.slot));
	if (likely(empty)) {
		leaf_put(
			leaf.node, leaf.slot,
			entry_exclusive(leaf.slot, frame, region_entry_flags(fault->region, true)));
		leaf.node->counts[RESIDENT_ANONYMOUS]++;
		if (is_sequence(fault, leaf.slot) && !frame_is_short())
			map_ahead(fault, &leaf);
	}
	tree_unlock_leaf(&leaf);
	if (likely(empty))
		return FAULT_DONE;
	frame_free(frame);
	return FAULT_RETRY;
}

/* Publishes the new entry without W.  Old content that the ring still has stays ours until the
 * flush, as nobody else may find himself its only owner before. */
static void publish(struct tree_leaf *leaf, pte_t old, pte_t entry)
{
	bool ring = ring_lock(leaf->node);

	if (unlikely(ring) && entry_has_frame(old) &&
	    ring_shares(leaf->node, slot_index(leaf->slot), old))
		frame_get(entry_phys(old));
	pte_write(leaf->slot, entry);
	ring_unlock(leaf->node, ring);
}

/* What the entry that was `old` permits as the owner of its frame.  Marks stay, and forbid writing,
 * until there is a write. */
static u64 owner_flags(const struct fault *fault, pte_t old)
{
	u64 marks = unlikely(fault->own) ? entry_marks(old) : 0;

	return region_entry_flags(fault->region, marks == 0) | marks;
}

void fault_replace_locked(struct fault *fault, struct tree_leaf *leaf, pte_t old, phys_t frame)
{
	struct address_space *space = fault->space;
	pte_t writable = entry_exclusive(leaf->slot, frame, owner_flags(fault, old));

	publish(leaf, old, pte_clear(writable, PAGE_WRITABLE));
	/* A CPU that enters the set later loads its tables afresh, and so finds the new entry. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpumask_t others = __atomic_load_n(&space->cpus, __ATOMIC_RELAXED) & ~cpumask_of(cpu_id());
	if (likely(others == 0))
		tlb_flush_page_local(fault->page);
	else
		space_flush(space, fault->page, fault->page + PAGE_SIZE);
	ASSERT(!entry_is_writable(pte_read(leaf->slot)));
	pte_write(leaf->slot, writable);
	leaf->node->counts[RESIDENT_ANONYMOUS]++;
	if (entry_is_special(old))
		return;
	leaf->node->counts[frame_resident_kind(entry_phys(old))]--;
	frame_free(entry_phys(old));
}

/* The entry is `old`, content that others have too: it is replaced by a copy. */
static enum fault_result copy_locked(struct fault *fault, struct tree_leaf *leaf, pte_t old)
{
	phys_t frame = frame_alloc_user_page(&fault->region->policy, fault->page);

	if (unlikely(frame == 0))
		return FAULT_NO_MEMORY;
	fault_count(COUNT_COPIED);
	if (entry_is_special(old))
		page_clear(phys_to_virt(frame));
	else
		page_copy(phys_to_virt(frame), phys_to_virt(entry_phys(old)));
	fault_replace_locked(fault, leaf, old, frame);
	return FAULT_DONE;
}

enum fault_result fault_copy_on_write(struct fault *fault)
{
	enum fault_result result = FAULT_DONE;
	struct tree_leaf leaf;

	fault_count(COUNT_COW);
	if (unlikely(fault_lock_leaf(fault, TREE_GRANT, &leaf) != 0))
		return FAULT_NO_MEMORY;
	pte_t entry = pte_read(leaf.slot);
	if (unlikely(!pte_is_present(entry))) {
		result = FAULT_RETRY;
	} else if (entry_is_writable(entry)) {
		/* The path was all that forbade it. */
		tlb_flush_page_local(fault->page);
	} else if (unlikely(entry_marks(entry) & PAGE_WATCHED) && !fault->own &&
		   region_watches_writes(fault->region)) {
		/* Since a moment ago. */
		result = FAULT_RETRY;
	} else if (leaf_is_sole_owner(leaf.node, leaf.slot, entry)) {
		fault_count(COUNT_REUSED);
		pte_write(leaf.slot,
			  entry_exclusive(leaf.slot, entry_phys(entry), owner_flags(fault, entry)));
		tlb_flush_page_local(fault->page);
	} else {
		result = copy_locked(fault, &leaf, entry);
	}
	tree_unlock_leaf(&leaf);
	return result;
}
