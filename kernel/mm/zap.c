/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dropping page-table entries; see zap.h.
 *
 * A frame is freed only after every CPU that could still reach it through its TLB has been flushed;
 * the gather holds the references until then.  Few pages are flushed one by one, many by dropping
 * the whole user half of the TLBs.
 */
#include "mm/zap.h"

#include "mm/frame.h"

enum { FLUSH_ALL_PAGES = 64 };

void space_flush(struct address_space *space, vaddr_t start, vaddr_t end)
{
	/* Pairs with vmm_switch_address_space: it enters the set before it can load an entry. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpumask_t cpus = __atomic_load_n(&space->cpus, __ATOMIC_RELAXED);
	if (cpus == 0)
		return;
	if (end - start > FLUSH_ALL_PAGES * PAGE_SIZE)
		tlb_flush_user(cpus);
	else if (end - start == PAGE_SIZE)
		tlb_flush_page(cpus, start);
	else
		tlb_flush_range(cpus, start, end);
}

void gather_finish(struct gather *gather)
{
	if (gather->start < gather->end)
		space_flush(gather->space, gather->start, gather->end);
	if (gather->count > 0)
		frame_free_batch(gather->frames, gather->count);
	gather_begin(gather, gather->space);
}

/* Drops the entries of one span.  The table's lock is held. */
static void zap_span_locked(const struct tree_span *span, enum zap_what what,
			    enum resident_kind file_kind, struct gather *gather)
{
	s64 dropped[RESIDENT_KINDS] = {0};
	vaddr_t address = span->start;

	for (u32 i = 0; i < span->count; i++, address += PAGE_SIZE) {
		pte_t entry = pte_read(&span->slot[i]);
		if (pte_is_none(entry))
			continue;
		phys_t frame = entry_phys(entry);
		bool special = entry_is_special(entry);
		bool anonymous = !special && frame_of(frame)->kind == FRAME_USER;
		if (what == ZAP_FILE_PAGES && anonymous)
			continue;
		pte_exchange(&span->slot[i], entry_none());
		gather_page(gather, address);
		if (special)
			continue;
		dropped[anonymous ? RESIDENT_ANONYMOUS : file_kind]++;
		gather_frame(gather, frame);
	}
	for (int kind = 0; kind < RESIDENT_KINDS; kind++)
		if (dropped[kind] != 0)
			space_add_resident(gather->space, kind, -dropped[kind]);
}

void zap_range(struct region *region, vaddr_t start, vaddr_t end, enum zap_what what)
{
	struct gather gather;
	struct tree_span span;
	vaddr_t at = start;

	gather_begin(&gather, region->space);
	while (tree_next_span(&region->space->tree, &at, end, &span)) {
		spin_lock(entry_lock(span.slot));
		zap_span_locked(&span, what, region_file_kind(region), &gather);
		spin_unlock(entry_lock(span.slot));
	}
	gather_finish(&gather);
}
