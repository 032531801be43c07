/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on a family of address spaces, compared with a model that is too simple to be
 * wrong.
 *
 * The model of a space is an array of pages: mapped or not, what it permits, private or shared, and
 * what its first byte is. Shared pages name a cell that all spaces see, pinned ones a pin, whose
 * frame a "device" reads and writes.  After each operation the
 * TLBs are checked, and now and then everything is compared, from random CPUs.  SEED=n repeats a
 * run; STEPS=n sets its length, CPUS=n how many CPUs the programs run on.
 */
#include "tests/host/mm/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/string.h"
#include "mm/collapse.h"
#include "mm/huge.h"
#include "mm/migrate.h"
#include "mm/pin.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/tree_check.h"

enum {
	PAGES = 640,
	HUGE_FIRST = 100,
	SPACES = 5,
	CELLS = 4096,
	FILE_PAGES = 64,
	NO_CELL = -1,
	PINS = 24
};
static const vaddr_t BASE = 0x40000000 - 100 * 4096; /* across the boundary of a table */

struct model_page {
	bool mapped, shared;
	u8 prot;
	u8 value;   /* private: the page's first byte, when `own` or anonymous */
	int cell;   /* shared, or a private page of the file not yet written: where the value is;
		       NO_CELL: `value` */
	int origin; /* what `cell` was at first */
	int pin;    /* private: 0, or n: pins[n] has its frame, and the value is there */
};

struct model_space {
	struct address_space *space; /* NULL: none */
	struct model_page pages[PAGES];
};

struct pin {
	phys_t frame; /* 0: not in use */
	bool write;
	u8 value; /* of the frame's first byte */
};

static struct model_space spaces[SPACES];
static struct pin pins[PINS + 1]; /* from 1 on */
static phys_t zeros;              /* the frame of zeros */
static u8 cells[CELLS];
static int next_cell;
static struct test_file file;
static size_t huge_pages; /* that were made by faults */
static u64 random_state;
static u64 steps = 20000, step;
static u64 cpus = MACHINE_CPUS;

