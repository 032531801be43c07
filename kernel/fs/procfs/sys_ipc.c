/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the settings of inotify, of inter-process communication, of keys and of process accounting, below
 * /proc/sys/fs and /proc/sys/kernel.
 *
 * Each is a word in the subsystem, read and written without a lock; `sem` is four of them.
 */
#include "fs/calls.h"
#include "fs/procfs/procfs.h"
#include "ipc/aio.h"
#include "ipc/inotify.h"
#include "ipc/mqueue.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/sysv.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "proc/acct.h"
#include "proc/key.h"

struct setting {
	const char *name;
	u64 *value;
	u64 least, most;
};

static const struct setting settings[] = {
	{"aio-max-nr", &aio_limits.most, 0, INT64_MAX},
	{"aio-nr", &aio_limits.there, 0, 0},
	{"lease-break-time", &lease_settings.break_seconds, 0, INT_MAX},
	{"max_queued_events", &inotify_settings.queued_events, 0, INT_MAX},
	{"max_user_instances", &inotify_settings.user_instances, 0, INT_MAX},
	{"max_user_watches", &inotify_settings.user_watches, 0, INT_MAX},
	{"msg_default", &mqueue_limits.default_messages, 1, MQ_MOST_MESSAGES},
	{"msg_max", &mqueue_limits.messages, 1, MQ_MOST_MESSAGES},
	{"msgsize_default", &mqueue_limits.default_size, 128, MQ_LARGEST},
	{"msgsize_max", &mqueue_limits.message_size, 128, MQ_LARGEST},
	{"queues_max", &mqueue_limits.queues, 0, INT_MAX},
	{"msgmax", &msg_limits.message, 0, INT_MAX},
	{"msgmnb", &msg_limits.queue, 0, INT_MAX},
	{"maxbytes", &key_limits.bytes, 0, INT_MAX},
	{"maxkeys", &key_limits.keys, 0, INT_MAX},
	{"root_maxbytes", &key_limits.root_bytes, 0, INT_MAX},
	{"root_maxkeys", &key_limits.root_keys, 0, INT_MAX},
};

static const struct setting *setting_of(const struct proc_node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, node->entry->name) == 0)
			return &settings[i];
	return NULL;
}

int proc_show_ipc_setting(const struct proc_node *node, struct text *text)
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

/* Numbers with blanks between them: how many of at most `most` there are, -1 for anything else. */
static int parse_numbers(char *text, u64 *numbers, int most)
{
	int count = 0;

	for (;;) {
		char *start, end;

		while (is_space(*text))
			text++;
		if (*text == '\0')
			return count;
		for (start = text; *text != '\0' && !is_space(*text); text++)
			;
		end = *text;
		*text = '\0';
		if (count == most || parse_u64(start, 10, &numbers[count++]) != 0)
			return -1;
		if (end == '\0')
			return count;
		text++;
	}
}

int proc_store_ipc_setting(const struct proc_node *node, char *value, size_t size __unused)
{
	const struct setting *setting = setting_of(node);
	u64 number;

	if (setting == NULL || parse_numbers(value, &number, 1) != 1 || number < setting->least ||
	    number > setting->most)
		return -EINVAL;
	WRITE_ONCE(*setting->value, number);
	return 0;
}

const struct proc_entry proc_sys_inotify_entries[] = {
	PROC_SETTING("max_queued_events", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("max_user_instances", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("max_user_watches", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_END,
};

const struct proc_entry proc_sys_keys_entries[] = {
	PROC_SETTING("maxbytes", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("maxkeys", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("root_maxbytes", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("root_maxkeys", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_END,
};

const struct proc_entry proc_sys_mqueue_entries[] = {
	PROC_SETTING("msg_default", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("msg_max", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("msgsize_default", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("msgsize_max", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("queues_max", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_END,
};

int proc_show_queues(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%lu\n", (unsigned long)msg_get_queues_limit());
	return 0;
}

int proc_store_queues(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	u64 limit;

	if (parse_numbers(value, &limit, 1) != 1 || limit > SYSV_LIMIT)
		return -EINVAL;
	msg_set_queues_limit(limit);
	return 0;
}

int proc_show_sem(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%lu\t%lu\t%lu\t%lu\n", (unsigned long)READ_ONCE(sem_limits.each),
		    (unsigned long)READ_ONCE(sem_limits.total),
		    (unsigned long)READ_ONCE(sem_limits.operations),
		    (unsigned long)sem_get_sets_limit());
	return 0;
}

/* The first ones that are given; the others stay. */
int proc_store_sem(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	u64 given[4] = {sem_limits.each, sem_limits.total, sem_limits.operations,
			sem_get_sets_limit()};

	if (parse_numbers(value, given, ARRAY_SIZE(given)) < 1)
		return -EINVAL;
	if (given[0] > UINT16_MAX || given[1] > INT_MAX || given[2] > UINT16_MAX ||
	    given[3] > SYSV_LIMIT)
		return -EINVAL;
	WRITE_ONCE(sem_limits.each, given[0]);
	WRITE_ONCE(sem_limits.total, given[1]);
	WRITE_ONCE(sem_limits.operations, given[2]);
	sem_set_sets_limit(given[3]);
	return 0;
}

int proc_show_acct(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%u\t%u\t%u\n", READ_ONCE(acct_settings.resume),
		    READ_ONCE(acct_settings.suspend), READ_ONCE(acct_settings.interval));
	return 0;
}

int proc_store_acct(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	u64 given[3] = {acct_settings.resume, acct_settings.suspend, acct_settings.interval};

	if (parse_numbers(value, given, ARRAY_SIZE(given)) < 1)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i] > INT_MAX)
			return -EINVAL;
	WRITE_ONCE(acct_settings.resume, (u32)given[0]);
	WRITE_ONCE(acct_settings.suspend, (u32)given[1]);
	WRITE_ONCE(acct_settings.interval, (u32)given[2]);
	return 0;
}
