/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes, directories and files of ISO 9660: volume.h. */
#include "fs/iso9660/volume.h"

#include "fs/iso9660/internal.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { MODE_DIRECTORY = S_IFDIR | 0555, MODE_FILE = S_IFREG | 0555, CURRENT = 0, PARENT = 1 };

/* --- Records --- */

/* The record at a byte of the volume; -ENOENT: the rest of its sector is empty. */
static int read_record(const struct iso_volume *volume, u64 position, struct iso_place *place)
{
	u32 left = ISO_SECTOR - (u32)(position % ISO_SECTOR);
	int error;

	memset(place, 0, sizeof(*place));
	place->position = position;
	if (position >= volume->size || left < sizeof(place->record) + 1)
		return -ENOENT;
	error = volume->read(volume->context, position, place->bytes, MIN(left, (u32)RECORD_MOST));
	if (error)
		return error;
	if (place->record.length == 0)
		return -ENOENT;
	if (place->record.length > left ||
	    place->record.length < sizeof(place->record) + MAX(place->record.name_length, 1u))
		return -EUCLEAN;
	/* What lies behind the record is none of it. */
	memset(place->bytes + place->record.length, 0, sizeof(place->bytes) - place->record.length);
	return 0;
}

static u64 extent_start(const struct iso_volume *volume, const struct iso_record *record)
{
	return ((u64)record->block + record->attributes_length) * volume->block_size;
}

static bool is_special(const struct iso_record *record, u8 which)
{
	return record->name_length == 1 && record->name[0] == which;
}

/* --- Names --- */

static size_t put_utf8(char *to, u32 code)
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | code >> 12);
	to[1] = (char)(0x80 | (code >> 6 & 0x3f));
	to[2] = (char)(0x80 | (code & 0x3f));
	return 3;
}

/* Without the number of the version, and the dot of an extension that is not there. */
static size_t without_version(const char *name, size_t length)
{
	for (size_t i = length; i-- > 1;) {
		if (name[i] == ';') {
			length = i;
			break;
		}
		if (name[i] < '0' || name[i] > '9')
			break;
	}
	return length > 1 && name[length - 1] == '.' ? length - 1 : length;
}

/* Each writes a name of at most ISO_NAME_MAX bytes; its length. */
static size_t plain_name(const struct iso_record *record, char *name)
{
	for (u32 i = 0; i < record->name_length; i++) {
		u8 byte = record->name[i];

		name[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + 'a' - 'A' : byte);
	}
	return without_version(name, record->name_length);
}

static size_t joliet_name(const struct iso_record *record, char *name)
{
	size_t length = 0;

	for (u32 i = 0; i + 1 < record->name_length && length + 3 <= ISO_NAME_MAX; i += 2)
		length += put_utf8(name + length, (u32)record->name[i] << 8 | record->name[i + 1]);
	return without_version(name, length);
}

/* What a directory's record is called, and whose it is. */
struct entry {
	u64 number;
	u32 type; /* of the mode */
	size_t length;
	char name[ISO_NAME_MAX + 1];
};

static bool is_name(const struct entry *entry)
{
	return entry->length > 0 && !memchr(entry->name, '/', entry->length) &&
	       !memchr(entry->name, 0, entry->length);
}

static int name_entry(const struct iso_volume *volume, const struct iso_place *place,
		      struct iso_rock_ridge *rock, struct entry *entry)
{
	const struct iso_record *record = &place->record;
	int error;

	if (volume->names == ISO_JOLIET) {
		entry->length = joliet_name(record, entry->name);
		return 0;
	}
	entry->length = plain_name(record, entry->name);
	if (volume->names != ISO_ROCK_RIDGE)
		return 0;
	error = iso_rock_ridge_read(volume, place, rock);
	if (error)
		return error;
	if (rock->has_name) {
		entry->length = rock->name_length;
		memcpy(entry->name, rock->name, rock->name_length);
	}
	if (rock->has_attributes)
		entry->type = rock->mode & S_IFMT;
	if (rock->child != 0) {
		entry->number = (u64)rock->child * volume->block_size;
		entry->type = S_IFDIR;
	}
	return 0;
}

/* 1: an entry; 0: nothing that programs see. */
static int take_entry(const struct iso_volume *volume, const struct iso_place *place,
		      struct entry *entry)
{
	const struct iso_record *record = &place->record;
	struct iso_rock_ridge rock = {0};
	int error;