static u64 random_below(u64 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static vaddr_t address_of(int page)
{
	return BASE + (vaddr_t)page * PAGE_SIZE;
}

static struct model_space *any_space(void)
{
	struct model_space *model;

	do {
		model = &spaces[random_below(SPACES)];
	} while (model->space == NULL);
	return model;
}

/* The program runs on a random CPU; others may run the same space, so that flushes have something
 * to do. */
static void run(struct model_space *model)
{
	machine_use_cpu((u32)random_below(cpus));
	vmm_switch_address_space(model->space);
}

static u8 *value_of(struct model_page *page)
{
	if (page->pin != 0)
		return &pins[page->pin].value;
	return page->cell != NO_CELL ? &cells[page->cell] : &page->value;
}

static u32 random_prot(void)
{
	static const u8 prots[] = {PROT_NONE, PROT_READ, RW, RW, RW, RW, PROT_READ | PROT_EXEC};

	return prots[random_below(ARRAY_SIZE(prots))];
}

static void random_range(int *first, int *count)
{
	*count = 1 + (int)random_below(random_below(4) == 0 ? 200 : 8);
	*first = (int)random_below((u64)(PAGES - *count));
}

static void do_mmap(struct model_space *model)
{
	int first, count;
	u32 prot = random_prot();
	u64 kind = random_below(5);
	u64 file_page = random_below(FILE_PAGES);
	struct backing *backing = NULL;
	u32 flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS;

	random_range(&first, &count);
	if (kind == 0 && next_cell + count <= CELLS)
		flags = MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS;
	if (kind == 1 || kind == 2) {
		count = MIN(count, (int)(FILE_PAGES - file_page));
		flags = MAP_FIXED | (kind == 1 ? MAP_SHARED : MAP_PRIVATE);
		backing = &file.backing;
	}
	if (random_below(8) == 0)
		flags |= MAP_POPULATE;
	long result = vmm_mmap(model->space, address_of(first), (size_t)count * PAGE_SIZE, prot,
			       flags, backing, file_page * PAGE_SIZE);
	assert_int_equal(result, address_of(first));
	for (int i = 0; i < count; i++) {
		struct model_page *page = &model->pages[first + i];
		*page = (struct model_page){.mapped = true, .prot = (u8)prot, .cell = NO_CELL};
		page->shared = flags & MAP_SHARED;
		if (backing != NULL)
			page->cell = (int)file_page + i;
		else if (page->shared)
			page->cell = next_cell++;
		if (backing == NULL && page->shared)
			cells[page->cell] = 0;
		page->origin = page->cell;
		/* Populating writable private memory writes to it, so the program has its copy from
		 * now on. */
		if ((flags & MAP_POPULATE) && backing != NULL && !page->shared &&
		    (prot & PROT_WRITE)) {
			page->value = cells[page->cell];
			page->cell = NO_CELL;
		}
	}
}

static void do_munmap(struct model_space *model)
{
	int first, count;

	random_range(&first, &count);
	assert_int_equal(vmm_munmap(model->space, address_of(first), (size_t)count * PAGE_SIZE), 0);
	for (int i = 0; i < count; i++)
		model->pages[first + i].mapped = false;
}

static void do_mprotect(struct model_space *model)
{
	int first, count;
	u32 prot = random_prot();
	int expected = 0;

	random_range(&first, &count);
	int result = vmm_mprotect(model->space, address_of(first), (size_t)count * PAGE_SIZE, prot);
	for (int i = 0; i < count && expected == 0; i++) {
		if (model->pages[first + i].mapped)
			model->pages[first + i].prot = (u8)prot;
		else
			expected = -ENOMEM;
	}
	assert_int_equal(result, expected);
}

static void do_madvise(struct model_space *model)
{
	int first, count;
	int expected = 0;

	random_range(&first, &count);
	int result = vmm_madvise(model->space, address_of(first), (size_t)count * PAGE_SIZE,
				 MADV_DONTNEED);
	for (int i = 0; i < count; i++) {
		struct model_page *page = &model->pages[first + i];
		if (!page->mapped)
			expected = -ENOMEM;
		/* What the program wrote is gone; a private page of the file shows the file again.
		 */
		page->value = 0;
		page->cell = page->origin;
		page->pin = 0;
	}
	assert_int_equal(result, expected);
}

static bool same_kind(const struct model_page *a, const struct model_page *b)
{
	return a->mapped && b->mapped && a->prot == b->prot && a->shared == b->shared;
}

static void do_mremap(struct model_space *model)
{
	int from = (int)random_below(PAGES - 40), count = 1 + (int)random_below(16);
	int to = (int)random_below(PAGES - 40);
	struct model_page moved[16];

	if (from + count > to && to + count > from)
		return;
	for (int i = 0; i < count; i++)
		if (!same_kind(&model->pages[from], &model->pages[from + i]))
			return;
	long result = vmm_mremap(model->space, address_of(from), (size_t)count * PAGE_SIZE,
				 (size_t)count * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				 address_of(to));
	memcpy(moved, &model->pages[from], sizeof(moved[0]) * (size_t)count);
	/* Pages alike may still be of two regions, which mremap refuses after it has cleared the
	 * target. */
	for (int i = 0; i < count; i++)
		model->pages[to + i].mapped = false;
	if (result == -EFAULT)
		return;
	assert_int_equal(result, address_of(to));
	memcpy(&model->pages[to], moved, sizeof(moved[0]) * (size_t)count);
	for (int i = 0; i < count; i++)
		model->pages[from + i].mapped = false;
}

static void do_fork(struct model_space *model)
{
	for (int i = 0; i < SPACES; i++) {
		if (spaces[i].space != NULL)
			continue;
		spaces[i] = *model;
		spaces[i].space = vmm_copy_address_space(model->space);
		assert_non_null(spaces[i].space);
		for (int page = 0; page < PAGES; page++) {
			struct model_page *copy = &spaces[i].pages[page];
			copy->value = copy->pin != 0 ? pins[copy->pin].value : copy->value;
			copy->pin = 0;
		}
		return;
	}
}

/* --- Pins --- */

/* Private pages alone, each pinned once. */
static void do_pin(struct model_space *model)
{
	int number = (int)random_below(PAGES), free = 1;
	struct model_page *page = &model->pages[number];
	bool write = random_below(2);

	while (free <= PINS && pins[free].frame != 0)
		free++;
	if (free > PINS || (page->mapped && (page->shared || page->pin != 0)))
		return;
	phys_t frame;
	ssize_t result = vmm_pin(model->space, address_of(number), 1, write, &frame);
	if (!page->mapped || !(page->prot & (write ? PROT_WRITE : PROT_READ))) {
		assert_int_equal(result, -EFAULT);
		return;
	}
	assert_int_equal(result, 1);
	assert_int_equal(*(u8 *)phys_to_virt(frame), *value_of(page));
	if (frame == zeros || (!write && page->cell != NO_CELL)) {
		vmm_unpin(&frame, 1);
		return;
	}
	pins[free] = (struct pin){.frame = frame, .write = write, .value = *value_of(page)};
	page->pin = free;
	page->cell = NO_CELL;
}

static void drop_pin(int number)
{
	vmm_unpin(&pins[number].frame, 1);
	for (int i = 0; i < SPACES; i++)
		for (int page = 0; page < PAGES; page++)
			if (spaces[i].pages[page].pin == number) {
				spaces[i].pages[page].value = pins[number].value;
				spaces[i].pages[page].pin = 0;
			}
	pins[number].frame = 0;
}

static void do_unpin(struct model_space *model __unused)
{
	int number = 1 + (int)random_below(PINS);

	if (pins[number].frame != 0)
		drop_pin(number);
}

/* Looks at what is pinned, and writes where it may. */
static void do_device(struct model_space *model __unused)
{
	for (int i = 1; i <= PINS; i++) {
		u8 *byte = phys_to_virt(pins[i].frame);
		if (pins[i].frame == 0)
			continue;
		assert_int_equal(*byte, pins[i].value);
		if (pins[i].write && random_below(2))
			*byte = pins[i].value = (u8)random_below(256);
	}
}

/* What reclaim might do at any time: pages go, shared ones too, or only those not used lately. */
static void do_reclaim(struct model_space *model)
{
	static const enum reclaim_how ways[] = {RECLAIM_ALL, RECLAIM_UNSHARE, RECLAIM_UNSHARE,
						RECLAIM_UNUSED, RECLAIM_COLD};
	int first, count;

	if (random_below(8) == 0) {
		(void)reclaim_run(1 + random_below(100));
		return;
	}
	random_range(&first, &count);
	vaddr_t at = address_of(first), end = address_of(first + count);
	enum reclaim_how how = ways[random_below(ARRAY_SIZE(ways))];
	rwlock_read_lock(&model->space->map_lock);
	while (at < end) {
		struct region *region = region_find_first(model->space, at);
		if (region == NULL || region->start >= end)
			break;
		at = MAX(at, region->start);
		(void)reclaim_region(model->space, region, &at, MIN(region->end, end), how,
				     random_below(2) ? 5 : UINTPTR_MAX);
	}
	rwlock_read_unlock(&model->space->map_lock);
}

/* Any page may be somewhere else. */
static bool moves(struct migration *migration __unused, phys_t frame __unused,
		  vaddr_t page __unused, struct frame_placement *to)
{
	*to = (struct frame_placement){.nodes = ~(u64)0, .first = FRAME_NODE_LOCAL};
	return random_below(4) != 0;
}

static void do_migrate(struct model_space *model)
{
	struct migration migration = {.wanted = moves, .shared = random_below(4) != 0};
	int first, count;

	random_range(&first, &count);
	migrate_range(model->space, address_of(first), address_of(first + count), &migration);
}

static void leave_cpus(struct address_space *space)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		if (vmm_current_space() == space)
			vmm_switch_address_space(NULL);
	}
}

