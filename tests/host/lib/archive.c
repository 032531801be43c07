/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Archives: both cpio readers must say the same of every archive, whole, cut or broken, however it
 * is cut into pieces; and initramfs images of every mixture are read.
 */
#include "test.h"

#include <string.h>

#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/initramfs.h"

enum { ARCHIVE_MAX = 64 * 1024 };

/* Where the second entry starts after one called "first" with four bytes of data. */
enum { SECOND = 120 };

static u8 archive[ARCHIVE_MAX];
static size_t archive_size;

static int start_archive(void **state)
{
	(void)state;
	archive_size = 0;
	return 0;
}

static void pad_archive(void)
{
	while (archive_size % 4)
		archive[archive_size++] = 0;
}

static void add_entry(const char *name, u32 mode, u32 inode, u32 links, const void *data,
		      size_t size)
{
	archive_size += (size_t)snprintf(
		(char *)archive + archive_size, 111,
		"070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", inode, mode, 1000u,
		100u, links, 1234567890u, size, 8u, 1u, 5u, 1u, strlen(name) + 1, 0u);
	memcpy(archive + archive_size, name, strlen(name) + 1);
	archive_size += strlen(name) + 1;
	pad_archive();
	memcpy(archive + archive_size, data, size);
	archive_size += size;
	pad_archive();
}

static void end_archive(void)
{
	add_entry("TRAILER!!!", 0, 0, 1, "", 0);
}

static void add_some_entries(void)
{
	static char big[9000];

	memset(big, 'b', sizeof(big));
	add_entry(".", 040755, 1, 2, "", 0);
	add_entry("init", 0100755, 2, 1, "#!/bin/sh\n", 10);
	add_entry("link", 0120777, 3, 1, "init", 4);
	add_entry("one", 0100644, 4, 2, "", 0);
	add_entry("two", 0100644, 4, 2, "hard", 4);
	add_entry("dev/console", 020600, 5, 1, "", 0);
	add_entry("big", 0100644, 6, 1, big, sizeof(big));
}

/* What a stream's operations wrote down: a line an entry, its data behind it. */
static char story[2 * ARCHIVE_MAX];
static size_t story_length;
static u64 data_expected;

static int tell_entry(void *context, const struct cpio_entry *entry)
{
	(void)context;
	assert_int_equal(strlen(entry->name), entry->name_length);
	story_length +=
		(size_t)snprintf(story + story_length, sizeof(story) - story_length,
				 "%s %o %u %u %llu:", entry->name, entry->mode, entry->inode,
				 entry->links, (unsigned long long)entry->size);
	data_expected = entry->size;
	return 0;
}

static int tell_data(void *context, const u8 *bytes, size_t size)
{
	(void)context;
	assert_true(size > 0 && size <= data_expected);
	data_expected -= size;
	assert_true(story_length + size < sizeof(story));
	memcpy(story + story_length, bytes, size);
	story_length += size;
	return 0;
}

static int tell_finish(void *context)
{
	(void)context;
	assert_int_equal(data_expected, 0);
	story[story_length++] = '\n';
	story[story_length] = '\0';
	return 0;
}

static const struct cpio_ops tell = {tell_entry, tell_data, tell_finish};

static void start_story(void)
{
	story_length = 0;
	story[0] = '\0';
}

/* The same by the reader of whole archives.  Returns its last result. */
static int tell_whole(const u8 *bytes, size_t size, struct cpio_error *error)
{
	struct cpio_reader reader;
	struct cpio_entry entry;
	int result;

	cpio_open(&reader, bytes, size);
	while ((result = cpio_next(&reader, &entry)) > 0) {
		tell_entry(NULL, &entry);
		if (entry.size)
			tell_data(NULL, entry.data, entry.size);
		tell_finish(NULL);
	}
	*error = reader.error;
	return result;
}

static struct cpio_stream stream;

/* The same by the stream, fed pieces of up to @piece bytes. */
static int tell_pieces(const u8 *bytes, size_t size, size_t piece)
{
	size_t done = 0, taken = 0;
	int result = 0;

	cpio_stream_init(&stream, &tell, NULL);
	while (!result && done < size && stream.state != CPIO_END) {
		u8 *copy = malloc(MIN(piece, size - done));

		memcpy(copy, bytes + done, MIN(piece, size - done));
		result = cpio_stream_feed(&stream, copy, MIN(piece, size - done), &taken);
		free(copy);
		done += taken;
	}
	return result;
}

