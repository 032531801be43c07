/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: merging, the order in which they start, and their end.
 *
 * A disk has one queue or several; a transfer goes to the one of its CPU.  What the driver has no
 * room for waits, in two directions (reads; everything else), each sorted by age and by sector.  A
 * transfer that touches a waiting request at either end joins it.
 *
 * Order (a deadline scheduler): requests go by ascending sector, in batches of one direction; a
 * batch begins at the oldest request if that is past its deadline.  Reads come first, but after
 * every second batch of theirs writes have their turn.  Flushes overtake everything: they concern
 * only what has ended.
 *
 * A write with a flush before or behind it takes several steps, each a turn of the driver's; such a
 * request is never merged.
 *
 * All of it runs under queue->lock with interrupts off; submitters are told by
 * block_queue_deliver, outside of it.
 */
#include "arch/clock.h"
#include "fs/block/block_internal.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/trace.h"

enum {
	READS = 0,
	OTHERS = 1,
	BATCH = 16,
	READ_BATCHES = 2, /* that writes let pass */
	MAX_ATTEMPTS = 3,
};

static const nsec_t patience[BLOCK_DIRECTIONS] = {NSEC_PER_SEC / 2, 5 * NSEC_PER_SEC};

static struct block_io *leader_of(const struct block_request *request)
{
	return container_of(request, struct block_io, request);
}

static u8 direction_of(const struct block_request *request)
{
	return leader_of(request)->op == BLOCK_READ ? READS : OTHERS;
}

static u64 end_of(const struct block_request *request)
{
	return request->sector + request->sectors;
}

/* --- Too long under way --- */

static void look_at_clock(struct timer *timer)
{
	struct block_queue *queue = container_of(timer, struct block_queue, timer);
	nsec_t now = clock_monotonic(), limit = READ_ONCE(queue->disk->time_out);
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	struct block_request *oldest =
		list_first_entry_or_null(&queue->under_way, struct block_request, link);
	bool late = oldest != NULL && oldest->started + limit <= now;

	if (oldest != NULL)
		timer_start(timer, late ? now + limit : oldest->started + limit);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (!late)
		return;
	log_warn("%s: a request has been under way for more than %lu ms", queue->disk->name,
		 (unsigned long)(limit / NSEC_PER_MSEC));
	block_disk_recover(queue->disk);
}

void block_queue_init(struct block_queue *queue, struct block_disk *disk, u32 index)
{
	queue->disk = disk;
	queue->index = index;
	spin_lock_init(&queue->lock);
	for (u32 i = 0; i < BLOCK_DIRECTIONS; i++) {
		list_init(&queue->waiting[i]);
		queue->sorted[i] = RB_ROOT;
	}
	list_init(&queue->flushes);
	list_init(&queue->under_way);
	list_init(&queue->finished);
	timer_init(&queue->timer, look_at_clock);
}

/* --- Waiting --- */

static void insert_sorted(struct block_queue *queue, struct block_request *request)
{
	struct rb_root *root = &queue->sorted[direction_of(request)];
	struct rb_node **link = &root->top, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = request->sector < rb_entry(parent, struct block_request, node)->sector
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert(root, &request->node, parent, link);
}

/* Puts a request among those that wait; one that is tried again goes to the front. */
static void wait_for_turn(struct block_queue *queue, struct block_request *request, bool again)
{
	u8 direction = direction_of(request);

	if (request->op == BLOCK_FLUSH) {
		list_add_tail(&request->link, &queue->flushes);
		return;
	}
	if (again)
		list_add(&request->link, &queue->waiting[direction]);
	else
		list_add_tail(&request->link, &queue->waiting[direction]);
	insert_sorted(queue, request);
}

static void take_from_waiting(struct block_queue *queue, struct block_request *request)
{
	list_remove(&request->link);
	if (request->op != BLOCK_FLUSH)
		rb_erase(&queue->sorted[direction_of(request)], &request->node);
}

/* The last waiting request that begins at or before a sector, and the first behind it. */
static void find_neighbours(const struct rb_root *root, u64 sector, struct block_request **before,
			    struct block_request **behind)
{
	struct rb_node *node = root->top;

	*before = *behind = NULL;
	while (node != NULL) {
		struct block_request *request = rb_entry(node, struct block_request, node);

		if (request->sector <= sector) {
			*before = request;
			node = node->right;
		} else {
			*behind = request;
			node = node->left;
		}
	}
}

