/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decompressor: blocks, matches, output, and the gzip container.
 *
 * The last 32 KiB of output stay in the window, byte n of the output at n % INFLATE_WINDOW, because
 * matches refer back to them.  Whenever the window's end is reached, what it holds is handed out.
 */
#include "lib/crc32.h"
#include "lib/errno.h"
#include "lib/inflate_internal.h"
#include "lib/string.h"

enum {
	END_OF_BLOCK = 256,
	FIRST_LENGTH = 257,
	LENGTHS = 29,
	DISTANCES = 30,
	LENGTH_CODES = 19, /* symbols of the code that codes the lengths of the other two */
};

/* Lengths and distances come as a symbol, which gives a base, and some bits to add (RFC 1951,
 * section 3.2.5). */
static const u16 length_base[LENGTHS] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
					 15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
					 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const u8 length_bits[LENGTHS] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
					2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const u16 distance_base[DISTANCES] = {
	1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
	193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const u8 distance_bits[DISTANCES] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
					    6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

static int hand_out(struct inflate *state)
{
	size_t size = (size_t)(state->written - state->handed_out);
	const u8 *bytes = state->window + state->handed_out % INFLATE_WINDOW;

	if (!size)
		return 0;
	state->crc = crc32(state->crc, bytes, size);
	state->handed_out = state->written;
	return state->write(state->context, bytes, size);
}

/* How many bytes fit before the window's end; what is there is handed out at the end, never later.
 */
static size_t window_space(const struct inflate *state)
{
	return INFLATE_WINDOW - (size_t)(state->written % INFLATE_WINDOW);
}

static int advance(struct inflate *state, size_t size)
{
	state->written += size;
	return state->written % INFLATE_WINDOW == 0 ? hand_out(state) : 0;
}

static int copy_match(struct inflate *state, size_t length, size_t distance)
{
	if (distance > state->written)
		return inflate_fail(state, "a match from before the start");
	while (length) {
		size_t to = state->written % INFLATE_WINDOW;
		size_t from = (to - distance) % INFLATE_WINDOW;
		size_t run = MIN(length, MIN(window_space(state), INFLATE_WINDOW - from));
		int error;

		/* A match longer than its distance repeats what it has just written, byte after
		 * byte. */
		if (distance >= run)
			memmove(state->window + to, state->window + from, run);
		else
			for (size_t i = 0; i < run; i++)
				state->window[to + i] = state->window[from + i];
		error = advance(state, run);
		if (error)
			return error;
		length -= run;
	}
	return 0;
}

/* The symbol of a length has come: takes the rest of the match and copies it. */
static int match(struct inflate *state, unsigned int length_symbol)
{
	u32 more_length, more_distance;
	int symbol, error;

	if (length_symbol >= LENGTHS)
		return inflate_fail(state, "a length that does not exist");
	error = inflate_take_bits(state, length_bits[length_symbol], &more_length);
	if (error)
		return error;
	symbol = inflate_take_symbol(state, &state->distances);
	if (symbol < 0)
		return symbol;
	if (symbol >= DISTANCES)
		return inflate_fail(state, "a distance that does not exist");
	error = inflate_take_bits(state, distance_bits[symbol], &more_distance);
	if (error)
		return error;
	return copy_match(state, length_base[length_symbol] + more_length,
			  distance_base[symbol] + more_distance);
}

static int coded_block(struct inflate *state)
{
	for (;;) {
		int symbol, error;

		/* 56 bits are enough for the longest match: 15 + 5 + 15 + 13. */
		inflate_refill(state);
		symbol = inflate_take_symbol(state, &state->literals);
		if (symbol < 0)
			return symbol;
		if (symbol == END_OF_BLOCK)
			return 0;
		if (symbol < END_OF_BLOCK) {
			state->window[state->written % INFLATE_WINDOW] = (u8)symbol;
			error = advance(state, 1);
		} else {
			error = match(state, (unsigned int)symbol - FIRST_LENGTH);
		}
		if (error)
			return error;
	}
}

static int fixed_block(struct inflate *state)
{
	u8 lengths[INFLATE_SYMBOLS];

	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 112);
	memset(lengths + 256, 7, 24);
	memset(lengths + 280, 8, 8);
	if (inflate_make_code(&state->literals, lengths, INFLATE_SYMBOLS))
		return inflate_fail(state, "the fixed code");
	/* Symbols 30 and 31 take part in the code but never occur. */
	memset(lengths, 5, 32);
	if (inflate_make_code(&state->distances, lengths, 32))
		return inflate_fail(state, "the fixed code");
	return coded_block(state);
}

