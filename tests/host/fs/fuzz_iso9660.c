/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads ISO 9660 images with a few bytes changed: the first byte of the input says which image, then
 * come changes of six bytes: where, of the sectors that are not empty, and a word.  All that can be
 * reached from the root is read; nothing outside of the image or of a buffer may be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/iso9660/volume.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { IMAGES_COUNT = 3, SECTORS_MOST = 512, CHANGE = 6, NODES_MOST = 300, DEPTH_MOST = 12 };

static struct image {
	u8 bytes[SECTORS_MOST * ISO_SECTOR];
	size_t size;
	u32 used[SECTORS_MOST], used_count;
} originals[IMAGES_COUNT];

static struct image image;
static u32 nodes; /* that were read of this image */

int LLVMFuzzerInitialize(int *count __unused, char ***arguments __unused)
{
	static const u8 empty[ISO_SECTOR];

	for (u32 i = 0; i < IMAGES_COUNT; i++) {
		struct image *original = &originals[i];
		char path[sizeof(IMAGES) + 16];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%u", IMAGES, i);
		file = fopen(path, "rb");
		if (!file)
			abort();
		original->size = fread(original->bytes, 1, sizeof(original->bytes), file);
		fclose(file);
		for (u32 sector = 0; sector < original->size / ISO_SECTOR; sector++)
			if (memcmp(original->bytes + sector * ISO_SECTOR, empty, ISO_SECTOR) != 0)
				original->used[original->used_count++] = sector;
		if (original->used_count < 20)
			abort();
	}
	return 0;
}

static int read_image(void *context __unused, u64 position, void *buffer, size_t size)
{
	if (position > image.size || size > image.size - position)
		return -EUCLEAN;
	memcpy(buffer, image.bytes + position, size);
	return 0;
}

struct place {
	const struct iso_volume *volume;
	u32 depth;
};

static void read_node(const struct iso_volume *volume, u64 number, u32 depth);

static bool visit(void *argument, u64 position __unused, const char *name, size_t length,
		  u64 number, u32 type)
{
	const struct place *place = argument;

	if (length == 0 || length > ISO_NAME_MAX || type > 15 || memchr(name, '/', length) ||
	    memchr(name, 0, length))
		abort();
	if (name[0] != '.')
		read_node(place->volume, number, place->depth + 1);
	return nodes < NODES_MOST;
}

static void read_node(const struct iso_volume *volume, u64 number, u32 depth)
{
	struct place place = {volume, depth};
	char buffer[3000];
	struct iso_node node;
	u64 position = 0, found;

	if (depth > DEPTH_MOST || ++nodes > NODES_MOST || iso_node_read(volume, number, &node) != 0)
		return;
	if (node.link_length > ISO_LINK_MAX || node.link[node.link_length] != 0 ||
	    node.extent_count > ISO_EXTENTS)
		abort();
	if (S_ISDIR(node.mode)) {
		if (iso_find(volume, &node, "a long name", 11, &found) == 0 &&
		    found > image.size * 8)
			return;
		if (iso_list(volume, &node, &position, visit, &place) > 0)
			abort();
	} else if (iso_read(volume, &node, node.size / 2, buffer, sizeof(buffer)) > 0) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct iso_volume volume = {.read = read_image};
	const struct image *original;

	if (size < 1)
		return 0;
	original = &originals[data[0] % IMAGES_COUNT];
	memcpy(image.bytes, original->bytes, original->size);
	image.size = volume.size = original->size;
	for (size_t at = 1; at + CHANGE <= size; at += CHANGE) {
		u32 sector = original->used[data[at] % original->used_count];
		u32 offset = (data[at + 1] | (u32)data[at + 2] << 8) % (ISO_SECTOR - 3);

		memcpy(image.bytes + sector * ISO_SECTOR + offset, data + at + 3, 3);
	}
	nodes = 0;
	if (iso_open(&volume) == 0)
		read_node(&volume, volume.root, 0);
	return 0;
}
