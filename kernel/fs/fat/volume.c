/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot sector: what kind of FAT a volume is, and where its parts are. */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { SECTOR_MIN = 512, SECTOR_MAX = 4096, CLUSTER_MAX = 256 * 1024, TABLES_MOST = 8 };

static bool is_power(u32 number)
{
	return number != 0 && (number & (number - 1)) == 0;
}

static u32 shift_of(u32 number)
{
	return (u32)__builtin_ctz(number);
}

int fat_fail(struct fat_volume *volume, const char *why, u64 number)
{
	if (!volume->failed)
		volume->ops->complain(volume->context, why, number);
	volume->failed = true;
	return -EIO;
}

/* Is it the boot sector of a FAT at all? */
static bool is_plausible(const struct fat_boot *boot)
{
	bool jump = boot->jump[0] == 0xeb || boot->jump[0] == 0xe9 || boot->jump[0] == 0;
	bool media = boot->media == 0xf0 || boot->media >= 0xf8;

	return jump && media && is_power(boot->sector_size) && boot->sector_size >= SECTOR_MIN &&
	       boot->sector_size <= SECTOR_MAX && is_power(boot->cluster_sectors) &&
	       boot->sector_size * boot->cluster_sectors <= CLUSTER_MAX &&
	       boot->reserved_sectors != 0 && boot->tables != 0 && boot->tables <= TABLES_MOST;
}

/* FAT32: the root is a chain, and there is FSInfo. */
static int take_wide(struct fat_volume *volume, const struct fat_boot *boot)
{
	if (boot->wide.version != 0 || !fat_is_cluster(volume, boot->wide.root_cluster))
		return -EINVAL;
	volume->root_cluster = boot->wide.root_cluster;
	volume->serial = boot->wide.tail.serial;
	volume->was_dirty = boot->wide.tail.state & FAT_STATE_DIRTY;
	if (boot->wide.flags & FAT_ONE_TABLE) {
		volume->one_table = true;
		volume->table = boot->wide.flags & FAT_TABLE_MASK;
	}
	if (boot->wide.info_sector != 0 && boot->wide.info_sector < boot->reserved_sectors)
		volume->info_sector = boot->wide.info_sector;
	return volume->table < volume->tables ? 0 : -EINVAL;
}

/* How wide the entries are depends on how many clusters there are, and on nothing else. */
static int take_layout(struct fat_volume *volume, const struct fat_boot *boot)
{
	u64 sectors = boot->sectors_16 ? boot->sectors_16 : boot->sectors_32, clusters;
	bool wide = boot->table_sectors_16 == 0;

	volume->table_sectors = wide ? boot->wide.table_sectors : boot->table_sectors_16;
	volume->table_start = boot->reserved_sectors;
	volume->root_start = volume->table_start + (u64)volume->tables * volume->table_sectors;
	volume->root_size = (u32)boot->root_slots * FAT_SLOT;
	volume->data_start = volume->root_start +
			     (volume->root_size + volume->sector_size - 1) / volume->sector_size;
	if (volume->table_sectors == 0 || sectors << volume->sector_shift > volume->size ||
	    sectors <= volume->data_start || (!wide && volume->root_size == 0))
		return -EINVAL;
	clusters = (sectors - volume->data_start) / boot->cluster_sectors;
	volume->bits = wide ? 32 : clusters > FAT12_CLUSTERS_MOST ? 16 : 12;
	if (clusters == 0 || clusters > (wide ? FAT32_CLUSTERS_MOST : FAT16_CLUSTERS_MOST))
		return -EINVAL;
	volume->clusters = (u32)clusters;
	/* Has each its entry? */
	if ((clusters + FAT_FIRST_CLUSTER) * volume->bits >
	    (u64)volume->table_sectors * volume->sector_size * 8)
		return -EINVAL;
	if (wide) {
		volume->root_size = 0;
		return take_wide(volume, boot);
	}
	volume->serial = boot->tail.serial;
	volume->was_dirty = boot->tail.state & FAT_STATE_DIRTY;
	return 0;
}

/* The hints: how many clusters are free, and from where on. */
static int read_info(struct fat_volume *volume)
{
	const struct fat_info *info = (const struct fat_info *)volume->buffer;
	int error;

	if (volume->info_sector == 0)
		return 0;
	error = volume->ops->read(volume->context, volume->info_sector << volume->sector_shift,
				  volume->buffer, volume->sector_size);
	if (error)
		return error;
	if (info->lead != FAT_INFO_LEAD || info->signature != FAT_INFO_SIGNATURE) {
		volume->info_sector = 0;
		return 0;
	}
	if (info->free <= volume->clusters && !volume->was_dirty) {
		volume->free = info->free;
		volume->info_known = true;
	}
	if (fat_is_cluster(volume, info->next))
		volume->next = info->next;
	return 0;
}

int fat_volume_open(struct fat_volume *volume)
{
	const struct fat_boot *boot;
	int error;

	list_init(&volume->clean);
	list_init(&volume->dirty);
	volume->next = FAT_FIRST_CLUSTER;
	if (volume->size < SECTOR_MAX)
		return -EINVAL;
	volume->buffer = volume->ops->allocate(FAT_BUFFER);
	if (!volume->buffer)
		return -ENOMEM;
	error = volume->ops->read(volume->context, 0, volume->buffer, SECTOR_MAX);
	if (error)
		return error;
	boot = (const struct fat_boot *)volume->buffer;
	if (!is_plausible(boot))
		return -EINVAL;
	volume->sector_size = boot->sector_size;
	volume->sector_shift = shift_of(boot->sector_size);
	volume->cluster_size = boot->sector_size * boot->cluster_sectors;
	volume->cluster_shift = shift_of(volume->cluster_size);
	volume->tables = boot->tables;
	error = take_layout(volume, boot);
	return error ? error : read_info(volume);
}

void fat_volume_close(struct fat_volume *volume)
{
	fat_sectors_close(volume);
	volume->ops->release(volume->busy);
	volume->ops->release(volume->buffer);
	volume->busy = NULL;
	volume->buffer = NULL;
}

int fat_volume_mark(struct fat_volume *volume, bool in_use)
{
	struct fat_boot *boot = (struct fat_boot *)volume->buffer;
	u8 *state = volume->bits == 32 ? &boot->wide.tail.state : &boot->tail.state;
	int error;

	/* What was not in order before stays marked until it has been looked at. */
	if (volume->was_dirty)
		return 0;
	error = volume->ops->read(volume->context, 0, boot, volume->sector_size);
	if (error)
		return error;
	*state = (u8)(in_use ? *state | FAT_STATE_DIRTY : *state & ~FAT_STATE_DIRTY);
	error = volume->ops->write(volume->context, 0, boot, volume->sector_size);
	return error ? error : volume->ops->flush(volume->context);
}
