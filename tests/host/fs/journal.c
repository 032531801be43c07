/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal of ext4 against a disk that loses power and requests (journal_disk.h), with random
 * changes (journal_model.h) to file systems that mke2fs made.  Runs in the folder with `journal`.
 *
 * JOURNAL_SEED and JOURNAL_RUNS in the environment choose other dice and more runs.
 */
#include "journal_model.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/spinlock.h"
#include "test.h"
#include "threads.h"

#include <errno.h>
#include <sys/wait.h>

enum { HANDLES = 400, CHANGES = 12, CUTS = 40, PATH_SIZE = 100, CACHE_BLOCKS = 64 };

static const char *const images[] = {"ext4", "ext4-4k", "ext3", "narrow"};

static const struct ext4_journal_options options = {.cache_blocks = CACHE_BLOCKS};

static u64 from_environment(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void load(struct disk *disk, const char *image)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "journal/%s.img", image);
	disk_load(disk, path);
}

static void open_volume(struct disk *disk, struct ext4_volume *volume)
{
	*volume = disk_volume(disk);
	assert_int_equal(ext4_volume_open(volume), 0);
	assert_int_equal(ext4_journal_open(volume, &disk_journal_ops, &options), 0);
}

static void close_volume(struct ext4_volume *volume)
{
	ext4_journal_close(volume);
	ext4_volume_close(volume);
}

/* What the journal's thread and others do now and then. */
static void work(struct model *model)
{
	u64 dice = roll(&model->seed);

	if (dice % 8 == 0)
		assert_int_equal(model_promise(model), 0);
	else if (dice % 64 == 1)
		ext4_journal_work(model->volume);
	else if (dice % 256 == 2) {
		assert_int_equal(ext4_journal_suspend(model->volume), 0);
		assert_int_equal(ext4_journal_resume(model->volume), 0);
	} else if (dice % 16 == 3)
		ext4_journal_shrink(model->volume, 16);
}

static void run(struct model *model, u32 handles)
{
	for (u32 i = 0; i < handles; i++) {
		assert_int_equal(model_step(model, 1 + (u32)(roll(&model->seed) % CHANGES)), 0);
		work(model);
	}
}

/* --- Power cuts --- */

/* Opens and closes what a cut left, which replays the journal, and compares; `again`: another cut
 * while that happens, and once more. */
static void recover(const struct model *model, const u8 *bytes, size_t at, u64 *seed, bool again)
{
	struct disk after, later;
	struct ext4_volume volume;
	u8 *left = malloc(model->disk->size);

	disk_make(&after, bytes, model->disk->size);
	open_volume(&after, &volume);
	close_volume(&volume);
	model_check(model, &after, at);
	if (again && after.count > 0) {
		struct disk_safe safe = {malloc(after.size), 0};

		memcpy(safe.bytes, after.first_bytes, after.size);
		disk_cut(&after, roll(seed) % after.count, &safe, seed, left);
		disk_make(&later, left, after.size);
		open_volume(&later, &volume);
		close_volume(&volume);
		model_check(model, &later, at);
		disk_free(&later);
		free(safe.bytes);
	}
	free(left);
	disk_free(&after);
}

/* Cuts the power at some of the events, in ascending order. */
static void cut_and_recover(const struct model *model, u64 *seed, u32 cuts)
{
	const struct disk *disk = model->disk;
	struct disk_safe safe = {malloc(disk->size), 0};
	u8 *bytes = malloc(disk->size);
	size_t step = MAX(disk->count / cuts, (size_t)1);

	memcpy(safe.bytes, disk->first_bytes, disk->size);
	for (size_t at = roll(seed) % step; at < disk->count; at += 1 + roll(seed) % (2 * step)) {
		disk_cut(disk, at, &safe, seed, bytes);
		recover(model, bytes, at, seed, roll(seed) % 4 == 0);
	}
	free(bytes);
	free(safe.bytes);
}

static void one_run(const char *image, u64 seed)
{
	struct model *model = malloc(sizeof(*model));
	struct disk disk;
	struct ext4_volume volume;

	load(&disk, image);
	open_volume(&disk, &volume);
	model_make(model, &disk, &volume, seed);
	run(model, HANDLES);
	close_volume(&volume);
	assert_int_equal(model->disk->complaints, 0);
	model_check(model, &disk, disk.count);
	cut_and_recover(model, &seed, CUTS);
	model_free(model);
	disk_free(&disk);
	free(model);
}

static void after_a_power_cut_the_disk_has_whole_transactions(void **state)
{
	u64 seed = from_environment("JOURNAL_SEED", 1), runs = from_environment("JOURNAL_RUNS", 1);

	(void)state;
	for (u64 i = 0; i < runs; i++)
		for (u32 image = 0; image < ARRAY_SIZE(images); image++)
			one_run(images[image], seed + i * ARRAY_SIZE(images) + image);
}

/* --- Threads --- */

struct crew {
	struct model *model;
	u32 left; /* atomic: steps */
	u32 next_cpu;
};

static void *steps(void *argument)
{
	struct crew *crew = argument;
	struct model *model = crew->model;

	test_cpu = __atomic_add_fetch(&crew->next_cpu, 1, __ATOMIC_RELAXED);
	while ((s32)__atomic_fetch_sub(&crew->left, 1, __ATOMIC_RELAXED) > 0)
		if (model_step(model, 1 + crew->left % CHANGES) != 0)
			abort();
	return NULL;
}

