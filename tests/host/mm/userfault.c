/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that a program resolves itself.  While somebody sleeps, the test's monitor runs in his
 * place: it reads the messages and answers them.
 */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/hugetlb.h"
#include "mm/migrate.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/tree_check.h"
#include "mm/userfault.h"

enum { PAGES = 8 };

static struct address_space *space;
static struct userfault *userfault;
static vaddr_t memory, source;
static struct userfault *forked;
static struct linux_uffd_msg last, moved; /* messages: the last, and that of a mremap */
static u32 messages;
static bool huge;
static bool fills; /* the monitor answers faults with a page; else it only reads */

static vaddr_t page_at(int page)
{
	return memory + (vaddr_t)page * PAGE_SIZE;
}

static ssize_t fill(vaddr_t at, int how, bool protect)
{
	const struct userfault_fill call = {
		.how = how, .start = at, .length = PAGE_SIZE, .source = source, .protect = protect};

	return userfault_fill(userfault, space, &call);
}

static void answer_fault(void)
{
	vaddr_t page = ALIGN_DOWN(last.pagefault.address, PAGE_SIZE);

	if (last.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP)
		assert_int_equal(userfault_protect(userfault, space, page, page + PAGE_SIZE, false),
				 0);
	else
		assert_int_equal(fill(page, FILL_COPY, false), PAGE_SIZE);
	userfault_wake(userfault, page, PAGE_SIZE);
}

static void monitor(void)
{
	struct userfault *child;

	assert_true(userfault_has_messages(userfault));
	while (userfault_next(userfault, &last, &child)) {
		messages++;
		if (child != NULL)
			forked = child;
		if (last.event == UFFD_EVENT_REMAP)
			moved = last;
		if (last.event == UFFD_EVENT_PAGEFAULT && fills)
			answer_fault();
	}
}

static int begin(void **state)
{
	test_remember_frames(state);
	space = test_space();
	memory = test_map(space, PAGES * PAGE_SIZE);
	source = test_map(space, PAGE_SIZE);
	assert_writes(source, 42);
	userfault = userfault_create(space, false);
	assert_non_null(userfault);
	messages = 0;
	fills = true;
	machine_sleeper = monitor;
	return 0;
}

static void watch(u32 features, u32 what)
{
	userfault->features = features | USERFAULT_READY;
	assert_int_equal(userfault_register(userfault, space, memory, page_at(PAGES), what, &huge),
			 0);
}

static int end(void **state)
{
	machine_check_tlbs();
	tree_check(space->family, true);
	userfault_close(userfault);
	userfault_put(userfault);
	test_space_end(space);
	machine_sleeper = NULL;
	return test_check_frames(state);
}

static void a_missing_page_is_asked_for(void **state __unused)
{
	watch(UFFD_FEATURE_EXACT_ADDRESS, REGION_WATCH_MISSING);
	assert_reads(page_at(1), 42);
	assert_int_equal(messages, 1);
	assert_int_equal(last.pagefault.address, page_at(1));
	assert_writes(page_at(2), 3);
	assert_int_equal(messages, 2);
	assert_true(last.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE);
	assert_reads(page_at(1), 42);
	assert_int_equal(messages, 2);
	assert_int_equal(fill(page_at(3), FILL_ZERO, false), PAGE_SIZE);
	assert_reads(page_at(3), 0);
	assert_writes(page_at(3), 1);
	assert_int_equal(messages, 2);
	assert_int_equal(fill(page_at(3), FILL_COPY, false), -EEXIST);
	assert_int_equal(fill(page_at(3), FILL_ZERO, false), -EEXIST);
	assert_int_equal(fill(page_at(4), FILL_CONTINUE, false), -EINVAL);
	assert_int_equal(fill(page_at(4), FILL_COPY, true), -EINVAL);
	assert_int_equal(fill(source, FILL_COPY, false), -ENOENT);
	assert_int_equal(userfault_protect(userfault, space, memory, page_at(1), true), -ENOENT);
	assert_int_equal(userfault_unregister(space, memory, page_at(PAGES)), 0);
	assert_reads(page_at(5), 0);
	assert_int_equal(messages, 2);
}

