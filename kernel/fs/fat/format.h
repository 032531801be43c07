/* SPDX-License-Identifier: BSD-2-Clause */
/* FAT12, FAT16 and FAT32 on the disk (Microsoft's FAT32 File System Specification, 1.03).  Numbers
 * are little-endian. */
#ifndef FS_FAT_FORMAT_H
#define FS_FAT_FORMAT_H

#include "lib/types.h"

enum {
	FAT_STATE_DIRTY = 1,         /* of the boot sector: it was not unmounted */
	FAT12_CLUSTERS_MOST = 4084,  /* volumes with more are FAT16 */
	FAT16_CLUSTERS_MOST = 65524, /* … FAT32 */
	FAT_FIRST_CLUSTER = 2,
	FAT_BACKUP_SECTORS = 3, /* at most, of what FAT32 keeps twice */
};
#define FAT32_CLUSTERS_MOST 0x0ffffff5u
#define FAT32_ENTRY_MASK    0x0fffffffu

/* The part of the boot sector that depends on the width. */
struct fat_boot_tail {
	u8 drive, state, signature;
	u32 serial;
	char label[11], type[8];
} __packed;

struct fat_boot {
	u8 jump[3];
	char system[8];
	u16 sector_size;
	u8 cluster_sectors;
	u16 reserved_sectors;
	u8 tables;
	u16 root_slots;
	u16 sectors_16;
	u8 media;
	u16 table_sectors_16;
	u16 track_sectors, heads;
	u32 hidden, sectors_32;
	union {
		struct fat_boot_tail tail; /* FAT12, FAT16 */
		struct {
			u32 table_sectors;
			u16 flags; /* FAT_ONE_TABLE: … and which one */
			u16 version;
			u32 root_cluster;
			u16 info_sector, backup_sector;
			u8 unused[12];
			struct fat_boot_tail tail;
		} __packed wide; /* FAT32 */
	};
} __packed;
_Static_assert(sizeof(struct fat_boot) == 90, "boot sector of FAT32");

enum { FAT_ONE_TABLE = 0x80, FAT_TABLE_MASK = 0x0f };

/* FAT32's hints. */
struct fat_info {
	u32 lead;
	u8 unused[480];
	u32 signature, free, next;
	u8 rest[12];
	u32 trail;
} __packed;
_Static_assert(sizeof(struct fat_info) == 512, "FSInfo");
#define FAT_INFO_LEAD      0x41615252u
#define FAT_INFO_SIGNATURE 0x61417272u
#define FAT_INFO_UNKNOWN   0xffffffffu

enum fat_attributes {
	FAT_READ_ONLY = 0x01,
	FAT_HIDDEN = 0x02,
	FAT_SYSTEM = 0x04,
	FAT_LABEL = 0x08,
	FAT_DIRECTORY = 0x10,
	FAT_ARCHIVE = 0x20,
	FAT_LONG = 0x0f, /* a piece of a long name */
	FAT_LONG_MASK = 0x3f,
};

enum { FAT_SLOT = 32, FAT_SHORT = 11, FAT_BASE = 8, FAT_LOWER_BASE = 0x08, FAT_LOWER_EXT = 0x10 };
enum { FAT_END = 0, FAT_REMOVED = 0xe5, FAT_REMOVED_STANDIN = 0x05 };

struct fat_slot {
	u8 name[FAT_SHORT];
	u8 attributes;
	u8 lower; /* FAT_LOWER_*: how the short name is to be shown */
	u8 created_10ms;
	u16 created_time, created_date, accessed_date;
	u16 start_high;
	u16 modified_time, modified_date;
	u16 start_low;
	u32 size;
} __packed;
_Static_assert(sizeof(struct fat_slot) == FAT_SLOT, "directory entry");

/* 13 characters of a long name; its pieces stand before the short name, the last one first. */
struct fat_piece {
	u8 order; /* from 1 on; FAT_LAST_PIECE */
	u8 first[10];
	u8 attributes, type, checksum;
	u8 second[12];
	u16 start;
	u8 third[4];
} __packed;
_Static_assert(sizeof(struct fat_piece) == FAT_SLOT, "piece of a long name");
enum { FAT_LAST_PIECE = 0x40, FAT_PIECE_CHARS = 13, FAT_PIECES_MOST = 20 };

#endif
