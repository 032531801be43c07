/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: in the inode behind its fields, and in a block that inodes may share.
 *
 *	inode:	magic   entry entry … 0   …   value value
 *	block:	header  entry entry … 0   …   value value
 *
 * Value offsets count from the first entry in an inode, from the beginning of a block.  A large
 * value may be the content of an inode of its own.  An entry's name space is a number; access
 * control lists are kept shorter than programs see them.
 */
#include "fs/ext4/xattr_internal.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

const char *const ext4_xattr_prefixes[EXT4_XATTR_SPACES] = {
	[1] = "user.",
	[EXT4_XATTR_ACL_ACCESS] = "system.posix_acl_access",
	[EXT4_XATTR_ACL_DEFAULT] = "system.posix_acl_default",
	[4] = "trusted.",
	[6] = "security.",
	[EXT4_XATTR_SYSTEM] = "system.",
};

enum { FULL_NAME_MAX = 32 + 255 };

/* --- Where they are --- */

int ext4_xattr_open_inode(const struct ext4_volume *volume, const struct ext4_node *node,
			  struct ext4_xattr_area *area)
{
	u32 start = EXT4_OLD_INODE_SIZE + node->extra_size, magic;
	int error;

	if (start + sizeof(magic) + sizeof(u32) > volume->inode_size || node->extra_size == 0)
		return -ENODATA;
	area->memory = volume->ops->allocate(volume->inode_size);
	if (!area->memory)
		return -ENOMEM;
	error = ext4_node_read_raw(volume, node->ino, area->memory);
	if (error)
		return error;
	memcpy(&magic, (u8 *)area->memory + start, sizeof(magic));
	area->bytes = (u8 *)area->memory + start + sizeof(magic);
	area->size = volume->inode_size - start - (u32)sizeof(magic);
	area->first = 0;
	return magic == EXT4_XATTR_MAGIC ? 0 : -ENODATA;
}

static bool block_is_intact(const struct ext4_volume *volume, u64 block,
			    struct ext4_disk_xattr_header *header)
{
	u32 checksum = header->checksum, crc;

	if (!volume->checksums)
		return true;
	header->checksum = 0;
	crc = crc32c(volume->checksum_seed, &block, sizeof(block));
	return crc32c(crc, header, volume->block_size) == checksum;
}

int ext4_xattr_open_block(const struct ext4_volume *volume, const struct ext4_node *node,
			  struct ext4_xattr_area *area)
{
	struct ext4_disk_xattr_header *header;
	int error;

	if (node->xattr_block == 0)
		return -ENODATA;
	area->memory = header = volume->ops->allocate(volume->block_size);
	if (!header)
		return -ENOMEM;
	error = ext4_read(volume, node->xattr_block, 0, header, volume->block_size);
	if (error)
		return error;
	if (header->magic != EXT4_XATTR_MAGIC || header->blocks != 1)
		return -EUCLEAN;
	if (!block_is_intact(volume, node->xattr_block, header))
		return -EBADMSG;
	area->bytes = area->memory;
	area->size = volume->block_size;
	area->first = sizeof(*header);
	return 0;
}

/* --- Entries --- */

/* The entry at *offset, which moves on; NULL at the end, with *error if it makes no sense. */
const struct ext4_disk_xattr *ext4_xattr_next(const struct ext4_xattr_area *area, u32 *offset,
					      int *error)
{
	const struct ext4_disk_xattr *entry = (const void *)(area->bytes + *offset);
	u32 end = 0, left = area->size - *offset;

	*error = 0;
	if (left < sizeof(u32))
		return NULL;
	memcpy(&end, entry, sizeof(end));
	if (end == 0)
		return NULL;
	*error = -EUCLEAN;
	if (left < sizeof(*entry) || left - sizeof(*entry) < entry->name_length)
		return NULL;
	if (entry->value_size > EXT4_XATTR_VALUE_MAX)
		return NULL;
	if (entry->value_ino == 0 && entry->value_size > 0 &&
	    (entry->value_offset > area->size ||
	     entry->value_size > area->size - entry->value_offset))
		return NULL;
	*error = 0;
	*offset = MIN(area->size, *offset + (u32)ALIGN_UP(sizeof(*entry) + entry->name_length,
							  (size_t)EXT4_XATTR_ROUND));
	return entry;
}

/* The name as programs know it; false: they do not. */
static bool full_name(const struct ext4_disk_xattr *entry, char *name)
{
	const char *prefix = entry->name_space < EXT4_XATTR_SPACES
				     ? ext4_xattr_prefixes[entry->name_space]
				     : NULL;
	size_t length;

	if (!prefix || memchr(entry->name, '\0', entry->name_length))
		return false;
	length = strlen(prefix);
	memcpy(name, prefix, length);
	memcpy(name + length, entry->name, entry->name_length);
	name[length + entry->name_length] = '\0';
	return true;
}

/* --- Values --- */

/*
 * An access control list: on the disk a version (1), then [tag, permissions] and, of named users
 * and groups alone, [id]; for programs version 2, and an id everywhere.
 */
