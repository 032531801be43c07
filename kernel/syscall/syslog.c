/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog(2): the kernel log for dmesg.
 *
 * Two places in the log are kept for all callers: where SYSLOG_ACTION_READ goes on, and up to where
 * the log was "cleared".  A line is the record's level in angle brackets and the text as the
 * consoles show it.
 */
#include "arch/clock.h"
#include "lib/abi/system.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/sync.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "syscall/table.h"

/* How often a blocked reader looks: the log wakes nobody, because it is written in any context. */
#define LOOK_PERIOD (100 * NSEC_PER_MSEC)

static mutex_t syslog_lock = MUTEX_INIT(syslog_lock);
static struct log_cursor read_cursor; /* syslog_lock */
static u64 cleared_sequence;          /* syslog_lock */

struct line {
	struct log_record record;
	char text[LOG_LINE_MAX + 8];
};

/* The next line of a cursor and its length; 0 at the end. */
static size_t next_line(struct log_cursor *cursor, struct line *line)
{
	int result;

	do
		result = log_read(cursor, &line->record);
	while (result == -EPIPE);
	if (result == 0)
		return 0;
	size_t prefix = ksnprintf(line->text, sizeof(line->text), "<%d>", (int)line->record.level);
	return prefix +
	       log_format_record(&line->record, line->text + prefix, sizeof(line->text) - prefix);
}

/* Bytes that follow the cursor, from record `from` on. */
static size_t measure(struct log_cursor cursor, u64 from, struct line *line)
{
	size_t total = 0, length;

	while ((length = next_line(&cursor, line)) != 0)
		if (line->record.sequence >= from)
			total += length;
	return total;
}

/* Copies whole lines while they fit, skipping `skip` bytes' worth of the oldest ones. */
static long copy_lines(struct log_cursor *cursor, u64 from, size_t skip, vaddr_t buffer,
		       size_t size, struct line *line)
{
	size_t done = 0;

	for (;;) {
		struct log_cursor before = *cursor;
		size_t length = next_line(cursor, line);

		if (length == 0)
			break;
		if (line->record.sequence < from)
			continue;
		if (skip > 0) {
			skip -= MIN(skip, length);
			continue;
		}
		if (done + length > size) {
			*cursor = before;
			break;
		}
		if (copy_to_user((void __user *)(buffer + done), line->text, length) < 0)
			return done != 0 ? (long)done : -EFAULT;
		done += length;
	}
	return (long)done;
}

/* The newest lines that fit. */
static long read_all(vaddr_t buffer, size_t size, struct line *line)
{
	struct log_cursor cursor;

	log_seek_first(&cursor);
	size_t total = measure(cursor, cleared_sequence, line);
	return copy_lines(&cursor, cleared_sequence, total > size ? total - size : 0, buffer, size,
			  line);
}

/* Waits until there is something to read. */
static long read_some(vaddr_t buffer, size_t size, struct line *line)
{
	while (READ_ONCE(read_cursor.sequence) >= log_next_sequence()) {
		int result = task_sleep_until(clock_monotonic() + LOOK_PERIOD, WAIT_INTERRUPTIBLE);

		if (result < 0)
			return result;
	}
	mutex_lock(&syslog_lock);
	long result = copy_lines(&read_cursor, 0, 0, buffer, size, line);
	mutex_unlock(&syslog_lock);
	return result;
}

static long perform(int action, vaddr_t buffer, size_t size, struct line *line)
{
	long result = 0;

	if (action == SYSLOG_ACTION_READ)
		return read_some(buffer, size, line);
	mutex_lock(&syslog_lock);
	if (action == SYSLOG_ACTION_SIZE_UNREAD)
		result = (long)measure(read_cursor, 0, line);
	if (action == SYSLOG_ACTION_READ_ALL || action == SYSLOG_ACTION_READ_CLEAR)
		result = read_all(buffer, size, line);
	if (result >= 0 && (action == SYSLOG_ACTION_CLEAR || action == SYSLOG_ACTION_READ_CLEAR))
		cleared_sequence = log_next_sequence();
	mutex_unlock(&syslog_lock);
	return result;
}

long sys_syslog(int action, vaddr_t buffer, int size)
{
	bool reads = action == SYSLOG_ACTION_READ || action == SYSLOG_ACTION_READ_ALL ||
		     action == SYSLOG_ACTION_READ_CLEAR;
	bool open_to_all = action == SYSLOG_ACTION_READ_ALL || action == SYSLOG_ACTION_SIZE_BUFFER;

	if (!open_to_all && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (reads && (buffer == 0 || size < 0))
		return -EINVAL;
	switch (action) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_SIZE_BUFFER:
		return LOG_RING_SIZE;
	case SYSLOG_ACTION_CONSOLE_OFF:
	case SYSLOG_ACTION_CONSOLE_ON:
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		return -ENOSYS;
	case SYSLOG_ACTION_READ:
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
	case SYSLOG_ACTION_CLEAR:
	case SYSLOG_ACTION_SIZE_UNREAD:
		break;
	default:
		return -EINVAL;
	}
	if (reads && size == 0)
		return 0;
	struct line *line = kmalloc(sizeof(*line));
	if (line == NULL)
		return -ENOMEM;
	long result = perform(action, buffer, (size_t)size, line);
	kfree(line);
	return result;
}
