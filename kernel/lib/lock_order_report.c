/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock-order checker: what it says.
 *
 * A report is put together in one buffer, by one CPU at a time, and ends in a panic; or, when a
 * test waits for it, in the test's buffer.
 */
#include "lib/format.h"
#include "lib/lock_order_internal.h"
#include "lib/panic.h"
#include "lib/string.h"

enum { REPORT_SIZE = 3072 };

static u32 reporting; /* atomic: 1 while somebody fills the buffer */
static char report[REPORT_SIZE];
static size_t report_length;

static char *catch_buffer; /* atomic; NULL: reports are panics */
static size_t catch_size;

void lock_report_begin(void)
{
	while (__atomic_exchange_n(&reporting, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	lock_cpus[cpu_id()].reporting = true;
	report_length = 0;
}

void lock_report(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_length += kvsnprintf(report + report_length, sizeof(report) - report_length, format,
				    arguments);
	va_end(arguments);
}

static const char *short_file(const char *file)
{
	static const char top[] = "kernel/";

	return strncmp(file, top, sizeof(top) - 1) == 0 ? file + sizeof(top) - 1 : file;
}

const char *lock_class_name(u16 number, char *buffer, size_t size)
{
	const struct lock_class *class = &lock_classes[number];
	const char *name = class->name + (class->name[0] == '&');

	if (class->nest == 0)
		snprintf(buffer, size, "%s:%s", short_file(class->file), name);
	else
		snprintf(buffer, size, "%s:%s/%u", short_file(class->file), name, class->nest);
	return buffer;
}

void lock_report_chain(const u16 *chain, unsigned length)
{
	char from[LOCK_NAME], to[LOCK_NAME];

	for (unsigned i = 0; i + 1 < length; i++) {
		const struct lock_edge *edge = lock_edge_find(chain[i], chain[i + 1]);
		if (edge == NULL)
			continue;
		lock_report("\n  seen: %s (%s:%u), then %s (%s:%u)",
			    lock_class_name(edge->from, from, sizeof(from)),
			    short_file(edge->from_site->file), edge->from_site->line,
			    lock_class_name(edge->to, to, sizeof(to)),
			    short_file(edge->to_site->file), edge->to_site->line);
	}
}

static void report_stack(const struct held_lock *held, u32 depth)
{
	char name[LOCK_NAME];

	for (u32 i = 0; i < depth; i++)
		lock_report("\n  held: %s (%s:%u)%s",
			    lock_class_name(held[i].class, name, sizeof(name)),
			    short_file(held[i].site->file), held[i].site->line,
			    held[i].in_interrupt ? " in an interrupt handler" : "");
}

void lock_report_held(void)
{
	const struct lock_cpu *cpu = &lock_cpus[cpu_id()];

	if (cpu->task != NULL)
		report_stack(cpu->task->held, cpu->task->depth);
	report_stack(cpu->held, cpu->depth);
}

void lock_report_end(void)
{
	char *catcher = __atomic_load_n(&catch_buffer, __ATOMIC_ACQUIRE);

	if (catcher == NULL)
		panic("lock order: %s", report);
	if (catcher[0] == '\0')
		strscpy(catcher, report, catch_size);
	lock_cpus[cpu_id()].reporting = false;
	__atomic_store_n(&reporting, 0, __ATOMIC_RELEASE);
}

void lock_order_catch(char *buffer, size_t size)
{
	if (buffer != NULL)
		buffer[0] = '\0';
	catch_size = size;
	__atomic_store_n(&catch_buffer, buffer, __ATOMIC_RELEASE);
}

size_t lock_order_describe(unsigned number, char *buffer, size_t size)
{
	static const char *const uses[LOCK_USES] = {
		[USE_IN_INTERRUPT] = " in-interrupt",
		[USE_INTERRUPTS_ON] = " interrupts-on",
		[USE_INTERRUPTS_OFF] = " interrupts-off",
		[USE_ACROSS_CALL] = " across-call",
	};
	char name[LOCK_NAME];
	size_t length = 0;

	if (number == 0 || number > lock_class_count())
		return 0;
	const struct lock_class *class = &lock_classes[number];
	length += ksnprintf(buffer, size, "%s (%s", lock_class_name((u16)number, name, LOCK_NAME),
			    class->kind & LOCK_SLEEP ? "sleeps" : "spins");
	for (unsigned use = 0; use < LOCK_USES; use++)
		if (class->uses[use] != NULL)
			length += ksnprintf(buffer + length, size - length, "%s", uses[use]);
	length += ksnprintf(buffer + length, size - length, ")\n");
	for (u16 to = 1; to <= lock_class_count(); to++)
		if (lock_edge_known((u16)number, to))
			length += ksnprintf(buffer + length, size - length, "\t> %s\n",
					    lock_class_name(to, name, LOCK_NAME));
	return length;
}
