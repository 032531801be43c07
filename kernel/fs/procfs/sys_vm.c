/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/sys/vm, the settings of the memory manager (proc_sys_vm(5)).
 *
 * Each is one number: where it is kept, what it may be.  Whoever writes while somebody else reads
 * changes one word; there are no locks.
 */
#include "fs/procfs/procfs.h"
#include "ipc/shm.h"
#include "ipc/userfaultfd.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/compact.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/mempolicy.h"
#include "mm/pagecache.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/slab.h"
#include "mm/swap.h"

struct setting {
	const char *name;
	u64 least, most;
	u64 (*get)(void);       /* NULL: not to be read */
	void (*set)(u64 value); /* NULL: not to be changed */
};

static u64 get_mode(void)
{
	return READ_ONCE(commit_settings.mode);
}

static void set_mode(u64 value)
{
	WRITE_ONCE(commit_settings.mode, (u32)value);
}

static u64 get_ratio(void)
{
	return READ_ONCE(commit_settings.ratio);
}

/* Of the ratio and the number of KiB the one that was set last counts. */
static void set_ratio(u64 value)
{
	WRITE_ONCE(commit_settings.ratio, (u32)value);
	WRITE_ONCE(commit_settings.kbytes, 0);
}

static u64 get_kbytes(void)
{
	return READ_ONCE(commit_settings.kbytes);
}

static void set_kbytes(u64 value)
{
	WRITE_ONCE(commit_settings.kbytes, value);
	WRITE_ONCE(commit_settings.ratio, 0);
}

static void set_admin_reserve(u64 value)
{
	WRITE_ONCE(commit_settings.admin_kbytes, value);
}

static void set_user_reserve(u64 value)
{
	WRITE_ONCE(commit_settings.user_kbytes, value);
}

static u64 get_min_free(void)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	return marks.min * PAGE_SIZE / KIB;
}

static void set_min_free(u64 value)
{
	frame_set_min_free(value * KIB);
}

static u64 get_max_map_count(void)
{
	return REGION_LIMIT;
}

static u64 get_mmap_min_addr(void)
{
	return MMAP_MINIMUM;
}

static u64 get_swappiness(void)
{
	return READ_ONCE(swap_settings.swappiness);
}

static void set_swappiness(u64 value)
{
	WRITE_ONCE(swap_settings.swappiness, (u32)value);
}

static u64 get_page_cluster(void)
{
	return READ_ONCE(swap_settings.page_cluster);
}

static void set_page_cluster(u64 value)
{
	WRITE_ONCE(swap_settings.page_cluster, (u32)value);
}

static u64 get_pool_share(void)
{
	return compress_get_share();
}

static void set_pool_share(u64 value)
{
	compress_set_share((u32)value);
}

/* Of a share and a number of bytes the one that was set last counts. */
#define DIRTY_PAIR(ratio, bytes)                              \
	static u64 get_dirty_##ratio(void)                    \
	{                                                     \
		return READ_ONCE(dirty_settings.ratio);       \
	}                                                     \
	static void set_dirty_##ratio(u64 value)              \
	{                                                     \
		WRITE_ONCE(dirty_settings.ratio, (u32)value); \
		WRITE_ONCE(dirty_settings.bytes, 0);          \
	}                                                     \
	static u64 get_dirty_##bytes(void)                    \
	{                                                     \
		return READ_ONCE(dirty_settings.bytes);       \
	}                                                     \
	static void set_dirty_##bytes(u64 value)              \
	{                                                     \
		WRITE_ONCE(dirty_settings.bytes, value);      \
		WRITE_ONCE(dirty_settings.ratio, 0);          \
	}
DIRTY_PAIR(ratio, bytes)
DIRTY_PAIR(background_ratio, background_bytes)

static u64 get_dirty_expire(void)
{
	return READ_ONCE(dirty_settings.expire_centisecs);
}

static void set_dirty_expire(u64 value)
{
	WRITE_ONCE(dirty_settings.expire_centisecs, (u32)value);
}

static u64 get_dirty_writeback(void)
{
	return READ_ONCE(dirty_settings.writeback_centisecs);
}

