/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking the options of a mount apart: mount_options.h. */
#include "fs/mount_options.h"

#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"

int mount_options_parse(const char *options, void *context, int (*parse)(void *context, char *word))
{
	char word[MOUNT_OPTION_MAX];

	while (options && *options) {
		const char *comma = strchr(options, ',');
		size_t length = comma ? (size_t)(comma - options) : strlen(options);
		int error;

		if (length >= sizeof(word))
			return -EINVAL;
		memcpy(word, options, length);
		word[length] = '\0';
		error = parse(context, word);
		if (error)
			return error;
		options += length + (comma ? 1 : 0);
	}
	return 0;
}

bool mount_option_is_one(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return *word == '\0';
}

const char *mount_option_value(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

int mount_option_number(const char *word, const char *name, unsigned base, u32 *number)
{
	const char *value = mount_option_value(word, name);
	u64 parsed;

	if (!value)
		return -ENOENT;
	if (parse_u64(value, base, &parsed) || parsed > UINT32_MAX)
		return -EINVAL;
	*number = (u32)parsed;
	return 0;
}
