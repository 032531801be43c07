/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings in words, against byte by byte.  The string stands at every distance from the end of a
 * page behind which there is nothing.
 */
#include "test.h"

#include <string.h>
#include <sys/mman.h>

#include "lib/word.h"

static char *page; /* the one after it faults */

static int map_page(void **state)
{
	(void)state;
	page = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	return page == MAP_FAILED || mprotect(page + PAGE_SIZE, PAGE_SIZE, PROT_NONE);
}

static int unmap_page(void **state)
{
	(void)state;
	return munmap(page, 2 * PAGE_SIZE);
}

/* A string of `length` bytes that ends `behind` bytes before the end of the page. */
static char *place(u32 length, u32 behind)
{
	char *text = page + PAGE_SIZE - behind - length - 1;

	memset(page, 'x', PAGE_SIZE);
	for (u32 i = 0; i < length; i++)
		text[i] = (char)(0x80 + i * 37);
	text[length] = '\0';
	return text;
}

static void word_at_has_the_string_wherever_it_ends(void **state)
{
	(void)state;
	for (u32 length = 0; length < 24; length++) {
		for (u32 behind = 0; behind < 12; behind++) {
			const char *text = place(length, behind);
			u64 word = word_at(text);
			u32 bytes = MIN(length + 1, 8u);

			assert_memory_equal(&word, text, bytes);
		}
	}
}

static void first_zero_byte_is_marked(void **state)
{
	u64 random = 12345;

	(void)state;
	for (u32 turn = 0; turn < 100000; turn++) {
		/* Few values, and those that a subtraction borrows from. */
		static const u8 values[] = {0, 1, 0x7f, 0x80, 0x81, 0xff};
		u8 bytes[8];
		u64 word, expected = 0;
		u32 first = 0;

		for (u32 i = 0; i < 8; i++)
			bytes[i] = values[test_random(&random) % 6];
		memcpy(&word, bytes, 8);
		while (first < 8 && bytes[first])
			first++;
		memcpy(&expected, bytes, first);
		u64 marks = word_zeros(word);

		assert_int_equal(marks != 0, first < 8);
		if (!marks)
			continue;
		assert_int_equal(word_marked(marks), first);
		assert_int_equal(word_before(word, marks), expected);
		assert_int_equal(word_head(word, first), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word_at_has_the_string_wherever_it_ends),
		cmocka_unit_test(first_zero_byte_is_marked),
	};

	return cmocka_run_group_tests(tests, map_page, unmap_page);
}
