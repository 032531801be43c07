/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of an overlay: lowerdir=A:B:C, upperdir=, workdir=, userxattr.
 *
 * Commas, colons and backslashes of paths have a backslash before them.  Options of Linux that only
 * say that something optional is left out are taken.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/string.h"

enum { OPTIONS_MAX = PAGE_SIZE };

/* Ends *word at the next separator that has no backslash before it; what follows, or NULL. */
static char *cut(char *word, char separator)
{
	for (char *at = word; *at; at++) {
		if (*at == '\\' && at[1]) {
			at++;
		} else if (*at == separator) {
			*at = '\0';
			return at + 1;
		}
	}
	return NULL;
}

static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

char *overlay_next_path(char **list)
{
	char *path = *list;

	*list = cut(path, ':');
	unescape(path);
	return path;
}

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

/* What is not there is not asked for. */
static bool is_harmless(const char *word)
{
	static const char *const words[] = {
		"index=off",        "metacopy=off", "nfs_export=off",
		"redirect_dir=off", "uuid=on",      "redirect_dir=nofollow",
		"verity=off",       "xino=off",     "xino=on",
		"xino=auto",        "relatime",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return !*word;
}

static int parse_word(struct overlay_options *options, char *word)
{
	if (begins(word, "lowerdir="))
		options->lower = word + 9;
	else if (begins(word, "upperdir="))
		options->upper = word + 9;
	else if (begins(word, "workdir="))
		options->work = word + 8;
	else if (strcmp(word, "userxattr") == 0)
		options->user_attributes = true;
	else if (!is_harmless(word))
		return -EINVAL;
	return 0;
}

static void show(struct overlay_options *options, const char *name, const char *value)
{
	if (!value)
		return;
	strscpy(options->shown + strlen(options->shown), name, OPTIONS_MAX);
	strscpy(options->shown + strlen(options->shown), value, OPTIONS_MAX);
}

int overlay_parse_options(const char *text, struct overlay_options *options)
{
	size_t length = text ? strlen(text) : 0;
	int error = 0;

	*options = (struct overlay_options){0};
	if (length >= OPTIONS_MAX)
		return -EINVAL;
	options->text = kzalloc(length + 1);
	/* Separators and names grow by no more than this. */
	options->shown = kzalloc(length + 64);
	if (!options->text || !options->shown)
		return -ENOMEM;
	if (length > 0)
		memcpy(options->text, text, length);
	for (char *word = options->text, *next; word && !error; word = next) {
		next = cut(word, ',');
		error = parse_word(options, word);
	}
	if (error || !options->lower)
		return -EINVAL;
	show(options, ",lowerdir=", options->lower);
	show(options, ",upperdir=", options->upper);
	show(options, ",workdir=", options->work);
	show(options, ",userxattr", options->user_attributes ? "" : NULL);
	if (options->upper)
		unescape(options->upper);
	if (options->work)
		unescape(options->work);
	/* Without an upper directory there is nothing to work for. */
	return options->upper && !options->work ? -EINVAL : 0;
}

void overlay_free_options(struct overlay_options *options)
{
	kfree(options->text);
	kfree(options->shown);
}
