/* SPDX-License-Identifier: BSD-2-Clause */
/* Dirty pages, on a disk that is an array: what is changed is written, once, and nothing else. */
#include "tests/host/mm/support.h"

#include "lib/string.h"

enum { PAGES = 64 };

static u8 disk[PAGES * 4096];
static u64 pages_read, pages_written, writes, dirtied_calls;
static int write_result;
static struct test_file file;
/* Called once, in the middle of the next read of the disk. */
static void (*during_read)(void);

static int read_disk(struct page_cache *cache __unused, u64 index, void *page)
{
	void (*function)(void) = during_read;

	assert_true(index < PAGES);
	memcpy(page, disk + index * PAGE_SIZE, PAGE_SIZE);
	pages_read++;
	during_read = NULL;
	if (function != NULL)
		function();
	return 0;
}

static int write_disk(struct page_cache *cache __unused, u64 index, const phys_t *frames, u32 count)
{
	writes++;
	pages_written += count;
	for (u32 i = 0; i < count && write_result == 0; i++)
		memcpy(disk + (index + i) * PAGE_SIZE, phys_to_virt(frames[i]), PAGE_SIZE);
	return write_result;
}

static void note_dirtied(struct page_cache *cache __unused)
{
	dirtied_calls++;
}

static const struct page_cache_ops disk_ops = {
	.fill = read_disk, .write = write_disk, .dirtied = note_dirtied};

static void open_disk(void)
{
	for (size_t i = 0; i < sizeof(disk); i++)
		disk[i] = test_byte(9, i);
	test_file_init(&file, 0, 0, false);
	file.cache.ops = &disk_ops;
	file.cache.size = sizeof(disk);
	pages_read = pages_written = writes = dirtied_calls = 0;
	write_result = 0;
	during_read = NULL;
}

static void write_at(u64 position, u8 value, size_t size)
{
	static u8 bytes[16 * 4096];
	struct io_cursor cursor;

	memset(bytes, value, size);
	io_cursor_init_kernel(&cursor, bytes, size, IO_WRITE);
	assert_int_equal(page_cache_write(&file.cache, &cursor, position), size);
}

static u8 read_at(u64 position)
{
	struct io_cursor cursor;
	u8 byte = 0;

	io_cursor_init_kernel(&cursor, &byte, 1, IO_READ);
	assert_int_equal(page_cache_read(&file.cache, &cursor, position), 1);
	return byte;
}

static int write_back(void)
{
	return page_cache_write_back(&file.cache, 0, UINT64_MAX);
}

static void what_is_changed_is_written_once_in_runs(void **state __unused)
{
	open_disk();
	assert_int_equal(read_at(0), test_byte(9, 0));
	write_at(100, 7, 50);
	write_at(PAGE_SIZE, 8, 3 * PAGE_SIZE);
	write_at(20 * PAGE_SIZE - 1, 9, 2);
	write_at(100, 6, 10);
	assert_int_equal(page_cache_dirty_pages(&file.cache), 6);
	assert_int_equal(page_cache_dirty_total(), 6);
	assert_int_equal(dirtied_calls, 1);
	assert_int_equal(write_back(), 0);
	assert_int_equal(writes, 2);
	assert_int_equal(pages_written, 6);
	assert_int_equal(page_cache_dirty_pages(&file.cache), 0);
	assert_int_equal(disk[100], 6);
	assert_int_equal(disk[149], 7);
	assert_int_equal(disk[150], test_byte(9, 150));
	assert_int_equal(disk[4 * PAGE_SIZE - 1], 8);
	assert_int_equal(disk[20 * PAGE_SIZE], 9);
	assert_int_equal(write_back(), 0);
	assert_int_equal(writes, 2);
	write_at(0, 1, 1);
	assert_int_equal(dirtied_calls, 2);
	assert_int_equal(page_cache_write_back(&file.cache, 1, 5), 0);
	assert_int_equal(writes, 2);
	assert_int_equal(write_back(), 0);
	test_file_destroy(&file);
}

static void a_whole_page_needs_no_reading_and_part_of_one_does(void **state __unused)
{
	open_disk();
	write_at(2 * PAGE_SIZE, 1, PAGE_SIZE);
	assert_int_equal(pages_read, 0);
	write_at(3 * PAGE_SIZE + 1, 1, 1);
	assert_int_equal(pages_read, 1);
	assert_int_equal(read_at(3 * PAGE_SIZE + 2), test_byte(9, 3 * PAGE_SIZE + 2));
	assert_int_equal(write_back(), 0);
	test_file_destroy(&file);
}

