/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nth allocation fails in what is done for faults that a program resolves itself (userfault.h):
 * registering, filling, protecting, and changes that are told.  While somebody waits for an answer
 * the test's monitor reads it, and gives it.
 */
#include "tests/host/mm/nth.h"

#include "mm/hugetlb.h"
#include "mm/region.h"
#include "mm/userfault.h"

enum { PAGES = 8, THERE = 2, HUGE_PAGES = PTES_PER_TABLE };

/* Across the boundary of a leaf; the first pages are there.  The file's likewise. */
static const vaddr_t MEMORY = 0x40000000 - 4 * PAGE_SIZE, FILE_AT = 0x40000000 + 64 * PAGE_SIZE;
static const vaddr_t SOURCE = 0x50000000, PLAIN = 0x60000000 - 4 * PAGE_SIZE,
		     ELSEWHERE = 0x200000000000;
/* Two huge pages of the pool, none of them there: private, and shared. */
static const vaddr_t POOLED = (vaddr_t)2 << 32, POOLED_SHARED = (vaddr_t)3 << 32;
enum { BLOCKS = 3, HUGE_MAP = MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE | MAP_FIXED };

static struct test_file file;
static struct userfault *userfault;
static struct address_space *owner;
static bool huge; /* what registering says */

static ssize_t fill(vaddr_t at, size_t pages, int how, bool protect)
{
	const struct userfault_fill call = {.how = how,
					    .start = at,
					    .length = pages * PAGE_SIZE,
					    .source = SOURCE,
					    .protect = protect};

	return userfault_fill(userfault, owner, &call);
}

/* Answers as well as it can: without memory, nobody is asked any more. */
static void answer(const struct linux_uffd_msg *message)
{
	vaddr_t page = ALIGN_DOWN(message->pagefault.address, PAGE_SIZE);
	int result = 0;

	if (message->pagefault.flags & UFFD_PAGEFAULT_FLAG_WP)
		result = userfault_protect(userfault, owner, page, page + PAGE_SIZE, false);
	else if (message->pagefault.flags & UFFD_PAGEFAULT_FLAG_MINOR)
		result = (int)fill(page, 1, FILL_CONTINUE, false);
	else
		result = (int)fill(page, 1, FILL_COPY, false);
	if (result < 0)
		assert_int_equal(result, -ENOMEM);
	userfault_wake(userfault, page, PAGE_SIZE);
}

static void monitor(void)
{
	struct linux_uffd_msg message;
	struct userfault *forked;

	while (userfault_next(userfault, &message, &forked)) {
		if (forked != NULL) {
			userfault_close(forked);
			userfault_put(forked);
		}
		if (message.event == UFFD_EVENT_PAGEFAULT)
			answer(&message);
	}
}

static void map(struct address_space *space, vaddr_t at, size_t pages, u32 flags,
		struct backing *backing)
{
	assert_int_equal(vmm_mmap(space, at, pages * PAGE_SIZE, RW, flags | MAP_FIXED, backing, 0),
			 at);
}

static void map_pooled(vaddr_t at, u32 flags)
{
	assert_int_equal(vmm_mmap(owner, at, 2 * HUGE_SIZE, RW, flags | HUGE_MAP, NULL, 0), at);
	assert_int_equal(userfault_register(userfault, owner, at, at + 2 * HUGE_SIZE,
					    REGION_WATCH_MISSING | REGION_WATCH_WRITES, &huge),
			 0);
	assert_true(huge);
}

static struct address_space *make(void)
{
	owner = test_space();
	test_file_init(&file, THERE * PAGE_SIZE, 5, true);
	file.cache.shared_memory = true;
	page_cache_truncate(&file.cache, PAGES * PAGE_SIZE);
	map(owner, MEMORY, PAGES, ANON, NULL);
	map(owner, PLAIN, PAGES, ANON, NULL);
	map(owner, SOURCE, HUGE_PAGES, ANON, NULL);
	map(owner, FILE_AT, PAGES, MAP_SHARED, &file.backing);
	for (int page = 0; page < PAGES; page++) {
		assert_writes(SOURCE + page * PAGE_SIZE, 42);
		assert_writes(PLAIN + page * PAGE_SIZE, page + 1);
	}
	for (int page = 0; page < THERE; page++)
		assert_writes(MEMORY + page * PAGE_SIZE, page + 1);
	userfault = userfault_create(owner, false);
	assert_non_null(userfault);
	userfault->features = USERFAULT_READY | UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
			      UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;
	assert_int_equal(userfault_register(userfault, owner, MEMORY, MEMORY + PAGES * PAGE_SIZE,
					    REGION_WATCH_MISSING | REGION_WATCH_WRITES, &huge),
			 0);
	assert_int_equal(userfault_register(userfault, owner, FILE_AT, FILE_AT + PAGES * PAGE_SIZE,
					    REGION_WATCH, &huge),
			 0);
	map_pooled(POOLED, MAP_PRIVATE);
	map_pooled(POOLED_SHARED, MAP_SHARED);
	machine_sleeper = monitor;
	return owner;
}