	entry->number =
		record->flags & ISO_DIRECTORY ? extent_start(volume, record) : place->position;
	entry->type = record->flags & ISO_DIRECTORY ? S_IFDIR : S_IFREG;
	if (is_special(record, CURRENT) || is_special(record, PARENT)) {
		entry->length = 1 + record->name[0];
		memcpy(entry->name, "..", entry->length);
		return 1;
	}
	if (record->flags & ISO_ASSOCIATED)
		return 0;
	error = name_entry(volume, place, &rock, entry);
	return error ? error : is_name(entry) && !rock.relocated;
}

int iso_list(const struct iso_volume *volume, const struct iso_node *directory, u64 *position,
	     bool (*emit)(void *argument, u64 position, const char *name, size_t length, u64 number,
			  u32 type),
	     void *argument)
{
	u64 start = directory->extents[0].start;
	bool first = true; /* record of a file: of several extents, the others are not entries */
	struct iso_place place;
	struct entry entry;

	while (*position < directory->size) {
		int error = read_record(volume, start + *position, &place), found;

		if (error == -ENOENT) {
			*position = ALIGN_DOWN(*position, (u64)ISO_SECTOR) + ISO_SECTOR;
			continue;
		}
		if (error)
			return error;
		found = first ? take_entry(volume, &place, &entry) : 0;
		if (found < 0)
			return found;
		if (found && !emit(argument, *position, entry.name, entry.length, entry.number,
				   entry.type >> 12))
			return 0;
		first = !(place.record.flags & ISO_MORE);
		*position += place.record.length;
	}
	return 0;
}

struct search {
	const char *name;
	size_t length;
	u64 number;
	bool found;
};

static bool compare(void *argument, u64 position __unused, const char *name, size_t length,
		    u64 number, u32 type __unused)
{
	struct search *search = argument;

	if (length != search->length || memcmp(name, search->name, length) != 0)
		return true;
	search->number = number;
	search->found = true;
	return false;
}

int iso_find(const struct iso_volume *volume, const struct iso_node *directory, const char *name,
	     size_t length, u64 *number)
{
	struct search search = {.name = name, .length = length};
	u64 position = 0;
	int error = iso_list(volume, directory, &position, compare, &search);

	if (error)
		return error;
	*number = search.number;
	return search.found ? 0 : -ENOENT;
}

/* --- Files --- */

/* The runs of a file whose first record is given: more records follow on end. */
static int take_extents(const struct iso_volume *volume, struct iso_place *place,
			struct iso_node *node)
{
	for (;;) {
		const struct iso_record *record = &place->record;
		u64 next = place->position + record->length;
		u64 start = extent_start(volume, record);
		int error;

		if (node->extent_count == ISO_EXTENTS || start > volume->size ||
		    record->size > volume->size - start)
			return -EUCLEAN;
		/* Of parts in turns (interleaved) nobody makes use. */
		if (record->unit_size != 0 || record->gap_size != 0)
			return -EOPNOTSUPP;
		node->extents[node->extent_count++] = (struct iso_extent){start, record->size};
		node->size += record->size;
		if (!(record->flags & ISO_MORE))
			return 0;
		error = read_record(volume, next, place);
		if (error == -ENOENT)
			error = read_record(volume, ALIGN_UP(next, (u64)ISO_SECTOR), place);
		if (error)
			return error == -ENOENT ? -EUCLEAN : error;
	}
}

static int take_rock_ridge(const struct iso_volume *volume, const struct iso_place *place,
			   struct iso_node *node)
{
	struct iso_rock_ridge rock;
	int error = iso_rock_ridge_read(volume, place, &rock);

	if (error || !rock.has_attributes)
		return error;
	node->mode = rock.mode;
	node->uid = rock.uid;
	node->gid = rock.gid;
	node->links = rock.links;
	node->major = rock.major;
	node->minor = rock.minor;
	if (rock.times[ISO_TIME_MODIFY] != 0)
		node->mtime = rock.times[ISO_TIME_MODIFY];
	node->atime = rock.times[ISO_TIME_ACCESS] != 0 ? rock.times[ISO_TIME_ACCESS] : node->mtime;
	node->ctime = rock.times[ISO_TIME_ATTRIBUTES] != 0 ? rock.times[ISO_TIME_ATTRIBUTES]
							   : node->mtime;
	node->link_length = rock.link_length;
	memcpy(node->link, rock.link, rock.link_length);
	return 0;
}

