/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap: caches of objects, blocks of any size, mapped blocks; failures, tracking, and figures for people. */
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/checking.h"
#include "mm/kmalloc.h"
#include "mm/meminfo.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "tests/host/mm/death.h"
#include "tests/host/mm/support.h"

enum { MEMORY = 96 };

static size_t settled(void)
{
	slab_shrink_caches();
	return machine_frames_used();
}

static void blocks_are_aligned_as_asked(void **state __unused)
{
	for (size_t align = 1; align <= 16 * MIB; align *= 2) {
		for (size_t size = 1; size <= 2 * MIB; size = size * 5 + 3) {
			u8 *block = kmalloc_aligned(size, align);
			assert_non_null(block);
			assert_int_equal((vaddr_t)virt_to_phys(block) % align, 0);
			assert_true(kmalloc_size(block) >= size);
			memset(block, 1, size);
			kfree(block);
		}
	}
	assert_null(kmalloc_aligned(8, 0));
	assert_null(kmalloc_aligned(8, 24));
	assert_null(kmalloc_aligned(8, 32 * MIB));
	assert_null(kmalloc_aligned(SIZE_MAX, 64));
}

static void powers_of_two_are_aligned_by_themselves(void **state __unused)
{
	for (size_t size = 16; size <= MIB; size *= 2) {
		void *block = kmalloc(size);
		assert_int_equal(virt_to_phys(block) % size, 0);
		kfree(block);
	}
}

static void blocks_can_be_larger_than_the_largest_buddy(void **state __unused)
{
	size_t used = settled(), size = 16 * MIB + 1;
	u8 *block = kmalloc(size);

	assert_non_null(block);
	assert_int_equal(machine_frames_used(), used + 16 * MIB / PAGE_SIZE + 1);
	assert_int_equal(kmalloc_size(block), 16 * MIB + PAGE_SIZE);
	memset(block, 0x77, size);
	block = krealloc(block, 40 * MIB);
	assert_non_null(block);
	assert_int_equal(block[size - 1], 0x77);
	kfree(block);
	block = kzalloc(20 * MIB);
	assert_int_equal(block[20 * MIB - 1], 0);
	kfree(block);
	assert_int_equal(settled(), used);
	assert_null(kmalloc(MEMORY * MIB));
	assert_null(kmalloc(SIZE_MAX));
	assert_null(kmalloc(SIZE_MAX - PAGE_SIZE));
}

static void a_size_of_zero_gives_unique_pointers(void **state __unused)
{
	void *a = kmalloc(0), *b = kmalloc(0);

	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	kfree(a);
	kfree(b);
}

static void a_block_moves_only_when_it_must(void **state __unused)
{
	char *block = kmalloc(100);

	strscpy(block, "kept", 100);
	assert_ptr_equal(krealloc(block, 90), block);
	assert_ptr_equal(krealloc(block, 128), block);
	char *smaller = krealloc(block, 10);
	assert_string_equal(smaller, "kept");
	mm_checking.countdown = 1;
	assert_null(krealloc(smaller, 5000));
	assert_string_equal(smaller, "kept");
	/* Shrinking cannot fail. */
	smaller = krealloc(smaller, 5000);
	mm_checking.countdown = 1;
	assert_ptr_equal(krealloc(smaller, 10), smaller);
	mm_checking.countdown = 0;
	kfree(smaller);
}

static void overruns_of_a_block_are_caught(void **state __unused)
{
	u8 *block = kmalloc(100);

	/* Within the size class, but more than was asked for. */
	assert_dies({
		block[100] = 0;
		kfree(block);
	});
	assert_dies({
		block[90] = 1;
		block = krealloc(block, 90);
		block[90] = 1;
		kfree(block);
	});
	assert_dies({
		kfree(block);
		kfree(block);
	});
	assert_dies(kfree(block + 16));
	kfree(block);
	u8 *large = kmalloc(10000);
	assert_dies(kfree(large + PAGE_SIZE));
	assert_dies(kfree(large + 1));
	assert_dies({
		kfree(large);
		kfree(large);
	});
	kfree(large);
	u8 *mapped = vmalloc(10000);
	assert_dies(vfree(mapped + PAGE_SIZE));
	vfree(mapped);
}

/* --- Every entry point, with its first, second, … allocation failing. */

static void *from_kmalloc(void)
{
	return kmalloc(100);
}

static void *from_kmalloc_block(void)
{
	return kmalloc(10000);
}

static void *from_kmalloc_run(void)
{
	return kmalloc(20 * MIB);
}

