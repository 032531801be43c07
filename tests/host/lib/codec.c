/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompression and checksums, judged by the host's gzip and by Python's zlib; and the random
 * generator's building blocks, judged by the test vectors of RFC 8439.
 */
#include "test.h"

#include <string.h>

#include "lib/chacha20.h"
#include "lib/crc32.h"
#include "lib/crc32c.h"
#include "lib/crng.h"
#include "lib/errno.h"
#include "lib/inflate.h"

enum { SAMPLE_MAX = 1 << 20, OUTPUT_MAX = SAMPLE_MAX + 1024 };

static u8 sample[SAMPLE_MAX];
static u8 packed[2 * SAMPLE_MAX];
static u8 output[OUTPUT_MAX];
static size_t output_size;
static struct inflate inflater;

static int collect(void *context, const u8 *bytes, size_t size)
{
	(void)context;
	assert_true(size > 0 && size <= INFLATE_WINDOW);
	assert_true(output_size + size <= OUTPUT_MAX);
	memcpy(output + output_size, bytes, size);
	output_size += size;
	return 0;
}

/* Samples of different nature. */
enum sample { EMPTY, ONE_BYTE, ZEROS, RANDOM, WORDS, FAR_MATCHES, SAMPLES };

static size_t make_sample(enum sample kind)
{
	static const char *const words[] = {"frame ",  "page ", "fault ",        "fork ",
					    "region ", "\n",    "copy on write "};
	u64 random = 42;
	size_t size = 0;

	switch (kind) {
	case EMPTY:
		return 0;
	case ONE_BYTE:
		sample[0] = 'x';
		return 1;
	case ZEROS:
		memset(sample, 0, 1000000);
		return 1000000;
	case RANDOM:
		while (size < 200000)
			sample[size++] = (u8)test_random(&random);
		return size;
	case WORDS:
		while (size < 500000) {
			const char *word = words[test_random(&random) % ARRAY_SIZE(words)];

			memcpy(sample + size, word, strlen(word));
			size += strlen(word);
		}
		return size;
	case FAR_MATCHES:
		/* Random bytes that come again after about 32 KiB, the greatest distance. */
		for (; size < 300000; size++)
			sample[size] = size < 32768 || size % 1024 < 3
					       ? (u8)test_random(&random)
					       : sample[size - 32700 - size / 9000];
		return size;
	case SAMPLES:
		break;
	}
	return 0;
}

static void write_sample(size_t size)
{
	FILE *file = fopen("codec.sample", "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(sample, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* Runs a command that packs codec.sample, and takes its output. */
static size_t pack(const char *command)
{
	FILE *pipe = popen(command, "r");
	size_t size;

	assert_non_null(pipe);
	size = fread(packed, 1, sizeof(packed), pipe);
	assert_int_equal(pclose(pipe), 0);
	assert_true(size > 0 && size < sizeof(packed));
	return size;
}

/* A copy of the packed bytes in a block of just their size, for the sanitizer. */
static u8 *exact_copy(const u8 *from, size_t size)
{
	u8 *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, from, size);
	return copy;
}

static void expect_unpacked(int (*unpack)(struct inflate *, const void *, size_t, size_t *),
			    size_t packed_size, size_t size)
{
	u8 *input = exact_copy(packed, packed_size);
	size_t consumed;

	output_size = 0;
	inflate_init(&inflater, collect, NULL);
	assert_int_equal(unpack(&inflater, input, packed_size, &consumed), 0);
	assert_int_equal(consumed, packed_size);
	assert_int_equal(output_size, size);
	assert_memory_equal(output, sample, size);
	free(input);
}

static void gzip_files_of_all_levels_are_unpacked(void **state)
{
	char command[64];

	(void)state;
	for (int kind = EMPTY; kind < SAMPLES; kind++) {
		size_t size = make_sample((enum sample)kind);

		write_sample(size);
		for (int level = 1; level <= 9; level++) {
			snprintf(command, sizeof(command), "gzip -%d -c codec.sample", level);
			expect_unpacked(inflate_gzip, pack(command), size);
		}
	}
}

/* Every combination of zlib's levels, strategies, window sizes and memory levels: all kinds of
 * blocks. */
static void deflate_streams_of_all_kinds_are_unpacked(void **state)
{
	static const char *const arguments[] = {
		"0, 8, -15, 8, 0", "6, 8, -15, 8, 4", "6, 8, -15, 8, 2", "6, 8, -15, 8, 3",
		"9, 8, -9, 1, 0",  "1, 8, -15, 9, 0", "9, 8, -15, 1, 1"};
	char command[256];

	(void)state;
	for (int kind = EMPTY; kind < SAMPLES; kind++) {
		size_t size = make_sample((enum sample)kind);

		write_sample(size);
		for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
			snprintf(command, sizeof(command),
				 "python3 -c 'import sys, zlib; c = zlib.compressobj(%s); "
				 "sys.stdout.buffer.write(c.compress(open(\"codec.sample\", "
				 "\"rb\").read()) + c.flush())'",
				 arguments[i]);
			expect_unpacked(inflate_raw, pack(command), size);
		}
	}
}

