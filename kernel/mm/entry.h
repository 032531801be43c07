/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of leaf tables; for mm's own files.
 *
 * An entry is one of: empty; present; *hidden*: not present, but holding a frame, because the
 * region permits no access (PROT_NONE); or *swapped*: naming a slot of swap space (swap.h),
 * whatever the region permits.  It holds a reference to its frame unless it is special (zero page,
 * devices, vDSO), or a count of its slot; a present entry with PAGE_EXCL is the only one that has
 * its frame, and the frame's descriptor says where it is.  A hidden entry can be *exclusive*, too,
 * in a leaf that may have pinned frames (pin.h).
 *
 * Entries that are not empty may have *marks*, which stay with the page when it is swapped, hidden
 * and moved, and permit no writing without a fault: PAGE_WATCHED, a write is for a userfaultfd
 * first (userfault.h; it means nothing in a region without REGION_WATCH_WRITES); PAGE_CLEAN, the
 * page was not written since the region got REGION_TRACKED (inspect.h; nothing without that).
 *
 * A present exclusive entry with PAGE_LAZY and without PAGE_DIRTY names a page that may be
 * forgotten (MADV_FREE): the machine sets PAGE_DIRTY when the program writes, and who writes to the
 * frame in another way, or lets a device do so, takes PAGE_LAZY away first.  An entry that is made
 * anew does not have it, and nothing takes PAGE_DIRTY from one that has.
 *
 * Where a file is mapped, an entry without content can have PAGE_WATCHED, too: it is a *watch*, and
 * means the same as an empty one, but that the page that comes there is marked.  Both are *vacant*.
 */
#ifndef MM_ENTRY_H
#define MM_ENTRY_H

#include "arch/mmu.h"
#include "mm/frame.h"
#include "mm/swap.h"
#include "mm/vmm.h"

/* The payload of an entry that is not present: marks, and above them a frame's number or a slot's.
 */
enum {
	HIDDEN_MARK = 1,
	HIDDEN_SPECIAL = 2,
	SWAPPED_MARK = 4,
	HIDDEN_EXCLUSIVE = 8,
	MARKS_SHIFT = 4, /* PAGE_MARKS, two bits */
	PAYLOAD_SHIFT = 6
};

static inline pte_t entry_none(void)
{
	return pte_swap(0);
}

static inline pte_t entry_hidden(phys_t frame, bool special)
{
	return pte_swap((frame >> PAGE_SHIFT) << PAYLOAD_SHIFT | HIDDEN_MARK |
			(special ? HIDDEN_SPECIAL : 0));
}

/* Of an exclusive entry whose frame may be pinned: it stays exclusive. */
static inline pte_t entry_hidden_exclusive(phys_t frame)
{
	return pte_swap((frame >> PAGE_SHIFT) << PAYLOAD_SHIFT | HIDDEN_MARK | HIDDEN_EXCLUSIVE);
}

static inline pte_t entry_swapped(swap_entry_t slot)
{
	return pte_swap((u64)slot << PAYLOAD_SHIFT | SWAPPED_MARK);
}

static inline bool entry_is_swapped(pte_t entry)
{
	return !pte_is_present(entry) && (pte_swap_payload(entry) & SWAPPED_MARK);
}

/* Of a swapped entry. */
static inline swap_entry_t entry_swap_slot(pte_t entry)
{
	return pte_swap_payload(entry) >> PAYLOAD_SHIFT;
}

/* Of any entry that names a frame, special ones included. */
static inline phys_t entry_phys(pte_t entry)
{
	if (likely(pte_is_present(entry)))
		return pte_phys(entry);
	return pte_swap_payload(entry) >> PAYLOAD_SHIFT << PAGE_SHIFT;
}

static inline bool entry_is_special(pte_t entry)
{
	if (likely(pte_is_present(entry)))
		return pte_flags(entry) & PAGE_SPECIAL;
	return pte_swap_payload(entry) & HIDDEN_SPECIAL;
}

/* Does it name a frame to which it holds a reference? */
static inline bool entry_has_frame(pte_t entry)
{
	return !pte_is_none(entry) && !entry_is_special(entry) && !entry_is_swapped(entry);
}

/* Does it hold anything at all that has to be let go of? */
static inline bool entry_has_content(pte_t entry)
{
	return !pte_is_none(entry) && !entry_is_special(entry);
}

static inline bool entry_is_writable(pte_t entry)
{
	return pte_is_present(entry) && (pte_flags(entry) & PAGE_WRITABLE);
}

/* Does it name a frame that no other entry has, not even after a fork? */
static inline bool entry_is_exclusive(pte_t entry)
{
	if (likely(pte_is_present(entry)))
		return pte_flags(entry) & PAGE_EXCL;
	return !entry_is_swapped(entry) && (pte_swap_payload(entry) & HIDDEN_EXCLUSIVE);
}