static bool may_merge(const struct block_request *request, const struct block_io *io)
{
	const struct block_disk *disk = request->queue->disk;
	const struct block_io *leader = leader_of(request);

	return leader->op == io->op && leader->flags == 0 && io->flags == 0 &&
	       request->segment_count + io->segment_count <= disk->max_segments &&
	       request->sectors + io->sectors <= disk->max_sectors;
}

/* The io takes the place of the leader, before which it lies. */
static void merge_front(struct block_queue *queue, struct block_request *request,
			struct block_io *io)
{
	struct block_request *front = &io->request;

	list_init(&front->ios);
	list_splice(&request->ios, &front->ios);
	list_add(&io->link, &front->ios);
	front->queue = queue;
	front->op = request->op;
	front->steps = request->steps;
	front->segment_count = request->segment_count + io->segment_count;
	front->sectors += request->sectors;
	front->queued = request->queued;
	list_replace(&request->link, &front->link);
	rb_replace(&queue->sorted[direction_of(request)], &request->node, &front->node);
}

static bool merge(struct block_queue *queue, struct block_io *io)
{
	struct block_request *before, *behind, *fresh = &io->request;

	if (io->op != BLOCK_READ && io->op != BLOCK_WRITE)
		return false;
	find_neighbours(&queue->sorted[io->op == BLOCK_READ ? READS : OTHERS], fresh->sector,
			&before, &behind);
	if (before != NULL && end_of(before) == fresh->sector && may_merge(before, io)) {
		list_add_tail(&io->link, &before->ios);
		before->segment_count += io->segment_count;
		before->sectors += io->sectors;
		return true;
	}
	if (behind != NULL && end_of(fresh) == behind->sector && may_merge(behind, io)) {
		merge_front(queue, behind, io);
		return true;
	}
	return false;
}

/* What a transfer has to go through, on this disk. */
static u8 steps_of(const struct block_disk *disk, const struct block_io *io)
{
	u8 steps = STEP_DATA;

	if (!disk->write_cache)
		return io->op == BLOCK_FLUSH ? 0 : STEP_DATA;
	if (io->op == BLOCK_FLUSH)
		return STEP_PREFLUSH;
	if (io->flags & BLOCK_PREFLUSH)
		steps |= STEP_PREFLUSH;
	if (io->flags & BLOCK_FUA && !disk->fua)
		steps |= STEP_POSTFLUSH;
	return steps;
}

/* What the driver does next for the request. */
static void set_op(struct block_request *request)
{
	const struct block_io *io = leader_of(request);
	bool flush = request->steps & STEP_PREFLUSH || !(request->steps & STEP_DATA);

	request->op = flush ? BLOCK_FLUSH : io->op;
	request->fua = !flush && io->flags & BLOCK_FUA && request->queue->disk->fua;
}

void block_queue_add(struct block_queue *queue, struct block_io *io)
{
	struct block_request *request = &io->request;

	request->queue = queue;
	request->sector = io->sector + io->device->start;
	request->sectors = io->sectors;
	request->segment_count = io->segment_count;
	request->steps = steps_of(queue->disk, io);
	request->attempts = 0;
	request->error = 0;
	request->queued = clock_monotonic();
	if (merge(queue, io)) {
		block_account_merge(io->device, io->op);
		return;
	}
	list_init(&request->ios);
	list_add(&io->link, &request->ios);
	if (request->steps == 0) {
		list_add_tail(&request->link, &queue->finished);
		return;
	}
	set_op(request);
	wait_for_turn(queue, request, false);
}

/* --- Choosing --- */

static u8 choose_direction(struct block_queue *queue)
{
	bool reads = !list_empty(&queue->waiting[READS]);
	bool others = !list_empty(&queue->waiting[OTHERS]);

	if (reads && (!others || queue->starved < READ_BATCHES)) {
		queue->starved += others;
		return READS;
	}
	queue->starved = 0;
	return OTHERS;
}

/* Where a batch begins: at a request that has waited too long, else at the first from here on,
 * else at the lowest. */
static struct block_request *begin_batch(struct block_queue *queue)
{
	u8 direction = queue->direction;
	struct block_request *oldest =
		list_first_entry(&queue->waiting[direction], struct block_request, link);
	struct block_request *before, *behind;

	if (oldest->queued + patience[direction] <= clock_monotonic())
		return oldest;
	find_neighbours(&queue->sorted[direction], queue->position, &before, &behind);
	if (before != NULL && before->sector == queue->position)
		return before;
	if (behind != NULL)
		return behind;
	return rb_entry(rb_first(&queue->sorted[direction]), struct block_request, node);
}

static struct block_request *choose(struct block_queue *queue)
{
	struct block_request *before, *behind;

