/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every sequence of forks, writes, reads, drops, unmappings, reclaim and exits of up to three
 * related spaces, up to a length: the references of nodes, the members of rings, who has a page
 * alone, and what each space sees.  DEPTH=n in the environment changes the length.
 *
 * A space has two pages, in two leaves below one table.  Each runs on a CPU of its own, whose TLB
 * keeps what it may.  A sequence is a number with one digit a step: which of the operations that
 * are possible then.  After each step that the sequence before did not have, all is checked.
 */
#include "tests/host/mm/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/tree_check.h"

enum { DEFAULT_DEPTH = 4, DEPTH_LIMIT = 12, SPACES = 3, PAGES = 2, GONE = -1 };
static const vaddr_t BASE = 0x40000000;
#define LEAF ((u64)2 * MIB)

enum what { WRITE_FIRST, WRITE_SECOND, READ, DROP, UNMAP, RECLAIM, FORK, EXIT, OPERATIONS };

struct model {
	struct address_space *space; /* NULL: none */
	int value[PAGES];            /* or GONE */
};

struct operation {
	int who;
	enum what what;
};

static struct model models[SPACES];
static u32 digits[DEPTH_LIMIT], choices[DEPTH_LIMIT];
static u32 depth = DEFAULT_DEPTH;
static u64 sequences;

static void use(int who)
{
	machine_use_cpu((u32)who);
}

static int count_alive(void)
{
	int alive = 0;

	for (int who = 0; who < SPACES; who++)
		alive += models[who].space != NULL;
	return alive;
}

static bool is_possible(enum what what)
{
	if (what == FORK)
		return count_alive() < SPACES;
	return what != EXIT || count_alive() > 1;
}

/* The nth operation that is possible now; *count: how many are. */
static struct operation find_operation(u32 n, u32 *count)
{
	struct operation found = {0, READ};

	*count = 0;
	for (int who = 0; who < SPACES; who++) {
		if (models[who].space == NULL)
			continue;
		for (int what = 0; what < OPERATIONS; what++)
			if (is_possible(what) && (*count)++ == n)
				found = (struct operation){who, what};
	}
	return found;
}

static void write_page(struct model *model, int page, int value)
{
	int signal = program_write(BASE + page * LEAF, (u8)value, NULL);

	assert_int_equal(signal, model->value[page] == GONE ? SIGSEGV : 0);
	if (signal == 0)
		model->value[page] = value;
}

static void read_pages(const struct model *model)
{
	for (int page = 0; page < PAGES; page++) {
		u8 seen = 0;
		int signal = program_read(BASE + page * LEAF, &seen, NULL);
		assert_int_equal(signal, model->value[page] == GONE ? SIGSEGV : 0);
		if (signal == 0)
			assert_int_equal(seen, model->value[page]);
	}
}

static void reclaim(struct address_space *space)
{
	vaddr_t at = BASE;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find_first(space, BASE);
	if (region != NULL) {
		at = MAX(at, region->start);
		(void)reclaim_region(space, region, &at, region->end, RECLAIM_UNSHARE, UINTPTR_MAX);
	}
	rwlock_read_unlock(&space->map_lock);
}

static void fork_from(const struct model *parent)
{
	int who = 0;

	while (models[who].space != NULL)
		who++;
	models[who] = *parent;
	models[who].space = vmm_copy_address_space(parent->space);
	assert_non_null(models[who].space);
	use(who);
	vmm_switch_address_space(models[who].space);
}

static void end(int who)
{
	use(who);
	vmm_switch_address_space(NULL);
	vmm_put_address_space(models[who].space);
	models[who].space = NULL;
}

static void act(struct operation operation, int value)
{
	struct model *model = &models[operation.who];

	use(operation.who);
	switch (operation.what) {
	case WRITE_FIRST:
	case WRITE_SECOND:
		write_page(model, operation.what - WRITE_FIRST, value);
		break;
	case READ:
		read_pages(model);
		break;
	case DROP:
		/* Of the second page, or nothing where it has been unmapped. */
		(void)!vmm_madvise(model->space, BASE + LEAF, PAGE_SIZE, MADV_DONTNEED);
		model->value[1] = model->value[1] == GONE ? GONE : 0;
		break;
	case UNMAP:
		assert_int_equal(vmm_munmap(model->space, BASE, LEAF), 0);
		model->value[0] = GONE;
		break;
	case RECLAIM:
		reclaim(model->space);
		break;
	case FORK:
		fork_from(model);
		break;
	default:
		end(operation.who);
	}
}

static void check_all(void)
{
	machine_check_tlbs();
	for (int who = 0; who < SPACES; who++)
		if (models[who].space != NULL) {
			tree_check(models[who].space->family, true);
			return;
		}
}

/* The sequence that `digits` say; those before `first_new` are as in the one before. */
static void play(u32 first_new)
{
	models[0] = (struct model){.space = vmm_create_address_space(), .value = {1, 2}};
	use(0);
	vmm_switch_address_space(models[0].space);
	assert_int_equal(vmm_mmap(models[0].space, BASE, 2 * LEAF, RW,
				  ANON | MAP_FIXED | MAP_NORESERVE, NULL, 0),
			 BASE);
	for (int page = 0; page < PAGES; page++)
		assert_writes(BASE + page * LEAF, page + 1);
	for (u32 step = 0; step < depth; step++) {
		act(find_operation(digits[step], &choices[step]), (int)step + 3);
		if (step >= first_new)
			check_all();
	}
	for (int who = 0; who < SPACES; who++) {
		use(who);
		if (models[who].space != NULL)
			read_pages(&models[who]);
	}
	for (int who = 0; who < SPACES; who++)
		if (models[who].space != NULL)
			end(who);
	sequences++;
}

/* The next sequence: which digit is the first that changes, or `depth`: there is none. */
static u32 advance(void)
{
	for (u32 step = depth; step-- > 0;) {
		if (++digits[step] < choices[step])
			return step;
		digits[step] = 0;
	}
	return depth;
}

static void every_sequence_keeps_the_trees_whole(void **state __unused)
{
	size_t tables = frame_count_kind(FRAME_TABLE);
	u32 first_new = 0;

	do {
		play(first_new);
		first_new = advance();
		if (first_new == 0 || first_new == depth) {
			assert_int_equal(frame_count_kind(FRAME_TABLE), tables);
			assert_int_equal(frame_count_kind(FRAME_USER), 0);
		}
	} while (first_new != depth);
	fprintf(stderr, "# %lu sequences of %u steps\n", (unsigned long)sequences, depth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_sequence_keeps_the_trees_whole)};
	const char *word = getenv("DEPTH");

	if (word != NULL)
		depth = CLAMP((u32)atoi(word), 1u, (u32)DEPTH_LIMIT);
	machine_start(32 * MIB);
	return cmocka_run_group_tests_name("mm sharing", tests, NULL, NULL);
}
