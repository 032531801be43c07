/* SPDX-License-Identifier: BSD-2-Clause */
/* What the memory manager tells about copy-on-write, trees and single pages is what is there. */
#include "lib/abi/mman.h"
#include "mm/inspect.h"
#include "mm/kmalloc.h"
#include "tests/kernel/ktest.h"

enum { PAGES = 24, NODES = 64 };

static vaddr_t fill(struct address_space *space)
{
	long at = vmm_mmap(space, 0, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

	KEXPECT(at > 0);
	for (u64 i = 0; i < PAGES; i++)
		KEXPECT(vmm_access(space, (vaddr_t)at + i * PAGE_SIZE, &i, sizeof(i), VM_WRITE) ==
			sizeof(i));
	return (vaddr_t)at;
}

KTEST(mm_cow_figures_follow_fork_and_writes)
{
	struct address_space *parent = vmm_create_address_space();
	cow_stats_t before, shared, written;
	u64 value = 7;

	KREQUIRE(parent != NULL);
	vmm_init_layout(parent, false);
	vaddr_t at = fill(parent);
	cow_get_stats(&before);
	struct address_space *child = vmm_copy_address_space(parent);
	KREQUIRE(child != NULL);
	cow_get_stats(&shared);
	KEXPECT(shared.pages == before.pages + PAGES);
	KEXPECT(shared.mappings == before.mappings + 2 * PAGES);
	KEXPECT(shared.saved == before.saved + PAGES * PAGE_SIZE);
	KEXPECT(shared.bookkeeping > 0);
	KEXPECT(vmm_access(child, at, &value, sizeof(value), VM_WRITE) == sizeof(value));
	cow_get_stats(&written);
	KEXPECT(written.pages == shared.pages - 1);
	KEXPECT(written.duplicated == shared.duplicated + 1);
	KEXPECT(written.peak_pages >= shared.pages);
	vmm_put_address_space(child);
	cow_get_stats(&written);
	KEXPECT(written.pages == before.pages);
	vmm_put_address_space(parent);
}

/* The leaf, and how many nodes there are. */
static struct tree_node_info leaf_of(struct address_space *space, size_t *count)
{
	struct tree_node_info leaf = {0}, *nodes = kmalloc(NODES * sizeof(*nodes));

	*count = nodes != NULL ? vmm_describe_tree(space, nodes, NODES) : 0;
	for (size_t i = 0; i < *count && i < NODES; i++)
		if (nodes[i].level == 1)
			leaf = nodes[i];
	kfree(nodes);
	return leaf;
}

KTEST(mm_a_tree_shows_who_shares_it)
{
	struct address_space *parent = vmm_create_address_space();
	u64 value = 7;
	size_t count;

	KREQUIRE(parent != NULL);
	vmm_init_layout(parent, false);
	vaddr_t at = fill(parent);
	struct tree_node_info leaf = leaf_of(parent, &count);
	KEXPECT(count >= PT_LEVELS - 1 && leaf.level == 1);
	KEXPECT(leaf.spaces == 1 && leaf.refs == 1 && leaf.ring == 1);
	struct address_space *child = vmm_copy_address_space(parent);
	KREQUIRE(child != NULL);
	leaf = leaf_of(parent, &count);
	KEXPECT(leaf.spaces == 2 && leaf.ring == 1);
	KEXPECT(vmm_access(child, at, &value, sizeof(value), VM_WRITE) == sizeof(value));
	leaf = leaf_of(child, &count);
	KEXPECT(leaf.spaces == 1 && leaf.ring == 2);
	KEXPECT(leaf.resident[RESIDENT_ANONYMOUS] == PAGES || count > PT_LEVELS - 1);
	vmm_put_address_space(child);
	vmm_put_address_space(parent);
}

KTEST(mm_page_words_tell_what_is_there)
{
	struct address_space *space = vmm_create_address_space();
	u64 words[PAGES + 1];

	KREQUIRE(space != NULL);
	vmm_init_layout(space, false);
	vaddr_t at = fill(space);
	vmm_page_words(space, at, PAGES + 1, true, words);
	for (u64 i = 0; i < PAGES; i++)
		KEXPECT(words[i] ==
			(PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE | PAGEMAP_WRITTEN |
			 vmm_get_physical_addr(space, at + i * PAGE_SIZE) >> PAGE_SHIFT));
	KEXPECT(words[PAGES] == 0);
	vmm_put_address_space(space);
}

/* Anonymous pages in memory after the first 16 of a region have been written one by one. */
static size_t resident_after_sequence(u32 ahead)
{
	struct address_space *space = vmm_create_address_space();
	struct vm_space_stats stats = {0};
	u32 before = fault_settings.ahead_pages;

	if (!KEXPECT(space != NULL))
		return 0;
	vmm_init_layout(space, false);
	vaddr_t at = vmm_alloc_virtual(space, 2 * MIB) + MIB;
	WRITE_ONCE(fault_settings.ahead_pages, ahead);
	for (u64 i = 0; i < 16; i++)
		KEXPECT(vmm_access(space, at + i * PAGE_SIZE, &i, sizeof(i), VM_WRITE) ==
			sizeof(i));
	WRITE_ONCE(fault_settings.ahead_pages, before);
	vmm_space_stats(space, &stats);
	vmm_put_address_space(space);
	return stats.resident_anonymous;
}

KTEST(mm_pages_ahead_of_a_sequence_can_be_switched_off)
{
	KEXPECT(resident_after_sequence(0) == 16);
	KEXPECT(resident_after_sequence(FAULT_AHEAD_MOST) > 16);
}
