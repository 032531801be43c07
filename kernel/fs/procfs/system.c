/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: figures of the whole system, in Linux's formats: meminfo, stat, cpuinfo.
 */
#include "arch/cpu.h"
#include "fs/procfs/procfs.h"
#include "lib/format.h"
#include "mm/compact.h"
#include "mm/huge.h"
#include "mm/kmalloc.h"
#include "mm/meminfo.h"
#include "mm/migrate.h"
#include "mm/pin.h"
#include "mm/pagecache.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/vmm.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/time.h"

#define TICK          (NSEC_PER_SEC / 100)
#define CPU_TEXT_SIZE 4096

static void show_kib(struct text *text, const char *name, size_t bytes)
{
	text_printf(text, "%-15s %8lu kB\n", name, (unsigned long)(bytes / KIB));
}

int proc_show_meminfo(const struct proc_node *node __unused, struct text *text)
{
	meminfo_t info;

	get_meminfo(&info);
	size_t reclaimable = info.cache - MIN(info.cache, info.shared);
	show_kib(text, "MemTotal:", info.total);
	show_kib(text, "MemFree:", info.free);
	show_kib(text, "MemAvailable:", info.free + reclaimable);
	show_kib(text, "Buffers:", info.buffer);
	show_kib(text, "Cached:", info.cache);
	show_kib(text, "SwapCached:", info.swap_cached);
	show_kib(text, "Active:", info.user + info.cache);
	show_kib(text, "Inactive:", 0);
	show_kib(text, "SwapTotal:", info.swap_total);
	show_kib(text, "SwapFree:", info.swap_free);
	show_kib(text, "Zswap:", info.compressed);
	show_kib(text, "Zswapped:", info.compressed_pages);
	show_kib(text, "Dirty:", page_cache_dirty_total() * PAGE_SIZE);
	show_kib(text, "Writeback:", 0);
	show_kib(text, "AnonPages:", info.user);
	show_kib(text, "Mapped:", 0);
	show_kib(text, "Shmem:", info.shared);
	show_kib(text, "AnonHugePages:", huge_pages_mapped() * HUGE_SIZE);
	show_kib(text, "KReclaimable:", 0);
	show_kib(text, "Slab:", info.slab);
	show_kib(text, "SReclaimable:", 0);
	show_kib(text, "SUnreclaim:", info.slab);
	show_kib(text, "PageTables:", info.page_tables);
	show_kib(text, "CommitLimit:", info.commit_limit);
	show_kib(text, "Committed_AS:", info.committed);
	show_kib(text, "VmallocTotal:", (size_t)32 * 1024 * GIB);
	show_kib(text, "VmallocUsed:", info.vmalloc);
	proc_show_hugetlb(text);
	return 0;
}

static void show_pages(struct text *text, const char *name, size_t bytes)
{
	text_printf(text, "%s %lu\n", name, (unsigned long)(bytes / PAGE_SIZE));
}

static void show_reclaim(struct text *text)
{
	struct reclaim_stats reclaim;
	struct workingset_stats workingset;

	reclaim_get_stats(&reclaim);
	workingset_get_stats(&workingset);
	text_printf(text,
		    "workingset_refault_anon %lu\nworkingset_refault_file %lu\n"
		    "workingset_activate_anon %lu\nworkingset_activate_file %lu\n",
		    (unsigned long)workingset.refaults[RECLAIM_ANONYMOUS],
		    (unsigned long)workingset.refaults[RECLAIM_FILE],
		    (unsigned long)workingset.activated[RECLAIM_ANONYMOUS],
		    (unsigned long)workingset.activated[RECLAIM_FILE]);
	text_printf(text,
		    "pgscan_anon %lu\npgscan_file %lu\npgsteal_anon %lu\npgsteal_file %lu\n"
		    "pglazyfree %lu\npglazyfreed %lu\n"
		    "pgscan_kswapd %lu\npgsteal_kswapd %lu\nallocstall_movable %lu\n",
		    (unsigned long)reclaim.scanned, (unsigned long)reclaim.scanned_files,
		    (unsigned long)reclaim.stolen, (unsigned long)reclaim.stolen_files,
		    (unsigned long)reclaim.lazy, (unsigned long)reclaim.forgotten,
		    (unsigned long)(reclaim.scanned + reclaim.scanned_files),
		    (unsigned long)(reclaim.stolen + reclaim.stolen_files),
		    (unsigned long)reclaim.waits);
}

static void show_migration(struct text *text)
{
	struct migrate_stats stats;

	migrate_get_stats(&stats);
	text_printf(text, "pgmigrate_success %lu\npgmigrate_fail %lu\n", (unsigned long)stats.moved,
		    (unsigned long)stats.left);
}

