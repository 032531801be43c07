/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading directories: slots of 32 bytes in the clusters of a chain, or, for the root of FAT12 and
 * FAT16, in a place of its own.
 *
 * A long name stands in the slots before its short name, and belongs to it if the checksum says so;
 * if not, or if it cannot be shown, the file goes by its short name.
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

static bool is_fixed_root(const struct fat_volume *volume, const struct fat_node *directory)
{
	return directory->chain.start == 0 && volume->root_size != 0;
}

/* Where a byte of a directory is on the volume; *ahead: how many sectors go on behind it. */
static int locate(struct fat_volume *volume, struct fat_node *directory, u32 position, u64 *byte,
		  u32 *ahead)
{
	u32 in_cluster = position & (volume->cluster_size - 1), cluster, count;
	int error;

	if (is_fixed_root(volume, directory)) {
		*byte = (volume->root_start << volume->sector_shift) + position;
		*ahead = 0;
		return position < volume->root_size ? 0 : -ENOENT;
	}
	/* A place that was given back: nobody's directory. */
	if (position >= FAT_DIRECTORY_MOST || directory->chain.start == 0)
		return -ENOENT;
	error = fat_chain_map(volume, &directory->chain, position >> volume->cluster_shift,
			      &cluster, &count);
	if (error)
		return error;
	*byte = fat_cluster_position(volume, cluster) + in_cluster;
	*ahead = ((volume->cluster_size - in_cluster - 1) >> volume->sector_shift);
	return 0;
}

int fat_slot_get(struct fat_volume *volume, struct fat_node *directory, u32 position,
		 struct fat_sector **sector, u32 *offset)
{
	u32 ahead;
	u64 byte;
	int error = locate(volume, directory, position, &byte, &ahead);

	if (error)
		return error;
	*offset = (u32)(byte & (volume->sector_size - 1));
	return fat_sector_get(volume, byte >> volume->sector_shift, ahead, FAT_USE_NAMES, sector);
}

/* --- Long names --- */

/* The pieces that have been met, from the last to the first. */
struct pieces {
	u32 expected; /* the number of the next; 0: none, or the name is complete */
	u32 first;    /* byte of the directory where they begin */
	u8 checksum;
	bool complete;
};

static void take_piece(struct pieces *pieces, const struct fat_piece *piece, u32 position,
		       struct fat_entry *entry)
{
	u32 number = piece->order & ~(u32)FAT_LAST_PIECE;
	u16 units[FAT_PIECE_CHARS];

	if (piece->order & FAT_LAST_PIECE) {
		*pieces = (struct pieces){number, position, piece->checksum, false};
		entry->units = number * FAT_PIECE_CHARS;
	}
	if (number == 0 || number > FAT_PIECES_MOST || number != pieces->expected ||
	    piece->checksum != pieces->checksum) {
		*pieces = (struct pieces){0};
		return;
	}
	memcpy(units, piece->first, sizeof(piece->first));
	memcpy(units + 5, piece->second, sizeof(piece->second));
	memcpy(units + 11, piece->third, sizeof(piece->third));
	for (u32 i = 0; i < FAT_PIECE_CHARS; i++) {
		u32 at = (number - 1) * FAT_PIECE_CHARS + i;

		if (units[i] == 0 && at < entry->units)
			entry->units = at;
		if (at < FAT_NAME_MAX)
			entry->long_name[at] = units[i];
	}
	pieces->expected = number - 1;
	pieces->complete = pieces->expected == 0;
}

/* The slot of a short name: an entry, if it has a name. */
static bool take_short(const struct fat_volume *volume, const struct pieces *pieces, u32 position,
		       u64 place, struct fat_entry *entry)
{
	u16 units[FAT_SHORT + 1];
	u32 count;

	entry->first = entry->last = position;
	entry->place = place;
	entry->length = 0;
	if (fat_is_dots(entry)) {
		entry->length = entry->slot.name[1] == '.' ? 2 : 1;
		memcpy(entry->name, "..", 2);
		return true;
	}
	if (!pieces->complete || pieces->checksum != fat_short_checksum(entry->slot.name) ||
	    entry->units > FAT_NAME_MAX)
		entry->units = 0;
	if (pieces->complete)
		entry->first = pieces->first;
	if (entry->units > 0)
		entry->length = fat_name_encode(entry->long_name, entry->units, entry->name);
	if (entry->length == 0 ||
	    (entry->name[0] == '.' &&
	     (entry->length == 1 || (entry->length == 2 && entry->name[1] == '.')))) {
		count = fat_short_units(volume, &entry->slot, units);
		entry->length = fat_name_encode(units, count, entry->name);
	}
	return entry->length > 0;
}

