/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/pressure, in Linux's format.  Triggers are not offered: the files are only read.
 */
#include "fs/procfs/procfs.h"
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

const struct proc_entry proc_pressure_entries[] = {
	PROC_FILE("cpu", 0444, show_cpu),
	PROC_FILE("io", 0444, show_io),
	PROC_FILE("memory", 0444, show_memory),
	PROC_END,
};
