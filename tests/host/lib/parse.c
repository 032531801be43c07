/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, sizes and the command line. */
#include "test.h"

#include <string.h>

#include "lib/errno.h"
#include "lib/parse.h"

static void expect_u64(const char *text, unsigned int base, int result, u64 expected)
{
	u64 value = 4711;

	assert_int_equal(parse_u64(text, base, &value), result);
	assert_int_equal(value, result ? 4711 : expected);
}

static void numbers_are_read_strictly(void **state)
{
	(void)state;
	expect_u64("0", 10, 0, 0);
	expect_u64("42", 10, 0, 42);
	expect_u64("0042", 10, 0, 42);
	expect_u64("18446744073709551615", 10, 0, UINT64_MAX);
	expect_u64("18446744073709551616", 10, -ERANGE, 0);
	expect_u64("99999999999999999999999", 10, -ERANGE, 0);
	expect_u64("99999999999999999999999x", 10, -EINVAL, 0);
	expect_u64("", 10, -EINVAL, 0);
	expect_u64(" 1", 10, -EINVAL, 0);
	expect_u64("1 ", 10, -EINVAL, 0);
	expect_u64("1\n", 10, -EINVAL, 0);
	expect_u64("-1", 10, -EINVAL, 0);
	expect_u64("+1", 10, -EINVAL, 0);
	expect_u64("12a", 10, -EINVAL, 0);
}

static void bases_are_told_by_the_prefix(void **state)
{
	(void)state;
	expect_u64("0x1F", 0, 0, 31);
	expect_u64("0X1f", 0, 0, 31);
	expect_u64("017", 0, 0, 15);
	expect_u64("0", 0, 0, 0);
	expect_u64("08", 0, -EINVAL, 0);
	expect_u64("0x", 0, -EINVAL, 0);
	expect_u64("0xg", 0, -EINVAL, 0);
	expect_u64("ff", 16, 0, 255);
	expect_u64("0xff", 16, 0, 255);
	expect_u64("0x10", 10, -EINVAL, 0);
	expect_u64("777", 8, 0, 511);
	expect_u64("zz", 36, 0, 35 * 36 + 35);
	expect_u64("101", 2, 0, 5);
	expect_u64("102", 2, -EINVAL, 0);
}

