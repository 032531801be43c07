/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls of four CPUs at once, in many orders: fork, exit, mmap, munmap, mprotect, mremap,
 * madvise, truncation, reads and writes.  Only the invariants are asked.
 */
#include "tests/host/mm/race.h"

struct stormer {
	u64 random;
	struct address_space *space; /* a reference */
	bool cuts;
};

static u64 storm_below(struct stormer *self, u64 limit)
{
	self->random ^= self->random << 13;
	self->random ^= self->random >> 7;
	self->random ^= self->random << 17;
	return (self->random >> 11) % limit;
}

static void storm_fork(struct stormer *self)
{
	struct address_space *copy = vmm_copy_address_space(self->space);

	assert_non_null(copy);
	if (storm_below(self, 2) == 0) {
		vmm_put_address_space(copy);
		return;
	}
	run_in(copy);
	vmm_put_address_space(self->space);
	self->space = copy;
}

static void storm_call(struct stormer *self, vaddr_t start, size_t size)
{
	static const u32 prots[] = {PROT_NONE, PROT_READ, RW, RW};
	struct address_space *space = self->space;
	u32 prot = prots[storm_below(self, 4)];

	switch (storm_below(self, 8)) {
	case 0:
		assert_int_equal(vmm_munmap(space, start, size), 0);
		break;
	case 1:
		assert_true(vmm_mmap(space, start, size, prot, ANON | MAP_FIXED, NULL, 0) > 0);
		break;
	case 2:
		assert_true(vmm_mmap(space, start, size, prot,
				     MAP_FIXED | (storm_below(self, 2) ? MAP_SHARED : MAP_PRIVATE),
				     &file.backing, 0) > 0);
		break;
	case 3:
		(void)!vmm_mprotect(space, start, size, prot);
		break;
	case 4:
		(void)!vmm_madvise(space, start, size, MADV_DONTNEED);
		break;
	case 5:
		(void)!vmm_madvise(space, start, size, MADV_PAGEOUT);
		break;
	case 6:
		/* A file is cut by one at a time. */
		if (!self->cuts)
			break;
		page_cache_truncate(&file.cache, storm_below(self, PAGES) * PAGE_SIZE + 1);
		page_cache_truncate(&file.cache, PAGES * PAGE_SIZE);
		break;
	default:
		(void)!vmm_mremap(space, start, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				  page_at(PAGES + (int)storm_below(self, 3)));
	}
}

static void storm(void *argument)
{
	struct stormer *self = argument;

	run_in(self->space);
	for (int turn = 0; turn < 25; turn++) {
		int first = (int)storm_below(self, PAGES);
		int count = 1 + (int)storm_below(self, (u64)(PAGES - first));
		u8 seen;
		if (storm_below(self, 8) == 0)
			storm_fork(self);
		else if (storm_below(self, 3) == 0)
			storm_call(self, page_at(first), (size_t)count * PAGE_SIZE);
		else
			for (int page = first; page < first + count; page++)
				if (storm_below(self, 2) == 0)
					(void)program_write(page_at(page), (u8)turn, NULL);
				else
					(void)program_read(page_at(page), &seen, NULL);
	}
}

static void any_calls_at_once_leave_the_trees_whole(u64 seed)
{
	struct stormer stormers[MACHINE_CPUS];
	struct actor actors[MACHINE_CPUS];

	make_parent();
	test_file_init(&file, PAGES * PAGE_SIZE, 5, true);
	child = vmm_copy_address_space(parent);
	for (u32 i = 0; i < MACHINE_CPUS; i++) {
		stormers[i].random = (seed * MACHINE_CPUS + i + 1) * 0x9e3779b97f4a7c15;
		stormers[i].space = vmm_get_address_space(i < 3 ? parent : child);
		stormers[i].cuts = i == seed % MACHINE_CPUS;
		actors[i] = (struct actor){storm, &stormers[i]};
	}
	machine_interleave(seed, actors, MACHINE_CPUS);
	tree_check(parent->family, true);
	for (u32 i = 0; i < MACHINE_CPUS; i++)
		vmm_put_address_space(stormers[i].space);
	finish();
	test_file_destroy(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RACE(any_calls_at_once_leave_the_trees_whole),
	};

	races_begin();
	return cmocka_run_group_tests_name("mm storm", tests, NULL, NULL);
}