int iso_node_read(const struct iso_volume *volume, u64 number, struct iso_node *node)
{
	struct iso_place place;
	bool directory;
	int error = read_record(volume, number, &place);

	if (error)
		return error == -ENOENT ? -EUCLEAN : error;
	memset(node, 0, sizeof(*node));
	node->number = number;
	node->links = 1;
	directory = place.record.flags & ISO_DIRECTORY;
	node->mode = directory ? MODE_DIRECTORY : MODE_FILE;
	node->mtime = iso_time(place.record.time);
	node->atime = node->ctime = node->mtime;
	if (volume->names == ISO_ROCK_RIDGE)
		error = take_rock_ridge(volume, &place, node);
	if (error)
		return error;
	/* A directory is where its number says, and nothing else is. */
	if (S_ISDIR(node->mode) != directory ||
	    (directory && extent_start(volume, &place.record) != number) ||
	    (S_ISLNK(node->mode) && node->link_length == 0))
		return -EUCLEAN;
	return take_extents(volume, &place, node);
}

int iso_read(const struct iso_volume *volume, const struct iso_node *node, u64 position,
	     void *buffer, size_t size)
{
	u64 before = 0;

	memset(buffer, 0, size);
	for (u32 i = 0; i < node->extent_count; i++) {
		const struct iso_extent *extent = &node->extents[i];
		u64 from = MAX(position, before),
		    end = MIN(position + size, before + extent->length);

		if (from < end) {
			int error = volume->read(volume->context, extent->start + from - before,
						 (char *)buffer + (from - position),
						 (size_t)(end - from));
			if (error)
				return error;
		}
		before += extent->length;
	}
	return 0;
}

/* --- Volumes --- */

static bool is_joliet(const struct iso_descriptor *descriptor)
{
	return descriptor->escapes[0] == '%' && descriptor->escapes[1] == '/' &&
	       (descriptor->escapes[2] == '@' || descriptor->escapes[2] == 'C' ||
		descriptor->escapes[2] == 'E');
}

/* Takes a descriptor over; its root is where we begin. */
static int take_descriptor(struct iso_volume *volume, const struct iso_descriptor *descriptor)
{
	const struct iso_record *root = (const struct iso_record *)descriptor->root;

	if (descriptor->block_size != 512 && descriptor->block_size != 1024 &&
	    descriptor->block_size != 2048)
		return -EUCLEAN;
	volume->block_size = descriptor->block_size;
	volume->blocks = descriptor->blocks;
	volume->root = extent_start(volume, root);
	return 0;
}

/* Does the primary volume have Rock Ridge? */
static int look_for_rock_ridge(struct iso_volume *volume)
{
	struct iso_rock_ridge rock;
	struct iso_place place;
	int error = read_record(volume, volume->root, &place);

	if (error)
		return error == -ENOENT ? -EUCLEAN : error;
	if (!iso_rock_ridge_begins(&place, &volume->skip))
		return 0;
	error = iso_rock_ridge_read(volume, &place, &rock);
	if (!error && rock.has_attributes)
		volume->names = ISO_ROCK_RIDGE;
	return error;
}

int iso_open(struct iso_volume *volume)
{
	struct iso_descriptor descriptor, joliet = {0};
	bool primary = false;
	int error = 0;

	for (u32 i = 0; i < ISO_DESCRIPTORS_MOST && !error; i++) {
		u64 position = (u64)(ISO_FIRST_DESCRIPTOR + i) * ISO_SECTOR;

		if (position + ISO_SECTOR > volume->size)
			break;
		error = volume->read(volume->context, position, &descriptor, sizeof(descriptor));
		if (error || memcmp(descriptor.identifier, "CD001", 5) != 0 ||
		    descriptor.type == ISO_TERMINATOR)
			break;
		if (descriptor.type == ISO_PRIMARY && !primary) {
			primary = true;
			error = take_descriptor(volume, &descriptor);
		}
		if (descriptor.type == ISO_SUPPLEMENTARY && is_joliet(&descriptor))
			joliet = descriptor;
	}
	if (error)
		return error;
	if (!primary)
		return -EINVAL;
	volume->names = ISO_PLAIN;
	error = look_for_rock_ridge(volume);
	if (error || volume->names == ISO_ROCK_RIDGE || joliet.type == 0)
		return error;
	volume->names = ISO_JOLIET;
	return take_descriptor(volume, &joliet);
}
