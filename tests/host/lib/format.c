/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted text, against the host's printf: the same format and arguments must give the same text
 * and the same length, for every combination of flags, width, precision and size.
 */
#include "test.h"

#include "lib/format.h"

/* The host's own, under the name that renamed.h has hidden. */
#undef snprintf
int snprintf(char *to, size_t size, const char *format, ...);
static int (*const host_snprintf)(char *to, size_t size, const char *format, ...) = snprintf;
#define snprintf kernel_snprintf

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-overflow"

#define SAME(...)                                                                      \
	do {                                                                           \
		char ours[200], theirs[200];                                           \
		int our_length = kernel_snprintf(ours, sizeof(ours), __VA_ARGS__);     \
		int their_length = host_snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
		assert_string_equal(ours, theirs);                                     \
		assert_int_equal(our_length, their_length);                            \
	} while (0)

static const char *const flags[] = {"",   "-",  "0",  "+",  " ",  "#",  "-#",
				    "0#", "+0", " 0", "-+", "-0", "+ ", "#+0"};
static const char *const widths[] = {"", "1", "5", "12", "30"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".4", ".15", ".25"};
static const char *const sizes[] = {"hh", "h", "", "l", "ll", "z", "t", "j"};

static void make_format(char *format, size_t flag, size_t width, size_t precision, const char *rest)
{
	host_snprintf(format, 40, "<%%%s%s%s%s>", flags[flag], widths[width], precisions[precision],
		      rest);
}

static void integers_of_every_shape_match_the_host(void **state)
{
	static const u64 values[] = {
		0,          1,          7,          8,          255,          256,
		0x7fffffff, 0x80000000, UINT64_MAX, 1ull << 63, 1234567890123};

	(void)state;
	for (size_t flag = 0; flag < ARRAY_SIZE(flags); flag++)
		for (size_t width = 0; width < ARRAY_SIZE(widths); width++)
			for (size_t precision = 0; precision < ARRAY_SIZE(precisions); precision++)
				for (size_t size = 0; size < ARRAY_SIZE(sizes); size++)
					for (const char *c = "diuoxX"; *c; c++)
						for (size_t value = 0; value < ARRAY_SIZE(values);
						     value++) {
							char rest[5], format[40];

							host_snprintf(rest, sizeof(rest), "%s%c",
								      sizes[size], *c);
							make_format(format, flag, width, precision,
								    rest);
							SAME(format, values[value]);
						}
}

static void strings_and_characters_match_the_host(void **state)
{
	static const char *const texts[] = {"", "a", "hello", "a rather long piece of text"};

	(void)state;
	for (size_t width = 0; width < ARRAY_SIZE(widths); width++) {
		for (size_t left = 0; left < 2; left++) {
			char format[40];

			for (size_t precision = 0; precision < ARRAY_SIZE(precisions); precision++)
				for (size_t text = 0; text < ARRAY_SIZE(texts); text++) {
					make_format(format, left, width, precision, "s");
					SAME(format, texts[text]);
				}
			make_format(format, left, width, 0, "c");
			SAME(format, 'x');
		}
	}
	SAME("%c%c|", 0, 'b');
}

static void stars_match_the_host(void **state)
{
	(void)state;
	for (int width = -9; width < 10; width++)
		for (int precision = -3; precision < 9; precision++) {
			SAME("<%*.*d>", width, precision, 1234);
			SAME("<%0*.*x>", width, precision, 0xabc);
			SAME("<%*.*s>", width, precision, "hello");
			SAME("<%-*d>", width, 5);
		}
}

static void a_string_without_terminator_is_read_up_to_the_precision(void **state)
{
	char *text = malloc(3);

	(void)state;
	text[0] = text[1] = text[2] = 'z';
	SAME("%.3s", text);
	free(text);
}

static void several_conversions_match_the_host(void **state)
{
	(void)state;
	SAME("plain");
	SAME("100%% of %s: %d, %#x, %c, %lu", "all", -5, 255, '!', 77ul);
	SAME("%p", (void *)0x1234abcd);
	SAME("%20p|%-20p|", (void *)0xfff, (void *)0xfff);
}

static void what_does_not_fit_is_cut_and_counted(void **state)
{
	char text[8] = "xxxxxxx";

	(void)state;
	assert_int_equal(kernel_snprintf(text, 5, "%d", 1234567), 7);
	assert_string_equal(text, "1234");
	assert_int_equal(text[5], 'x');
	assert_int_equal(kernel_snprintf(text, 1, "abc"), 3);
	assert_string_equal(text, "");
	assert_int_equal(kernel_snprintf(NULL, 0, "%s", "count only"), 10);
	assert_int_equal(ksnprintf(text, 5, "%d", 1234567), 4);
	assert_int_equal(ksnprintf(text, 5, "%d", 12), 2);
	assert_int_equal(ksnprintf(NULL, 0, "%d", 12), 0);
}

static void oddities(void **state)
{
	char text[40];

	(void)state;
	kernel_snprintf(text, sizeof(text), "%s", (char *)NULL);
	assert_string_equal(text, "(null)");
	kernel_snprintf(text, sizeof(text), "%p", NULL);
	assert_string_equal(text, "0x0");
	kernel_snprintf(text, sizeof(text), "a%yb");
	assert_string_equal(text, "a%yb");
	kernel_snprintf(text, sizeof(text), "end%");
	assert_string_equal(text, "end%");
	kernel_snprintf(text, sizeof(text), "end%-5l");
	assert_string_equal(text, "end%-5l");
	assert_int_equal(kernel_snprintf(text, sizeof(text), "%99999999999d", 1), 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_of_every_shape_match_the_host),
		cmocka_unit_test(strings_and_characters_match_the_host),
		cmocka_unit_test(stars_match_the_host),
		cmocka_unit_test(a_string_without_terminator_is_read_up_to_the_precision),
		cmocka_unit_test(several_conversions_match_the_host),
		cmocka_unit_test(what_does_not_fit_is_cut_and_counted),
		cmocka_unit_test(oddities),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
