/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared page-table trees, step by step: the ends of ranges, the ends of rings, truncation.
 * The numbers are those of the list in doc/testing.md.
 */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/slab.h"
#include "mm/tree_check.h"

#define LEAF ((u64)2 * MIB)

/* --- 9: what a child does to a range is the child's --- */

static const vaddr_t BASE = 0x40000000 - 2 * LEAF, ELSEWHERE = 0x200000000000;
static const u64 TOTAL = GIB + 8 * LEAF;

enum { PROBES = 6 };
static vaddr_t probes[PROBES];

static void set_probes(vaddr_t start, u64 size)
{
	const vaddr_t wanted[PROBES] = {
		start - PAGE_SIZE,        start,        start + ALIGN_DOWN(size / 2, PAGE_SIZE),
		start + size - PAGE_SIZE, start + size, start + size + LEAF};

	memcpy(probes, wanted, sizeof(probes));
}

static int child_munmap(struct address_space *space, vaddr_t start, u64 size)
{
	return vmm_munmap(space, start, size);
}

static int child_mprotect(struct address_space *space, vaddr_t start, u64 size)
{
	return vmm_mprotect(space, start, size, PROT_READ);
}

static int child_drop(struct address_space *space, vaddr_t start, u64 size)
{
	return vmm_madvise(space, start, size, MADV_DONTNEED);
}

static int child_mremap(struct address_space *space, vaddr_t start, u64 size)
{
	long result = vmm_mremap(space, start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
				 ELSEWHERE + start % LEAF);

	return result < 0 ? (int)result : 0;
}

typedef int call(struct address_space *space, vaddr_t start, u64 size);
static call *const calls[] = {child_munmap, child_mprotect, child_drop, child_mremap};

static bool inside(vaddr_t address, vaddr_t start, u64 size)
{
	return address >= start && address < start + size;
}

/* What the child sees at a probe after the call, or the signal it gets as a negative number. */
static int wanted_of_child(call *call, vaddr_t start, u64 size, int probe)
{
	if (!inside(probes[probe], start, size) || call == child_mprotect)
		return probe + 1;
	return call == child_drop ? 0 : -SIGSEGV;
}

static void call_in_child(struct address_space *parent, call *call, vaddr_t start, u64 size)
{
	struct address_space *child = vmm_copy_address_space(parent);

	machine_use_cpu(1);
	vmm_switch_address_space(child);
	for (int i = 0; i < PROBES; i++)
		assert_reads(probes[i], i + 1);
	assert_int_equal(call(child, start, size), 0);
	machine_check_tlbs();
	tree_check(parent->family, true);
	for (int i = 0; i < PROBES; i++) {
		int wanted = wanted_of_child(call, start, size, i);
		if (wanted < 0)
			assert_read_faults(probes[i], -wanted, SEGV_MAPERR);
		else
			assert_reads(probes[i], wanted);
	}
	machine_use_cpu(0);
	for (int i = 0; i < PROBES; i++)
		assert_reads(probes[i], i + 1);
	for (int i = 0; i < PROBES; i++)
		assert_writes(probes[i], i + 50);
	machine_use_cpu(1);
	for (int i = 0; i < PROBES; i++)
		if (wanted_of_child(call, start, size, i) >= 0)
			assert_reads(probes[i], wanted_of_child(call, start, size, i));
	tree_check(parent->family, true);
	vmm_switch_address_space(NULL);
	machine_use_cpu(0);
	vmm_put_address_space(child);
}

