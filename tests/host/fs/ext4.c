/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, ext3 and ext4: images made by mke2fs (ext4_images) have the files that they were made of.
 * Runs in the folder with `ext4`.
 */
#include "ext4_file.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, READ_SIZE = 5000, ROOT_ENTRIES = 3, DIRECTORY_ENTRIES = 2 };

static struct image image;

static struct ext4_volume open_image(const char *name)
{
	char path[PATH_SIZE];
	struct ext4_volume volume;

	snprintf(path, sizeof(path), "ext4/%s.img", name);
	assert_true(image_load(&image, path));
	volume = image_volume(&image);
	assert_int_equal(ext4_volume_open(&volume), 0);
	return volume;
}

static void close_image(struct ext4_volume *volume)
{
	ext4_volume_close(volume);
	free(image.bytes);
}

/* --- The same files --- */

static void same_content(const struct ext4_volume *volume, const struct ext4_node *node,
			 const char *path)
{
	char wanted[READ_SIZE], got[READ_SIZE];
	FILE *file = fopen(path, "rb");
	u64 position = 0;
	size_t size;

	assert_non_null(file);
	while ((size = fread(wanted, 1, sizeof(wanted), file)) > 0) {
		assert_int_equal(ext4_data_read(volume, node, position, got, size), 0);
		assert_memory_equal(wanted, got, size);
		position += size;
	}
	assert_int_equal(position, node->size);
	fclose(file);
}

static void same_link(const struct ext4_volume *volume, const struct ext4_node *node,
		      const char *path)
{
	char wanted[PATH_SIZE], got[PATH_SIZE];
	ssize_t length = readlink(path, wanted, sizeof(wanted));

	assert_int_equal(length, node->size);
	assert_int_equal(ext4_link_read(volume, node, got), 0);
	assert_memory_equal(wanted, got, length);
}

static bool count(void *context, u64 position, const char *name, u32 length, u32 ino, u8 type)
{
	(void)position, (void)name, (void)length, (void)ino, (void)type;
	++*(u32 *)context;
	return true;
}

/* Ends the listing at every entry, so that it has to be taken up again. */
static bool count_one(void *context, u64 position, const char *name, u32 length, u32 ino, u8 type)
{
	u32 *state = context;

	if (state[1])
		return false;
	state[1] = 1;
	return count(context, position, name, length, ino, type);
}

static void same_count(const struct ext4_volume *volume, const struct ext4_node *node, u32 wanted)
{
	u32 found = 0, state[2] = {0};
	u64 position = 0;

	assert_int_equal(ext4_directory_list(volume, node, &position, count, &found), 0);
	assert_int_equal(found, wanted);
	position = 0;
	do {
		state[1] = 0;
		assert_int_equal(ext4_directory_list(volume, node, &position, count_one, state), 0);
	} while (state[1]);
	assert_int_equal(state[0], wanted);
}

static void same_tree(const struct ext4_volume *volume, u32 ino, const char *path);

static void same_entry(const struct ext4_volume *volume, const struct ext4_node *directory,
		       const char *path, const char *name)
{
	struct ext4_node node;
	struct stat status;
	u32 ino;

	assert_int_equal(ext4_directory_find(volume, directory, name, strlen(name), &ino), 0);
	assert_int_equal(ext4_node_read(volume, ino, &node), 0);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(node.mode, status.st_mode);
	assert_int_equal(node.uid, status.st_uid);
	if (S_ISREG(status.st_mode))
		same_content(volume, &node, path);
	else if (S_ISLNK(status.st_mode))
		same_link(volume, &node, path);
	else if (S_ISDIR(status.st_mode))
		same_tree(volume, ino, path);
}

static void same_tree(const struct ext4_volume *volume, u32 ino, const char *path)
{
	u32 entries = ino == EXT4_ROOT_INO ? ROOT_ENTRIES : DIRECTORY_ENTRIES, nowhere;
	DIR *directory = opendir(path);
	struct ext4_node node;
	struct dirent *entry;
	char below[PATH_SIZE];

	assert_non_null(directory);
	assert_int_equal(ext4_node_read(volume, ino, &node), 0);
	while ((entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		same_entry(volume, &node, below, entry->d_name);
		entries++;
	}
	closedir(directory);
	same_count(volume, &node, entries);
	assert_int_equal(ext4_directory_find(volume, &node, "no such name", 12, &nowhere), -ENOENT);
}

static const char *const images[] = {
	"ext2-1k",   "ext2-4k",     "ext3-1k",         "ext3-2k",   "ext4-4k",
	"ext4-1k",   "ext4-inline", "ext4-inline-512", "ext4-meta", "ext4-crc16",
	"ext4-seed", "ext4-narrow", "ext4-tea",
};

static void every_kind_of_image_has_the_files_it_was_made_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		struct ext4_volume volume = open_image(images[i]);

		print_message("# %s\n", images[i]);
		same_tree(&volume, EXT4_ROOT_INO, "ext4/tree");
		close_image(&volume);
	}
}

static void what_the_journal_has_is_newer(void **state)
{
	struct ext4_volume volume = open_image("journal");

	(void)state;
	assert_true(volume.overlay_count > 0);
	same_tree(&volume, EXT4_ROOT_INO, "ext4/tree-journal");
	close_image(&volume);
}

/* --- Indexes, attributes, checksums --- */

