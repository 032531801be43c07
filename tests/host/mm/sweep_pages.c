/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nth allocation fails where pages go elsewhere: to swap space and back, to other frames, into
 * pins and pipes, to files; and in the calls of mmap(2)'s kin that sweep.c does not make.
 */
#include "tests/host/mm/nth.h"
#include "tests/host/mm/swap_pages.h"

#include <stdlib.h>

#include "mm/commit.h"
#include "mm/compact.h"
#include "mm/inspect.h"
#include "mm/mempolicy.h"
#include "mm/migrate.h"
#include "mm/pin.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/usercopy.h"

enum { COUNT = 20, FILE_COUNT = 4, NONE = 0 };

/* Pages that are noise in part, across the boundary of a leaf.  Shared memory, of
 * which the first page is swapped. */
static const vaddr_t BASE = 0x40000000 - 10 * PAGE_SIZE, SHARED = 0x40000000 + 64 * PAGE_SIZE,
		     PRIVATE = 0x40000000 + 96 * PAGE_SIZE, ELSEWHERE = 0x200000000000;

static struct test_file memory, file;
static struct device disk;
static bool has_area;

static void write_noise(vaddr_t page, u8 first)
{
	static u8 noise[PAGE_SIZE];

	for (size_t i = 0; i < HALF * 16; i++)
		noise[i] = (u8)draw(256);
	noise[0] = first;
	assert_int_equal(vmm_access(vmm_current_space(), page, noise, PAGE_SIZE, VM_WRITE),
			 PAGE_SIZE);
}

static size_t take(struct address_space *space, vaddr_t start, vaddr_t end)
{
	rwlock_read_lock(&space->map_lock);
	size_t taken = reclaim_region(space, region_find(space, start), &start, end,
				      RECLAIM_UNSHARE, UINTPTR_MAX);
	rwlock_read_unlock(&space->map_lock);
	return taken;
}

static void map(struct address_space *space, vaddr_t at, size_t pages, u32 flags,
		struct backing *backing)
{
	assert_int_equal(vmm_mmap(space, at, pages * PAGE_SIZE, RW, flags | MAP_FIXED, backing, 0),
			 at);
}

static struct address_space *make(void)
{
	struct address_space *parent = test_space();

	test_file_init(&memory, FILE_COUNT * PAGE_SIZE, 5, true);
	memory.cache.shared_memory = true;
	test_file_init(&file, FILE_COUNT * PAGE_SIZE, 5, true);
	map(parent, BASE, COUNT, ANON, NULL);
	map(parent, SHARED, FILE_COUNT, MAP_SHARED, &memory.backing);
	map(parent, PRIVATE, FILE_COUNT, MAP_PRIVATE, &file.backing);
	for (u32 page = 0; page < COUNT; page++)
		write_noise(BASE + page * PAGE_SIZE, (u8)(page + 1));
	assert_int_equal(take(parent, BASE, BASE + 2 * PAGE_SIZE), 2);
	for (u32 page = 0; page < FILE_COUNT; page++)
		write_noise(SHARED + page * PAGE_SIZE, (u8)(page + 100));
	assert_true(take(parent, SHARED, SHARED + PAGE_SIZE) <= 1);
	return parent;
}

static void check(void)
{
	for (u32 page = 0; page < COUNT; page++)
		assert_reads(BASE + page * PAGE_SIZE, page + 1);
	for (u32 page = 0; page < FILE_COUNT; page++) {
		assert_reads(SHARED + page * PAGE_SIZE, page + 100);
		assert_reads(PRIVATE + page * PAGE_SIZE, test_byte(5, (u64)page * PAGE_SIZE));
	}
}

static void end(void)
{
	test_file_destroy(&memory);
	test_file_destroy(&file);
	if (has_area)
		device_remove(&disk);
	has_area = false;
}

/* --- Swap space --- */

static int swap_out_some(struct address_space *space)
{
	(void)take(space, BASE, BASE + COUNT * PAGE_SIZE);
	return 0;
}

static int swap_out_shared(struct address_space *space)
{
	(void)take(space, SHARED, SHARED + FILE_COUNT * PAGE_SIZE);
	(void)reclaim_run(FILE_COUNT);
	return 0;
}

static int swap_in_read(struct address_space *space __unused)
{
	u8 seen;

	return nth_touched(program_read(BASE, &seen, NULL));
}

static int swap_in_write(struct address_space *space __unused)
{
	return nth_touched(program_write(BASE + PAGE_SIZE, 2, NULL));
}

static int swap_in_shared(struct address_space *space __unused)
{
	u8 seen;

	return nth_touched(program_read(SHARED, &seen, NULL));
}

static int swap_on(struct address_space *space __unused)
{
	device_init(&disk);
	int result = nth_outcome(add(&disk, SWAP_PRIORITY_DEFAULT));

	has_area = result == 0;
	if (result != 0)
		free(disk.bytes);
	return result;
}

