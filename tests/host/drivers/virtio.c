/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues, split and packed, with and without event indices and indirect tables: what goes in
 * comes back, in any order; both sides are woken when they asked for it and not when they did not;
 * two threads lose nothing; and a device that lies breaks the queue, not the kernel.
 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "drivers/bus/virtio_internal.h"
#include "drivers/virtio_device.h"
#include "lib/errno.h"
#include "lib/test.h"
#include "drivers/virtio_test.h"

struct variant {
	u32 limit;
	u64 features;
};

#define FEATURES(packed, event, indirect)                                  \
	((u64)(packed) << VIRTIO_F_RING_PACKED | BIT(VIRTIO_F_VERSION_1) | \
	 (u64)(event) << VIRTIO_F_EVENT_INDEX | (u64)(indirect) << VIRTIO_F_INDIRECT)

static const struct variant variants[] = {
	{4, FEATURES(0, 0, 0)},  {4, FEATURES(1, 0, 0)},  {16, FEATURES(0, 1, 0)},
	{16, FEATURES(1, 1, 0)}, {64, FEATURES(0, 0, 1)}, {64, FEATURES(1, 0, 1)},
	{40, FEATURES(0, 1, 1)}, {40, FEATURES(1, 1, 1)}, {1, FEATURES(0, 1, 0)},
	{1, FEATURES(1, 1, 0)},
};

struct buffer {
	bool given, taken;
	u32 out, count, room;
	struct found found;
	struct virtio_segment segments[MAX_SEGMENTS];
};

enum { BUFFERS = 64 };

static struct simulated_device device;
static struct virtio_queue *queue;
static struct buffer buffers[BUFFERS];
static u64 seed;

static u32 random_below(u32 limit)
{
	return (u32)(test_random(&seed) % limit);
}

static void begin(const struct variant *variant)
{
	device_init(&device, variant->limit, variant->features);
	memset(buffers, 0, sizeof(buffers));
	last_message = NULL;
	seed = 0x9e3779b97f4a7c15;
	queue = virtio_queue_create(&device.device, 0, 1024, NULL, 0);
	assert_false(IS_ERR(queue));
}

static void end(void)
{
	virtio_queues_destroy(&device.device);
}

static void fill(struct buffer *buffer)
{
	*buffer = (struct buffer){.count = 1 + random_below(MIN(virtio_queue_size(queue), 20u))};
	buffer->out = random_below(buffer->count + 1);
	for (u32 i = 0; i < buffer->count; i++) {
		buffer->segments[i] =
			(struct virtio_segment){test_random(&seed), 1 + random_below(5000)};
		if (i >= buffer->out)
			buffer->room += buffer->segments[i].length;
	}
}

/* Hands over a buffer that is free; what virtio_queue_add said. */
static int add(struct buffer *buffer)
{
	int error;

	fill(buffer);
	error = virtio_queue_add(queue, buffer->segments, buffer->out, buffer->count - buffer->out,
				 buffer);
	buffer->given = error == 0;
	return error;
}

/* The device takes the next buffer, which is the oldest that was given. */
static void expect_taken(struct buffer *buffer)
{
	assert_true(device_take(&device, &buffer->found));
	assert_int_equal(buffer->found.count, buffer->count);
	assert_int_equal(buffer->found.out, buffer->out);
	assert_memory_equal(buffer->found.segments, buffer->segments,
			    buffer->count * sizeof(buffer->segments[0]));
	buffer->taken = true;
}

/* One that is taken, at random, comes back with a length. */
static void give_back_one(bool expect_interrupt)
{
	u32 at = random_below(BUFFERS), written, got;
	bool interrupt;

	while (!buffers[at].taken)
		at = (at + 1) % BUFFERS;
	written = random_below(buffers[at].room + 1);
	interrupt = device_give(&device, buffers[at].found.id, buffers[at].found.places, written);
	if (expect_interrupt)
		assert_true(interrupt);
	assert_ptr_equal(virtio_queue_take(queue, &got), &buffers[at]);
	assert_int_equal(got, written);
	buffers[at].given = buffers[at].taken = false;
}

