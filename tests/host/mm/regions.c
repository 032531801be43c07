/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map of regions over several spaces that have forked from one another, against an array of
 * pages for each: random changes, each also with every allocation failing; all counts; and the way
 * back from a file to the places where it is mapped, while these change.  Page tables are not part
 * of it: what would drop their entries only says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/family.h"
#include "mm/mapping.h"
#include "mm/region_internal.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/userfault.h"

/* SEED=n in the environment changes the history. */
enum { SPACES = 4, PAGES = 60, FILES = 3, STEPS = 30000 };

#define BASE ((vaddr_t)16 * MIB)

struct page {
	bool there;
	u32 flags;
	u8 kind;
	s8 file; /* or -1 */
	u64 index;
	u32 policy;
	bool stale; /* shows a page of a file that is being unmapped */
};

static struct subject {
	struct address_space space;
	struct list_head link; /* in `living`, by age */
	bool alive;
	struct page pages[PAGES];
} subjects[SPACES];

static struct list_head living = LIST_INIT(living);
static struct family family;

static struct file {
	struct backing backing;
	struct page_cache cache;
	s32 refs, mapped;
} files[FILES];

static size_t allocations, fail_at, objects;
static s64 promised;
static u64 random_state;
static bool merged;    /* no allocation has failed, so all neighbours that can be one are */
static bool unmapping; /* a file is being unmapped: changes are those that might confuse this */
static bool locked;    /* the mappings_lock of a file is held */

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

int zap_own(struct address_space *space __unused, vaddr_t start __unused, vaddr_t end __unused)
{
	return ++allocations == fail_at ? -ENOMEM : 0;
}

int space_unmap_locked(struct address_space *space, vaddr_t start, vaddr_t end)
{
	return region_remove(space, start, end);
}

static struct subject *subject_of(struct address_space *space)
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
static const struct backing_ops plain = {.get = get, .put = put};
static const struct backing_ops counting = {.get = get, .put = put, .mapped = mapped};

/* --- Chance --- */

static u32 random_below(u32 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u32)(random_state >> 32) % limit;
}

static struct subject *some_subject(void)
{
	struct subject *subject;

	do
		subject = &subjects[random_below(SPACES)];
	while (!subject->alive);
	return subject;
}

/* --- Checks --- */

