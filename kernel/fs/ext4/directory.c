/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: entries one behind the other, none across the end of a block.
 *
 * An entry says how far it is to the next, an unused one has inode 0.  The blocks of an index look
 * like blocks without names, so that a directory can always be read from its beginning to its end.
 * A position is the entry's offset in the file, and stays what it is as nothing changes.
 *
 * A small directory may be in its inode: the parent's number, then entries in the first 60 bytes,
 * then entries in the rest; "." and ".." are not written down there, and get positions 0 and 1.
 */
#include "fs/ext4/names_internal.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { INLINE_PARENT = 4, TYPE_DIRECTORY = 2 };

/* --- Blocks --- */

static bool is_index_block(const struct ext4_volume *volume, const struct ext4_node *node,
			   u64 block, const void *bytes)
{
	const struct ext4_disk_entry *first = bytes;

	return node->flags & EXT4_INODE_INDEX &&
	       (block == 0 || (first->ino == 0 && first->length == volume->block_size));
}

/* A block of the index: its checksum stands behind its table. */
static int check_index_block(const struct ext4_volume *volume, const struct ext4_node *node,
			     u64 block, u8 *bytes)
{
	u32 offset = block == 0 ? EXT4_INDEX_INFO + EXT4_INDEX_INFO_SIZE : EXT4_ENTRY_HEADER;
	const struct ext4_disk_index_entry *table = (const void *)(bytes + offset);
	u32 used = offset + table->count * (u32)sizeof(*table);
	u32 tail = offset + table->limit * (u32)sizeof(*table), crc, checksum;
	static const u32 none;

	if (table->count > table->limit || tail + 8 > volume->block_size)
		return -EUCLEAN;
	memcpy(&checksum, bytes + tail + 4, sizeof(checksum));
	crc = crc32c(node->seed, bytes, used);
	crc = crc32c(crc, bytes + tail, 4);
	crc = crc32c(crc, &none, sizeof(none));
	return crc == checksum ? 0 : -EBADMSG;
}

static int check_leaf_block(const struct ext4_volume *volume, const struct ext4_node *node,
			    const u8 *bytes)
{
	u32 used = volume->block_size - (u32)sizeof(struct ext4_disk_entry_tail);
	const struct ext4_disk_entry_tail *tail = (const void *)(bytes + used);

	if (tail->ino != 0 || tail->length != sizeof(*tail) || tail->name_length != 0 ||
	    tail->type != EXT4_TAIL_TYPE)
		return -EUCLEAN;
	return crc32c(node->seed, bytes, used) == tail->checksum ? 0 : -EBADMSG;
}

int ext4_directory_check(const struct ext4_volume *volume, const struct ext4_node *node, u64 block,
			 void *bytes)
{
	if (!volume->checksums)
		return 0;
	return is_index_block(volume, node, block, bytes)
		       ? check_index_block(volume, node, block, bytes)
		       : check_leaf_block(volume, node, bytes);
}

int ext4_directory_block(const struct ext4_volume *volume, const struct ext4_node *node, u64 block,
			 void *buffer)
{
	struct ext4_run run;
	int error = ext4_map(volume, node, block, &run);

	if (error)
		return error;
	if (run.start == 0)
		return -EUCLEAN;
	error = ext4_read(volume, run.start, 0, buffer, volume->block_size);
	return error ? error : ext4_directory_check(volume, node, block, buffer);
}

/* --- Entries --- */

const struct ext4_disk_entry *ext4_entry_at(const struct ext4_volume *volume, const void *bytes,
					    u32 offset, u32 size)
{
	const struct ext4_disk_entry *entry = (const void *)((const u8 *)bytes + offset);

	if (size - offset < EXT4_ENTRY_HEADER)
		return NULL;
	if (entry->length % 4 != 0 || entry->length < EXT4_ENTRY_HEADER ||
	    entry->length > size - offset || entry->ino > volume->inodes)
		return NULL;
	if (entry->ino != 0 &&
	    (entry->name_length == 0 || entry->name_length > entry->length - EXT4_ENTRY_HEADER))
		return NULL;
	return entry;
}

static bool is_name(const char *name, u32 length)
{
	return !memchr(name, '/', length) && !memchr(name, '\0', length);
}

int ext4_entries_find(const struct ext4_volume *volume, const void *bytes, u32 size,
		      const char *name, u32 length, u32 *ino)
{
	for (u32 offset = 0; offset < size;) {
		const struct ext4_disk_entry *entry = ext4_entry_at(volume, bytes, offset, size);

		if (!entry)
			return -EUCLEAN;
		if (entry->ino != 0 && entry->name_length == length &&
		    memcmp(entry->name, name, length) == 0) {
			*ino = entry->ino;
			return 0;
		}
		offset += entry->length;
	}
	return -ENOENT;
}

