/* SPDX-License-Identifier: BSD-2-Clause */
/* mprotect(2) with its limits and errors, protection keys, and pages that a device has. */
#include "tests/host/mm/swap_pages.h"

#include "lib/string.h"
#include "mm/commit.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/tree.h"
#include "mm/tree_check.h"

enum { COUNT = 8 };

static u32 prot_at(struct address_space *space, vaddr_t address)
{
	struct region_info info;

	assert_true(vmm_next_region(space, address, &info, false));
	return info.prot;
}

static void errors_change_nothing(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = test_map(space, COUNT * PAGE_SIZE);

	assert_int_equal(vmm_mprotect(space, base + 1, PAGE_SIZE, PROT_READ), -EINVAL);
	assert_int_equal(vmm_mprotect(space, base, PAGE_SIZE, 0x80), -EINVAL);
	assert_int_equal(
		vmm_mprotect(space, base, PAGE_SIZE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP),
		-EINVAL);
	assert_int_equal(vmm_mprotect(space, base, PAGE_SIZE, PROT_READ | PROT_GROWSUP), -EINVAL);
	assert_int_equal(vmm_mprotect(space, base, PAGE_SIZE, PROT_READ | PROT_GROWSDOWN), -EINVAL);
	assert_int_equal(vmm_mprotect(space, base, UINT64_MAX - PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(vmm_mprotect(space, 0x10000, PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(vmm_mprotect(space, base, 0, PROT_READ), 0);
	assert_int_equal(prot_at(space, base), RW);
	test_space_end(space);
}

/* Up to the first hole, as on Linux. */
static void a_hole_ends_it(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = test_map(space, COUNT * PAGE_SIZE);

	assert_int_equal(vmm_munmap(space, base + 4 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(vmm_mprotect(space, base, COUNT * PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(prot_at(space, base), PROT_READ);
	assert_int_equal(prot_at(space, base + 5 * PAGE_SIZE), RW);
	assert_write_faults(base, SIGSEGV, SEGV_ACCERR);
	assert_writes(base + 5 * PAGE_SIZE, 1);
	test_space_end(space);
}

static void a_file_that_was_opened_to_read_stays_so(void **state __unused)
{
	struct address_space *space = test_space();
	struct test_file file;

	test_file_init(&file, PAGE_SIZE, 5, true);
	long at = vmm_mmap_file(space, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, &file.backing, 0,
				VM_ACCESS_READ);
	assert_true(at > 0);
	assert_int_equal(vmm_mprotect(space, (vaddr_t)at, PAGE_SIZE, RW), -EACCES);
	assert_int_equal(vmm_mprotect(space, (vaddr_t)at, PAGE_SIZE, PROT_NONE), 0);
	assert_read_faults((vaddr_t)at, SIGSEGV, SEGV_ACCERR);
	test_space_end(space);
	test_file_destroy(&file);
}

static void what_grows_down_is_protected_from_its_beginning(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = 0x50000000;

	assert_int_equal(vmm_mmap(space, base, COUNT * PAGE_SIZE, RW,
				  ANON | MAP_FIXED | MAP_GROWSDOWN, NULL, 0),
			 base);
	assert_int_equal(
		vmm_mprotect(space, base + 4 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_GROWSDOWN),
		0);
	assert_int_equal(prot_at(space, base), PROT_READ);
	assert_int_equal(prot_at(space, base + 5 * PAGE_SIZE), RW);
	test_space_end(space);
}

static void limits_hold_for_what_becomes_writable(void **state __unused)
{
	struct address_space *space = test_space();
	long at = vmm_mmap(space, 0, COUNT * PAGE_SIZE, PROT_READ, ANON, NULL, 0);

	assert_true(at > 0);
	space->limits.data = 4 * PAGE_SIZE;
	assert_int_equal(vmm_mprotect(space, (vaddr_t)at, COUNT * PAGE_SIZE, RW), -ENOMEM);
	assert_int_equal(prot_at(space, (vaddr_t)at), PROT_READ);
	assert_int_equal(vmm_mprotect(space, (vaddr_t)at, 4 * PAGE_SIZE, RW), 0);
	space->limits.data = VM_UNLIMITED;
	u64 before = commit_settings.kbytes;
	commit_settings.mode = COMMIT_STRICT;
	commit_settings.kbytes = 1;
	assert_int_equal(vmm_mprotect(space, (vaddr_t)at, COUNT * PAGE_SIZE, RW), -ENOMEM);
	commit_settings.mode = COMMIT_HEURISTIC;
	commit_settings.kbytes = before;
	assert_int_equal(vmm_mprotect(space, (vaddr_t)at, COUNT * PAGE_SIZE, RW), 0);
	test_space_end(space);
}

/* --- Keys --- */

static u32 key_of_entry(struct address_space *space, vaddr_t page)
{
	return (u32)((pte_flags(tree_peek(space, page)) & PAGE_KEY_MASK) >> PAGE_KEY_SHIFT);
}

static void keys_are_in_entries_and_regions(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = test_map(space, COUNT * PAGE_SIZE);
	struct region_info info;

	assert_writes(base, 1);
	int first = vmm_key_alloc(space), second = vmm_key_alloc(space);
	assert_true(first > 0 && second > first);
	assert_int_equal(vmm_key_protect(space, base, 2 * PAGE_SIZE, RW, 3), -EINVAL);
	assert_int_equal(vmm_key_protect(space, base, 2 * PAGE_SIZE, RW, 99), -EINVAL);
	assert_int_equal(vmm_key_protect(space, base, 2 * PAGE_SIZE, RW, second), 0);
	assert_int_equal(key_of_entry(space, base), second);
	assert_writes(base + PAGE_SIZE, 2);
	assert_int_equal(key_of_entry(space, base + PAGE_SIZE), second);
	assert_true(vmm_next_region(space, base, &info, false));
	assert_int_equal(info.key, second);
	assert_int_equal(info.end, base + 2 * PAGE_SIZE);
	/* mprotect leaves the key. */
	assert_int_equal(vmm_mprotect(space, base, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(key_of_entry(space, base), second);
	assert_int_equal(vmm_key_protect(space, base, 2 * PAGE_SIZE, RW, 0), 0);
	assert_int_equal(key_of_entry(space, base), 0);
	assert_int_equal(vmm_key_free(space, first), 0);
	assert_int_equal(vmm_key_free(space, first), -EINVAL);
	assert_int_equal(vmm_key_free(space, -1), -EINVAL);
	assert_int_equal(vmm_key_alloc(space), first);
	assert_int_equal(vmm_key_alloc(space), 3);
	assert_int_equal(vmm_key_alloc(space), -ENOSPC);
	tree_check(space->family, true);
	test_space_end(space);
}

/* --- What a device has --- */

static vaddr_t stored(struct address_space *space)
{
	vaddr_t base = test_map(space, COUNT * PAGE_SIZE), at = base;
	static u8 noise[PAGE_SIZE];

	for (u32 page = 0; page < COUNT; page++) {
		for (size_t i = 0; i < PAGE_SIZE; i++)
			noise[i] = (u8)draw(256);
		noise[0] = (u8)(page + 1);
		assert_int_equal(
			vmm_access(space, base + page * PAGE_SIZE, noise, PAGE_SIZE, VM_WRITE),
			PAGE_SIZE);
	}
	rwlock_read_lock(&space->map_lock);
	assert_int_equal(reclaim_region(space, region_find(space, base), &at,
					base + COUNT * PAGE_SIZE, RECLAIM_UNSHARE, UINTPTR_MAX),
			 COUNT);
	rwlock_read_unlock(&space->map_lock);
	(void)swap_write_back(COUNT);
	return base;
}

static void faults_read_the_device(void **state __unused)
{
	struct device disk;
	struct address_space *space = test_space(), *child;

	device_init(&disk);
	assert_true(add(&disk, SWAP_PRIORITY_DEFAULT) >= 0);
	vaddr_t base = stored(space);
	assert_true(disk.written >= COUNT);
	child = vmm_copy_address_space(space);
	assert_non_null(child);
	u64 before = space->major_faults;
	assert_reads(base, 1);
	assert_int_equal(space->major_faults, before + 1);
	assert_writes(base + 7 * PAGE_SIZE, 99);
	vmm_switch_address_space(child);
	for (u32 page = 0; page < COUNT; page++)
		assert_reads(base + page * PAGE_SIZE, page + 1);
	tree_check(space->family, true);
	vmm_switch_address_space(space);
	assert_reads(base + 7 * PAGE_SIZE, 99);
	vmm_put_address_space(child);
	test_space_end(space);
	device_remove(&disk);
}

/* MADV_WILLNEED reads what a fault would wait for. */
static void advice_reads_the_device_ahead(void **state __unused)
{
	struct device disk;
	struct address_space *space = test_space();
	struct test_file file;

	device_init(&disk);
	assert_true(add(&disk, SWAP_PRIORITY_DEFAULT) >= 0);
	vaddr_t base = stored(space);
	size_t before = disk.transfers;
	assert_int_equal(vmm_madvise(space, base, COUNT * PAGE_SIZE, MADV_WILLNEED), 0);
	assert_true(disk.transfers > before);
	u64 major = space->major_faults;
	for (u32 page = 0; page < COUNT; page++)
		assert_reads(base + page * PAGE_SIZE, page + 1);
	assert_int_equal(space->major_faults, major);
	/* Of a file what it has is looked for, and holes stay holes. */
	test_file_init(&file, 4 * PAGE_SIZE, 5, false);
	long at = vmm_mmap(space, 0, 4 * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	assert_int_equal(vmm_madvise(space, (vaddr_t)at, 4 * PAGE_SIZE, MADV_WILLNEED), 0);
	assert_int_equal(page_cache_pages(&file.cache), 0);
	test_space_end(space);
	test_file_destroy(&file);
	device_remove(&disk);
}

static void what_the_device_cannot_read_is_a_bus_error(void **state __unused)
{
	struct device disk;
	struct address_space *space = test_space();

	device_init(&disk);
	assert_true(add(&disk, SWAP_PRIORITY_DEFAULT) >= 0);
	vaddr_t base = stored(space);
	disk.fails = true;
	assert_read_faults(base, SIGBUS, BUS_ADRERR);
	assert_write_faults(base + PAGE_SIZE, SIGBUS, BUS_ADRERR);
	tree_check(space->family, true);
	disk.fails = false;
	assert_reads(base, 1);
	assert_writes(base + PAGE_SIZE, 5);
	assert_reads(base + PAGE_SIZE, 5);
	test_space_end(space);
	device_remove(&disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(errors_change_nothing),
		TEST_WITHOUT_LEAKS(a_hole_ends_it),
		TEST_WITHOUT_LEAKS(a_file_that_was_opened_to_read_stays_so),
		TEST_WITHOUT_LEAKS(what_grows_down_is_protected_from_its_beginning),
		TEST_WITHOUT_LEAKS(limits_hold_for_what_becomes_writable),
		TEST_WITHOUT_LEAKS(keys_are_in_entries_and_regions),
		cmocka_unit_test(faults_read_the_device),
		cmocka_unit_test(advice_reads_the_device_ahead),
		cmocka_unit_test(what_the_device_cannot_read_is_a_bus_error),
	};

	machine_start(MEMORY);
	return cmocka_run_group_tests_name("mm protect", tests, NULL, NULL);
}
