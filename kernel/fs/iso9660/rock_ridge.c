/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rock Ridge (IEEE P1282): POSIX names and attributes in the system use areas of directory records,
 * which the System Use Sharing Protocol (IEEE P1281) divides into entries.
 *
 * An area may go on elsewhere on the volume; how often is bounded, as a volume may lead round in
 * circles.  Numbers are there in both byte orders, the little one first.
 */
#include "fs/iso9660/internal.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { AREAS_MOST = 16, USE_HEAD = 4 };

enum name_flags { NAME_GOES_ON = 1, NAME_CURRENT = 2, NAME_PARENT = 4 };
enum component_flags {
	COMPONENT_GOES_ON = 1,
	COMPONENT_CURRENT = 2,
	COMPONENT_PARENT = 4,
	COMPONENT_ROOT = 8
};
enum time_flags { TIME_CREATION = 1, TIME_LONG = 0x80 };

/* Where to go on; block 0: nowhere. */
struct continuation {
	u32 block, offset, length;
};

static u32 number_at(const u8 *bytes)
{
	return (u32)bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 | (u32)bytes[3] << 24;
}

s64 iso_time(const u8 bytes[7])
{
	/* Days before each month, in a year that begins in March. */
	static const u16 before[] = {306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275};
	s64 year = 1900 + bytes[0], days, seconds;
	s8 zone = (s8)bytes[6];

	if (bytes[1] < 1 || bytes[1] > 12 || bytes[2] < 1 || bytes[2] > 31)
		return 0;
	if (bytes[1] <= 2)
		year--;
	days = year * 365 + year / 4 - year / 100 + year / 400 + before[bytes[1] - 1] + bytes[2] -
	       1;
	/* 719468: from March of the year 0 to 1970. */
	seconds = (days - 719468) * 86400 + bytes[3] * 3600 + bytes[4] * 60 + bytes[5];
	return seconds - zone * 15 * 60;
}

/* --- Entries --- */

static void take_name(struct iso_rock_ridge *result, const u8 *data, size_t size)
{
	size_t length;

	if (size < 1 || data[0] & (NAME_CURRENT | NAME_PARENT))
		return;
	length = MIN(size - 1, (size_t)(ISO_NAME_MAX - result->name_length));
	memcpy(result->name + result->name_length, data + 1, length);
	result->name_length += (u32)length;
	result->has_name = true;
}

static void take_attributes(struct iso_rock_ridge *result, const u8 *data, size_t size)
{
	if (size < 32)
		return;
	result->has_attributes = true;
	result->mode = number_at(data);
	result->links = number_at(data + 8);
	result->uid = number_at(data + 16);
	result->gid = number_at(data + 24);
}

static void take_device(struct iso_rock_ridge *result, const u8 *data, size_t size)
{
	u32 high, low;

	if (size < 16)
		return;
	high = number_at(data);
	low = number_at(data + 8);
	result->has_device = true;
	/* Some writers put both numbers into the low half. */
	result->major = high == 0 && low > 0xff ? low >> 8 : high;
	result->minor = high == 0 && low > 0xff ? low & 0xff : low;
}

static void take_times(struct iso_rock_ridge *result, const u8 *data, size_t size)
{
	static const u8 order[] = {ISO_TIME_MODIFY, ISO_TIME_ACCESS, ISO_TIME_ATTRIBUTES};
	size_t at = 1;

	/* The long form is not written by anybody. */
	if (size < 1 || data[0] & TIME_LONG)
		return;
	if (data[0] & TIME_CREATION)
		at += 7;
	for (u32 i = 0; i < ARRAY_SIZE(order); i++) {
		if (!(data[0] >> (i + 1) & 1))
			continue;
		if (at + 7 > size)
			return;
		result->times[order[i]] = iso_time(data + at);
		at += 7;
	}
}

static void add_to_link(struct iso_rock_ridge *result, const char *text, size_t length)
{
	length = MIN(length, (size_t)(ISO_LINK_MAX - result->link_length));
	memcpy(result->link + result->link_length, text, length);
	result->link_length += (u32)length;
}

