/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table (FAT): for each cluster the next one of its file, or that it is free.
 *
 * A map of the clusters that are in use is made from the whole table when the first one is wanted;
 * a cluster that has been freed stays in it until the disk, too, has it free.
 */
#include "fs/fat/fat_parts.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { AHEAD = 31, BITS_12 = 12 };

/* --- Entries --- */

/* Where an entry is: the sector of its first byte and the offset there.  One of 12 bits may have
 * its second byte in the next sector. */
struct entry_place {
	u64 sector;
	u32 offset;
	bool divided;
};

static struct entry_place place_of(const struct fat_volume *volume, u32 cluster)
{
	u64 byte = (u64)cluster * volume->bits / 8;
	struct entry_place place = {
		.sector = volume->table_start + (byte >> volume->sector_shift),
		.offset = (u32)(byte & (volume->sector_size - 1)),
	};

	place.divided = volume->bits == BITS_12 && place.offset == volume->sector_size - 1;
	return place;
}

static u32 decode(const struct fat_volume *volume, u32 cluster, const u8 *low, const u8 *high)
{
	u32 value = low[0] | (u32)high[0] << 8;

	if (volume->bits == BITS_12)
		return cluster % 2 ? value >> 4 : value & 0xfff;
	if (volume->bits == 32)
		value |= (u32)low[2] << 16 | (u32)low[3] << 24;
	return value & fat_entry_mask(volume);
}

static void encode(const struct fat_volume *volume, u32 cluster, u8 *low, u8 *high, u32 value)
{
	u32 old = low[0] | (u32)high[0] << 8;

	if (volume->bits == BITS_12)
		value = cluster % 2 ? (old & 0xf) | value << 4 : (old & 0xf000) | value;
	low[0] = (u8)value;
	high[0] = (u8)(value >> 8);
	if (volume->bits == 32) {
		low[2] = (u8)(value >> 16);
		low[3] = (u8)((low[3] & 0xf0) | (value >> 24 & 0xf));
	}
}

static int get_sectors(struct fat_volume *volume, const struct entry_place *place,
		       struct fat_sector *sectors[2])
{
	u64 left = volume->table_start + volume->table_sectors - place->sector - 1;
	int error = fat_sector_get(volume, place->sector, (u32)MIN(left, (u64)AHEAD), FAT_USE_TABLE,
				   &sectors[0]);

	sectors[1] = sectors[0];
	if (!error && place->divided)
		error = fat_sector_get(volume, place->sector + 1, 0, FAT_USE_TABLE, &sectors[1]);
	return error;
}

/* The two bytes that may be apart. */
static u8 *high_byte(const struct entry_place *place, u8 *first, u8 *second)
{
	return place->divided ? second : first + place->offset + 1;
}

int fat_table_get(struct fat_volume *volume, u32 cluster, u32 *entry)
{
	struct entry_place place = place_of(volume, cluster);
	struct fat_sector *sectors[2];
	int error = get_sectors(volume, &place, sectors);

	if (!error)
		*entry = decode(volume, cluster, sectors[0]->data + place.offset,
				high_byte(&place, sectors[0]->data, sectors[1]->data));
	return error;
}

int fat_table_touch(struct fat_volume *volume, u32 cluster)
{
	struct entry_place place = place_of(volume, cluster);
	struct fat_sector *sectors[2];
	int error = get_sectors(volume, &place, sectors);

	if (!error)
		error = fat_sector_touch(volume, sectors[0]);
	return error ? error : fat_sector_touch(volume, sectors[1]);
}

/* Both sectors of an entry, which are in memory and dirty; or false. */
static bool find_dirty(const struct fat_volume *volume, const struct entry_place *place,
		       struct fat_sector *sectors[2])
{
	sectors[0] = fat_sector_find(volume, place->sector);
	sectors[1] = place->divided ? fat_sector_find(volume, place->sector + 1) : sectors[0];
	return sectors[0] && sectors[0]->disk && sectors[1] && sectors[1]->disk;
}

void fat_table_set(struct fat_volume *volume, u32 cluster, u32 entry)
{
	struct entry_place place = place_of(volume, cluster);
	struct fat_sector *sectors[2];

	if (find_dirty(volume, &place, sectors))
		encode(volume, cluster, sectors[0]->data + place.offset,
		       high_byte(&place, sectors[0]->data, sectors[1]->data), entry);
}

bool fat_table_image(const struct fat_volume *volume, u32 cluster, bool disk, u32 *entry)
{
	struct entry_place place = place_of(volume, cluster);
	struct fat_sector *sectors[2];
	u8 *first, *second;

	if (!find_dirty(volume, &place, sectors))
		return false;
	first = disk ? sectors[0]->disk : sectors[0]->data;
	second = disk ? sectors[1]->disk : sectors[1]->data;
	*entry = decode(volume, cluster, first + place.offset, high_byte(&place, first, second));
	return true;
}

void fat_table_settle(struct fat_volume *volume, u32 cluster)
{
	struct entry_place place = place_of(volume, cluster);
	struct fat_sector *sectors[2];
	u32 entry;

	if (!fat_table_image(volume, cluster, false, &entry) ||
	    !find_dirty(volume, &place, sectors))
		return;
	encode(volume, cluster, sectors[0]->disk + place.offset,
	       high_byte(&place, sectors[0]->disk, sectors[1]->disk), entry);
	sectors[0]->pending = sectors[1]->pending = true;
}

/* --- Which are in use --- */

