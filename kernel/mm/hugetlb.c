/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings of huge pages from the pools: sizes, reservations of private memory, and where mappings
 * may be cut; see hugetlb.h.
 *
 * A space keeps the number of blocks that are reserved for it; which of its mappings they are for
 * does not matter.  It never has more than there are huge pages in its private mappings without a
 * page.
 */
#include "mm/hugetlb.h"

#include "lib/errno.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/hugetlb_internal.h"
#include "mm/tree.h"

/* --- Sizes --- */

static enum hugetlb_size default_size; /* set once */

enum hugetlb_size hugetlb_default(void)
{
	return default_size;
}

bool hugetlb_size_of_shift(u32 shift, enum hugetlb_size *size)
{
	*size = default_size;
	for (int i = 0; i < HUGETLB_SIZES && shift != 0; i++)
		if (shift == hugetlb_shift((enum hugetlb_size)i)) {
			*size = (enum hugetlb_size)i;
			return true;
		}
	return shift == 0;
}

static bool parse_size_word(const char *text, enum hugetlb_size *size)
{
	u64 bytes;

	if (parse_size(text, &bytes) != 0)
		return false;
	for (int i = 0; i < HUGETLB_SIZES; i++)
		if (bytes == hugetlb_bytes((enum hugetlb_size)i)) {
			*size = (enum hugetlb_size)i;
			return true;
		}
	return false;
}

static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static void fill_pool(enum hugetlb_size size, const char *count)
{
	struct hugetlb_stats stats;
	u64 blocks;

	if (parse_u64(count, 10, &blocks) != 0) {
		log_warn("hugepages=%s: not a number", count);
		return;
	}
	hugetlb_resize(size, HUGETLB_ALL_NODES, blocks);
	hugetlb_get_stats(size, HUGETLB_ALL_NODES, &stats);
	if (stats.total < blocks)
		log_warn("hugepages=%s: there is memory for %zu", count, stats.total);
}

void hugetlb_init(const char *cmdline)
{
	enum hugetlb_size size;
	const char *value, *at = cmdline;
	char word[64];
	bool known = true;

	if (cmdline_get(cmdline, "default_hugepagesz", word, sizeof(word)) > 0 &&
	    !parse_size_word(word, &default_size))
		log_warn("default_hugepagesz=%s: there are no such pages", word);
	size = default_size;
	while (cmdline_next(&at, word, sizeof(word)) >= 0 && strcmp(word, "--") != 0) {
		if ((value = value_of(word, "hugepagesz")) != NULL)
			known = parse_size_word(value, &size);
		else if ((value = value_of(word, "hugepages")) != NULL && known)
			fill_pool(size, value);
	}
}

/* --- Promises --- */

int hugetlb_reserve(struct address_space *space, enum hugetlb_size size, size_t length)
{
	size_t blocks = length >> hugetlb_shift(size);

	if (!hugetlb_pool_reserve(size, blocks))
		return -ENOMEM;
	__atomic_fetch_add(&space->huge_reserved[size], blocks, __ATOMIC_RELAXED);
	return 0;
}

void hugetlb_unreserve(struct address_space *space, const struct hugetlb_promise *promise)
{
	for (int i = 0; i < HUGETLB_SIZES; i++) {
		size_t some = MIN(promise->blocks[i], READ_ONCE(space->huge_reserved[i]));
		if (some == 0)
			continue;
		__atomic_fetch_sub(&space->huge_reserved[i], some, __ATOMIC_RELAXED);
		hugetlb_pool_unreserve((enum hugetlb_size)i, some);
	}
}

void hugetlb_unreserve_all(struct address_space *space)
{
	struct hugetlb_promise all;

	for (int i = 0; i < HUGETLB_SIZES; i++)
		all.blocks[i] = space->huge_reserved[i];
	hugetlb_unreserve(space, &all);
}

/* Mappings with MAP_NORESERVE have no part in what is promised. */
bool hugetlb_use_promise(struct address_space *space, const struct region *region)
{
	size_t *promises = &space->huge_reserved[region_hugetlb_size(region)];
	size_t reserved = __atomic_load_n(promises, __ATOMIC_RELAXED);

	while (reserved != 0 && !(region->flags & REGION_NO_RESERVE))
		if (__atomic_compare_exchange_n(promises, &reserved, reserved - 1, true,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	return false;
}

void hugetlb_renew_promise(struct address_space *space, const struct region *region)
{
	enum hugetlb_size size = region_hugetlb_size(region);

	(void)!hugetlb_reserve(space, size, hugetlb_bytes(size));
}

/* Huge pages of [start, end) without any leaf. */
static size_t count_missing(struct address_space *space, vaddr_t start, vaddr_t end,
			    enum hugetlb_size size)
{
	struct tree_span span;
	size_t missing = (end - start) >> hugetlb_shift(size);
	vaddr_t at = start;

	while (at < end && tree_look_span(space, &at, end, &span)) {
		missing--;
		tree_unlock_span(space, &span);
		at = ALIGN_UP(at, hugetlb_bytes(size));
	}
	return missing;
}

static bool has_promises(const struct address_space *space)
{
	for (int i = 0; i < HUGETLB_SIZES; i++)
		if (READ_ONCE(space->huge_reserved[i]) != 0)
			return true;
	return false;
}

void hugetlb_count_promised(struct address_space *space, vaddr_t start, vaddr_t end,
			    struct hugetlb_promise *promise)
{
	const u32 all = REGION_HUGETLB | REGION_NO_RESERVE | REGION_SHARED;
	const struct region *region;

	*promise = (struct hugetlb_promise){.blocks = {0}};
	if (likely(!has_promises(space)))
		return;
	for (vaddr_t at = start; at < end; at = region->end) {
		region = region_find_first(space, at);
		if (region == NULL || region->start >= end)
			break;
		enum hugetlb_size size = region_hugetlb_size(region);
		if ((region->flags & all) == REGION_HUGETLB)
			promise->blocks[size] += count_missing(space, MAX(at, region->start),
							       MIN(end, region->end), size);
	}
}

/* --- Cuts --- */

static bool cuts(struct address_space *space, vaddr_t at)
{
	const struct region *region =
		at % hugetlb_bytes(HUGETLB_1G) != 0 ? region_find(space, at) : NULL;

	return region != NULL && (region->flags & REGION_HUGETLB) &&
	       at % hugetlb_bytes(region_hugetlb_size(region)) != 0;
}

int hugetlb_check_cut_slowly(struct address_space *space, vaddr_t start, vaddr_t end)
{
	if (likely(space->hugetlb_pages == 0))
		return 0;
	return cuts(space, start) || cuts(space, end) ? -EINVAL : 0;
}
