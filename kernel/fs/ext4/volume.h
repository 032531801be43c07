/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ext2, ext3 and ext4: what is on the disk, without the rest of the kernel.
 *
 * A volume reads bytes through a function of its owner and keeps no more than what the super block
 * says, so these files also run on the host, in tests and under a fuzzer.  Whatever is on the disk,
 * a reader stays within the volume and within its buffers, and comes to an end; what makes no sense
 * is -EUCLEAN, a wrong checksum -EBADMSG.
 *
 * A volume does not change once it is open, so that any number of threads may read it at once.  All
 * functions may sleep.
 *
 * volume.c: super block, groups; node.c: inodes; map.c: where a file's blocks are; data.c: a file's
 * bytes; directory.c, index.c, hash.c: names; xattr.c; journal.c.
 */
#ifndef FS_EXT4_VOLUME_H
#define FS_EXT4_VOLUME_H

#include "fs/ext4/format.h"
#include "lib/types.h"

struct ext4_space;
struct ext4_volume;
struct ext4_journal;

struct ext4_volume_ops {
	/* Reads `size` bytes at `position`, which lie within the volume.  0 or an error. */
	int (*read)(void *context, u64 position, void *buffer, size_t size);
	void *(*allocate)(size_t size); /* NULL: no memory */
	void (*release)(void *memory);  /* NULL is allowed */
	/* Says why the volume is refused. */
	void (*complain)(void *context, const char *why, u64 number);
};

/* A block that the journal has a newer copy of. */
struct ext4_overlay {
	u64 block;    /* of the volume */
	u64 copy;     /* the volume's block with the newer content */
	u32 sequence; /* of the transaction */
	bool escaped; /* the copy's first word has been replaced by zero: it is the journal's magic */
};

struct ext4_volume {
	const struct ext4_volume_ops *ops;
	void *context;
	u64 size; /* bytes */

	/* From the super block: */
	u32 compat, incompat, ro_compat;
	u32 block_size, block_shift;
	u64 blocks, reserved_blocks, free_blocks, overhead;
	u32 first_data_block, blocks_per_group, groups;
	u32 inodes, free_inodes, inodes_per_group, inode_size;
	u32 descriptor_size, first_meta_group, reserved_descriptors, want_extra_size;
	u32 last_orphan, first_ino;
	u8 default_hash;
	u32 checksum_seed;
	u32 hash_seed[4];
	u32 journal_ino;
	bool unsigned_hash, checksums;
	u8 uuid[16];

	/* journal.c: sorted by block, each block once. */
	struct ext4_overlay *overlay;
	u32 overlay_count;
	u32 journal_sequence; /* of the transaction that could follow; 0: it was not read */

	/* transaction.h: of a volume that may be changed.  What is read comes from there then. */
	struct ext4_journal *journal;

	struct ext4_space *space; /* change.h; NULL: nothing is changed */
	u64 *tables;              /* with space: the first block of each group's inode table */
};

/* An inode. */
struct ext4_node {
	u32 ino, mode, uid, gid, links, flags, generation;
	u64 size, sectors, xattr_block;
	s64 atime, ctime, mtime, btime; /* seconds */
	u32 atime_ns, ctime_ns, mtime_ns, btime_ns;
	bool has_btime;
	bool has_attributes; /* in the inode, when it was read */
	u32 extra_size;      /* of the fields behind the first 128 bytes */
	u32 major, minor;    /* of a device node */
	u32 seed;            /* of the checksums in what belongs to it */
	alignas(u32) u8 body[EXT4_INLINE_BYTES];
};

/* --- The volume --- */

/*
 * Opens: ops, context and size are given, the rest is zeros.  Reads the journal, if there is one to
 * be read.  0; -EINVAL: no such file system, or one with features that are not understood (and
 * `complain` says which); -EUCLEAN, -EBADMSG, -ENOMEM, what `read` said.
 */
int __must_check ext4_volume_open(struct ext4_volume *volume);
void ext4_volume_close(struct ext4_volume *volume);

/* Reads a part of a block, as the journal has it.  0, -EUCLEAN (there is no such block), … */
int __must_check ext4_read(const struct ext4_volume *volume, u64 block, u32 offset, void *buffer,
			   u32 size);

/* --- Files --- */

/* The inode of a file, with its checksum checked.  -ESTALE: it is not in use. */
int __must_check ext4_node_read(const struct ext4_volume *volume, u32 ino, struct ext4_node *node);

/* The same for one without names, or with. */
int __must_check ext4_node_read_unlinked(const struct ext4_volume *volume, u32 ino,
					 struct ext4_node *node);

/* A stretch of a file's blocks. */
struct ext4_run {
	u64 start;  /* block of the volume; 0: zeros */
	u64 length; /* blocks, at least 1 */
	u64 held;   /* of zeros: where they are kept on the disk, never written; 0: nowhere */
};

/* Where block `block` of the file is, and those behind it.  Not for inline data. */
int __must_check ext4_map(const struct ext4_volume *volume, const struct ext4_node *node, u64 block,
			  struct ext4_run *run);