static void do_exit(struct model_space *model)
{
	int alive = 0;

	for (int i = 0; i < SPACES; i++)
		alive += spaces[i].space != NULL;
	if (alive == 1)
		return;
	leave_cpus(model->space);
	vmm_put_address_space(model->space);
	model->space = NULL;
}

static void touch(struct model_space *model, int number, bool write)
{
	struct model_page *page = &model->pages[number];
	vaddr_t address = address_of(number);
	int code = 0, signal, expected = 0;
	u8 value = (u8)random_below(256), seen = 0;

	if (!page->mapped || (write && !(page->prot & PROT_WRITE)) || page->prot == PROT_NONE)
		expected = SIGSEGV;
	signal = write ? program_write(address, value, &code) : program_read(address, &seen, &code);
	if (signal == 0 && !write && seen != *value_of(page))
		fprintf(stderr,
			"step %lu: page %d shared %d cell %d origin %d prot %d: %#x, not %#x\n",
			(unsigned long)step, number, page->shared, page->cell, page->origin,
			page->prot, seen, *value_of(page));
	if (signal != expected)
		fprintf(stderr, "page %d, write %d, prot %d: signal %d, not %d\n", number, write,
			page->prot, signal, expected);
	assert_int_equal(signal, expected);
	if (signal != 0) {
		assert_int_equal(code, page->mapped ? SEGV_ACCERR : SEGV_MAPERR);
		return;
	}
	if (write) {
		if (!page->shared)
			page->cell = NO_CELL;
		*value_of(page) = value;
	} else {
		assert_int_equal(seen, *value_of(page));
	}
}

/* Private memory over all of the aligned 2 MiB that the pages have, and a write, which brings a
 * huge page there. */