/* The same, and somebody shares the tables of what is not registered. */
static struct address_space *make_and_fork(void)
{
	(void)make();
	nth_made = vmm_copy_address_space(owner);
	assert_non_null(nth_made);
	return owner;
}

static void check(void)
{
	for (int page = 0; page < PAGES; page++) {
		assert_reads(PLAIN + page * PAGE_SIZE, page + 1);
		assert_reads(MEMORY + page * PAGE_SIZE, page < THERE ? page + 1 : 42);
	}
	for (int page = 0; page < THERE; page++)
		assert_reads(FILE_AT + page * PAGE_SIZE, test_byte(5, (u64)page * PAGE_SIZE));
}

static void end(void)
{
	struct hugetlb_stats stats;

	userfault_close(userfault);
	userfault_put(userfault);
	test_file_destroy(&file);
	machine_sleeper = NULL;
	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_int_equal(stats.free, BLOCKS);
	assert_int_equal(stats.reserved, 0);
}

/* --- The calls --- */

static int create(struct address_space *space)
{
	struct userfault *other = userfault_create(space, false);

	if (other == NULL)
		return -ENOMEM;
	userfault_close(other);
	userfault_put(other);
	return 0;
}

static int watch(struct address_space *space)
{
	return userfault_register(userfault, space, PLAIN + PAGE_SIZE, PLAIN + 6 * PAGE_SIZE,
				  REGION_WATCH_MISSING | REGION_WATCH_WRITES, &huge);
}

static int unwatch(struct address_space *space)
{
	return userfault_unregister(space, MEMORY + PAGE_SIZE, MEMORY + 6 * PAGE_SIZE);
}

static int copy(struct address_space *space __unused)
{
	return nth_outcome(fill(MEMORY + THERE * PAGE_SIZE, 4, FILL_COPY, false));
}

static int copy_protected(struct address_space *space __unused)
{
	return nth_outcome(fill(MEMORY + 5 * PAGE_SIZE, 1, FILL_COPY, true));
}

static int zero(struct address_space *space __unused)
{
	return nth_outcome(fill(MEMORY + 5 * PAGE_SIZE, 1, FILL_ZERO, false));
}

static int copy_to_file(struct address_space *space __unused)
{
	return nth_outcome(fill(FILE_AT + 3 * PAGE_SIZE, 1, FILL_COPY, false));
}

static int zero_file(struct address_space *space __unused)
{
	return nth_outcome(fill(FILE_AT + 3 * PAGE_SIZE, 1, FILL_ZERO, false));
}

static int go_on(struct address_space *space __unused)
{
	return nth_outcome(fill(FILE_AT, THERE, FILL_CONTINUE, false));
}

static int protect(struct address_space *space)
{
	return userfault_protect(userfault, space, MEMORY, MEMORY + PAGES * PAGE_SIZE, true);
}

static int copy_pooled(struct address_space *space __unused)
{
	return nth_outcome(fill(POOLED, HUGE_PAGES, FILL_COPY, false));
}

static int copy_pooled_protected(struct address_space *space __unused)
{
	return nth_outcome(fill(POOLED + HUGE_SIZE, HUGE_PAGES, FILL_COPY, true));
}

static int no_space(int result)
{
	return result == -ENOSPC ? -ENOMEM : result;
}

static int copy_pooled_shared(struct address_space *space __unused)
{
	return no_space(nth_outcome(fill(POOLED_SHARED, HUGE_PAGES, FILL_COPY, true)));
}

static int protect_pooled(struct address_space *space)
{
	return userfault_protect(userfault, space, POOLED, POOLED + 2 * HUGE_SIZE, true);
}

static int protect_file(struct address_space *space)
{
	return userfault_protect(userfault, space, FILE_AT, FILE_AT + PAGES * PAGE_SIZE, true);
}

static int write_to_protected_file(struct address_space *space)
{
	int result = protect_file(space);

	return result != 0 ? result : nth_touched(program_write(FILE_AT, 1, NULL));
}

