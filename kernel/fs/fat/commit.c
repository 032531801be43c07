/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to the disk, in the order that volume.h promises.
 *
 * Each step takes the differences of its kind over into the disk's images and writes the sectors
 * that have some, whole: the writing of a sector is the unit that a power cut does not divide.
 * What lies in the other tables is a copy.
 */
#include "fs/fat/fat_parts.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"

enum step {
	STEP_USE,
	STEP_LINK,
	STEP_PIECE,
	STEP_NAME,
	STEP_UNNAME,
	STEP_UNPIECE,
	STEP_CUT,
	STEP_FREE,
	STEPS,
	NOTHING
};

bool fat_is_changed(const struct fat_volume *volume)
{
	return !list_empty(&volume->dirty);
}

/* --- Differences --- */

static enum step step_of_entry(const struct fat_volume *volume, u32 disk, u32 now)
{
	if (disk == now)
		return NOTHING;
	if (disk == 0)
		return STEP_USE;
	if (now == 0)
		return STEP_FREE;
	return fat_is_end(volume, now) ? STEP_CUT : STEP_LINK;
}

/* A cluster that the disk does not have in use any more can be used again. */
static void note_free(struct fat_volume *volume, u32 cluster)
{
	bitmap_clear(volume->busy, cluster - FAT_FIRST_CLUSTER);
	volume->ending--;
}

static void take_entries(struct fat_volume *volume, const struct fat_sector *sector, enum step step)
{
	u64 first = (sector->number - volume->table_start) << volume->sector_shift;
	u64 end = first + volume->sector_size;
	u32 cluster = (u32)(first * 8 / volume->bits);

	/* Entries of 12 bits may begin in the sector before. */
	cluster = MAX(cluster, (u32)FAT_FIRST_CLUSTER + 1) - 1;
	for (; (u64)cluster * volume->bits / 8 < end && fat_is_cluster(volume, cluster);
	     cluster++) {
		u32 disk, now;

		if (!fat_table_image(volume, cluster, true, &disk) ||
		    !fat_table_image(volume, cluster, false, &now) ||
		    step_of_entry(volume, disk, now) != step)
			continue;
		fat_table_settle(volume, cluster);
		if (step == STEP_FREE)
			note_free(volume, cluster);
	}
}

/* Where the pieces begin of a name that goes on in the next sector; the sector's size: there are
 * none. */
static u32 divided_from(const struct fat_volume *volume, const u8 *image)
{
	u32 at = volume->sector_size;

	while (at > 0 && !fat_slot_is_free(image + at - FAT_SLOT) &&
	       (((const struct fat_slot *)(image + at - FAT_SLOT))->attributes & FAT_LONG_MASK) ==
		       FAT_LONG)
		at -= FAT_SLOT;
	return at;
}

/* Of a name that is in two sectors the pieces come before the rest, and go after it: without them
 * the file would have its short name alone. */
static enum step step_of_slot(const u8 *disk, const u8 *now, bool divided_on_disk, bool divided_now)
{
	if (memcmp(disk, now, FAT_SLOT) == 0)
		return NOTHING;
	if (fat_slot_is_free(now) && !fat_slot_is_free(disk))
		return divided_on_disk ? STEP_UNPIECE : STEP_UNNAME;
	return divided_now ? STEP_PIECE : STEP_NAME;
}

static void take_slots(const struct fat_volume *volume, struct fat_sector *sector, enum step step)
{
	u32 was_divided, is_divided;

	if (sector->fresh) {
		/* Nothing leads here yet. */
		memcpy(sector->disk, sector->data, volume->sector_size);
		sector->fresh = false;
		sector->pending = true;
		return;
	}
	was_divided = divided_from(volume, sector->disk);
	is_divided = divided_from(volume, sector->data);
	for (u32 at = 0; at < volume->sector_size; at += FAT_SLOT) {
		if (step_of_slot(sector->disk + at, sector->data + at, at >= was_divided,
				 at >= is_divided) != step)
			continue;
		memcpy(sector->disk + at, sector->data + at, FAT_SLOT);
		sector->pending = true;
	}
}

