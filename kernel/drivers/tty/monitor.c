/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor: which lines are its own, and the commands about memory and processes; see monitor.h.
 *
 * A byte ~ at the beginning of a line is kept, and so is what follows as long as it may become a
 * command.  What turns out to be none goes on to the terminal as it was typed, so a program gets
 * every other line.  A complete command is run by a thread, as commands sleep; while one runs the
 * next is dropped.
 *
 * `lock` guards the line that is collected and the queue; taken in the interrupt handler.
 */
#include "drivers/tty/monitor.h"

#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/meminfo.h"
#include "mm/paging.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/sched.h"

enum { LINE_LENGTH = 64, QUEUE = 8, DUMP_MAX = 4096, DUMP_COLUMNS = 16 };

static struct {
	spinlock_t lock;
	struct tty *tty; /* constant once set; NULL: there is no monitor */
	char line[LINE_LENGTH];
	size_t length;    /* lock; 0: nothing is being collected */
	bool inside_line; /* lock: the terminal's line has begun */
	u32 first, last;  /* lock: commands that wait, counted for ever */
	char queue[QUEUE][LINE_LENGTH];
	wait_queue_t wait;
} monitor;

/* --- Commands --- */

static void show_memory(struct text *text, const char *arguments __unused)
{
	meminfo_t info;

	get_meminfo(&info);
	text_printf(text, "total %zu KiB, free %zu, kernel %zu, user %zu, cache %zu\n",
		    info.total / KIB, info.free / KIB, info.kernel / KIB, info.user / KIB,
		    info.cache / KIB);
	text_printf(text, "slab %zu KiB, page tables %zu, committed %zu, swap %zu of %zu free\n",
		    info.slab / KIB, info.page_tables / KIB, info.committed / KIB,
		    info.swap_free / KIB, info.swap_total / KIB);
}

static void show_processes(struct text *text, const char *arguments __unused)
{
	char name[TASK_COMM_LENGTH];
	struct process *process;
	proc_meminfo_t info;

	text_printf(text, "    PID  RESIDENT   VIRTUAL NAME (sizes in KiB)\n");
	for (pid_t pid = 1; (process = process_next(pid)) != NULL; pid++) {
		pid = process->pid;
		struct task *task = process_next_thread(process, pid_namespace_first(), pid);
		strscpy(name, "", sizeof(name));
		if (task != NULL) {
			task_get_name(task, name);
			task_put(task);
		}
		if (get_proc_meminfo(pid, &info) != 0)
			info = (proc_meminfo_t){0};
		text_printf(text, "%7d %9zu %9zu %s\n", pid, info.resident / KIB,
			    info.virtual_size / KIB, name);
		process_put(process);
	}
}

static void dump_line(struct text *text, const u8 *bytes, size_t count)
{
	text_printf(text, "%p:", (const void *)bytes);
	for (size_t i = 0; i < DUMP_COLUMNS; i++)
		i < count ? text_printf(text, " %02x", bytes[i]) : text_append(text, "   ", 3);
	text_append(text, "  ", 2);
	for (size_t i = 0; i < count; i++)
		text_printf(text, "%c", bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
	text_append(text, "\n", 1);
}

/* ADDRESS SIZE, of kernel memory that is mapped. */
static void dump(struct text *text, const char *arguments)
{
	char word[LINE_LENGTH];
	u64 address, size;

	if (cmdline_next(&arguments, word, sizeof(word)) < 0 || parse_u64(word, 16, &address) ||
	    cmdline_next(&arguments, word, sizeof(word)) < 0 || parse_size(word, &size) ||
	    size > DUMP_MAX || address < KERNEL_BASE || address + size < address) {
		text_printf(text, "dump ADDRESS SIZE: hexadecimal, of the kernel; up to %d bytes\n",
			    DUMP_MAX);
		return;
	}
	for (u64 at = address; at < address + size; at += DUMP_COLUMNS) {
		size_t count = MIN((u64)DUMP_COLUMNS, address + size - at);
		if (paging_get_physical(at) == 0 || paging_get_physical(at + count - 1) == 0) {
			text_printf(text, "%p: nothing is mapped\n", (void *)at);
			return;
		}
		dump_line(text, (const u8 *)at, count);
	}
}

static void help(struct text *text, const char *arguments);

static const struct {
	const char *name;
	void (*run)(struct text *text, const char *arguments);
	const char *meaning;
} commands[] = {
	{"~1", monitor_cow_status, "the monitor's own pages, and who shares them"},
	{"~2", monitor_cow_stats, "copy-on-write in figures"},
	{"~3", monitor_cow_create, "makes pages, and a copy that shares them"},
	{"~4", monitor_cow_protect, "forbids writing to them"},
	{"~5", monitor_cow_unprotect, "permits it again"},
	{"~6", monitor_cow_test, "checks that copies are apart"},
	{"~mem", show_memory, "who has the memory"},
	{"~dump", dump, "ADDRESS SIZE: kernel memory"},
	{"~ps", show_processes, "the processes"},
	{"~help", help, "this list"},
};

static void help(struct text *text, const char *arguments __unused)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		text_printf(text, "%-6s %s\n", commands[i].name, commands[i].meaning);
}

