/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT12, FAT16 and FAT32 volumes with long names, without the rest of the kernel: these files also
 * run on the host, under tests.
 *
 * All changes are made in memory, to sectors of the table (FAT) and of directories, each of which
 * keeps what the disk has beside what it is to have.  fat_commit brings the difference to the disk,
 * entry by entry, in steps with flushes between them:
 *
 *	1. clusters become used, and new clusters of directories get their contents;
 *	2. chains become longer;
 *	3. names appear, sizes and times change; of a long name that is in two sectors the first
 *	   part comes before
 *	4. names go, and such a part after them;
 *	5. chains become shorter;
 *	6. clusters become free.
 *
 * So whatever moment the power is cut at, no name leads to a cluster that is not its own, and what
 * was committed before is there; at worst some clusters belong to nobody, or a file that was being
 * renamed has two names.  Two rules go with that: what the disk still has in use, a cluster, a
 * short name or a place for one, is not used for anything else before the next commit; and an operation takes
 * the clusters that it wants before it changes anything else, as that may commit.
 *
 * Nothing on the disk is believed: a chain that leaves the volume, runs in circles or into a free
 * cluster is -EIO, and the volume takes no more changes.
 *
 * Locks: the owner's, one for all of a volume; every function wants it held.  All may sleep.
 *
 * volume.c: boot sector; sectors.c: the cache; commit.c; table.c: clusters; chain.c: a file's
 * clusters; name.c, short_name.c: names; directory.c: reading, directory_change.c: changing
 * directories; node.c: files; rename.c.
 */
#ifndef FS_FAT_VOLUME_H
#define FS_FAT_VOLUME_H

#include "fs/fat/format.h"
#include "lib/list.h"
#include "lib/types.h"

struct fat_volume;

struct fat_volume_ops {
	/* Whole sectors of the volume, within `size`.  0 or an error. */
	int (*read)(void *context, u64 position, void *buffer, size_t size);
	int (*write)(void *context, u64 position, const void *buffer, size_t size);
	/* Everything that was written, data of files too, to stable storage. */
	int (*flush)(void *context);
	void *(*allocate)(size_t size); /* NULL: no memory */
	void (*release)(void *memory);  /* NULL is allowed */
	/* The volume is not in order; it may be made read-only. */
	void (*complain)(void *context, const char *why, u64 number);
};

/* How short names are shown and made, as Linux's shortname= option. */
enum fat_short_names { FAT_MIXED, FAT_LOWER, FAT_WIN95, FAT_WINNT };

enum { FAT_BUCKETS = 256, FAT_NAME_MAX = 255 };

struct fat_volume {
	/* The owner's. */
	const struct fat_volume_ops *ops;
	void *context;
	u64 size; /* bytes */
	enum fat_short_names short_names;
	bool plain_tails;  /* "nonumtail": LONGNAME instead of LONGNA~1 where that is free */
	bool data_written; /* data of files has been written since the last flush */

	/* From the boot sector: */
	u32 bits; /* of an entry of the table: 12, 16, 32 */
	u32 sector_size, sector_shift, cluster_size, cluster_shift;
	u32 tables, table_sectors;
	u32 table;       /* the one that is read */
	bool one_table;  /* … and no other is kept up to date */
	u64 table_start; /* sectors from here on */
	u64 root_start;
	u32 root_size;    /* bytes; 0: the root is a chain */
	u32 root_cluster; /* of FAT32 */
	u64 data_start;
	u32 clusters; /* the last one's number is clusters + 1 */
	u32 serial;
	u64 info_sector; /* 0: none */
	bool was_dirty;

	/* Sectors in memory: sectors.c. */
	struct fat_sector *buckets[FAT_BUCKETS];
	struct list_head clean, dirty;
	u32 clean_count, dirty_count;
	u8 *buffer; /* FAT_BUFFER bytes */

	/* Clusters: table.c. */
	u64 *busy;       /* in use, in memory or on the disk; NULL: not known yet */
	u32 free;        /* not in use in memory */
	u32 ending;      /* … but still on the disk */
	u32 reserved;    /* promised to data that has no clusters yet */
	u32 next;        /* hint: where to look */
	bool info_known; /* FSInfo's count is worth something */
	bool failed;     /* no more changes */
	bool info_differs;
};

/* --- volume.c --- */

/*
 * Opens: the owner's part is filled in, the rest zeros.  0; -EINVAL: no FAT; -EIO, -ENOMEM.  With
 * fat_volume_close it ends, whatever has not been committed.
 */
int __must_check fat_volume_open(struct fat_volume *volume);
void fat_volume_close(struct fat_volume *volume);
/* Says on the disk that the volume is in use, or that it is not any more. */
int __must_check fat_volume_mark(struct fat_volume *volume, bool in_use);
/* -EIO, and the volume takes no more changes. */
int fat_fail(struct fat_volume *volume, const char *why, u64 number);

/* --- commit.c, sectors.c --- */

/* All changes to the disk: 0, or -EIO and the volume has failed. */
int __must_check fat_commit(struct fat_volume *volume);
bool fat_is_changed(const struct fat_volume *volume);
/* Forgets what is only kept to be fast, but for `keep` sectors: between two operations. */
void fat_trim(struct fat_volume *volume, u32 keep);

/* --- table.c --- */