static void a_write_to_a_marked_page_is_asked_for(void **state __unused)
{
	assert_writes(page_at(0), 1);
	watch(0, REGION_WATCH_MISSING | REGION_WATCH_WRITES);
	assert_int_equal(userfault_protect(userfault, space, memory, page_at(PAGES), true), 0);
	assert_reads(page_at(0), 1);
	assert_int_equal(messages, 0);
	assert_writes(page_at(0), 2);
	assert_int_equal(messages, 1);
	assert_true(last.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
	assert_reads(page_at(0), 2);
	assert_int_equal(fill(page_at(1), FILL_COPY, true), PAGE_SIZE);
	assert_reads(page_at(1), 42);
	assert_int_equal(messages, 1);
	assert_writes(page_at(1), 5);
	assert_int_equal(messages, 2);
	assert_reads(page_at(1), 5);
}

static void a_program_may_have_signals_instead(void **state __unused)
{
	watch(UFFD_FEATURE_SIGBUS, REGION_WATCH_MISSING);
	assert_read_faults(page_at(1), SIGBUS, BUS_ADRERR);
	assert_int_equal(fill(page_at(1), FILL_COPY, false), PAGE_SIZE);
	assert_reads(page_at(1), 42);
	assert_int_equal(messages, 0);
}

static void changes_are_told(void **state __unused)
{
	watch(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |
		      UFFD_FEATURE_EVENT_UNMAP,
	      REGION_WATCH_MISSING);
	assert_writes(page_at(0), 1);
	struct address_space *child = vmm_copy_address_space(space);
	assert_int_equal(last.event, UFFD_EVENT_FORK);
	assert_non_null(forked);
	tree_check(space->family, true);
	userfault_close(forked);
	userfault_put(forked);
	vmm_put_address_space(child);
	assert_int_equal(vmm_madvise(space, memory, PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(last.event, UFFD_EVENT_REMOVE);
	assert_int_equal(last.range.start, memory);
	assert_reads(memory, 42);
	vaddr_t to = 0x200000000000;
	assert_int_equal(vmm_mremap(space, page_at(4), 2 * PAGE_SIZE, 2 * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, to),
			 to);
	assert_int_equal(moved.event, UFFD_EVENT_REMAP);
	assert_int_equal(moved.remap.from, page_at(4));
	assert_int_equal(moved.remap.to, to);
	/* Where it was, nothing is any more: that is told, too. */
	assert_int_equal(last.event, UFFD_EVENT_UNMAP);
	assert_int_equal(last.range.start, page_at(4));
	assert_int_equal(vmm_munmap(space, page_at(6), PAGE_SIZE), 0);
	assert_int_equal(last.event, UFFD_EVENT_UNMAP);
	assert_int_equal(last.range.end, page_at(7));
}

static void without_the_feature_a_child_has_no_registration(void **state __unused)
{
	watch(0, REGION_WATCH_MISSING);
	assert_writes(page_at(0), 7);
	struct address_space *child = vmm_copy_address_space(space);
	assert_int_equal(messages, 1);
	vmm_switch_address_space(child);
	assert_reads(page_at(0), 7);
	assert_reads(page_at(1), 0);
	assert_int_equal(messages, 1);
	tree_check(space->family, true);
	vmm_switch_address_space(space);
	vmm_put_address_space(child);
	assert_reads(page_at(1), 42);
	assert_int_equal(messages, 2);
}

static void pages_of_memory_files_are_asked_for(void **state __unused)
{
	static struct test_file file;

	test_file_init(&file, 2 * PAGE_SIZE, 5, true);
	file.cache.shared_memory = true;
	page_cache_truncate(&file.cache, 4 * PAGE_SIZE);
	vaddr_t at = (vaddr_t)vmm_mmap(space, 0, 4 * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	userfault->features = USERFAULT_READY;
	int result = userfault_register(userfault, space, at, at + 4 * PAGE_SIZE,
					REGION_WATCH_MISSING | REGION_WATCH_MINOR, &huge);
	if (result == 0) {
		assert_int_equal(fill(at, FILL_CONTINUE, false), PAGE_SIZE);
		assert_reads(at, test_byte(5, 0));
		assert_int_equal(fill(at + 3 * PAGE_SIZE, FILL_COPY, false), PAGE_SIZE);
		assert_reads(at + 3 * PAGE_SIZE, 42);
		assert_int_equal(fill(at + 2 * PAGE_SIZE, FILL_CONTINUE, false), -EFAULT);
		assert_reads(at + 2 * PAGE_SIZE, 42);
		assert_int_equal(messages, 1);
	}
	assert_int_equal(result, 0);
	assert_int_equal(vmm_munmap(space, at, 4 * PAGE_SIZE), 0);
	test_file_destroy(&file);
}

/* A file of four pages, the first two there, mapped and watched for writes. */
static vaddr_t watch_file(struct test_file *file, u32 flags)
{
	test_file_init(file, 2 * PAGE_SIZE, 5, true);
	file->cache.shared_memory = true;
	page_cache_truncate(&file->cache, 4 * PAGE_SIZE);
	vaddr_t at = (vaddr_t)vmm_mmap(space, 0, 4 * PAGE_SIZE, RW, flags, &file->backing, 0);
	userfault->features = USERFAULT_READY;
	assert_int_equal(userfault_register(userfault, space, at, at + 4 * PAGE_SIZE,
					    REGION_WATCH_WRITES, &huge),
			 0);
	return at;
}

static bool always(struct migration *migration __unused, phys_t frame __unused,
		   vaddr_t page __unused, struct frame_placement *to)
{
	*to = (struct frame_placement){.nodes = ~(u64)0, .first = FRAME_NODE_LOCAL};
	return true;
}

/* Whether they are there or not, and whatever becomes of them meanwhile. */
static void protected_pages_of_files_stay_so(void **state __unused)
{
	enum { NOTHING, DROP, RECLAIM, PUNCH, HIDE, MOVE, WAYS };

	for (int way = NOTHING; way < WAYS; way++) {
		static struct test_file file;
		vaddr_t at = watch_file(&file, way % 2 == 0 ? MAP_SHARED : MAP_PRIVATE);
		vaddr_t end = at + 4 * PAGE_SIZE, from = at;
		struct migration migration = {.wanted = always};
		assert_reads(at, test_byte(5, 0));
		assert_int_equal(userfault_protect(userfault, space, at, end, true), 0);
		if (way == DROP)
			assert_int_equal(vmm_madvise(space, at, 4 * PAGE_SIZE, MADV_DONTNEED), 0);
		if (way == RECLAIM) {
			rwlock_read_lock(&space->map_lock);
			(void)reclaim_region(space, region_find(space, at), &from, end,
					     RECLAIM_UNSHARE, UINTPTR_MAX);
			rwlock_read_unlock(&space->map_lock);
			assert_int_equal(vmm_get_physical_addr(space, at), 0);
		}
		if (way == PUNCH)
			page_cache_punch(&file.cache, 0, PAGE_SIZE);
		if (way == HIDE) {
			assert_int_equal(vmm_mprotect(space, at, 4 * PAGE_SIZE, PROT_NONE), 0);
			assert_int_equal(vmm_mprotect(space, at, 4 * PAGE_SIZE, RW), 0);
		}
		if (way == MOVE)
			migrate_file(&file.cache, 0, 3, 0, &migration);
		machine_check_tlbs();
		tree_check(space->family, true);
		messages = 0;
		assert_reads(at + PAGE_SIZE, test_byte(5, PAGE_SIZE));
		assert_reads(at + 3 * PAGE_SIZE, 0);
		assert_int_equal(messages, 0);
		for (u32 page = 0; page < 4; page++) {
			assert_writes(at + page * PAGE_SIZE, 7);
			assert_int_equal(messages, page + 1);
			assert_true(last.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
			assert_writes(at + page * PAGE_SIZE, 8);
			assert_int_equal(messages, page + 1);
		}
		assert_int_equal(vmm_munmap(space, at, 4 * PAGE_SIZE), 0);
		test_file_destroy(&file);
	}
}

static ssize_t fill_huge(vaddr_t at, int how, size_t length)
{
	const struct userfault_fill call = {
		.how = how, .start = at, .length = length, .source = source};

	return userfault_fill(userfault, space, &call);
}

/* Huge pages are brought whole, into private memory and into files. */
static void huge_pages_are_asked_for(void **state __unused)
{
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, 3);
	source = test_map(space, HUGE_SIZE);
	assert_writes(source + 5 * PAGE_SIZE, 42);
	for (int shared = 0; shared < 2; shared++) {
		u32 flags = MAP_ANONYMOUS | MAP_HUGETLB | (shared ? MAP_SHARED : MAP_PRIVATE);
		vaddr_t at = (vaddr_t)vmm_mmap(space, 0, 2 * HUGE_SIZE, RW, flags, NULL, 0);
		vaddr_t next = at + HUGE_SIZE;
		userfault->features = USERFAULT_READY;
		assert_int_equal(userfault_register(userfault, space, at, next + PAGE_SIZE,
						    REGION_WATCH_MISSING, &huge),
				 -EINVAL);
		assert_int_equal(userfault_register(userfault, space, at, next + HUGE_SIZE,
						    REGION_WATCH, &huge),
				 0);
		assert_true(huge);
		assert_int_equal(fill_huge(at, FILL_ZERO, HUGE_SIZE), -EINVAL);
		assert_int_equal(fill_huge(at, FILL_COPY, PAGE_SIZE), -EINVAL);
		assert_int_equal(fill_huge(at, FILL_CONTINUE, HUGE_SIZE),
				 shared ? -EFAULT : -EINVAL);
		assert_int_equal(fill_huge(at, FILL_COPY, HUGE_SIZE), HUGE_SIZE);
		assert_int_equal(fill_huge(at, FILL_COPY, HUGE_SIZE), -EEXIST);
		assert_reads(at + 5 * PAGE_SIZE, 42);
		assert_reads(at + 6 * PAGE_SIZE, 0);
		assert_int_equal(userfault_protect(userfault, space, at, at + PAGE_SIZE, true),
				 -EINVAL);
		assert_int_equal(userfault_protect(userfault, space, next, next + HUGE_SIZE, true),
				 0);
		assert_int_equal(fill_huge(next, FILL_COPY, HUGE_SIZE), HUGE_SIZE);
		/* What is brought without protection has none. */
		messages = 0;
		assert_writes(next + 5 * PAGE_SIZE, 1);
		assert_int_equal(messages, 0);
		if (shared) {
			assert_int_equal(vmm_madvise(space, at, HUGE_SIZE, MADV_DONTNEED), 0);
			assert_int_equal(fill_huge(at, FILL_CONTINUE, HUGE_SIZE), HUGE_SIZE);
			assert_reads(at + 5 * PAGE_SIZE, 42);
		}
		assert_int_equal(userfault_unregister(space, at, next + PAGE_SIZE), -EINVAL);
		tree_check(space->family, true);
		assert_int_equal(vmm_munmap(space, at, 2 * HUGE_SIZE), 0);
	}
	assert_int_equal(vmm_munmap(space, source, HUGE_SIZE), 0);
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, 0);
}

static void marks_of_an_earlier_registration_mean_nothing(void **state __unused)
{
	static struct test_file file;
	vaddr_t at = watch_file(&file, MAP_SHARED), end = at + 4 * PAGE_SIZE;

	assert_int_equal(userfault_protect(userfault, space, at, end, true), 0);
	assert_int_equal(userfault_unregister(space, at, end), 0);
	assert_writes(at, 1);
	assert_int_equal(userfault_register(userfault, space, at, end, REGION_WATCH_WRITES, &huge),
			 0);
	assert_writes(at + PAGE_SIZE, 1);
	assert_writes(at + 2 * PAGE_SIZE, 1);
	assert_int_equal(messages, 0);
	assert_int_equal(vmm_munmap(space, at, 4 * PAGE_SIZE), 0);
	test_file_destroy(&file);
}

static int start(void **state __unused)
{
	machine_start(64 * MIB);
	return 0;
}

#define WATCHED(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCHED(a_missing_page_is_asked_for),
		WATCHED(a_write_to_a_marked_page_is_asked_for),
		WATCHED(a_program_may_have_signals_instead),
		WATCHED(changes_are_told),
		WATCHED(without_the_feature_a_child_has_no_registration),
		WATCHED(pages_of_memory_files_are_asked_for),
		WATCHED(protected_pages_of_files_stay_so),
		WATCHED(huge_pages_are_asked_for),
		WATCHED(marks_of_an_earlier_registration_mean_nothing),
	};

	return cmocka_run_group_tests_name("mm userfault", tests, start, NULL);
}
