/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/trace: the events, a line each, the oldest first:
 *
 *	            sh-12    [001]     3.141592: sched_switch: state=S next=idle:0
 *
 * Thread, its number, CPU, seconds since the start, event.  A reader gets the events that were there
 * when he began; whoever begins again from the beginning gets them anew.
 *
 * Locks: view->lock (mutex) keeps readers of one open file apart; trace_lock inside.
 */
#include "arch/machine.h"
#include "fs/device.h"
#include "fs/file.h"
#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/iov.h"
#include "mm/kmalloc.h"
#include "mm/vmalloc.h"
#include "trace/trace_internal.h"

enum { LINE_SIZE = 256 };

const char *const trace_event_names[TRACE_EVENTS] = {
	[TRACE_SCHED_SWITCH] = "sched_switch", [TRACE_SCHED_WAKEUP] = "sched_wakeup",
	[TRACE_PAGE_FAULT] = "page_fault",     [TRACE_SYSCALL_ENTER] = "syscall_enter",
	[TRACE_SYSCALL_EXIT] = "syscall_exit", [TRACE_BLOCK_START] = "block_start",
	[TRACE_BLOCK_END] = "block_end",       [TRACE_IRQ] = "irq",
	[TRACE_TASK_NEW] = "task_new",         [TRACE_TASK_EXEC] = "task_exec",
	[TRACE_TASK_EXIT] = "task_exit",       [TRACE_SIGNAL] = "signal",
};

/* --- The text of an event --- */

static char state_letter(u64 state)
{
	if (state == TASK_RUNNING)
		return 'R';
	if (state & TASK_DEAD)
		return 'X';
	if (state & (TASK_STOPPED | TASK_TRACED))
		return 'T';
	return state & TASK_INTERRUPTIBLE ? 'S' : 'D';
}

/* A name that came as two words. */
static void get_name(const u64 *words, char name[TASK_COMM_LENGTH + 1])
{
	memcpy(name, words, TASK_COMM_LENGTH);
	name[TASK_COMM_LENGTH] = '\0';
}

static const char *call_name(u64 number)
{
	const char *name = trace_syscall_name((u32)number);

	return name != NULL ? name : "unknown";
}

static const char *operation_name(u64 operation)
{
	static const char *const names[] = {"read", "write", "flush", "discard", "zeros"};

	return operation < ARRAY_SIZE(names) ? names[operation] : "unknown";
}

static int format_block(const struct trace_entry *entry, char *to, size_t size)
{
	const u64 *a = entry->arguments;
	int length = snprintf(to, size, "device=%u:%u %s sector=%lu", device_major(a[0]),
			      device_minor(a[0]), operation_name(a[1]), (unsigned long)a[2]);

	if (entry->event == TRACE_BLOCK_START)
		return length + snprintf(to + length, size - (size_t)length, " sectors=%lu",
					 (unsigned long)a[3]);
	return length + snprintf(to + length, size - (size_t)length, " error=%d", -(int)a[3]);
}

static int format_task(const struct trace_entry *entry, char *to, size_t size)
{
	const unsigned long *a = (const unsigned long *)entry->arguments;
	char name[TASK_COMM_LENGTH + 1];

	switch (entry->event) {
	case TRACE_SCHED_SWITCH:
		get_name(&entry->arguments[2], name);
		return snprintf(to, size, "state=%c next=%s:%lu", state_letter(a[0]), name, a[1]);
	case TRACE_SCHED_WAKEUP:
		get_name(&entry->arguments[2], name);
		return snprintf(to, size, "task=%s:%lu cpu=%lu", name, a[0], a[1]);
	case TRACE_TASK_NEW:
		get_name(&entry->arguments[2], name);
		return snprintf(to, size, "task=%s:%lu flags=0x%lx", name, a[0], a[1]);
	case TRACE_TASK_EXEC:
		return snprintf(to, size, "was=%lu", a[0]);
	case TRACE_TASK_EXIT:
		return snprintf(to, size, "status=0x%lx", a[0]);
	default:
		return snprintf(to, size, "signal=%lu to=%lu code=%d", a[0], a[1], (int)a[2]);
	}
}

