/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing indexed directories; index.c draws them.
 *
 * A leaf without room for a name is split by the hashes of its names, and the table above gets an
 * entry more; a table without room is split first, or, if that is the root, moves to a block of its
 * own.  Names with the same hash that a split separates are found because the upper entry's hash has
 * its lowest bit set.
 */
#include "fs/ext4/names_internal.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/sort.h"
#include "lib/string.h"

enum { LEVELS_MAX = 3, DOT_SIZE = 12, ROOT_OFFSET = EXT4_INDEX_INFO + EXT4_INDEX_INFO_SIZE };
enum { TAIL_SIZE = 8, ENTRY_SIZE = sizeof(struct ext4_disk_index_entry) };

/* A table on the way down. */
struct frame {
	struct ext4_block *block;
	struct ext4_disk_index_entry *table;
	u32 offset; /* of the table in its block */
	u32 at;     /* the entry taken */
};

struct way {
	struct frame frames[LEVELS_MAX];
	u32 depth; /* of the lowest table */
	u32 hash;
};

bool ext4_has_index(const struct ext4_volume *volume, const struct ext4_node *node)
{
	return node->flags & EXT4_INODE_INDEX && volume->compat & EXT4_COMPAT_DIR_INDEX;
}

void ext4_index_seal(struct ext4_directory *directory, struct ext4_block *block, u32 offset)
{
	const struct ext4_disk_index_entry *table = (void *)(block->data + offset);
	u32 *tail = (u32 *)(block->data + offset + table->limit * ENTRY_SIZE), crc;
	static const u32 none;

	if (!directory->volume->checksums)
		return;
	tail[0] = 0;
	crc = crc32c(directory->node->seed, block->data, offset + table->count * ENTRY_SIZE);
	crc = crc32c(crc, tail, sizeof(*tail));
	tail[1] = crc32c(crc, &none, sizeof(none));
}

static u16 limit_of(const struct ext4_volume *volume, u32 offset)
{
	u32 room = volume->block_size - offset - (volume->checksums ? (u32)TAIL_SIZE : 0);

	return (u16)(room / ENTRY_SIZE);
}

static struct ext4_disk_index_info *info_of(const struct way *way)
{
	return (struct ext4_disk_index_info *)(way->frames[0].block->data + EXT4_INDEX_INFO);
}

/* --- The way down --- */

static void way_close(struct way *way)
{
	for (u32 i = 0; i <= way->depth; i++)
		ext4_block_put(way->frames[i].block);
}