static void show_compaction(struct text *text)
{
	struct compact_stats stats;

	compact_get_stats(&stats);
	text_printf(text,
		    "compact_migrate_scanned %lu\ncompact_isolated %lu\ncompact_stall %lu\n"
		    "compact_fail %lu\ncompact_success %lu\ncompact_daemon_wake %lu\n"
		    "compact_daemon_migrate_scanned %lu\n",
		    (unsigned long)stats.scanned, (unsigned long)stats.isolated,
		    (unsigned long)stats.asked, (unsigned long)stats.failed,
		    (unsigned long)stats.succeeded, (unsigned long)stats.wakes,
		    (unsigned long)stats.daemon_scanned);
}

static void show_pins(struct text *text)
{
	struct pin_stats pins;

	vmm_get_pin_stats(&pins);
	text_printf(text, "nr_foll_pin_acquired %lu\nnr_foll_pin_released %lu\n",
		    (unsigned long)pins.acquired, (unsigned long)pins.released);
}

static void show_huge(struct text *text)
{
	static const struct {
		const char *name;
		enum huge_event event;
	} lines[] = {
		{"thp_fault_alloc", HUGE_FAULTED},
		{"thp_fault_fallback", HUGE_FAULT_FALLBACK},
		{"thp_collapse_alloc", HUGE_COLLAPSED},
		{"thp_collapse_alloc_failed", HUGE_COLLAPSE_FAILED},
		{"thp_split_page", HUGE_SPLIT_PAGES},
		{"thp_split_pmd", HUGE_SPLIT_LINKS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		text_printf(text, "%s %lu\n", lines[i].name,
			    (unsigned long)huge_events(lines[i].event));
}

/* The counters that there are; a name that is missing says so to a program better than a zero. */
int proc_show_vmstat(const struct proc_node *node __unused, struct text *text)
{
	meminfo_t info;
	struct swap_stats swap;
	vmm_stats_t faults;

	get_meminfo(&info);
	show_pages(text, "nr_free_pages", info.free);
	show_pages(text, "nr_anon_pages", info.user);
	show_pages(text, "nr_file_pages", info.cache);
	show_pages(text, "nr_shmem", info.shared);
	text_printf(text, "nr_dirty %lu\n", (unsigned long)page_cache_dirty_total());
	show_pages(text, "nr_slab_unreclaimable", info.slab);
	text_printf(text, "nr_anon_transparent_hugepages %zu\n", huge_pages_mapped());
	show_pages(text, "nr_page_table_pages", info.page_tables);
	vmm_get_stats(&faults);
	text_printf(text, "pgfault %lu\npgmajfault %lu\n", (unsigned long)faults.total_faults,
		    (unsigned long)faults.major_faults);
	swap_get_stats(&swap);
	text_printf(text, "pswpin %lu\npswpout %lu\nswap_ra %lu\nzswpin %lu\nzswpout %lu\n",
		    (unsigned long)swap.in, (unsigned long)swap.out, (unsigned long)swap.ahead,
		    (unsigned long)swap.pool_in, (unsigned long)swap.pool_out);
	show_reclaim(text);
	show_migration(text);
	show_compaction(text);
	show_pins(text);
	show_huge(text);
	return 0;
}

static void show_cpu(struct text *text, const char *name, const struct cpu_times *t)
{
	text_printf(text, "%s %lu %lu %lu %lu %lu %lu 0 0 0 0\n", name,
		    (unsigned long)(t->user / TICK), (unsigned long)(t->nice / TICK),
		    (unsigned long)(t->system / TICK), (unsigned long)(t->idle / TICK),
		    (unsigned long)(t->iowait / TICK), (unsigned long)(t->irq / TICK));
}

int proc_show_system_stat(const struct proc_node *node __unused, struct text *text)
{
	struct cpu_times all = {0}, one;
	char name[16];

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!(cpus_online() & cpumask_of(cpu)))
			continue;
		scheduler_cpu_times(cpu, &one);
		all.user += one.user;
		all.nice += one.nice;
		all.system += one.system;
		all.idle += one.idle;
		all.iowait += one.iowait;
		all.irq += one.irq;
	}
	show_cpu(text, "cpu ", &all);
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!(cpus_online() & cpumask_of(cpu)))
			continue;
		scheduler_cpu_times(cpu, &one);
		snprintf(name, sizeof(name), "cpu%u", cpu);
		show_cpu(text, name, &one);
	}
	text_printf(text,
		    "intr 0\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\nprocs_blocked "
		    "%u\nsoftirq 0\n",
		    (unsigned long)scheduler_switches(),
		    (unsigned long)(time_boot_wall() / NSEC_PER_SEC),
		    (unsigned long)process_forks(), scheduler_runnable(), scheduler_blocked());
	return 0;
}

int proc_show_cpuinfo(const struct proc_node *node __unused, struct text *text)
{
	char *buffer = kmalloc(CPU_TEXT_SIZE);

	if (buffer == NULL)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!(cpus_online() & cpumask_of(cpu)))
			continue;
		int length = cpu_describe(cpu, buffer, CPU_TEXT_SIZE);
		text_append(text, buffer, MIN((size_t)length, (size_t)CPU_TEXT_SIZE - 1));
	}
	kfree(buffer);
	return 0;
}