static void gzip_headers_with_every_field_are_read(void **state)
{
	/* Flags: header checksum, extra field, name, comment. */
	u8 header[] = {0x1f, 0x8b, 8,   0x1e, 1, 2,   3,   4, 0, 3, 2,
		       0,    'e',  'x', 'n',  0, 'c', 'c', 0, 0, 0};
	u8 file[64];
	u16 crc = (u16)crc32(0, header, sizeof(header) - 2);
	size_t size, consumed;

	(void)state;
	header[sizeof(header) - 2] = (u8)crc;
	header[sizeof(header) - 1] = (u8)(crc >> 8);
	make_sample(ONE_BYTE);
	write_sample(1);
	size = pack("gzip -nc codec.sample");
	memcpy(file, header, sizeof(header));
	memcpy(file + sizeof(header), packed + 10, size - 10);
	size += sizeof(header) - 10;
	output_size = 0;
	inflate_init(&inflater, collect, NULL);
	assert_int_equal(inflate_gzip(&inflater, file, size, &consumed), 0);
	assert_int_equal(consumed, size);
	assert_int_equal(output_size, 1);
	for (size_t cut = 0; cut < size; cut++) {
		u8 *input = exact_copy(file, cut);

		assert_int_equal(inflate_gzip(&inflater, input, cut, &consumed), -EINVAL);
		assert_non_null(inflater.error);
		free(input);
	}
	for (size_t i = 0; i < sizeof(header); i++) {
		file[i] ^= 0x20;
		assert_int_equal(inflate_gzip(&inflater, file, size, &consumed), -EINVAL);
		file[i] ^= 0x20;
	}
}

static void every_cut_and_every_flipped_bit_is_noticed(void **state)
{
	size_t size = make_sample(WORDS), packed_size, consumed;
	int harmless = 0;

	(void)state;
	size = 3000;
	write_sample(size);
	packed_size = pack("gzip -9nc codec.sample");
	inflate_init(&inflater, collect, NULL);
	for (size_t cut = 0; cut < packed_size; cut++) {
		u8 *input = exact_copy(packed, cut);

		output_size = 0;
		assert_int_equal(inflate_gzip(&inflater, input, cut, &consumed), -EINVAL);
		assert_true(inflater.error && inflater.error_offset <= cut);
		free(input);
	}
	/* From the flags on, but for time, extra flags and system, which nothing checks. */
	for (size_t bit = 10 * 8; bit < packed_size * 8; bit++) {
		u8 *input = exact_copy(packed, packed_size);

		input[bit / 8] ^= (u8)(1 << bit % 8);
		output_size = 0;
		/* A bit of padding, or of the length of a code that is never used, changes nothing.
		 */
		if (inflate_gzip(&inflater, input, packed_size, &consumed) == 0) {
			assert_int_equal(output_size, size);
			assert_memory_equal(output, sample, size);
			harmless++;
		}
		free(input);
	}
	assert_in_range(harmless, 0, 16);
}

static void expect_broken(const char *bytes, size_t size, const char *error)
{
	size_t consumed;

	output_size = 0;
	inflate_init(&inflater, collect, NULL);
	assert_int_equal(inflate_raw(&inflater, bytes, size, &consumed), -EINVAL);
	assert_string_equal(inflater.error, error);
}

static void broken_streams_are_told_apart(void **state)
{
	(void)state;
	expect_broken("", 0, "compressed data end early");
	expect_broken("\x07", 1, "a block of a kind that does not exist");
	expect_broken("\x01\x05\x00\xfa\xfe"
		      "abcde",
		      10, "a stored block whose two lengths differ");
	expect_broken("\x01\x05\x00\xfa\xff"
		      "abcd",
		      9, "compressed data end early");
	expect_broken("\x03\x02", 2, "a match from before the start");
	expect_broken("\xfd\xff\xff", 3, "more symbols than exist");
}

static int refuse(void *context, const u8 *bytes, size_t size)
{
	(void)context;
	(void)bytes;
	(void)size;
	return -ENOSPC;
}