static void signed_numbers_keep_to_their_range(void **state)
{
	s64 value;

	(void)state;
	assert_int_equal(parse_s64("-9223372036854775808", 10, &value), 0);
	assert_true(value == INT64_MIN);
	assert_int_equal(parse_s64("9223372036854775807", 10, &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(parse_s64("9223372036854775808", 10, &value), -ERANGE);
	assert_int_equal(parse_s64("-9223372036854775809", 10, &value), -ERANGE);
	assert_int_equal(parse_s64("+5", 10, &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(parse_s64("--5", 10, &value), -EINVAL);
	assert_int_equal(parse_s64("-", 10, &value), -EINVAL);
}

static void expect_size(const char *text, int result, u64 expected)
{
	u64 value = 4711;

	assert_int_equal(parse_size(text, &value), result);
	assert_int_equal(value, result ? 4711 : expected);
}

static void sizes_have_units(void **state)
{
	(void)state;
	expect_size("512", 0, 512);
	expect_size("4k", 0, 4096);
	expect_size("16M", 0, 16 << 20);
	expect_size("0x10G", 0, (u64)16 << 30);
	expect_size("2t", 0, (u64)2 << 40);
	expect_size("15E", 0, (u64)15 << 60);
	expect_size("16E", -ERANGE, 0);
	expect_size("0", 0, 0);
	expect_size("K", -EINVAL, 0);
	expect_size("4KB", -EINVAL, 0);
	expect_size("4x", -EINVAL, 0);
	expect_size("", -EINVAL, 0);
	expect_size("-4K", -EINVAL, 0);
}

static void expect_word(const char *cmdline, const char *name, const char *expected)
{
	char value[64] = "unchanged";
	ssize_t length = cmdline_get(cmdline, name, value, sizeof(value));

	assert_string_equal(value, expected ? expected : "unchanged");
	assert_int_equal(length, expected ? (ssize_t)strlen(expected) : -ENOENT);
}

static void words_are_found_by_their_whole_name(void **state)
{
	const char *cmdline = "console=ttyS0 quiet  root=/dev/sda1\tmem=64M init=";

	(void)state;
	expect_word(cmdline, "console", "ttyS0");
	expect_word(cmdline, "root", "/dev/sda1");
	expect_word(cmdline, "mem", "64M");
	expect_word(cmdline, "init", "");
	expect_word(cmdline, "quiet", NULL);
	expect_word(cmdline, "consol", NULL);
	expect_word(cmdline, "console=", NULL);
	expect_word(cmdline, "onsole", NULL);
	expect_word("", "console", NULL);
	assert_true(cmdline_has(cmdline, "quiet"));
	assert_true(cmdline_has(cmdline, "console"));
	assert_false(cmdline_has(cmdline, "qui"));
	assert_false(cmdline_has(cmdline, "quieter"));
}

static void the_last_of_several_counts(void **state)
{
	(void)state;
	expect_word("console=tty0 console=ttyS0", "console", "ttyS0");
	expect_word("a=1 a", "a", "1");
}

static void quotes_keep_spaces(void **state)
{
	(void)state;
	expect_word("init=\"/bin/sh -c true\" x=1", "init", "/bin/sh -c true");
	expect_word("\"init=/a b\" x=1", "init", "/a b");
	expect_word("init=\"/a b\" x=1", "x", "1");
	expect_word("init=\"x=2\" x=1", "x", "1");
	expect_word("a=\"x=2 b", "a", "x=2 b");
	expect_word("\"quiet x=1\"", "x", NULL);
}

static void dashes_and_underscores_are_the_same(void **state)
{
	(void)state;
	expect_word("log-level=3", "log_level", "3");
	expect_word("log_level=3", "log-level", "3");
	expect_word("a=log-level", "a", "log-level");
}

static void words_behind_two_dashes_are_for_init(void **state)
{
	(void)state;
	expect_word("a=1 -- a=2 b=3", "a", "1");
	expect_word("a=1 -- a=2 b=3", "b", NULL);
	assert_false(cmdline_has("-- quiet", "quiet"));
	assert_true(cmdline_has("--x quiet", "quiet"));
}

static void a_value_that_does_not_fit_is_cut(void **state)
{
	char value[4];

	(void)state;
	assert_int_equal(cmdline_get("a=12345", "a", value, sizeof(value)), 5);
	assert_string_equal(value, "123");
	assert_int_equal(cmdline_get("a=12345", "a", NULL, 0), 5);
}

static void the_walk_yields_every_word(void **state)
{
	const char *at = "  one \"two words\" three=\"3 4\" -- five";
	const char *const expected[] = {"one", "two words", "three=3 4", "--", "five"};
	char word[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(cmdline_next(&at, word, sizeof(word)), strlen(expected[i]));
		assert_string_equal(word, expected[i]);
	}
	assert_int_equal(cmdline_next(&at, word, sizeof(word)), -ENOENT);
	assert_int_equal(cmdline_next(&at, word, sizeof(word)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_strictly),
		cmocka_unit_test(bases_are_told_by_the_prefix),
		cmocka_unit_test(signed_numbers_keep_to_their_range),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(words_are_found_by_their_whole_name),
		cmocka_unit_test(the_last_of_several_counts),
		cmocka_unit_test(quotes_keep_spaces),
		cmocka_unit_test(dashes_and_underscores_are_the_same),
		cmocka_unit_test(words_behind_two_dashes_are_for_init),
		cmocka_unit_test(a_value_that_does_not_fit_is_cut),
		cmocka_unit_test(the_walk_yields_every_word),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
