/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount options of ext2, ext3 and ext4.  Those that only choose what is so anyway are accepted.
 */
#include "fs/ext4/ext4_internal.h"

#include "lib/format.h"
#include "lib/parse.h"
#include "lib/string.h"

enum { WORD_MAX = 64 };

static const char *const ignored[] = {
	"acl",        "user_xattr",    "data=ordered",    "delalloc", "block_validity", "relatime",
	"seclabel",   "async",         "nodiscard",       "grpid",    "nogrpid",        "bsdgroups",
	"sysvgroups", "auto_da_alloc", "noauto_da_alloc", "defaults", "noquota",        "extents",
};

static bool is_ignored(const char *word)
{
	for (u32 i = 0; i < ARRAY_SIZE(ignored); i++)
		if (strcmp(word, ignored[i]) == 0)
			return true;
	return *word == '\0';
}

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

static int parse_word(struct ext4_options *options, const char *word)
{
	u64 number;

	if (is_ignored(word))
		return 0;
	if (strncmp(word, "errors=", 7) == 0)
		return parse_errors(options, word + 7);
	if (strcmp(word, "barrier") == 0 || strcmp(word, "barrier=1") == 0) {
		options->no_barriers = false;
		return 0;
	}
	if (strcmp(word, "nobarrier") == 0 || strcmp(word, "barrier=0") == 0) {
		options->no_barriers = true;
		return 0;
	}
	if (strncmp(word, "commit=", 7) != 0 || parse_u64(word + 7, 10, &number) ||
	    number > UINT16_MAX)
		return -EINVAL;
	options->commit_seconds = (u32)number;
	return 0;
}

int ext4_options_parse(struct ext4_options *options, const char *text)
{
	char word[WORD_MAX];

	while (text && *text) {
		const char *comma = strchr(text, ',');
		size_t length = comma ? (size_t)(comma - text) : strlen(text);
		int error;

		if (length >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, length);
		word[length] = '\0';
		error = parse_word(options, word);
		if (error)
			return error;
		text += length + (comma ? 1 : 0);
	}
	return 0;
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
