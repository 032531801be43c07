/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a mount: words between commas, as mount(2) hands them over. */
#ifndef FS_MOUNT_OPTIONS_H
#define FS_MOUNT_OPTIONS_H

#include "lib/types.h"

enum { MOUNT_OPTION_MAX = 64 };

/*
 * Calls a function with each word of `options` (NULL: there are none), which it may change, until
 * it returns an error, which is the result.  -EINVAL: a word is too long.
 */
int __must_check mount_options_parse(const char *options, void *context,
				     int (*parse)(void *context, char *word));
/* Is the word one of these?  Empty words always are. */
bool mount_option_is_one(const char *word, const char *const *words, size_t count);
/* What follows "name=" in the word, or NULL. */
const char *mount_option_value(const char *word, const char *name);
/* The same as a number: 0, -EINVAL; -ENOENT: it is another word. */
int __must_check mount_option_number(const char *word, const char *name, unsigned base,
				     u32 *number);

#endif
