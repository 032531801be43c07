/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of mm share: see support.h. */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/slab.h"

static struct test_file *file_of(struct backing *backing)
{
	return container_of(backing, struct test_file, backing);
}

static void get(struct backing *backing)
{
	file_of(backing)->refs++;
}

static void put(struct backing *backing)
{
	assert_true(file_of(backing)->refs-- > 1);
}

static ssize_t name(struct backing *backing __unused, char *buffer, size_t size)
{
	return strscpy(buffer, "/test/file", size);
}

static void identity(struct backing *backing __unused, dev_t *device, ino_t *inode)
{
	*device = 7;
	*inode = 42;
}

static void written(struct backing *backing)
{
	file_of(backing)->written++;
}

static const struct backing_ops operations = {
	.get = get,
	.put = put,
	.name = name,
	.identity = identity,
	.written = written,
};

u8 test_byte(u8 seed, u64 position)
{
	return (u8)(seed + position / PAGE_SIZE * 7 + position % 251);
}

void test_file_init(struct test_file *file, u64 size, u8 seed, bool filled)
{
	page_cache_init(&file->cache, NULL);
	file->backing = (struct backing){.ops = &operations, .cache = &file->cache};
	file->refs = 1;
	file->written = 0;
	for (u64 at = 0; filled && at < size; at++) {
		struct io_cursor cursor;
		u8 byte = test_byte(seed, at);
		io_cursor_init_kernel(&cursor, &byte, 1, IO_WRITE);
		assert_int_equal(page_cache_write(&file->cache, &cursor, at), 1);
	}
	page_cache_truncate(&file->cache, size);
}

void test_file_destroy(struct test_file *file)
{
	assert_int_equal(file->refs, 1);
	assert_true(list_empty(&file->cache.mappings));
	page_cache_destroy(&file->cache);
}

struct address_space *test_space(void)
{
	struct address_space *space = vmm_create_address_space();

	assert_non_null(space);
	vmm_init_layout(space, false);
	vmm_switch_address_space(space);
	return space;
}

void test_space_end(struct address_space *space)
{
	machine_check_tlbs();
	vmm_switch_address_space(NULL);
	vmm_destroy_address_space(space);
}

vaddr_t test_map(struct address_space *space, size_t length)
{
	long result = vmm_mmap(space, 0, length, RW, ANON, NULL, 0);

	assert_true(result > 0);
	return (vaddr_t)result;
}

static size_t used_before;

int test_remember_frames(void **state __unused)
{
	slab_shrink_caches();
	used_before = machine_frames_used();
	return 0;
}

/* Slabs may keep one empty each, and magazines; a leak of pages shows all the same. */
int test_check_frames(void **state __unused)
{
	slab_shrink_caches();
	return machine_frames_used() > used_before + 8;
}

u64 next_random(void)
{
	static u64 state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}