static void do_huge(struct model_space *model)
{
	const int first = HUGE_FIRST, count = PTES_PER_TABLE;

	if (random_below(8) != 0)
		return;
	assert_int_equal(vmm_mmap(model->space, address_of(first), (size_t)count * PAGE_SIZE, RW,
				  MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0),
			 address_of(first));
	for (int i = 0; i < count; i++)
		model->pages[first + i] = (struct model_page){
			.mapped = true, .prot = RW, .cell = NO_CELL, .origin = NO_CELL};
	size_t before = huge_pages_mapped();
	touch(model, first + (int)random_below(PTES_PER_TABLE), true);
	huge_pages += huge_pages_mapped() - before;
}

/* Wherever it can, the 2 MiB become a huge page again. */
static void do_collapse(struct model_space *model)
{
	if (random_below(4) == 0)
		(void)collapse_round();
	else
		(void)!vmm_madvise(model->space, address_of(HUGE_FIRST), HUGE_SIZE, MADV_COLLAPSE);
}

static void do_touch(struct model_space *model)
{
	int first, count;
	bool write = random_below(2);

	random_range(&first, &count);
	for (int i = 0; i < count; i++)
		touch(model, first + i, write);
}

static void compare_all(void)
{
	for (int i = 0; i < SPACES; i++) {
		if (spaces[i].space == NULL)
			continue;
		run(&spaces[i]);
		for (int page = 0; page < PAGES; page++)
			touch(&spaces[i], page, false);
	}
	tree_check(any_space()->space->family, true);
}

typedef void operation(struct model_space *model);
static operation *const operations[] = {
	do_collapse, do_huge,  do_mmap,  do_munmap, do_mprotect, do_madvise, do_mremap,  do_fork,
	do_exit,     do_touch, do_touch, do_touch,  do_touch,    do_touch,   do_reclaim, do_reclaim,
	do_pin,      do_pin,   do_pin,   do_unpin,  do_device,   do_device,
};

static void find_zeros(struct address_space *space)
{
	vaddr_t at = address_of(0);

	assert_int_equal(vmm_mmap(space, at, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), at);
	assert_int_equal(vmm_pin(space, at, 1, false, &zeros), 1);
	vmm_unpin(&zeros, 1);
	assert_int_equal(vmm_munmap(space, at, PAGE_SIZE), 0);
}

static void random_operations_agree_with_the_model(void **state __unused)
{
	fprintf(stderr, "# SEED=%lu STEPS=%lu CPUS=%lu\n", (unsigned long)random_state,
		(unsigned long)steps, (unsigned long)cpus);
	test_file_init(&file, FILE_PAGES * PAGE_SIZE, 3, false);
	/* Reclaim may swap its pages. */
	file.cache.shared_memory = true;
	next_cell = FILE_PAGES;
	size_t tables = frame_count_kind(FRAME_TABLE); /* the kernel's own */
	struct swap_stats swap;
	spaces[0].space = vmm_create_address_space();
	find_zeros(spaces[0].space);
	for (step = 0; step < steps; step++) {
		struct model_space *model = any_space();
		run(model);
		operations[random_below(ARRAY_SIZE(operations))](model);
		machine_check_tlbs();
		if (step % 500 == 0)
			compare_all();
		if (next_cell > CELLS - 256)
			next_cell = CELLS; /* no more shared anonymous memory */
	}
	compare_all();
	do_device(NULL);
	for (int i = 1; i <= PINS; i++)
		if (pins[i].frame != 0)
			drop_pin(i);
	compare_all();
	for (int i = 0; i < SPACES; i++) {
		if (spaces[i].space == NULL)
			continue;
		leave_cpus(spaces[i].space);
		vmm_put_address_space(spaces[i].space);
	}
	test_file_destroy(&file);
	slab_shrink_caches();
	swap_get_stats(&swap);
	assert_int_equal(swap.slots, 0);
	assert_int_equal(swap.cached, 0);
	assert_true(swap.pool_out > 0 && swap.pool_in > 0);
	assert_true(huge_pages > 0 || steps < 1000);
	assert_int_equal(huge_pages_mapped(), 0);
	assert_int_equal(frame_count_kind(FRAME_USER), 0);
	assert_int_equal(frame_count_kind(FRAME_CACHE), 0);
	assert_int_equal(frame_count_kind(FRAME_TABLE), tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_the_model)};
	const char *seed = getenv("SEED"), *wanted = getenv("STEPS");
	const char *running = getenv("CPUS");

	random_state = seed != NULL ? strtoull(seed, NULL, 10)
				    : (u64)time(NULL) * 6364136223846793005u | 1;
	if (wanted != NULL)
		steps = strtoull(wanted, NULL, 10);
	if (running != NULL)
		cpus = CLAMP(strtoull(running, NULL, 10), (u64)1, (u64)MACHINE_CPUS);
	machine_start(64 * MIB);
	huge_settings.enabled = HUGE_ALWAYS;
	return cmocka_run_group_tests_name("mm model", tests, NULL, NULL);
}
