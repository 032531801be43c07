/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads ext2 and ext4 images with a few bytes changed.  Everything that can be reached is read; the
 * image's reader sees to it that nothing outside of the disk is.
 */
#include "ext4_mutant.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READ_MOST = 8192, INODES = 24 };

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count, (void)arguments;
	mutants_load();
	return 0;
}

static bool look_up(void *context, u64 position, const char *name, u32 length, u32 ino, u8 type)
{
	(void)context, (void)position, (void)ino;
	if (length == 0 || length > EXT4_NAME_MAX || type >= EXT4_TYPES ||
	    memchr(name, '/', length))
		abort();
	return true;
}

static void see_name(void *context, const char *name)
{
	char value[100];
	void **both = context;

	if (ext4_xattr_get(both[0], both[1], name, value, sizeof(value)) > (ssize_t)sizeof(value))
		abort();
}

static void read_inode(const struct ext4_volume *volume, u32 ino)
{
	static char buffer[READ_MOST];
	struct ext4_node node;
	u64 position = 0;
	void *both[2] = {(void *)volume, &node};
	u32 found;

	if (ext4_node_read(volume, ino, &node))
		return;
	if (ext4_xattr_list(volume, &node, see_name, both) ||
	    ext4_data_read(volume, &node, 0, buffer, sizeof(buffer)) ||
	    ext4_data_read(volume, &node, node.size / 2, buffer, sizeof(buffer)) ||
	    ext4_link_read(volume, &node, buffer))
		found = 0;
	if (ext4_directory_find(volume, &node, "a file with a rather long name: 7", 33, &found) ||
	    ext4_directory_list(volume, &node, &position, look_up, NULL))
		found = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image image;
	struct ext4_volume volume;

	if (size < 1)
		return 0;
	image = mutant_make(data, size);
	volume = image_volume(&image);
	if (!ext4_volume_open(&volume)) {
		/* Wrong checksums would end everything at once. */
		volume.checksums = false;
		volume.ro_compat &= ~(u32)EXT4_RO_COMPAT_GDT_CSUM;
		for (u32 ino = 1; ino < INODES; ino++)
			read_inode(&volume, ino);
		ext4_volume_close(&volume);
	}
	free(image.bytes);
	return 0;
}