#define expect(condition)                                              \
	do {                                                           \
		if (!(condition))                                      \
			fail_msg("line %d: %s", __LINE__, #condition); \
	} while (0)

static vaddr_t address_of(u32 page)
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

static void check(void)
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

/* --- Changes --- */

/* Does it again and again, with one allocation after the other failing, until none is left to fail;
 * a failure changes nothing. */
#define with_failures(failing, call)                                       \
	do {                                                               \
		int result_ = -ENOMEM;                                     \
		for (size_t nth_ = 1; (failing) && result_ != 0; nth_++) { \
			fail_at = allocations + nth_;                      \
			result_ = (call);                                  \
			fail_at = 0;                                       \
			if (result_ != 0)                                  \
				check();                                   \
		}                                                          \
		if (!(failing))                                            \
			result_ = (call);                                  \
		expect(result_ == 0);                                      \
		merged = merged && !(failing);                             \
	} while (0)

static u32 some_flags(void)
{
	static const u32 flags[] = {
		REGION_READ | REGION_WRITE,
		REGION_READ,
		REGION_READ | REGION_EXECUTE,
		REGION_READ | REGION_WRITE | REGION_LOCKED,
		REGION_READ | REGION_WRITE | REGION_WIPE_ON_FORK,
		REGION_READ | REGION_WRITE | REGION_NO_FORK,
	};

	return flags[random_below(random_below(3) == 0 ? ARRAY_SIZE(flags) : 2)];
}

static void map(struct subject *subject, u32 first, u32 count, bool failing)
{
	s8 file = (s8)random_below(FILES + 3);
	u64 index = random_below(2) ? first : random_below(8);
	struct region wanted = {
		.start = address_of(first),
		.end = address_of(first + count),
		.flags = some_flags(),
		.kind = KIND_MMAP,
	};

	if (file < FILES) {
		wanted.backing = &files[file].backing;
		wanted.offset = index * PAGE_SIZE;
		wanted.flags |= random_below(2) ? REGION_SHARED | REGION_MAY_WRITE : 0;
	} else {
		file = -1;
	}
	with_failures(failing, region_add(&subject->space, &wanted));
	for (u32 i = 0; i < count; i++)
		subject->pages[first + i] = (struct page){
			.there = true,
			.flags = wanted.flags,
			.kind = KIND_MMAP,
			.file = file,
			.index = index + i,
		};
}

static void unmap(struct subject *subject, u32 first, u32 count, bool failing)
{
	with_failures(failing,
		      region_remove(&subject->space, address_of(first), address_of(first + count)));
	for (u32 i = 0; i < count; i++)
		subject->pages[first + i] = (struct page){0};
}

/* Of the region at `first`, as far as it goes. */
static void change(struct subject *subject, u32 first, u32 count, bool failing)
{
	struct region *region = region_find(&subject->space, address_of(first));
	struct mempolicy policy = {.nodes = random_below(4) == 0};

	if (region == NULL)
		return;
	vaddr_t start = address_of(first), end = MIN(region->end, address_of(first + count));
	u32 shared = region->flags & (REGION_SHARED | REGION_MAY_WRITE);
	u32 flags = some_flags() | shared;
	with_failures(failing, region_change(&subject->space, region, start, end, flags, &policy));
	for (vaddr_t at = start; at < end; at += PAGE_SIZE) {
		struct page *page = &subject->pages[(at - BASE) / PAGE_SIZE];
		page->flags = flags;
		page->policy = (u32)policy.nodes;
	}
}

static void grow(struct subject *subject, u32 first, u32 count, bool failing)
{
	struct region *region = region_find(&subject->space, address_of(first));

	if (region == NULL)
		return;
	u32 end = (u32)((region->end - BASE) / PAGE_SIZE);
	struct page last = subject->pages[end - 1];
	/* One page stays between it and the next: growing joins nothing. */
	for (u32 i = end; i <= end + count; i++)
		if (i >= PAGES || subject->pages[i].there)
			return;
	with_failures(failing, region_grow(&subject->space, region, region->start,
					   region->end + count * PAGE_SIZE));
	for (u32 i = 0; i < count; i++) {
		subject->pages[end + i] = last;
		subject->pages[end + i].index = last.index + 1 + i;
		subject->pages[end + i].stale = false;
	}
}

/* As mremap does it: the new place, the old one gone, then the pages. */
static int move_to(struct address_space *space, const struct region *wanted, vaddr_t from)
{
	int result = region_add_moved(space, wanted);

	if (result != 0)
		return result;
	result = region_remove(space, from, from + (wanted->end - wanted->start));
	if (result != 0) {
		expect(region_remove(space, wanted->start, wanted->end) == 0);
		return result;
	}
	region_join(space, region_find(space, wanted->start));
	return 0;
}

static bool is_free(const struct subject *subject, u32 first, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (subject->pages[first + i].there)
			return false;
	return true;
}

static void move(struct subject *subject, u32 first, u32 count, bool failing)
{
	struct region *region = region_find(&subject->space, address_of(first));
	u32 to = random_below(PAGES - count);

	if (region == NULL)
		return;
	if (random_below(2) == 0)
		first = (u32)((region->start - BASE) / PAGE_SIZE);
	count = MIN(count, (u32)((region->end - address_of(first)) / PAGE_SIZE));
	for (u32 tries = 0; tries < 8 && !is_free(subject, to, count); tries++)
		to = random_below(PAGES - count);
	if (!is_free(subject, to, count))
		return;
	struct region wanted = *region;
	wanted.start = address_of(to);
	wanted.end = address_of(to + count);
	wanted.offset = region_offset(region, address_of(first));
	with_failures(failing, move_to(&subject->space, &wanted, address_of(first)));
	for (u32 i = 0; i < count; i++) {
		subject->pages[to + i] = subject->pages[first + i];
		subject->pages[first + i] = (struct page){0};
	}
}

static void end(struct subject *subject)
{
	region_map_destroy(&subject->space);
	list_remove(&subject->link);
	subject->alive = false;
}

static void begin(struct subject *subject)
{
	memset(subject, 0, sizeof(*subject));
	subject->alive = true;
	subject->space.refs = 1;
	subject->space.family = &family;
	list_add_tail(&subject->link, &living);
}

static void fork_subject(struct subject *parent, bool failing)
{
	struct subject *child = NULL;
	int result = -ENOMEM;

	for (u32 i = 0; i < SPACES; i++)
		if (!subjects[i].alive)
			child = &subjects[i];
	if (child == NULL)
		return;
	for (size_t nth = failing ? 1 : SIZE_MAX / 2; result != 0; nth++) {
		begin(child);
		region_map_share(&child->space, &parent->space);
		fail_at = allocations + nth;
		result = region_map_adapt(&child->space);
		fail_at = 0;
		if (result == 0)
			break;
		end(child);
		check();
	}
	merged = merged && !failing;
	for (u32 i = 0; i < PAGES; i++) {
		child->pages[i] = parent->pages[i];
		child->pages[i].flags &= ~(u32)(REGION_LOCKED | REGION_LOCK_ON_FAULT);
		if (parent->pages[i].flags & REGION_NO_FORK)
			child->pages[i] = (struct page){0};
	}
}

static void random_change(bool failing)
{
	struct subject *subject = some_subject();
	u32 first = random_below(PAGES);
	u32 count = 1 + random_below(MIN(PAGES - first, random_below(10) == 0 ? PAGES : 12));

	if (count >= PAGES - first)
		count = PAGES - first;
	/* Faults leave their hints. */
	(void)region_find(&subject->space, address_of(random_below(PAGES)));
	switch (unmapping ? 3 + random_below(8) : random_below(12)) {
	case 0:
	case 1:
	case 2:
		map(subject, first, count, failing);
		break;
	case 3:
		unmap(subject, first, count, failing);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		change(subject, first, count, failing);
		break;
	case 8:
		grow(subject, first, MIN(count, 4u), failing);
		break;
	case 9:
		move(subject, first, MIN(count, PAGES / 2u), failing);
		break;
	case 10:
		if (random_below(2) == 0)
			fork_subject(subject, failing);
		break;
	default:
		if (random_below(5) == 0 && !list_is_singular(&living) && subject->space.refs == 1)
			end(subject);
	}
}

static void prepare(void)
{
	const char *word = getenv("SEED");

	random_state = word != NULL ? (u64)atoll(word) : 88172645463325252ULL;
	printf("# seed %llu\n", (unsigned long long)random_state);
	merged = true;
	promised = 0;
	objects = 0;
	list_init(&living);
	memset(subjects, 0, sizeof(subjects));
	memset(&family, 0, sizeof(family));
	memset(files, 0, sizeof(files));
	for (u32 i = 0; i < FILES; i++) {
		files[i].backing.ops = i == FILES - 1 ? &counting : &plain;
		files[i].backing.cache = &files[i].cache;
		list_init(&files[i].cache.mappings);
	}
	begin(&subjects[0]);
}

static void finish(void)
{
	for (u32 i = 0; i < SPACES; i++)
		if (subjects[i].alive)
			end(&subjects[i]);
	check();
	assert_int_equal(objects, 0);
}

/* --- The tests --- */

static void histories_of_several_spaces_do_as_the_model(void **state __unused)
{
	prepare();
	for (u32 i = 0; i < STEPS; i++) {
		random_change(false);
		check();
	}
	finish();
}

static void a_failed_allocation_leaves_the_map_as_it_was(void **state __unused)
{
	prepare();
	for (u32 i = 0; i < STEPS / 10; i++) {
		random_change(true);
		check();
	}
	finish();
}

/* The walk through a family is where the mappings_lock and the map locks are free: others come by
 * there. */
struct address_space *family_next(struct family *of, struct address_space *space)
{
	expect(of == &family && !locked);
	/* Whoever is visited stays. */
	for (u32 i = random_below(4); i > 0; i--)
		random_change(false);
	struct list_head *link = space != NULL ? subject_of(space)->link.next : living.next;
	if (link == &living)
		return NULL;
	struct subject *next = container_of(link, struct subject, link);
	next->space.refs++;
	return &next->space;
}

static void no_place_keeps_a_page_that_is_unmapped_from_all(void **state __unused)
{
	prepare();
	for (u32 round = 0; round < STEPS / 5; round++) {
		u32 file = random_below(FILES), first = random_below(20), last = first + 40;
		for (u32 i = 0; i < 10; i++)
			random_change(false);
		for (u32 i = 0; i < 3; i++)
			unmap(some_subject(), random_below(PAGES - 10), 10, false);
		for (u32 i = 0; i < SPACES * PAGES; i++) {
			struct page *page = &subjects[i / PAGES].pages[i % PAGES];
			page->stale = page->there && page->file == (s8)file &&
				      page->index >= first && page->index <= last;
		}
		unmapping = true;
		mapping_unmap_range(&files[file].cache, first, last, ZAP_ALL);
		unmapping = false;
		for (u32 i = 0; i < SPACES * PAGES; i++)
			expect(!subjects[i / PAGES].alive ||
			       !subjects[i / PAGES].pages[i % PAGES].stale);
		check();
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histories_of_several_spaces_do_as_the_model),
		cmocka_unit_test(a_failed_allocation_leaves_the_map_as_it_was),
		cmocka_unit_test(no_place_keeps_a_page_that_is_unmapped_from_all),
	};

	regions_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
