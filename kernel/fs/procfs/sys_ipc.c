/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the settings of inotify and of inter-process communication, below /proc/sys/fs and
 * /proc/sys/kernel.
 *
 * Each is a word in the subsystem, read and written without a lock.
 */
#include "fs/procfs/procfs.h"
#include "ipc/inotify.h"
#include "lib/parse.h"
#include "lib/string.h"

struct setting {
	const char *name;
	u64 *value;
	u64 least, most;
};

static const struct setting settings[] = {
	{"max_queued_events", &inotify_settings.queued_events, 0, INT_MAX},
	{"max_user_instances", &inotify_settings.user_instances, 0, INT_MAX},
	{"max_user_watches", &inotify_settings.user_watches, 0, INT_MAX},
};

static const struct setting *setting_of(const struct proc_node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, node->entry->name) == 0)
			return &settings[i];
	return NULL;
}

static int show(const struct proc_node *node, struct text *text)
{
	const struct setting *setting = setting_of(node);

	if (setting == NULL)
		return -EINVAL;
	text_printf(text, "%lu\n", (unsigned long)READ_ONCE(*setting->value));
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int store(const struct proc_node *node, char *value, size_t size)
{
	const struct setting *setting = setting_of(node);
	u64 number;

	while (size > 0 && is_space(value[size - 1]))
		value[--size] = '\0';
	while (is_space(*value))
		value++;
	if (setting == NULL || parse_u64(value, 10, &number) != 0 || number < setting->least ||
	    number > setting->most)
		return -EINVAL;
	WRITE_ONCE(*setting->value, number);
	return 0;
}

const struct proc_entry proc_sys_inotify_entries[] = {
	PROC_SETTING("max_queued_events", 0644, show, store),
	PROC_SETTING("max_user_instances", 0644, show, store),
	PROC_SETTING("max_user_watches", 0644, show, store),
	PROC_END,
};
