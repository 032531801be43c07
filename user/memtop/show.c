/* SPDX-License-Identifier: BSD-2-Clause */
/* memtop: the view, as lines of text. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <string.h>

#include "memtop.h"

enum { BAR = 40 };

struct page {
	FILE *to;
	int rows; /* that are left */
	const char *end;
};

__attribute__((format(printf, 2, 3))) static void line(struct page *page, const char *format, ...)
{
	va_list arguments;

	if (page->rows-- <= 0)
		return;
	va_start(arguments, format);
	vfprintf(page->to, format, arguments);
	va_end(arguments);
	fputs(page->end, page->to);
}

static void bar(struct page *page, const char *name, long part, long whole)
{
	char text[BAR + 1];
	long filled = whole > 0 ? part * BAR / whole : 0;

	for (int i = 0; i < BAR; i++)
		text[i] = i < filled ? '#' : '.';
	text[BAR] = '\0';
	line(page, "%-12s %9ld KiB %s", name, part, text);
}

/* Events a second; 0 where the kernel does not count them. */
static double rate(const struct sample *now, const struct sample *before, long after, long earlier)
{
	double seconds = now->time - before->time;

	return after < 0 || seconds <= 0 ? 0 : (double)(after - earlier) / seconds;
}

#define RATE(name) rate(now, before, now->counters.name, before->counters.name)

static void show_system(struct page *page, const struct sample *now, const struct sample *before)
{
	bar(page, "free", now->free, now->total);
	bar(page, "anonymous", now->anonymous, now->total);
	bar(page, "cache", now->cached, now->total);
	bar(page, "slab", now->slab, now->total);
	bar(page, "page tables", now->page_tables, now->total);
	if (now->swap_total > 0)
		bar(page, "swap used", now->swap_total - now->swap_free, now->swap_total);
	line(page, "shared by fork: %ld pages, %ld KiB saved", now->cow_pages,
	     now->saved < 0 ? -1 : now->saved / 1024);
	line(page,
	     "faults/s: %.0f (demand %.0f, file %.0f, copy-on-write %.0f: %.0f copied, %.0f "
	     "reused)",
	     RATE(faults), RATE(demand), RATE(file), RATE(cow), RATE(duplicated), RATE(reused));
	line(page, "swap/s: in %.0f, out %.0f", RATE(swapped_in), RATE(swapped_out));
	for (int i = 0; i < 2; i++)
		if (now->pressure[i][0] != '\0')
			line(page, "pressure: %s", now->pressure[i]);
}

void show(FILE *to, const struct sample *now, const struct sample *before, int rows,
	  const char *end)
{
	struct page page = {to, rows, end};

	line(&page, "memtop: %ld KiB, %zu processes", now->total, now->process_count);
	show_system(&page, now, before);
	line(&page, "%7s %9s %9s %9s %7s  %s", "PID", "RESIDENT", "ITS PART", "SHARED", "TABLES",
	     "NAME (KiB)");
	for (size_t i = 0; i < now->process_count && page.rows > 0; i++) {
		const struct process *process = &now->processes[i];
		line(&page, "%7d %9ld %9ld %9ld %7ld  %s", process->pid, process->resident,
		     process->proportional, process->shared, process->tables, process->name);
	}
}
