/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory policies on a machine with three nodes: which are refused, and whose memory pages get. */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/mempolicy.h"

enum { MEMORY = 96, PAGES = 12, NODES = 3, ALL_NODES = 7 };

static const struct mempolicy default_policy;
static const struct mempolicy *of_thread = &default_policy;

static const struct mempolicy *thread_policy(void)
{
	return of_thread;
}

static struct mempolicy make(u32 mode, u64 nodes)
{
	struct mempolicy policy;

	assert_int_equal(mempolicy_make(&policy, mode, nodes, false), 0);
	return policy;
}

static vaddr_t map_bound(struct address_space *space, u32 mode, u64 nodes)
{
	struct mempolicy policy = make(mode, nodes);
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	assert_int_equal(vmm_bind(space, memory, memory + PAGES * PAGE_SIZE, &policy), 0);
	for (int page = 0; page < PAGES; page++)
		assert_writes(memory + page * PAGE_SIZE, page);
	return memory;
}

static void unmap(struct address_space *space, vaddr_t memory)
{
	assert_int_equal(vmm_munmap(space, memory, PAGES * PAGE_SIZE), 0);
}

static void what_linux_refuses_is_refused(void **state __unused)
{
	static const struct {
		u32 mode;
		u64 nodes;
		bool more;
		int result;
	} cases[] = {
		{MPOL_MODES, 1, false, -EINVAL},
		{MPOL_DEFAULT, 0, false, 0},
		{MPOL_DEFAULT, 1, false, -EINVAL},
		{MPOL_DEFAULT, 0, true, -EINVAL},
		{MPOL_LOCAL, 0, false, 0},
		{MPOL_LOCAL, 1, false, -EINVAL},
		{MPOL_LOCAL | MPOL_F_STATIC_NODES, 0, false, -EINVAL},
		{MPOL_PREFERRED, 0, false, 0},
		{MPOL_PREFERRED, 2, false, 0},
		{MPOL_BIND, 0, false, -EINVAL},
		{MPOL_BIND, 8, false, -EINVAL},
		{MPOL_BIND, 8, true, -EINVAL},
		{MPOL_BIND, 10, false, 0},
		{MPOL_BIND | MPOL_F_STATIC_NODES, 10, false, 0},
		{MPOL_BIND | MPOL_F_RELATIVE_NODES, 8, false, 0},
		{MPOL_BIND | MPOL_F_RELATIVE_NODES, 0, true, 0},
		{MPOL_BIND | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES, 1, false, -EINVAL},
		{MPOL_BIND | MPOL_F_NUMA_BALANCING, 1, false, 0},
		{MPOL_INTERLEAVE | MPOL_F_NUMA_BALANCING, 1, false, -EINVAL},
	};
	struct mempolicy policy;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			mempolicy_make(&policy, cases[i].mode, cases[i].nodes, cases[i].more),
			cases[i].result);
}

static void sets_mean_nodes_of_this_machine(void **state __unused)
{
	struct mempolicy fixed = make(MPOL_BIND | MPOL_F_STATIC_NODES, 10);
	struct mempolicy plain = make(MPOL_BIND, 10), first = make(MPOL_PREFERRED, 6);
	/* The fourth of three is the first again. */
	struct mempolicy relative = make(MPOL_BIND | MPOL_F_RELATIVE_NODES, 8 | 2);

	assert_int_equal(fixed.nodes, 10);
	assert_int_equal(mempolicy_nodes(&fixed), 2);
	assert_int_equal(plain.nodes, 2);
	assert_int_equal(mempolicy_nodes(&first), 2);
	assert_int_equal(mempolicy_nodes(&relative), 3);
	assert_int_equal(mempolicy_nodes(&default_policy), 0);
	assert_false(mempolicy_equal(&fixed, &plain));
}

static void assert_all_on(struct address_space *space, vaddr_t memory, u64 nodes)
{
	for (int page = 0; page < PAGES; page++) {
		int node = vmm_page_node(space, memory + page * PAGE_SIZE);
		assert_in_range(node, 0, NODES - 1);
		assert_true(nodes & BIT(node));
	}
}

static void pages_come_from_the_nodes_of_the_policy(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = map_bound(space, MPOL_BIND, 4);

	assert_all_on(space, memory, 4);
	unmap(space, memory);
	memory = map_bound(space, MPOL_PREFERRED, 2);
	assert_all_on(space, memory, 2);
	unmap(space, memory);
	memory = map_bound(space, MPOL_PREFERRED_MANY, 6);
	assert_all_on(space, memory, 6);
	unmap(space, memory);
	memory = map_bound(space, MPOL_LOCAL, 0);
	assert_all_on(space, memory, 1);
	test_space_end(space);
}

