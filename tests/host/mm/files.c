/* SPDX-License-Identifier: BSD-2-Clause */
/* The page cache, and mapped files: private and shared, truncated while mapped, read and written
 * meanwhile. */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/read_ahead.h"
#include "mm/slab.h"
#include "mm/usercopy.h"

static struct test_file file;

static ssize_t read_file(u64 position, void *to, size_t size)
{
	struct io_cursor cursor;

	io_cursor_init_kernel(&cursor, to, size, IO_READ);
	return page_cache_read(&file.cache, &cursor, position);
}

static ssize_t write_file(u64 position, const void *from, size_t size)
{
	struct io_cursor cursor;

	io_cursor_init_kernel(&cursor, (void *)from, size, IO_WRITE);
	return page_cache_write(&file.cache, &cursor, position);
}

static vaddr_t map_file(struct address_space *space, size_t length, u32 prot, u32 flags, u64 offset)
{
	long result = vmm_mmap(space, 0, length, prot, flags, &file.backing, offset);

	assert_true(result > 0);
	return (vaddr_t)result;
}

static void what_is_written_is_read(void **state __unused)
{
	static u8 bytes[3 * 4096], back[4 * 4096];

	test_file_init(&file, 0, 0, false);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)(i * 3);
	assert_int_equal(write_file(1000, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(file.cache.size, 1000 + sizeof(bytes));
	assert_int_equal(page_cache_pages(&file.cache), 4);
	assert_int_equal(read_file(0, back, sizeof(back)), 1000 + sizeof(bytes));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(back[i], 0);
	assert_memory_equal(back + 1000, bytes, sizeof(bytes));
	assert_int_equal(read_file(1000 + sizeof(bytes), back, 1), 0);
	test_file_destroy(&file);
}

static void holes_read_as_zeros_and_can_be_found(void **state __unused)
{
	u8 byte = 5, back[100];

	test_file_init(&file, 0, 0, false);
	assert_int_equal(write_file(10 * PAGE_SIZE, &byte, 1), 1);
	assert_int_equal(page_cache_pages(&file.cache), 1);
	memset(back, 1, sizeof(back));
	assert_int_equal(read_file(5000, back, 100), 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(back[i], 0);
	assert_int_equal(page_cache_seek_data(&file.cache, 0), 10 * PAGE_SIZE);
	assert_int_equal(page_cache_seek_hole(&file.cache, 0), 0);
	assert_int_equal(page_cache_seek_hole(&file.cache, 10 * PAGE_SIZE), 10 * PAGE_SIZE + 1);
	assert_int_equal(page_cache_seek_data(&file.cache, 10 * PAGE_SIZE + 1), -ENXIO);
	page_cache_punch(&file.cache, 10 * PAGE_SIZE, 10 * PAGE_SIZE + 1);
	assert_int_equal(read_file(10 * PAGE_SIZE, back, 1), 1);
	assert_int_equal(back[0], 0);
	test_file_destroy(&file);
}

static void truncation_clears_what_comes_back(void **state __unused)
{
	u8 back[PAGE_SIZE];

	test_file_init(&file, 3 * PAGE_SIZE, 1, true);
	page_cache_truncate(&file.cache, 100);
	page_cache_truncate(&file.cache, 2 * PAGE_SIZE);
	assert_int_equal(read_file(0, back, PAGE_SIZE), PAGE_SIZE);
	for (size_t i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(back[i], i < 100 ? test_byte(1, i) : 0);
	assert_int_equal(read_file(PAGE_SIZE, back, PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(back[7], 0);
	test_file_destroy(&file);
}

static void private_mappings_copy_and_shared_ones_do_not(void **state __unused)
{
	struct address_space *space = test_space();
	u8 byte;

	test_file_init(&file, 20 * PAGE_SIZE, 3, true);
	vaddr_t private = map_file(space, 20 * PAGE_SIZE, RW, MAP_PRIVATE, 0);
	vaddr_t shared = map_file(space, 4 * PAGE_SIZE, RW, MAP_SHARED, 2 * PAGE_SIZE);
	assert_int_equal(file.refs, 3);
	for (u64 at = 0; at < 20 * PAGE_SIZE; at += 1777)
		assert_reads(private + at, test_byte(3, at));
	assert_reads(shared + 5, test_byte(3, 2 * PAGE_SIZE + 5));
	assert_writes(shared + 5, 200);
	assert_true(file.written > 0);
	assert_reads(private + 2 * PAGE_SIZE + 5, 200);
	assert_int_equal(read_file(2 * PAGE_SIZE + 5, &byte, 1), 1);
	assert_int_equal(byte, 200);
	assert_writes(private + 2 * PAGE_SIZE + 5, 201);
	machine_check_tlbs();
	assert_reads(shared + 5, 200);
	byte = 77;
	assert_int_equal(write_file(3 * PAGE_SIZE, &byte, 1), 1);
	assert_reads(shared + PAGE_SIZE, 77);
	assert_reads(private + 3 * PAGE_SIZE, 77);
	struct address_space *child = vmm_copy_address_space(space);
	vmm_switch_address_space(child);
	assert_writes(shared, 99);
	assert_reads(private + 2 * PAGE_SIZE + 5, 201);
	assert_writes(private + 2 * PAGE_SIZE + 5, 202);
	vmm_switch_address_space(space);
	assert_reads(shared, 99);
	assert_reads(private + 2 * PAGE_SIZE + 5, 201);
	vmm_put_address_space(child);
	test_space_end(space);
	test_file_destroy(&file);
}

static void truncation_reaches_every_mapping(void **state __unused)
{
	struct address_space *space = test_space();

	test_file_init(&file, 8 * PAGE_SIZE, 5, true);
	vaddr_t shared = map_file(space, 10 * PAGE_SIZE, RW, MAP_SHARED, 0);
	vaddr_t private = map_file(space, 8 * PAGE_SIZE, RW, MAP_PRIVATE, 0);
	for (int page = 0; page < 8; page++) {
		assert_reads(shared + page * PAGE_SIZE, test_byte(5, page * PAGE_SIZE));
		assert_reads(private + page * PAGE_SIZE, test_byte(5, page * PAGE_SIZE));
	}
	assert_writes(private + 6 * PAGE_SIZE, 1);
	assert_read_faults(shared + 8 * PAGE_SIZE, SIGBUS, BUS_ADRERR);
	for (u32 cpu = 1; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(space);
		assert_reads(shared + 7 * PAGE_SIZE, test_byte(5, 7 * PAGE_SIZE));
	}
	machine_use_cpu(0);
	page_cache_truncate(&file.cache, 3 * PAGE_SIZE + 10);
	machine_check_tlbs();
	assert_reads(shared + 3 * PAGE_SIZE + 9, test_byte(5, 3 * PAGE_SIZE + 9));
	assert_reads(shared + 3 * PAGE_SIZE + 10, 0);
	assert_read_faults(shared + 4 * PAGE_SIZE, SIGBUS, BUS_ADRERR);
	assert_write_faults(private + 7 * PAGE_SIZE, SIGBUS, BUS_ADRERR);
	assert_read_faults(private + 6 * PAGE_SIZE, SIGBUS, BUS_ADRERR);
	page_cache_truncate(&file.cache, 8 * PAGE_SIZE);
	assert_reads(shared + 4 * PAGE_SIZE, 0);
	for (u32 cpu = 1; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(NULL);
	}
	machine_use_cpu(0);
	test_space_end(space);
	test_file_destroy(&file);
}

static void the_files_mode_limits_the_mapping(void **state __unused)
{
	struct address_space *space = test_space();

	test_file_init(&file, PAGE_SIZE, 5, true);
	assert_int_equal(vmm_mmap_file(space, 0, PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0,
				       VM_ACCESS_READ),
			 -EACCES);
	assert_int_equal(vmm_mmap_file(space, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, &file.backing,
				       0, VM_ACCESS_WRITE),
			 -EACCES);
	long at = vmm_mmap_file(space, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, &file.backing, 0,
				VM_ACCESS_READ);
	assert_true(at > 0);
	assert_int_equal(vmm_mprotect(space, (vaddr_t)at, PAGE_SIZE, RW), -EACCES);
	assert_true(!page_cache_mapped_writable(&file.cache));
	at = vmm_mmap_file(space, 0, PAGE_SIZE, RW, MAP_PRIVATE, &file.backing, 0, VM_ACCESS_READ);
	assert_true(at > 0);
	assert_writes((vaddr_t)at, 1);
	assert_int_equal(vmm_mmap_file(space, 0, PAGE_SIZE, PROT_EXEC, MAP_PRIVATE, &file.backing,
				       0, VM_ACCESS_READ | VM_ACCESS_NOEXEC),
			 -EPERM);
	assert_int_equal(
		vmm_mmap(space, 0, PAGE_SIZE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, &file.backing, 0),
		-EOPNOTSUPP);
	assert_int_equal(vmm_mmap(space, 0, PAGE_SIZE, RW, MAP_PRIVATE, &file.backing, 77),
			 -EINVAL);
	assert_int_equal(
		vmm_mmap(space, 0, 2 * PAGE_SIZE, RW, MAP_PRIVATE, &file.backing, -PAGE_SIZE),
		-EOVERFLOW);
	test_space_end(space);
	test_file_destroy(&file);
}

static void shared_anonymous_memory_is_shared_by_fork(void **state __unused)
{
	struct address_space *space = test_space();
	struct region_info info;
	struct vm_word_key mine, theirs;
	long at = vmm_mmap(space, 0, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);

	assert_true(at > 0);
	assert_writes((vaddr_t)at, 1);
	struct address_space *child = vmm_copy_address_space(space);
	vmm_switch_address_space(child);
	assert_reads((vaddr_t)at, 1);
	assert_writes((vaddr_t)at + PAGE_SIZE, 2);
	vmm_switch_address_space(space);
	assert_reads((vaddr_t)at + PAGE_SIZE, 2);
	assert_int_equal(vmm_word_key(space, (vaddr_t)at + 8, true, &mine), 0);
	assert_int_equal(vmm_word_key(child, (vaddr_t)at + 8, true, &theirs), 0);
	assert_true(mine.object == theirs.object && mine.offset == theirs.offset);
	assert_true(vmm_next_region(space, 0, &info, true));
	assert_string_equal(info.name, "/dev/zero (deleted)");
	assert_true(info.shared);
	assert_int_equal(info.resident_pages, 2);
	vmm_put_address_space(child);
	/* mremap of a shared mapping with length 0 makes a second one of the same memory. */
	long second = vmm_mremap(space, (vaddr_t)at, 0, 4 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
	assert_true(second > 0);
	assert_writes((vaddr_t)second + 2 * PAGE_SIZE, 3);
	assert_reads((vaddr_t)at + 2 * PAGE_SIZE, 3);
	assert_int_equal(vmm_madvise(space, (vaddr_t)at, PAGE_SIZE, MADV_REMOVE), 0);
	assert_reads((vaddr_t)second, 0);
	test_space_end(space);
}

static void cursors_walk_lists_of_buffers(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 2 * PAGE_SIZE);
	struct user_iovec vector[10];
	struct io_cursor cursor;
	u8 bytes[64], back[64];

	for (int i = 0; i < 64; i++)
		bytes[i] = (u8)(i + 1);
	for (int i = 0; i < 10; i++)
		vector[i] = (struct user_iovec){.base = at + 100 * (u64)i,
						.length = i % 3 == 0 ? 0 : 5};
	assert_int_equal(copy_to_user((void *)(at + PAGE_SIZE), vector, sizeof(vector)), 0);
	assert_int_equal(io_cursor_init_vector(&cursor, at + PAGE_SIZE, 10, IO_READ), 0);
	assert_int_equal(cursor.remaining, 30);
	assert_int_equal(io_copy_to(&cursor, bytes, 7), 7);
	assert_int_equal(io_copy_to(&cursor, bytes + 7, 57), 23);
	assert_int_equal(io_copy_to(&cursor, bytes, 1), 0);
	io_cursor_release(&cursor);
	assert_reads(at + 100, 1);
	assert_reads(at + 204, 10);
	assert_reads(at + 400, 11);
	assert_int_equal(io_cursor_init_vector(&cursor, at + PAGE_SIZE, 10, IO_WRITE), 0);
	assert_int_equal(io_copy_from(&cursor, back, 64), 30);
	assert_memory_equal(back, bytes, 30);
	io_cursor_release(&cursor);
	assert_int_equal(io_cursor_init_vector(&cursor, at, IO_MAX_VECTORS + 1, IO_READ), -EINVAL);
	assert_int_equal(io_cursor_init_vector(&cursor, 8, 1, IO_READ), -EFAULT);
	assert_int_equal(io_cursor_init_user(&cursor, at + 2 * PAGE_SIZE - 3, 10, IO_READ), 0);
	assert_int_equal(io_copy_to(&cursor, bytes, 10), 3);
	assert_int_equal(io_copy_to(&cursor, bytes, 10), -EFAULT);
	test_space_end(space);
}

/* Moved, put back, looked at and shortened, without a copy. */
static void cursors_move_without_copying(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 2 * PAGE_SIZE);
	struct user_iovec vector[2] = {{at, 2048}, {at + PAGE_SIZE, 1024}};
	struct io_cursor cursor;
	u8 bytes[64] = {9};
	size_t piece;

	assert_int_equal(copy_to_user((void *)(at + 3000), vector, sizeof(vector)), 0);
	assert_int_equal(io_cursor_init_vector(&cursor, at + 3000, 2, IO_READ), 0);
	assert_true(io_cursor_is_aligned(&cursor, 512, 1024));
	assert_false(io_cursor_is_aligned(&cursor, 512, 2048));
	io_cursor_advance(&cursor, 2040);
	assert_int_equal(io_cursor_user_piece(&cursor, &piece), at + 2040);
	assert_int_equal(piece, 8);
	assert_false(io_cursor_is_aligned(&cursor, 512, 8));
	io_cursor_advance(&cursor, 1000);
	assert_int_equal(io_cursor_user_piece(&cursor, &piece), at + PAGE_SIZE + 992);
	io_cursor_truncate(&cursor, 16);
	assert_int_equal(cursor.remaining, 16);
	assert_int_equal(io_clear(&cursor, 64), 16);
	io_cursor_release(&cursor);

	assert_int_equal(io_cursor_init_user(&cursor, at, 4096, IO_READ), 0);
	assert_true(io_cursor_is_aligned(&cursor, 4096, 4096));
	assert_int_equal(io_cursor_user_piece(&cursor, &piece), at);
	assert_int_equal(piece, 4096);
	assert_int_equal(io_copy_to(&cursor, bytes, 64), 64);
	assert_int_equal(io_clear(&cursor, 64), 64);
	io_cursor_revert(&cursor, 128);
	io_cursor_advance(&cursor, 64);
	assert_int_equal(cursor.remaining, 4032);
	assert_reads(at, 9);
	assert_reads(at + 64, 0);

	io_cursor_init_kernel(&cursor, bytes, 64, IO_READ);
	assert_int_equal(io_clear(&cursor, 1), 1);
	assert_int_equal(bytes[0], 0);
	io_cursor_revert(&cursor, 1);
	io_cursor_advance(&cursor, 64);
	assert_int_equal(cursor.remaining, 0);
	assert_int_equal(io_cursor_init_user(&cursor, USER_TOP, 1, IO_READ), -EFAULT);
	test_space_end(space);
}

/* Who reads in sequence gets more each time; who does not gets one page. */
static void sequences_are_read_ahead(void **state __unused)
{
	struct read_ahead guess = {.end = 0};
	phys_t frames[READ_AHEAD_LIMIT], there;
	u64 index = 0, sequence;

	u32 first = read_ahead_count(&guess, 0, 10000);
	assert_true(first > 1);
	for (u32 count = first, before = 0; before < READ_AHEAD_LIMIT; before = count) {
		index += count;
		count = read_ahead_count(&guess, index, 10000);
		assert_true(count > before || count == READ_AHEAD_LIMIT);
	}
	assert_int_equal(read_ahead_count(&guess, 5000, 10000), 1);
	assert_int_equal(read_ahead_count(&guess, 5001, 5003), 2);

	test_file_init(&file, 20 * PAGE_SIZE, 3, false);
	sequence = page_cache_sequence(&file.cache);
	assert_int_equal(page_cache_get(&file.cache, 6, PAGE_CACHE_CREATE, &there), 0);
	frame_free(there);
	assert_int_equal(read_ahead_frames(&file.cache, 2, 1, frames), 1);
	/* Up to the one that is there. */
	assert_int_equal(read_ahead_frames(&file.cache, 2, 8, frames), 4);
	read_ahead_insert(&file.cache, 2, frames, 4, sequence, 0);
	assert_int_equal(page_cache_pages(&file.cache), 4);
	assert_int_equal(read_ahead_frames(&file.cache, 9, 4, frames), 4);
	read_ahead_insert(&file.cache, 9, frames, 4, sequence, -EIO);
	assert_int_equal(page_cache_pages(&file.cache), 4);
	test_file_destroy(&file);
}

static int charge_limit;

static int charge(struct page_cache *cache __unused, long pages)
{
	if (pages > charge_limit)
		return -ENOSPC;
	charge_limit -= (int)pages;
	return 0;
}

static void the_owner_is_asked_before_pages_are_added(void **state __unused)
{
	static const struct page_cache_ops ops = {.charge = charge};
	static u8 bytes[5 * 4096];
	struct page_cache cache;
	struct io_cursor cursor;

	charge_limit = 3;
	page_cache_init(&cache, &ops);
	io_cursor_init_kernel(&cursor, bytes, sizeof(bytes), IO_WRITE);
	assert_int_equal(page_cache_write(&cache, &cursor, 0), 3 * PAGE_SIZE);
	io_cursor_init_kernel(&cursor, bytes, 1, IO_WRITE);
	assert_int_equal(page_cache_write(&cache, &cursor, 3 * PAGE_SIZE), -ENOSPC);
	page_cache_truncate(&cache, PAGE_SIZE);
	assert_int_equal(charge_limit, 2);
	mm_checking.countdown = 1;
	io_cursor_init_kernel(&cursor, bytes, 1, IO_WRITE);
	assert_int_equal(page_cache_write(&cache, &cursor, 3 * PAGE_SIZE), -ENOMEM);
	assert_int_equal(charge_limit, 2);
	page_cache_destroy(&cache);
	assert_int_equal(charge_limit, 3);
}

static int start(void **state __unused)
{
	machine_start(64 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(what_is_written_is_read),
		TEST_WITHOUT_LEAKS(holes_read_as_zeros_and_can_be_found),
		TEST_WITHOUT_LEAKS(truncation_clears_what_comes_back),
		TEST_WITHOUT_LEAKS(private_mappings_copy_and_shared_ones_do_not),
		TEST_WITHOUT_LEAKS(truncation_reaches_every_mapping),
		TEST_WITHOUT_LEAKS(the_files_mode_limits_the_mapping),
		TEST_WITHOUT_LEAKS(shared_anonymous_memory_is_shared_by_fork),
		TEST_WITHOUT_LEAKS(cursors_walk_lists_of_buffers),
		TEST_WITHOUT_LEAKS(cursors_move_without_copying),
		TEST_WITHOUT_LEAKS(sequences_are_read_ahead),
		TEST_WITHOUT_LEAKS(the_owner_is_asked_before_pages_are_added),
	};

	return cmocka_run_group_tests_name("mm files", tests, start, NULL);
}