static ssize_t convert_acl(const u8 *from, u32 size, u8 *to, size_t room)
{
	static const u32 version = EXT4_ACL_VERSION, nobody = UINT32_MAX;
	size_t done = sizeof(version);
	u32 found = 0;

	if (size >= sizeof(found))
		memcpy(&found, from, sizeof(found));
	if (found != EXT4_ACL_DISK_VERSION)
		return -EUCLEAN;
	if (done <= room)
		memcpy(to, &version, sizeof(version));
	for (u32 at = sizeof(found); at < size;) {
		u16 tag = size - at >= 2 ? (u16)(from[at] | from[at + 1] << 8) : 0;
		u32 length = tag == EXT4_ACL_USER || tag == EXT4_ACL_GROUP ? 8 : 4;

		if (size - at < length)
			return -EUCLEAN;
		if (done + EXT4_ACL_ENTRY_SIZE <= room) {
			memcpy(to + done + 4, &nobody, sizeof(nobody));
			memcpy(to + done, from + at, length);
		}
		done += EXT4_ACL_ENTRY_SIZE;
		at += length;
	}
	return room > 0 && done > room ? -ERANGE : (ssize_t)done;
}

static int read_value_inode(const struct ext4_volume *volume, const struct ext4_disk_xattr *entry,
			    void *value)
{
	struct ext4_node node;
	int error = ext4_node_read(volume, entry->value_ino, &node);

	if (error)
		return error;
	if (!(node.flags & EXT4_INODE_EA) || node.flags & EXT4_INODE_INLINE_DATA ||
	    node.size < entry->value_size)
		return -EUCLEAN;
	return ext4_data_read(volume, &node, 0, value, entry->value_size);
}

static ssize_t take_value(const struct ext4_volume *volume, const struct ext4_xattr_area *area,
			  const struct ext4_disk_xattr *entry, void *value, size_t size)
{
	const u8 *bytes = area->bytes + entry->value_offset;

	if (entry->value_ino == 0 && (entry->name_space == EXT4_XATTR_ACL_ACCESS ||
				      entry->name_space == EXT4_XATTR_ACL_DEFAULT))
		return convert_acl(bytes, entry->value_size, value, size);
	if (size > 0 && entry->value_size > size)
		return -ERANGE;
	if (size > 0 && entry->value_ino != 0) {
		int error = read_value_inode(volume, entry, value);

		if (error)
			return error;
	} else if (size > 0 && entry->value_size > 0) {
		memcpy(value, bytes, entry->value_size);
	}
	return (ssize_t)entry->value_size;
}

static ssize_t find_in(const struct ext4_volume *volume, const struct ext4_xattr_area *area,
		       const char *name, void *value, size_t size)
{
	const struct ext4_disk_xattr *entry;
	char found[FULL_NAME_MAX];
	u32 offset = area->first;
	int error;

	while ((entry = ext4_xattr_next(area, &offset, &error)))
		if (full_name(entry, found) && strcmp(found, name) == 0)
			return take_value(volume, area, entry, value, size);
	return error ? error : -ENODATA;
}

typedef int (*open_area_t)(const struct ext4_volume *volume, const struct ext4_node *node,
			   struct ext4_xattr_area *area);
static const open_area_t places[] = {ext4_xattr_open_inode, ext4_xattr_open_block};
enum { PLACES = 2 };

static ssize_t find(const struct ext4_volume *volume, const struct ext4_node *node,
		    const char *name, void *value, size_t size)
{
	ssize_t result = -ENODATA;

	for (u32 i = 0; i < PLACES && result == -ENODATA; i++) {
		struct ext4_xattr_area area = {0};

		result = places[i](volume, node, &area);
		if (result == 0)
			result = find_in(volume, &area, name, value, size);
		if (area.memory)
			volume->ops->release(area.memory);
	}
	return result;
}

ssize_t ext4_xattr_get(const struct ext4_volume *volume, const struct ext4_node *node,
		       const char *name, void *value, size_t size)
{
	return find(volume, node, name, value, size);
}

ssize_t ext4_xattr_inline_data(const struct ext4_volume *volume, const struct ext4_node *node,
			       void *value, size_t size)
{
	return find(volume, node, "system.data", value, size);
}

static int list_in(const struct ext4_xattr_area *area,
		   void (*function)(void *context, const char *name), void *context)
{
	const struct ext4_disk_xattr *entry;
	char name[FULL_NAME_MAX];
	u32 offset = area->first;
	int error;

	while ((entry = ext4_xattr_next(area, &offset, &error)))
		if (entry->name_space != EXT4_XATTR_SYSTEM && full_name(entry, name))
			function(context, name);
	return error;
}

int ext4_xattr_list(const struct ext4_volume *volume, const struct ext4_node *node,
		    void (*function)(void *context, const char *name), void *context)
{
	int result = 0;

	for (u32 i = 0; i < PLACES && result == 0; i++) {
		struct ext4_xattr_area area = {0};

		result = places[i](volume, node, &area);
		if (result == 0)
			result = list_in(&area, function, context);
		else if (result == -ENODATA)
			result = 0;
		if (area.memory)
			volume->ops->release(area.memory);
	}
	return result;
}
