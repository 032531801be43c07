/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that come and go.
 *
 * A name takes a run of slots that are free in memory and on the disk, at the end of the directory
 * if there is none before it; there the directory grows, but for the root of FAT12 and FAT16.
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

/* Is a slot free, and not only since the last commit? */
static bool is_usable(const struct fat_sector *sector, u32 offset)
{
	return fat_slot_is_free(sector->data + offset) &&
	       (!sector->disk || fat_slot_is_free(sector->disk + offset));
}

/* --- Room --- */

/* A directory's new cluster is zeros. */
static int clear_cluster(struct fat_volume *volume, u32 cluster)
{
	u64 first = fat_cluster_position(volume, cluster) >> volume->sector_shift;
	u32 sectors = volume->cluster_size >> volume->sector_shift;
	int error = 0;

	for (u32 i = 0; i < sectors && !error; i++)
		error = fat_sector_new(volume, first + i);
	return error;
}

/* Frees all but the first `length` clusters of a directory; what was to be written there is not any
 * more. */
static int give_back(struct fat_volume *volume, struct fat_chain *chain, u32 length)
{
	u32 sectors = volume->cluster_size >> volume->sector_shift, known, cluster, count;
	int error = fat_chain_length(volume, chain, &known);

	for (u32 index = length; !error && index < known; index++) {
		u64 first;

		error = fat_chain_map(volume, chain, index, &cluster, &count);
		if (error)
			break;
		first = fat_cluster_position(volume, cluster) >> volume->sector_shift;
		for (u32 i = 0; i < sectors; i++)
			fat_sector_drop(volume, first + i);
	}
	return error ? error : fat_chain_cut(volume, chain, length);
}

int fat_node_end(struct fat_volume *volume, struct fat_node *node)
{
	return node->attributes & FAT_DIRECTORY ? give_back(volume, &node->chain, 0)
						: fat_chain_cut(volume, &node->chain, 0);
}

/* One cluster more: it is zeros before anything can commit that it is there. */
static int grow_once(struct fat_volume *volume, struct fat_chain *chain)
{
	u32 before, cluster, count;
	int error = fat_chain_length(volume, chain, &before), undone;

	if (!error)
		error = fat_chain_append(volume, chain, before + 1, false);
	if (error)
		return error;
	error = fat_chain_map(volume, chain, before, &cluster, &count);
	if (!error)
		error = clear_cluster(volume, cluster);
	if (!error)
		return 0;
	undone = give_back(volume, chain, before);
	return undone ? undone : error;
}

/* What a directory has grown by stays, even if it was not enough. */
static int grow(struct fat_volume *volume, struct fat_node *directory, u32 size)
{
	u32 wanted = fat_clusters_for(volume, size);
	int error = 0;

	if (directory->chain.start == 0 || size > FAT_DIRECTORY_MOST)
		return -ENOSPC;
	while (!error && directory->chain.known < wanted)
		error = grow_once(volume, &directory->chain);
	return error;
}

/* A place for a number of slots. */
struct room {
	u32 count, first;
	bool end;    /* it lies at the end of what is in use */
	bool ending; /* there would be more places after a commit */
};

static int look_for_room(struct fat_volume *volume, struct fat_node *directory, struct room *room)
{
	u32 position = 0, run = 0, offset;
	struct fat_sector *sector;
	int error;

	for (; run < room->count; position += FAT_SLOT) {
		error = fat_slot_get(volume, directory, position, &sector, &offset);
		if (error == -ENOENT)
			error = grow(volume, directory, position + (room->count - run) * FAT_SLOT);
		if (!error)
			error = fat_slot_get(volume, directory, position, &sector, &offset);
		if (error)
			return error;
		room->end = room->end || sector->data[offset] == FAT_END;
		/* What follows the end is nothing, whatever it looks like. */
		if (room->end || is_usable(sector, offset)) {
			run++;
		} else {
			run = 0;
			room->ending |= fat_slot_is_free(sector->data + offset);
		}
	}
	room->first = position - room->count * FAT_SLOT;
	return 0;
}

static int find_room(struct fat_volume *volume, struct fat_node *directory, struct room *room)
{
	int error = look_for_room(volume, directory, room);

	if (error != -ENOSPC || !room->ending)
		return error;
	error = fat_commit(volume);
	room->end = false;
	return error ? error : look_for_room(volume, directory, room);
}

static int touch_slots(struct fat_volume *volume, struct fat_node *directory, u32 first, u32 last)
{
	struct fat_sector *sector;
	u32 offset;
	int error = 0;

	for (u32 at = first; at <= last && !error; at += FAT_SLOT) {
		error = fat_slot_get(volume, directory, at, &sector, &offset);
		if (!error)
			error = fat_sector_touch(volume, sector);
	}
	return error;
}

/* Behind a name that is the last now there must be an end, if there is a slot. */
static int touch_end(struct fat_volume *volume, struct fat_node *directory, u32 position)
{
	struct fat_sector *sector;
	u32 offset;
	int error = fat_slot_get(volume, directory, position, &sector, &offset);

	if (error == -ENOENT)
		return 0;
	return error ? error : fat_sector_touch(volume, sector);
}

static void set_end(struct fat_volume *volume, struct fat_node *directory, u32 position)
{
	struct fat_sector *sector;
	u32 offset;

	if (fat_slot_get(volume, directory, position, &sector, &offset))
		return;
	/* On the disk, too, before anything leads there. */
	if (sector->data[offset] != FAT_END || sector->disk[offset] != FAT_END) {
		memset(sector->data + offset, 0, FAT_SLOT);
		memset(sector->disk + offset, 0, FAT_SLOT);
		sector->pending = true;
	}
}

/* --- Adding --- */