/* What was on the area goes to memory, or stays where it is. */
static int swap_off(struct address_space *space)
{
	int result = swap_on(space);

	if (result != 0)
		return result;
	(void)take(space, BASE, BASE + COUNT * PAGE_SIZE);
	(void)swap_write_back(COUNT);
	result = swap_area_remove(&disk, NULL);
	if (result == 0) {
		free(disk.bytes);
		has_area = false;
	}
	return result;
}

static int bring_ahead(struct address_space *space)
{
	return vmm_madvise(space, BASE, COUNT * PAGE_SIZE, MADV_WILLNEED);
}

/* --- Other frames --- */

static int move_a_page(struct address_space *space)
{
	return nth_outcome(vmm_move_page(space, BASE + 5 * PAGE_SIZE, 0, true));
}

static int migrate(struct address_space *space)
{
	(void)vmm_migrate_nodes(space, 1, 1, true);
	return 0;
}

static int apply_policy(struct address_space *space)
{
	const struct mempolicy policy = {.mode = MPOL_BIND, .nodes = 1};

	return nth_outcome(
		vmm_apply_policy(space, BASE, BASE + COUNT * PAGE_SIZE, &policy, MPOL_MF_MOVE));
}

static int compact(struct address_space *space __unused)
{
	(void)compact_all();
	return 0;
}

/* --- Pins --- */

static int pin_some(struct address_space *space)
{
	phys_t frames[4];
	ssize_t pinned = vmm_pin(space, BASE + 5 * PAGE_SIZE, 4, true, frames);

	if (pinned < 0)
		return (int)pinned;
	vmm_unpin(frames, (size_t)pinned);
	return 0;
}

static int pin_and_fork(struct address_space *space)
{
	phys_t frames[4];
	ssize_t pinned = vmm_pin(space, BASE + 5 * PAGE_SIZE, 4, false, frames);

	if (pinned < 0)
		return (int)pinned;
	nth_made = vmm_copy_address_space(space);
	vmm_unpin(frames, (size_t)pinned);
	return nth_made != NULL ? 0 : -ENOMEM;
}

static int pin_file(struct address_space *space)
{
	phys_t frame;
	ssize_t pinned = vmm_pin(space, PRIVATE, 1, true, &frame);

	if (pinned < 0)
		return (int)pinned;
	vmm_unpin(&frame, 1);
	return 0;
}

/* --- Files --- */

static int read_file(struct address_space *space __unused)
{
	struct io_cursor cursor;
	u8 byte;

	io_cursor_init_kernel(&cursor, &byte, 1, IO_READ);
	return nth_outcome(page_cache_read(&memory.cache, &cursor, 0));
}

static int write_file(struct address_space *space __unused)
{
	struct io_cursor cursor;
	u8 byte = 3;

	io_cursor_init_kernel(&cursor, &byte, 1, IO_WRITE);
	return nth_outcome(page_cache_write(&file.cache, &cursor, 1000 * PAGE_SIZE));
}

static int allocate_file(struct address_space *space __unused)
{
	return page_cache_allocate(&file.cache, 0, 70 * PAGE_SIZE);
}

static int truncate_file(struct address_space *space __unused)
{
	page_cache_truncate(&memory.cache, FILE_COUNT * PAGE_SIZE - 1);
	return 0;
}

static int remove_from_file(struct address_space *space)
{
	int result = vmm_madvise(space, SHARED, PAGE_SIZE, MADV_REMOVE);

	return result == -EOPNOTSUPP ? 0 : result;
}

/* --- The other calls --- */

