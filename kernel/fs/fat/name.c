/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: programs have them in UTF-8, long names are UTF-16, short ones the 8 and 3 bytes of code
 * page 437.
 *
 * Letters of ASCII are equal whatever their case, others are not, as with Linux's default.
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { SURROGATES = 0xd800, SURROGATES_LOW = 0xdc00, SURROGATES_END = 0xe000, PLANE = 0x10000 };
enum { CODE_MOST = 0x10ffff, CODES_HIGH = 128 };

/* Code page 437, upper half. */
static const u16 code_page[CODES_HIGH] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
	0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2,
	0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1,
	0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
	0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
	0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534,
	0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
	0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
	0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
	0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0,
	0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* --- UTF-8 --- */

/* A character from the text: how many bytes it takes, or 0. */
static u32 take_utf8(const u8 *text, u32 length, u32 *code)
{
	static const u32 least[] = {0, 0, 0x80, 0x800, PLANE};
	u32 size = text[0] < 0x80   ? 1
		   : text[0] < 0xc2 ? 0
		   : text[0] < 0xe0 ? 2
		   : text[0] < 0xf0 ? 3
		   : text[0] < 0xf5 ? 4
				    : 0;

	if (size == 0 || size > length)
		return 0;
	*code = size == 1 ? text[0] : text[0] & (0xffu >> (size + 1));
	for (u32 i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < least[size] || *code > CODE_MOST ||
	    (*code >= SURROGATES && *code < SURROGATES_END))
		return 0;
	return size;
}

static u32 put_utf8(u32 code, u8 *text)
{
	u32 size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < PLANE ? 3 : 4;

	if (size == 1) {
		text[0] = (u8)code;
		return 1;
	}
	for (u32 i = size; i-- > 1; code >>= 6)
		text[i] = (u8)(0x80 | (code & 0x3f));
	text[0] = (u8)(0xf0u << (4 - size) | code);
	return size;
}

/* --- Long names --- */

/* What no name may have, on any system that knows FAT. */
static bool is_bad(u32 code)
{
	return code < ' ' || (code < 0x80 && memchr("*?<>|\":/\\", (int)code, 9));
}

int fat_name_decode(const char *name, u32 length, u16 *units)
{
	u32 count = 0, code = 0, size;

	while (length > 0 && name[length - 1] == '.')
		length--;
	if (length == 0)
		return -EINVAL;
	for (u32 at = 0; at < length; at += size) {
		size = take_utf8((const u8 *)name + at, length - at, &code);
		if (size == 0 || is_bad(code))
			return -EINVAL;
		if (count + (code >= PLANE ? 2 : 1) > FAT_NAME_MAX)
			return -ENAMETOOLONG;
		if (code >= PLANE) {
			units[count++] = (u16)(SURROGATES | (code - PLANE) >> 10);
			units[count++] = (u16)(SURROGATES_LOW | (code & 0x3ff));
		} else {
			units[count++] = (u16)code;
		}
	}
	/* A name does not end with a space. */
	return code == ' ' ? -EINVAL : (int)count;
}

u32 fat_name_encode(const u16 *units, u32 count, char *name)
{
	u32 length = 0;

	for (u32 i = 0; i < count; i++) {
		u32 code = units[i];
		u8 text[4];
		u32 size;

		if (code >= SURROGATES && code < SURROGATES_LOW && i + 1 < count &&
		    units[i + 1] >= SURROGATES_LOW && units[i + 1] < SURROGATES_END)
			code = PLANE + ((code & 0x3ff) << 10) + (units[++i] & 0x3ff);
		else if (code >= SURROGATES && code < SURROGATES_END)
			return 0;
		size = put_utf8(code, text);
		if (code == 0 || code == '/' || length + size > FAT_NAME_MAX)
			return 0;
		memcpy(name + length, text, size);
		length += size;
	}
	return length;
}

static u16 fold(u16 unit)
{
	return unit >= 'a' && unit <= 'z' ? (u16)(unit - 'a' + 'A') : unit;
}

bool fat_name_equal(const u16 *one, u32 one_count, const u16 *other, u32 other_count)
{
	if (one_count != other_count)
		return false;
	for (u32 i = 0; i < one_count; i++)
		if (fold(one[i]) != fold(other[i]))
			return false;
	return true;
}

/* --- Short names --- */

u8 fat_short_checksum(const u8 *name)
{
	u8 sum = 0;

	for (u32 i = 0; i < FAT_SHORT; i++)
		sum = (u8)((sum >> 1 | sum << 7) + name[i]);
	return sum;
}

u16 fat_code_page_unit(u8 code)
{
	return code < CODES_HIGH ? code : code_page[code - CODES_HIGH];
}

u8 fat_code_page_find(u16 unit)
{
	if (unit < CODES_HIGH)
		return (u8)unit;
	for (u32 i = 0; i < CODES_HIGH; i++)
		if (code_page[i] == unit)
			return (u8)(i + CODES_HIGH);
	return 0;
}

/* Bytes [from, end) without the spaces at their end. */
static u32 part_units(const u8 *name, u32 from, u32 end, bool lower, u16 *units)
{
	u32 count = 0;

	while (end > from && name[end - 1] == ' ')
		end--;
	for (u32 i = from; i < end; i++) {
		u8 code = i == 0 && name[i] == FAT_REMOVED_STANDIN ? FAT_REMOVED : name[i];

		if (code < ' ' || code == '/')
			return 0;
		if (lower && code >= 'A' && code <= 'Z')
			code = (u8)(code - 'A' + 'a');
		units[count++] = fat_code_page_unit(code);
	}
	return count;
}

u32 fat_short_units(const struct fat_volume *volume, const struct fat_slot *slot, u16 *units)
{
	bool all = volume->short_names == FAT_LOWER;
	bool bits = volume->short_names == FAT_MIXED || volume->short_names == FAT_WINNT;
	u32 count = part_units(slot->name, 0, FAT_BASE,
			       all || (bits && slot->lower & FAT_LOWER_BASE), units),
	    more;

	if (count == 0)
		return 0;
	more = part_units(slot->name, FAT_BASE, FAT_SHORT,
			  all || (bits && slot->lower & FAT_LOWER_EXT), units + count + 1);
	if (more == 0)
		return count;
	units[count] = '.';
	return count + 1 + more;
}