/* Free clusters, for statfs: perhaps by what FSInfo says; and without those that are promised. */
int __must_check fat_free_clusters(struct fat_volume *volume, u32 *count);
int __must_check fat_room(struct fat_volume *volume, u32 *count);
/* Promises clusters to data: 0 or -ENOSPC; fat_release takes a promise back. */
int __must_check fat_reserve(struct fat_volume *volume, u32 count);
void fat_release(struct fat_volume *volume, u32 count);

/* --- chain.c: the clusters of a file --- */

struct fat_run {
	u32 index; /* of the file's clusters */
	u32 start, count;
};

/* As much of a chain as has been looked at. */
struct fat_chain {
	u32 start; /* 0: no clusters */
	u32 known; /* clusters in `runs` */
	bool complete;
	struct fat_run *runs;
	u32 run_count, run_room;
	u32 mark, mark_at; /* against circles */
};

/* Cluster `index` of a chain, and how many lie in one run with it: 0, -ENOENT (it is shorter), … */
int __must_check fat_chain_map(struct fat_volume *volume, struct fat_chain *chain, u32 index,
			       u32 *cluster, u32 *count);
int __must_check fat_chain_length(struct fat_volume *volume, struct fat_chain *chain, u32 *length);
/* Until it has `length` clusters: 0, -ENOSPC and it is as it was, … */
int __must_check fat_chain_extend(struct fat_volume *volume, struct fat_chain *chain, u32 length);
/* Frees all but the first `length` clusters. */
int __must_check fat_chain_cut(struct fat_volume *volume, struct fat_chain *chain, u32 length);
void fat_chain_forget(struct fat_volume *volume, struct fat_chain *chain);

static inline u64 fat_cluster_position(const struct fat_volume *volume, u32 cluster)
{
	return (volume->data_start << volume->sector_shift) +
	       ((u64)(cluster - FAT_FIRST_CLUSTER) << volume->cluster_shift);
}
static inline u32 fat_clusters_for(const struct fat_volume *volume, u64 size)
{
	return (u32)((size + volume->cluster_size - 1) >> volume->cluster_shift);
}

/* --- node.c: files and directories --- */

struct fat_node {
	u64 place; /* where its short name is on the volume, byte; 0: the root, or nowhere any more */
	u32 attributes;
	u32 size;                        /* of a file, as far as the disk has it */
	s64 modified, accessed, created; /* seconds */
	u32 created_ns;
	struct fat_chain chain;
};

void fat_node_root(const struct fat_volume *volume, struct fat_node *node);
/* Of a name that was found.  -EIO: it makes no sense. */
struct fat_entry;
int __must_check fat_node_read(struct fat_volume *volume, const struct fat_entry *entry,
			       struct fat_node *node);
/* All of a node to its place; nothing if it has none. */
int __must_check fat_node_store(struct fat_volume *volume, const struct fat_node *node);
/* The same into a slot, for names that are made. */
void fat_node_fill(const struct fat_volume *volume, const struct fat_node *node,
		   struct fat_slot *slot);
/* As the disk can keep it. */
s64 fat_round_modified(s64 seconds);
s64 fat_round_accessed(s64 seconds);

/* --- directory.c --- */

/* A name in a directory. */
struct fat_entry {
	u32 first, last; /* bytes of the directory: its first slot, and the short name's */
	u64 place;       /* byte of the volume: the short name's */
	struct fat_slot slot;
	u32 units; /* of the long name; 0: none */
	u16 long_name[FAT_NAME_MAX + 1];
	u32 length; /* of how it is shown, UTF-8 */
	char name[FAT_NAME_MAX + 1];
};

/* "." and "..", which are not in the root. */
static inline bool fat_is_dots(const struct fat_entry *entry)
{
	return entry->slot.name[0] == '.';
}

/* The next name from byte *position on, which moves behind it: 1, 0 at the end, or an error. */
int __must_check fat_directory_next(struct fat_volume *volume, struct fat_node *directory,
				    u32 *position, struct fat_entry *entry);
/* Finds a name, whatever its spelling: 0, -ENOENT, … */
int __must_check fat_directory_find(struct fat_volume *volume, struct fat_node *directory,
				    const char *name, u32 length, struct fat_entry *entry);
/* How many directories are in it: a number or an error. */
int __must_check fat_directory_count(struct fat_volume *volume, struct fat_node *directory);
/* 1, 0 or an error. */
int __must_check fat_directory_is_empty(struct fat_volume *volume, struct fat_node *directory);

/* --- directory_change.c, rename.c: after an error everything is as it was, but that a directory
 * may have become larger --- */

/* Makes a name, which is not there, for a new file or directory: the node's place, and a
 * directory's first cluster.  -EINVAL: not a name; -ENAMETOOLONG, -ENOSPC, … */
int __must_check fat_make(struct fat_volume *volume, struct fat_node *directory, const char *name,
			  u32 length, struct fat_node *node);
/* Takes a name; the clusters are left, to be freed with fat_node_end when nobody uses them. */
int __must_check fat_unmake(struct fat_volume *volume, struct fat_node *directory, const char *name,
			    u32 length, struct fat_node *node);

int __must_check fat_node_end(struct fat_volume *volume, struct fat_node *node);

struct fat_rename {
	struct fat_node *from, *to; /* directories, perhaps the same */
	const char *from_name, *to_name;
	u32 from_length, to_length;
	struct fat_node *moved;
	struct fat_node *target; /* what `to_name` is: it loses its place.  Or NULL */
};
int __must_check fat_rename(struct fat_volume *volume, const struct fat_rename *rename);

#endif
