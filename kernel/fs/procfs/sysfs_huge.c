/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: /sys/kernel/mm/transparent_hugepage, the switches of huge pages, in Linux's formats
 * (Documentation/admin-guide/mm/transhuge.rst).
 *
 * What there is no mechanism for is shown as switched off, and cannot be switched on: a huge page
 * of zeros, huge pages of files, bringing in swapped pages for one.
 */
#include "fs/procfs/sysfs.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/huge.h"
#include "proc/collapse_thread.h"

static void end_line(char *value, size_t size)
{
	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
}

/* "always [madvise] never": all words, the chosen one in brackets. */
static int show_choice(struct text *text, const char *const *words, size_t count, size_t chosen)
{
	for (size_t i = 0; i < count; i++)
		text_printf(text, i == chosen ? "%s[%s]" : "%s%s", i == 0 ? "" : " ", words[i]);
	text_append(text, "\n", 1);
	return 0;
}

/* The word's number, or -EINVAL. */
static int find_choice(char *value, size_t size, const char *const *words, size_t count)
{
	end_line(value, size);
	for (size_t i = 0; i < count; i++)
		if (strcmp(value, words[i]) == 0)
			return (int)i;
	return -EINVAL;
}

static const char *const modes[] = {
	[HUGE_NEVER] = "never",
	[HUGE_ADVISED] = "madvise",
	[HUGE_ALWAYS] = "always",
};

static int show_enabled(const struct proc_node *node __unused, struct text *text)
{
	static const char *const shown[] = {"always", "madvise", "never"};

	return show_choice(text, shown, ARRAY_SIZE(shown),
			   HUGE_ALWAYS - READ_ONCE(huge_settings.enabled));
}

static int store_enabled(const struct proc_node *node __unused, char *value, size_t size)
{
	int mode = find_choice(value, size, modes, ARRAY_SIZE(modes));

	if (mode < 0)
		return mode;
	WRITE_ONCE(huge_settings.enabled, (u32)mode);
	collapse_thread_wake();
	return 0;
}

static const char *const defrag_words[] = {
	[DEFRAG_ALWAYS] = "always",
	[DEFRAG_DEFER] = "defer",
	[DEFRAG_DEFER_ADVISED] = "defer+madvise",
	[DEFRAG_ADVISED] = "madvise",
	[DEFRAG_NEVER] = "never",
};

static int show_fault_defrag(const struct proc_node *node __unused, struct text *text)
{
	return show_choice(text, defrag_words, ARRAY_SIZE(defrag_words),
			   READ_ONCE(huge_settings.fault_defrag));
}

static int store_fault_defrag(const struct proc_node *node __unused, char *value, size_t size)
{
	int choice = find_choice(value, size, defrag_words, ARRAY_SIZE(defrag_words));

	if (choice < 0)
		return choice;
	WRITE_ONCE(huge_settings.fault_defrag, (u32)choice);
	return 0;
}

static const char *const shmem_words[] = {"always", "within_size", "advise",
					  "never",  "deny",        "force"};
enum { SHMEM_NEVER = 3 };

static int show_shmem(const struct proc_node *node __unused, struct text *text)
{
	return show_choice(text, shmem_words, ARRAY_SIZE(shmem_words), SHMEM_NEVER);
}

static int store_shmem(const struct proc_node *node __unused, char *value, size_t size)
{
	int choice = find_choice(value, size, shmem_words, ARRAY_SIZE(shmem_words));

	return choice == SHMEM_NEVER || choice == SHMEM_NEVER + 1 ? 0 : -EINVAL;
}

static int show_size(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%lu\n", (unsigned long)HUGE_SIZE);
	return 0;
}

/* --- Numbers --- */

struct number {
	const char *name;
	u32 *value; /* NULL: always 0 */
	u32 most;
	u64 (*get)(void); /* of what is only to be read */
};

static u64 count_collapsed(void)
{
	return huge_events(HUGE_COLLAPSED);
}

static u64 count_scans(void)
{
	return huge_events(HUGE_SCANS);
}

static u32 zero_page, swapped_most; /* 0: there is no mechanism */

static const struct number numbers[] = {
	{"scan_sleep_millisecs", &huge_settings.scan_sleep, UINT32_MAX, NULL},
	{"alloc_sleep_millisecs", &huge_settings.alloc_sleep, UINT32_MAX, NULL},
	{"pages_to_scan", &huge_settings.scan_pages, UINT32_MAX, NULL},
	{"max_ptes_none", &huge_settings.max_empty, PTES_PER_TABLE - 1, NULL},
	{"max_ptes_swap", &swapped_most, 0, NULL},
	{"max_ptes_shared", &swapped_most, 0, NULL},
	{"defrag", &huge_settings.defrag, 1, NULL},
	{"pages_collapsed", NULL, 0, count_collapsed},
	{"full_scans", NULL, 0, count_scans},
	{"use_zero_page", &zero_page, 0, NULL},
};

static const struct number *find_number(const struct proc_node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (strcmp(numbers[i].name, node->entry->name) == 0)
			return &numbers[i];
	return NULL;
}

static int show_number(const struct proc_node *node, struct text *text)
{
	const struct number *number = find_number(node);

	text_printf(
		text, "%lu\n",
		(unsigned long)(number->get != NULL ? number->get() : READ_ONCE(*number->value)));
	return 0;
}

static int store_number(const struct proc_node *node, char *value, size_t size)
{
	const struct number *number = find_number(node);
	u64 wanted;

	end_line(value, size);
	if (parse_u64(value, 10, &wanted) || wanted > number->most ||
	    (number->value == &huge_settings.scan_pages && wanted == 0))
		return -EINVAL;
	WRITE_ONCE(*number->value, (u32)wanted);
	collapse_thread_wake();
	return 0;
}

static const struct proc_entry thread_entries[] = {
	PROC_SETTING("alloc_sleep_millisecs", 0644, show_number, store_number),
	PROC_SETTING("defrag", 0644, show_number, store_number),
	PROC_FILE("full_scans", 0444, show_number),
	PROC_SETTING("max_ptes_none", 0644, show_number, store_number),
	PROC_SETTING("max_ptes_shared", 0644, show_number, store_number),
	PROC_SETTING("max_ptes_swap", 0644, show_number, store_number),
	PROC_FILE("pages_collapsed", 0444, show_number),
	PROC_SETTING("pages_to_scan", 0644, show_number, store_number),
	PROC_SETTING("scan_sleep_millisecs", 0644, show_number, store_number),
	PROC_END,
};

static const struct proc_entry entries[] = {
	PROC_SETTING("defrag", 0644, show_fault_defrag, store_fault_defrag),
	PROC_SETTING("enabled", 0644, show_enabled, store_enabled),
	PROC_FILE("hpage_pmd_size", 0444, show_size),
	PROC_DIRECTORY("khugepaged", thread_entries),
	PROC_SETTING("shmem_enabled", 0644, show_shmem, store_shmem),
	PROC_SETTING("use_zero_page", 0644, show_number, store_number),
	PROC_END,
};

static const struct proc_entry huge_entry = PROC_DIRECTORY("transparent_hugepage", entries);
static struct proc_addition addition = {.entry = &huge_entry};

void sysfs_huge_init(void)
{
	sysfs_add(SYSFS_KERNEL_MM, &addition);
}