static void set_dirty_writeback(u64 value)
{
	WRITE_ONCE(dirty_settings.writeback_centisecs, (u32)value);
}

static u64 get_cache_pressure(void)
{
	return READ_ONCE(names_settings.cache_pressure);
}

static void set_cache_pressure(u64 value)
{
	WRITE_ONCE(names_settings.cache_pressure, (u32)value);
}

enum { DROP_PAGES = 1, DROP_OBJECTS = 2, DROP_QUIETLY = 4 };

static void drop_caches(u64 value)
{
	if (value & DROP_PAGES)
		reclaim_drop_caches();
	if (value & DROP_OBJECTS) {
		names_shrink(UINT32_MAX);
		slab_shrink_caches();
	}
}

static u64 get_proactiveness(void)
{
	return READ_ONCE(compact_settings.proactiveness);
}

static void set_proactiveness(u64 value)
{
	WRITE_ONCE(compact_settings.proactiveness, (u32)value);
}

static u64 get_extfrag_threshold(void)
{
	return READ_ONCE(compact_settings.threshold);
}

static void set_extfrag_threshold(u64 value)
{
	WRITE_ONCE(compact_settings.threshold, (u32)value);
}

static void compact_now(u64 value __unused)
{
	(void)compact_all();
}

#define DIRTY_BYTES_LEAST (2 * PAGE_SIZE)
#define KIB_MOST          (UINT64_MAX / KIB / 2)

static u64 get_unprivileged_userfaultfd(void)
{
	return READ_ONCE(userfaultfd_unprivileged);
}

static void set_unprivileged_userfaultfd(u64 value)
{
	WRITE_ONCE(userfaultfd_unprivileged, (u32)value);
}

static u64 get_huge_pages(void)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(hugetlb_default(), HUGETLB_ALL_NODES, &stats);
	return stats.total;
}

static void set_huge_pages(u64 value)
{
	hugetlb_resize(hugetlb_default(), HUGETLB_ALL_NODES, value);
}

static void set_huge_pages_by_policy(u64 value)
{
	hugetlb_resize(hugetlb_default(), mempolicy_task_nodes(), value);
}

static u64 get_huge_overcommit(void)
{
	return hugetlb_overcommit(hugetlb_default());
}

/* Nothing comes of it for pages of 1 GiB, as on Linux, which refuses. */
static void set_huge_overcommit(u64 value)
{
	if (hugetlb_default() != HUGETLB_1G)
		hugetlb_set_overcommit(hugetlb_default(), value);
}

static u64 get_huge_group(void)
{
	return READ_ONCE(shm_huge_group);
}

static void set_huge_group(u64 value)
{
	WRITE_ONCE(shm_huge_group, (gid_t)value);
}

static const struct setting settings[] = {
	{"admin_reserve_kbytes", 0, KIB_MOST, commit_admin_reserve, set_admin_reserve},
	{"compact_memory", 1, 1, NULL, compact_now},
	{"compaction_proactiveness", 0, 100, get_proactiveness, set_proactiveness},
	{"compressed_pool_percent", 0, 90, get_pool_share, set_pool_share},
	{"dirty_background_bytes", 1, INT64_MAX, get_dirty_background_bytes,
	 set_dirty_background_bytes},
	{"dirty_background_ratio", 0, 100, get_dirty_background_ratio, set_dirty_background_ratio},
	{"dirty_bytes", DIRTY_BYTES_LEAST, INT64_MAX, get_dirty_bytes, set_dirty_bytes},
	{"dirty_expire_centisecs", 0, INT_MAX, get_dirty_expire, set_dirty_expire},
	{"dirty_ratio", 0, 100, get_dirty_ratio, set_dirty_ratio},
	{"dirty_writeback_centisecs", 0, INT_MAX, get_dirty_writeback, set_dirty_writeback},
	{"drop_caches", DROP_PAGES, DROP_QUIETLY, NULL, drop_caches},
	{"extfrag_threshold", 0, 1000, get_extfrag_threshold, set_extfrag_threshold},
	{"hugetlb_shm_group", 0, UINT32_MAX, get_huge_group, set_huge_group},
	{"max_map_count", 0, 0, get_max_map_count, NULL},
	{"min_free_kbytes", 0, INT_MAX, get_min_free, set_min_free},
	{"mmap_min_addr", 0, 0, get_mmap_min_addr, NULL},
	{"nr_hugepages", 0, INT64_MAX, get_huge_pages, set_huge_pages},
	{"nr_hugepages_mempolicy", 0, INT64_MAX, get_huge_pages, set_huge_pages_by_policy},
	{"nr_overcommit_hugepages", 0, INT64_MAX, get_huge_overcommit, set_huge_overcommit},
	{"overcommit_kbytes", 0, KIB_MOST, get_kbytes, set_kbytes},
	{"overcommit_memory", 0, COMMIT_MODES - 1, get_mode, set_mode},
	{"overcommit_ratio", 0, INT_MAX, get_ratio, set_ratio},
	{"page-cluster", 0, 31, get_page_cluster, set_page_cluster},
	{"swappiness", 0, 200, get_swappiness, set_swappiness},
	{"unprivileged_userfaultfd", 0, 1, get_unprivileged_userfaultfd,
	 set_unprivileged_userfaultfd},
	{"vfs_cache_pressure", 0, INT_MAX, get_cache_pressure, set_cache_pressure},
	{"user_reserve_kbytes", 0, KIB_MOST, commit_user_reserve, set_user_reserve},
};