static void *promises(void *argument)
{
	struct crew *crew = argument;

	test_cpu = __atomic_add_fetch(&crew->next_cpu, 1, __ATOMIC_RELAXED);
	while ((s32)__atomic_load_n(&crew->left, __ATOMIC_RELAXED) > 0)
		if (model_promise(crew->model) != 0)
			abort();
	return NULL;
}

static void *works(void *argument)
{
	struct crew *crew = argument;

	test_cpu = __atomic_add_fetch(&crew->next_cpu, 1, __ATOMIC_RELAXED);
	while ((s32)__atomic_load_n(&crew->left, __ATOMIC_RELAXED) > 0) {
		ext4_journal_work(crew->model->volume);
		ext4_journal_shrink(crew->model->volume, CACHE_BLOCKS);
	}
	return NULL;
}

static void changes_go_on_while_others_commit(void **state)
{
	void *(*const jobs[])(void *) = {steps, steps, promises, promises, works};
	u64 seed = from_environment("JOURNAL_SEED", 1);

	(void)state;
	threads_several = true;
	for (u32 image = 0; image < ARRAY_SIZE(images); image++) {
		struct model *model = malloc(sizeof(*model));
		struct crew crew = {.model = model, .left = 2 * HANDLES};
		pthread_t threads[ARRAY_SIZE(jobs)];
		struct ext4_volume volume;
		struct disk disk;

		load(&disk, images[image]);
		open_volume(&disk, &volume);
		disk.slow = true;
		model_make(model, &disk, &volume, seed + image);
		for (u32 i = 0; i < ARRAY_SIZE(jobs); i++)
			pthread_create(&threads[i], NULL, jobs[i], &crew);
		for (u32 i = 0; i < ARRAY_SIZE(jobs); i++)
			pthread_join(threads[i], NULL);
		close_volume(&volume);
		assert_int_equal(disk.complaints, 0);
		model_check(model, &disk, disk.count);
		cut_and_recover(model, &seed, CUTS);
		model_free(model);
		disk_free(&disk);
		free(model);
	}
	threads_several = false;
}

/* --- Other judges --- */

static void save(const struct disk *disk, const char *path)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(disk->bytes, 1, disk->size, file), disk->size);
	assert_int_equal(fclose(file), 0);
}

static int e2fsck(const char *flags, const char *path)
{
	char command[PATH_SIZE];
	int status;

	snprintf(command, sizeof(command), "PATH=$PATH:/sbin e2fsck -f%s %s >journal/e2fsck.log",
		 flags, path);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void e2fsck_replays_the_same(void **state)
{
	static const char path[] = "journal/cut.img";
	u64 seed = 77;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(images); i++) {
		struct model *model = malloc(sizeof(*model));
		struct disk disk, after;
		struct ext4_volume volume;

		load(&disk, images[i]);
		open_volume(&disk, &volume);
		model_make(model, &disk, &volume, seed++);
		run(model, HANDLES);
		/* The power goes now, and everything was written. */
		save(&disk, path);
		assert_true(e2fsck("y", path) <= 1);
		disk_load(&after, path);
		model_check(model, &after, disk.count);
		disk_free(&after);
		close_volume(&volume);
		save(&disk, path);
		assert_int_equal(e2fsck("n", path), 0);
		disk_free(&disk);
		model_free(model);
		free(model);
	}
}

/* --- Errors --- */

/* From one request on, all or some fail: what happened before is safe, and nothing more happens. */
static void fail_one(const char *image, u64 seed, size_t from, size_t count)
{
	struct model *model = malloc(sizeof(*model));
	struct disk_safe safe;
	struct ext4_volume volume;
	struct disk disk;
	u8 *bytes;
	int error = 0;

	load(&disk, image);
	open_volume(&disk, &volume);
	model_make(model, &disk, &volume, seed);
	disk.fail_from = disk.requests + from;
	disk.fail_count = count;
	for (u32 i = 0; i < HANDLES / 4 && !error; i++) {
		error = model_step(model, CHANGES);
		if (!error && i % 4 == 0)
			error = model_promise(model);
	}
	if (error && ext4_transaction_aborted(&volume)) {
		u32 last = model->sequences[model->handle];
		struct ext4_handle *handle;

		assert_int_equal(ext4_transaction_start(&volume, 1, &handle), -EROFS);
		assert_int_equal(ext4_transaction_commit(&volume, last),
				 ext4_transaction_is_committed(&volume, last) ? 0 : -EIO);
	}
	disk.fail_from = SIZE_MAX;
	close_volume(&volume);
	bytes = malloc(disk.size);
	safe = (struct disk_safe){malloc(disk.size), 0};
	memcpy(safe.bytes, disk.first_bytes, disk.size);
	disk_cut(&disk, disk.count, &safe, &seed, bytes);
	recover(model, bytes, disk.count, &seed, false);
	free(safe.bytes);
	free(bytes);
	model_free(model);
	disk_free(&disk);
	free(model);
}

static void a_request_that_fails_loses_nothing_that_was_promised(void **state)
{
	(void)state;
	for (size_t from = 0; from < 60; from++) {
		fail_one(images[from % ARRAY_SIZE(images)], from, from, 1);
		fail_one(images[from % ARRAY_SIZE(images)], from, from, SIZE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_power_cut_the_disk_has_whole_transactions),
		cmocka_unit_test(changes_go_on_while_others_commit),
		cmocka_unit_test(e2fsck_replays_the_same),
		cmocka_unit_test(a_request_that_fails_loses_nothing_that_was_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
