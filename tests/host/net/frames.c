/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of all kinds to the card: what is asked is answered, what is shared is not written to,
 * and frames that are damaged at random do no harm: no bad access (the sanitizers look), no
 * assertion, and in the end all memory is back.
 */
#include "lib/test.h"

#include <string.h>

#include "net/seeds.h"
#include "net/stack_host.h"

static const struct seed *seed_named(const char *name)
{
	for (u32 i = 0; i < seed_count; i++)
		if (strcmp(seeds[i].name, name) == 0)
			return &seeds[i];
	fail_msg("no seed %s", name);
	return NULL;
}

static void give(const char *name, bool shared)
{
	const struct seed *seed = seed_named(name);
	u8 bytes[SEED_MAX];

	memcpy(bytes, seed->bytes, seed->length);
	seed_repair(bytes, seed->length);
	host_stack_receive(bytes, seed->length, shared);
}

static void arp_is_answered(void **state __unused)
{
	host_stack_begin();
	u32 before = frames_sent;
	give("a question of ARP", false);
	assert_int_equal(frames_sent, before + 1);
	assert_int_equal(last_sent[12] << 8 | last_sent[13], ETH_P_ARP);
	assert_int_equal(last_sent[21], 2);
	assert_int_equal(host_stack_end(), 0);
}

static void echo_is_answered(void **state __unused)
{
	for (int shared = 0; shared < 2; shared++) {
		host_stack_begin();
		give("an answer of ARP", shared);
		give("a question of ARP", shared);
		u32 before = frames_sent;
		give("an echo request", shared);
		assert_int_equal(frames_sent, before + 1);
		assert_int_equal(last_sent[23], 1);
		assert_int_equal(last_sent[34], 0);
		assert_int_equal(host_stack_end(), 0);
	}
}

static void neighbours_are_answered(void **state __unused)
{
	host_stack_begin();
	host_stack_wait(3); /* the address is ours */
	u32 before = frames_sent;
	give("a question for a neighbour", false);
	assert_true(frames_sent > before);
	give("an echo request of IPv6", true);
	assert_int_equal(last_sent[12] << 8 | last_sent[13], ETH_P_IPV6);
	assert_int_equal(last_sent[54], 129);
	assert_int_equal(host_stack_end(), 0);
}

static void datagrams_and_streams_arrive(void **state __unused)
{
	host_stack_begin();
	give("a question of ARP", false);
	give("a datagram", false);
	assert_int_equal(bytes_received, 5);
	give("a connection", false);
	give("its acknowledgement", false);
	give("its data", true);
	assert_int_equal(bytes_received, 5 + 16);
	give("its end", false);
	assert_int_equal(host_stack_end(), 0);
}

static void fragments_arrive_together(void **state __unused)
{
	host_stack_begin();
	/* The sum of the whole is none. */
	host_stack_receive(seed_named("a first fragment")->bytes, 50, false);
	host_stack_wait(40);
	assert_int_equal(bytes_received, 0);
	assert_int_equal(host_stack_end(), 0);
}

/* --- Damage --- */

static u64 chance;

static u32 below(u32 limit)
{
	return (u32)(test_random(&chance) % limit);
}

static void damage(u8 *bytes, u32 *length)
{
	for (u32 i = below(4); i > 0; i--)
		bytes[ETHERNET_HEADER + below(*length - ETHERNET_HEADER)] = (u8)below(256);
	switch (below(6)) {
	case 0:
		*length = ETHERNET_HEADER + below(*length - ETHERNET_HEADER + 1);
		break;
	case 1:
		*length += below(SEED_MAX * 2 - *length);
		break;
	case 2:
		bytes[ETHERNET_HEADER + below(40) % (*length - ETHERNET_HEADER)] =
			(u8)(below(2) ? 0xff : 0);
		break;
	default:
		break;
	}
}

static void one_of_random(void)
{
	u8 bytes[SEED_MAX * 2] = {0};
	const struct seed *seed = &seeds[below(seed_count)];
	u32 length = seed->length;

	memcpy(bytes, seed->bytes, length);
	if (below(4) != 0)
		damage(bytes, &length);
	if (below(8) != 0)
		seed_repair(bytes, length);
	host_stack_receive(bytes, length, below(3) == 0);
	if (below(10) == 0)
		host_stack_wait(below(3));
}

static void damaged_frames_do_no_harm(void **state __unused)
{
	for (u32 round = 0; round < 600; round++) {
		chance = 0x9e3779b97f4a7c15 + round;
		host_stack_begin();
		for (u32 i = 0; i < 60; i++)
			one_of_random();
		if (host_stack_end() != 0)
			fail_msg("round %u: memory is lost", round);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_is_answered),
		cmocka_unit_test(echo_is_answered),
		cmocka_unit_test(neighbours_are_answered),
		cmocka_unit_test(datagrams_and_streams_arrive),
		cmocka_unit_test(fragments_arrive_together),
		cmocka_unit_test(damaged_frames_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