static int format_arguments(const struct trace_entry *entry, char *to, size_t size)
{
	const unsigned long *a = (const unsigned long *)entry->arguments;

	switch (entry->event) {
	case TRACE_PAGE_FAULT:
		return snprintf(to, size, "address=0x%lx flags=0x%lx ip=0x%lx", a[0], a[1], a[2]);
	case TRACE_SYSCALL_ENTER:
		return snprintf(to, size, "%s(0x%lx, 0x%lx, 0x%lx)", call_name(a[0]), a[1], a[2],
				a[3]);
	case TRACE_SYSCALL_EXIT:
		return snprintf(to, size, "%s = %ld", call_name(a[0]), (long)a[1]);
	case TRACE_IRQ:
		return snprintf(to, size, "vector=0x%lx", a[0]);
	case TRACE_BLOCK_START:
	case TRACE_BLOCK_END:
		return format_block(entry, to, size);
	default:
		return format_task(entry, to, size);
	}
}

static size_t format_entry(const struct trace_entry *entry, char line[LINE_SIZE])
{
	nsec_t usec = entry->time / NSEC_PER_USEC;
	int length = snprintf(line, LINE_SIZE, "%16.16s-%-6d [%03u] %6lu.%06lu: %s: ", entry->comm,
			      entry->tid, entry->cpu, (unsigned long)(usec / 1000000),
			      (unsigned long)(usec % 1000000), trace_event_names[entry->event]);

	length += format_arguments(entry, line + length, LINE_SIZE - (size_t)length - 1);
	length = MIN(length, LINE_SIZE - 2);
	line[length++] = '\n';
	return (size_t)length;
}

/* --- The file --- */

struct view {
	mutex_t lock;
	struct trace_entry *entries; /* lock, as all below; vmalloc'd */
	size_t count, next;
	char line[LINE_SIZE]; /* what was made last */
	size_t length, taken;
};

static int trace_open(struct inode *inode __unused, struct file *file)
{
	struct view *view = kzalloc(sizeof(*view));

	if (view == NULL)
		return -ENOMEM;
	mutex_init(&view->lock);
	file->private = view;
	return 0;
}

static void trace_release(struct file *file)
{
	struct view *view = file->private;

	vfree(view->entries);
	kfree(view);
}

static void begin(struct view *view)
{
	vfree(view->entries);
	mutex_lock(&trace_lock);
	view->entries = trace_snapshot_locked(&view->count);
	mutex_unlock(&trace_lock);
	view->next = view->length = view->taken = 0;
}

/* As much of the text as there is room for. */
static ssize_t copy_lines(struct view *view, struct io_cursor *cursor)
{
	ssize_t done = 0;

	while (cursor->remaining > 0) {
		if (view->taken == view->length) {
			if (view->next == view->count)
				break;
			view->length = format_entry(&view->entries[view->next++], view->line);
			view->taken = 0;
		}
		size_t part = MIN(view->length - view->taken, cursor->remaining);
		ssize_t copied = io_copy_to(cursor, view->line + view->taken, part);
		if (copied < 0)
			return done > 0 ? done : copied;
		view->taken += (size_t)copied;
		done += copied;
		if ((size_t)copied < part)
			break;
	}
	return done;
}

static ssize_t trace_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct view *view = file->private;
	ssize_t result = mutex_lock_interruptible(&view->lock);

	if (result)
		return result;
	if (*position == 0)
		begin(view);
	result = copy_lines(view, cursor);
	mutex_unlock(&view->lock);
	if (result > 0)
		*position += result;
	return result;
}

const struct file_operations trace_file_operations = {
	.open = trace_open,
	.release = trace_release,
	.read = trace_read,
};