/* The command that a line begins with, or -1. */
static int find_command(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t length = strlen(commands[i].name);
		if (strncmp(line, commands[i].name, length) == 0 &&
		    (line[length] == '\0' || line[length] == ' '))
			return (int)i;
	}
	return -1;
}

/* --- The thread --- */

static bool grow(struct text *text, size_t size)
{
	size_t capacity = ALIGN_UP(size, (size_t)PAGE_SIZE);
	char *data = krealloc(text->data, capacity);

	if (data == NULL)
		return false;
	text->data = data;
	text->capacity = capacity;
	return true;
}

static void send(const char *bytes, size_t count)
{
	while (count != 0) {
		unsigned long flags = spin_lock_irqsave(&monitor.tty->lock);
		size_t sent = monitor.tty->ops->write(monitor.tty, (const u8 *)bytes, count);
		spin_unlock_irqrestore(&monitor.tty->lock, flags);
		bytes += sent;
		count -= sent;
		if (sent == 0)
			task_sleep(NSEC_PER_MSEC);
	}
}

/* Whatever mode a program has put the terminal in, a line's end is both bytes. */
static void send_text(const struct text *text)
{
	for (size_t at = 0, end; at < text->length; at = end) {
		const char *newline = memchr(text->data + at, '\n', text->length - at);
		end = newline != NULL ? (size_t)(newline - text->data) + 1 : text->length;
		send(text->data + at, end - at - (newline != NULL));
		if (newline != NULL)
			send("\r\n", 2);
	}
}

static void run_command(const char *line)
{
	struct text text = {.grow = grow};
	int number = find_command(line);
	const char *arguments = line + strlen(commands[number].name);

	text_printf(&text, "%s\n", line);
	commands[number].run(&text, arguments);
	if (text.failed)
		text_printf(&text, "no memory\n");
	send_text(&text);
	kfree(text.data);
}

static void monitor_thread(void *argument __unused)
{
	for (;;) {
		wait_event(&monitor.wait, READ_ONCE(monitor.first) != READ_ONCE(monitor.last));
		run_command(monitor.queue[monitor.first % QUEUE]);
		unsigned long flags = spin_lock_irqsave(&monitor.lock);
		monitor.first++;
		spin_unlock_irqrestore(&monitor.lock, flags);
	}
}

/* --- Input --- */

/* What is to be passed on: the line so far, and a byte. */
struct passed {
	u8 bytes[LINE_LENGTH + 1];
	size_t count;
};

static void pass_on_locked(u8 byte, struct passed *passed)
{
	memcpy(passed->bytes, monitor.line, monitor.length);
	passed->bytes[monitor.length] = byte;
	passed->count = monitor.length + 1;
	monitor.length = 0;
	monitor.inside_line = byte != '\r' && byte != '\n';
}

/* The end of a collected line; says whether a command is to be run. */
static bool finish_line_locked(u8 byte, struct passed *passed)
{
	monitor.line[monitor.length] = '\0';
	if (find_command(monitor.line) < 0) {
		pass_on_locked(byte, passed);
		return false;
	}
	monitor.length = 0;
	if (monitor.last - monitor.first == QUEUE)
		return false;
	memcpy(monitor.queue[monitor.last % QUEUE], monitor.line, LINE_LENGTH);
	monitor.last++;
	return true;
}

/* May a line with these first two bytes be a command? */
static bool is_beginning(u8 byte)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].name[1] == (char)byte)
			return true;
	return false;
}

static bool take_byte_locked(u8 byte, struct passed *passed)
{
	bool begins = monitor.length == 0 && byte == '~' && !monitor.inside_line;
	bool goes_on = monitor.length > 1 || (monitor.length == 1 && is_beginning(byte));

	if (monitor.length != 0 && (byte == '\r' || byte == '\n'))
		return finish_line_locked(byte, passed);
	if (monitor.length != 0 && (byte == '\b' || byte == 0x7f))
		monitor.length--;
	else if ((begins || goes_on) && byte >= ' ' && monitor.length < LINE_LENGTH - 1)
		monitor.line[monitor.length++] = (char)byte;
	else
		pass_on_locked(byte, passed);
	return false;
}

void monitor_receive(struct tty *tty, const u8 *bytes, size_t count)
{
	if (tty != READ_ONCE(monitor.tty)) {
		tty_receive(tty, bytes, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct passed passed = {.count = 0};
		unsigned long flags = spin_lock_irqsave(&monitor.lock);
		bool run = take_byte_locked(bytes[i], &passed);
		spin_unlock_irqrestore(&monitor.lock, flags);
		if (run)
			wake_up_all(&monitor.wait);
		if (passed.count != 0)
			tty_receive(tty, passed.bytes, passed.count);
	}
}

void monitor_init(struct tty *tty, const char *command_line)
{
	if (!cmdline_has(command_line, "monitor"))
		return;
	wait_queue_init(&monitor.wait);
	struct task *thread = kernel_thread_create(monitor_thread, NULL, "monitor");
	if (IS_ERR(thread)) {
		log_warn("monitor: no thread: error %ld", -PTR_ERR(thread));
		return;
	}
	task_put(thread);
	WRITE_ONCE(monitor.tty, tty);
}