/* The last entry whose hash is not behind the wanted one; the first has none. */
static u32 find_entry(const struct ext4_disk_index_entry *table, u32 hash)
{
	u32 low = 1, high = table->count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (table[middle].hash <= hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

static int open_frame(struct ext4_volume *volume, const struct ext4_node *node, u64 number,
		      struct frame *frame)
{
	int error = ext4_names_open(volume, node, number, &frame->block);

	if (error)
		return error;
	frame->offset = number == 0 ? (u32)ROOT_OFFSET : (u32)EXT4_ENTRY_HEADER;
	frame->table = (void *)(frame->block->data + frame->offset);
	if (frame->table->count > 0 && frame->table->count <= frame->table->limit &&
	    frame->table->limit == limit_of(volume, frame->offset))
		return 0;
	ext4_block_put(frame->block);
	return -EAGAIN;
}

/* -EAGAIN: the index is of no use. */
static int way_open(struct ext4_volume *volume, const struct ext4_node *node, const char *name,
		    u32 length, struct way *way)
{
	u32 most = ext4_has_incompat(volume, EXT4_INCOMPAT_LARGE_DIR) ? LEVELS_MAX : LEVELS_MAX - 1;
	const struct ext4_disk_index_info *info;
	int error = open_frame(volume, node, 0, &way->frames[0]);

	if (error)
		return error;
	way->depth = 0;
	info = info_of(way);
	if (info->reserved != 0 || info->info_length != EXT4_INDEX_INFO_SIZE ||
	    info->levels >= most ||
	    !ext4_hash(volume, info->hash_version, name, length, &way->hash))
		error = -EAGAIN;
	while (!error) {
		struct frame *frame = &way->frames[way->depth];

		frame->at = find_entry(frame->table, way->hash);
		if (way->depth == info->levels)
			return 0;
		error = open_frame(volume, node, frame->table[frame->at].block, frame + 1);
		if (!error)
			way->depth++;
	}
	way_close(way);
	return error;
}

/* Goes to the next leaf if that continues the hash: 0, or -ENOENT. */
static int way_next(struct ext4_volume *volume, const struct ext4_node *node, struct way *way)
{
	u32 bottom = way->depth, i = bottom;

	while (way->frames[i].at + 1 == way->frames[i].table->count) {
		if (i == 0)
			return -ENOENT;
		i--;
	}
	if (way->frames[i].table[way->frames[i].at + 1].hash != (way->hash | 1))
		return -ENOENT;
	way->frames[i].at++;
	for (; i < bottom; i++) {
		struct frame *frame = &way->frames[i], below;
		int error = open_frame(volume, node, frame->table[frame->at].block, &below);

		if (error)
			return error;
		ext4_block_put(frame[1].block);
		frame[1] = below;
		frame[1].at = 0;
	}
	return 0;
}

static u64 leaf_of(const struct way *way)
{
	const struct frame *frame = &way->frames[way->depth];

	return frame->table[frame->at].block;
}

int ext4_index_locate(struct ext4_volume *volume, const struct ext4_node *node, const char *name,
		      u32 length, struct ext4_place *place)
{
	u64 budget = node->size >> volume->block_shift;
	struct way way;
	int error = way_open(volume, node, name, length, &way);

	if (error)
		return error;
	do {
		place->number = leaf_of(&way);
		error = place->number != 0
				? ext4_names_open(volume, node, place->number, &place->block)
				: -EUCLEAN;
		if (error)
			break;
		error = ext4_names_search(volume, place->block, name, length, place);
		if (error != -ENOENT) {
			if (error)
				ext4_block_put(place->block);
			break;
		}
		ext4_block_put(place->block);
		error = budget-- > 0 ? way_next(volume, node, &way) : -EUCLEAN;
	} while (!error);
	way_close(&way);
	return error;
}

/* --- Splitting leaves --- */

struct hashed {
	u32 hash;
	u16 offset, size;
};

static int compare_hashed(const void *left, const void *right, void *context __unused)
{
	const struct hashed *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (int)a->offset - (int)b->offset;
}

/* The names of a leaf by hash: how many, or an error. */
static int hash_names(const struct ext4_volume *volume, u32 version, const u8 *bytes,
		      struct hashed *names)
{
	u32 size = ext4_entries_size(volume);
	int count = 0;

	for (u32 offset = 0; offset < size;) {
		const struct ext4_disk_entry *entry = ext4_entry_at(volume, bytes, offset, size);

		if (!entry)
			return -EUCLEAN;
		if (entry->ino != 0) {
			struct hashed *hashed = &names[count++];

			if (!ext4_hash(volume, version, entry->name, entry->name_length,
				       &hashed->hash))
				return -EUCLEAN;
			hashed->offset = (u16)offset;
			hashed->size = (u16)ext4_entry_size(entry->name_length);
		}
		offset += entry->length;
	}
	sort(names, (size_t)count, sizeof(*names), compare_hashed, NULL);
	return count;
}

/* Fills a leaf with names, one behind the other, from a copy of where they were. */
static void pack(struct ext4_directory *directory, struct ext4_block *block, const u8 *from,
		 const struct hashed *names, int count)
{
	u32 size = ext4_entries_size(directory->volume), at = 0;
	struct ext4_disk_entry *entry;

	ext4_names_clear(directory, block, 0);
	for (int i = 0; i < count; i++) {
		entry = (void *)(block->data + at);
		memcpy(entry, from + names[i].offset, names[i].size);
		entry->length = (u16)(i + 1 < count ? names[i].size : size - at);
		at += names[i].size;
	}
	ext4_names_seal(directory, block);
}

/* How many of the names, by hash, make up half of the block. */
static int half_of(const struct ext4_volume *volume, const struct hashed *names, int count)
{
	u32 size = 0;
	int kept = count;

	while (kept > 1 && size + names[kept - 1].size / 2 <= volume->block_size / 2)
		size += names[--kept].size;
	return MIN(kept, count - 1);
}

/* Puts [hash | block] behind the entry taken, which has room. */
static int insert_entry(struct ext4_directory *directory, struct frame *frame, u32 hash, u64 block)
{
	struct ext4_disk_index_entry *at = frame->table + frame->at + 1;
	int error = ext4_handle_change(directory->handle, frame->block);

	if (error)
		return error;
	memmove(at + 1, at, (frame->table->count - frame->at - 1) * ENTRY_SIZE);
	at->hash = hash;
	at->block = (u32)block;
	frame->table->count++;
	ext4_index_seal(directory, frame->block, frame->offset);
	return 0;
}

/* Splits a leaf whose names are given, and enters the name in the half where it belongs. */
static int split_leaf(struct ext4_directory *directory, struct way *way, struct ext4_block *leaf,
		      const u8 *copy, const struct hashed *names, int count,
		      const struct ext4_name *name)
{
	int kept = half_of(directory->volume, names, count), error;
	u32 hash = names[kept].hash;
	struct ext4_block *fresh;
	u64 number;

	error = ext4_handle_change(directory->handle, leaf);
	if (!error)
		error = ext4_names_append(directory, &number, &fresh);
	if (error)
		return error;
	pack(directory, fresh, copy, names + kept, count - kept);
	pack(directory, leaf, copy, names, kept);
	error = insert_entry(directory, &way->frames[way->depth],
			     hash | (names[kept - 1].hash == hash), number);
	if (!error)
		error = ext4_names_enter(directory, way->hash >= hash ? fresh : leaf, name);
	ext4_block_put(fresh);
	return error;
}

static int make_room_in_leaf(struct ext4_directory *directory, struct way *way,
			     struct ext4_block *leaf, const struct ext4_name *name)
{
	struct ext4_volume *volume = directory->volume;
	u32 most = volume->block_size / EXT4_ENTRY_MIN + 1;
	struct hashed *names = volume->ops->allocate(most * sizeof(*names));
	u8 *copy = volume->ops->allocate(volume->block_size);
	int count = -ENOMEM;

	if (names && copy) {
		memcpy(copy, leaf->data, volume->block_size);
		count = hash_names(volume, info_of(way)->hash_version, copy, names);
	}
	if (count >= 0)
		count = count < 2 ? -EUCLEAN
				  : split_leaf(directory, way, leaf, copy, names, count, name);
	volume->ops->release(names);
	volume->ops->release(copy);
	return count;
}

/* --- Splitting tables --- */

/* A block for a table, with the entries of another from `first` on. */
static int move_entries(struct ext4_directory *directory, const struct frame *frame, u32 first,
			u64 *number)
{
	struct ext4_block *block;
	struct ext4_disk_entry *empty;
	struct ext4_disk_index_entry *table;
	int error = ext4_names_append(directory, number, &block);

	if (error)
		return error;
	empty = (void *)block->data;
	empty->length = (u16)directory->volume->block_size;
	table = (void *)(block->data + EXT4_ENTRY_HEADER);
	memcpy(table, frame->table + first, (frame->table->count - first) * ENTRY_SIZE);
	table->limit = limit_of(directory->volume, EXT4_ENTRY_HEADER);
	table->count = (u16)(frame->table->count - first);
	ext4_index_seal(directory, block, EXT4_ENTRY_HEADER);
	ext4_block_put(block);
	return 0;
}

/* The root's table moves down. */
static int add_level(struct ext4_directory *directory, struct way *way)
{
	u32 most = ext4_has_incompat(directory->volume, EXT4_INCOMPAT_LARGE_DIR) ? LEVELS_MAX
										 : LEVELS_MAX - 1;
	struct frame *root = &way->frames[0];
	u64 number;
	int error;

	if (info_of(way)->levels + 1u >= most)
		return -ENOSPC;
	error = ext4_handle_change(directory->handle, root->block);
	if (!error)
		error = move_entries(directory, root, 0, &number);
	if (error)
		return error;
	root->table->count = 1;
	root->table[0].block = (u32)number;
	info_of(way)->levels++;
	ext4_index_seal(directory, root->block, root->offset);
	return 0;
}

/* Splits the table at a depth below the root; the one above has room. */
static int split_table(struct ext4_directory *directory, struct way *way, u32 depth)
{
	struct frame *frame = &way->frames[depth];
	u32 kept = frame->table->count / 2, hash = frame->table[kept].hash;
	u64 number;
	int error = ext4_handle_change(directory->handle, frame->block);

	if (!error)
		error = move_entries(directory, frame, kept, &number);
	if (error)
		return error;
	frame->table->count = (u16)kept;
	ext4_index_seal(directory, frame->block, frame->offset);
	return insert_entry(directory, frame - 1, hash, number);
}

/* One step towards room in the lowest table. */
static int make_room_in_table(struct ext4_directory *directory, struct way *way)
{
	for (u32 i = way->depth; i > 0; i--)
		if (way->frames[i - 1].table->count < way->frames[i - 1].table->limit)
			return split_table(directory, way, i);
	return add_level(directory, way);
}

/* --- Adding --- */

/* 1: a table was split, and all begins anew. */
static int try_add(struct ext4_directory *directory, const struct ext4_name *name)
{
	struct ext4_volume *volume = directory->volume;
	const struct frame *bottom;
	struct ext4_block *leaf;
	struct way way;
	int error = way_open(volume, directory->node, name->text, name->length, &way);

	if (error)
		return error == -EAGAIN ? -EUCLEAN : error;
	error = leaf_of(&way) != 0 ? ext4_names_open(volume, directory->node, leaf_of(&way), &leaf)
				   : -EUCLEAN;
	if (error)
		goto out;
	error = ext4_names_enter(directory, leaf, name);
	bottom = &way.frames[way.depth];
	if (error == -ENOSPC && bottom->table->count < bottom->table->limit) {
		error = make_room_in_leaf(directory, &way, leaf, name);
	} else if (error == -ENOSPC) {
		error = make_room_in_table(directory, &way);
		error = error ? error : 1;
	}
	ext4_block_put(leaf);
out:
	way_close(&way);
	return error;
}

int ext4_index_add(struct ext4_directory *directory, const struct ext4_name *name)
{
	int result;

	do
		result = try_add(directory, name);
	while (result == 1);
	return result;
}

/* --- The first index --- */

/* Block 0 gets a root with one leaf. */
static void make_root(struct ext4_directory *directory, struct ext4_block *block, u64 leaf)
{
	const struct ext4_volume *volume = directory->volume;
	struct ext4_disk_entry *dots = (void *)(block->data + DOT_SIZE);
	struct ext4_disk_index_info *info = (void *)(block->data + EXT4_INDEX_INFO);
	struct ext4_disk_index_entry *table = (void *)(block->data + ROOT_OFFSET);

	memset(info, 0, volume->block_size - EXT4_INDEX_INFO);
	dots->length = (u16)(volume->block_size - DOT_SIZE);
	info->hash_version = volume->default_hash;
	info->info_length = EXT4_INDEX_INFO_SIZE;
	table->limit = limit_of(volume, ROOT_OFFSET);
	table->count = 1;
	table->block = (u32)leaf;
	ext4_index_seal(directory, block, ROOT_OFFSET);
}

/* Moves all names but the first two to a new leaf. */
static int move_names(struct ext4_directory *directory, struct ext4_block *block,
		      struct ext4_block *leaf)
{
	const struct ext4_volume *volume = directory->volume;
	u32 size = ext4_entries_size(volume), at = 0;
	struct ext4_disk_entry *last = (void *)leaf->data;

	for (u32 offset = 0, index = 0; offset < size; index++) {
		const struct ext4_disk_entry *entry =
			ext4_entry_at(volume, block->data, offset, size);
		u32 used;

		if (!entry)
			return -EUCLEAN;
		offset += entry->length;
		if (index < 2 || entry->ino == 0)
			continue;
		used = ext4_entry_size(entry->name_length);
		last = (void *)(leaf->data + at);
		memcpy(last, entry, used);
		last->length = (u16)used;
		at += used;
	}
	last->length = (u16)(size - ((u8 *)last - leaf->data));
	ext4_names_seal(directory, leaf);
	return 0;
}

int ext4_index_make(struct ext4_directory *directory)
{
	struct ext4_volume *volume = directory->volume;
	struct ext4_block *block, *leaf;
	const struct ext4_disk_entry *dot, *dots;
	u64 number;
	int error = ext4_names_open(volume, directory->node, 0, &block);

	if (error)
		return error;
	dot = (void *)block->data;
	dots = (void *)(block->data + DOT_SIZE);
	if (dot->length != DOT_SIZE || dot->name_length != 1 || dots->name_length != 2)
		error = -EUCLEAN;
	if (!error)
		error = ext4_handle_change(directory->handle, block);
	if (!error)
		error = ext4_names_append(directory, &number, &leaf);
	if (error)
		goto out;
	error = move_names(directory, block, leaf);
	if (!error) {
		make_root(directory, block, number);
		directory->node->flags |= EXT4_INODE_INDEX;
	}
	ext4_block_put(leaf);
out:
	ext4_block_put(block);
	return error;
}
