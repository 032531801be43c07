/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files and directories: what a slot says of them.
 *
 * Times are kept since 1980, in UTC, as Linux does with tz=UTC: to two seconds, of the making to a
 * hundredth, of the last access to the day.
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
	DAY = 86400,
	YEAR_FIRST = 1980,
	YEAR_LAST = 2107,
	MARCH_TO_1970 = 719468, /* days from March of the year 0 */
	YEARS_400 = 146097,     /* days */
	NS_EACH = 10000000,
};

/* --- Times --- */

/* Days since 1970 of a date (H. Hinnant, chrono-compatible low-level date algorithms). */
static s64 days_of(u32 year, u32 month, u32 day)
{
	u32 from_march = month > 2 ? month - 3 : month + 9;
	s64 years = (s64)year - (month <= 2), era = years / 400;
	s64 in_era = years - era * 400;
	s64 in_year = (153 * from_march + 2) / 5 + day - 1;

	return era * YEARS_400 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - MARCH_TO_1970;
}

static u16 date_of(s64 days)
{
	s64 shifted = days + MARCH_TO_1970, era = shifted / YEARS_400;
	s64 in_era = shifted - era * YEARS_400;
	s64 year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	s64 in_year = in_era - (365 * year + year / 4 - year / 100), part = (5 * in_year + 2) / 153;
	s64 day = in_year - (153 * part + 2) / 5 + 1, month = part < 10 ? part + 3 : part - 9;

	year += era * 400 + (month <= 2);
	return (u16)((year - YEAR_FIRST) << 9 | month << 5 | day);
}

static s64 clamp(s64 seconds)
{
	s64 first = days_of(YEAR_FIRST, 1, 1) * DAY, last = days_of(YEAR_LAST, 12, 31) * DAY;

	return MIN(MAX(seconds, first), last + DAY - 1);
}

static s64 seconds_of(u16 date, u16 time)
{
	u32 month = MIN(MAX(date >> 5 & 15, 1), 12), day = MAX(date & 31, 1);

	return days_of(YEAR_FIRST + (date >> 9), month, day) * DAY + (time >> 11) * 3600 +
	       (time >> 5 & 63) * 60 + (time & 31) * 2;
}

static u16 time_of(u32 in_day)
{
	return (u16)(in_day / 3600 << 11 | in_day / 60 % 60 << 5 | in_day % 60 / 2);
}

s64 fat_round_modified(s64 seconds)
{
	return clamp(seconds) & ~(s64)1;
}

s64 fat_round_accessed(s64 seconds)
{
	seconds = clamp(seconds);
	return seconds - seconds % DAY;
}

/* --- Nodes --- */

void fat_node_root(const struct fat_volume *volume, struct fat_node *node)
{
	s64 epoch = clamp(0);

	*node = (struct fat_node){
		.attributes = FAT_DIRECTORY,
		.modified = epoch,
		.accessed = epoch,
		.created = epoch,
		.chain.start = volume->root_cluster,
	};
}

int fat_node_read(struct fat_volume *volume, const struct fat_entry *entry, struct fat_node *node)
{
	const struct fat_slot *slot = &entry->slot;
	u32 start = fat_slot_start(volume, slot);
	bool directory = slot->attributes & FAT_DIRECTORY;

	if ((start != 0 || directory) && !fat_is_cluster(volume, start))
		return fat_fail(volume, "a file begins outside of the volume", start);
	*node = (struct fat_node){
		.place = entry->place,
		.attributes = slot->attributes,
		.size = directory ? 0 : slot->size,
		.modified = seconds_of(slot->modified_date, slot->modified_time),
		.accessed = seconds_of(slot->accessed_date, 0),
		.created = seconds_of(slot->created_date, slot->created_time) +
			   slot->created_10ms / 100,
		.created_ns = slot->created_10ms % 100 * NS_EACH,
		.chain.start = start,
	};
	if (slot->created_date == 0)
		node->created = node->modified;
	return 0;
}

void fat_node_fill(const struct fat_volume *volume, const struct fat_node *node,
		   struct fat_slot *slot)
{
	s64 modified = clamp(node->modified), created = clamp(node->created);

	slot->attributes = (u8)node->attributes;
	slot->size = node->size;
	fat_slot_set_start(volume, slot, node->chain.start);
	slot->modified_date = date_of(modified / DAY);
	slot->modified_time = time_of((u32)(modified % DAY));
	slot->accessed_date = date_of(clamp(node->accessed) / DAY);
	slot->created_date = date_of(created / DAY);
	slot->created_time = time_of((u32)(created % DAY));
	slot->created_10ms = (u8)(created % 2 * 100 + node->created_ns / NS_EACH);
}

int fat_node_store(struct fat_volume *volume, const struct fat_node *node)
{
	struct fat_sector *sector;
	struct fat_slot *slot, filled;
	int error;

	if (node->place == 0)
		return 0;
	if (volume->failed)
		return -EIO;
	error = fat_sector_get(volume, node->place >> volume->sector_shift, 0, FAT_USE_NAMES,
			       &sector);
	if (error)
		return error;
	slot = (struct fat_slot *)(sector->data + (node->place & (volume->sector_size - 1)));
	filled = *slot;
	fat_node_fill(volume, node, &filled);
	/* An empty file has no clusters on the disk, though some may be on their way. */
	if (!(node->attributes & FAT_DIRECTORY) && node->size == 0)
		fat_slot_set_start(volume, &filled, 0);
	if (memcmp(slot, &filled, sizeof(filled)) == 0)
		return 0;
	error = fat_sector_touch(volume, sector);
	if (!error)
		*slot = filled;
	return error;
}
