/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/pressure, in Linux's format.
 *
 * Who writes "some 150000 1000000" (microseconds) gets a trigger (proc/pressure.h) that lives as
 * long as the open file: poll(2) says POLLPRI when it fires.  An open file has one at most.
 */
#include "fs/poll.h"
#include "fs/procfs/procfs.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "proc/credentials.h"
#include "proc/pressure.h"

static int show(enum pressure_resource resource, struct text *text)
{
	static const char *const names[PRESSURE_EXTENTS] = {"some", "full"};
	struct pressure_figures figures;

	for (u32 extent = 0; extent < PRESSURE_EXTENTS; extent++) {
		pressure_figures(resource, extent, &figures);
		text_printf(text, "%s avg10=%u.%02u avg60=%u.%02u avg300=%u.%02u total=%lu\n",
			    names[extent], figures.average[0] / 100, figures.average[0] % 100,
			    figures.average[1] / 100, figures.average[1] % 100,
			    figures.average[2] / 100, figures.average[2] % 100,
			    (unsigned long)(figures.total / NSEC_PER_USEC));
	}
	return 0;
}

static int show_cpu(const struct proc_node *node __unused, struct text *text)
{
	return show(PRESSURE_OF_CPU, text);
}

static int show_memory(const struct proc_node *node __unused, struct text *text)
{
	return show(PRESSURE_OF_MEMORY, text);
}

static int show_io(const struct proc_node *node __unused, struct text *text)
{
	return show(PRESSURE_OF_IO, text);
}

/* --- Triggers --- */

enum { LINE_MOST = 32 };

static enum pressure_resource resource_of(const struct file *file)
{
	const struct proc_entry *entry = proc_node_of(file->inode)->entry;

	if (entry->show == show_cpu)
		return PRESSURE_OF_CPU;
	return entry->show == show_memory ? PRESSURE_OF_MEMORY : PRESSURE_OF_IO;
}

/* The next word, as a number of microseconds. */
static bool take_time(char **text, nsec_t *time)
{
	char *word = *text;
	u64 number;

	while (*word == ' ')
		word++;
	char *end = word;
	while (*end != '\0' && *end != ' ' && *end != '\n')
		end++;
	*text = *end != '\0' ? end + 1 : end;
	*end = '\0';
	if (parse_u64(word, 10, &number) != 0 || number > UINT32_MAX)
		return false;
	*time = number * NSEC_PER_USEC;
	return true;
}

static struct pressure_trigger *make_trigger(const struct file *file, char *line)
{
	enum pressure_extent extent = PRESSURE_SOME;
	nsec_t threshold, window;

	if (strncmp(line, "full ", 5) == 0)
		extent = PRESSURE_FULL;
	else if (strncmp(line, "some ", 5) != 0)
		return ERR_PTR(-EINVAL);
	line += 5;
	if (!take_time(&line, &threshold) || !take_time(&line, &window))
		return ERR_PTR(-EINVAL);
	return pressure_trigger_create(resource_of(file), extent, threshold, window);
}

static int pressure_open(struct inode *inode, struct file *file)
{
	if (file->mode & FILE_WRITE && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return proc_text_open(inode, file);
}

static void pressure_release(struct file *file)
{
	struct pressure_trigger *trigger = proc_text_extra(file);

	if (trigger != NULL)
		pressure_trigger_destroy(trigger);
	proc_text_release(file);
}

static ssize_t pressure_write(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	size_t size = cursor->remaining;
	char line[LINE_MOST + 1];

	if (size == 0)
		return -EINVAL;
	ssize_t copied = io_copy_from(cursor, line, MIN(size, (size_t)LINE_MOST));
	if (copied < 0)
		return copied;
	line[copied] = '\0';
	if (proc_text_extra(file) != NULL)
		return -EBUSY;
	struct pressure_trigger *trigger = make_trigger(file, line);
	if (IS_ERR(trigger))
		return PTR_ERR(trigger);
	if (!proc_text_set_extra(file, trigger)) {
		pressure_trigger_destroy(trigger);
		return -EBUSY;
	}
	return (ssize_t)size;
}

static u32 pressure_poll(struct file *file, struct poll_table *table)
{
	struct pressure_trigger *trigger = proc_text_extra(file);

	if (trigger == NULL)
		return POLL_ALWAYS_READY | POLLERR | POLLPRI;
	poll_wait(file, pressure_trigger_queue(trigger), table);
	return POLL_ALWAYS_READY | (pressure_trigger_take(trigger) ? POLLPRI : 0);
}

static const struct file_operations pressure_operations = {
	.open = pressure_open,
	.release = pressure_release,
	.read = proc_text_read,
	.write = pressure_write,
	.poll = pressure_poll,
};

#define PRESSURE_FILE(entry_name, show_function)                                       \
	{                                                                              \
		.name = (entry_name), .mode = S_IFREG | 0666, .show = (show_function), \
		.operations = &pressure_operations                                     \
	}

const struct proc_entry proc_pressure_entries[] = {
	PRESSURE_FILE("cpu", show_cpu),
	PRESSURE_FILE("io", show_io),
	PRESSURE_FILE("memory", show_memory),
	PROC_END,
};