static int keep_the_old(struct address_space *space)
{
	return nth_outcome(vmm_mremap(space, BASE, COUNT * PAGE_SIZE, COUNT * PAGE_SIZE,
				      MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
}

static int duplicate_shared(struct address_space *space)
{
	return nth_outcome(vmm_mremap(space, SHARED, 0, PAGE_SIZE, MREMAP_MAYMOVE, 0));
}

static int protect_with_key(struct address_space *space)
{
	int key = vmm_key_alloc(space);

	if (key < 0)
		return key == -ENOSPC ? 0 : key;
	return vmm_key_protect(space, BASE + PAGE_SIZE, 5 * PAGE_SIZE, PROT_READ, key);
}

static int unlock(struct address_space *space)
{
	return vmm_munlock(space, BASE + PAGE_SIZE, 5 * PAGE_SIZE);
}

static int unlock_all(struct address_space *space)
{
	return vmm_munlockall(space);
}

static int look_in(struct address_space *space)
{
	u8 vector[COUNT];

	return vmm_mincore(space, BASE, COUNT * PAGE_SIZE, vector);
}

static int sync_file(struct address_space *space)
{
	return vmm_msync(space, SHARED, FILE_COUNT * PAGE_SIZE, MS_SYNC);
}

static int forget_written(struct address_space *space)
{
	return vmm_clear_written(space);
}

static int set_home(struct address_space *space)
{
	int result = vmm_set_home_node(space, BASE, BASE + PAGE_SIZE, 0);

	return result == -ENOENT ? 0 : result;
}

static int detach(struct address_space *space)
{
	return vmm_detach(space, SHARED, memory.backing.ops);
}

static int find_word(struct address_space *space)
{
	struct vm_word_key key;

	return vmm_word_key(space, SHARED, true, &key);
}

static int peer_write(struct address_space *space)
{
	u8 bytes[3 * PAGE_SIZE] = {0};
	ssize_t moved = vmm_access(space, ELSEWHERE, bytes, sizeof(bytes), VM_WRITE);

	/* What is not mapped is nobody's to write to. */
	assert_int_equal(moved, -EFAULT);
	moved = vmm_access(space, PRIVATE, bytes, 1, VM_READ);
	return moved == 1 ? 0 : -ENOMEM;
}

static int reserve_and_drop(struct address_space *space)
{
	vaddr_t at = vmm_alloc_virtual(space, 4 * PAGE_SIZE);

	if (at == 0)
		return -ENOMEM;
	vmm_free_virtual(space, at, 4 * PAGE_SIZE);
	return 0;
}

static int unmap_page(struct address_space *space)
{
	vmm_unmap_page(space, BASE + 5 * PAGE_SIZE);
	return 0;
}

static int map_growing(struct address_space *space)
{
	return nth_outcome(vmm_mmap(space, ELSEWHERE, PAGE_SIZE, RW,
				    ANON | MAP_GROWSDOWN | MAP_LOCKED, NULL, 0));
}

static int look_at_sharing(struct address_space *space)
{
	struct tree_node_info nodes[16];
	cow_stats_t stats;

	cow_get_stats(&stats);
	return vmm_describe_tree(space, nodes, ARRAY_SIZE(nodes)) != 0 ? 0 : -ENOMEM;
}

#define ADVICE(name, advice)                                                         \
	static int call_##name(struct address_space *space)                          \
	{                                                                            \
		return vmm_madvise(space, BASE + PAGE_SIZE, 12 * PAGE_SIZE, advice); \
	}
ADVICE(dodump, MADV_DODUMP)
ADVICE(dontdump, MADV_DONTDUMP)
ADVICE(dofork, MADV_DOFORK)
ADVICE(sequential, MADV_SEQUENTIAL)
ADVICE(pageout, MADV_PAGEOUT)
ADVICE(lazy, MADV_FREE)

static const struct nth_call calls[] = {
	{"swapping out", swap_out_some, NONE},
	{"swapping out what nobody shares", swap_out_some, IN_PARENT},
	{"swapping shared memory out", swap_out_shared, NONE},
	{"a read of a swapped page", swap_in_read, NONE},
	{"a write of a swapped page", swap_in_write, NONE},
	{"a read of a swapped page of shared memory", swap_in_shared, NONE},
	{"swapon", swap_on, NONE},
	{"swapoff", swap_off, IN_PARENT},
	{"MADV_WILLNEED of swapped pages", bring_ahead, NONE},
	{"MADV_PAGEOUT", call_pageout, IN_PARENT},
	{"MADV_FREE", call_lazy, IN_PARENT | GIVES_UP},
	{"moving a page", move_a_page, IN_PARENT},
	{"migrate_pages", migrate, NONE},
	{"mbind that moves", apply_policy, REMAPS},
	{"compaction", compact, NONE},
	{"pinning", pin_some, NONE},
	{"pinning, and fork", pin_and_fork, NONE},
	{"pinning a page of a private mapping", pin_file, NONE},
	{"read of shared memory", read_file, NONE},
	{"write beyond the end", write_file, NONE},
	{"fallocate", allocate_file, NONE},
	{"truncation", truncate_file, GIVES_UP},
	{"MADV_REMOVE", remove_from_file, GIVES_UP},
	{"MREMAP_DONTUNMAP", keep_the_old, NONE},
	{"mremap of nothing", duplicate_shared, NONE},
	{"pkey_mprotect", protect_with_key, NONE},
	{"munlock", unlock, REMAPS},
	{"munlockall", unlock_all, REMAPS},
	{"mincore", look_in, NONE},
	{"msync", sync_file, NONE},
	{"clear_refs", forget_written, NONE},
	{"set_mempolicy_home_node", set_home, NONE},
	{"shmdt", detach, NONE},
	{"the place of a futex", find_word, NONE},
	{"process_vm_readv", peer_write, NONE},
	{"reserved addresses", reserve_and_drop, NONE},
	{"a page that the kernel unmaps", unmap_page, GIVES_UP},
	{"a mapping that grows, locked", map_growing, REMAPS},
	{"looking at who shares what", look_at_sharing, NONE},
	{"MADV_DODUMP", call_dodump, NONE},
	{"MADV_DONTDUMP", call_dontdump, NONE},
	{"MADV_DOFORK", call_dofork, NONE},
	{"MADV_SEQUENTIAL", call_sequential, NONE},
};

static void test_10_pages_that_go_elsewhere(void **state __unused)
{
	const struct nth_world world = {make, check, end, BASE + 8 * PAGE_SIZE};

	nth_sweep(&world, calls, ARRAY_SIZE(calls));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_10_pages_that_go_elsewhere),
	};

	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm sweep of pages", tests, NULL, NULL);
}