/* Rounds of: some are given, the device is told once if it asked, some come back. */
static void traffic(bool memory_is_short)
{
	u32 waiting = 0;

	for (u32 round = 0; round < 20000; round++) {
		bool asked = random_below(2), rearmed;
		u32 before = device.notified, added = 0;

		if (asked)
			assert_true(device_arm(&device));
		else
			device_quiet(&device);
		for (u32 i = 0; i < BUFFERS && random_below(4) != 0; i++) {
			if (buffers[i].given)
				continue;
			allocations_to_fail = memory_is_short && random_below(2);
			if (add(&buffers[i]) == 0) {
				added++;
				waiting++;
				if (random_below(3) == 0)
					virtio_queue_kick(queue);
				expect_taken(&buffers[i]);
			}
		}
		virtio_queue_kick(queue);
		if (added > 0 && asked)
			assert_true(device.notified > before);
		if (!asked || added == 0)
			assert_int_equal(device.notified, before);
		rearmed = random_below(2);
		if (rearmed)
			assert_true(virtio_queue_rearm(queue));
		else
			virtio_queue_quiet(queue);
		for (u32 back = random_below(waiting + 1); back > 0; back--, waiting--) {
			give_back_one(rearmed);
			rearmed = false;
		}
		assert_null(virtio_queue_take(queue, NULL));
	}
	while (waiting-- > 0)
		give_back_one(false);
	assert_int_equal(virtio_queue_free(queue), virtio_queue_size(queue));
}

static void what_is_given_comes_back(void **state __unused)
{
	for (u32 i = 0; i < ARRAY_SIZE(variants); i++) {
		begin(&variants[i]);
		traffic(false);
		end();
	}
}

static void tables_without_memory_go_into_the_ring(void **state __unused)
{
	for (u32 i = 0; i < ARRAY_SIZE(variants); i++) {
		begin(&variants[i]);
		traffic(true);
		allocations_to_fail = 0;
		end();
	}
}

static void a_full_ring_says_so_and_tables_make_room(void **state __unused)
{
	for (u32 i = 0; i < ARRAY_SIZE(variants); i++) {
		struct virtio_segment segments[12] = {0};
		u32 size, fit = 0;

		begin(&variants[i]);
		size = virtio_queue_size(queue);
		assert_int_equal(virtio_queue_add(queue, segments, 0, 0, &size), -ENOSPC);
		while (fit <= size && size >= 12 &&
		       virtio_queue_add(queue, segments, 12, 0, &size) == 0)
			fit++;
		if (size >= 12)
			assert_int_equal(fit, device.device.features & BIT(VIRTIO_F_INDIRECT)
						      ? size
						      : size / 12);
		while (virtio_queue_free(queue) > 0)
			assert_int_equal(virtio_queue_add(queue, segments, 1, 0, &size), 0);
		assert_int_equal(virtio_queue_add(queue, segments, 1, 0, &size), -ENOSPC);
		/* After a reset all come back, and the ring is as new. */
		while (virtio_queue_detach(queue) != NULL)
			;
		assert_int_equal(virtio_queue_free(queue), size);
		assert_int_equal(virtio_queue_restart(queue), 0);
		traffic(false);
		end();
	}
}

/* --- Two threads --- */

enum { PASSES = 5000 };

static sem_t bell, interrupt;

static void ring_bell(struct simulated_device *simulated __unused)
{
	sem_post(&bell);
}

/* The device: takes and gives back, and sleeps when it has asked to be told. */
static void *device_thread(void *argument __unused)
{
	struct found found;

	for (u32 done = 0; done < PASSES;) {
		if (!device_take(&device, &found)) {
			if (device_arm(&device))
				sem_wait(&bell);
			device_quiet(&device);
			continue;
		}
		done++;
		if (device_give(&device, found.id, found.places, (u32)found.segments[0].address))
			sem_post(&interrupt);
	}
	return NULL;
}

/* The driver: as many under way as fit; sleeps when it has asked for an interrupt. */
static void drive(void)
{
	static u32 numbers[PASSES];
	u32 sent = 0, got = 0;

	while (got < PASSES) {
		u32 written, *number;

		while (sent < PASSES) {
			struct virtio_segment segment = {sent, PASSES};

			numbers[sent] = sent;
			if (virtio_queue_add(queue, &segment, 0, 1, &numbers[sent]) != 0)
				break;
			sent++;
			virtio_queue_kick(queue);
		}
		while ((number = virtio_queue_take(queue, &written)) != NULL) {
			assert_int_equal(*number, written);
			assert_int_equal(written, got++);
		}
		assert_null(last_message);
		if (sent > got && virtio_queue_rearm(queue))
			sem_wait(&interrupt);
		virtio_queue_quiet(queue);
	}
}

static void two_threads_lose_no_buffer_and_no_wake_up(void **state __unused)
{
	for (u32 i = 0; i < ARRAY_SIZE(variants); i++) {
		pthread_t thread;

		begin(&variants[i]);
		device.on_notify = ring_bell;
		sem_init(&bell, 0, 0);
		sem_init(&interrupt, 0, 0);
		assert_int_equal(pthread_create(&thread, NULL, device_thread, NULL), 0);
		drive();
		pthread_join(thread, NULL);
		end();
	}
}

/* --- Devices that lie --- */

static void give_twice(const struct found *found)
{
	device_give(&device, found->id, found->places, 0);
	device_give(&device, found->id, found->places, 0);
}

