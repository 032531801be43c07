/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file's bytes: in its blocks, or, of small files, in the inode: the first 60 bytes where else
 * the map is, the rest as the value of an attribute.
 */
#include "fs/ext4/volume.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { LINK_MAX = 4095 };

/* --- In the inode --- */

int ext4_inline_read(const struct ext4_volume *volume, const struct ext4_node *node, u8 **data,
		     u32 *size)
{
	ssize_t rest = ext4_xattr_inline_data(volume, node, NULL, 0);

	*data = NULL;
	if (rest < 0)
		return rest == -ENODATA ? -EUCLEAN : (int)rest;
	*size = EXT4_INLINE_BYTES + (u32)rest;
	*data = volume->ops->allocate(*size);
	if (!*data)
		return -ENOMEM;
	memcpy(*data, node->body, EXT4_INLINE_BYTES);
	if (rest > 0)
		rest = ext4_xattr_inline_data(volume, node, *data + EXT4_INLINE_BYTES,
					      (size_t)rest);
	if (rest >= 0)
		return 0;
	volume->ops->release(*data);
	*data = NULL;
	return (int)rest;
}

static int read_inline(const struct ext4_volume *volume, const struct ext4_node *node, u64 position,
		       void *buffer, size_t size)
{
	u8 *data;
	u32 length;
	int error = ext4_inline_read(volume, node, &data, &length);

	if (error)
		return error;
	memset(buffer, 0, size);
	if (position < length)
		memcpy(buffer, data + position, MIN(size, (size_t)(length - position)));
	volume->ops->release(data);
	return 0;
}

/* --- In blocks --- */

/* Reads what lies in one run of blocks: how much that is in *done. */
static int read_run(const struct ext4_volume *volume, const struct ext4_node *node, u64 position,
		    void *buffer, size_t size, size_t *done)
{
	u64 block = position >> volume->block_shift;
	u32 offset = (u32)position & (volume->block_size - 1);
	struct ext4_run run;
	int error = ext4_map(volume, node, block, &run);

	if (error)
		return error;
	*done = MIN((u64)size, (run.length << volume->block_shift) - offset);
	if (run.start == 0) {
		memset(buffer, 0, *done);
		return 0;
	}
	/* Data is written past the blocks in memory, which are metadata alone. */
	if (volume->journal && S_ISREG(node->mode))
		return volume->ops->read(volume->context,
					 (run.start << volume->block_shift) + offset, buffer,
					 *done);
	for (size_t at = 0; at < *done;) {
		u32 part = (u32)MIN(*done - at, (size_t)(volume->block_size - offset));

		error = ext4_read(volume, run.start++, offset, (u8 *)buffer + at, part);
		if (error)
			return error;
		at += part;
		offset = 0;
	}
	return 0;
}

int ext4_data_read(const struct ext4_volume *volume, const struct ext4_node *node, u64 position,
		   void *buffer, size_t size)
{
	size_t there = position < node->size ? (size_t)MIN((u64)size, node->size - position) : 0;
	u8 *at = buffer;

	memset(at + there, 0, size - there);
	if (node->flags & EXT4_INODE_INLINE_DATA)
		return there > 0 ? read_inline(volume, node, position, buffer, there) : 0;
	while (there > 0) {
		size_t done = 0;
		int error = read_run(volume, node, position, at, there, &done);

		if (error)
			return error;
		at += done;
		position += done;
		there -= done;
	}
	return 0;
}

/* --- Links --- */

/* Is the text where else the map is?  Then the file has no blocks but that of its attributes. */
static bool is_fast_link(const struct ext4_volume *volume, const struct ext4_node *node)
{
	u64 attributes = node->xattr_block != 0 ? volume->block_size >> 9 : 0;

	return node->size < EXT4_INLINE_BYTES && !(node->flags & EXT4_INODE_INLINE_DATA) &&
	       node->sectors <= attributes;
}

int ext4_link_read(const struct ext4_volume *volume, const struct ext4_node *node, char *buffer)
{
	if (!S_ISLNK(node->mode) || node->size == 0 || node->size > LINK_MAX)
		return -EUCLEAN;
	if (!is_fast_link(volume, node))
		return ext4_data_read(volume, node, 0, buffer, node->size);
	memcpy(buffer, node->body, node->size);
	return 0;
}
