/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scripts: `#!interpreter [argument]` in the first 256 bytes.
 *
 * The interpreter is called with the argument, if there is one (everything up to the end of the
 * line, blanks at both ends left out), the script's path, and the script's own arguments but for
 * the first (execve(2)).
 */
#include "lib/abi/fcntl.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/exec_internal.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_end(char c)
{
	return is_blank(c) || c == '\0';
}

struct script_line {
	char *name, *argument; /* into the head, terminated; argument NULL: none */
};

/* Takes the first line apart, in place. */
static int parse_line(char *head, size_t size, struct script_line *line)
{
	char *limit = head + size, *end = memchr(head, '\n', size);
	char *at = head + 2;

	while (at < limit && is_blank(*at))
		at++;
	if (!end) {
		/* Without an end of line the path must at least be whole. */
		char *stop = at;
		while (stop < limit && !is_end(*stop))
			stop++;
		if (at == limit || stop == limit)
			return -ENOEXEC;
		end = limit - 1;
	}
	while (end > head + 2 && is_end(end[-1]))
		end--;
	if (at >= end)
		return -ENOEXEC;
	*end = '\0';

	line->name = at;
	line->argument = NULL;
	while (at < end && !is_end(*at))
		at++;
	if (at == end || *at == '\0')
		return 0;
	*at++ = '\0';
	while (at < end && is_blank(*at))
		at++;
	if (at < end && *at)
		line->argument = at;
	return 0;
}

/* Puts the interpreter, its argument and the script before the arguments that are there, whose
 * first goes. */
static int add_prefix(struct exec *exec, const struct script_line *line)
{
	u32 more = line->argument ? 3 : 2;
	u32 keep = exec->prefix_count ? exec->prefix_count - 1 : 0;
	const char *script = exec->prefix_count ? exec->prefix[0] : exec->filename;
	char *name = kstrdup(line->name);
	char *argument = line->argument ? kstrdup(line->argument) : NULL;
	char *path = kstrdup(script);

	if (!name || !path || (line->argument && !argument) || keep + more > EXEC_PREFIX_MAX) {
		kfree(name);
		kfree(argument);
		kfree(path);
		return -ENOMEM;
	}
	if (exec->prefix_count)
		kfree(exec->prefix[0]);
	memmove(&exec->prefix[more], &exec->prefix[1], keep * sizeof(exec->prefix[0]));
	exec->prefix[0] = name;
	if (argument)
		exec->prefix[1] = argument;
	exec->prefix[more - 1] = path;
	exec->prefix_count = keep + more;
	return 0;
}

int exec_read_head(struct exec *exec)
{
	memset(exec->head, 0, sizeof(exec->head));
	ssize_t size = file_hooks->exec_read(exec->program.file, 0, exec->head, sizeof(exec->head));
	if (size < 0)
		return (int)size;
	exec->head_size = (size_t)size;
	return file_hooks->exec_attributes(exec->program.file, &exec->attributes);
}

int exec_follow_script(struct exec *exec)
{
	struct script_line line;

	if (exec->head_size < 2 || exec->head[0] != '#' || exec->head[1] != '!')
		return 0;
	int error = parse_line(exec->head, sizeof(exec->head), &line);
	if (!error)
		error = add_prefix(exec, &line);
	if (error)
		return error;

	struct file *file = file_hooks->exec_open(AT_FDCWD, exec->prefix[0], 0);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	file_hooks->exec_close(exec->program.file);
	exec->program.file = file;
	error = exec_read_head(exec);
	return error ? error : 1;
}