int fat_directory_next(struct fat_volume *volume, struct fat_node *directory, u32 *position,
		       struct fat_entry *entry)
{
	struct pieces pieces = {0};

	*position = ALIGN_UP(*position, (u32)FAT_SLOT);
	entry->units = 0;
	for (;; *position += FAT_SLOT) {
		struct fat_sector *sector;
		u32 offset;
		int error = fat_slot_get(volume, directory, *position, &sector, &offset);

		if (error)
			return error == -ENOENT ? 0 : error;
		memcpy(&entry->slot, sector->data + offset, FAT_SLOT);
		if (entry->slot.name[0] == FAT_END)
			return 0;
		if (entry->slot.name[0] == FAT_REMOVED) {
			pieces = (struct pieces){0};
			continue;
		}
		if ((entry->slot.attributes & FAT_LONG_MASK) == FAT_LONG) {
			take_piece(&pieces, (const struct fat_piece *)&entry->slot, *position,
				   entry);
			continue;
		}
		if (!(entry->slot.attributes & FAT_LABEL) &&
		    take_short(volume, &pieces, *position,
			       (sector->number << volume->sector_shift) + offset, entry)) {
			*position += FAT_SLOT;
			return 1;
		}
		pieces = (struct pieces){0};
		entry->units = 0;
	}
}

/* --- Looking --- */

static bool is_called(const struct fat_volume *volume, const struct fat_entry *entry,
		      const u16 *units, u32 count)
{
	u16 own[FAT_SHORT + 1];

	if (fat_is_dots(entry))
		return false;
	if (entry->units > 0 && fat_name_equal(entry->long_name, entry->units, units, count))
		return true;
	return fat_name_equal(own, fat_short_units(volume, &entry->slot, own), units, count);
}

int fat_directory_find(struct fat_volume *volume, struct fat_node *directory, const char *name,
		       u32 length, struct fat_entry *entry)
{
	u16 units[FAT_NAME_MAX + 1];
	u32 position = 0;
	int count = fat_name_decode(name, length, units), found;

	if (count < 0)
		return -ENOENT;
	while ((found = fat_directory_next(volume, directory, &position, entry)) > 0)
		if (is_called(volume, entry, units, (u32)count))
			return 0;
	return found ? found : -ENOENT;
}

static bool has_short_name(const u8 *image, const u8 *name)
{
	const struct fat_slot *slot = (const struct fat_slot *)image;

	return !(slot->attributes & FAT_LABEL) && memcmp(slot->name, name, FAT_SHORT) == 0;
}

int fat_short_is_taken(struct fat_short_search *search, const u8 *name)
{
	struct fat_sector *sector;
	u32 offset, position = 0;
	bool ending = false;
	int error;

	for (;; position += FAT_SLOT) {
		error = fat_slot_get(search->volume, search->directory, position, &sector, &offset);
		if (error && error != -ENOENT)
			return error;
		if (error || sector->data[offset] == FAT_END)
			break;
		if (has_short_name(sector->data + offset, name))
			return 1;
		ending |= sector->disk && has_short_name(sector->disk + offset, name);
	}
	search->ending |= ending;
	return ending;
}

int fat_directory_count(struct fat_volume *volume, struct fat_node *directory)
{
	struct fat_entry entry;
	u32 position = 0;
	int found, count = 0;

	while ((found = fat_directory_next(volume, directory, &position, &entry)) > 0)
		count += !fat_is_dots(&entry) && entry.slot.attributes & FAT_DIRECTORY;
	return found ? found : count;
}

int fat_directory_is_empty(struct fat_volume *volume, struct fat_node *directory)
{
	struct fat_entry entry;
	u32 position = 0;
	int found;

	while ((found = fat_directory_next(volume, directory, &position, &entry)) > 0)
		if (!fat_is_dots(&entry))
			return 0;
	return found ? found : 1;
}