/* Of a hidden entry: as any other that is hidden. */
static inline pte_t entry_not_exclusive(pte_t entry)
{
	return pte_swap(pte_swap_payload(entry) & ~(u64)HIDDEN_EXCLUSIVE);
}

/* Of an entry that is not empty. */
static inline u64 entry_marks(pte_t entry)
{
	if (likely(pte_is_present(entry)))
		return pte_flags(entry) & PAGE_MARKS;
	return (pte_swap_payload(entry) >> MARKS_SHIFT) * PAGE_WATCHED & PAGE_MARKS;
}

/* With these marks besides those that it has. */
static inline pte_t entry_add_marks(pte_t entry, u64 marks)
{
	if (likely(pte_is_present(entry)))
		return pte_set(pte_clear(entry, PAGE_LAZY), marks);
	return pte_swap(pte_swap_payload(entry) | marks / PAGE_WATCHED << MARKS_SHIFT);
}

static inline pte_t entry_drop_marks(pte_t entry, u64 marks)
{
	if (likely(pte_is_present(entry)))
		return pte_clear(entry, marks);
	return pte_swap(pte_swap_payload(entry) & ~(marks / PAGE_WATCHED << MARKS_SHIFT));
}

static inline pte_t entry_watch(void)
{
	return entry_add_marks(entry_hidden(0, true), PAGE_WATCHED);
}

static inline bool entry_is_watch(pte_t entry)
{
	return !pte_is_present(entry) && (pte_swap_payload(entry) & HIDDEN_SPECIAL) &&
	       pte_swap_payload(entry) >> PAYLOAD_SHIFT == 0;
}

static inline bool entry_is_vacant(pte_t entry)
{
	return pte_is_none(entry) || unlikely(entry_is_watch(entry));
}

static inline bool entry_is_lazy(pte_t entry)
{
	return pte_is_present(entry) &&
	       (pte_flags(entry) & (PAGE_LAZY | PAGE_EXCL | PAGE_DIRTY)) == (PAGE_LAZY | PAGE_EXCL);
}

/* The frame of an entry, whose leaf is locked, will be written past it. */
static inline void entry_forget_lazy(pte_t *slot, pte_t entry)
{
	while (pte_is_present(entry) && unlikely(pte_flags(entry) & PAGE_LAZY))
		if (pte_compare_exchange(slot, &entry, pte_clear(entry, PAGE_LAZY)))
			break;
}

/* Do two entries name the same content? */
static inline bool entry_same_content(pte_t a, pte_t b)
{
	if (unlikely(entry_is_swapped(a)))
		return entry_is_swapped(b) && entry_swap_slot(a) == entry_swap_slot(b);
	return entry_has_frame(a) && entry_has_frame(b) && entry_phys(a) == entry_phys(b);
}

static inline bool frame_is_anonymous(phys_t frame)
{
	return frame_of(frame)->kind == FRAME_USER;
}

/* How a frame that an entry names counts in its process's resident memory. */
static inline enum resident_kind frame_resident_kind(phys_t frame)
{
	if (frame_is_anonymous(frame))
		return RESIDENT_ANONYMOUS;
	return frame_of(frame)->shared_memory ? RESIDENT_SHARED : RESIDENT_FILE;
}

/* An entry of which the frame is the property: writable if the flags say so. */
static inline pte_t entry_exclusive(pte_t *slot, phys_t frame, u64 flags)
{
	frame_of(frame)->owner = virt_to_phys(slot);
	return pte_leaf(frame, flags | PAGE_EXCL, 1);
}

/*
 * The first entry in [index, limit) that is not empty, or `limit`.  Most tables are nearly
 * empty, so runs of eight are looked at as one: an empty entry is a zero word on every machine.
 */
static inline u32 entries_skip_empty_below(const pte_t *table, u32 index, u32 limit)
{
	const u64 *words = (const u64 *)table;

	_Static_assert(sizeof(pte_t) == sizeof(u64), "an entry is a word");
	while (index < limit && index % 8 != 0 && words[index] == 0)
		index++;
	for (; index + 8 <= limit && index % 8 == 0; index += 8) {
		const u64 *run = &words[index];
		if (run[0] | run[1] | run[2] | run[3] | run[4] | run[5] | run[6] | run[7])
			break;
	}
	while (index < limit && words[index] == 0)
		index++;
	return index;
}

static inline u32 entries_skip_empty(const pte_t *table, u32 index)
{
	return entries_skip_empty_below(table, index, PTES_PER_TABLE);
}

/* Of a table that spans from `base`: where the entries for addresses below `end`, which is above
 * `base`, end. */
static inline u32 entries_limit(vaddr_t base, u64 span, vaddr_t end)
{
	u64 limit = (end - 1 - base) / span + 1;

	return (u32)MIN(limit, (u64)PTES_PER_TABLE);
}

#endif
