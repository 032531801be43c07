/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2 and ext4 images with a few bytes changed, for fuzzers: the first byte of the input says which
 * image, then come changes of eight bytes: which block of those that are not empty, where in it, and
 * a word.
 */
#ifndef TESTS_HOST_FS_EXT4_MUTANT_H
#define TESTS_HOST_FS_EXT4_MUTANT_H

#include "ext4_file.h"

enum { IMAGES_COUNT = 4, BLOCK = 1024, BLOCKS = 256, CHANGE = 8 };

static struct image originals[IMAGES_COUNT];
static uint16_t used[IMAGES_COUNT][BLOCKS];
static uint32_t used_count[IMAGES_COUNT];

static inline void mutants_load(void)
{
	static const unsigned char empty[BLOCK];

	for (uint32_t i = 0; i < IMAGES_COUNT; i++) {
		char path[sizeof(IMAGES) + 16];

		snprintf(path, sizeof(path), "%s/%u", IMAGES, i);
		if (!image_load(&originals[i], path) || originals[i].size != BLOCK * BLOCKS)
			abort();
		for (uint32_t block = 1; block < BLOCKS; block++)
			if (memcmp(originals[i].bytes + block * BLOCK, empty, BLOCK) != 0)
				used[i][used_count[i]++] = (uint16_t)block;
	}
}

/* The image that an input describes; its bytes are the caller's. */
static inline struct image mutant_make(const uint8_t *data, size_t size)
{
	uint32_t which = data[0] % IMAGES_COUNT;
	struct image image = {.size = originals[which].size};

	image.bytes = malloc(image.size);
	memcpy(image.bytes, originals[which].bytes, image.size);
	for (size_t at = 1; at + CHANGE <= size; at += CHANGE) {
		uint32_t block = used[which][(data[at] | data[at + 1] << 8) % used_count[which]];
		uint32_t offset = (data[at + 2] | data[at + 3] << 8) % (BLOCK - 3);

		memcpy(image.bytes + block * BLOCK + offset, data + at + 4, 4);
	}
	return image;
}

#endif
