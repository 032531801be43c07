/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing ext2, ext3 and ext4: random operations against a model on volumes that mke2fs made, with
 * journals and without; what is left must please e2fsck, and be the same after the volume was opened
 * again.
 */
#include "ext4_file.h"
#include "ext4_model.h"
#include "test.h"

#include <unistd.h>

enum { STEPS = 600, FILES = 100, FULL_STEPS = 1500, FULL_FILES = 300 };

static struct image image;

static void write_stamp(struct ext4_volume *volume, u64 block, u64 stamp)
{
	unsigned char *place = image.bytes + (block << volume->block_shift);

	memset(place, 0, volume->block_size);
	memcpy(place, &stamp, sizeof(stamp));
}

static const struct model_disk model_disk = {write_stamp};

static int run(const char *format, const char *name)
{
	char command[PATH_SIZE];

	snprintf(command, sizeof(command), format, name);
	return system(command);
}

/* Lets the image be checked by what made it. */
static void check(const char *name)
{
	FILE *file = fopen("ext4_changed.img", "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(image.bytes, 1, image.size, file), image.size);
	fclose(file);
	if (run("/sbin/e2fsck -fn ext4_changed.img >ext4_changed.%s.log 2>&1", name) != 0) {
		run("cat ext4_changed.%s.log", name);
		fail_msg("e2fsck does not like what became of %s", name);
	}
}

/* --- A disk that does at once what it is told --- */

static int transfer(void *context, const struct ext4_transfer *transfers, u32 count, u32 flags)
{
	const struct ext4_volume *volume = context;

	for (u32 i = 0; i < count; i++) {
		unsigned char *place = image.bytes + (transfers[i].block << volume->block_shift);

		if (flags & EXT4_WRITE)
			memcpy(place, transfers[i].data, volume->block_size);
		else
			memcpy(transfers[i].data, place, volume->block_size);
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

static void complain(void *context, const char *why, u64 number)
{
	(void)context;
	print_message("# %s: %llu\n", why, (unsigned long long)number);
}

static const struct ext4_volume_ops volume_ops = {
	.read = read_image, .allocate = malloc, .release = free, .complain = complain};

/* --- Volumes --- */

static void begin(struct ext4_volume *volume, bool change)
{
	struct ext4_journal_options options = {0};
	u32 ended;

	*volume = (struct ext4_volume){.ops = &volume_ops, .context = volume, .size = image.size};
	assert_int_equal(ext4_volume_open(volume), 0);
	if (!change)
		return;
	assert_int_equal(ext4_journal_open(volume, &journal_ops, &options), 0);
	assert_int_equal(ext4_space_open(volume), 0);
	assert_int_equal(ext4_orphans_end(volume, &ended), 0);
}

static void end(struct ext4_volume *volume)
{
	struct ext4_handle *handle;

	if (volume->journal) {
		assert_int_equal(ext4_transaction_start(volume, 1, &handle), 0);
		assert_int_equal(ext4_super_update(handle, volume), 0);
		assert_int_equal(ext4_transaction_stop(handle), 0);
		ext4_space_close(volume);
		ext4_journal_close(volume);
	}
	ext4_volume_close(volume);
}

static void run_on(const char *name, u32 steps, u32 files, u64 seed)
{
	static struct ext4_volume volume;
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "ext4/%s.img", name);
	assert_true(image_load(&image, path));
	print_message("# %s\n", name);
	begin(&volume, true);
	model_begin(&volume, &model_disk, files, seed);
	model_run(steps);
	end(&volume);
	check(name);
	/* What was written is what is read, and more can be written. */
	begin(&volume, false);
	model_remount(&volume);
	end(&volume);
	begin(&volume, true);
	model_remount(&volume);
	model_run(steps / 4);
	model_end();
	end(&volume);
	check(name);
	free(image.bytes);
}

static const char *const images[] = {
	"empty-ext2-1k", "empty-ext3-2k",  "empty-ext4-1k",        "empty-ext4-2k",
	"empty-ext4-4k", "empty-ext4-128", "empty-ext4-nojournal",
};

static void volumes_are_as_the_model_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		run_on(images[i], STEPS, FILES, 1 + i);
}

static void full_volumes_too(void **state)
{
	(void)state;
	run_on("empty-small-ext2", FULL_STEPS, FULL_FILES, 1);
	run_on("empty-small-ext4", FULL_STEPS, FULL_FILES, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes_are_as_the_model_says),
		cmocka_unit_test(full_volumes_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
