/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on private memory: zeroed frames on demand, and copies of what is shared.
 *
 * Who else may hold an anonymous frame?  Other address spaces, by fork, which takes the map lock
 * for writing, and short-lived readers that took a reference under the table's lock.  So a count of
 * one, read under that lock, means that the entry is the only holder and stays so.
 *
 * A frame is replaced in three steps when other CPUs run the space: the new frame, write-protected;
 * a flush; write permission. Otherwise a CPU with a stale entry could read the old frame after
 * another CPU has written the new one.
 *
 * A program that touches page after page gets some ahead: once the few pages below the one it
 * writes are there, the next ones come with it, as far as table and region go, unless memory is
 * short.
 */
#include "mm/fault.h"

#include "lib/assert.h"
#include "mm/frame.h"
#include "mm/zap.h"

/* A page of zeros for a read: no frame of its own. */
static enum fault_result map_zeros(struct fault *fault)
{
	spin_lock(entry_lock(fault->slot));
	if (pte_is_none(pte_read(fault->slot)))
		pte_write(fault->slot,
			  pte_leaf(zero_frame(),
				   region_entry_flags(fault->region, false) | PAGE_SPECIAL, 1));
	spin_unlock(entry_lock(fault->slot));
	return FAULT_DONE;
}

#define STREAK 4 /* pages below that show a sequence */
#define AHEAD  8 /* pages that then come in advance */

/* Are the pages just below there, writable, each by a fault of its own or a batch's? */
static bool is_sequence(const struct fault *fault)
{
	if (pt_index(fault->page, 1) < STREAK ||
	    fault->page - fault->region->start < STREAK * PAGE_SIZE)
		return false;
	for (int i = 1; i <= STREAK; i++)
		if (!entry_is_writable(pte_read(fault->slot - i)))
			return false;
	return true;
}

/* Maps zeroed frames at the empty entries behind the faulting one.  How many. */
static u32 map_ahead(struct fault *fault)
{
	phys_t frames[AHEAD];
	u64 flags = region_entry_flags(fault->region, true);
	u32 room = MIN((u32)AHEAD, PTES_PER_TABLE - 1 - pt_index(fault->page, 1));
	u32 wanted = (u32)MIN((vaddr_t)room, (fault->region->end - fault->page) / PAGE_SIZE - 1);
	u32 got = wanted != 0 ? (u32)frame_alloc_batch(FRAME_USER, frames, wanted) : 0;
	u32 used = 0;

	for (u32 i = 0; i < got; i++)
		page_clear(phys_to_virt(frames[i]));
	spin_lock(entry_lock(fault->slot));
	for (u32 i = 1; i <= wanted && used < got; i++)
		if (pte_is_none(pte_read(fault->slot + i)))
			pte_write(fault->slot + i, pte_leaf(frames[used++], flags, 1));
	spin_unlock(entry_lock(fault->slot));
	frame_free_batch(frames + used, got - used);
	return used;
}

enum fault_result fault_anonymous(struct fault *fault)
{
	fault_count(COUNT_DEMAND);
	if (!(fault->flags & FAULT_WRITE))
		return map_zeros(fault);
	phys_t frame = frame_alloc_kind_zeroed(FRAME_USER);
	if (unlikely(frame == 0))
		return FAULT_NO_MEMORY;
	spin_lock(entry_lock(fault->slot));
	bool empty = pte_is_none(pte_read(fault->slot));
	if (likely(empty))
		pte_write(fault->slot, pte_leaf(frame, region_entry_flags(fault->region, true), 1));
	spin_unlock(entry_lock(fault->slot));
	if (unlikely(!empty)) {
		frame_free(frame);
		return FAULT_RETRY;
	}
	if (!fault->region->anonymous)
		WRITE_ONCE(fault->region->anonymous, true);
	u32 ahead = is_sequence(fault) && !frame_is_short() ? map_ahead(fault) : 0;
	space_add_resident(fault->space, RESIDENT_ANONYMOUS, 1 + ahead);
	return FAULT_DONE;
}

void fault_replace_locked(struct fault *fault, pte_t old, phys_t frame)
{
	struct address_space *space = fault->space;
	pte_t writable = pte_leaf(frame, region_entry_flags(fault->region, true), 1);
	cpumask_t others = __atomic_load_n(&space->cpus, __ATOMIC_RELAXED) & ~cpumask_of(cpu_id());

	if (others == 0) {
		pte_write(fault->slot, writable);
		/* A CPU that has entered the set since then loaded its tables afresh, after this
		 * fence or before ours. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		others = __atomic_load_n(&space->cpus, __ATOMIC_RELAXED) & ~cpumask_of(cpu_id());
		tlb_flush_page_local(fault->page);
		if (unlikely(others != 0))
			space_flush(space, fault->page, fault->page + PAGE_SIZE);
	} else {
		pte_write(fault->slot, pte_clear(writable, PAGE_WRITABLE));
		space_flush(space, fault->page, fault->page + PAGE_SIZE);
		pte_write(fault->slot, writable);
	}
	if (!entry_is_special(old))
		frame_free(entry_phys(old));
}

/* The entry still is `old`, a frame that others hold too: it is replaced by a copy. */
static void copy_locked(struct fault *fault, pte_t old, phys_t frame)
{
	if (!entry_is_special(old)) {
		page_copy(phys_to_virt(frame), phys_to_virt(entry_phys(old)));
		if (frame_of(entry_phys(old))->kind == FRAME_CACHE) {
			space_add_resident(fault->space, region_file_kind(fault->region), -1);
			space_add_resident(fault->space, RESIDENT_ANONYMOUS, 1);
		}
	} else {
		page_clear(phys_to_virt(frame));
		space_add_resident(fault->space, RESIDENT_ANONYMOUS, 1);
	}
	fault_replace_locked(fault, old, frame);
}

static bool is_sole_owner(pte_t entry)
{
	return !entry_is_special(entry) && frame_of(entry_phys(entry))->kind == FRAME_USER &&
	       frame_refs(entry_phys(entry)) == 1;
}

enum fault_result fault_copy_on_write(struct fault *fault)
{
	phys_t frame = 0;

	fault_count(COUNT_COW);
	spin_lock(entry_lock(fault->slot));
	pte_t entry = pte_read(fault->slot);
	if (pte_is_present(entry) && !entry_is_writable(entry) && !is_sole_owner(entry)) {
		spin_unlock(entry_lock(fault->slot));
		frame = frame_alloc_kind(FRAME_USER);
		if (frame == 0)
			return FAULT_NO_MEMORY;
		spin_lock(entry_lock(fault->slot));
		entry = pte_read(fault->slot);
	}
	enum fault_result result = FAULT_DONE;
	if (!pte_is_present(entry) || entry_is_writable(entry)) {
		result = FAULT_RETRY;
	} else if (is_sole_owner(entry)) {
		fault_count(COUNT_REUSED);
		pte_write(fault->slot,
			  pte_leaf(entry_phys(entry), region_entry_flags(fault->region, true), 1));
		tlb_flush_page_local(fault->page);
	} else if (frame != 0) {
		fault_count(COUNT_COPIED);
		WRITE_ONCE(fault->region->anonymous, true);
		copy_locked(fault, entry, frame);
		frame = 0;
	} else {
		result = FAULT_RETRY;
	}
	spin_unlock(entry_lock(fault->slot));
	if (frame != 0)
		frame_free(frame);
	return result;
}