static void both_readers_tell_the_same_story(void **state)
{
	static char whole[sizeof(story)];
	struct cpio_error error;

	(void)state;
	add_some_entries();
	end_archive();
	start_story();
	assert_int_equal(tell_whole(archive, archive_size, &error), 0);
	assert_null(error.text);
	assert_non_null(strstr(story, "init 100755 2 1 10:#!/bin/sh\n\nlink 120777 3 1 4:init\none "
				      "100644 4 2 0:\ntwo 100644 4 2 4:hard\n"));
	strcpy(whole, story);
	for (size_t piece = 1; piece < 12000; piece += piece < 300 ? 1 : 1111) {
		start_story();
		assert_int_equal(tell_pieces(archive, archive_size, piece), 0);
		assert_int_equal(stream.state, CPIO_END);
		assert_string_equal(story, whole);
	}
}

static void all_fields_are_handed_over(void **state)
{
	struct cpio_reader reader;
	struct cpio_entry entry;

	(void)state;
	add_entry("dev/console", 020600, 5, 1, "", 0);
	cpio_open(&reader, archive, archive_size);
	assert_int_equal(cpio_next(&reader, &entry), 1);
	assert_int_equal(entry.user, 1000);
	assert_int_equal(entry.group, 100);
	assert_int_equal(entry.mtime, 1234567890);
	assert_int_equal(entry.device_major, 8);
	assert_int_equal(entry.device_minor, 1);
	assert_int_equal(entry.special_major, 5);
	assert_int_equal(entry.special_minor, 1);
}

static void a_cut_archive_is_an_error_wherever_it_is_cut(void **state)
{
	(void)state;
	add_some_entries();
	end_archive();
	for (size_t cut = 0; cut + 4 < archive_size; cut++) {
		u8 *copy = malloc(cut ? cut : 1);
		struct cpio_error error;

		memcpy(copy, archive, cut);
		start_story();
		assert_int_equal(tell_whole(copy, cut, &error), -EINVAL);
		assert_true(error.text && error.offset <= cut);
		start_story();
		assert_int_equal(tell_pieces(copy, cut, 1000), 0);
		assert_true(stream.state != CPIO_END);
		free(copy);
	}
}

static void expect_broken(size_t position, const char *bytes, const char *text)
{
	struct cpio_error error;

	start_archive(NULL);
	add_entry("first", 0100644, 1, 1, "data", 4);
	add_entry("name", 0100644, 1, 1, "data", 4);
	end_archive();
	memcpy(archive + SECOND + position, bytes, strlen(bytes));
	start_story();
	assert_int_equal(tell_whole(archive, archive_size, &error), -EINVAL);
	assert_string_equal(error.text, text);
	assert_int_equal(error.offset, SECOND);
	assert_int_equal(tell_pieces(archive, archive_size, archive_size), -EINVAL);
	assert_string_equal(stream.error.text, text);
	assert_int_equal(stream.error.offset, SECOND);
}

static void broken_entries_are_told_with_their_place(void **state)
{
	(void)state;
	expect_broken(0, "070707", "no cpio header (newc) where one must be");
	expect_broken(0, "x", "no cpio header (newc) where one must be");
	expect_broken(6, "g", "a digit in the cpio header is not hexadecimal");
	expect_broken(94, "00000000", "an entry without a name");
	expect_broken(94, "00000001", "an entry without a name");
	expect_broken(94, "00001001", "a name longer than 4095 bytes");
	expect_broken(94, "00000003", "a name without a terminator");
	expect_broken(94, "00000006", "a name that ends before its length");
}

static void a_size_beyond_the_archive_is_an_error(void **state)
{
	struct cpio_error error;

	(void)state;
	add_entry("name", 0100644, 1, 1, "data", 4);
	end_archive();
	memcpy(archive + 54, "FFFFFFFF", 8);
	assert_int_equal(tell_whole(archive, archive_size, &error), -EINVAL);
	assert_string_equal(error.text, "the archive ends within a file");
}

static int refuse_entry(void *context, const struct cpio_entry *entry)
{
	(void)context;
	(void)entry;
	return -ENOSPC;
}

static void an_error_of_the_operations_is_handed_through(void **state)
{
	static const struct cpio_ops refuse = {refuse_entry, tell_data, tell_finish};
	size_t taken;

	(void)state;
	add_some_entries();
	cpio_stream_init(&stream, &refuse, NULL);
	assert_int_equal(cpio_stream_feed(&stream, archive, archive_size, &taken), -ENOSPC);
	assert_null(stream.error.text);
}

/* Images. */
static struct initramfs_reader reader;

static u8 image[4 * ARCHIVE_MAX];
static size_t image_size;

static void add_to_image(const void *bytes, size_t size)
{
	memcpy(image + image_size, bytes, size);
	image_size += size;
}

