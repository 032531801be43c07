/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings and memory blocks, against the meaning that the C standard gives them.  Buffers come from
 * malloc in their exact size, so that the address sanitizer sees each byte too many.
 */
#include "test.h"

#include "lib/errno.h"
#include "lib/string.h"

enum { ROOM = 100 };

static u8 *exact_copy(const u8 *from, size_t size)
{
	u8 *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	for (size_t i = 0; i < size; i++)
		copy[i] = from[i];
	return copy;
}

static void memmove_is_right_for_every_overlap_and_alignment(void **state)
{
	u8 start[ROOM], expected[ROOM];

	(void)state;
	for (size_t i = 0; i < ROOM; i++)
		start[i] = (u8)(i * 7 + 1);
	for (size_t to = 0; to < 24; to++) {
		for (size_t from = 0; from < 24; from++) {
			for (size_t size = 0; size <= ROOM - 24; size++) {
				u8 *block = exact_copy(start, ROOM);

				for (size_t i = 0; i < ROOM; i++)
					expected[i] = i >= to && i < to + size
							      ? start[from + i - to]
							      : start[i];
				assert_ptr_equal(memmove(block + to, block + from, size),
						 block + to);
				assert_memory_equal(block, expected, ROOM);
				free(block);
			}
		}
	}
}

static void memcpy_copies_all_sizes_within_bounds(void **state)
{
	u8 start[ROOM];

	(void)state;
	for (size_t i = 0; i < ROOM; i++)
		start[i] = (u8)(255 - i);
	for (size_t size = 0; size <= ROOM; size++) {
		u8 *from = exact_copy(start + ROOM - size, size);
		u8 *to = malloc(size ? size : 1);

		assert_ptr_equal(memcpy(to, from, size), to);
		assert_memory_equal(to, from, size);
		free(from);
		free(to);
	}
}

static void memset_fills_exactly_the_block(void **state)
{
	u8 block[ROOM];

	(void)state;
	for (size_t start = 0; start < 16; start++) {
		for (size_t size = 0; size < ROOM - 16; size++) {
			for (size_t i = 0; i < ROOM; i++)
				block[i] = 0x55;
			assert_ptr_equal(memset(block + start, 0x1a9, size), block + start);
			for (size_t i = 0; i < ROOM; i++)
				assert_int_equal(block[i],
						 i >= start && i < start + size ? 0xa9 : 0x55);
		}
	}
}

static void memcmp_orders_by_the_first_byte_that_differs(void **state)
{
	u8 left[40] = {0}, right[40] = {0};

	(void)state;
	assert_int_equal(memcmp(left, right, 40), 0);
	for (size_t i = 0; i < 40; i++) {
		left[i] = 200;
		right[i] = 100;
		assert_true(memcmp(left, right, 40) > 0);
		assert_true(memcmp(right, left, 40) < 0);
		assert_int_equal(memcmp(left, right, i), 0);
		left[i] = right[i] = 0;
	}
	left[0] = 1;
	right[1] = 2;
	assert_true(memcmp(left, right, 40) > 0);
}

static void memchr_finds_the_first(void **state)
{
	const char *text = "one two";

	(void)state;
	assert_ptr_equal(memchr(text, 'o', 7), text);
	assert_ptr_equal(memchr(text, 'w', 7), text + 5);
	assert_null(memchr(text, 'w', 5));
	assert_null(memchr(text, 'w', 0));
}

static void lengths(void **state)
{
	(void)state;
	assert_int_equal(strlen(""), 0);
	assert_int_equal(strlen("four"), 4);
	assert_int_equal(strnlen("four", 3), 3);
	assert_int_equal(strnlen("four", 9), 4);
	assert_int_equal(strnlen("four", 0), 0);
}

static void comparisons_take_bytes_as_unsigned(void **state)
{
	(void)state;
	assert_int_equal(strcmp("same", "same"), 0);
	assert_true(strcmp("a", "b") < 0);
	assert_true(strcmp("ab", "a") > 0);
	assert_true(strcmp("\xff", "a") > 0);
	assert_int_equal(strncmp("abc", "abd", 2), 0);
	assert_true(strncmp("abc", "abd", 3) < 0);
	assert_int_equal(strncmp("abc", "xyz", 0), 0);
	assert_int_equal(strncmp("ab", "ab", 100), 0);
	assert_int_equal(strcasecmp("HeLLo", "hEllO"), 0);
	assert_true(strcasecmp("Z", "a") > 0);
	assert_true(strcasecmp("[", "a") < 0);
	assert_int_equal(strncasecmp("ABCx", "abcy", 3), 0);
}

static void searches(void **state)
{
	const char *text = "a/b/c";

	(void)state;
	assert_ptr_equal(strchr(text, '/'), text + 1);
	assert_ptr_equal(strrchr(text, '/'), text + 3);
	assert_ptr_equal(strchr(text, 0), text + 5);
	assert_ptr_equal(strrchr(text, 0), text + 5);
	assert_null(strchr(text, 'x'));
	assert_null(strrchr(text, 'x'));
	assert_ptr_equal(strstr(text, "b/"), text + 2);
	assert_ptr_equal(strstr(text, ""), text);
	assert_ptr_equal(strstr("aab", "ab"), strchr("aab", 'a') + 1);
	assert_null(strstr(text, "c/"));
	assert_null(strstr("", "x"));
}

static void strscpy_always_terminates(void **state)
{
	char to[4] = "xxx";

	(void)state;
	assert_int_equal(strscpy(to, "abc", 4), 3);
	assert_string_equal(to, "abc");
	assert_int_equal(strscpy(to, "", 4), 0);
	assert_string_equal(to, "");
	assert_int_equal(strscpy(to, "abcd", 4), -E2BIG);
	assert_string_equal(to, "abc");
	assert_int_equal(strscpy(to, "abcd", 1), -E2BIG);
	assert_string_equal(to, "");
	assert_int_equal(strscpy(NULL, "abcd", 0), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memmove_is_right_for_every_overlap_and_alignment),
		cmocka_unit_test(memcpy_copies_all_sizes_within_bounds),
		cmocka_unit_test(memset_fills_exactly_the_block),
		cmocka_unit_test(memcmp_orders_by_the_first_byte_that_differs),
		cmocka_unit_test(memchr_finds_the_first),
		cmocka_unit_test(lengths),
		cmocka_unit_test(comparisons_take_bytes_as_unsigned),
		cmocka_unit_test(searches),
		cmocka_unit_test(strscpy_always_terminates),
	};

	return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