static void load_part(struct fat_volume *volume, u64 first_byte, size_t size)
{
	u64 first = (first_byte * 8 + volume->bits - 1) / volume->bits;

	for (u64 cluster = MAX(first, (u64)FAT_FIRST_CLUSTER);; cluster++) {
		u64 at = cluster * volume->bits / 8 - first_byte;
		const u8 *low = volume->buffer + at;

		if (at + (volume->bits == 32 ? 4 : 2) > size ||
		    !fat_is_cluster(volume, (u32)cluster))
			return;
		if (decode(volume, (u32)cluster, low, low + 1) == 0)
			continue;
		bitmap_set(volume->busy, cluster - FAT_FIRST_CLUSTER);
		volume->free--;
	}
}

int fat_table_load(struct fat_volume *volume)
{
	u64 table = (u64)volume->table_start + (u64)volume->table * volume->table_sectors;
	u64 end = (u64)volume->table_sectors << volume->sector_shift;
	size_t words = BITMAP_WORDS((size_t)volume->clusters) * sizeof(u64);
	/* Whole entries of 12 bits, and whole sectors; the largest sectors are 4096 bytes. */
	u64 each = volume->bits == BITS_12 ? 3 * 4096 : FAT_BUFFER;
	int error = 0;

	if (volume->busy)
		return 0;
	volume->busy = volume->ops->allocate(words);
	if (!volume->busy)
		return -ENOMEM;
	memset(volume->busy, 0, words);
	volume->free = volume->clusters;
	for (u64 at = 0; at < end && !error; at += each) {
		size_t size = (size_t)MIN(each, end - at);

		error = volume->ops->read(volume->context, (table << volume->sector_shift) + at,
					  volume->buffer, size);
		if (!error)
			load_part(volume, at, size);
	}
	if (error) {
		volume->ops->release(volume->busy);
		volume->busy = NULL;
	}
	volume->info_known = !error;
	return error;
}

int fat_free_clusters(struct fat_volume *volume, u32 *count)
{
	int error = volume->info_known ? 0 : fat_table_load(volume);

	*count = volume->free;
	return error;
}

int fat_room(struct fat_volume *volume, u32 *count)
{
	int error = fat_table_load(volume);

	*count = volume->free - MIN(volume->free, volume->reserved);
	return error;
}

int fat_reserve(struct fat_volume *volume, u32 count)
{
	int error = fat_table_load(volume);

	if (error)
		return error;
	if (count > volume->free - MIN(volume->free, volume->reserved))
		return -ENOSPC;
	volume->reserved += count;
	return 0;
}

void fat_release(struct fat_volume *volume, u32 count)
{
	volume->reserved -= MIN(count, volume->reserved);
}

/* --- Taking and freeing --- */

/* The first one that can be taken, from `goal` on and then from the beginning; fewer than
 * `clusters`, or there is none. */
static size_t find_free(const struct fat_volume *volume, u32 goal)
{
	size_t from = fat_is_cluster(volume, goal) ? goal : volume->next;
	size_t found = bitmap_find_clear(volume->busy, volume->clusters, from - FAT_FIRST_CLUSTER);

	return found < volume->clusters ? found
					: bitmap_find_clear(volume->busy, volume->clusters, 0);
}

static int touch_run(struct fat_volume *volume, u32 start, u32 count)
{
	int error = 0;

	for (u32 i = 0; i < count && !error; i++)
		error = fat_table_touch(volume, start + i);
	return error;
}

/* They must be free in the table that is in memory, too. */
static int check_run(struct fat_volume *volume, u32 start, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		u32 entry;
		int error = fat_table_get(volume, start + i, &entry);

		if (error)
			return error;
		if (entry != 0)
			return fat_fail(volume, "a free cluster is in use", start + i);
	}
	return 0;
}

int fat_table_take(struct fat_volume *volume, u32 goal, u32 wanted, bool promised, u32 *start,
		   u32 *count)
{
	u32 usable;
	size_t found;
	int error = volume->failed ? -EIO : fat_table_load(volume);

	if (error)
		return error;
	usable = volume->free - (promised ? 0 : MIN(volume->free, volume->reserved));
	if (usable == 0)
		return -ENOSPC;
	found = find_free(volume, goal);
	if (found >= volume->clusters) {
		if (volume->ending == 0)
			return -ENOSPC;
		error = fat_commit(volume);
		if (error)
			return error;
		found = find_free(volume, goal);
		if (found >= volume->clusters)
			return -ENOSPC;
	}
	*start = (u32)found + FAT_FIRST_CLUSTER;
	*count = (u32)(bitmap_find_set(volume->busy, volume->clusters, found) - found);
	*count = MIN(*count, MIN(wanted, usable));
	error = touch_run(volume, *start, *count);
	if (!error)
		error = check_run(volume, *start, *count);
	if (error)
		return error;
	for (u32 i = 0; i < *count; i++)
		fat_table_set(volume, *start + i,
			      i + 1 < *count ? *start + i + 1 : fat_entry_mask(volume));
	bitmap_set_range(volume->busy, found, *count);
	volume->free -= *count;
	volume->next = *start + *count - 1;
	volume->info_differs = true;
	return 0;
}

void fat_table_free(struct fat_volume *volume, u32 cluster)
{
	u32 disk = 0, now = 0;

	if (!fat_table_image(volume, cluster, false, &now) || now == 0) {
		fat_fail(volume, "a cluster belongs to two files", cluster);
		return;
	}
	fat_table_set(volume, cluster, 0);
	volume->free++;
	volume->info_differs = true;
	if (fat_table_image(volume, cluster, true, &disk) && disk != 0)
		volume->ending++;
	else
		bitmap_clear(volume->busy, cluster - FAT_FIRST_CLUSTER);
}