static void make_piece(struct fat_piece *piece, const u16 *units, u32 count, u32 number,
		       u8 checksum)
{
	u16 own[FAT_PIECE_CHARS];

	for (u32 i = 0; i < FAT_PIECE_CHARS; i++) {
		u32 at = (number - 1) * FAT_PIECE_CHARS + i;

		own[i] = at < count ? units[at] : at == count ? 0 : 0xffff;
	}
	*piece = (struct fat_piece){
		.order = (u8)(number | (number * FAT_PIECE_CHARS >= count ? FAT_LAST_PIECE : 0)),
		.attributes = FAT_LONG,
		.checksum = checksum,
	};
	memcpy(piece->first, own, sizeof(piece->first));
	memcpy(piece->second, own + 5, sizeof(piece->second));
	memcpy(piece->third, own + 11, sizeof(piece->third));
}

/* Cannot fail: the sectors are in memory and dirty. */
static void put_slot(struct fat_volume *volume, struct fat_node *directory, u32 position,
		     const void *slot, u64 *place)
{
	struct fat_sector *sector;
	u32 offset;

	if (fat_slot_get(volume, directory, position, &sector, &offset)) {
		fat_fail(volume, "a directory has changed", position);
		return;
	}
	memcpy(sector->data + offset, slot, FAT_SLOT);
	*place = (sector->number << volume->sector_shift) + offset;
}

int fat_name_add(struct fat_volume *volume, struct fat_node *directory, const char *name,
		 u32 length, struct fat_slot *slot, u64 *place)
{
	struct fat_short_search search = {volume, directory, false};
	u16 units[FAT_NAME_MAX + 1];
	int count = fat_name_decode(name, length, units), plain, error;
	struct room room = {0};
	u32 pieces;

	if (count < 0)
		return count;
	plain = fat_short_make(&search, units, (u32)count, slot->name, &slot->lower);
	if (plain >= 0 && search.ending) {
		error = fat_commit(volume);
		if (error)
			return error;
		plain = fat_short_make(&search, units, (u32)count, slot->name, &slot->lower);
	}
	if (plain < 0)
		return plain;
	pieces = plain ? 0 : ((u32)count + FAT_PIECE_CHARS - 1) / FAT_PIECE_CHARS;
	room.count = pieces + 1;
	error = find_room(volume, directory, &room);
	if (!error)
		error = touch_slots(volume, directory, room.first, room.first + pieces * FAT_SLOT);
	if (!error && room.end)
		error = touch_end(volume, directory, room.first + room.count * FAT_SLOT);
	if (error)
		return error;
	if (room.end)
		set_end(volume, directory, room.first + room.count * FAT_SLOT);
	for (u32 number = pieces; number > 0; number--) {
		struct fat_piece piece;

		make_piece(&piece, units, (u32)count, number, fat_short_checksum(slot->name));
		put_slot(volume, directory, room.first + (pieces - number) * FAT_SLOT, &piece,
			 place);
	}
	put_slot(volume, directory, room.first + pieces * FAT_SLOT, slot, place);
	return 0;
}

/* --- Removing --- */

int fat_name_touch(struct fat_volume *volume, struct fat_node *directory,
		   const struct fat_entry *entry)
{
	return touch_slots(volume, directory, entry->first, entry->last);
}

void fat_name_remove(struct fat_volume *volume, struct fat_node *directory,
		     const struct fat_entry *entry)
{
	struct fat_sector *sector;
	u32 offset;

	for (u32 at = entry->first; at <= entry->last; at += FAT_SLOT)
		if (!fat_slot_get(volume, directory, at, &sector, &offset))
			sector->data[offset] = FAT_REMOVED;
}

/* --- Files and directories --- */

/* The first cluster of a directory: itself and its parent, which is 0 for the root. */
static int make_directory(struct fat_volume *volume, const struct fat_node *parent,
			  struct fat_node *node)
{
	struct fat_slot slot = {.name = ".          "};
	struct fat_sector *sector;
	u32 offset;
	int error = fat_chain_append(volume, &node->chain, 1, false);

	if (error)
		return error;
	error = clear_cluster(volume, node->chain.start);
	if (!error)
		error = fat_slot_get(volume, node, 0, &sector, &offset);
	if (error)
		return error;
	fat_node_fill(volume, node, &slot);
	memcpy(sector->data, &slot, FAT_SLOT);
	slot.name[1] = '.';
	fat_slot_set_start(volume, &slot,
			   parent->chain.start == volume->root_cluster ? 0 : parent->chain.start);
	memcpy(sector->data + FAT_SLOT, &slot, FAT_SLOT);
	return 0;
}

int fat_make(struct fat_volume *volume, struct fat_node *directory, const char *name, u32 length,
	     struct fat_node *node)
{
	bool is_directory = node->attributes & FAT_DIRECTORY;
	struct fat_slot slot = {0};
	int error = volume->failed ? -EIO : 0, undone;

	if (!error && is_directory)
		error = make_directory(volume, directory, node);
	if (!error) {
		fat_node_fill(volume, node, &slot);
		error = fat_name_add(volume, directory, name, length, &slot, &node->place);
	}
	if (!error || node->chain.start == 0)
		return error;
	undone = fat_node_end(volume, node);
	return undone ? undone : error;
}

int fat_unmake(struct fat_volume *volume, struct fat_node *directory, const char *name, u32 length,
	       struct fat_node *node)
{
	struct fat_entry entry;
	int error =
		volume->failed ? -EIO : fat_directory_find(volume, directory, name, length, &entry);

	if (!error && entry.place != node->place)
		error = fat_fail(volume, "a name is not where it was", entry.place);
	if (!error)
		error = fat_name_touch(volume, directory, &entry);
	if (error)
		return error;
	fat_name_remove(volume, directory, &entry);
	node->place = 0;
	return 0;
}
