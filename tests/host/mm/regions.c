/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map of regions over several spaces that have forked from one another, against an array of
 * pages for each: random changes, each also with every allocation failing; all counts; and the way
 * back from a file to the places where it is mapped, while these change.  Page tables are not part
 * of it: what would drop their entries only says so.
 */
#include "tests/host/mm/regions_model.h"

/* SEED=n in the environment changes the history. */

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