static int wait_for_a_page(struct address_space *space __unused)
{
	u8 seen;

	return nth_touched(program_read(MEMORY + 6 * PAGE_SIZE, &seen, NULL));
}

static int wait_for_a_write(struct address_space *space)
{
	int result = protect(space);

	return result != 0 ? result : nth_touched(program_write(MEMORY, 1, NULL));
}

static int wait_for_a_minor_fault(struct address_space *space __unused)
{
	u8 seen;

	return nth_touched(program_read(FILE_AT, &seen, NULL));
}

static int tell_fork(struct address_space *space)
{
	nth_made = vmm_copy_address_space(space);
	return nth_made != NULL ? 0 : -ENOMEM;
}

static int tell_move(struct address_space *space)
{
	return nth_outcome(vmm_mremap(space, MEMORY + PAGE_SIZE, 4 * PAGE_SIZE, 4 * PAGE_SIZE,
				      MREMAP_MAYMOVE | MREMAP_FIXED, ELSEWHERE));
}

static int tell_unmap(struct address_space *space)
{
	return vmm_munmap(space, MEMORY + PAGE_SIZE, 4 * PAGE_SIZE);
}

static int tell_drop(struct address_space *space)
{
	return vmm_madvise(space, MEMORY, 4 * PAGE_SIZE, MADV_DONTNEED);
}

static int close_it(struct address_space *space __unused)
{
	userfault_close(userfault);
	return 0;
}

static const struct nth_call calls[] = {
	{"userfaultfd", create, IN_PARENT},
	{"UFFDIO_REGISTER", watch, IN_PARENT | REMAPS},
	{"UFFDIO_UNREGISTER", unwatch, IN_PARENT | REMAPS},
	{"UFFDIO_COPY", copy, IN_PARENT},
	{"UFFDIO_COPY, protected", copy_protected, IN_PARENT},
	{"UFFDIO_ZEROPAGE", zero, IN_PARENT},
	{"UFFDIO_COPY to a file", copy_to_file, IN_PARENT},
	{"UFFDIO_ZEROPAGE to a file", zero_file, IN_PARENT},
	{"UFFDIO_CONTINUE", go_on, IN_PARENT},
	{"UFFDIO_WRITEPROTECT", protect, IN_PARENT},
	{"UFFDIO_WRITEPROTECT of a file", protect_file, IN_PARENT},
	{"a protected page of a file", write_to_protected_file, IN_PARENT},
	{"UFFDIO_COPY of a huge page", copy_pooled, IN_PARENT},
	{"UFFDIO_COPY of a huge page, protected", copy_pooled_protected, IN_PARENT},
	{"UFFDIO_COPY to a file of huge pages", copy_pooled_shared, IN_PARENT},
	{"UFFDIO_WRITEPROTECT of huge pages", protect_pooled, IN_PARENT},
	{"a missing page", wait_for_a_page, IN_PARENT},
	{"a protected page", wait_for_a_write, IN_PARENT},
	{"a minor fault", wait_for_a_minor_fault, IN_PARENT},
	{"fork that is told", tell_fork, IN_PARENT},
	{"mremap that is told", tell_move, IN_PARENT},
	{"munmap that is told", tell_unmap, IN_PARENT},
	{"MADV_DONTNEED that is told", tell_drop, IN_PARENT | GIVES_UP},
	{"close", close_it, IN_PARENT | GIVES_UP},
};

static const struct nth_call shared_calls[] = {
	{"UFFDIO_REGISTER of shared tables", watch, IN_PARENT | REMAPS},
	{"UFFDIO_COPY beside them", copy, IN_PARENT},
	{"a missing page beside them", wait_for_a_page, IN_PARENT},
	{"mremap beside them", tell_move, IN_PARENT},
};

static void test_10_faults_of_programs(void **state __unused)
{
	const struct nth_world world = {make, check, end, PLAIN};

	nth_sweep(&world, calls, ARRAY_SIZE(calls));
}

static void test_10_faults_of_programs_that_have_forked(void **state __unused)
{
	const struct nth_world world = {make_and_fork, check, end, PLAIN};

	nth_sweep(&world, shared_calls, ARRAY_SIZE(shared_calls));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_10_faults_of_programs),
		cmocka_unit_test(test_10_faults_of_programs_that_have_forked),
	};

	machine_start(64 * MIB);
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, BLOCKS);
	return cmocka_run_group_tests_name("mm sweep of userfaults", tests, NULL, NULL);
}