static void an_error_of_the_writer_is_handed_through(void **state)
{
	size_t consumed;

	(void)state;
	make_sample(ONE_BYTE);
	write_sample(1);
	inflate_init(&inflater, refuse, NULL);
	assert_int_equal(inflate_gzip(&inflater, packed, pack("gzip -c codec.sample"), &consumed),
			 -ENOSPC);
	assert_null(inflater.error);
}

/* Bit by bit. */
static u32 slow_crc32c(u32 crc, const u8 *bytes, size_t size)
{
	for (; size != 0; size--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return crc;
}

static void crc32c_is_the_same_in_larger_steps(void **state)
{
	u8 bytes[100];
	u64 seed = 1;

	(void)state;
	assert_true((u32)~crc32c(~0u, "123456789", 9) == 0xe3069283);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)test_random(&seed);
	for (size_t start = 0; start < 9; start++)
		for (size_t size = 0; size < 80; size++)
			assert_true(crc32c(7, bytes + start, size) ==
				    slow_crc32c(7, bytes + start, size));
}

static void crc32_has_its_known_values(void **state)
{
	const char *digits = "123456789";

	(void)state;
	assert_int_equal(crc32(0, "", 0), 0);
	assert_true(crc32(0, digits, 9) == 0xcbf43926);
	for (size_t cut = 0; cut <= 9; cut++)
		assert_true(crc32(crc32(0, digits, cut), digits + cut, 9 - cut) == 0xcbf43926);
}

/* RFC 8439, section 2.3.2. */
static void chacha20_gives_the_block_of_the_rfc(void **state)
{
	static const u8 nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0};
	static const u8 expected[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	u8 key[32], block[64];

	(void)state;
	for (int i = 0; i < 32; i++)
		key[i] = (u8)i;
	chacha20_block(key, 1, nonce, block);
	assert_memory_equal(block, expected, 64);
}

static void random_numbers_depend_on_every_seed(void **state)
{
	struct crng first, second;
	u8 a[100], b[100];

	(void)state;
	crng_init(&first);
	crng_init(&second);
	crng_mix(&first, "seed", 4);
	crng_mix(&second, "seed", 4);
	crng_generate(&first, a, 100);
	crng_generate(&second, b, 100);
	assert_memory_equal(a, b, 100);
	crng_mix(&second, "", 0);
	crng_generate(&first, a, 100);
	crng_generate(&second, b, 100);
	assert_memory_not_equal(a, b, 100);
	/* Zeros and lengths count: a seed is not the same as that seed with zeros behind it. */
	crng_init(&first);
	crng_init(&second);
	crng_mix(&first, "\0", 1);
	crng_mix(&second, "\0\0", 2);
	assert_memory_not_equal(first.key, second.key, 32);
}

static void the_key_is_gone_after_each_draw(void **state)
{
	struct crng crng, child;
	u8 key[32], numbers[32], again[32];

	(void)state;
	crng_init(&crng);
	crng_mix(&crng, "x", 1);
	memcpy(key, crng.key, 32);
	crng_generate(&crng, numbers, 1);
	assert_memory_not_equal(crng.key, key, 32);
	crng_generate(&crng, numbers, 32);
	crng_generate(&crng, again, 32);
	assert_memory_not_equal(numbers, again, 32);
	crng_fork(&crng, &child);
	assert_memory_not_equal(crng.key, child.key, 32);
}

static void random_bytes_of_every_length_are_even(void **state)
{
	struct crng crng;
	u32 ones = 0;

	(void)state;
	crng_init(&crng);
	for (size_t size = 0; size < 300; size++) {
		u8 *bytes = malloc(size ? size : 1);

		crng_generate(&crng, bytes, size);
		for (size_t i = 0; i < size; i++)
			ones += (u32)__builtin_popcount(bytes[i]);
		free(bytes);
	}
	/* 358,800 bits: five standard deviations are 1,497. */
	assert_in_range(ones, 179400 - 1497, 179400 + 1497);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_files_of_all_levels_are_unpacked),
		cmocka_unit_test(deflate_streams_of_all_kinds_are_unpacked),
		cmocka_unit_test(gzip_headers_with_every_field_are_read),
		cmocka_unit_test(every_cut_and_every_flipped_bit_is_noticed),
		cmocka_unit_test(broken_streams_are_told_apart),
		cmocka_unit_test(an_error_of_the_writer_is_handed_through),
		cmocka_unit_test(crc32_has_its_known_values),
		cmocka_unit_test(crc32c_is_the_same_in_larger_steps),
		cmocka_unit_test(chacha20_gives_the_block_of_the_rfc),
		cmocka_unit_test(random_numbers_depend_on_every_seed),
		cmocka_unit_test(the_key_is_gone_after_each_draw),
		cmocka_unit_test(random_bytes_of_every_length_are_even),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
