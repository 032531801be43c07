/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT volumes under random operations, against a model, on a disk that loses power (journal_disk.h):
 * after a cut, and fsck.fat, the files that were not touched since the last commit are there, and
 * those that were only renamed have one of their names.  Runs in the folder with `fat`.
 *
 * FAT_SEED and FAT_RUNS in the environment choose other dice and more runs.
 */
#include "fs/fat/volume.h"
#include "journal_disk.h"
#include "lib/format.h"
#include "lib/string.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FILES = 14,
	DIRECTORIES = 3, /* the root is the first */
	STEPS = 220,
	RUNS = 9,
	CUTS = 7, /* of each image */
	SIZE_MOST = 12000,
	SECTOR = 512,
	NAME_SIZE = 120,
	MEMORY_FAILS_EACH = 200,
};

static const char *const images[] = {"fat/12", "fat/16", "fat/32"};

/* What a file is, or was at the last commit. */
struct content {
	bool exists;
	u32 directory;
	char name[NAME_SIZE];
	u32 size;
	u8 bytes[SIZE_MOST];
};

struct file {
	struct content now, safe;
	bool moved, changed, replaced; /* since the commit */
	struct fat_node node;
};

static struct disk disk;
static struct fat_volume volume;
static struct fat_node directories[DIRECTORIES];
static struct file files[FILES];
static u64 seed;
static u32 fail_memory; /* one in so many; 0: none */
static u32 serial;