static struct ext4_node node_at(const struct ext4_volume *volume, const char *first,
				const char *second)
{
	struct ext4_node node;
	u32 ino;

	assert_int_equal(ext4_node_read(volume, EXT4_ROOT_INO, &node), 0);
	assert_int_equal(ext4_directory_find(volume, &node, first, strlen(first), &ino), 0);
	assert_int_equal(ext4_node_read(volume, ino, &node), 0);
	if (!second)
		return node;
	assert_int_equal(ext4_directory_find(volume, &node, second, strlen(second), &ino), 0);
	assert_int_equal(ext4_node_read(volume, ino, &node), 0);
	return node;
}

static void names_are_found_by_their_hash(void **state)
{
	static const char *const indexed[] = {"ext2-1k", "ext3-1k", "ext4-1k", "ext4-4k",
					      "ext4-tea"};

	(void)state;
	for (size_t i = 0; i < sizeof(indexed) / sizeof(indexed[0]); i++) {
		struct ext4_volume volume = open_image(indexed[i]);
		struct ext4_node big = node_at(&volume, "big", NULL);
		char name[64];
		u32 ino;

		assert_true(big.flags & EXT4_INODE_INDEX);
		for (u32 number = 1; number <= 700; number++) {
			snprintf(name, sizeof(name), "a file with a rather long name: %u", number);
			assert_int_equal(ext4_index_find(&volume, &big, name, strlen(name), &ino),
					 0);
		}
		assert_int_equal(ext4_index_find(&volume, &big, "na\303\257ve", 6, &ino), 0);
		assert_int_equal(ext4_index_find(&volume, &big, "none", 4, &ino), -ENOENT);
		close_image(&volume);
	}
}

static void hashes_are_those_of_debugfs(void **state)
{
	static const struct {
		u32 version;
		const char *name;
		u32 hash;
	} known[] = {{0, "hello", 0x32252546},
		     {0, "a file with a rather long name: 123, longer than 32", 0x3a0072a},
		     {1, "hello", 0x1746da32},
		     {1, "a file with a rather long name: 123, longer than 32", 0x28aeb010},
		     {2, "hello", 0x6f5bb1a8},
		     {2, "a file with a rather long name: 123, longer than 32", 0x41bd9eaa}};
	struct ext4_volume volume = {.block_size = 1024};
	u32 hash;

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_true(ext4_hash(&volume, known[i].version, known[i].name,
				      strlen(known[i].name), &hash));
		assert_int_equal(hash, known[i].hash);
	}
	assert_false(ext4_hash(&volume, 6, "name", 4, &hash));
}

static void attributes_are_in_the_inode_or_in_a_block(void **state)
{
	char value[1000], wanted[700];
	FILE *file = fopen("ext4/tree/random", "rb");

	(void)state;
	assert_non_null(file);
	assert_int_equal(fread(wanted, 1, sizeof(wanted), file), sizeof(wanted));
	fclose(file);
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		struct ext4_volume volume = open_image(images[i]);
		struct ext4_node node = node_at(&volume, "sub", "hello");

		assert_int_equal(ext4_xattr_get(&volume, &node, "user.color", value, 1000), 4);
		assert_memory_equal(value, "blue", 4);
		assert_int_equal(ext4_xattr_get(&volume, &node, "user.color", NULL, 0), 4);
		assert_int_equal(ext4_xattr_get(&volume, &node, "user.color", value, 3), -ERANGE);
		assert_int_equal(ext4_xattr_get(&volume, &node, "user.none", NULL, 0), -ENODATA);
		assert_int_equal(ext4_xattr_get(&volume, &node, "user.large", value, 1000), 700);
		assert_memory_equal(value, wanted, sizeof(wanted));
		close_image(&volume);
	}
}

static void a_changed_inode_or_directory_is_noticed(void **state)
{
	struct ext4_volume volume = open_image("ext4-1k");
	struct ext4_node big = node_at(&volume, "big", NULL), root;
	alignas(8) u8 block[1024];
	struct ext4_run run;
	u32 ino;

	(void)state;
	assert_int_equal(ext4_map(&volume, &big, 3, &run), 0);
	image.bytes[run.start * volume.block_size + 100] ^= 1;
	assert_int_equal(ext4_directory_block(&volume, &big, 3, block), -EBADMSG);
	assert_int_equal(ext4_node_read(&volume, EXT4_ROOT_INO, &root), 0);
	assert_int_equal(ext4_directory_find(&volume, &root, "random", 6, &ino), 0);
	image.bytes[1024 + 4] ^= 1;
	struct ext4_volume again = image_volume(&image);
	assert_int_equal(ext4_volume_open(&again), -EBADMSG);
	close_image(&volume);
}

static void unknown_features_are_refused(void **state)
{
	struct ext4_volume volume = open_image("ext2-1k");
	struct ext4_disk_super *super = (void *)(image.bytes + EXT4_SUPER_OFFSET);
	struct ext4_volume again = image_volume(&image);

	(void)state;
	super->ro_compat |= 0x40000000;
	assert_int_equal(ext4_volume_open(&again), 0);
	super->incompat |= 0x10000;
	again = image_volume(&image);
	assert_int_equal(ext4_volume_open(&again), -EINVAL);
	close_image(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_image_has_the_files_it_was_made_of),
		cmocka_unit_test(what_the_journal_has_is_newer),
		cmocka_unit_test(names_are_found_by_their_hash),
		cmocka_unit_test(hashes_are_those_of_debugfs),
		cmocka_unit_test(attributes_are_in_the_inode_or_in_a_block),
		cmocka_unit_test(a_changed_inode_or_directory_is_noticed),
		cmocka_unit_test(unknown_features_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