	if (!list_empty(&queue->flushes))
		return list_first_entry(&queue->flushes, struct block_request, link);
	if (list_empty(&queue->waiting[READS]) && list_empty(&queue->waiting[OTHERS]))
		return NULL;
	if (queue->batch > 0 && !list_empty(&queue->waiting[queue->direction])) {
		find_neighbours(&queue->sorted[queue->direction], queue->position, &before,
				&behind);
		if (before != NULL && before->sector == queue->position)
			return before;
		if (behind != NULL)
			return behind;
	}
	queue->direction = choose_direction(queue);
	queue->batch = BATCH;
	return begin_batch(queue);
}

void block_queue_run(struct block_queue *queue)
{
	struct block_disk *disk = queue->disk;
	struct block_request *request;

	while (queue->under_way_count < disk->depth && (request = choose(queue)) != NULL) {
		take_from_waiting(queue, request);
		list_add_tail(&request->link, &queue->under_way);
		queue->under_way_count++;
		request->started = clock_monotonic();
		trace_point(TRACE_BLOCK_START, disk->whole->number, request->op, request->sector,
			    request->sectors);
		int error = READ_ONCE(disk->dead) ? -EIO : disk->ops->start(queue, request);
		if (error == -EBUSY) {
			list_remove(&request->link);
			queue->under_way_count--;
			wait_for_turn(queue, request, true);
			break;
		}
		if (request->op != BLOCK_FLUSH) {
			queue->position = end_of(request);
			queue->batch -= queue->batch > 0;
		}
		if (error != 0)
			block_request_end(request, error);
	}
	if (!list_empty(&queue->under_way) && !timer_is_pending(&queue->timer))
		timer_start(&queue->timer, clock_monotonic() + READ_ONCE(disk->time_out));
}

/* --- The end --- */

void block_request_end(struct block_request *request, int error)
{
	struct block_queue *queue = request->queue;

	trace_point(TRACE_BLOCK_END, queue->disk->whole->number, request->op, request->sector,
		    (u64)error);
	list_remove(&request->link);
	ASSERT(queue->under_way_count > 0);
	queue->under_way_count--;
	if (error == -ETIMEDOUT && ++request->attempts < MAX_ATTEMPTS &&
	    !READ_ONCE(queue->disk->dead)) {
		wait_for_turn(queue, request, true);
		return;
	}
	if (error == 0) {
		request->steps &= request->steps & STEP_PREFLUSH ? ~STEP_PREFLUSH
				  : request->steps & STEP_DATA   ? ~STEP_DATA
								 : ~STEP_POSTFLUSH;
		if (request->steps != 0) {
			set_op(request);
			wait_for_turn(queue, request, true);
			return;
		}
	}
	request->error = error == -ETIMEDOUT ? -EIO : error;
	list_add_tail(&request->link, &queue->finished);
}

void block_queue_deliver(struct block_queue *queue)
{
	struct list_head finished = LIST_INIT(finished);
	unsigned long flags = spin_lock_irqsave(&queue->lock);

	list_splice_tail(&queue->finished, &finished);
	spin_unlock_irqrestore(&queue->lock, flags);
	nsec_t now = clock_monotonic();
	while (!list_empty(&finished)) {
		struct block_request *request =
			list_first_entry(&finished, struct block_request, link);
		struct list_head ios = LIST_INIT(ios);
		int error = request->error;

		if (error != 0)
			log_error("%s: error %d at sector %lu, operation %d", queue->disk->name,
				  -error, (unsigned long)request->sector, leader_of(request)->op);
		list_remove(&request->link);
		list_splice(&request->ios, &ios);
		/* The leader is one of them: the request is gone with its end. */
		while (!list_empty(&ios)) {
			struct block_io *io = list_first_entry(&ios, struct block_io, link);

			list_remove(&io->link);
			io->error = error;
			block_account_end(io->device, io, now);
			io->done(io);
		}
	}
}

void block_queue_fail_waiting(struct block_queue *queue, int error)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	struct block_request *request;

	while ((request = choose(queue)) != NULL) {
		take_from_waiting(queue, request);
		request->error = error;
		list_add_tail(&request->link, &queue->finished);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	block_queue_deliver(queue);
}

u32 block_request_segments(const struct block_request *request, struct block_segment *segments,
			   u32 limit)
{
	const struct block_io *io;
	u32 count = 0;

	list_for_each_entry (io, &request->ios, link)
		for (u32 i = 0; i < io->segment_count; i++, count++)
			if (count < limit)
				segments[count] = io->segments[i];
	return count;
}
