/* SPDX-License-Identifier: BSD-2-Clause */
/* What the memory manager says of itself: sharing in figures, trees, pages, what is accessed. */
#include "tests/host/mm/support.h"

#include "mm/inspect.h"
#include "mm/region.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/tree_check.h"

enum { PAGES = 8 };

static vaddr_t page_of(vaddr_t memory, int page)
{
	return memory + (vaddr_t)page * PAGE_SIZE;
}

static vaddr_t map_written(struct address_space *space)
{
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	for (int page = 0; page < PAGES; page++)
		assert_writes(page_of(memory, page), page + 1);
	return memory;
}

static void swap_out(struct address_space *space, vaddr_t memory)
{
	vaddr_t at = memory;

	rwlock_read_lock(&space->map_lock);
	(void)!reclaim_region(space, region_find(space, memory), &at, memory + PAGE_SIZE,
			      RECLAIM_ALL, UINTPTR_MAX);
	rwlock_read_unlock(&space->map_lock);
}

static void shared_pages_are_counted(void **state __unused)
{
	cow_stats_t none, forked, written;
	struct address_space *parent = test_space();
	vaddr_t memory = map_written(parent);

	cow_get_stats(&none);
	assert_int_equal(none.pages, 0);
	assert_int_equal(none.mappings, 0);
	struct address_space *child = vmm_copy_address_space(parent);
	cow_get_stats(&forked);
	assert_int_equal(forked.pages, PAGES);
	assert_int_equal(forked.mappings, 2 * PAGES);
	assert_int_equal(forked.saved, PAGES * PAGE_SIZE);
	assert_true(forked.bookkeeping > 0);
	vmm_switch_address_space(child);
	assert_writes(memory, 99);
	cow_get_stats(&written);
	assert_int_equal(written.pages, PAGES - 1);
	assert_int_equal(written.mappings, 2 * (PAGES - 1));
	assert_int_equal(written.duplicated, forked.duplicated + 1);
	assert_true(written.faults > forked.faults);
	assert_true(written.peak_pages >= PAGES);
	vmm_switch_address_space(parent);
	vmm_put_address_space(child);
	assert_writes(memory, 98);
	cow_get_stats(&none);
	assert_int_equal(none.mappings, 0);
	assert_true(none.reused > written.reused);
	assert_true(none.peak_pages >= PAGES);
	test_space_end(parent);
}

/* The node of a level that spans the address. */
static const struct tree_node_info *find_node(const struct tree_node_info *nodes, size_t count,
					      u32 level, vaddr_t address)
{
	for (size_t i = 0; i < count; i++)
		if (nodes[i].level == level && address >= nodes[i].start &&
		    address < nodes[i].start + pt_span(level + 1))
			return &nodes[i];
	return NULL;
}

static void a_tree_says_who_shares_it(void **state __unused)
{
	struct tree_node_info nodes[64];
	struct address_space *parent = test_space();
	vaddr_t memory = map_written(parent);
	size_t alone = vmm_describe_tree(parent, nodes, ARRAY_SIZE(nodes));
	const struct tree_node_info *leaf = find_node(nodes, alone, 1, memory);

	assert_non_null(leaf);
	assert_int_equal(leaf->refs, 1);
	assert_int_equal(leaf->spaces, 1);
	assert_int_equal(leaf->ring, 1);
	assert_true(leaf->writable);
	assert_int_equal(leaf->entries, PAGES);
	assert_int_equal(leaf->resident[RESIDENT_ANONYMOUS], PAGES);
	struct address_space *child = vmm_copy_address_space(parent);
	assert_int_equal(vmm_describe_tree(child, nodes, ARRAY_SIZE(nodes)), alone);
	leaf = find_node(nodes, alone, 1, memory);
	const struct tree_node_info *top = find_node(nodes, alone, PT_LEVELS - 1, memory);
	assert_int_equal(top->refs, 2);
	assert_false(top->writable);
	assert_int_equal(leaf->refs, 1);
	assert_int_equal(leaf->spaces, 2);
	vmm_switch_address_space(child);
	assert_writes(memory, 50);
	assert_int_equal(vmm_describe_tree(child, nodes, ARRAY_SIZE(nodes)), alone);
	leaf = find_node(nodes, alone, 1, memory);
	assert_int_equal(leaf->spaces, 1);
	assert_int_equal(leaf->ring, 2);
	assert_int_equal(vmm_describe_tree(child, nodes, 1), alone);
	vmm_switch_address_space(parent);
	vmm_put_address_space(child);
	test_space_end(parent);
}

static void pages_have_words(void **state __unused)
{
	struct test_file file;
	struct address_space *parent = test_space();
	vaddr_t memory = map_written(parent);
	u64 words[PAGES + 1];

	test_file_init(&file, 2 * PAGE_SIZE, 5, true);
	long mapped = vmm_mmap(parent, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, &file.backing, 0);
	assert_true(mapped > 0);
	assert_reads((vaddr_t)mapped, test_byte(5, 0));
	vmm_page_words(parent, (vaddr_t)mapped, 1, false, words);
	assert_int_equal(words[0] & ~PAGEMAP_WRITTEN,
			 PAGEMAP_PRESENT | PAGEMAP_FILE | PAGEMAP_EXCLUSIVE);
	vmm_page_words(parent, memory, PAGES, true, words);
	assert_int_equal(words[3] & ~PAGEMAP_FRAME,
			 PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE | PAGEMAP_WRITTEN);
	assert_int_equal((words[3] & PAGEMAP_FRAME) << PAGE_SHIFT,
			 vmm_get_physical_addr(parent, page_of(memory, 3)));
	struct address_space *child = vmm_copy_address_space(parent);
	vmm_page_words(parent, memory, PAGES, false, words);
	assert_int_equal(words[3] & ~PAGEMAP_WRITTEN, PAGEMAP_PRESENT);
	vmm_put_address_space(child);
	swap_out(parent, memory);
	vaddr_t zero = test_map(parent, 2 * PAGE_SIZE);
	assert_reads(zero, 0);
	vmm_page_words(parent, memory, 1, false, words);
	assert_int_equal(words[0] & ~PAGEMAP_WRITTEN, PAGEMAP_SWAPPED);
	vmm_page_words(parent, memory, 1, true, words);
	assert_true(words[0] & PAGEMAP_SWAPPED);
	vmm_page_words(parent, zero, 2, false, words);
	assert_int_equal(words[0] & ~PAGEMAP_WRITTEN, PAGEMAP_PRESENT);
	assert_int_equal(words[1] & ~PAGEMAP_WRITTEN, 0);
	/* Beyond the user half there is nothing. */
	vmm_page_words(parent, USER_TOP - PAGE_SIZE, 3, true, words);
	assert_int_equal(words[0] | words[1] | words[2], 0);
	test_space_end(parent);
	test_file_destroy(&file);
}