static u64 from_environment(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static u32 dice(u32 below)
{
	return (u32)(roll(&seed) % below);
}

/* --- What the volume calls --- */

static int read_disk(void *context, u64 position, void *buffer, size_t size)
{
	(void)context;
	assert_true(position <= disk.size && size <= disk.size - position);
	memcpy(buffer, disk.bytes + position, size);
	return 0;
}

static int write_disk(void *context, u64 position, const void *buffer, size_t size)
{
	int error = 0;

	(void)context;
	assert_true(position % SECTOR == 0 && size % SECTOR == 0);
	for (size_t at = 0; at < size && !error; at += SECTOR)
		error = disk_write(&disk, (position + at) / SECTOR, (const u8 *)buffer + at);
	return error;
}

static int flush_disk(void *context)
{
	(void)context;
	return disk_journal_ops.flush(&disk);
}

static void *allocate(size_t size)
{
	return fail_memory > 0 && dice(fail_memory) == 0 ? NULL : malloc(size);
}

static void complain(void *context, const char *why, u64 number)
{
	(void)context;
	if (disk.fail_from == SIZE_MAX)
		fail_msg("%s: %llu", why, (unsigned long long)number);
}

static const struct fat_volume_ops ops = {
	.read = read_disk,
	.write = write_disk,
	.flush = flush_disk,
	.allocate = allocate,
	.release = free,
	.complain = complain,
};

static void open_volume(void)
{
	volume = (struct fat_volume){.ops = &ops, .size = disk.size};
	assert_int_equal(fat_volume_open(&volume), 0);
}

/* --- Operations --- */

static void forget(struct fat_node *node)
{
	fat_chain_forget(&volume, &node->chain);
}

/* A new name in an arbitrary directory; sometimes a short one. */
static void choose_name(struct content *content)
{
	content->directory = dice(DIRECTORIES);
	if (dice(3) == 0)
		snprintf(content->name, NAME_SIZE, "F%u.TXT", serial++);
	else
		snprintf(content->name, NAME_SIZE, "a file of %.*s name, %u", (int)dice(60),
			 "many words and more words, so that it takes many slots of a", serial++);
}

/* Errors that a sound volume may give. */
static bool failed(int error)
{
	if (error)
		assert_true(error == -ENOSPC || error == -ENOMEM ||
			    (error == -EIO && volume.failed));
	return error != 0;
}

static void make(struct file *file)
{
	struct content wanted = {.exists = true};

	choose_name(&wanted);
	file->node = (struct fat_node){.attributes = FAT_ARCHIVE, .modified = 1700000000};
	if (failed(fat_make(&volume, &directories[wanted.directory], wanted.name,
			    (u32)strlen(wanted.name), &file->node)))
		return;
	file->now = wanted;
	file->changed = true;
}

/* Data of [from, end) to the disk, zeros behind it up to the end of its sector. */
static int write_data(struct file *file, u32 from, u32 end)
{
	for (u32 at = from / SECTOR * SECTOR; at < end; at += SECTOR) {
		u8 sector[SECTOR] = {0};
		u32 cluster, count;
		int error = fat_chain_map(&volume, &file->node.chain, at / volume.cluster_size,
					  &cluster, &count);

		if (error)
			return error;
		memcpy(sector, file->now.bytes + at, MIN(end - at, (u32)SECTOR));
		error = write_disk(
			NULL, fat_cluster_position(&volume, cluster) + at % volume.cluster_size,
			sector, SECTOR);
		if (error)
			return error;
	}
	volume.data_written = true;
	return 0;
}

static void set_size(struct file *file, u32 size)
{
	u32 fails = fail_memory;

	fail_memory = 0;
	file->node.size = size;
	failed(fat_node_store(&volume, &file->node));
	file->now.size = size;
	fail_memory = fails;
}

static void write_some(struct file *file)
{
	u32 from = dice(file->now.size + 1), size = 1 + dice(3000);
	u32 end = MIN(from + size, (u32)SIZE_MOST);
	u8 first = (u8)dice(256);

	if (failed(fat_chain_extend(&volume, &file->node.chain,
				    fat_clusters_for(&volume, MAX(end, file->now.size)))))
		return;
	for (u32 i = from; i < end; i++)
		file->now.bytes[i] = (u8)(first + i * 7);
	file->changed = true;
	if (!failed(write_data(file, from, MAX(end, file->now.size))))
		set_size(file, MAX(end, file->now.size));
}

static void cut(struct file *file)
{
	u32 size = dice(file->now.size + 1);

	file->changed = true;
	set_size(file, size);
	failed(fat_chain_cut(&volume, &file->node.chain, fat_clusters_for(&volume, size)));
}

static void end(struct file *file)
{
	u32 fails = fail_memory;

	fail_memory = 0;
	failed(fat_node_end(&volume, &file->node));
	forget(&file->node);
	file->now.exists = false;
	fail_memory = fails;
}

static void unmake(struct file *file)
{
	if (failed(fat_unmake(&volume, &directories[file->now.directory], file->now.name,
			      (u32)strlen(file->now.name), &file->node)))
		return;
	file->changed = true;
	end(file);
}

static void rename_file(struct file *file)
{
	struct file *target = dice(3) == 0 ? &files[dice(FILES)] : NULL;
	struct content wanted;
	struct fat_rename rename;

	if (target && (target == file || !target->now.exists))
		target = NULL;
	if (target)
		wanted = target->now;
	else
		choose_name(&wanted);
	rename = (struct fat_rename){
		.from = &directories[file->now.directory],
		.to = &directories[wanted.directory],
		.from_name = file->now.name,
		.to_name = wanted.name,
		.from_length = (u32)strlen(file->now.name),
		.to_length = (u32)strlen(wanted.name),
		.moved = &file->node,
		.target = target ? &target->node : NULL,
	};
	if (failed(fat_rename(&volume, &rename)))
		return;
	file->now.directory = wanted.directory;
	memcpy(file->now.name, wanted.name, NAME_SIZE);
	/* Of two moves in a row only the last name is known here. */
	file->changed |= file->moved;
	file->moved = true;
	if (target) {
		target->changed = target->replaced = true;
		end(target);
	}
}

static bool commit(void)
{
	if (failed(fat_commit(&volume)))
		return false;
	for (u32 i = 0; i < FILES; i++) {
		files[i].safe = files[i].now;
		files[i].moved = files[i].changed = files[i].replaced = false;
	}
	return true;
}

static void step(void)
{
	struct file *file = &files[dice(FILES)];
	u32 what = dice(16);

	if (what == 0)
		commit();
	else if (!file->now.exists)
		make(file);
	else if (what < 8)
		write_some(file);
	else if (what < 10)
		cut(file);
	else if (what < 14)
		rename_file(file);
	else
		unmake(file);
	fat_trim(&volume, 16);
}

/* --- What is there --- */

static int read_back(const struct content *content, u8 *bytes)
{
	struct fat_entry entry;
	struct fat_node node;
	int error = fat_directory_find(&volume, &directories[content->directory], content->name,
				       (u32)strlen(content->name), &entry);

	if (!error)
		error = fat_node_read(&volume, &entry, &node);
	if (error)
		return error;
	for (u32 at = 0; at < MIN(node.size, (u32)SIZE_MOST); at += SECTOR) {
		u8 sector[SECTOR];
		u32 cluster, count;

		assert_int_equal(fat_chain_map(&volume, &node.chain, at / volume.cluster_size,
					       &cluster, &count),
				 0);
		read_disk(NULL, fat_cluster_position(&volume, cluster) + at % volume.cluster_size,
			  sector, SECTOR);
		memcpy(bytes + at, sector, MIN((u32)SECTOR, (u32)SIZE_MOST - at));
	}
	fat_chain_forget(&volume, &node.chain);
	return (int)node.size;
}

static bool is_there(const struct content *content)
{
	static u8 bytes[SIZE_MOST];

	return read_back(content, bytes) == (int)content->size &&
	       memcmp(bytes, content->bytes, content->size) == 0;
}

static void check_promises(size_t at)
{
	for (u32 i = 0; i < FILES; i++) {
		const struct file *file = &files[i];
		struct content renamed = file->safe;

		if (!file->safe.exists || file->changed)
			continue;
		renamed.directory = file->now.directory;
		memcpy(renamed.name, file->now.name, NAME_SIZE);
		if (!is_there(&file->safe) && !(file->moved && is_there(&renamed)))
			fail_msg(
				"cut at %zu: \"%s\" (%u bytes, moved: %u) is not what was promised",
				at, file->safe.name, file->safe.size, file->moved);
	}
}

static void check_all(void)
{
	for (u32 i = 0; i < FILES; i++)
		if (files[i].now.exists && !is_there(&files[i].now))
			fail_msg("\"%s\" is not as it was written", files[i].now.name);
}

/* --- fsck.fat --- */

static int run_fsck(const char *how)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		dup2(open("fsck.out", O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
		dup2(1, 2);
		execlp("fsck.fat", "fsck.fat", how, "fat.img", NULL);
		_exit(100);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void store(const u8 *bytes)
{
	static const u8 zeros[4096];
	int file = open("fat.img", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, (off_t)disk.size), 0);
	for (size_t at = 0; at < disk.size; at += SECTOR)
		if (memcmp(bytes + at, zeros, SECTOR) != 0)
			assert_int_equal(pwrite(file, bytes + at, SECTOR, (off_t)at), SECTOR);
	close(file);
}

static void check_clean(const char *when)
{
	if (run_fsck("-n") == 0)
		return;
	(void)!system("cat fsck.out");
	fail_msg("%s: fsck.fat finds something", when);
}

/* --- The tests --- */

static void begin(const char *image)
{
	static const char *const names[DIRECTORIES] = {"", "a directory", "DIR"};

	/* The superblock of ext4 that it looks for is zeros here. */
	disk_load(&disk, image);
	disk.block_size = SECTOR;
	memset(files, 0, sizeof(files));
	serial = 0;
	fail_memory = 0;
	open_volume();
	fat_node_root(&volume, &directories[0]);
	for (u32 i = 1; i < DIRECTORIES; i++) {
		directories[i] = (struct fat_node){.attributes = FAT_DIRECTORY};
		assert_int_equal(fat_make(&volume, &directories[0], names[i], (u32)strlen(names[i]),
					  &directories[i]),
				 0);
	}
	assert_true(commit());
}

static void finish(void)
{
	for (u32 i = 0; i < DIRECTORIES; i++)
		forget(&directories[i]);
	for (u32 i = 0; i < FILES; i++)
		forget(&files[i].node);
	fat_volume_close(&volume);
}

static void run(const char *image, u64 with_seed, bool without_memory)
{
	seed = with_seed;
	begin(image);
	fail_memory = without_memory ? MEMORY_FAILS_EACH : 0;
	for (u32 i = 0; i < STEPS; i++)
		step();
	fail_memory = 0;
	assert_true(commit());
	check_all();
	finish();
	store(disk.bytes);
	check_clean(image);
	disk_free(&disk);
}

static void files_are_what_was_written(void **state)
{
	u64 runs = from_environment("FAT_RUNS", RUNS), first = from_environment("FAT_SEED", 1);

	(void)state;
	for (u64 i = 0; i < runs; i++)
		run(images[i % ARRAY_SIZE(images)], first + i, i % 2);
}

/* What the disk has after a cut, repaired, and opened again. */
static void recover(const u8 *bytes, size_t at)
{
	struct disk cut_disk = disk;
	int file;

	finish();
	store(bytes);
	if (run_fsck("-a") > 1) {
		(void)!system("cat fsck.out");
		fail_msg("cut at %zu: fsck.fat cannot repair it", at);
	}
	check_clean("after fsck.fat -a");
	cut_disk.bytes = malloc(disk.size);
	file = open("fat.img", O_RDONLY);
	assert_true(file >= 0);
	assert_int_equal(pread(file, cut_disk.bytes, disk.size, 0), (ssize_t)disk.size);
	close(file);
	free(disk.bytes);
	disk.bytes = cut_disk.bytes;
	open_volume();
	for (u32 i = 1; i < DIRECTORIES; i++) {
		static const char *const names[DIRECTORIES] = {"", "a directory", "DIR"};
		struct fat_entry entry;

		assert_int_equal(fat_directory_find(&volume, &directories[0], names[i],
						    (u32)strlen(names[i]), &entry),
				 0);
		assert_int_equal(fat_node_read(&volume, &entry, &directories[i]), 0);
	}
	check_promises(at);
	finish();
}

/* Some steps behind the last commit, and the beginning of another. */
static void cut_one(const char *image, u64 with_seed, size_t requests)
{
	struct disk_safe safe;
	u8 *bytes;

	seed = with_seed;
	begin(image);
	for (u32 i = 0; i < STEPS / 2; i++)
		step();
	assert_true(commit());
	for (u32 i = 0; i < 6; i++)
		step();
	disk.fail_from = disk.requests + dice((u32)requests);
	disk.fail_count = SIZE_MAX;
	if (commit()) {
		disk_free(&disk);
		finish();
		return;
	}
	disk.fail_from = SIZE_MAX;
	bytes = malloc(disk.size);
	safe = (struct disk_safe){malloc(disk.size), 0};
	memcpy(safe.bytes, disk.first_bytes, disk.size);
	disk_cut(&disk, disk.count, &safe, &seed, bytes);
	recover(bytes, disk.count);
	free(safe.bytes);
	free(bytes);
	disk_free(&disk);
}

static void after_a_power_cut_what_was_committed_is_there(void **state)
{
	u64 runs = from_environment("FAT_RUNS", CUTS), first = from_environment("FAT_SEED", 1);

	(void)state;
	for (u64 i = 0; i < runs * ARRAY_SIZE(images); i++)
		cut_one(images[i % ARRAY_SIZE(images)], 1000 * first + i, 1 + i % 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_what_was_written),
		cmocka_unit_test(after_a_power_cut_what_was_committed_is_there),
	};

	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
