/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block layer's requests, on a disk that does nothing until the test says so.
 */
#include "tests/kernel/ktest.h"

#include "arch/clock.h"
#include "arch/mmu.h"
#include "fs/block/block_device.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/list.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"

enum { TEST_MAJOR = 60, DISK_SECTORS = 1 << 20, LOG_LENGTH = 32, IOS = 16, PAGE_SECTORS = 8 };

/* What the driver was asked for, in order. */
struct started {
	enum block_op op;
	u64 sector, sectors;
	bool fua;
};

struct test_disk {
	struct block_disk *disk;
	struct started log[LOG_LENGTH]; /* all by the queue's lock */
	u32 log_count;
	struct block_request *held;
	bool answers; /* requests end at once */
	u32 recoveries;
};

struct test_io {
	struct block_io io;
	struct block_segment segment;
	u32 ended; /* atomic: how often */
};

static struct test_disk test;
static struct test_io ios[IOS];

static int start(struct block_queue *queue __unused, struct block_request *request)
{
	if (test.log_count < LOG_LENGTH)
		test.log[test.log_count++] = (struct started){request->op, request->sector,
							      request->sectors, request->fua};
	if (test.answers)
		block_request_end(request, 0);
	else
		test.held = request;
	return 0;
}

static void end_held(int error)
{
	struct block_queue *queue = &test.disk->queues[0];
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	struct block_request *request = test.held;

	test.held = NULL;
	if (request != NULL)
		block_request_end(request, error);
	block_queue_run(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	block_queue_deliver(queue);
}

static void recover(struct block_disk *disk __unused)
{
	__atomic_add_fetch(&test.recoveries, 1, __ATOMIC_RELAXED);
	end_held(-ETIMEDOUT);
}

static const struct block_disk_ops disk_ops = {.start = start, .recover = recover};

static void count_end(struct block_io *io)
{
	__atomic_add_fetch(&container_of(io, struct test_io, io)->ended, 1, __ATOMIC_RELEASE);
}

/* A disk that takes one request at a time; a name of its own each, since the nodes in /dev stay a
 * moment. */
static bool make_disk(bool write_cache, nsec_t time_out)
{
	static u32 number;

	memset(&test, 0, sizeof(test));
	memset(ios, 0, sizeof(ios));
	test.disk = block_disk_alloc(&disk_ops, 1, NULL);
	if (test.disk == NULL)
		return false;
	snprintf(test.disk->name, sizeof(test.disk->name), "test%u", number);
	test.disk->driver = "test";
	test.disk->major = TEST_MAJOR;
	test.disk->first_minor = number++;
	test.disk->minors = 1;
	test.disk->write_cache = write_cache;
	if (time_out != 0)
		test.disk->time_out = time_out;
	return block_disk_add(test.disk, DISK_SECTORS) == 0;
}

static void submit(u32 index, enum block_op op, u64 sector, u32 flags)
{
	struct test_io *t = &ios[index];

	t->segment = (struct block_segment){frame_alloc(), PAGE_SIZE};
	t->io = (struct block_io){
		.device = test.disk->whole,
		.op = op,
		.flags = flags,
		.sector = sector,
		.sectors = op == BLOCK_FLUSH ? 0 : PAGE_SECTORS,
		.segments = &t->segment,
		.segment_count = op == BLOCK_FLUSH ? 0 : 1,
		.done = count_end,
	};
	block_submit(&t->io);
}

/* Everything must have ended, once, with that error. */
static void expect_ended(u32 count, int error)
{
	for (u32 i = 0; i < count; i++) {
		KEXPECT(__atomic_load_n(&ios[i].ended, __ATOMIC_ACQUIRE) == 1);
		KEXPECT(ios[i].io.error == error);
	}
}

static void drop_disk(void)
{
	for (u32 i = 0; i < IOS; i++)
		if (ios[i].segment.address != 0)
			frame_free(ios[i].segment.address);
	block_disk_remove(test.disk);
}

static bool started(u32 index, enum block_op op, u64 sector, u64 sectors)
{
	return index < test.log_count && test.log[index].op == op &&
	       test.log[index].sector == sector && test.log[index].sectors == sectors;
}

KTEST(block_neighbours_become_one_request)
{
	KREQUIRE(make_disk(false, 0));
	submit(0, BLOCK_WRITE, 8000, 0);
	submit(1, BLOCK_WRITE, 108, 0);
	submit(2, BLOCK_WRITE, 116, 0);
	submit(3, BLOCK_WRITE, 100, 0);
	submit(4, BLOCK_READ, 124, 0);
	end_held(0);
	/* Reads first, and then all three writes at once. */
	end_held(0);
	end_held(0);
	KEXPECT(test.log_count == 3);
	KEXPECT(started(1, BLOCK_READ, 124, 8));
	KEXPECT(started(2, BLOCK_WRITE, 100, 24));
	expect_ended(5, 0);
	KEXPECT(test.disk->whole->stats.merges[BLOCK_WRITE] == 2);
	KEXPECT(test.disk->whole->stats.ios[BLOCK_WRITE] == 4);
	drop_disk();
}

KTEST(block_an_error_reaches_all_that_were_merged)
{
	KREQUIRE(make_disk(false, 0));
	submit(3, BLOCK_WRITE, 8000, 0);
	submit(0, BLOCK_WRITE, 100, 0);
	submit(1, BLOCK_WRITE, 108, 0);
	submit(2, BLOCK_WRITE, 116, 0);
	end_held(0);
	end_held(-EIO);
	expect_ended(3, -EIO);
	KEXPECT(ios[3].io.error == 0);
	drop_disk();
}

KTEST(block_requests_start_by_sector)
{
	static const u64 sectors[] = {5000, 1000, 9000, 3000, 100};
	static const u64 wanted[] = {5000, 9000, 100, 1000, 3000};

	KREQUIRE(make_disk(false, 0));
	for (u32 i = 0; i < ARRAY_SIZE(sectors); i++)
		submit(i, BLOCK_READ, sectors[i], 0);
	for (u32 i = 0; i < ARRAY_SIZE(sectors); i++)
		end_held(0);
	KEXPECT(test.log_count == ARRAY_SIZE(wanted));
	for (u32 i = 0; i < ARRAY_SIZE(wanted); i++)
		KEXPECT(started(i, BLOCK_READ, wanted[i], 8));
	expect_ended(ARRAY_SIZE(sectors), 0);
	drop_disk();
}

KTEST(block_flushes_stand_around_a_write_that_asks)
{
	KREQUIRE(make_disk(true, 0));
	test.answers = true;
	submit(0, BLOCK_WRITE, 64, BLOCK_PREFLUSH | BLOCK_FUA);
	submit(1, BLOCK_FLUSH, 0, 0);
	KEXPECT(test.log_count == 4);
	KEXPECT(test.log[0].op == BLOCK_FLUSH && started(1, BLOCK_WRITE, 64, 8));
	KEXPECT(test.log[2].op == BLOCK_FLUSH && test.log[3].op == BLOCK_FLUSH);
	expect_ended(2, 0);
	test.disk->fua = true;
	submit(2, BLOCK_WRITE, 64, BLOCK_FUA);
	KEXPECT(test.log_count == 5 && started(4, BLOCK_WRITE, 64, 8) && test.log[4].fua);
	drop_disk();
}

KTEST(block_without_a_write_cache_a_flush_is_over_at_once)
{
	KREQUIRE(make_disk(false, 0));
	submit(0, BLOCK_FLUSH, 0, 0);
	expect_ended(1, 0);
	KEXPECT(test.log_count == 0);
	drop_disk();
}

KTEST(block_transfers_that_do_not_fit_are_refused)
{
	KREQUIRE(make_disk(false, 0));
	submit(0, BLOCK_READ, DISK_SECTORS - 7, 0);
	submit(1, BLOCK_READ, UINT64_MAX - 3, 0);
	KEXPECT(ios[0].io.error == -EIO && ios[1].io.error == -EIO);
	submit(2, BLOCK_DISCARD, 0, 0);
	KEXPECT(ios[2].io.error == -EOPNOTSUPP);
	test.disk->whole->read_only = true;
	submit(3, BLOCK_WRITE, 0, 0);
	KEXPECT(ios[3].io.error == -EROFS);
	KEXPECT(test.log_count == 0);
	drop_disk();
}

KTEST(block_a_silent_disk_is_tried_again_and_then_fails)
{
	KREQUIRE(make_disk(false, 20 * NSEC_PER_MSEC));
	submit(0, BLOCK_READ, 0, 0);
	nsec_t limit = clock_monotonic() + 10 * NSEC_PER_SEC;
	while (__atomic_load_n(&ios[0].ended, __ATOMIC_ACQUIRE) == 0 && clock_monotonic() < limit)
		task_sleep(10 * NSEC_PER_MSEC);
	expect_ended(1, -EIO);
	KEXPECT(test.log_count == 3);
	KEXPECT(__atomic_load_n(&test.recoveries, __ATOMIC_RELAXED) == 3);
	drop_disk();
}

KTEST(block_what_waits_for_a_disk_that_goes_fails)
{
	KREQUIRE(make_disk(true, 0));
	for (u32 i = 0; i < 8; i++)
		submit(i, i % 2 ? BLOCK_READ : BLOCK_WRITE, i * 1000, 0);
	submit(8, BLOCK_FLUSH, 0, 0);
	block_get(test.disk->whole);
	block_disk_remove(test.disk);
	end_held(-EIO);
	expect_ended(9, -EIO);
	submit(9, BLOCK_READ, 0, 0);
	KEXPECT(ios[9].io.error == -EIO && ios[9].ended == 1);
	KEXPECT(block_find_name(test.disk->name) == NULL);
	KEXPECT(block_open(test.disk->whole, false, NULL) == -ENXIO);
	for (u32 i = 0; i < IOS; i++)
		if (ios[i].segment.address != 0)
			frame_free(ios[i].segment.address);
}
