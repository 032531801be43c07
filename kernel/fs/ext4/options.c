/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount options of ext2, ext3 and ext4.  Those that only choose what is so anyway are accepted.
 */
#include "fs/ext4/ext4_internal.h"
#include "fs/mount_options.h"

#include "lib/format.h"
#include "lib/string.h"

static const char *const ignored[] = {
	"acl",        "user_xattr",    "data=ordered",    "delalloc", "block_validity", "relatime",
	"seclabel",   "async",         "nodiscard",       "grpid",    "nogrpid",        "bsdgroups",
	"sysvgroups", "auto_da_alloc", "noauto_da_alloc", "defaults", "noquota",        "extents",
};

static int parse_errors(struct ext4_options *options, const char *value)
{
	if (strcmp(value, "continue") == 0)
		options->errors = EXT4_ERRORS_CONTINUE;
	else if (strcmp(value, "remount-ro") == 0)
		options->errors = EXT4_ERRORS_READ_ONLY;
	else if (strcmp(value, "panic") == 0)
		options->errors = EXT4_ERRORS_PANIC;
	else
		return -EINVAL;
	return 0;
}

static int parse_word(void *context, char *word)
{
	struct ext4_options *options = context;
	const char *errors = mount_option_value(word, "errors");
	u32 number;
	int error;

	if (mount_option_is_one(word, ignored, ARRAY_SIZE(ignored)))
		return 0;
	if (errors)
		return parse_errors(options, errors);
	if (strcmp(word, "barrier") == 0 || strcmp(word, "barrier=1") == 0) {
		options->no_barriers = false;
		return 0;
	}
	if (strcmp(word, "nobarrier") == 0 || strcmp(word, "barrier=0") == 0) {
		options->no_barriers = true;
		return 0;
	}
	error = mount_option_number(word, "commit", 10, &number);
	if (error || number > UINT16_MAX)
		return -EINVAL;
	options->commit_seconds = number;
	return 0;
}

int ext4_options_parse(struct ext4_options *options, const char *text)
{
	return mount_options_parse(text, options, parse_word);
}

int ext4_options_show(struct superblock *superblock, char *buffer, size_t size)
{
	static const char *const errors[] = {"", "continue", "remount-ro", "panic"};
	const struct ext4_options *options = &ext4_super(superblock)->options;
	size_t length = 0;

	if (options->errors != 0)
		length += ksnprintf(buffer, size, ",errors=%s", errors[options->errors]);
	if (options->commit_seconds != 0)
		length += ksnprintf(buffer + length, size - MIN(size, length), ",commit=%u",
				    options->commit_seconds);
	if (options->no_barriers)
		length += ksnprintf(buffer + length, size - MIN(size, length), ",nobarrier");
	return (int)length;
}