static const struct setting *setting_of(const struct proc_node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, node->entry->name) == 0)
			return &settings[i];
	return NULL;
}

static int show(const struct proc_node *node, struct text *text)
{
	const struct setting *setting = setting_of(node);

	if (setting == NULL || setting->get == NULL)
		return -EINVAL;
	if (setting->get == NULL)
		return -EACCES;
	text_printf(text, "%lu\n", (unsigned long)setting->get());
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int store(const struct proc_node *node, char *value, size_t size)
{
	const struct setting *setting = setting_of(node);
	u64 number;

	while (size > 0 && is_space(value[size - 1]))
		value[--size] = '\0';
	while (is_space(*value))
		value++;
	if (setting == NULL || setting->set == NULL || parse_u64(value, 10, &number) != 0 ||
	    number < setting->least || number > setting->most)
		return -EINVAL;
	setting->set(number);
	return 0;
}

const struct proc_entry proc_sys_vm_entries[] = {
	PROC_SETTING("admin_reserve_kbytes", 0644, show, store),
	PROC_SETTING("compact_memory", 0200, show, store),
	PROC_SETTING("compaction_proactiveness", 0644, show, store),
	PROC_SETTING("compressed_pool_percent", 0644, show, store),
	PROC_SETTING("dirty_background_bytes", 0644, show, store),
	PROC_SETTING("dirty_background_ratio", 0644, show, store),
	PROC_SETTING("dirty_bytes", 0644, show, store),
	PROC_SETTING("dirty_expire_centisecs", 0644, show, store),
	PROC_SETTING("dirty_ratio", 0644, show, store),
	PROC_SETTING("dirty_writeback_centisecs", 0644, show, store),
	PROC_SETTING("drop_caches", 0200, show, store),
	PROC_SETTING("extfrag_threshold", 0644, show, store),
	PROC_SETTING("hugetlb_shm_group", 0644, show, store),
	PROC_FILE("max_map_count", 0444, show),
	PROC_SETTING("min_free_kbytes", 0644, show, store),
	PROC_FILE("mmap_min_addr", 0444, show),
	PROC_SETTING("nr_hugepages", 0644, show, store),
	PROC_SETTING("nr_hugepages_mempolicy", 0644, show, store),
	PROC_SETTING("nr_overcommit_hugepages", 0644, show, store),
	PROC_SETTING("overcommit_kbytes", 0644, show, store),
	PROC_SETTING("overcommit_memory", 0644, show, store),
	PROC_SETTING("overcommit_ratio", 0644, show, store),
	PROC_SETTING("page-cluster", 0644, show, store),
	PROC_SETTING("swappiness", 0644, show, store),
	PROC_SETTING("user_reserve_kbytes", 0644, show, store),
	PROC_SETTING("vfs_cache_pressure", 0644, show, store),
	PROC_END,
};