/* Takes the code of code lengths into state->literals. */
static int take_length_code(struct inflate *state, unsigned int count)
{
	static const u8 order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
					       11, 4,  12, 3, 13, 2, 14, 1, 15};
	u8 lengths[LENGTH_CODES] = {0};

	for (unsigned int i = 0; i < count; i++) {
		u32 length;
		int error = inflate_take_bits(state, 3, &length);

		if (error)
			return error;
		lengths[order[i]] = (u8)length;
	}
	if (inflate_make_code(&state->literals, lengths, LENGTH_CODES))
		return inflate_fail(state, "code lengths whose own code is broken");
	return 0;
}

/* Takes one symbol of the code lengths: a length, or the repetition of one.  Returns how many,
 * *@value times. */
static int take_length_run(struct inflate *state, bool first, u8 last, u8 *value)
{
	static const struct {
		u8 base, bits;
	} runs[] = {{3, 2}, {3, 3}, {11, 7}}; /* of symbols 16 (the last one), 17 and 18 (zeros) */
	int symbol, error;
	u32 more;

	inflate_refill(state);
	symbol = inflate_take_symbol(state, &state->literals);
	if (symbol < 0)
		return symbol;
	if (symbol < 16) {
		*value = (u8)symbol;
		return 1;
	}
	if (symbol == 16 && first)
		return inflate_fail(state, "a repetition of nothing among the code lengths");
	*value = symbol == 16 ? last : 0;
	error = inflate_take_bits(state, runs[symbol - 16].bits, &more);
	return error ? error : (int)(runs[symbol - 16].base + more);
}

static int dynamic_block(struct inflate *state)
{
	u8 lengths[INFLATE_SYMBOLS + 32];
	u32 literals = 0, distances = 0, codes = 0;
	unsigned int count = 0;
	int error = inflate_take_bits(state, 5, &literals);

	if (!error)
		error = inflate_take_bits(state, 5, &distances);
	if (!error)
		error = inflate_take_bits(state, 4, &codes);
	if (!error && (literals + 257 > 286 || distances + 1 > DISTANCES))
		error = inflate_fail(state, "more symbols than exist");
	if (!error)
		error = take_length_code(state, codes + 4);
	if (error)
		return error;
	literals += 257;
	distances += 1;
	while (count < literals + distances) {
		u8 value = 0;
		int run =
			take_length_run(state, count == 0, count ? lengths[count - 1] : 0, &value);

		if (run < 0)
			return run;
		if (count + (unsigned int)run > literals + distances)
			return inflate_fail(state, "more code lengths than symbols");
		memset(lengths + count, value, (size_t)run);
		count += (unsigned int)run;
	}
	if (!lengths[END_OF_BLOCK])
		return inflate_fail(state, "a block that cannot end");
	if (inflate_make_code(&state->literals, lengths, literals))
		return inflate_fail(state, "a broken code of literals and lengths");
	if (inflate_make_code(&state->distances, lengths + literals, distances))
		return inflate_fail(state, "a broken code of distances");
	return coded_block(state);
}

/* Gives whole bytes that were read ahead back to the input, and drops the rest of the current one.
 */
static void align_to_byte(struct inflate *state)
{
	state->at -= state->bit_count / 8;
	state->bits = 0;
	state->bit_count = 0;
}

static int stored_block(struct inflate *state)
{
	size_t size;
	int error;

	align_to_byte(state);
	if (state->end - state->at < 4)
		return inflate_fail(state, "compressed data end early");
	size = (size_t)state->at[0] | (size_t)state->at[1] << 8;
	if ((size ^ 0xffff) != ((size_t)state->at[2] | (size_t)state->at[3] << 8))
		return inflate_fail(state, "a stored block whose two lengths differ");
	state->at += 4;
	if ((size_t)(state->end - state->at) < size)
		return inflate_fail(state, "compressed data end early");
	while (size) {
		size_t run = MIN(size, window_space(state));

		memcpy(state->window + state->written % INFLATE_WINDOW, state->at, run);
		state->at += run;
		size -= run;
		error = advance(state, run);
		if (error)
			return error;
	}
	return 0;
}

