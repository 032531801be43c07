/* SPDX-License-Identifier: BSD-2-Clause */
/* The port of LZ4: what goes in comes out, limits are kept, and damaged input does no harm. */
#include "lib/lz4.h"

#include <string.h>

#include "lib/errno.h"
#include "test.h"

enum { PAGE = 4096 };

static u64 workspace[LZ4_WORKSPACE / sizeof(u64)];
static u64 state = 42;

static u32 draw(u32 limit)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (u32)(state >> 33) % limit;
}

/* A page of which about `noise` in 256 bytes are random. */
static void fill(u8 *page, u32 noise)
{
	for (int i = 0; i < PAGE; i++)
		page[i] = draw(256) < noise ? (u8)draw(256) : (u8)(i / 16);
}

static void pages_come_back_as_they_were(void **unused __unused)
{
	u8 page[PAGE], packed[PAGE], back[PAGE];

	for (u32 noise = 0; noise <= 256; noise += 4) {
		fill(page, noise);
		size_t size = lz4_compress(page, PAGE, packed, PAGE, workspace);
		if (noise <= 64)
			assert_in_range(size, 1, PAGE - 1);
		if (size == 0)
			continue;
		assert_int_equal(lz4_decompress(packed, size, back, PAGE), PAGE);
		assert_memory_equal(page, back, PAGE);
	}
}

static void what_does_not_fit_is_refused(void **unused __unused)
{
	u8 page[PAGE], *packed = malloc(PAGE), back[PAGE];

	fill(page, 256);
	assert_int_equal(lz4_compress(page, PAGE, packed, PAGE, workspace), 0);
	fill(page, 16);
	size_t size = lz4_compress(page, PAGE, packed, PAGE, workspace);
	assert_in_range(size, 64, PAGE);
	/* A block of exactly the limit, so that a byte too many is seen. */
	u8 *tight = malloc(size);
	assert_int_equal(lz4_compress(page, PAGE, tight, size - 16, workspace), 0);
	size_t again = lz4_compress(page, PAGE, tight, size, workspace);
	assert_in_range(again, 0, size);
	assert_int_equal(lz4_decompress(packed, size, back, PAGE - 1), -EINVAL);
	assert_int_equal(lz4_decompress(packed, size - 1, back, PAGE), -EINVAL);
	free(tight);
	free(packed);
}

static void damaged_blocks_do_no_harm(void **unused __unused)
{
	u8 page[PAGE], packed[PAGE], *back = malloc(PAGE);

	for (int round = 0; round < 20000; round++) {
		fill(page, draw(64));
		size_t size = lz4_compress(page, PAGE, packed, PAGE, workspace);
		assert_int_not_equal(size, 0);
		/* In a block of its own size, so that reading behind it is seen. */
		size_t kept = 1 + draw((u32)size);
		u8 *damaged = malloc(kept);
		memcpy(damaged, packed, kept);
		for (u32 i = draw(4); i > 0; i--)
			damaged[draw((u32)kept)] = (u8)draw(256);
		ssize_t result = lz4_decompress(damaged, kept, back, PAGE);
		assert_true(result == -EINVAL || (result >= 0 && result <= PAGE));
		free(damaged);
	}
	free(back);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_come_back_as_they_were),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(damaged_blocks_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
