/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy-on-write in figures: see inspect.h.
 *
 * fork shares nodes and counts nothing, and so do the copies of leaves that share a ring.  So
 * nobody keeps the number of shared pages; it is found by a walk over every space of every family.
 * An entry that n spaces have counts as a mapping, and as the nth part of a page.
 *
 * Faults are counted by the fault handler.  The peak is the most that was found by anybody who
 * asked.
 */
#include "lib/string.h"
#include "mm/family.h"
#include "mm/inspect.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/tree.h"

#define WHOLE ((u64)1 << 20) /* a page, in parts */

struct sums {
	u64 mappings, parts;
};

static u64 peak; /* atomic */

/* How many spaces have what an entry of the span names?  Leaf and ring locked. */
static u32 count_sharers(const struct tree_span *span, u32 index, pte_t entry)
{
	return frame_refs(entry_phys(entry)) + span->others + ring_count(span->node, index, entry);
}

static void add_span(struct tree_span *span, struct sums *sums)
{
	bool ring = ring_lock(span->node);

	for (u32 i = 0; i < span->count; i++) {
		pte_t entry = pte_read(&span->slot[i]);
		if (!entry_has_frame(entry) || !frame_is_anonymous(entry_phys(entry)))
			continue;
		u32 sharers = count_sharers(span, slot_index(span->slot) + i, entry);
		if (sharers < 2)
			continue;
		sums->mappings++;
		sums->parts += WHOLE / sharers;
	}
	ring_unlock(span->node, ring);
}

static void add_space(struct address_space *space, struct sums *sums)
{
	struct tree_span span;
	vaddr_t at = 0;

	rwlock_read_lock(&space->map_lock);
	while (tree_look_span(space, &at, USER_TOP, &span)) {
		add_span(&span, sums);
		tree_unlock_span(space, &span);
	}
	rwlock_read_unlock(&space->map_lock);
}

static void add_family(struct family *family, struct sums *sums)
{
	struct address_space *space = family_next(family, NULL);

	while (space != NULL) {
		struct address_space *next;
		add_space(space, sums);
		next = family_next(family, space);
		vmm_put_address_space(space);
		space = next;
	}
}

static u64 count_bookkeeping(void)
{
	struct slab_info info;
	u64 bytes = 0;

	for (size_t i = 0; slab_cache_info(i, &info); i++)
		if (strcmp(info.name, "page_table_node") == 0 || strcmp(info.name, "family") == 0)
			bytes += info.frames * PAGE_SIZE;
	return bytes;
}

static u64 note_peak(u64 pages)
{
	u64 known = __atomic_load_n(&peak, __ATOMIC_RELAXED);

	while (known < pages && !__atomic_compare_exchange_n(&peak, &known, pages, true,
							     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return MAX(known, pages);
}

void cow_get_stats(cow_stats_t *stats)
{
	struct sums sums = {0};
	vmm_stats_t faults;
	struct family *family = families_next(NULL);

	while (family != NULL) {
		struct family *next;
		add_family(family, &sums);
		next = families_next(family);
		family_put(family);
		family = next;
	}
	vmm_get_stats(&faults);
	u64 pages = (sums.parts + WHOLE / 2) / WHOLE;
	*stats = (cow_stats_t){
		.pages = pages,
		.peak_pages = note_peak(pages),
		.mappings = sums.mappings,
		.faults = faults.cow_faults,
		.duplicated = faults.cow_copied_pages,
		.reused = faults.cow_reused_pages,
		.saved = (sums.mappings - MIN(pages, sums.mappings)) * PAGE_SIZE,
		.bookkeeping = count_bookkeeping(),
	};
}
