/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the map of regions stands on (slabs, locks, page tables that only say what they would drop),
 * files, chance, and the checks: see regions.c.
 */
#include "tests/host/mm/regions_model.h"

struct subject subjects[SPACES];
struct list_head living = LIST_INIT(living);
struct family family;
struct file files[FILES];
size_t allocations, fail_at, objects;
s64 promised;
u64 random_state;
bool merged;    /* no allocation has failed, so all neighbours that can be one are */
bool unmapping; /* a file is being unmapped: changes are those that might confuse this */
bool locked;    /* the mappings_lock of a file is held */

/* --- What regions stand on --- */

slab_cache_t *slab_cache_create(const char *name __unused, size_t size, size_t align __unused,
				void (*ctor)(void *) __unused, void (*dtor)(void *) __unused)
{
	return (slab_cache_t *)size;
}

/* Nothing here is registered. */
void userfault_destroy(struct userfault *userfault)
{
	assert_null(userfault);
}

int userfault_fork_region(struct address_space *child, struct region *region)
{
	(void)child;
	assert_null(region);
	return -ENOMEM;
}

void *slab_alloc(slab_cache_t *cache)
{
	if (++allocations == fail_at)
		return NULL;
	objects++;
	return memset(malloc((size_t)cache), 0xa5, (size_t)cache);
}

void slab_free(slab_cache_t *cache __unused, void *object)
{
	objects--;
	free(object);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}

static bool is_mappings_lock(const mutex_t *mutex)
{
	for (int i = 0; i < FILES; i++)
		if (mutex == &files[i].cache.mappings_lock)
			return true;
	return false;
}

void mutex_lock_at(mutex_t *mutex, unsigned nest __unused, struct lock_site *site __unused)
{
	assert_true(mutex->owner == NULL);
	mutex->owner = (struct task *)mutex;
	locked |= is_mappings_lock(mutex);
}

void mutex_unlock(mutex_t *mutex)
{
	assert_false(mutex->owner == NULL);
	mutex->owner = NULL;
	locked &= !is_mappings_lock(mutex);
}

void rwlock_read_lock_at(rwlock_t *lock __unused, unsigned nest __unused,
			 struct lock_site *site __unused)
{
	assert_false(locked);
}

void rwlock_read_unlock(rwlock_t *lock __unused) {}

void commit_account(s64 pages)
{
	promised += pages;
}

int commit_check(const struct address_space *space __unused, size_t pages __unused)
{
	return 0;
}

void vmm_put_address_space(struct address_space *space)
{
	assert_true(space->refs-- > 1);
}

struct family *family_get(struct family *of)
{
	of->refs++;
	return of;
}

void family_put(struct family *of)
{
	of->refs--;
}

int zap_own(struct address_space *space __unused, vaddr_t start __unused, vaddr_t end __unused,
	    bool keep_watches __unused)
{
	return ++allocations == fail_at ? -ENOMEM : 0;
}

int space_unmap_locked(struct address_space *space, vaddr_t start, vaddr_t end)
{
	return region_remove(space, start, end);
}

struct subject *subject_of(struct address_space *space)
{
	return container_of(space, struct subject, space);
}

void zap_revoke(struct address_space *space, vaddr_t start, vaddr_t end,
		enum zap_what what __unused)
{
	for (vaddr_t at = start; at < end; at += PAGE_SIZE)
		subject_of(space)->pages[(at - BASE) / PAGE_SIZE].stale = false;
}

/* --- Files --- */

static struct file *file_of(struct backing *backing)
{
	return container_of(backing, struct file, backing);
}

static void get(struct backing *backing)
{
	file_of(backing)->refs++;
}

static void put(struct backing *backing)
{
	file_of(backing)->refs--;
}

static void mapped(struct backing *backing, int change)
{
	file_of(backing)->mapped += change;
}

/* The last file counts who maps it, as segments of System V do. */
const struct backing_ops plain = {.get = get, .put = put};
const struct backing_ops counting = {.get = get, .put = put, .mapped = mapped};

/* --- Chance --- */

u32 random_below(u32 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u32)(random_state >> 32) % limit;
}

struct subject *some_subject(void)
{
	struct subject *subject;

	do
		subject = &subjects[random_below(SPACES)];
	while (!subject->alive);
	return subject;
}

/* --- Checks --- */

vaddr_t address_of(u32 page)
{
	return BASE + page * PAGE_SIZE;
}

static void check_page(const struct region *region, const struct page *page, vaddr_t address)
{
	expect(page->there);
	expect(region->flags == page->flags && region->kind == page->kind);
	expect(region->policy.nodes == page->policy);
	expect(region->backing == (page->file >= 0 ? &files[page->file].backing : NULL));
	expect(region->backing != NULL || region->offset == 0);
	if (region->backing != NULL)
		expect(region_index(region, address) == page->index);
}

static bool could_be_one(const struct region *lower, const struct region *upper)
{
	return lower->end == upper->start && lower->flags == upper->flags &&
	       lower->kind == upper->kind && lower->backing == upper->backing &&
	       lower->policy.nodes == upper->policy.nodes && !(lower->flags & REGION_GROWS_DOWN) &&
	       (lower->backing == NULL ||
		lower->offset + (lower->end - lower->start) == upper->offset);
}

/* Counts as they must be, in a space of the check's own. */
static void check_counts(const struct address_space *space, const struct address_space *right)
{
	expect(space->total_pages == right->total_pages);
	expect(space->locked_pages == right->locked_pages);
	expect(space->data_pages == right->data_pages);
	expect(space->stack_pages == right->stack_pages);
	expect(space->code_pages == right->code_pages);
	expect(space->shared_pages == right->shared_pages);
	expect(space->committed_pages == right->committed_pages);
	expect(space->fork_pages == right->fork_pages);
}

static void check_subject(struct subject *subject, s32 *attached)
{
	struct address_space *space = &subject->space, right = {0};
	struct region *region = region_tree_find(&space->regions, 0), *before = NULL;
	u32 pages = 0, there = 0;
	s64 promised_before = promised;

	for (; region != NULL; before = region, region = region_next(space, region)) {
		expect(region->start < region->end && region->family == &family);
		expect(region_previous(space, region) == before);
		expect(!merged || before == NULL || !could_be_one(before, region));
		for (vaddr_t at = region->start; at < region->end; at += PAGE_SIZE, pages++) {
			check_page(region, &subject->pages[(at - BASE) / PAGE_SIZE], at);
			region_count(&right, region->backing, region->flags, 1);
		}
		if (region->backing == &files[FILES - 1].backing)
			(*attached)++;
	}
	promised = promised_before;
	for (u32 i = 0; i < PAGES; i++)
		there += subject->pages[i].there;
	expect(pages == there);
	check_counts(space, &right);
}

/* Each file is held by the regions that map it, each of which is listed, once. */
static void check_files(s32 attached)
{
	for (u32 i = 0; i < FILES; i++) {
		struct region *region;
		s32 count = 0;
		list_for_each_entry (region, &files[i].cache.mappings, mapping) {
			expect(region->backing == &files[i].backing);
			count++;
		}
		expect(files[i].refs == count);
	}
	expect(files[FILES - 1].mapped == files[FILES - 1].refs);
	expect(attached == files[FILES - 1].mapped);
}

void check(void)
{
	s64 committed = 0;
	s32 attached = 0;

	for (u32 i = 0; i < SPACES; i++) {
		if (!subjects[i].alive)
			continue;
		check_subject(&subjects[i], &attached);
		committed += (s64)subjects[i].space.committed_pages;
	}
	expect(promised == committed);
	check_files(attached);
}