static void *from_kzalloc(void)
{
	return kzalloc(300);
}

static void *from_kcalloc(void)
{
	return kcalloc(3, 100);
}

static void *from_kmalloc_aligned(void)
{
	return kmalloc_aligned(100, 512);
}

static void *from_krealloc(void)
{
	void *block = kmalloc(100);
	void *moved = block != NULL ? krealloc(block, 3000) : NULL;

	if (moved == NULL)
		kfree(block);
	return moved;
}

static void *from_kstrdup(void)
{
	return kstrdup("a string");
}

static void *from_kstrndup(void)
{
	return kstrndup("a string", 3);
}

static void *from_kmemdup(void)
{
	return kmemdup("a string", 4);
}

static void free_block(void *block)
{
	kfree(block);
}

static void *from_slab_cache_create(void)
{
	return slab_cache_create("test", 100, 0, NULL, NULL);
}

static void free_slab_cache(void *cache)
{
	slab_cache_destroy(cache);
}

static slab_cache_t *swept_cache;

static void *from_slab_alloc(void)
{
	return slab_alloc(swept_cache);
}

static void *from_slab_alloc_zeroed(void)
{
	return slab_alloc_zeroed(swept_cache);
}

static void free_object(void *object)
{
	slab_free(swept_cache, object);
}

static void *from_vmalloc(void)
{
	return vmalloc(5 * PAGE_SIZE);
}

static void *from_tracking(void)
{
	return mem_enable_tracking() == 0 ? &swept_cache : NULL;
}

static void end_tracking(void *unused __unused)
{
	mem_disable_tracking();
}

static void no_failure_leaks(void **state __unused)
{
	static const struct {
		const char *name;
		void *(*make)(void);
		void (*undo)(void *);
	} points[] = {
		{"kmalloc", from_kmalloc, free_block},
		{"kmalloc of a block", from_kmalloc_block, free_block},
		{"kmalloc of a run", from_kmalloc_run, free_block},
		{"kzalloc", from_kzalloc, free_block},
		{"kcalloc", from_kcalloc, free_block},
		{"kmalloc_aligned", from_kmalloc_aligned, free_block},
		{"krealloc", from_krealloc, free_block},
		{"kstrdup", from_kstrdup, free_block},
		{"kstrndup", from_kstrndup, free_block},
		{"kmemdup", from_kmemdup, free_block},
		{"slab_cache_create", from_slab_cache_create, free_slab_cache},
		{"slab_alloc", from_slab_alloc, free_object},
		{"slab_alloc_zeroed", from_slab_alloc_zeroed, free_object},
		{"vmalloc", from_vmalloc, vfree},
		{"mem_enable_tracking", from_tracking, end_tracking},
	};

	swept_cache = slab_cache_create("swept", 500, 0, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		/* Once for what stays: tables, descriptors, magazines. */
		points[i].undo(points[i].make());
		for (u64 nth = 1;; nth++) {
			size_t used = settled(), mapped = vmalloc_used();
			mm_checking.countdown = nth;
			void *result = points[i].make();
			bool reached = mm_checking.countdown == 0;
			mm_checking.countdown = 0;
			if (result != NULL)
				points[i].undo(result);
			if (settled() > used || vmalloc_used() != mapped)
				fail_msg("%s leaks when allocation %u fails", points[i].name,
					 (unsigned)nth);
			if (!reached) {
				if (result == NULL)
					fail_msg("%s fails by itself", points[i].name);
				break;
			}
		}
	}
	slab_cache_destroy(swept_cache);
}

/* What is made stays: device registers are mapped for ever, stacks are kept. */
static void mappings_that_fail_can_be_tried_again(void **state __unused)
{
	vaddr_t stack = (vaddr_t)kernel_stack_alloc();

	for (u64 nth = 1; nth <= 4; nth++) {
		mm_checking.countdown = nth;
		void *failed = kernel_stack_alloc();
		mm_checking.countdown = 0;
		assert_null(failed);
		mm_checking.countdown = nth;
		/* Far enough on for a table of its own. */
		volatile char *registers = mmio_map(0x100000000 + 5, 2 * MIB);
		mm_checking.countdown = 0;
		if (registers == NULL)
			registers = mmio_map(0x100000000 + 5, 2 * MIB);
		assert_int_equal((vaddr_t)registers % PAGE_SIZE, 5);
	}
	void *other = kernel_stack_alloc();
	assert_non_null(other);
	kernel_stack_free(other);
	kernel_stack_free((void *)stack);
}