static void add_packed(void)
{
	FILE *file = fopen("archive.cpio", "wb"), *pipe;

	assert_non_null(file);
	assert_int_equal(fwrite(archive, 1, archive_size, file), archive_size);
	fclose(file);
	pipe = popen("gzip -c archive.cpio", "r");
	assert_non_null(pipe);
	image_size += fread(image + image_size, 1, sizeof(image) - image_size, pipe);
	assert_int_equal(pclose(pipe), 0);
}

static int read_image(void)
{
	start_story();
	return initramfs_read(&reader, image, image_size, &tell, NULL);
}

static int start_image(void **state)
{
	start_archive(state);
	image_size = 0;
	return 0;
}

static void images_of_several_archives_are_read_in_order(void **state)
{
	static const u8 zeros[700];

	(void)state;
	for (int mixture = 0; mixture < 8; mixture++) {
		start_image(NULL);
		for (int part = 0; part < 3; part++) {
			char name[2] = {(char)('a' + part), 0};

			start_archive(NULL);
			add_entry(name, 0100644, 1, 1, "text", 4);
			end_archive();
			if (mixture & 1 << part)
				add_packed();
			else
				add_to_image(archive, archive_size);
			add_to_image(zeros, (size_t)part * 350);
		}
		assert_int_equal(read_image(), 0);
		assert_string_equal(
			story, "a 100644 1 1 4:text\nb 100644 1 1 4:text\nc 100644 1 1 4:text\n");
	}
}

static void several_archives_may_be_in_one_gzip_member(void **state)
{
	(void)state;
	add_entry("a", 0100644, 1, 1, "", 0);
	end_archive();
	memset(archive + archive_size, 0, 512);
	archive_size += 512;
	add_entry("b", 0100644, 1, 1, "", 0);
	end_archive();
	add_packed();
	assert_int_equal(read_image(), 0);
	assert_string_equal(story, "a 100644 1 1 0:\nb 100644 1 1 0:\n");
}

static void an_image_of_nothing_is_empty(void **state)
{
	(void)state;
	assert_int_equal(read_image(), 0);
	add_to_image("\0\0\0\0\0", 5);
	assert_int_equal(read_image(), 0);
	assert_string_equal(story, "");
}

static void expect_image_error(const char *text)
{
	assert_int_equal(read_image(), -EINVAL);
	assert_string_equal(reader.error, text);
}

static void bad_images_are_told_with_a_reason(void **state)
{
	(void)state;
	add_to_image("hello", 5);
	expect_image_error("neither a cpio archive (newc) nor gzip");
	start_image(NULL);
	add_to_image("\x28\xb5\x2f\xfd....", 8);
	expect_image_error("compressed with zstd, which is not supported (gzip is)");
	start_image(NULL);
	add_some_entries();
	add_to_image(archive, archive_size);
	expect_image_error("the archive ends before its trailer");
	assert_false(reader.error_unpacked);
	start_image(NULL);
	add_some_entries();
	add_packed();
	expect_image_error("the archive ends before its trailer");
	assert_true(reader.error_unpacked);
	start_image(NULL);
	add_some_entries();
	end_archive();
	add_packed();
	image_size -= 1;
	expect_image_error("the gzip checksum is missing");
	assert_int_equal(reader.error_offset, image_size - 7);
	start_image(NULL);
	add_to_image("\0\0\0\0", 4);
	add_to_image("0707", 4);
	expect_image_error("the archive ends before its trailer");
	assert_int_equal(reader.error_offset, 4);
}

static void junk_after_an_archive_is_an_error(void **state)
{
	(void)state;
	add_entry("a", 0100644, 1, 1, "", 0);
	end_archive();
	add_to_image(archive, archive_size);
	add_to_image("\0\0junk", 6);
	expect_image_error("neither a cpio archive (newc) nor gzip");
	assert_int_equal(reader.error_offset, archive_size + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_readers_tell_the_same_story, start_archive),
		cmocka_unit_test_setup(all_fields_are_handed_over, start_archive),
		cmocka_unit_test_setup(a_cut_archive_is_an_error_wherever_it_is_cut, start_archive),
		cmocka_unit_test_setup(broken_entries_are_told_with_their_place, start_archive),
		cmocka_unit_test_setup(a_size_beyond_the_archive_is_an_error, start_archive),
		cmocka_unit_test_setup(an_error_of_the_operations_is_handed_through, start_archive),
		cmocka_unit_test_setup(images_of_several_archives_are_read_in_order, start_image),
		cmocka_unit_test_setup(several_archives_may_be_in_one_gzip_member, start_image),
		cmocka_unit_test_setup(an_image_of_nothing_is_empty, start_image),
		cmocka_unit_test_setup(bad_images_are_told_with_a_reason, start_image),
		cmocka_unit_test_setup(junk_after_an_archive_is_an_error, start_image),
	};

	return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
