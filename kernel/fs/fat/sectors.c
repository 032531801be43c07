/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sectors of the table and of directories in memory.
 *
 * Each is in a bucket by its number and in one of two lists: clean ones by when they were used, and
 * dirty ones, which have two images.  Clean ones go in fat_trim alone, so a pointer to a sector is
 * good until the operation ends.
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

static struct fat_sector **bucket_of(struct fat_volume *volume, u64 number)
{
	return &volume->buckets[number % FAT_BUCKETS];
}

struct fat_sector *fat_sector_find(const struct fat_volume *volume, u64 number)
{
	struct fat_sector *sector = volume->buckets[number % FAT_BUCKETS];

	while (sector && sector->number != number)
		sector = sector->next;
	return sector;
}

static struct fat_sector *insert(struct fat_volume *volume, u64 number, enum fat_use use)
{
	struct fat_sector **bucket = bucket_of(volume, number);
	struct fat_sector *sector = volume->ops->allocate(sizeof(*sector) + volume->sector_size);

	if (!sector)
		return NULL;
	*sector = (struct fat_sector){.next = *bucket, .number = number, .use = use};
	*bucket = sector;
	list_add(&sector->link, &volume->clean);
	volume->clean_count++;
	return sector;
}

static void release(struct fat_volume *volume, struct fat_sector *sector)
{
	struct fat_sector **link = bucket_of(volume, sector->number);

	while (*link != sector)
		link = &(*link)->next;
	*link = sector->next;
	list_remove(&sector->link);
	if (sector->disk) {
		volume->ops->release(sector->disk);
		volume->dirty_count--;
	} else {
		volume->clean_count--;
	}
	volume->ops->release(sector);
}

/* How many from `number` on are to be read: up to the first that is there. */
static u32 count_missing(const struct fat_volume *volume, u64 number, u32 ahead)
{
	u32 count = 1, most = MIN(ahead + 1, (u32)FAT_BUFFER >> volume->sector_shift);

	while (count < most && !fat_sector_find(volume, number + count))
		count++;
	return count;
}

/* Sectors of the table go by their number in the first one, whichever is read. */
static u64 position_of(const struct fat_volume *volume, u64 number, enum fat_use use)
{
	if (use == FAT_USE_TABLE)
		number += (u64)volume->table * volume->table_sectors;
	return number << volume->sector_shift;
}

int fat_sector_get(struct fat_volume *volume, u64 number, u32 ahead, enum fat_use use,
		   struct fat_sector **result)
{
	struct fat_sector *sector = fat_sector_find(volume, number);
	u32 count;
	int error;

	if (sector) {
		if (!sector->disk)
			list_move(&sector->link, &volume->clean);
		*result = sector;
		return 0;
	}
	count = count_missing(volume, number, ahead);
	error = volume->ops->read(volume->context, position_of(volume, number, use), volume->buffer,
				  (size_t)count << volume->sector_shift);
	if (error)
		return error;
	for (u32 i = count; i-- > 0;) {
		sector = insert(volume, number + i, use);
		if (!sector)
			return -ENOMEM;
		memcpy(sector->data, volume->buffer + ((size_t)i << volume->sector_shift),
		       volume->sector_size);
	}
	*result = sector;
	return 0;
}

int fat_sector_touch(struct fat_volume *volume, struct fat_sector *sector)
{
	if (sector->disk)
		return 0;
	sector->disk = volume->ops->allocate(volume->sector_size);
	if (!sector->disk)
		return -ENOMEM;
	memcpy(sector->disk, sector->data, volume->sector_size);
	list_move_tail(&sector->link, &volume->dirty);
	volume->dirty_count++;
	volume->clean_count--;
	return 0;
}

int fat_sector_new(struct fat_volume *volume, u64 number)
{
	struct fat_sector *sector = fat_sector_find(volume, number);
	int error;

	if (!sector)
		sector = insert(volume, number, FAT_USE_NAMES);
	if (!sector)
		return -ENOMEM;
	error = fat_sector_touch(volume, sector);
	if (error)
		return error;
	sector->fresh = true;
	memset(sector->data, 0, volume->sector_size);
	memset(sector->disk, 0, volume->sector_size);
	return 0;
}

void fat_sector_drop(struct fat_volume *volume, u64 number)
{
	struct fat_sector *sector = fat_sector_find(volume, number);

	if (sector)
		release(volume, sector);
}

void fat_sector_settle(struct fat_volume *volume, struct fat_sector *sector)
{
	volume->ops->release(sector->disk);
	sector->disk = NULL;
	sector->fresh = sector->pending = false;
	list_move(&sector->link, &volume->clean);
	volume->dirty_count--;
	volume->clean_count++;
}

void fat_trim(struct fat_volume *volume, u32 keep)
{
	while (volume->clean_count > keep)
		release(volume, list_last_entry(&volume->clean, struct fat_sector, link));
}

void fat_sectors_close(struct fat_volume *volume)
{
	fat_trim(volume, 0);
	while (!list_empty(&volume->dirty))
		release(volume, list_first_entry(&volume->dirty, struct fat_sector, link));
}