static void give_a_free_id(const struct found *found)
{
	device_give(&device, (u16)((found->id + 1) % device.rings.size), 1, 0);
}

static void give_an_id_out_of_range(const struct found *found __unused)
{
	device_give(&device, (u16)device.rings.size, 1, 0);
}

static void give_the_largest_id(const struct found *found __unused)
{
	device_give(&device, 0xffff, 1, 0);
}

static void give_a_byte_too_many(const struct found *found)
{
	device_give(&device, found->id, found->places, 101);
}

static void give_very_many_bytes(const struct found *found)
{
	device_give(&device, found->id, found->places, 0xffffffff);
}

/* Everything is used: each place of the ring says so. */
static void lie_about_all(const struct found *found)
{
	for (u32 i = 0; i < device.rings.size; i++)
		device_give(&device, found->id, 1, 0);
}

static const struct {
	const char *what;
	void (*lie)(const struct found *found);
	const char *message;
} lies[] = {
	{"twice", give_twice, "it gives back what it does not have"},
	{"free id", give_a_free_id, "it gives back what it does not have"},
	{"id out of range", give_an_id_out_of_range, "it gives back what it does not have"},
	{"largest id", give_the_largest_id, "it gives back what it does not have"},
	{"a byte too many", give_a_byte_too_many, "it has written more than there is room for"},
	{"very many bytes", give_very_many_bytes, "it has written more than there is room for"},
	{"all", lie_about_all, NULL},
};

static void try_lie(const struct variant *variant, u32 which)
{
	struct virtio_segment segments[3] = {{1, 70}, {2, 60}, {3, 40}};
	struct found found;
	int token;

	begin(variant);
	assert_int_equal(virtio_queue_add(queue, segments, 1, 2, &token), 0);
	assert_true(device_take(&device, &found));
	lies[which].lie(&found);
	for (u32 i = 0; i < 3; i++)
		virtio_queue_take(queue, NULL);
	assert_non_null(last_message);
	if (lies[which].message != NULL)
		assert_string_equal(last_message, lies[which].message);
	/* Broken: gives and takes nothing, asks nobody, and a reset makes it whole. */
	assert_true(virtio_queue_is_broken(queue));
	assert_int_equal(virtio_queue_add(queue, segments, 1, 2, &token), -EIO);
	assert_null(virtio_queue_take(queue, NULL));
	assert_true(virtio_queue_rearm(queue));
	while (virtio_queue_detach(queue) != NULL)
		;
	assert_int_equal(virtio_queue_free(queue), virtio_queue_size(queue));
	assert_int_equal(virtio_queue_restart(queue), 0);
	assert_int_equal(virtio_queue_add(queue, segments, 1, 2, &token), 0);
	end();
}

static void a_lie_breaks_the_queue(void **state __unused)
{
	for (u32 i = 0; i < ARRAY_SIZE(variants); i++)
		for (u32 which = 0; which < ARRAY_SIZE(lies) && variants[i].limit >= 4; which++)
			try_lie(&variants[i], which);
}

/* Nonsense in whatever the device may write, at random. */
static void scribble(void)
{
	u32 size = device.rings.size, bytes = device.packed ? size * 16 + 8 : size * 8 + 6;
	u8 *area = device_memory(device.packed ? device.rings.descriptors : device.rings.used);

	for (u32 i = 1 + random_below(40); i > 0; i--)
		area[random_below(bytes)] = (u8)(random_below(2) ? test_random(&seed) : i);
}

/* Whatever is in the rings: a token comes back once, and the books are right. */
static void noise_is_survived(void **state __unused)
{
	for (u32 round = 0; round < 40000; round++) {
		begin(&variants[round % ARRAY_SIZE(variants)]);
		seed += round * 7919;
		for (u32 i = 0; i < 12; i++) {
			struct buffer *free = &buffers[i], *back;

			if (!free->given)
				add(free);
			virtio_queue_kick(queue);
			scribble();
			while ((back = virtio_queue_take(queue, NULL)) != NULL) {
				assert_true(back->given);
				back->given = false;
			}
			virtio_queue_rearm(queue);
			assert_true(virtio_queue_free(queue) <= virtio_queue_size(queue));
		}
		for (struct buffer *back; (back = virtio_queue_detach(queue)) != NULL;) {
			assert_true(back->given);
			back->given = false;
		}
		for (u32 i = 0; i < BUFFERS; i++)
			assert_false(buffers[i].given);
		assert_int_equal(virtio_queue_free(queue), virtio_queue_size(queue));
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_given_comes_back),
		cmocka_unit_test(tables_without_memory_go_into_the_ring),
		cmocka_unit_test(a_full_ring_says_so_and_tables_make_room),
		cmocka_unit_test(two_threads_lose_no_buffer_and_no_wake_up),
		cmocka_unit_test(a_lie_breaks_the_queue),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
