/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often functions of the kernel are called: a breakpoint at the beginning of each
 * (arch/probe.h), a number for each CPU and function.
 *
 * The table is sorted by address and never changes while it is published; another set of functions
 * is another table.  Who meets a breakpoint looks at the table with interrupts off; it goes when
 * all breakpoints are away and every CPU has answered.
 *
 * trace_lock guards `table`'s changes.
 */
#include "arch/machine.h"
#include "arch/probe.h"
#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/sort.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmalloc.h"
#include "trace/trace_internal.h"

struct counted {
	vaddr_t address;
	const char *name;
	bool inserted;
};

struct count_table {
	u32 functions;
	u64 *counts[MAX_CPUS]; /* by function; each CPU's own */
	struct counted entries[];
};

static struct count_table *table; /* atomic */

/* Handlers of interrupts run in the middle of others' counting, not of ours: interrupts are off. */
__noprobe bool probe_hit(vaddr_t function)
{
	const struct count_table *counting = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
	u32 low = 0, high;

	if (counting == NULL)
		return false;
	high = counting->functions;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;
		if (counting->entries[middle].address <= function)
			low = middle;
		else
			high = middle;
	}
	if (counting->entries[low].address != function)
		return false;
	counting->counts[cpu_id()][low]++;
	return true;
}

/* --- Choosing --- */

/* `*` stands for any number of characters. */
static bool matches(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			retry = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

struct choosing {
	const char *pattern;
	const struct count_table *old;
	struct count_table *table; /* NULL: only counts */
	u32 functions;
};

static bool is_counted(const struct count_table *old, vaddr_t address)
{
	for (u32 i = 0; old != NULL && i < old->functions; i++)
		if (old->entries[i].address == address)
			return true;
	return false;
}

static void choose(const char *name, vaddr_t address, void *argument)
{
	struct choosing *choosing = argument;

	if (!matches(choosing->pattern, name) && !is_counted(choosing->old, address))
		return;
	if (choosing->table != NULL)
		choosing->table->entries[choosing->functions] =
			(struct counted){.address = address, .name = name};
	choosing->functions++;
}

static void free_table(struct count_table *old)
{
	for (u32 cpu = 0; old != NULL && cpu < MAX_CPUS; cpu++)
		vfree(old->counts[cpu]);
	vfree(old);
}

static struct count_table *make_table(const char *pattern)
{
	struct choosing choosing = {.pattern = pattern, .old = table};
	struct count_table *made;

	symbol_iterate(choose, &choosing);
	made = vzalloc(sizeof(*made) + choosing.functions * sizeof(made->entries[0]));
	if (made == NULL)
		return NULL;
	made->functions = choosing.functions;
	choosing.functions = 0;
	choosing.table = made;
	symbol_iterate(choose, &choosing);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		made->counts[cpu] = vzalloc(MAX(made->functions, 1u) * sizeof(u64));
		if (made->counts[cpu] == NULL) {
			free_table(made);
			return NULL;
		}
	}
	return made;
}

/* --- Switching on and off --- */

void count_end_locked(void)
{
	struct count_table *old = table;

	if (old == NULL)
		return;
	for (u32 i = 0; i < old->functions; i++)
		if (old->entries[i].inserted)
			arch_probe_remove(old->entries[i].address);
	/* Twice: afterwards nobody meets one, and nobody who did for the last time is still looking. */
	arch_probe_synchronize();
	__atomic_store_n(&table, NULL, __ATOMIC_RELEASE);
	arch_probe_synchronize();
	free_table(old);
}

int count_add_locked(const char *pattern)
{
	struct count_table *made = make_table(pattern);
	u32 inserted = 0;

	if (made == NULL)
		return -ENOMEM;
	count_end_locked();
	if (made->functions == 0) {
		free_table(made);
		return -ENOENT;
	}
	__atomic_store_n(&table, made, __ATOMIC_RELEASE);
	for (u32 i = 0; i < made->functions; i++) {
		made->entries[i].inserted = arch_probe_insert(made->entries[i].address) == 0;
		inserted += made->entries[i].inserted;
	}
	arch_probe_synchronize();
	if (inserted > 0)
		return 0;
	count_end_locked();
	return -ENOENT;
}

u32 count_functions_locked(void)
{
	u32 inserted = 0;

	for (u32 i = 0; table != NULL && i < table->functions; i++)
		inserted += table->entries[i].inserted;
	return inserted;
}

void count_clear_locked(void)
{
	for (u32 cpu = 0; table != NULL && cpu < cpu_count(); cpu++)
		for (u32 i = 0; i < table->functions; i++)
			WRITE_ONCE(table->counts[cpu][i], 0);
}

/* --- Showing --- */

struct total {
	u64 count;
	const char *name;
};

static int compare(const void *left, const void *right, void *context __unused)
{
	const struct total *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* The most frequent first; without those that were never called. */
int trace_show_counts(const struct proc_node *node __unused, struct text *text)
{
	struct total *totals;
	u32 used = 0;

	mutex_lock(&trace_lock);
	totals = vzalloc((table != NULL ? table->functions : 1) * sizeof(*totals));
	for (u32 i = 0; totals != NULL && table != NULL && i < table->functions; i++) {
		totals[used].name = table->entries[i].name;
		totals[used].count = 0;
		for (u32 cpu = 0; cpu < cpu_count(); cpu++)
			totals[used].count += READ_ONCE(table->counts[cpu][i]);
		used += totals[used].count > 0;
	}
	mutex_unlock(&trace_lock);
	if (totals == NULL)
		return -ENOMEM;
	sort(totals, used, sizeof(*totals), compare, NULL);
	for (u32 i = 0; i < used; i++)
		text_printf(text, "%10lu %s\n", (unsigned long)totals[i].count, totals[i].name);
	vfree(totals);
	return 0;
}
