/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/trace_control: what is watched.  Reading shows the commands that would make it so; writing
 * takes commands, a line each:
 *
 *	EVENT on, EVENT off, all on, all off
 *	task TID             only what this thread does; 0: all
 *	entries N            entries a CPU, a power of two, while all events are off
 *	profile HERTZ, profile off
 *	count PATTERN, count off
 *	clear                forgets everything that was recorded
 *
 * What went wrong with one command ends the write; those before it are done.
 */
#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "proc/credentials.h"
#include "trace/trace_internal.h"

mutex_t trace_lock = MUTEX_INIT(trace_lock);

int trace_show_control(const struct proc_node *node __unused, struct text *text)
{
	mutex_lock(&trace_lock);
	for (u32 event = 0; event < TRACE_EVENTS; event++)
		text_printf(text, "%s %s\n", trace_event_names[event],
			    trace_is_on(event) ? "on" : "off");
	text_printf(text, "task %u\n", trace_task_locked());
	text_printf(text, "entries %lu\n", (unsigned long)trace_entries_locked());
	if (profile_hertz_locked() != 0)
		text_printf(text, "profile %u\n", profile_hertz_locked());
	else
		text_printf(text, "profile off\n");
	text_printf(text, "functions counted: %u\n", count_functions_locked());
	mutex_unlock(&trace_lock);
	return 0;
}

/* --- Commands: each takes its word, or NULL --- */

static int set_profile(const char *word)
{
	u64 hertz;

	if (strcmp(word, "off") == 0)
		return profile_set_locked(0);
	return parse_u64(word, 10, &hertz) == 0 ? profile_set_locked(hertz) : -EINVAL;
}

static int set_count(const char *word)
{
	if (strcmp(word, "off") != 0)
		return count_add_locked(word);
	count_end_locked();
	return 0;
}

static int set_task(const char *word)
{
	u64 tid;

	if (parse_u64(word, 10, &tid) != 0 || tid > INT_MAX)
		return -EINVAL;
	trace_set_task_locked((u32)tid);
	return 0;
}

static int set_entries(const char *word)
{
	u64 entries;

	return parse_u64(word, 10, &entries) == 0 ? trace_set_entries_locked(entries) : -EINVAL;
}

static int set_events(const char *name, const char *word)
{
	bool on = strcmp(word, "on") == 0;
	u32 mask = READ_ONCE(trace_mask), chosen = 0;

	if (!on && strcmp(word, "off") != 0)
		return -EINVAL;
	for (u32 event = 0; event < TRACE_EVENTS; event++)
		if (strcmp(name, "all") == 0 || strcmp(name, trace_event_names[event]) == 0)
			chosen |= (u32)BIT(event);
	if (chosen == 0)
		return -EINVAL;
	return trace_set_mask_locked(on ? mask | chosen : mask & ~chosen);
}

static int clear(void)
{
	trace_clear_locked();
	profile_clear_locked();
	count_clear_locked();
	return 0;
}

static int run_command(const char *name, const char *word)
{
	static const struct {
		const char *name;
		int (*set)(const char *word);
	} settings[] = {
		{"profile", set_profile},
		{"count", set_count},
		{"task", set_task},
		{"entries", set_entries},
	};

	if (strcmp(name, "clear") == 0)
		return word == NULL ? clear() : -EINVAL;
	if (word == NULL)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(name, settings[i].name) == 0)
			return settings[i].set(word);
	return set_events(name, word);
}

/* A line: a name, and at most one word more. */
static int run_line(char *line)
{
	char *word = strchr(line, ' ');

	if (word != NULL)
		*word++ = '\0';
	if (line[0] == '\0')
		return 0;
	return run_command(line, word);
}

int trace_store_control(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	int error = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&trace_lock);
	for (char *line = value, *next; line != NULL && error == 0; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		error = run_line(line);
	}
	mutex_unlock(&trace_lock);
	return error;
}
