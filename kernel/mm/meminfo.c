/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures for people; see meminfo.h.
 */
#include "mm/meminfo.h"

#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "mm/commit.h"
#include "mm/compress.h"
#include "mm/frame_internal.h"
#include "mm/pagecache.h"
#include "mm/vmm.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"

enum { DUMP_COLUMNS = 16, LINE_SIZE = 96 };

static struct address_space *(*process_lookup)(pid_t pid); /* set once */

static size_t kind_bytes(enum frame_kind kind)
{
	return frame_count_kind(kind) * PAGE_SIZE;
}

void get_meminfo(meminfo_t *info)
{
	size_t slab = kind_bytes(FRAME_SLAB), tables = kind_bytes(FRAME_TABLE);
	struct compress_stats pool;
	struct page_cache_totals files;
	struct swap_stats swap;

	page_cache_get_totals(&files);
	swap_get_stats(&swap);
	compress_get_stats(&pool);
	*info = (meminfo_t){
		.total = frame_get_total_memory(),
		.free = frame_get_free_memory(),
		.kernel = kind_bytes(FRAME_KERNEL) + slab + tables,
		.user = kind_bytes(FRAME_USER),
		.cache = kind_bytes(FRAME_CACHE),
		.slab = slab,
		.page_tables = tables,
		.shared = files.shared * PAGE_SIZE,
		.committed = commit_total() * PAGE_SIZE,
		.commit_limit = commit_limit() * PAGE_SIZE,
		.vmalloc = vmalloc_used(),
		.swap_total = swap.total * PAGE_SIZE,
		.swap_free = swap.free * PAGE_SIZE,
		.swap_cached = swap.cached * PAGE_SIZE,
		.compressed = pool.frames * PAGE_SIZE,
		.compressed_pages = (pool.words + pool.packed) * PAGE_SIZE,
	};
}

void meminfo_set_process_lookup(struct address_space *(*lookup)(pid_t pid))
{
	process_lookup = lookup;
}

int get_proc_meminfo(pid_t pid, proc_meminfo_t *info)
{
	struct address_space *space = process_lookup != NULL ? process_lookup(pid) : NULL;
	struct vm_space_stats stats;

	if (space == NULL)
		return -ESRCH;
	vmm_space_stats(space, &stats);
	vmm_put_address_space(space);
	*info = (proc_meminfo_t){
		.virtual_size = stats.total * PAGE_SIZE,
		.resident = stats.resident * PAGE_SIZE,
		.shared = (stats.resident_file + stats.resident_shared) * PAGE_SIZE,
		.text = stats.code * PAGE_SIZE,
		.data = stats.data * PAGE_SIZE,
		.stack = stats.stack * PAGE_SIZE,
	};
	return 0;
}

static char printable(u8 byte)
{
	return byte >= ' ' && byte <= '~' ? (char)byte : '.';
}

void mem_dump(const void *address, size_t size)
{
	const u8 *bytes = address;
	char line[LINE_SIZE];

	for (size_t at = 0; at < size; at += DUMP_COLUMNS) {
		size_t count = MIN((size_t)DUMP_COLUMNS, size - at);
		size_t length = 0;
		for (size_t i = 0; i < DUMP_COLUMNS; i++)
			length += (size_t)snprintf(line + length, sizeof(line) - length,
						   i < count ? " %02x" : "   ",
						   i < count ? bytes[at + i] : 0);
		line[length++] = ' ';
		line[length++] = ' ';
		for (size_t i = 0; i < count; i++)
			line[length++] = printable(bytes[at + i]);
		line[length] = '\0';
		log_info("%p:%s", (const void *)(bytes + at), line);
	}
}

static void print_fragmentation(void)
{
	size_t counts[FRAME_MAX_ORDER + 1];

	frame_count_orders(counts);
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
		log_info("  free blocks of %5zu KiB: %6zu; %u.%u %% of what is free is in smaller "
			 "ones",
			 (PAGE_SIZE << order) / KIB, counts[order], frame_fragmentation(order) / 10,
			 frame_fragmentation(order) % 10);
}

static void print_caches(void)
{
	struct slab_info info;

	for (size_t i = 0; slab_cache_info(i, &info); i++)
		if (info.frames != 0)
			log_info("  cache %-20s %6zu of %6zu objects of %5zu bytes, %5zu KiB",
				 info.name, info.objects_in_use, info.objects, info.object_size,
				 info.frames * PAGE_SIZE / KIB);
}

void mem_print_stats(void)
{
	struct frame_watermarks marks;
	meminfo_t info;

	get_meminfo(&info);
	frame_get_watermarks(&marks);
	log_info("memory: %zu KiB in all, %zu free, %zu kernel (%zu slab, %zu tables), %zu user, "
		 "%zu cache",
		 info.total / KIB, info.free / KIB, info.kernel / KIB, info.slab / KIB,
		 info.page_tables / KIB, info.user / KIB, info.cache / KIB);
	log_info("  watermarks: %zu, %zu, %zu KiB", marks.min * PAGE_SIZE / KIB,
		 marks.low * PAGE_SIZE / KIB, marks.high * PAGE_SIZE / KIB);
	print_fragmentation();
	print_caches();
}
