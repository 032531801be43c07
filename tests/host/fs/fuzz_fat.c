/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and changes FAT images with a few bytes changed: the first byte of the input says which
 * image, then come changes of six bytes: where, of the sectors that are not empty, and three bytes.
 * All that can be reached from the root is read, and some of it is renamed, made longer, cut and
 * removed; nothing outside of the image or of a buffer may be touched, and all of it ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fat/volume.h"
#include "lib/errno.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum {
	SECTOR = 512,
	SECTORS_MOST = 4500,
	CHANGE = 6,
	NODES_MOST = 120,
	DEPTH_MOST = 6,
	NEW_FILES = 9
};

static const char *const names[] = {"damage12", "damage16", "damage32"};
enum { IMAGES_COUNT = sizeof(names) / sizeof(names[0]), EMPTY = 2 };

static struct image {
	u8 bytes[SECTORS_MOST * SECTOR];
	size_t size;
	u32 used[SECTORS_MOST], used_count;
} originals[IMAGES_COUNT];

static struct image image;
static u32 nodes; /* that were read of this image */

/* --- What the volume calls --- */

static void check_range(u64 position, size_t size)
{
	if (position > image.size || size > image.size - position)
		abort();
}

static int read_image(void *context __unused, u64 position, void *buffer, size_t size)
{
	check_range(position, size);
	memcpy(buffer, image.bytes + position, size);
	return 0;
}

static int write_image(void *context __unused, u64 position, const void *buffer, size_t size)
{
	check_range(position, size);
	memcpy(image.bytes + position, buffer, size);
	return 0;
}

static int flush_image(void *context __unused)
{
	return 0;
}

static void complain(void *context __unused, const char *why __unused, u64 number __unused) {}

static const struct fat_volume_ops ops = {
	.read = read_image,
	.write = write_image,
	.flush = flush_image,
	.allocate = malloc,
	.release = free,
	.complain = complain,
};

/* --- What is done; errors are answers --- */

static void read_data(struct fat_volume *volume, struct fat_node *node)
{
	u8 sector[SECTOR];

	for (u32 at = 0; at < node->size && at < 64 * volume->cluster_size;
	     at += volume->cluster_size) {
		u32 cluster, count;

		if (fat_chain_map(volume, &node->chain, at >> volume->cluster_shift, &cluster,
				  &count))
			return;
		if (count == 0)
			abort();
		read_image(NULL, fat_cluster_position(volume, cluster), sector, SECTOR);
	}
}

static void change_file(struct fat_volume *volume, struct fat_node *directory,
			const struct fat_entry *entry, struct fat_node *node)
{
	struct fat_rename rename = {
		.from = directory,
		.to = directory,
		.from_name = entry->name,
		.from_length = entry->length,
		.to_name = "another name, which takes some slots",
		.to_length = 36,
		.moved = node,
	};
	u32 length = 0;

	(void)!fat_chain_length(volume, &node->chain, &length);
	(void)!fat_chain_extend(volume, &node->chain, length + 3);
	node->size += 3 * volume->cluster_size;
	(void)!fat_node_store(volume, node);
	(void)!fat_chain_cut(volume, &node->chain, 1);
	if (nodes % 3 == 0 && fat_rename(volume, &rename) == 0)
		(void)!fat_unmake(volume, directory, rename.to_name, rename.to_length, node);
	else if (nodes % 3 == 1 &&
		 fat_unmake(volume, directory, entry->name, entry->length, node) == 0)
		(void)!fat_node_end(volume, node);
	if (nodes % 8 == 0)
		(void)!fat_commit(volume);
}

static void make_files(struct fat_volume *volume, struct fat_node *directory)
{
	char name[64];

	for (u32 i = 0; i < NEW_FILES; i++) {
		struct fat_node node = {.attributes = i % 4 ? FAT_ARCHIVE : FAT_DIRECTORY};

		snprintf(name, sizeof(name), "a new file with a name of some length, %u", i);
		if (fat_make(volume, directory, name, (u32)strlen(name), &node) == 0 && i % 5 == 0)
			(void)!fat_unmake(volume, directory, name, (u32)strlen(name), &node);
		fat_chain_forget(volume, &node.chain);
	}
}

static void visit(struct fat_volume *volume, struct fat_node *directory, u32 depth)
{
	u32 position = 0, before = 0;
	struct fat_entry entry;

	while (fat_directory_next(volume, directory, &position, &entry) > 0) {
		struct fat_node node;

		if (entry.length == 0 || entry.length > FAT_NAME_MAX || position <= before ||
		    memchr(entry.name, '/', entry.length) || memchr(entry.name, 0, entry.length))
			abort();
		before = position;
		if (++nodes > NODES_MOST)
			return;
		if (fat_is_dots(&entry) || fat_node_read(volume, &entry, &node))
			continue;
		if (!(node.attributes & FAT_DIRECTORY)) {
			read_data(volume, &node);
			change_file(volume, directory, &entry, &node);
		} else if (depth < DEPTH_MOST) {
			visit(volume, &node, depth + 1);
		}
		fat_chain_forget(volume, &node.chain);
	}
	if (depth < 2)
		make_files(volume, directory);
	fat_trim(volume, 8);
}

/* --- The images --- */

static void add_files(struct image *original)
{
	struct fat_volume volume = {.ops = &ops, .size = original->size};
	struct fat_node root;

	image = *original;
	if (fat_volume_open(&volume))
		abort();
	fat_node_root(&volume, &root);
	make_files(&volume, &root);
	if (fat_commit(&volume))
		abort();
	fat_chain_forget(&volume, &root.chain);
	fat_volume_close(&volume);
	*original = image;
}

int LLVMFuzzerInitialize(int *count __unused, char ***arguments __unused)
{
	static const u8 empty[SECTOR];

	for (u32 i = 0; i < IMAGES_COUNT; i++) {
		struct image *original = &originals[i];
		char path[sizeof(IMAGES) + 16];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", IMAGES, names[i]);
		file = fopen(path, "rb");
		if (!file)
			abort();
		original->size = fread(original->bytes, 1, sizeof(original->bytes), file);
		fclose(file);
		if (i == EMPTY)
			add_files(original);
		for (u32 sector = 0; sector < original->size / SECTOR; sector++)
			if (memcmp(original->bytes + sector * SECTOR, empty, SECTOR) != 0)
				original->used[original->used_count++] = sector;
		if (original->used_count < 8)
			abort();
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fat_volume volume = {.ops = &ops};
	const struct image *original;
	struct fat_node root;

	if (size < 1)
		return 0;
	original = &originals[data[0] % IMAGES_COUNT];
	memcpy(image.bytes, original->bytes, original->size);
	image.size = volume.size = original->size;
	for (size_t at = 1; at + CHANGE <= size; at += CHANGE) {
		u32 sector = original->used[data[at] % original->used_count];
		u32 offset = (data[at + 1] | (u32)data[at + 2] << 8) % (SECTOR - 3);

		memcpy(image.bytes + sector * SECTOR + offset, data + at + 3, 3);
	}
	nodes = 0;
	if (fat_volume_open(&volume) == 0) {
		fat_node_root(&volume, &root);
		visit(&volume, &root, 0);
		(void)!fat_commit(&volume);
		fat_chain_forget(&volume, &root.chain);
	}
	fat_volume_close(&volume);
	return 0;
}
