/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes ext2 and ext4 images that have a few bytes changed already: files are made, written, cut,
 * renamed and removed, and whatever comes of it, nothing outside of the disk or of memory is touched.
 */
#include "ext4_mutant.h"
#include "fs/ext4/operations.h"

#include <sys/stat.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INODES = 24, NAMES = 40, RUN = 30 };

static struct image image;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count, (void)arguments;
	mutants_load();
	return 0;
}

/* --- The disk --- */

static int transfer(void *context, const struct ext4_transfer *transfers, u32 count, u32 flags)
{
	const struct ext4_volume *volume = context;

	for (u32 i = 0; i < count; i++) {
		u64 at = transfers[i].block << volume->block_shift;

		if (at > image.size || volume->block_size > image.size - at)
			abort();
		if (flags & EXT4_WRITE)
			memcpy(image.bytes + at, transfers[i].data, volume->block_size);
		else
			memcpy(transfers[i].data, image.bytes + at, volume->block_size);
	}
	return 0;
}

static int flush(void *context)
{
	(void)context;
	return 0;
}

static void **handle_slot(void)
{
	static void *slot;

	return &slot;
}

static u64 now(u32 *nanoseconds)
{
	*nanoseconds = 0;
	return 1700000000;
}

static const struct ext4_journal_ops journal_ops = {
	.transfer = transfer, .flush = flush, .handle_slot = handle_slot, .now = now};

static int read_image(void *context, u64 position, void *buffer, size_t size)
{
	(void)context;
	return image_read(&image, position, buffer, size);
}

static const struct ext4_volume_ops volume_ops = {
	.read = read_image, .allocate = malloc, .release = free, .complain = image_complain};

/* --- What is done; errors are answers --- */

static void make_files(struct ext4_volume *volume, struct ext4_node *directory)
{
	static const u32 modes[] = {S_IFREG, S_IFDIR, S_IFLNK};
	char name[64];

	for (u32 i = 0; i < NAMES; i++) {
		struct ext4_entry entry = {directory, name, 0};
		struct ext4_fresh fresh = {.mode = modes[i % 3] | 0644,
					   .entry = &entry,
					   .parent = directory,
					   .text = "there",
					   .seconds = 1};
		struct ext4_node node;

		snprintf(name, sizeof(name), "a file with a rather long name, made here: %u", i);
		entry.length = (u32)strlen(name);
		if (ext4_create(volume, &fresh, &node) == 0 && i % 4 == 0 && !S_ISDIR(node.mode) &&
		    ext4_unlink(volume, &entry, &node) == 0)
			(void)!ext4_node_end(volume, &node, 1);
	}
}

static void write_file(struct ext4_volume *volume, struct ext4_node *node)
{
	struct ext4_handle *handle;
	u64 start, count;

	for (u32 i = 0; i < RUN; i++) {
		int error;

		if (ext4_space_claim(volume, ext4_map_goal(volume, node, i * 3), 2, &start, &count))
			return;
		if (ext4_transaction_start(volume, EXT4_CREDITS_MAP + EXT4_CREDITS_NODE, &handle)) {
			ext4_space_unclaim(volume, start, count);
			return;
		}
		error = ext4_map_insert(handle, volume, node, i * 3, start, count,
					i % 2 && node->flags & EXT4_INODE_EXTENTS);
		if (!error)
			error = ext4_space_mark(handle, volume, start, count);
		else
			ext4_space_unclaim(volume, start, count);
		if (!error)
			error = ext4_map_written(handle, volume, node, i * 3, 1);
		(void)!ext4_operation_end(handle, error);
	}
}

static void change_inode(struct ext4_volume *volume, u32 ino)
{
	struct ext4_node node;
	struct ext4_handle *handle;

	if (ext4_node_read(volume, ino, &node))
		return;
	if (ext4_transaction_start(volume, EXT4_CREDITS_MAP + EXT4_CREDITS_NODE, &handle) == 0)
		(void)!ext4_operation_end(
			handle, ext4_xattr_set(handle, volume, &node, "user.color", "red", 3, 0));
	if (S_ISDIR(node.mode)) {
		make_files(volume, &node);
		(void)!ext4_directory_is_empty(volume, &node);
	} else if (S_ISREG(node.mode)) {
		write_file(volume, &node);
		(void)!ext4_map_cut(volume, &node, RUN / 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ext4_volume volume;
	struct ext4_journal_options options = {0};
	u32 ended;

	if (size < 1)
		return 0;
	image = mutant_make(data, size);
	volume = (struct ext4_volume){.ops = &volume_ops, .context = &volume, .size = image.size};
	if (ext4_volume_open(&volume))
		goto out;
	/* Wrong checksums would end everything at once. */
	volume.checksums = false;
	volume.ro_compat &= ~(u32)(EXT4_RO_COMPAT_GDT_CSUM | EXT4_RO_COMPAT_METADATA_CSUM);
	if (ext4_journal_open(&volume, &journal_ops, &options) == 0 &&
	    ext4_space_open(&volume) == 0 && ext4_orphans_end(&volume, &ended) == 0)
		for (u32 ino = 2; ino < INODES; ino++)
			change_inode(&volume, ino);
	ext4_space_close(&volume);
	ext4_journal_close(&volume);
	ext4_volume_close(&volume);
out:
	free(image.bytes);
	return 0;
}
