/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decompressor's bits and Huffman codes.
 *
 * DEFLATE's codes are canonical: sorted by length, then by symbol, the codes are consecutive
 * numbers (RFC 1951, section 3.2.2).  Codes of up to INFLATE_FAST_BITS bits are found by one look
 * into a table; longer ones by walking the lengths: among the codes of one length the first is
 * known, so the distance from it leads to the symbol.
 */
#include "lib/errno.h"
#include "lib/inflate_internal.h"
#include "lib/string.h"

int inflate_fail(struct inflate *state, const char *text)
{
	state->error = text;
	state->error_offset = (size_t)(state->at - state->start) - state->bit_count / 8;
	return -EINVAL;
}

void inflate_refill(struct inflate *state)
{
	if (state->end - state->at >= 8) {
		u64 next;

		/* Bits above bit_count are those of the byte at `at` already, or zero: or-ing
		 * repeats them. */
		memcpy(&next, state->at, sizeof(next));
		state->bits |= next << state->bit_count;
		state->at += (63 - state->bit_count) / 8;
		state->bit_count |= 56;
		return;
	}
	while (state->bit_count < 56 && state->at < state->end) {
		state->bits |= (u64)*state->at++ << state->bit_count;
		state->bit_count += 8;
	}
}

static void drop_bits(struct inflate *state, unsigned int count)
{
	state->bits >>= count;
	state->bit_count -= count;
}

int inflate_take_bits(struct inflate *state, unsigned int count, u32 *value)
{
	if (state->bit_count < count)
		inflate_refill(state);
	if (state->bit_count < count)
		return inflate_fail(state, "compressed data end early");
	*value = (u32)(state->bits & (BIT(count) - 1));
	drop_bits(state, count);
	return 0;
}

static unsigned int reverse_bits(unsigned int code, unsigned int length)
{
	unsigned int result = 0;

	for (unsigned int i = 0; i < length; i++)
		result |= (code >> i & 1) << (length - 1 - i);
	return result;
}

/* Enters @symbol wherever the next bits start with its @value, which comes with its top bit first.
 */
static void enter_fast(struct inflate_code *code, unsigned int symbol, unsigned int value,
		       unsigned int length)
{
	unsigned int first = reverse_bits(value, length);

	for (unsigned int i = first; i < 1u << INFLATE_FAST_BITS; i += 1u << length)
		code->fast[i] = (u16)(symbol << 4 | length);
}

static bool is_prefix_code(const struct inflate_code *code)
{
	int left = 1; /* codes of this length that are not taken */
	unsigned int used = 0;

	for (unsigned int length = 1; length <= INFLATE_CODE_BITS; length++) {
		left = 2 * left - code->counts[length];
		if (left < 0)
			return false;
		used += code->counts[length];
	}
	return left == 0 || used == 0 || (used == 1 && code->counts[1] == 1);
}

int inflate_make_code(struct inflate_code *code, const u8 *lengths, unsigned int count)
{
	u16 place[INFLATE_CODE_BITS + 2] = {0};          /* by length: where the next symbol goes */
	unsigned int value[INFLATE_CODE_BITS + 2] = {0}; /* by length: the next code */

	memset(code->counts, 0, sizeof(code->counts));
	memset(code->fast, 0, sizeof(code->fast));
	for (unsigned int symbol = 0; symbol < count; symbol++)
		code->counts[lengths[symbol]]++;
	code->counts[0] = 0;
	if (!is_prefix_code(code))
		return -EINVAL;
	for (unsigned int length = 1; length <= INFLATE_CODE_BITS; length++) {
		place[length + 1] = (u16)(place[length] + code->counts[length]);
		value[length + 1] = (value[length] + code->counts[length]) << 1;
	}
	for (unsigned int symbol = 0; symbol < count; symbol++) {
		unsigned int length = lengths[symbol];

		if (!length)
			continue;
		code->symbols[place[length]++] = (u16)symbol;
		if (length <= INFLATE_FAST_BITS)
			enter_fast(code, symbol, value[length], length);
		value[length]++;
	}
	return 0;
}

static int take_long_symbol(struct inflate *state, const struct inflate_code *code)
{
	unsigned int value = 0, first = 0, place = 0;

	for (unsigned int length = 1; length <= INFLATE_CODE_BITS; length++) {
		unsigned int count = code->counts[length];

		if (length > state->bit_count)
			return inflate_fail(state, "compressed data end early");
		value = value << 1 | (state->bits >> (length - 1) & 1);
		first <<= 1;
		if (value - first < count) {
			drop_bits(state, length);
			return code->symbols[place + value - first];
		}
		first += count;
		place += count;
	}
	return inflate_fail(state, "a code that stands for nothing");
}

int inflate_take_symbol(struct inflate *state, const struct inflate_code *code)
{
	unsigned int entry = code->fast[state->bits & ((1u << INFLATE_FAST_BITS) - 1)];
	unsigned int length = entry & 15;

	if (!length || length > state->bit_count)
		return take_long_symbol(state, code);
	drop_bits(state, length);
	return (int)(entry >> 4);
}
