/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's commands about copy-on-write: ~1 status, ~2 stats, ~3 create, ~4 protect, ~5
 * unprotect, ~6 test.
 *
 * They work on two address spaces that no process has: one with a few pages, and what fork would
 * make of it.  All is the monitor's thread's.
 */
#include "drivers/tty/monitor.h"
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/inspect.h"

enum { PAGES = 16 };

struct pair {
	struct address_space *parent, *child; /* references, or NULL */
	vaddr_t pages;
	bool is_protected;
};

static struct pair shown; /* what ~3 made */

static void drop(struct pair *pair)
{
	if (pair->parent != NULL)
		vmm_put_address_space(pair->parent);
	if (pair->child != NULL)
		vmm_put_address_space(pair->child);
	*pair = (struct pair){.parent = NULL};
}

static bool poke(struct address_space *space, vaddr_t at, u64 value)
{
	return vmm_access(space, at, &value, sizeof(value), VM_WRITE) == sizeof(value);
}

static bool holds(struct address_space *space, vaddr_t at, u64 value)
{
	u64 found = ~value;

	return vmm_access(space, at, &found, sizeof(found), VM_READ) == sizeof(found) &&
	       found == value;
}

/* Pages that hold their numbers.  False: no memory. */
static bool make_parent(struct pair *pair)
{
	*pair = (struct pair){.parent = vmm_create_address_space()};
	if (pair->parent == NULL)
		return false;
	vmm_init_layout(pair->parent, false);
	pair->pages = vmm_alloc_virtual(pair->parent, PAGES * PAGE_SIZE);
	for (u64 i = 0; i < PAGES; i++)
		if (pair->pages == 0 || !poke(pair->parent, pair->pages + i * PAGE_SIZE, i))
			return false;
	return true;
}

static u32 count_shared(const struct pair *pair)
{
	u64 words[PAGES];
	u32 count = 0;

	vmm_page_words(pair->parent, pair->pages, PAGES, false, words);
	for (u32 i = 0; i < PAGES; i++)
		count += (words[i] & (PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE)) == PAGEMAP_PRESENT;
	return count;
}

void monitor_cow_status(struct text *text, const char *arguments __unused)
{
	if (shown.parent == NULL)
		text_printf(text, "no pages: ~3 makes some\n");
	else
		text_printf(text, "%d pages at %lx, %s, %u shared with the copy\n", PAGES,
			    (unsigned long)shown.pages,
			    shown.is_protected ? "protected" : "writable", count_shared(&shown));
}

void monitor_cow_stats(struct text *text, const char *arguments __unused)
{
	cow_stats_t stats;

	cow_get_stats(&stats);
	text_printf(text, "copy-on-write pages %lu, peak %lu, mapped %lu times\n",
		    (unsigned long)stats.pages, (unsigned long)stats.peak_pages,
		    (unsigned long)stats.mappings);
	text_printf(text, "faults %lu: pages duplicated %lu, reused %lu\n",
		    (unsigned long)stats.faults, (unsigned long)stats.duplicated,
		    (unsigned long)stats.reused);
	text_printf(text, "bytes saved %lu, for bookkeeping %lu\n", (unsigned long)stats.saved,
		    (unsigned long)stats.bookkeeping);
}

void monitor_cow_create(struct text *text, const char *arguments __unused)
{
	drop(&shown);
	if (!make_parent(&shown)) {
		drop(&shown);
		text_printf(text, "no memory\n");
		return;
	}
	text_printf(text, "before the copy: ");
	monitor_cow_status(text, "");
	shown.child = vmm_copy_address_space(shown.parent);
	if (shown.child == NULL || !poke(shown.child, shown.pages, PAGES)) {
		drop(&shown);
		text_printf(text, "no memory\n");
		return;
	}
	text_printf(text, "the copy has written one: ");
	monitor_cow_status(text, "");
}

static void change_protection(struct text *text, bool protect)
{
	u32 prot = protect ? PROT_READ : PROT_READ | PROT_WRITE;

	if (shown.parent != NULL &&
	    vmm_mprotect(shown.parent, shown.pages, PAGES * PAGE_SIZE, prot) != 0)
		text_printf(text, "no memory\n");
	else
		shown.is_protected = protect;
	monitor_cow_status(text, "");
}

void monitor_cow_protect(struct text *text, const char *arguments __unused)
{
	change_protection(text, true);
}

void monitor_cow_unprotect(struct text *text, const char *arguments __unused)
{
	change_protection(text, false);
}

/* What does not hold; NULL: all does. */
static const char *find_error(struct pair *pair)
{
	vaddr_t first, second;

	if (!make_parent(pair))
		return "no memory";
	first = pair->pages;
	second = first + PAGE_SIZE;
	if (count_shared(pair) != 0)
		return "fresh pages are shared";
	pair->child = vmm_copy_address_space(pair->parent);
	if (pair->child == NULL)
		return "no memory";
	if (count_shared(pair) != PAGES)
		return "the copy does not share all pages";
	if (!poke(pair->child, first, 100) || !holds(pair->parent, first, 0))
		return "the copy's write changes the original";
	if (!poke(pair->parent, second, 200) || !holds(pair->child, second, 1))
		return "the original's write changes the copy";
	if (vmm_mprotect(pair->parent, first, PAGE_SIZE, PROT_READ) != 0 ||
	    poke(pair->parent, first, 300))
		return "a protected page is written";
	if (vmm_mprotect(pair->parent, first, PAGE_SIZE, PROT_READ | PROT_WRITE) != 0 ||
	    !poke(pair->parent, first, 300) || !holds(pair->child, first, 100))
		return "an unprotected page is not the original's own";
	return NULL;
}

void monitor_cow_test(struct text *text, const char *arguments __unused)
{
	struct pair pair = {.parent = NULL};
	const char *error = find_error(&pair);

	drop(&pair);
	text_printf(text, error == NULL ? "test: passed\n" : "test: failed: %s\n", error);
}
