/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables: what is read from good, odd and broken ones. */
#include "fs/block/partition.h"
#include "lib/crc32.h"
#include "test.h"

#include <string.h>

enum { BLOCK = 512, BLOCKS = 2048, LIMIT = 32 };

static u8 disk[BLOCKS * BLOCK];
static struct partition found[LIMIT];
static u64 bad_block; /* reading it fails */

static int read_block(void *context, u64 block, void *buffer)
{
	(void)context;
	assert_true(block < BLOCKS);
	if (block == bad_block)
		return -5;
	memcpy(buffer, disk + block * BLOCK, BLOCK);
	return 0;
}

static int read_table(u32 limit)
{
	struct partition_source source = {
		.block_size = BLOCK, .blocks = BLOCKS, .read = read_block};
	u8 buffer[2 * BLOCK];

	return partitions_read(&source, buffer, found, limit);
}

static void put(u64 offset, u64 value, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		disk[offset + i] = (u8)(value >> 8 * i);
}

static void mbr(u64 block, u32 index, u8 type, u32 start, u32 count)
{
	u64 at = block * BLOCK + 446 + 16 * index;

	put(at + 4, type, 1);
	put(at + 8, start, 4);
	put(at + 12, count, 4);
	put(block * BLOCK + 510, 0xaa55, 2);
}

static void gpt_entry(u32 index, u64 first, u64 last, const char *name)
{
	u64 at = 2 * BLOCK + 128 * index;

	put(at, 0x1234, 8);
	put(at + 32, first, 8);
	put(at + 40, last, 8);
	for (u32 i = 0; name[i]; i++)
		put(at + 56 + 2 * i, (u8)name[i], 2);
}

static void gpt_header(u64 block)
{
	u64 at = block * BLOCK;

	memcpy(disk + at, "EFI PART", 8);
	put(at + 8, 0x10000, 4);
	put(at + 12, 92, 4);
	put(at + 16, 0, 4);
	put(at + 24, block, 8);
	put(at + 72, 2, 8);
	put(at + 80, 8, 4);
	put(at + 84, 128, 4);
	put(at + 88, crc32(0, disk + 2 * BLOCK, 8 * 128), 4);
	put(at + 16, crc32(0, disk + at, 92), 4);
	mbr(0, 0, 0xee, 1, BLOCKS - 1);
}

static int fresh(void **state)
{
	(void)state;
	memset(disk, 0, sizeof(disk));
	bad_block = UINT64_MAX;
	return 0;
}

static void an_empty_disk_has_no_partitions(void **state)
{
	(void)state;
	assert_int_equal(read_table(LIMIT), 0);
	put(510, 0xaa55, 2);
	assert_int_equal(read_table(LIMIT), 0);
}

static void a_boot_sector_is_not_a_table(void **state)
{
	(void)state;
	mbr(0, 0, 0x83, 8, 100);
	disk[446] = 0x17;
	assert_int_equal(read_table(LIMIT), 0);
}

static void primary_and_logical_partitions(void **state)
{
	(void)state;
	mbr(0, 0, 0x83, 8, 100);
	mbr(0, 2, 0x82, 200, 50);
	mbr(0, 3, 0x05, 300, 1000);
	mbr(300, 0, 0x83, 1, 99);
	mbr(300, 1, 0x05, 200, 100);
	mbr(500, 0, 0x83, 2, 60);
	assert_int_equal(read_table(LIMIT), 5);
	assert_int_equal(found[0].number, 1);
	assert_int_equal(found[1].number, 3);
	assert_int_equal(found[2].number, 4);
	assert_int_equal(found[2].blocks, 2);
	assert_int_equal(found[3].number, 5);
	assert_int_equal(found[3].start, 301);
	assert_int_equal(found[3].blocks, 99);
	assert_int_equal(found[4].start, 502);
	assert_int_equal(read_table(2), 2);
}

static void a_chain_that_bites_its_tail_ends(void **state)
{
	(void)state;
	mbr(0, 0, 0x05, 300, 1000);
	mbr(300, 0, 0x83, 1, 9);
	mbr(300, 1, 0x05, 100, 100);
	mbr(400, 0, 0x83, 1, 9);
	mbr(400, 1, 0x05, 100, 100);
	assert_int_equal(read_table(LIMIT), LIMIT);
}

static void what_lies_outside_of_the_disk_is_left_out(void **state)
{
	(void)state;
	mbr(0, 0, 0x83, BLOCKS - 1, 2);
	mbr(0, 1, 0x83, BLOCKS, 1);
	mbr(0, 2, 0x83, 100, 0xffffffff);
	mbr(0, 3, 0x83, BLOCKS - 1, 1);
	assert_int_equal(read_table(LIMIT), 1);
	assert_int_equal(found[0].number, 4);
}

static void gpt_partitions_have_names(void **state)
{
	(void)state;
	gpt_entry(0, 100, 199, "first");
	gpt_entry(3, 200, 200, "a name of thirty-six characters, all");
	gpt_entry(4, 300, 299, "backwards");
	gpt_header(1);
	assert_int_equal(read_table(LIMIT), 2);
	assert_int_equal(found[0].number, 1);
	assert_int_equal(found[0].start, 100);
	assert_int_equal(found[0].blocks, 100);
	assert_string_equal(found[0].label, "first");
	assert_int_equal(found[1].number, 4);
	assert_string_equal(found[1].label, "a name of thirty-six characters, all");
}

static void a_broken_gpt_is_replaced_by_its_copy(void **state)
{
	(void)state;
	gpt_entry(0, 100, 199, "first");
	gpt_header(1);
	gpt_header(BLOCKS - 1);
	disk[BLOCK + 40] ^= 1;
	assert_int_equal(read_table(LIMIT), 1);
	/* Neither: no partitions rather than wrong ones. */
	disk[2 * BLOCK + 32] ^= 1;
	assert_int_equal(read_table(LIMIT), 0);
}

static void errors_of_the_disk_are_passed_on(void **state)
{
	(void)state;
	gpt_entry(0, 100, 199, "first");
	gpt_header(1);
	for (bad_block = 0; bad_block < 3; bad_block++)
		assert_int_equal(read_table(LIMIT), -5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_disk_has_no_partitions, fresh),
		cmocka_unit_test_setup(a_boot_sector_is_not_a_table, fresh),
		cmocka_unit_test_setup(primary_and_logical_partitions, fresh),
		cmocka_unit_test_setup(a_chain_that_bites_its_tail_ends, fresh),
		cmocka_unit_test_setup(what_lies_outside_of_the_disk_is_left_out, fresh),
		cmocka_unit_test_setup(gpt_partitions_have_names, fresh),
		cmocka_unit_test_setup(a_broken_gpt_is_replaced_by_its_copy, fresh),
		cmocka_unit_test_setup(errors_of_the_disk_are_passed_on, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