/* Reads [position, position + size) of the file; zeros behind its end. */
int __must_check ext4_data_read(const struct ext4_volume *volume, const struct ext4_node *node,
				u64 position, void *buffer, size_t size);

/* A link's text has to fit, and be no longer than a path; not terminated. */
int __must_check ext4_link_read(const struct ext4_volume *volume, const struct ext4_node *node,
				char *buffer);

/* --- Directories --- */

enum { EXT4_TYPE_UNKNOWN = 0, EXT4_TYPES = 8 };

/* Finds a name: 0 and its inode number, or -ENOENT. */
int __must_check ext4_directory_find(const struct ext4_volume *volume, const struct ext4_node *node,
				     const char *name, u32 length, u32 *ino);

/* Takes an entry; false: enough.  `type`: the disk's number, below EXT4_TYPES. */
typedef bool (*ext4_emit_t)(void *context, u64 position, const char *name, u32 length, u32 ino,
			    u8 type);
/* Lists the entries from *position on, "." and ".." too; *position is where to go on. */
int __must_check ext4_directory_list(const struct ext4_volume *volume, const struct ext4_node *node,
				     u64 *position, ext4_emit_t emit, void *context);

/* --- Extended attributes --- */

/* The value of an attribute by its full name ("user.x"): its size, -ENODATA, or -ERANGE: it does
 * not fit.  size 0: only its size. */
ssize_t __must_check ext4_xattr_get(const struct ext4_volume *volume, const struct ext4_node *node,
				    const char *name, void *value, size_t size);
/* Calls a function for each attribute's name, which is terminated. */
int __must_check ext4_xattr_list(const struct ext4_volume *volume, const struct ext4_node *node,
				 void (*function)(void *context, const char *name), void *context);

/* --- Between the files of this folder --- */

/* Finds the rest of a file whose data is in the inode: see xattr.c.  Its size; -ENODATA; -ERANGE. */
ssize_t __must_check ext4_xattr_inline_data(const struct ext4_volume *volume,
					    const struct ext4_node *node, void *value, size_t size);
/* All of a file that is in the inode, allocated by volume->ops; *size bytes. */
int __must_check ext4_inline_read(const struct ext4_volume *volume, const struct ext4_node *node,
				  u8 **data, u32 *size);
/* The raw inode into a buffer of volume->inode_size, checked. */
int __must_check ext4_node_read_raw(const struct ext4_volume *volume, u32 ino, void *buffer);

/* Block `block` of a directory, checked, into a buffer of a block's size.  There are no holes. */
int __must_check ext4_directory_block(const struct ext4_volume *volume,
				      const struct ext4_node *node, u64 block, void *buffer);
/* Is the checksum of such a block right? */
int __must_check ext4_directory_check(const struct ext4_volume *volume,
				      const struct ext4_node *node, u64 block, void *bytes);
/* The entry at `offset` of `size` bytes, or NULL: it makes no sense. */
const struct ext4_disk_entry *ext4_entry_at(const struct ext4_volume *volume, const void *bytes,
					    u32 offset, u32 size);
/* Finds a name among entries: 0, -ENOENT, -EUCLEAN. */
int __must_check ext4_entries_find(const struct ext4_volume *volume, const void *bytes, u32 size,
				   const char *name, u32 length, u32 *ino);
/* Finds a name by its hash; -EAGAIN: the index is of no use. */
int __must_check ext4_index_find(const struct ext4_volume *volume, const struct ext4_node *node,
				 const char *name, u32 length, u32 *ino);
/* A name's hash; false: no such version. */
bool ext4_hash(const struct ext4_volume *volume, u32 version, const char *name, u32 length,
	       u32 *hash);

/* The block with a group's descriptor, and where in it. */
u64 ext4_descriptor_block(const struct ext4_volume *volume, u32 group, u32 *offset);
bool ext4_group_is_intact(const struct ext4_volume *volume, u32 group,
			  const struct ext4_disk_group *descriptor);
/* What a descriptor's checksum should be: what it is, if the volume has none. */
u16 ext4_group_checksum(const struct ext4_volume *volume, u32 group,
			const struct ext4_disk_group *descriptor);
/* Has the group a copy of the super block? */
bool ext4_group_has_super(const struct ext4_volume *volume, u32 group);
bool ext4_node_is_intact(const struct ext4_volume *volume, u32 ino, struct ext4_disk_inode *inode);
/* Where the checksums begin of what belongs to an inode. */
u32 ext4_node_seed(const struct ext4_volume *volume, u32 ino, u32 generation);
/* The first block of a group's inode table. */
int __must_check ext4_inode_table(const struct ext4_volume *volume, u32 group, u64 *table);

/* Reads the journal: fills in volume->overlay. */
int __must_check ext4_journal_read(struct ext4_volume *volume);
/* The newer copy of a block, or NULL. */
const struct ext4_overlay *ext4_overlay_find(const struct ext4_volume *volume, u64 block);

static inline bool ext4_has_incompat(const struct ext4_volume *volume, u32 feature)
{
	return volume->incompat & feature;
}

#endif