/* Decompresses from state->at; leaves it behind the stream. */
static int inflate_stream(struct inflate *state)
{
	u32 is_last = 0, kind;
	int error = 0;

	state->bits = 0;
	state->bit_count = 0;
	state->written = 0;
	state->handed_out = 0;
	state->crc = 0;
	while (!error && !is_last) {
		error = inflate_take_bits(state, 1, &is_last);
		if (!error)
			error = inflate_take_bits(state, 2, &kind);
		if (error)
			break;
		if (kind == 0)
			error = stored_block(state);
		else if (kind == 1)
			error = fixed_block(state);
		else if (kind == 2)
			error = dynamic_block(state);
		else
			error = inflate_fail(state, "a block of a kind that does not exist");
	}
	if (error)
		return error;
	align_to_byte(state);
	return hand_out(state);
}

static void set_input(struct inflate *state, const void *input, size_t size)
{
	state->error = NULL;
	state->start = input;
	state->at = input;
	state->end = state->at + size;
	state->bit_count = 0;
}

int inflate_raw(struct inflate *state, const void *input, size_t size, size_t *consumed)
{
	int error;

	set_input(state, input, size);
	error = inflate_stream(state);
	*consumed = (size_t)(state->at - state->start);
	return error;
}

bool inflate_is_gzip(const void *input, size_t size)
{
	const u8 *bytes = input;

	return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static int skip_bytes(struct inflate *state, size_t count)
{
	if ((size_t)(state->end - state->at) < count)
		return inflate_fail(state, "the gzip header ends early");
	state->at += count;
	return 0;
}

static int skip_string(struct inflate *state)
{
	const u8 *zero = memchr(state->at, 0, (size_t)(state->end - state->at));

	if (!zero)
		return inflate_fail(state, "the gzip header ends early");
	state->at = zero + 1;
	return 0;
}

static u32 load_u32(const u8 *bytes)
{
	return (u32)bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 | (u32)bytes[3] << 24;
}

/* Magic, method, flags, time (4 bytes), extra flags, system; then what the flags announce. */
static int gzip_header(struct inflate *state)
{
	enum { HEADER_CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0 };
	const u8 *header = state->at;
	int error = 0;

	if (state->end - header < 10)
		return inflate_fail(state, "the gzip header ends early");
	if (!inflate_is_gzip(header, 10))
		return inflate_fail(state, "not gzip");
	if (header[2] != 8)
		return inflate_fail(state, "a gzip method other than deflate");
	if (header[3] & RESERVED)
		return inflate_fail(state, "reserved flags in the gzip header");
	state->at += 10;
	if (header[3] & EXTRA) {
		error = skip_bytes(state, 2);
		if (!error)
			error = skip_bytes(state,
					   (size_t)state->at[-2] | (size_t)state->at[-1] << 8);
	}
	if (!error && (header[3] & NAME))
		error = skip_string(state);
	if (!error && (header[3] & COMMENT))
		error = skip_string(state);
	if (!error && (header[3] & HEADER_CRC)) {
		u32 crc = crc32(0, header, (size_t)(state->at - header)) & 0xffff;

		error = skip_bytes(state, 2);
		if (!error && crc != ((u32)state->at[-2] | (u32)state->at[-1] << 8))
			error = inflate_fail(state, "the gzip header's checksum is wrong");
	}
	return error;
}

static int gzip_trailer(struct inflate *state)
{
	if (state->end - state->at < 8)
		return inflate_fail(state, "the gzip checksum is missing");
	if (load_u32(state->at) != state->crc)
		return inflate_fail(state, "the gzip checksum is wrong");
	if (load_u32(state->at + 4) != (u32)state->written)
		return inflate_fail(state, "the gzip length is wrong");
	state->at += 8;
	return 0;
}

int inflate_gzip(struct inflate *state, const void *input, size_t size, size_t *consumed)
{
	int error;

	set_input(state, input, size);
	error = gzip_header(state);
	if (!error)
		error = inflate_stream(state);
	if (!error)
		error = gzip_trailer(state);
	*consumed = (size_t)(state->at - state->start);
	return error;
}