static void tracking_counts_what_is_not_freed(void **state __unused)
{
	void *before = kmalloc(100), *blocks[20];

	/* vmalloc keeps its descriptors: they are there then. */
	for (int i = 0; i < 10; i++)
		blocks[i] = vmalloc(100);
	for (int i = 0; i < 10; i++)
		vfree(blocks[i]);
	assert_int_equal(mem_check_leaks(), 0);
	assert_int_equal(mem_enable_tracking(), 0);
	assert_int_equal(mem_check_leaks(), 0);
	for (int i = 0; i < 20; i++)
		blocks[i] = i % 2 ? kmalloc(10 + i * 500) : vmalloc(100);
	assert_int_equal(mem_check_leaks(), 20);
	kfree(before);
	assert_int_equal(mem_check_leaks(), 20);
	for (int i = 0; i < 20; i++) {
		if (i % 2)
			kfree(blocks[i]);
		else
			vfree(blocks[i]);
		assert_int_equal(mem_check_leaks(), 19 - i);
	}
	/* Again, afresh. */
	blocks[0] = kmalloc(1);
	assert_int_equal(mem_enable_tracking(), 0);
	blocks[1] = krealloc(NULL, 1);
	blocks[1] = krealloc(blocks[1], 1000);
	kfree(blocks[0]);
	assert_int_equal(mem_check_leaks(), 1);
	kfree(blocks[1]);
	mem_disable_tracking();
	assert_int_equal(mem_check_leaks(), 0);
}

/* More blocks than there are records: the rest is not counted, and nothing else happens. */
static void tracking_survives_a_full_table(void **state __unused)
{
	enum { MANY = 20000 };
	static void *blocks[MANY];

	assert_int_equal(mem_enable_tracking(), 0);
	for (int i = 0; i < MANY; i++)
		blocks[i] = kmalloc(16);
	ssize_t most = mem_check_leaks();
	assert_true(most > 10000 && most < MANY);
	for (int i = 0; i < MANY; i++)
		kfree(blocks[i]);
	assert_int_equal(mem_check_leaks(), 0);
	mem_disable_tracking();
}

static struct address_space *found_space;

static struct address_space *find_space(pid_t pid)
{
	return pid == 7 ? vmm_get_address_space(found_space) : NULL;
}

static void figures_of_a_process_are_those_of_its_space(void **state __unused)
{
	struct address_space *space = test_space();
	proc_meminfo_t info;

	assert_int_equal(get_proc_meminfo(7, &info), -ESRCH);
	found_space = space;
	meminfo_set_process_lookup(find_space);
	vaddr_t memory = test_map(space, 10 * PAGE_SIZE);
	assert_writes(memory, 1);
	assert_writes(memory + PAGE_SIZE, 1);
	assert_int_equal(get_proc_meminfo(7, &info), 0);
	assert_int_equal(info.virtual_size, 10 * PAGE_SIZE);
	assert_true(info.resident >= 2 * PAGE_SIZE && info.resident <= info.virtual_size);
	assert_int_equal(info.shared, 0);
	assert_int_equal(get_proc_meminfo(8, &info), -ESRCH);
	meminfo_set_process_lookup(NULL);
	test_space_end(space);
}

static void summaries_can_be_printed(void **state __unused)
{
	mem_dump("0123456789abcdefg\x01\xff", 19);
	mem_dump("", 0);
	mem_print_stats();
}

static int constructed, destructed;

static void construct(void *object)
{
	*(u64 *)object = 0xc0ffee;
	constructed++;
}

static void destruct(void *object __unused)
{
	destructed++;
}

static void slab_objects_stay_constructed(void **state __unused)
{
	size_t used = machine_frames_used();
	slab_cache_t *cache = slab_cache_create("test", 200, 64, construct, destruct);
	void *objects[100];

	for (int i = 0; i < 100; i++) {
		objects[i] = slab_alloc(cache);
		assert_int_equal((uintptr_t)objects[i] % 64, 0);
		assert_int_equal(*(u64 *)objects[i], 0xc0ffee);
	}
	for (int i = 0; i < 100; i++)
		slab_free(cache, objects[i]);
	slab_cache_destroy(cache);
	assert_true(constructed >= 100);
	assert_int_equal(constructed, destructed);
	slab_shrink_caches();
	assert_true(machine_frames_used() <= used + 2);
}