static void take_step(struct fat_volume *volume, enum step step)
{
	bool names = step == STEP_USE || (step >= STEP_PIECE && step <= STEP_UNPIECE);
	struct fat_sector *sector;

	list_for_each_entry (sector, &volume->dirty, link) {
		if (sector->use == FAT_USE_TABLE)
			take_entries(volume, sector, step);
		else if (names)
			take_slots(volume, sector, step);
	}
}

/* --- Writing --- */

static int flush(struct fat_volume *volume, bool *written)
{
	if (!*written)
		return 0;
	*written = volume->data_written = false;
	return volume->ops->flush(volume->context);
}

/* What is in the buffer. */
static int write_run(struct fat_volume *volume, u64 number, u32 count, enum fat_use use)
{
	u32 copies = use == FAT_USE_TABLE && !volume->one_table ? volume->tables : 1;
	size_t size = (size_t)count << volume->sector_shift;
	int error = 0;

	if (use == FAT_USE_TABLE && volume->one_table)
		number += (u64)volume->table * volume->table_sectors;
	for (u32 i = 0; i < copies && !error; i++) {
		error = volume->ops->write(volume->context, number << volume->sector_shift,
					   volume->buffer, size);
		number += volume->table_sectors;
	}
	return error;
}

/* The sectors of the step; those that follow each other in the list and on the disk at once. */
static int write_pending(struct fat_volume *volume, bool *written)
{
	u32 count = 0, most = (u32)FAT_BUFFER >> volume->sector_shift;
	enum fat_use use = FAT_USE_TABLE;
	struct fat_sector *sector;
	u64 start = 0;
	int error = 0;

	list_for_each_entry (sector, &volume->dirty, link) {
		if (!sector->pending)
			continue;
		/* What came before is safe first. */
		if (count == 0 && !error)
			error = flush(volume, written);
		if (count > 0 &&
		    (sector->number != start + count || sector->use != use || count == most)) {
			if (!error)
				error = write_run(volume, start, count, use);
			count = 0;
		}
		if (count == 0)
			start = sector->number;
		use = sector->use;
		memcpy(volume->buffer + ((size_t)count++ << volume->sector_shift), sector->disk,
		       volume->sector_size);
		sector->pending = false;
	}
	if (count > 0 && !error)
		error = write_run(volume, start, count, use);
	return error;
}

static bool has_pending(const struct fat_volume *volume)
{
	const struct fat_sector *sector;

	list_for_each_entry (sector, &volume->dirty, link)
		if (sector->pending)
			return true;
	return false;
}

/* FSInfo is a hint, for which nothing waits. */
static int write_info(struct fat_volume *volume)
{
	struct fat_info *info = (struct fat_info *)volume->buffer;
	u64 position = volume->info_sector << volume->sector_shift;
	int error;

	if (volume->info_sector == 0 || !volume->info_differs)
		return 0;
	error = volume->ops->read(volume->context, position, info, volume->sector_size);
	if (error)
		return error;
	info->free = volume->free;
	info->next = volume->next;
	volume->info_differs = false;
	return volume->ops->write(volume->context, position, info, volume->sector_size);
}

static void settle(struct fat_volume *volume)
{
	struct fat_sector *sector, *next;

	list_for_each_entry_safe (sector, next, &volume->dirty, link)
		fat_sector_settle(volume, sector);
}

int fat_commit(struct fat_volume *volume)
{
	bool written = volume->data_written;
	int error = 0;

	if (volume->failed)
		return fat_is_changed(volume) || written ? -EIO : 0;
	for (enum step step = STEP_USE; step < STEPS && !error; step++) {
		take_step(volume, step);
		if (!has_pending(volume))
			continue;
		error = write_pending(volume, &written);
		written = true;
	}
	if (!error)
		error = write_info(volume);
	if (!error)
		error = flush(volume, &written);
	if (error)
		return fat_fail(volume, "a write failed", (u64)-error);
	settle(volume);
	return 0;
}
