/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount options of FAT, as Linux knows them.  Those that only choose what is so anyway are
 * accepted: names are in UTF-8, short ones in code page 437, times in UTC.
 */
#include "fs/fat/fat_internal.h"
#include "fs/mount_options.h"

#include "lib/format.h"
#include "lib/string.h"

static const char *const ignored[] = {
	"iocharset=utf8", "utf8",         "utf8=1",        "utf8=yes",        "utf8=true",
	"codepage=437",   "tz=UTC",       "time_offset=0", "relatime",        "defaults",
	"check=n",        "check=normal", "check=r",       "check=relaxed",   "async",
	"nodiscard",      "numtail",      "uni_xlate=0",   "iocharset=ascii", "iocharset=iso8859-1",
};

static int parse_names(struct fat_options *options, const char *value)
{
	static const char *const kinds[] = {[FAT_MIXED] = "mixed",
					    [FAT_LOWER] = "lower",
					    [FAT_WIN95] = "win95",
					    [FAT_WINNT] = "winnt"};

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(value, kinds[i]) == 0) {
			options->short_names = (enum fat_short_names)i;
			return 0;
		}
	return -EINVAL;
}

static int parse_errors(struct fat_options *options, const char *value)
{
	if (strcmp(value, "continue") == 0)
		options->errors = FAT_ERRORS_CONTINUE;
	else if (strcmp(value, "remount-ro") == 0)
		options->errors = FAT_ERRORS_READ_ONLY;
	else if (strcmp(value, "panic") == 0)
		options->errors = FAT_ERRORS_PANIC;
	else
		return -EINVAL;
	return 0;
}

/* -ENOENT: no mask. */
static int parse_masks(struct fat_options *options, const char *word)
{
	u32 mask;
	int error = mount_option_number(word, "umask", 8, &mask);

	if (!error)
		options->file_mask = options->directory_mask = mask & S_IRWXUGO;
	if (error != -ENOENT)
		return error;
	error = mount_option_number(word, "fmask", 8, &mask);
	if (!error)
		options->file_mask = mask & S_IRWXUGO;
	if (error != -ENOENT)
		return error;
	error = mount_option_number(word, "dmask", 8, &mask);
	if (!error)
		options->directory_mask = mask & S_IRWXUGO;
	return error;
}

static int parse_word(void *context, char *word)
{
	struct fat_options *options = context;
	const char *value;
	int error = parse_masks(options, word);

	if (error == -ENOENT)
		error = mount_option_number(word, "uid", 10, &options->uid);
	if (error == -ENOENT)
		error = mount_option_number(word, "gid", 10, &options->gid);
	if (error != -ENOENT)
		return error;
	if ((value = mount_option_value(word, "shortname")))
		return parse_names(options, value);
	if ((value = mount_option_value(word, "errors")))
		return parse_errors(options, value);
	if (strcmp(word, "nonumtail") == 0)
		options->plain_tails = true;
	else if (strcmp(word, "quiet") == 0)
		options->quiet = true;
	else if (strcmp(word, "showexec") == 0)
		options->show_exec = true;
	else if (strcmp(word, "flush") == 0)
		options->flush = true;
	else if (!mount_option_is_one(word, ignored, ARRAY_SIZE(ignored)))
		return -EINVAL;
	return 0;
}

int fat_options_parse(struct fat_options *options, const char *text)
{
	return mount_options_parse(text, options, parse_word);
}

int fat_options_show(struct superblock *superblock, char *buffer, size_t size)
{
	static const char *const kinds[] = {"mixed", "lower", "win95", "winnt"};
	static const char *const errors[] = {"remount-ro", "continue", "panic"};
	const struct fat_options *options = &fat_super(superblock)->options;

	return (int)ksnprintf(buffer, size,
			      ",uid=%u,gid=%u,fmask=%04o,dmask=%04o,codepage=437,iocharset=utf8,"
			      "shortname=%s%s%s%s%s,errors=%s",
			      options->uid, options->gid, options->file_mask,
			      options->directory_mask, kinds[options->short_names],
			      options->plain_tails ? ",nonumtail" : "",
			      options->quiet ? ",quiet" : "", options->show_exec ? ",showexec" : "",
			      options->flush ? ",flush" : "", errors[options->errors]);
}
