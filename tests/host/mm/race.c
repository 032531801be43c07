/* SPDX-License-Identifier: BSD-2-Clause */
/* What the races share: see race.h. */
#include "tests/host/mm/race.h"

#include <stdlib.h>

struct address_space *parent, *child, *second;
struct test_file file;
static u64 rounds = 100, first_seed;

void make_parent(void)
{
	parent = vmm_create_address_space();
	assert_non_null(parent);
	vmm_switch_address_space(parent);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 BASE);
	for (int page = 0; page < PAGES; page += 2)
		for (int byte = 0; byte < 3; byte++)
			assert_writes(page_at(page) + byte, 1);
	for (int page = 1; page < PAGES; page += 4)
		assert_reads(page_at(page), 0);
	vmm_switch_address_space(NULL);
}

void run_in(struct address_space *space)
{
	preempt_disable();
	vmm_switch_address_space(space);
	preempt_enable();
}

u8 look(struct address_space *space, vaddr_t address)
{
	u8 value = 0;

	assert_int_equal(vmm_access(space, address, &value, 1, VM_READ), 1);
	return value;
}

void finish(void)
{
	machine_check_tlbs();
	tree_check(parent->family, true);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(NULL);
	}
	machine_use_cpu(0);
	vmm_put_address_space(child);
	vmm_put_address_space(parent);
	parent = child = NULL;
}

void play_all_orders(void **state)
{
	const struct race *race = *state;

	for (u64 seed = first_seed; seed < first_seed + rounds; seed++) {
		size_t users = frame_count_kind(FRAME_USER), tables = frame_count_kind(FRAME_TABLE);
		race->play(seed);
		if (frame_count_kind(FRAME_USER) != users ||
		    frame_count_kind(FRAME_TABLE) != tables)
			fail_msg("%s: SEED=%lu: frames are lost", race->name, (unsigned long)seed);
	}
}

void races_begin(void)
{
	const char *seed = getenv("SEED"), *wanted = getenv("ROUNDS");

	if (seed != NULL)
		first_seed = strtoull(seed, NULL, 10);
	if (wanted != NULL)
		rounds = strtoull(wanted, NULL, 10);
	machine_start(64 * MIB);
}
