/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing extended attributes.
 *
 * A place (the inode's end, or the block) is taken apart into a list, the list is changed, and the
 * place is made anew from it.  An attribute goes into the inode if that has room, else into the
 * block; what it was before goes from the other place.  A block that several inodes refer to is
 * never changed: who wants to, makes one of his own.
 */
#include "fs/ext4/change.h"
#include "fs/ext4/xattr_internal.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/sort.h"
#include "lib/string.h"

enum { ATTRIBUTES_MAX = 256, NAME_SHIFT = 5, VALUE_SHIFT = 16, TERMINATOR = 4 };

struct attribute {
	u32 space, name_length, size;
	const char *name;
	const u8 *value;
};

/* A place, taken apart. */
struct listing {
	struct ext4_xattr_area area; /* what the attributes point into */
	u32 count;
	bool exists, changed;
	struct attribute attributes[ATTRIBUTES_MAX];
};

/* The change that is wanted. */
struct request {
	struct attribute attribute; /* value NULL: it goes */
	u8 *allocated;              /* what `value` is, if it had to be converted */
};

/* --- Taking apart --- */

static int take_apart(struct listing *listing)
{
	const struct ext4_disk_xattr *entry;
	u32 offset = listing->area.first;
	int error;

	while ((entry = ext4_xattr_next(&listing->area, &offset, &error))) {
		if (listing->count == ATTRIBUTES_MAX - 1)
			return -ENOSPC;
		if (entry->value_ino != 0)
			return -EOPNOTSUPP;
		listing->attributes[listing->count++] = (struct attribute){
			.space = entry->name_space,
			.name_length = entry->name_length,
			.size = entry->value_size,
			.name = entry->name,
			.value = listing->area.bytes + entry->value_offset,
		};
	}
	return error;
}

static struct listing *listing_open(struct ext4_volume *volume, const struct ext4_node *node,
				    bool block)
{
	struct listing *listing = volume->ops->allocate(sizeof(*listing));
	int error;

	if (!listing)
		return NULL;
	listing->area = (struct ext4_xattr_area){0};
	listing->count = 0;
	listing->changed = false;
	error = block ? ext4_xattr_open_block(volume, node, &listing->area)
		      : ext4_xattr_open_inode(volume, node, &listing->area);
	listing->exists = !error;
	if (!error)
		error = take_apart(listing);
	listing->area.first = (u32)(error == -ENODATA ? 0 : -error);
	return listing;
}

static int listing_error(const struct listing *listing)
{
	return listing ? -(int)listing->area.first : -ENOMEM;
}

static void listing_close(struct ext4_volume *volume, struct listing *listing)
{
	if (!listing)
		return;
	volume->ops->release(listing->area.memory);
	volume->ops->release(listing);
}

/* --- The list --- */

static int compare(const void *left, const void *right, void *context __unused)
{
	const struct attribute *a = left, *b = right;

	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	if (a->name_length != b->name_length)
		return a->name_length < b->name_length ? -1 : 1;
	return memcmp(a->name, b->name, a->name_length);
}

static struct attribute *find(struct listing *listing, const struct attribute *wanted)
{
	for (u32 i = 0; i < listing->count; i++)
		if (compare(&listing->attributes[i], wanted, NULL) == 0)
			return &listing->attributes[i];
	return NULL;
}

static void take_out(struct listing *listing, const struct attribute *wanted)
{
	struct attribute *found = find(listing, wanted);

	if (!found)
		return;
	*found = listing->attributes[--listing->count];
	listing->changed = true;
}

static u32 room_of(const struct attribute *attribute)
{
	return (u32)ALIGN_UP(sizeof(struct ext4_disk_xattr) + attribute->name_length,
			     (size_t)EXT4_XATTR_ROUND) +
	       (u32)ALIGN_UP(attribute->size, (u32)EXT4_XATTR_ROUND);
}

/* Puts it in if `size` bytes hold all of it then. */
static bool put_in(struct listing *listing, const struct attribute *wanted, u32 size)
{
	u32 used = TERMINATOR + room_of(wanted);

	for (u32 i = 0; i < listing->count; i++)
		if (compare(&listing->attributes[i], wanted, NULL) != 0)
			used += room_of(&listing->attributes[i]);
	if (used > size || listing->count == ATTRIBUTES_MAX - 1)
		return false;
	take_out(listing, wanted);
	listing->attributes[listing->count++] = *wanted;
	listing->changed = true;
	return true;
}

/* --- Making anew --- */

static u32 hash_entry(const struct attribute *attribute)
{
	u32 hash = 0;

	for (u32 i = 0; i < attribute->name_length; i++)
		hash = (hash << NAME_SHIFT) ^ (hash >> (32 - NAME_SHIFT)) ^ (u8)attribute->name[i];
	for (u32 at = 0; at < attribute->size; at += sizeof(u32)) {
		u32 word = 0;

		memcpy(&word, attribute->value + at, MIN(attribute->size - at, (u32)sizeof(u32)));
		hash = (hash << VALUE_SHIFT) ^ (hash >> (32 - VALUE_SHIFT)) ^ word;
	}
	return hash;
}

/* Writes the entries from `first` on and the values from the end of `size` bytes; of a block also
 * hashes: that of all is the result. */
static u32 build(struct listing *listing, u8 *bytes, u32 first, u32 size, bool hashed)
{
	u32 at = first, end = size, all = 0;

	sort(listing->attributes, listing->count, sizeof(listing->attributes[0]), compare, NULL);
	memset(bytes + first, 0, size - first);
	for (u32 i = 0; i < listing->count; i++) {
		const struct attribute *attribute = &listing->attributes[i];
		struct ext4_disk_xattr *entry = (void *)(bytes + at);

		end -= (u32)ALIGN_UP(attribute->size, (u32)EXT4_XATTR_ROUND);
		entry->name_length = (u8)attribute->name_length;
		entry->name_space = (u8)attribute->space;
		entry->value_offset = (u16)(attribute->size > 0 ? end : 0);
		entry->value_size = attribute->size;
		memcpy(entry->name, attribute->name, attribute->name_length);
		memcpy(bytes + end, attribute->value, attribute->size);
		if (hashed)
			entry->hash = hash_entry(attribute);
		all = (all << VALUE_SHIFT) ^ (all >> (32 - VALUE_SHIFT)) ^ entry->hash;
		at += (u32)ALIGN_UP(sizeof(*entry) + attribute->name_length,
				    (size_t)EXT4_XATTR_ROUND);
	}
	return all;
}

static u32 inode_room(const struct ext4_volume *volume, const struct ext4_node *node)
{
	u32 start = EXT4_OLD_INODE_SIZE + node->extra_size + (u32)sizeof(u32);

	return node->extra_size == 0 || start >= volume->inode_size ? 0
								    : volume->inode_size - start;
}

static int write_inode(struct ext4_handle *handle, struct ext4_volume *volume,
		       const struct ext4_node *node, struct listing *listing)
{
	u32 size = inode_room(volume, node), magic = listing->count > 0 ? EXT4_XATTR_MAGIC : 0;
	struct ext4_disk_inode *inode;
	struct ext4_block *block;
	int error = ext4_node_raw(volume, node->ino, &block, &inode);

	if (error)
		return error;
	mutex_lock(&block->lock);
	error = ext4_handle_change(handle, block);
	if (!error) {
		u8 *bytes = (u8 *)inode + volume->inode_size - size;

		memcpy(bytes - sizeof(magic), &magic, sizeof(magic));
		build(listing, bytes, 0, size, false);
		ext4_node_seal(volume, node->ino, inode);
	}
	mutex_unlock(&block->lock);
	ext4_block_put(block);
	return error;
}

static void seal_block(const struct ext4_volume *volume, struct ext4_block *block)
{
	struct ext4_disk_xattr_header *header = (void *)block->data;
	u32 crc;

	header->checksum = 0;
	if (!volume->checksums)
		return;
	crc = crc32c(volume->checksum_seed, &block->number, sizeof(block->number));
	header->checksum = crc32c(crc, block->data, volume->block_size);
}

/* The node refers to its block no more: the last one frees it. */
static int leave_block(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node)
{
	struct ext4_disk_xattr_header *header;
	u64 number = node->xattr_block;
	struct ext4_block *block;
	bool last = false;
	int error = ext4_block_get(volume, number, &block);

	if (error)
		return error;
	header = (void *)block->data;
	mutex_lock(&block->lock);
	if (header->magic != EXT4_XATTR_MAGIC)
		error = -EUCLEAN;
	else
		error = ext4_handle_change(handle, block);
	if (!error) {
		last = header->refs <= 1;
		header->refs -= !last;
		seal_block(volume, block);
	}
	mutex_unlock(&block->lock);
	ext4_block_put(block);
	if (!error && last)
		error = ext4_space_free(handle, volume, number, 1, true);
	if (!error) {
		node->xattr_block = 0;
		ext4_node_count(volume, node, -1);
	}
	return error;
}

static void set_xattr_feature(struct ext4_disk_super *super, void *argument __unused)
{
	super->compat |= EXT4_COMPAT_XATTR;
}

static int enter_block(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node, struct ext4_block **block)
{
	u64 number;
	int error = ext4_space_take(handle, volume, ext4_node_goal(volume, node->ino), &number);

	if (!error)
		error = ext4_handle_new(handle, number, block);
	if (error)
		return error;
	node->xattr_block = number;
	ext4_node_count(volume, node, 1);
	if (volume->compat & EXT4_COMPAT_XATTR)
		return 0;
	mutex_lock(&volume->space->lock);
	volume->compat |= EXT4_COMPAT_XATTR;
	error = ext4_super_change(handle, volume, set_xattr_feature, NULL);
	mutex_unlock(&volume->space->lock);
	return error;
}

/* The node's own block, made if it has none or shares it. */
static int own_block(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		     struct ext4_block **block)
{
	const struct ext4_disk_xattr_header *header;
	bool shared;
	int error;

	if (node->xattr_block == 0)
		return enter_block(handle, volume, node, block);
	error = ext4_block_get(volume, node->xattr_block, block);
	if (error)
		return error;
	header = (void *)(*block)->data;
	shared = header->refs > 1;
	if (!shared) {
		error = ext4_handle_change(handle, *block);
		if (error)
			ext4_block_put(*block);
		return error;
	}
	ext4_block_put(*block);
	error = leave_block(handle, volume, node);
	return error ? error : enter_block(handle, volume, node, block);
}

static int write_block(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node, struct listing *listing)
{
	struct ext4_disk_xattr_header *header;
	struct ext4_block *block;
	int error;

	if (listing->count == 0)
		return node->xattr_block != 0 ? leave_block(handle, volume, node) : 0;
	error = own_block(handle, volume, node, &block);
	if (error)
		return error;
	header = (void *)block->data;
	*header =
		(struct ext4_disk_xattr_header){.magic = EXT4_XATTR_MAGIC, .refs = 1, .blocks = 1};
	header->hash = build(listing, block->data, sizeof(*header), volume->block_size, true);
	seal_block(volume, block);
	ext4_block_put(block);
	return 0;
}

/* --- What is wanted --- */

/* A list as programs give it, as the disk has it. */
static int convert_acl(struct ext4_volume *volume, struct request *request, const u8 *value,
		       size_t size)
{
	static const u32 version = EXT4_ACL_DISK_VERSION;
	u32 given = 0, done = sizeof(version);
	u8 *to;

	if (size >= sizeof(given))
		memcpy(&given, value, sizeof(given));
	if (given != EXT4_ACL_VERSION || (size - sizeof(given)) % EXT4_ACL_ENTRY_SIZE != 0)
		return -EINVAL;
	to = request->allocated = volume->ops->allocate(size);
	if (!to)
		return -ENOMEM;
	memcpy(to, &version, sizeof(version));
	for (size_t at = sizeof(given); at < size; at += EXT4_ACL_ENTRY_SIZE) {
		u16 tag = (u16)(value[at] | value[at + 1] << 8);
		u32 length = tag == EXT4_ACL_USER || tag == EXT4_ACL_GROUP ? 8 : 4;

		memcpy(to + done, value + at, length);
		done += length;
	}
	request->attribute.value = to;
	request->attribute.size = done;
	return 0;
}

static int take_name(struct attribute *attribute, const char *name)
{
	for (u32 space = 1; space < EXT4_XATTR_SPACES; space++) {
		const char *prefix = ext4_xattr_prefixes[space];
		size_t length = prefix ? strlen(prefix) : 0;
		bool whole = space == EXT4_XATTR_ACL_ACCESS || space == EXT4_XATTR_ACL_DEFAULT;

		if (length == 0 || strncmp(name, prefix, length) != 0 ||
		    (whole && name[length] != '\0'))
			continue;
		attribute->space = space;
		attribute->name = name + length;
		attribute->name_length = (u32)strlen(name + length);
		return attribute->name_length <= EXT4_NAME_MAX ? 0 : -ERANGE;
	}
	return -EOPNOTSUPP;
}

static int take_request(struct ext4_volume *volume, struct request *request, const char *name,
			const void *value, size_t size)
{
	static const u8 nothing[1];
	int error;

	*request = (struct request){0};
	error = take_name(&request->attribute, name);
	if (error || !value)
		return error;
	if (size > EXT4_XATTR_VALUE_MAX)
		return -ERANGE;
	if (request->attribute.space == EXT4_XATTR_ACL_ACCESS ||
	    request->attribute.space == EXT4_XATTR_ACL_DEFAULT)
		return convert_acl(volume, request, value, size);
	request->attribute.value = size > 0 ? value : nothing;
	request->attribute.size = (u32)size;
	return 0;
}

/* Decides which place gets it. */
static int change(const struct ext4_volume *volume, const struct ext4_node *node,
		  const struct request *request, struct listing *inode, struct listing *block,
		  u32 flags)
{
	const struct attribute *wanted = &request->attribute;
	bool exists = find(inode, wanted) || find(block, wanted);

	if (exists && flags & EXT4_XATTR_CREATE)
		return -EEXIST;
	if (!exists && (flags & EXT4_XATTR_REPLACE || !wanted->value))
		return -ENODATA;
	if (wanted->value && put_in(inode, wanted, inode_room(volume, node))) {
		take_out(block, wanted);
	} else if (wanted->value) {
		u32 header = sizeof(struct ext4_disk_xattr_header);

		if (!put_in(block, wanted, volume->block_size - header))
			return -ENOSPC;
		take_out(inode, wanted);
	} else {
		take_out(inode, wanted);
		take_out(block, wanted);
	}
	return 0;
}

int ext4_xattr_set(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		   const char *name, const void *value, size_t size, u32 flags)
{
	struct listing *inode = listing_open(volume, node, false);
	struct listing *block = listing_open(volume, node, true);
	struct request request;
	int error = take_request(volume, &request, name, value, size);

	if (!error)
		error = listing_error(inode);
	if (!error)
		error = listing_error(block);
	if (!error)
		error = change(volume, node, &request, inode, block, flags);
	/* The block first: it may find no room. */
	if (!error && block->changed)
		error = write_block(handle, volume, node, block);
	if (!error && inode->changed)
		error = write_inode(handle, volume, node, inode);
	listing_close(volume, inode);
	listing_close(volume, block);
	volume->ops->release(request.allocated);
	return error;
}

int ext4_xattr_drop(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node)
{
	return node->xattr_block != 0 ? leave_block(handle, volume, node) : 0;
}
