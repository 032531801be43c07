/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of a volume: volume.h. */
#ifndef FS_FAT_PARTS_H
#define FS_FAT_PARTS_H

#include "fs/fat/volume.h"

enum { FAT_BUFFER = 16384, FAT_DIRECTORY_MOST = 65536 * FAT_SLOT };

/* --- sectors.c --- */

enum fat_use { FAT_USE_TABLE, FAT_USE_NAMES };

/* A sector of the table, or of a directory. */
struct fat_sector {
	struct fat_sector *next; /* in the bucket */
	struct list_head
		link; /* clean: the oldest last; dirty: in the order in which they became so */
	u64 number;
	enum fat_use use;
	bool fresh;   /* of a new cluster: all of it has to be written */
	bool pending; /* `disk` has to be written: commit.c */
	u8 *disk;     /* what the disk has; NULL: the same */
	u8 data[];    /* what it is to have */
};

/* The sector, read if it is not in memory, with up to `ahead` behind it.  It stays until fat_trim.
 */
int __must_check fat_sector_get(struct fat_volume *volume, u64 number, u32 ahead, enum fat_use use,
				struct fat_sector **result);
/* Before it is changed: 0 or -ENOMEM. */
int __must_check fat_sector_touch(struct fat_volume *volume, struct fat_sector *sector);
/* Zeros, whatever the disk has: of a cluster that has just been taken. */
int __must_check fat_sector_new(struct fat_volume *volume, u64 number);
/* Of a cluster that was freed: no directory's any more. */
void fat_sector_drop(struct fat_volume *volume, u64 number);
struct fat_sector *fat_sector_find(const struct fat_volume *volume, u64 number);
/* The disk has it now. */
void fat_sector_settle(struct fat_volume *volume, struct fat_sector *sector);
void fat_sectors_close(struct fat_volume *volume);

/* --- table.c --- */

static inline bool fat_is_cluster(const struct fat_volume *volume, u32 number)
{
	return number >= FAT_FIRST_CLUSTER && number - FAT_FIRST_CLUSTER < volume->clusters;
}
static inline u32 fat_entry_mask(const struct fat_volume *volume)
{
	return volume->bits == 12 ? 0xfff : volume->bits == 16 ? 0xffff : FAT32_ENTRY_MASK;
}
/* The end of a chain. */
static inline bool fat_is_end(const struct fat_volume *volume, u32 entry)
{
	return entry >= (fat_entry_mask(volume) & ~7u);
}

/* What the table says of a cluster. */
int __must_check fat_table_get(struct fat_volume *volume, u32 cluster, u32 *entry);
/* Looks that fat_table_set can be called. */
int __must_check fat_table_touch(struct fat_volume *volume, u32 cluster);
void fat_table_set(struct fat_volume *volume, u32 cluster, u32 entry);
/* For commit.c: of one of the two images.  False: its sectors are not dirty. */
bool fat_table_image(const struct fat_volume *volume, u32 cluster, bool disk, u32 *entry);
/* Makes the disk's image equal. */
void fat_table_settle(struct fat_volume *volume, u32 cluster);

/* Reads which clusters are in use. */
int __must_check fat_table_load(struct fat_volume *volume);
/*
 * Takes up to `wanted` clusters on end, at `goal` if that is free; they are a chain.  Those that
 * were promised may be taken with `promised`.  -ENOSPC.  May commit.
 */
int __must_check fat_table_take(struct fat_volume *volume, u32 goal, u32 wanted, bool promised,
				u32 *start, u32 *count);
/* One of a chain: its sectors are dirty. */
void fat_table_free(struct fat_volume *volume, u32 cluster);

/* chain.c: of directories, which have no promises. */
int __must_check fat_chain_append(struct fat_volume *volume, struct fat_chain *chain, u32 length,
				  bool promised);

/* --- name.c, short_name.c --- */

/* From UTF-8, without dots at its end: how many units; -EINVAL, -ENAMETOOLONG. */
int __must_check fat_name_decode(const char *name, u32 length, u16 *units);
/* To UTF-8: its length, or 0: it cannot be shown. */
u32 fat_name_encode(const u16 *units, u32 count, char *name);
bool fat_name_equal(const u16 *one, u32 one_count, const u16 *other, u32 other_count);

/* How a short name is shown: UTF-16; 0: it is none. */
u32 fat_short_units(const struct fat_volume *volume, const struct fat_slot *slot, u16 *units);
u8 fat_short_checksum(const u8 *name);
/* Code page 437 to UTF-16, and back: 0: it is not there. */
u16 fat_code_page_unit(u8 code);
u8 fat_code_page_find(u16 unit);
/*
 * Makes a short name for a long one.  `taken` says whether a directory has one: 1, 0 or an error.
 * *lower is FAT_LOWER_*.  1: it says all, a long one is not wanted; 0; -EINVAL, -EEXIST.
 */
struct fat_short_search {
	struct fat_volume *volume;
	struct fat_node *directory;
	bool ending; /* a name was taken only on the disk, and is not after a commit */
};
int __must_check fat_short_make(struct fat_short_search *search, const u16 *units, u32 count,
				u8 *name, u8 *lower);
int __must_check fat_short_is_taken(struct fat_short_search *search, const u8 *name);

/* --- directory.c --- */

/* The slot at a byte of a directory: its sector and where it is in it, or -ENOENT behind its end. */
int __must_check fat_slot_get(struct fat_volume *volume, struct fat_node *directory, u32 position,
			      struct fat_sector **sector, u32 *offset);

static inline bool fat_slot_is_free(const u8 *slot)
{
	return slot[0] == FAT_END || slot[0] == FAT_REMOVED;
}
static inline u32 fat_slot_start(const struct fat_volume *volume, const struct fat_slot *slot)
{
	return slot->start_low | (volume->bits == 32 ? (u32)slot->start_high << 16 : 0);
}
static inline void fat_slot_set_start(const struct fat_volume *volume, struct fat_slot *slot,
				      u32 start)
{
	slot->start_low = (u16)start;
	slot->start_high = volume->bits == 32 ? (u16)(start >> 16) : 0;
}

/* --- directory_change.c --- */

/* Adds a name with the given slot: its place. */
int __must_check fat_name_add(struct fat_volume *volume, struct fat_node *directory,
			      const char *name, u32 length, struct fat_slot *slot, u64 *place);
/* In two steps: what may fail, and what cannot. */
int __must_check fat_name_touch(struct fat_volume *volume, struct fat_node *directory,
				const struct fat_entry *entry);
void fat_name_remove(struct fat_volume *volume, struct fat_node *directory,
		     const struct fat_entry *entry);

#endif
