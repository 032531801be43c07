/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers and command line words; see the header for what is accepted.
 */
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"

static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned int)(c - 'A') + 10;
	return 99;
}

/* Settles the base and skips the prefix that announces it. */
static const char *skip_prefix(const char *text, unsigned int *base)
{
	bool hexadecimal =
		text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16;

	if (hexadecimal && (*base == 0 || *base == 16)) {
		*base = 16;
		return text + 2;
	}
	if (*base == 0)
		*base = text[0] == '0' ? 8 : 10;
	return text;
}

/* Reads digits as far as they go; *@end is where they stopped. */
static int read_digits(const char *text, unsigned int base, const char **end, u64 *value)
{
	u64 result = 0;
	const char *at = skip_prefix(text, &base);
	const char *first = at;
	bool overflow = false;

	for (; digit_value(*at) < base; at++) {
		overflow |= __builtin_mul_overflow(result, base, &result);
		overflow |= __builtin_add_overflow(result, digit_value(*at), &result);
	}
	*end = at;
	if (at == first)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*value = result;
	return 0;
}

int parse_u64(const char *text, unsigned int base, u64 *value)
{
	const char *end;
	u64 result = 0;
	int error = read_digits(text, base, &end, &result);

	if (error == -EINVAL || *end)
		return -EINVAL;
	if (error)
		return error;
	*value = result;
	return 0;
}

int parse_s64(const char *text, unsigned int base, s64 *value)
{
	bool negative = *text == '-';
	u64 magnitude;
	int error = parse_u64(text + (*text == '-' || *text == '+'), base, &magnitude);

	if (error)
		return error;
	if (magnitude > (u64)INT64_MAX + negative)
		return -ERANGE;
	*value = (s64)(negative ? -magnitude : magnitude);
	return 0;
}

int parse_size(const char *text, u64 *bytes)
{
	static const char units[] = "kmgtpe";
	const char *end;
	u64 result = 0;
	unsigned int shift = 0;
	int error = read_digits(text, 0, &end, &result);

	if (error == -EINVAL)
		return error;
	if (*end) {
		const char *unit = strchr(units, *end >= 'A' && *end <= 'Z' ? *end + 32 : *end);

		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (error)
		return error;
	if (result > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = result << shift;
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

ssize_t cmdline_next(const char **at, char *word, size_t size)
{
	const char *from = *at;
	size_t length = 0;
	bool quoted = false;

	while (is_space(*from))
		from++;
	if (!*from) {
		*at = from;
		return -ENOENT;
	}
	for (; *from && (quoted || !is_space(*from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (length + 1 < size)
			word[length] = *from;
		length++;
	}
	if (size)
		word[MIN(length, size - 1)] = '\0';
	*at = from;
	return (ssize_t)length;
}

static char fold_dash(char c)
{
	return c == '-' ? '_' : c;
}

/* A word of the command line, still with its quotes. */
struct raw_word {
	const char *start, *end;
};

static bool next_raw_word(const char **at, struct raw_word *word)
{
	const char *from = *at;
	bool quoted = false;

	while (is_space(*from))
		from++;
	word->start = from;
	for (; *from && (quoted || !is_space(*from)); from++)
		if (*from == '"')
			quoted = !quoted;
	word->end = from;
	*at = from;
	return word->end != word->start;
}

static const char *skip_quotes(const char *at, const char *end)
{
	while (at < end && *at == '"')
		at++;
	return at;
}

/*
 * If @word is called @name, returns where the name ends (at its '=' or at the word's end), else
 * NULL.
 */
static const char *match_name(const struct raw_word *word, const char *name)
{
	const char *at = skip_quotes(word->start, word->end);

	for (; *name; name++) {
		if (at == word->end || fold_dash(*at) != fold_dash(*name))
			return NULL;
		at = skip_quotes(at + 1, word->end);
	}
	return at == word->end || *at == '=' ? at : NULL;
}

static bool ends_kernel_words(const struct raw_word *word)
{
	return word->end - word->start == 2 && word->start[0] == '-' && word->start[1] == '-';
}

ssize_t cmdline_get(const char *cmdline, const char *name, char *to, size_t size)
{
	struct raw_word word, found = {0};
	size_t length = 0;

	while (next_raw_word(&cmdline, &word) && !ends_kernel_words(&word)) {
		const char *end = match_name(&word, name);

		if (end && end < word.end)
			found = (struct raw_word){end + 1, word.end};
	}
	if (!found.start)
		return -ENOENT;
	for (const char *at = found.start; at < found.end; at++) {
		if (*at == '"')
			continue;
		if (length + 1 < size)
			to[length] = *at;
		length++;
	}
	if (size)
		to[MIN(length, size - 1)] = '\0';
	return (ssize_t)length;
}

bool cmdline_has(const char *cmdline, const char *name)
{
	struct raw_word word;

	while (next_raw_word(&cmdline, &word) && !ends_kernel_words(&word))
		if (match_name(&word, name))
			return true;
	return false;
}