static void kmalloc_of_every_size_keeps_its_content(void **state __unused)
{
	static struct {
		u8 *block;
		size_t size;
	} blocks[256];

	for (int round = 0; round < 50000; round++) {
		u64 i = next_random() % 256;
		if (blocks[i].block != NULL) {
			assert_int_equal(blocks[i].block[0], (u8)i);
			assert_int_equal(blocks[i].block[blocks[i].size - 1], (u8)i);
			kfree(blocks[i].block);
			blocks[i].block = NULL;
			continue;
		}
		blocks[i].size = 1 + next_random() % (next_random() % 16 == 0 ? 20000 : 2200);
		blocks[i].block = kmalloc(blocks[i].size);
		assert_non_null(blocks[i].block);
		assert_int_equal((uintptr_t)blocks[i].block % 16, 0);
		assert_true(kmalloc_size(blocks[i].block) >= blocks[i].size);
		memset(blocks[i].block, (int)i, blocks[i].size);
	}
	for (int i = 0; i < 256; i++)
		kfree(blocks[i].block);
	kfree(NULL);
	assert_null(kmalloc(MEMORY * MIB));
	assert_null(kcalloc(SIZE_MAX / 2, 3));
}

static void krealloc_keeps_the_content(void **state __unused)
{
	u8 *block = krealloc(NULL, 10);

	memset(block, 7, 10);
	for (size_t size = 10; size < 100000; size = size * 3 / 2) {
		block = krealloc(block, size);
		assert_non_null(block);
		for (int i = 0; i < 10; i++)
			assert_int_equal(block[i], 7);
	}
	block = krealloc(block, 10);
	assert_int_equal(block[9], 7);
	kfree(block);
	char *text = kstrndup("abcdef", 3);
	assert_string_equal(text, "abc");
	kfree(text);
}

static void vmalloc_blocks_are_mapped_and_guarded(void **state __unused)
{
	size_t before = vmalloc_used();
	vaddr_t block = (vaddr_t)vmalloc(5 * PAGE_SIZE + 1);

	for (int page = 0; page < 6; page++)
		assert_true(paging_get_physical(block + page * PAGE_SIZE + 5) % PAGE_SIZE == 5);
	assert_int_equal(paging_get_physical(block - 1), 0);
	assert_int_equal(paging_get_physical(block + 6 * PAGE_SIZE), 0);
	assert_int_equal(vmalloc_used(), before + 6 * PAGE_SIZE);
	vfree((void *)block);
	assert_int_equal(paging_get_physical(block), 0);
	assert_int_equal(vmalloc_used(), before);
	assert_int_equal((vaddr_t)vmalloc(7 * PAGE_SIZE), block);
	vfree((void *)block);

	void *stack = kernel_stack_alloc();
	assert_int_equal(paging_get_physical((vaddr_t)stack - 1), 0);
	kernel_stack_free(stack);
	assert_ptr_equal(kernel_stack_alloc(), stack);
	kernel_stack_free(stack);
}

static void a_failing_vmalloc_leaks_nothing(void **state __unused)
{
	vfree(vmalloc(20 * PAGE_SIZE)); /* the tables and the block's descriptor are there now */
	size_t used = machine_frames_used();

	for (u64 nth = 1; nth <= 20; nth++) {
		mm_checking.countdown = nth;
		assert_null(vmalloc(20 * PAGE_SIZE));
		assert_int_equal(machine_frames_used(), used);
	}
	mm_checking.countdown = 0;
}

static int start(void **state __unused)
{
	machine_start(MEMORY * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slab_objects_stay_constructed),
		cmocka_unit_test(kmalloc_of_every_size_keeps_its_content),
		cmocka_unit_test(krealloc_keeps_the_content),
		cmocka_unit_test(vmalloc_blocks_are_mapped_and_guarded),
		cmocka_unit_test(a_failing_vmalloc_leaks_nothing),
		cmocka_unit_test(blocks_are_aligned_as_asked),
		cmocka_unit_test(powers_of_two_are_aligned_by_themselves),
		cmocka_unit_test(blocks_can_be_larger_than_the_largest_buddy),
		cmocka_unit_test(a_size_of_zero_gives_unique_pointers),
		cmocka_unit_test(a_block_moves_only_when_it_must),
		cmocka_unit_test(overruns_of_a_block_are_caught),
		cmocka_unit_test(no_failure_leaks),
		cmocka_unit_test(mappings_that_fail_can_be_tried_again),
		cmocka_unit_test(tracking_counts_what_is_not_freed),
		cmocka_unit_test(tracking_survives_a_full_table),
		cmocka_unit_test(figures_of_a_process_are_those_of_its_space),
		cmocka_unit_test(summaries_can_be_printed),
	};

	return cmocka_run_group_tests_name("mm heap", tests, start, NULL);
}
