/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shape of the page-table tree: finding, making and freeing tables.  tree.h tells the locks.
 *
 * An address is split so (four levels, tables of 512 entries; the machine's numbers are in
 *arch/mmu.h):
 *
 *	63        48 47     39 38     30 29     21 20     12 11         0
 *	| sign ext. | level 4 | level 3 | level 2 | level 1 | in the page |
 */
#include "mm/tree.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/zap.h"

static inline pte_t *table_of(pte_t entry)
{
	return phys_to_virt(pte_phys(entry));
}

/* Where the next entry of that level starts. */
static inline vaddr_t next_boundary(vaddr_t address, u32 level)
{
	return ALIGN_DOWN(address, pt_span(level)) + pt_span(level);
}

int tree_init(page_directory_t *tree)
{
	tree->root = frame_alloc_kind_zeroed(FRAME_TABLE);
	if (tree->root == 0)
		return -ENOMEM;
	tree->tables = 1;
	pte_t *own = phys_to_virt(tree->root);
	const pte_t *kernel = phys_to_virt(mmu_kernel_root());
	u32 first = pt_index(KERNEL_BASE, PT_LEVELS);
	for (u32 i = first; i < PTES_PER_TABLE; i++)
		own[i] = kernel[i];
	return 0;
}

void tree_destroy(page_directory_t *tree)
{
	ASSERT(tree->tables == 1);
	frame_free(tree->root);
	tree->root = 0;
}

pte_t *tree_find(const page_directory_t *tree, vaddr_t address)
{
	pte_t *table = phys_to_virt(tree->root);

	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t entry = pte_read(&table[pt_index(address, level)]);
		if (!pte_is_present(entry))
			return NULL;
		table = table_of(entry);
	}
	return &table[pt_index(address, 1)];
}

/* Puts a table at an empty upper entry, or finds that somebody else just did. */
static pte_t *add_table(page_directory_t *tree, pte_t *slot, u64 flags)
{
	phys_t table = frame_alloc_kind_zeroed(FRAME_TABLE);
	pte_t expected = entry_none();

	if (table == 0)
		return NULL;
	if (pte_compare_exchange(slot, &expected, pte_table(table, flags))) {
		__atomic_fetch_add(&tree->tables, 1, __ATOMIC_RELAXED);
		return phys_to_virt(table);
	}
	frame_free(table);
	return table_of(expected);
}

pte_t *tree_create(page_directory_t *tree, vaddr_t address)
{
	u64 flags = PAGE_PRESENT | PAGE_WRITABLE | (address < USER_TOP ? PAGE_USER : 0);
	pte_t *table = phys_to_virt(tree->root);

	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t *slot = &table[pt_index(address, level)];
		pte_t entry = pte_read(slot);
		if (likely(pte_is_present(entry)))
			table = table_of(entry);
		else
			table = add_table(tree, slot, flags);
		if (unlikely(table == NULL))
			return NULL;
	}
	return &table[pt_index(address, 1)];
}

bool tree_next_span(const page_directory_t *tree, vaddr_t *at, vaddr_t end, struct tree_span *span)
{
	while (*at < end) {
		pte_t *table = phys_to_virt(tree->root);
		u32 level = PT_LEVELS;
		for (; level > 1; level--) {
			pte_t entry = pte_read(&table[pt_index(*at, level)]);
			if (!pte_is_present(entry))
				break;
			table = table_of(entry);
		}
		vaddr_t start = *at;
		if (level > 1) {
			*at = next_boundary(start, level);
			continue;
		}
		*at = MIN(next_boundary(start, 2), end);
		*span = (struct tree_span){
			.slot = &table[pt_index(start, 1)],
			.start = start,
			.count = (u32)((*at - start) >> PAGE_SHIFT),
		};
		return true;
	}
	return false;
}

/* The part of the user half whose tables may go. */
struct doomed {
	page_directory_t *tree;
	vaddr_t start, end, floor, ceiling;
	struct gather *gather;
};

/*
 * The first entry from `index` on that is not empty, or `limit`.  Most tables are nearly empty, so
 * runs of eight are looked at as one: an empty entry is a zero word on every machine.
 */
static u32 skip_empty(const pte_t *table, u32 index, u32 limit)
{
	const u64 *words = (const u64 *)table;

	BUILD_ASSERT(sizeof(pte_t) == sizeof(u64));
	for (; index + 8 <= limit; index += 8) {
		const u64 *run = &words[index];
		if (run[0] | run[1] | run[2] | run[3] | run[4] | run[5] | run[6] | run[7])
			break;
	}
	while (index < limit && words[index] == 0)
		index++;
	return index;
}

/* Takes out the tables below `table`, whose entries are of `level` and which spans from `base`. */
static void free_below(const struct doomed *doomed, pte_t *table, u32 level, vaddr_t base)
{
	u64 span = pt_span(level);
	vaddr_t first = MAX(base, ALIGN_DOWN(doomed->start, span));
	vaddr_t stop = MIN(base + span * PTES_PER_TABLE, doomed->end);
	u32 limit = first < stop ? (u32)((stop - base + span - 1) / span) : 0;
	u32 index = (u32)((first - base) / span);

	for (; (index = skip_empty(table, index, limit)) < limit; index++) {
		vaddr_t at = base + index * span;
		pte_t entry = pte_read(&table[index]);
		if (!pte_is_present(entry))
			continue;
		if (level > 2)
			free_below(doomed, table_of(entry), level - 1, at);
		if (at < doomed->floor || at + span > doomed->ceiling)
			continue;
		pte_write(&table[index], entry_none());
		__atomic_fetch_sub(&doomed->tree->tables, 1, __ATOMIC_RELAXED);
		gather_page(doomed->gather, at);
		gather_page(doomed->gather, at + span - PAGE_SIZE);
		gather_frame(doomed->gather, pte_phys(entry));
	}
}

void tree_free_tables(page_directory_t *tree, vaddr_t start, vaddr_t end, vaddr_t floor,
		      vaddr_t ceiling, struct gather *gather)
{
	struct doomed doomed = {tree, start, end, floor, ceiling, gather};

	free_below(&doomed, phys_to_virt(tree->root), PT_LEVELS, 0);
}

const pte_t *tree_walk(phys_t root, vaddr_t address, u32 *level)
{
	const pte_t *table = phys_to_virt(root);

	for (*level = PT_LEVELS;; (*level)--) {
		const pte_t *slot = &table[pt_index(address, *level)];
		pte_t entry = pte_read(slot);
		if (!pte_is_present(entry))
			return NULL;
		if (pte_is_leaf(entry, *level))
			return slot;
		table = table_of(entry);
	}
}
