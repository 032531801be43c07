/* SPDX-License-Identifier: BSD-2-Clause */
/* An image in memory as a volume, for the tests of kernel/fs/ext4. */
#ifndef TESTS_HOST_FS_EXT4_FILE_H
#define TESTS_HOST_FS_EXT4_FILE_H

#include "fs/ext4/volume.h"
#include "lib/format.h"
#include "lib/string.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct image {
	unsigned char *bytes;
	size_t size;
};

static inline int image_read(void *context, u64 position, void *buffer, size_t size)
{
	struct image *image = context;

	/* The volume promises to stay within the disk. */
	if (position > image->size || size > image->size - position)
		abort();
	memcpy(buffer, image->bytes + position, size);
	return 0;
}

static inline void image_complain(void *context, const char *why, u64 number)
{
	(void)context, (void)why, (void)number;
}

static const struct ext4_volume_ops image_ops = {
	.read = image_read, .allocate = malloc, .release = free, .complain = image_complain};

/* Reads a file; false: there is none. */
static inline bool image_load(struct image *image, const char *path)
{
	FILE *file = fopen(path, "rb");
	bool good;

	if (!file)
		return false;
	fseek(file, 0, SEEK_END);
	image->size = (size_t)ftell(file);
	rewind(file);
	image->bytes = malloc(image->size);
	good = fread(image->bytes, 1, image->size, file) == image->size;
	fclose(file);
	return good;
}

static inline struct ext4_volume image_volume(struct image *image)
{
	return (struct ext4_volume){.ops = &image_ops, .context = image, .size = image->size};
}

#endif