static void take_component(struct iso_rock_ridge *result, u8 flags, const u8 *text, size_t length)
{
	bool whole = result->link_length != 0 && !result->link_goes_on;

	if (whole && result->link[result->link_length - 1] != '/')
		add_to_link(result, "/", 1);
	if (flags & COMPONENT_ROOT)
		add_to_link(result, "/", 1);
	else if (flags & COMPONENT_CURRENT)
		add_to_link(result, ".", 1);
	else if (flags & COMPONENT_PARENT)
		add_to_link(result, "..", 2);
	else
		add_to_link(result, (const char *)text, length);
	result->link_goes_on = flags & COMPONENT_GOES_ON;
}

static void take_link(struct iso_rock_ridge *result, const u8 *data, size_t size)
{
	for (size_t at = 1; at + 2 <= size && at + 2 + data[at + 1] <= size; at += 2 + data[at + 1])
		take_component(result, data[at], data + at + 2, data[at + 1]);
}

/* One entry.  False: it was the last. */
static bool take_entry(const struct iso_use *use, struct iso_rock_ridge *result,
		       struct continuation *next)
{
	size_t size = use->length - USE_HEAD;
	const u8 *data = use->data;

#define IS(text) (memcmp(use->signature, (text), 2) == 0)
	if (IS("NM")) {
		take_name(result, data, size);
	} else if (IS("PX")) {
		take_attributes(result, data, size);
	} else if (IS("PN")) {
		take_device(result, data, size);
	} else if (IS("TF")) {
		take_times(result, data, size);
	} else if (IS("SL")) {
		take_link(result, data, size);
	} else if (IS("CL") && size >= 8) {
		result->child = number_at(data);
	} else if (IS("RE")) {
		result->relocated = true;
	} else if (IS("CE") && size >= 24) {
		*next = (struct continuation){number_at(data), number_at(data + 8),
					      number_at(data + 16)};
	}
	return !IS("ST");
#undef IS
}

static void take_area(const u8 *area, size_t size, struct iso_rock_ridge *result,
		      struct continuation *next)
{
	for (size_t at = 0; at + USE_HEAD <= size;) {
		const struct iso_use *use = (const struct iso_use *)(area + at);

		if (use->length < USE_HEAD || use->length > size - at ||
		    !take_entry(use, result, next))
			return;
		at += use->length;
	}
}

/* The system use area of a record; its size. */
static const u8 *area_of(const struct iso_place *place, u32 skip, size_t *size)
{
	/* Names are padded so that the area begins at an even byte. */
	size_t at = sizeof(place->record) + place->record.name_length;

	at += at % 2 + skip;
	*size = place->record.length > at ? place->record.length - at : 0;
	return place->bytes + at;
}

int iso_rock_ridge_read(const struct iso_volume *volume, const struct iso_place *place,
			struct iso_rock_ridge *result)
{
	struct continuation next = {0};
	u8 elsewhere[ISO_SECTOR];
	size_t size;
	const u8 *area = area_of(place, volume->skip, &size);

	memset(result, 0, sizeof(*result));
	take_area(area, size, result, &next);
	for (u32 areas = 0; next.block != 0; areas++) {
		u64 position = (u64)next.block * volume->block_size + next.offset;
		int error;

		if (areas == AREAS_MOST || next.length > sizeof(elsewhere))
			return -EUCLEAN;
		size = next.length;
		error = volume->read(volume->context, position, elsewhere, size);
		if (error)
			return error;
		next.block = 0;
		take_area(elsewhere, size, result, &next);
	}
	return 0;
}

bool iso_rock_ridge_begins(const struct iso_place *place, u32 *skip)
{
	static const u8 wanted[] = {'S', 'P', 7, 1, 0xbe, 0xef};
	size_t size;
	const u8 *area = area_of(place, 0, &size);

	if (size < sizeof(wanted) + 1 || memcmp(area, wanted, sizeof(wanted)) != 0)
		return false;
	*skip = area[sizeof(wanted)];
	return true;
}