/* Emits the entries at `base` and behind that are not before *position. */
static int list_entries(const struct ext4_volume *volume, const void *bytes, u32 size, u64 base,
			u64 *position, ext4_emit_t emit, void *context, bool *more)
{
	for (u32 offset = 0; offset < size && *more;) {
		const struct ext4_disk_entry *entry = ext4_entry_at(volume, bytes, offset, size);
		u64 at = base + offset;
		u8 type;

		if (!entry)
			return -EUCLEAN;
		offset += entry->length;
		if (at < *position)
			continue;
		if (entry->ino != 0) {
			type = ext4_has_incompat(volume, EXT4_INCOMPAT_FILETYPE) &&
					       entry->type < EXT4_TYPES
				       ? entry->type
				       : EXT4_TYPE_UNKNOWN;
			if (!is_name(entry->name, entry->name_length))
				return -EUCLEAN;
			*more = emit(context, at, entry->name, entry->name_length, entry->ino,
				     type);
		}
		if (*more)
			*position = base + offset;
	}
	return 0;
}

/* --- In the inode --- */

static int find_inline(const struct ext4_volume *volume, const struct ext4_node *node,
		       const char *name, u32 length, u32 *ino)
{
	u8 *data;
	u32 size;
	int error = ext4_inline_read(volume, node, &data, &size);

	if (error)
		return error;
	error = ext4_entries_find(volume, data + INLINE_PARENT, EXT4_INLINE_BYTES - INLINE_PARENT,
				  name, length, ino);
	if (error == -ENOENT)
		error = ext4_entries_find(volume, data + EXT4_INLINE_BYTES,
					  size - EXT4_INLINE_BYTES, name, length, ino);
	volume->ops->release(data);
	return error;
}

static int list_inline(const struct ext4_volume *volume, const struct ext4_node *node,
		       u64 *position, ext4_emit_t emit, void *context)
{
	bool more = true;
	u32 size, parent;
	u8 *data;
	int error = ext4_inline_read(volume, node, &data, &size);

	if (error)
		return error;
	memcpy(&parent, data, sizeof(parent));
	if (*position == 0 && (more = emit(context, 0, ".", 1, node->ino, TYPE_DIRECTORY)))
		*position = 1;
	if (*position == 1 && more && (more = emit(context, 1, "..", 2, parent, TYPE_DIRECTORY)))
		*position = INLINE_PARENT;
	if (more)
		error = list_entries(volume, data + INLINE_PARENT,
				     EXT4_INLINE_BYTES - INLINE_PARENT, INLINE_PARENT, position,
				     emit, context, &more);
	if (more && !error)
		error = list_entries(volume, data + EXT4_INLINE_BYTES, size - EXT4_INLINE_BYTES,
				     EXT4_INLINE_BYTES, position, emit, context, &more);
	volume->ops->release(data);
	return error;
}

/* --- All of it --- */

static int find_linear(const struct ext4_volume *volume, const struct ext4_node *node,
		       const char *name, u32 length, u32 *ino)
{
	u64 blocks = node->size >> volume->block_shift;
	void *buffer = volume->ops->allocate(volume->block_size);
	int error = -ENOENT;

	if (!buffer)
		return -ENOMEM;
	for (u64 block = 0; block < blocks && error == -ENOENT; block++) {
		error = ext4_directory_block(volume, node, block, buffer);
		if (!error)
			error = ext4_entries_find(volume, buffer, volume->block_size, name, length,
						  ino);
	}
	volume->ops->release(buffer);
	return error;
}

int ext4_directory_find(const struct ext4_volume *volume, const struct ext4_node *node,
			const char *name, u32 length, u32 *ino)
{
	int error = -EAGAIN;

	if (length > EXT4_NAME_MAX)
		return -ENAMETOOLONG;
	if (node->flags & EXT4_INODE_INLINE_DATA)
		return find_inline(volume, node, name, length, ino);
	if (volume->journal)
		return ext4_names_find((struct ext4_volume *)volume, node, name, length, ino);
	if (node->flags & EXT4_INODE_INDEX && volume->compat & EXT4_COMPAT_DIR_INDEX)
		error = ext4_index_find(volume, node, name, length, ino);
	return error == -EAGAIN ? find_linear(volume, node, name, length, ino) : error;
}

/* Lists a block's entries, from a copy or as it is in memory. */
static int list_block(const struct ext4_volume *volume, const struct ext4_node *node, u64 number,
		      void *buffer, u64 *position, ext4_emit_t emit, void *context, bool *more)
{
	u64 base = number << volume->block_shift;
	struct ext4_block *block = NULL;
	int error;

	if (volume->journal)
		error = ext4_names_open((struct ext4_volume *)volume, node, number, &block);
	else
		error = ext4_directory_block(volume, node, number, buffer);
	if (error)
		return error;
	error = list_entries(volume, block ? block->data : buffer, volume->block_size, base,
			     position, emit, context, more);
	ext4_block_put(block);
	if (*more && !error)
		*position = base + volume->block_size;
	return error;
}

int ext4_directory_list(const struct ext4_volume *volume, const struct ext4_node *node,
			u64 *position, ext4_emit_t emit, void *context)
{
	bool more = true;
	void *buffer;
	int error = 0;

	if (node->flags & EXT4_INODE_INLINE_DATA)
		return list_inline(volume, node, position, emit, context);
	buffer = volume->ops->allocate(volume->block_size);
	if (!buffer)
		return -ENOMEM;
	while (more && !error && *position < (node->size & ~(u64)(volume->block_size - 1)))
		error = list_block(volume, node, *position >> volume->block_shift, buffer, position,
				   emit, context, &more);
	volume->ops->release(buffer);
	return error;
}
