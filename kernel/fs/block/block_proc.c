/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/partitions and /proc/diskstats, in Linux's formats (Documentation/admin-guide/iostats). */
#include "arch/clock.h"
#include "fs/block/block_internal.h"
#include "fs/device.h"
#include "fs/procfs/procfs.h"

static void show_size(struct block_device *device, void *text)
{
	if (READ_ONCE(device->sectors) > 0)
		text_printf(text, "%4u  %7u %10lu %s\n", device_major(device->number),
			    device_minor(device->number),
			    (unsigned long)(READ_ONCE(device->sectors) / 2), device->name);
}

int proc_show_partitions(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "major minor  #blocks  name\n\n");
	block_iterate(show_size, text);
	return 0;
}

static void show_op(struct text *text, const struct block_stats *stats, enum block_op op)
{
	text_printf(text, " %lu %lu %lu %lu", (unsigned long)READ_ONCE(stats->ios[op]),
		    (unsigned long)READ_ONCE(stats->merges[op]),
		    (unsigned long)READ_ONCE(stats->sectors[op]),
		    (unsigned long)(READ_ONCE(stats->time[op]) / NSEC_PER_MSEC));
}

void block_show_stats(const struct block_device *device, struct text *text)
{
	const struct block_stats *stats = &device->stats;
	u32 in_flight = READ_ONCE(stats->in_flight);
	nsec_t busy = READ_ONCE(stats->busy_time), now = clock_monotonic();

	if (in_flight > 0)
		busy += now - MIN(now, READ_ONCE(stats->busy_since));
	show_op(text, stats, BLOCK_READ);
	show_op(text, stats, BLOCK_WRITE);
	text_printf(text, " %u %lu %lu", in_flight, (unsigned long)(busy / NSEC_PER_MSEC),
		    (unsigned long)(READ_ONCE(stats->weighted_time) / NSEC_PER_MSEC));
	show_op(text, stats, BLOCK_DISCARD);
	text_printf(text, " %lu %lu\n", (unsigned long)READ_ONCE(stats->ios[BLOCK_FLUSH]),
		    (unsigned long)(READ_ONCE(stats->time[BLOCK_FLUSH]) / NSEC_PER_MSEC));
}

static void show_stats(struct block_device *device, void *text)
{
	text_printf(text, "%4u %7u %s", device_major(device->number), device_minor(device->number),
		    device->name);
	block_show_stats(device, text);
}

int proc_show_diskstats(const struct proc_node *node __unused, struct text *text)
{
	block_iterate(show_stats, text);
	return 0;
}

struct majors {
	struct text *text;
	u32 last;
};

static void show_major(struct block_device *device, void *argument)
{
	struct majors *majors = argument;
	const struct block_disk *disk = device->disk;

	if (device->partition != 0 || disk->major == majors->last)
		return;
	majors->last = disk->major;
	text_printf(majors->text, "%3u %s\n", disk->major, disk->driver);
}

void block_show_majors(struct text *text)
{
	struct majors majors = {.text = text};

	block_iterate(show_major, &majors);
}