static void test_9_a_childs_ranges_are_its_own(void **state __unused)
{
	static const u64 sizes[] = {PAGE_SIZE,        LEAF - PAGE_SIZE, LEAF,
				    LEAF + PAGE_SIZE, GIB - PAGE_SIZE,  GIB,
				    GIB + PAGE_SIZE};

	for (u32 i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(calls) * 2; i++) {
		size_t tables = frame_count_kind(FRAME_TABLE);
		struct address_space *parent = test_space();
		u64 size = sizes[i / 8];
		vaddr_t start = BASE + LEAF + (i % 2) * PAGE_SIZE;
		assert_int_equal(vmm_mmap(parent, BASE, TOTAL, RW, ANON | MAP_FIXED | MAP_NORESERVE,
					  NULL, 0),
				 BASE);
		set_probes(start, size);
		for (int probe = PROBES - 1; probe >= 0; probe--)
			assert_writes(probes[probe], probe + 1);
		/* A range of one page has probes that are the same page. */
		if (size == PAGE_SIZE)
			probes[2] = probes[3] = probes[1] + 3 * PAGE_SIZE;
		if (size == PAGE_SIZE) {
			probes[3] += PAGE_SIZE;
			assert_writes(probes[2], 3);
			assert_writes(probes[3], 4);
		}
		call_in_child(parent, calls[i / 2 % 4], start, size);
		test_space_end(parent);
		assert_int_equal(frame_count_kind(FRAME_TABLE), tables);
		assert_int_equal(frame_count_kind(FRAME_USER), 0);
	}
}

/* --- Rings --- */

enum { SMALL = 20 };

static void more_copies_of_a_leaf_than_a_ring_holds(void **state __unused)
{
	enum { CHILDREN = 20 };
	struct address_space *children[CHILDREN], *parent = test_space();
	vaddr_t at = test_map(parent, SMALL * PAGE_SIZE);

	for (int page = 0; page < SMALL; page++)
		assert_writes(at + page * PAGE_SIZE, page + 1);
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = vmm_copy_address_space(parent);
		vmm_switch_address_space(children[i]);
		assert_writes(at + i * PAGE_SIZE, 100 + i);
		tree_check(parent->family, true);
	}
	for (int i = 0; i < CHILDREN; i++) {
		vmm_switch_address_space(children[i]);
		for (int page = 0; page < SMALL; page++)
			assert_reads(at + page * PAGE_SIZE, page == i ? 100 + i : page + 1);
		if (i % 3 == 0)
			assert_int_equal(vmm_madvise(children[i], at, 5 * PAGE_SIZE, MADV_DONTNEED),
					 0);
	}
	for (int i = 0; i < CHILDREN; i++) {
		int victim = i * 7 % CHILDREN;
		vmm_switch_address_space(parent);
		vmm_put_address_space(children[victim]);
		tree_check(parent->family, true);
	}
	for (int page = 0; page < SMALL; page++)
		assert_reads(at + page * PAGE_SIZE, page + 1);
	test_space_end(parent);
}

/* --- Revoking --- */

static void truncation_reaches_all_who_share_a_leaf(void **state __unused)
{
	struct test_file file;
	struct address_space *parent = test_space();

	test_file_init(&file, 2 * PAGE_SIZE, 5, true);
	vaddr_t at = (vaddr_t)vmm_mmap(parent, 0, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE,
				       &file.backing, 0);
	assert_reads(at, test_byte(5, 0));
	assert_reads(at + PAGE_SIZE, test_byte(5, PAGE_SIZE));
	struct address_space *child = vmm_copy_address_space(parent);
	/* Both have the pages in their TLBs, through one leaf: what is freed may be in neither. */
	assert_reads(at + PAGE_SIZE, test_byte(5, PAGE_SIZE));
	machine_use_cpu(1);
	vmm_switch_address_space(child);
	assert_reads(at, test_byte(5, 0));
	assert_reads(at + PAGE_SIZE, test_byte(5, PAGE_SIZE));
	machine_use_cpu(2);
	page_cache_truncate(&file.cache, PAGE_SIZE);
	machine_check_tlbs();
	tree_check(parent->family, true);
	for (u32 cpu = 0; cpu < 2; cpu++) {
		machine_use_cpu(cpu);
		assert_reads(at, test_byte(5, 0));
		assert_read_faults(at + PAGE_SIZE, SIGBUS, BUS_ADRERR);
	}
	vmm_switch_address_space(NULL);
	machine_use_cpu(0);
	vmm_put_address_space(child);
	test_space_end(parent);
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
		/* Slabs keep what two CPUs used: the test counts by kind. */
		cmocka_unit_test(test_9_a_childs_ranges_are_its_own),
		TEST_WITHOUT_LEAKS(more_copies_of_a_leaf_than_a_ring_holds),
		TEST_WITHOUT_LEAKS(truncation_reaches_all_who_share_a_leaf),
	};

	return cmocka_run_group_tests_name("mm trees", tests, start, NULL);
}