static struct region_usage usage_of(struct address_space *space, vaddr_t memory)
{
	struct region_usage usage;

	vmm_region_usage(space, memory, memory + PAGES * PAGE_SIZE, &usage);
	return usage;
}

static void a_region_says_what_it_uses(void **state __unused)
{
	struct address_space *parent = test_space();
	vaddr_t memory = map_written(parent);
	struct region_usage usage = usage_of(parent, memory);

	assert_int_equal(usage.resident, PAGES * PAGE_SIZE);
	assert_int_equal(usage.proportional, PAGES * PAGE_SIZE);
	assert_int_equal(usage.anonymous, PAGES * PAGE_SIZE);
	assert_int_equal(usage.private_dirty, PAGES * PAGE_SIZE);
	assert_int_equal(usage.shared_dirty + usage.shared_clean + usage.private_clean, 0);
	struct address_space *child = vmm_copy_address_space(parent);
	usage = usage_of(parent, memory);
	assert_int_equal(usage.proportional, PAGES * PAGE_SIZE / 2);
	assert_int_equal(usage.shared_dirty, PAGES * PAGE_SIZE);
	assert_int_equal(usage.private_dirty, 0);
	vmm_put_address_space(child);
	swap_out(parent, memory);
	usage = usage_of(parent, memory);
	assert_int_equal(usage.resident, (PAGES - 1) * PAGE_SIZE);
	assert_int_equal(usage.swapped, PAGE_SIZE);
	assert_int_equal(usage.swapped_proportional, PAGE_SIZE);
	test_space_end(parent);
}

static void a_files_page_is_clean_until_written(void **state __unused)
{
	struct test_file file;
	struct address_space *space = test_space();

	test_file_init(&file, PAGE_SIZE, 5, true);
	long mapped = vmm_mmap(space, 0, PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	assert_reads((vaddr_t)mapped, test_byte(5, 0));
	struct region_usage usage;
	vmm_region_usage(space, (vaddr_t)mapped, (vaddr_t)mapped + PAGE_SIZE, &usage);
	assert_int_equal(usage.private_clean, PAGE_SIZE);
	assert_int_equal(usage.anonymous, 0);
	assert_writes((vaddr_t)mapped, 1);
	vmm_region_usage(space, (vaddr_t)mapped, (vaddr_t)mapped + PAGE_SIZE, &usage);
	assert_int_equal(usage.private_dirty, PAGE_SIZE);
	test_space_end(space);
	test_file_destroy(&file);
}

static void what_is_accessed_can_be_forgotten(void **state __unused)
{
	struct test_file file;
	struct address_space *space = test_space();
	vaddr_t memory = map_written(space);
	struct vm_space_stats stats;

	test_file_init(&file, PAGE_SIZE, 5, true);
	vaddr_t mapped = (vaddr_t)vmm_mmap(space, 0, PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	assert_writes(mapped, 1);
	struct region_usage of_file;
	assert_int_equal(usage_of(space, memory).referenced, PAGES * PAGE_SIZE);
	vmm_clear_referenced(space, REFERENCED_FILE);
	machine_check_tlbs();
	assert_int_equal(usage_of(space, memory).referenced, PAGES * PAGE_SIZE);
	vmm_region_usage(space, mapped, mapped + PAGE_SIZE, &of_file);
	assert_int_equal(of_file.referenced, 0);
	vmm_clear_referenced(space, REFERENCED_ANONYMOUS);
	assert_int_equal(usage_of(space, memory).referenced, 0);
	struct address_space *child = vmm_copy_address_space(space);
	vmm_clear_referenced(child, REFERENCED_ALL);
	vmm_put_address_space(child);
	for (int page = 0; page < PAGES; page++)
		assert_reads(page_of(memory, page), page + 1);
	assert_int_equal(vmm_munmap(space, memory, PAGES * PAGE_SIZE), 0);
	vmm_reset_peak(space);
	vmm_space_stats(space, &stats);
	assert_int_equal(stats.peak_resident, stats.resident);
	test_space_end(space);
	test_file_destroy(&file);
}

static int start(void **state __unused)
{
	machine_start(64 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(shared_pages_are_counted),
		TEST_WITHOUT_LEAKS(a_tree_says_who_shares_it),
		TEST_WITHOUT_LEAKS(pages_have_words),
		TEST_WITHOUT_LEAKS(a_region_says_what_it_uses),
		TEST_WITHOUT_LEAKS(a_files_page_is_clean_until_written),
		TEST_WITHOUT_LEAKS(what_is_accessed_can_be_forgotten),
	};

	return cmocka_run_group_tests_name("mm inspection", tests, start, NULL);
}
