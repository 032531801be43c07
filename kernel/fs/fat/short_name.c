/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short names for long ones: the first letters in capitals, and "~1" if that does not say all, up
 * to "~9"; then four digits of a number as well.  They come out as those that Linux makes.
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { TAIL_BASE = 6, NUMBER_BASE = 2, TAILS = 9, NUMBER_TRIES = 0x10000, NUMBER_STEP = 11 };

/* What is known of the letters of a part. */
struct letters {
	bool exact;        /* nothing was left out or replaced */
	bool upper, lower; /* all of them are */
};

/* The base or the extension, while it is made. */
struct part {
	u8 *to;
	u32 length, most;
	bool whole; /* all of it found room */
	struct letters letters;
};

static u8 to_upper(u8 code)
{
	static const struct {
		u8 small, capital;
	} pairs[] = {{0x81, 0x9a}, {0x82, 0x90}, {0x84, 0x8e}, {0x86, 0x8f},
		     {0x87, 0x80}, {0x91, 0x92}, {0x94, 0x99}, {0xa4, 0xa5}};

	if (code >= 'a' && code <= 'z')
		return (u8)(code - 'a' + 'A');
	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++)
		if (code == pairs[i].small)
			return pairs[i].capital;
	return code;
}

static void put(struct part *part, u8 code)
{
	if (part->length == part->most)
		part->whole = false;
	else
		part->to[part->length++] = code;
}

static void put_unit(struct part *part, u16 unit)
{
	struct letters *letters = &part->letters;
	u8 code = fat_code_page_find(unit), capital;

	if (unit == '.' || unit == ' ') {
		letters->exact = false;
		return;
	}
	if (code == 0 || (unit < 0x80 && memchr("[];,+=", unit, 6))) {
		letters->exact = false;
		put(part, '_');
		return;
	}
	if (code >= 0x7f)
		letters->upper = letters->lower = false;
	capital = to_upper(code);
	if (capital >= 'A' && capital <= 'Z') {
		if (capital == code)
			letters->lower = false;
		else
			letters->upper = false;
	}
	put(part, capital);
}

/* Where the extension begins, behind its dot; `count`: there is none. */
static u32 find_extension(const u16 *units, u32 count)
{
	u32 dot = count, first = 0;

	while (dot > 0 && units[dot - 1] != '.')
		dot--;
	if (dot == 0 || dot == count)
		return count;
	/* A name that begins with its last dot is all base. */
	while (first < dot - 1 && (units[first] == '.' || units[first] == ' '))
		first++;
	return first == dot - 1 ? count : dot;
}

/* Makes both parts, padded with spaces: false: the base is empty. */
static bool make_parts(const u16 *units, u32 count, u8 *name, struct part *base,
		       struct part *extension)
{
	u32 dot = find_extension(units, count);

	memset(name, ' ', FAT_SHORT);
	*base = (struct part){name, 0, FAT_BASE, true, {true, true, true}};
	*extension =
		(struct part){name + FAT_BASE, 0, FAT_SHORT - FAT_BASE, true, {true, true, true}};
	for (u32 i = 0; i < (dot == count ? count : dot - 1); i++)
		put_unit(base, units[i]);
	for (u32 i = dot; i < count; i++)
		put_unit(extension, units[i]);
	if (name[0] == FAT_REMOVED)
		name[0] = FAT_REMOVED_STANDIN;
	return base->length > 0;
}

/* The name says all but for the case of its letters.  1: and that, too. */
static int decide_case(const struct fat_volume *volume, const struct letters *base,
		       const struct letters *extension, u8 *lower)
{
	if (volume->short_names != FAT_WINNT)
		return base->upper && extension->upper;
	if ((!base->upper && !base->lower) || (!extension->upper && !extension->lower))
		return 0;
	*lower = (u8)((base->upper ? 0 : FAT_LOWER_BASE) | (extension->upper ? 0 : FAT_LOWER_EXT));
	return 1;
}

/* Puts a tail behind the first `keep` letters. */
static int try_tail(struct fat_short_search *search, u8 *name, u32 keep, const char *tail)
{
	size_t length = strlen(tail);

	memset(name + keep, ' ', FAT_BASE - keep);
	memcpy(name + keep, tail, length);
	return fat_short_is_taken(search, name);
}

static int find_tail(struct fat_short_search *search, u8 *name, u32 base_length)
{
	static const char digits[] = "0123456789ABCDEF";
	u32 keep = MIN(base_length, (u32)TAIL_BASE);
	int taken = 1;

	for (char digit = '1'; digit <= '0' + TAILS && taken == 1; digit++)
		taken = try_tail(search, name, keep, (const char[]){'~', digit, 0});
	keep = MIN(base_length, (u32)NUMBER_BASE);
	/* Numbers that depend on the time of day are no better, but cannot be told beforehand. */
	for (u32 i = 0, number = search->volume->free; i < NUMBER_TRIES && taken == 1;
	     i++, number -= NUMBER_STEP) {
		const char tail[] = {digits[number >> 12 & 15],
				     digits[number >> 8 & 15],
				     digits[number >> 4 & 15],
				     digits[number & 15],
				     '~',
				     '1',
				     0};

		taken = try_tail(search, name, keep, tail);
	}
	return taken == 1 ? -EEXIST : taken;
}

int fat_short_make(struct fat_short_search *search, const u16 *units, u32 count, u8 *name,
		   u8 *lower)
{
	struct part base, extension;
	int taken;

	*lower = 0;
	if (!make_parts(units, count, name, &base, &extension))
		return -EINVAL;
	if (base.whole && extension.whole && base.letters.exact && extension.letters.exact) {
		taken = fat_short_is_taken(search, name);
		if (taken < 0)
			return taken;
		if (taken == 0)
			return decide_case(search->volume, &base.letters, &extension.letters,
					   lower);
	} else if (search->volume->plain_tails) {
		taken = fat_short_is_taken(search, name);
		if (taken <= 0)
			return taken;
	}
	return find_tail(search, name, base.length);
}
