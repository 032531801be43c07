/* SPDX-License-Identifier: BSD-2-Clause */
/* Commitment: what counts as promised, and who is refused in which mode. */
#include "tests/host/mm/support.h"

#include "mm/commit.h"

enum { MEMORY = 32 * 1024 * 1024, KIB_OF_PAGE = PAGE_SIZE / 1024 };

static size_t memory_pages(void)
{
	return frame_get_total_memory() / PAGE_SIZE;
}

/* Strict mode with so many pages and no reserves. */
static void be_strict(size_t pages)
{
	commit_settings.mode = COMMIT_STRICT;
	commit_settings.kbytes = pages * KIB_OF_PAGE;
	commit_settings.admin_kbytes = 0;
	commit_settings.user_kbytes = 0;
}

static int be_heuristic(void **unused __unused)
{
	commit_settings = (struct commit_settings){
		.ratio = 50, .admin_kbytes = COMMIT_DEFAULT, .user_kbytes = COMMIT_DEFAULT};
	return 0;
}

static void what_may_be_written_is_promised(void **unused __unused)
{
	struct address_space *space = test_space();
	vaddr_t private = test_map(space, 8 * PAGE_SIZE);

	assert_int_equal(commit_total(), 8);
	long shared = vmm_mmap(space, 0, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
	assert_int_equal(commit_total(), 12);
	assert_true(vmm_mmap(space, 0, PAGE_SIZE, PROT_READ, ANON, NULL, 0) > 0);
	assert_true(vmm_mmap(space, 0, PAGE_SIZE, RW, ANON | MAP_NORESERVE, NULL, 0) > 0);
	assert_true(vmm_mmap(space, 0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
			     NULL, 0) > 0);
	assert_int_equal(commit_total(), 12);
	struct address_space *child = vmm_copy_address_space(space);
	assert_non_null(child);
	assert_int_equal(commit_total(), 20);
	assert_int_equal(vmm_munmap(space, private, 3 * PAGE_SIZE), 0);
	assert_int_equal(commit_total(), 17);
	assert_int_equal(vmm_munmap(space, (vaddr_t)shared, 4 * PAGE_SIZE), 0);
	assert_int_equal(commit_total(), 17);
	vmm_destroy_address_space(child);
	assert_int_equal(commit_total(), 5);
	test_space_end(space);
	assert_int_equal(commit_total(), 0);
}

static void only_the_impossible_is_refused_by_default(void **unused __unused)
{
	assert_int_equal(commit_check(NULL, memory_pages()), 0);
	assert_int_equal(commit_check(NULL, memory_pages() + 1), -ENOMEM);
	commit_account((s64)memory_pages());
	assert_int_equal(commit_check(NULL, memory_pages()), 0);
	commit_account(-(s64)memory_pages());
	commit_settings.mode = COMMIT_ALWAYS;
	assert_int_equal(commit_check(NULL, (size_t)1 << 40), 0);
}

static void strict_mode_keeps_the_sum(void **unused __unused)
{
	struct address_space *space = test_space();

	be_strict(100);
	assert_int_equal(commit_limit(), 100);
	vaddr_t most = test_map(space, 60 * PAGE_SIZE);
	assert_int_equal(vmm_mmap(space, 0, 41 * PAGE_SIZE, RW, ANON, NULL, 0), -ENOMEM);
	assert_int_equal(vmm_mmap(space, 0, 41 * PAGE_SIZE, RW, ANON | MAP_NORESERVE, NULL, 0),
			 -ENOMEM);
	assert_int_equal(
		vmm_mmap(space, 0, 41 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0),
		-ENOMEM);
	assert_int_equal(commit_check_fork(space), -ENOMEM);
	assert_int_equal(vmm_munmap(space, most, 20 * PAGE_SIZE), 0);
	assert_int_equal(commit_check_fork(space), 0);
	test_map(space, 60 * PAGE_SIZE);
	assert_int_equal(commit_check(space, 1), -ENOMEM);
	commit_settings.mode = COMMIT_HEURISTIC;
	assert_int_equal(commit_check_fork(space), 0);
	test_space_end(space);
}

static void becoming_writable_is_a_promise(void **unused __unused)
{
	struct address_space *space = test_space();

	be_strict(10);
	long result = vmm_mmap(space, 0, 20 * PAGE_SIZE, PROT_READ, ANON, NULL, 0);
	assert_true(result > 0);
	assert_int_equal(vmm_mprotect(space, (vaddr_t)result, 20 * PAGE_SIZE, RW), -ENOMEM);
	assert_int_equal(vmm_mprotect(space, (vaddr_t)result, 10 * PAGE_SIZE, RW), 0);
	assert_int_equal(commit_total(), 10);
	test_space_end(space);
}

static bool is_privileged;

static bool privileged(void)
{
	return is_privileged;
}

static void reserves_are_kept(void **unused __unused)
{
	struct address_space *space = test_space();

	commit_set_privilege_hook(privileged);
	be_strict(1000);
	commit_settings.admin_kbytes = 100 * KIB_OF_PAGE;
	is_privileged = false;
	assert_int_equal(commit_check(NULL, 900), 0);
	assert_int_equal(commit_check(NULL, 901), -ENOMEM);
	is_privileged = true;
	assert_int_equal(commit_check(NULL, 1000), 0);
	/* A large program leaves a 32nd of its size, up to the reserve. */
	commit_settings.user_kbytes = 10 * KIB_OF_PAGE;
	test_map(space, 160 * PAGE_SIZE);
	assert_int_equal(commit_check(space, 1000 - 160 - 5), 0);
	assert_int_equal(commit_check(space, 1000 - 160 - 4), -ENOMEM);
	test_map(space, 480 * PAGE_SIZE);
	assert_int_equal(commit_check(space, 1000 - 640 - 10), 0);
	assert_int_equal(commit_check(space, 1000 - 640 - 9), -ENOMEM);
	test_space_end(space);
	is_privileged = false;
}

static void the_ratio_is_of_memory(void **unused __unused)
{
	commit_settings.ratio = 80;
	assert_int_equal(commit_limit(), memory_pages() * 80 / 100);
	assert_int_equal(commit_admin_reserve(), frame_get_total_memory() / 1024 / 32);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_may_be_written_is_promised, be_heuristic),
		cmocka_unit_test_teardown(only_the_impossible_is_refused_by_default, be_heuristic),
		cmocka_unit_test_teardown(strict_mode_keeps_the_sum, be_heuristic),
		cmocka_unit_test_teardown(becoming_writable_is_a_promise, be_heuristic),
		cmocka_unit_test_teardown(reserves_are_kept, be_heuristic),
		cmocka_unit_test_teardown(the_ratio_is_of_memory, be_heuristic),
	};

	machine_start(MEMORY);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