static void a_write_that_faults_keeps_the_rest_of_the_page(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, PAGE_SIZE);
	struct io_cursor cursor;

	open_disk();
	assert_writes(at + PAGE_SIZE - 10, 42);
	assert_int_equal(io_cursor_init_user(&cursor, at + PAGE_SIZE - 10, PAGE_SIZE, IO_WRITE), 0);
	assert_int_equal(page_cache_write(&file.cache, &cursor, 5 * PAGE_SIZE), 10);
	assert_int_equal(read_at(5 * PAGE_SIZE), 42);
	assert_int_equal(read_at(5 * PAGE_SIZE + 10), test_byte(9, 5 * PAGE_SIZE + 10));
	assert_int_equal(write_back(), 0);
	assert_int_equal(disk[5 * PAGE_SIZE], 42);
	test_space_end(space);
	test_file_destroy(&file);
}

static void writes_through_a_mapping_are_noticed_each_time(void **state __unused)
{
	struct address_space *space = test_space();
	long at;

	open_disk();
	at = vmm_mmap(space, 0, 8 * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	assert_true(at > 0);
	assert_reads((vaddr_t)at, test_byte(9, 0));
	assert_int_equal(page_cache_dirty_pages(&file.cache), 0);
	assert_writes((vaddr_t)at + 5, 1);
	assert_writes((vaddr_t)at + 6, 2);
	assert_writes((vaddr_t)at + 3 * PAGE_SIZE, 3);
	assert_int_equal(page_cache_dirty_pages(&file.cache), 2);
	assert_int_equal(write_back(), 0);
	assert_int_equal(disk[6], 2);
	assert_int_equal(disk[3 * PAGE_SIZE], 3);
	machine_check_tlbs();
	/* It was writable before; now it has to ask again. */
	assert_writes((vaddr_t)at + 6, 4);
	assert_int_equal(page_cache_dirty_pages(&file.cache), 1);
	assert_int_equal(write_back(), 0);
	assert_int_equal(disk[6], 4);
	test_space_end(space);
	test_file_destroy(&file);
}

static void errors_are_told_and_remembered(void **state __unused)
{
	open_disk();
	write_at(0, 1, 1);
	write_result = -EIO;
	assert_int_equal(write_back(), -EIO);
	write_result = 0;
	assert_int_equal(page_cache_dirty_pages(&file.cache), 0);
	assert_int_equal(page_cache_take_error(&file.cache), -EIO);
	assert_int_equal(page_cache_take_error(&file.cache), 0);
	test_file_destroy(&file);
}

static void fail_a_write(int error)
{
	write_at(0, 1, 1);
	write_result = error;
	assert_int_equal(write_back(), error);
	write_result = 0;
}

static void each_open_file_hears_of_an_error_once(void **state __unused)
{
	u32 first, second, late, later;

	open_disk();
	first = page_cache_error_mark(&file.cache);
	second = page_cache_error_mark(&file.cache);
	assert_int_equal(page_cache_new_error(&file.cache, &first), 0);
	fail_a_write(-EIO);
	/* Nobody has heard of it: it is also for who comes late. */
	late = page_cache_error_mark(&file.cache);
	assert_int_equal(page_cache_new_error(&file.cache, &first), -EIO);
	assert_int_equal(page_cache_new_error(&file.cache, &first), 0);
	later = page_cache_error_mark(&file.cache);
	assert_int_equal(page_cache_new_error(&file.cache, &later), 0);
	assert_int_equal(page_cache_new_error(&file.cache, &second), -EIO);
	assert_int_equal(page_cache_new_error(&file.cache, &late), -EIO);
	assert_int_equal(page_cache_take_error(&file.cache), 0);
	/* The same error once more is another one. */
	fail_a_write(-EIO);
	assert_int_equal(page_cache_new_error(&file.cache, &first), -EIO);
	assert_int_equal(page_cache_new_error(&file.cache, &later), -EIO);
	fail_a_write(-EIO);
	fail_a_write(-ENOSPC);
	assert_int_equal(page_cache_new_error(&file.cache, &second), -ENOSPC);
	assert_int_equal(page_cache_new_error(&file.cache, &second), 0);
	test_file_destroy(&file);
}

static void truncation_and_closing_forget_what_was_dirty(void **state __unused)
{
	open_disk();
	write_at(0, 1, 10 * PAGE_SIZE);
	page_cache_truncate(&file.cache, 4 * PAGE_SIZE);
	assert_int_equal(page_cache_dirty_pages(&file.cache), 4);
	assert_int_equal(write_back(), 0);
	assert_int_equal(pages_written, 4);
	write_at(0, 1, 2 * PAGE_SIZE);
	assert_int_equal(page_cache_dirty_total(), 2);
	test_file_destroy(&file);
	assert_int_equal(page_cache_dirty_total(), 0);
}

static void shrinking_takes_clean_pages_that_nobody_uses(void **state __unused)
{
	struct address_space *space = test_space();
	phys_t held;
	long at;

	open_disk();
	for (u64 i = 0; i < PAGES; i++)
		(void)read_at(i * PAGE_SIZE);
	write_at(3 * PAGE_SIZE, 1, 1);
	assert_int_equal(page_cache_get(&file.cache, 5, PAGE_CACHE_READ, &held), 0);
	at = vmm_mmap(space, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, &file.backing, 7 * PAGE_SIZE);
	assert_true(at > 0);
	assert_reads((vaddr_t)at, test_byte(9, 7 * PAGE_SIZE));
	assert_int_equal(page_cache_shrink(&file.cache, 10), 10);
	assert_int_equal(page_cache_shrink(&file.cache, 1000), PAGES - 3 - 10);
	assert_int_equal(page_cache_shrink(&file.cache, 1000), 0);
	assert_int_equal(page_cache_pages(&file.cache), 3);
	assert_int_equal(read_at(3 * PAGE_SIZE), 1);
	assert_int_equal(read_at(50 * PAGE_SIZE), test_byte(9, 50 * PAGE_SIZE));
	frame_free(held);
	assert_int_equal(write_back(), 0);
	test_space_end(space);
	test_file_destroy(&file);
}

/* Somebody else changes the page, has it written, and lets it go, while the old one is being read.
 */
static void overtake(void)
{
	write_at(9 * PAGE_SIZE, 77, PAGE_SIZE);
	assert_int_equal(write_back(), 0);
	assert_int_equal(page_cache_shrink(&file.cache, PAGES), 1);
}

static void limits_are_shares_or_bytes(void **state __unused)
{
	const struct dirty_settings before = dirty_settings;
	size_t most = page_cache_dirty_limit();

	assert_true(most > 0 && most < frame_get_total_memory() / PAGE_SIZE);
	assert_true(page_cache_dirty_background() < most);
	dirty_settings.ratio = dirty_settings.background_ratio = 0;
	dirty_settings.bytes = 5 * PAGE_SIZE;
	dirty_settings.background_bytes = 3 * PAGE_SIZE + 1;
	assert_int_equal(page_cache_dirty_limit(), 5);
	assert_int_equal(page_cache_dirty_background(), 3);
	dirty_settings = before;
}

static void what_was_read_before_a_change_is_not_kept(void **state __unused)
{
	open_disk();
	during_read = overtake;
	assert_int_equal(read_at(9 * PAGE_SIZE), 77);
	assert_int_equal(pages_read, 2);
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
		TEST_WITHOUT_LEAKS(what_is_changed_is_written_once_in_runs),
		TEST_WITHOUT_LEAKS(a_whole_page_needs_no_reading_and_part_of_one_does),
		TEST_WITHOUT_LEAKS(a_write_that_faults_keeps_the_rest_of_the_page),
		TEST_WITHOUT_LEAKS(writes_through_a_mapping_are_noticed_each_time),
		TEST_WITHOUT_LEAKS(errors_are_told_and_remembered),
		TEST_WITHOUT_LEAKS(each_open_file_hears_of_an_error_once),
		TEST_WITHOUT_LEAKS(truncation_and_closing_forget_what_was_dirty),
		TEST_WITHOUT_LEAKS(shrinking_takes_clean_pages_that_nobody_uses),
		TEST_WITHOUT_LEAKS(limits_are_shares_or_bytes),
		TEST_WITHOUT_LEAKS(what_was_read_before_a_change_is_not_kept),
	};

	return cmocka_run_group_tests_name("mm dirty", tests, start, NULL);
}