static void interleaved_pages_go_round(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = map_bound(space, MPOL_INTERLEAVE, ALL_NODES);
	u32 count[NODES] = {0};

	for (int page = 0; page < PAGES; page++) {
		int node = vmm_page_node(space, memory + page * PAGE_SIZE);
		assert_in_range(node, 0, NODES - 1);
		count[node]++;
	}
	for (int node = 0; node < NODES; node++)
		assert_int_equal(count[node], PAGES / NODES);
	test_space_end(space);
}

/* A region without a policy asks the running thread's. */
static void a_thread_has_a_policy_too(void **state __unused)
{
	struct mempolicy there = make(MPOL_BIND, 2);
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	mempolicy_set_source(thread_policy);
	of_thread = &there;
	assert_writes(memory, 1);
	assert_int_equal(vmm_page_node(space, memory), 1);
	of_thread = &default_policy;
	vaddr_t other = test_map(space, PAGE_SIZE);
	assert_writes(other, 1);
	assert_int_equal(vmm_page_node(space, other), 0);
	test_space_end(space);
}

static void a_page_without_a_frame_has_no_node(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, 2 * PAGE_SIZE);

	assert_int_equal(vmm_page_node(space, memory), -ENOENT);
	assert_reads(memory, 0);
	assert_int_equal(vmm_page_node(space, memory), -EFAULT);
	assert_int_equal(vmm_page_node(space, memory - PAGE_SIZE), -EFAULT);
	test_space_end(space);
}

static void regions_remember_their_policy(void **state __unused)
{
	struct mempolicy bind = make(MPOL_BIND, 4), found;
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE), middle = memory + 4 * PAGE_SIZE;
	vaddr_t end = memory + PAGES * PAGE_SIZE;

	assert_int_equal(vmm_bind(space, middle, middle + PAGE_SIZE, &bind), 0);
	assert_int_equal(vmm_policy_at(space, middle, &found), 0);
	assert_true(mempolicy_equal(&found, &bind));
	assert_int_equal(vmm_policy_at(space, memory, &found), 0);
	assert_true(mempolicy_equal(&found, &default_policy));
	assert_int_equal(vmm_policy_at(space, end, &found), -EFAULT);
	/* A hole is refused, but for a return to the default. */
	assert_int_equal(vmm_bind(space, memory, end + PAGE_SIZE, &bind), -EFAULT);
	assert_int_equal(vmm_munmap(space, memory + PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(vmm_bind(space, memory, end, &bind), -EFAULT);
	assert_int_equal(vmm_bind(space, memory, end, &default_policy), 0);
	assert_int_equal(vmm_bind(space, end, end + PAGE_SIZE, &default_policy), -EFAULT);
	assert_int_equal(vmm_policy_at(space, middle, &found), 0);
	assert_true(mempolicy_equal(&found, &default_policy));
	test_space_end(space);
}

static void a_home_is_for_policies_with_several_nodes(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE), end = memory + PAGES * PAGE_SIZE;
	struct mempolicy many = make(MPOL_BIND, 6), spread = make(MPOL_INTERLEAVE, 6), found;

	assert_int_equal(vmm_set_home_node(space, memory, end, 2), -ENOENT);
	assert_int_equal(vmm_bind(space, memory, memory + 4 * PAGE_SIZE, &many), 0);
	assert_int_equal(vmm_set_home_node(space, memory, end, 2), 0);
	assert_int_equal(vmm_policy_at(space, memory, &found), 0);
	assert_int_equal(found.home, 3);
	assert_writes(memory, 1);
	assert_int_equal(vmm_page_node(space, memory), 2);
	assert_int_equal(vmm_bind(space, memory, memory + 4 * PAGE_SIZE, &spread), 0);
	assert_int_equal(vmm_set_home_node(space, memory, end, 2), -EOPNOTSUPP);
	test_space_end(space);
}

static int start(void **state __unused)
{
	static const u8 distances[NODES][NODES] = {{10, 15, 30}, {15, 10, 20}, {30, 20, 10}};

	machine_nodes = (struct machine_topology){
		.nodes = NODES,
		.spans = NODES,
		.span = {{0, 32 * MIB, 0}, {32 * MIB, 64 * MIB, 1}, {64 * MIB, MEMORY * MIB, 2}},
		.cpu_node = {0, 0, 1, 2},
	};
	for (int i = 0; i < NODES; i++)
		memcpy(machine_nodes.distance[i], distances[i], NODES);
	machine_start(MEMORY * MIB);
	frame_init_nodes();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_linux_refuses_is_refused),
		cmocka_unit_test(sets_mean_nodes_of_this_machine),
		cmocka_unit_test(pages_come_from_the_nodes_of_the_policy),
		cmocka_unit_test(interleaved_pages_go_round),
		cmocka_unit_test(a_thread_has_a_policy_too),
		cmocka_unit_test(a_page_without_a_frame_has_no_node),
		cmocka_unit_test(regions_remember_their_policy),
		cmocka_unit_test(a_home_is_for_policies_with_several_nodes),
	};

	return cmocka_run_group_tests_name("mm policies", tests, start, NULL);
}
