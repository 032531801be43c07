/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that wait: for events of a file, or for a time; and calling them off.
 *
 * Whoever wakes one, perhaps in an interrupt, only puts it on the ring's list of those that are
 * ready and sees that its thread looks there (TASK_WORK_URING); all else happens in threads of the
 * program, with the ring's mutex held.
 */
#include "ipc/uring_internal.h"

#include "arch/clock.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/sched.h"
#include "proc/time.h"

static void make_ready(struct uring_request *request)
{
	struct uring *ring = request->ring;
	unsigned long flags = spin_lock_irqsave(&ring->lock);

	if (list_empty(&request->ready_link))
		list_add_tail(&request->ready_link, &ring->ready);
	spin_unlock_irqrestore(&ring->lock, flags);
	task_work_set(request->task, TASK_WORK_URING);
	task_interrupt(request->task, TASK_INTERRUPTIBLE);
}

/* --- Events --- */

static bool hook_wake(struct waiter *waiter, u32 events __unused)
{
	make_ready(container_of(waiter, struct uring_hook, waiter)->request);
	return false;
}

struct enrolment {
	struct poll_table table;
	struct uring_request *request;
	bool failed;
};

static void enrol(struct poll_table *table, struct file *file __unused, wait_queue_t *queue)
{
	struct enrolment *enrolment = container_of(table, struct enrolment, table);
	struct uring_hook *hook = kzalloc(sizeof(*hook));

	if (hook == NULL) {
		enrolment->failed = true;
		return;
	}
	hook->request = enrolment->request;
	hook->queue = queue;
	waiter_init(&hook->waiter);
	hook->waiter.wake = hook_wake;
	hook->next = enrolment->request->hooks;
	enrolment->request->hooks = hook;
	wait_queue_add(queue, &hook->waiter);
}

/* What its file has of what it waits for. */
u32 uring_ready_events(const struct uring_request *request)
{
	u32 wanted = request->sqe.opcode == IORING_OP_POLL_ADD
			     ? request->sqe.op_flags
			     : uring_ops->events(request->sqe.opcode);

	return file_poll(request->file, NULL) & (wanted | POLLERR | POLLHUP);
}

bool uring_arm(struct uring_request *request, u32 events)
{
	struct enrolment enrolment = {.table = {.queue = enrol, .events = events},
				      .request = request};

	list_add_tail(&request->link, &request->ring->waiting);
	(void)file_poll(request->file, &enrolment.table);
	if (!enrolment.failed && request->hooks != NULL)
		return true;
	uring_disarm(request);
	return false;
}

void uring_disarm(struct uring_request *request)
{
	struct uring *ring = request->ring;

	while (request->hooks != NULL) {
		struct uring_hook *hook = request->hooks;

		request->hooks = hook->next;
		wait_queue_remove(hook->queue, &hook->waiter);
		kfree(hook);
	}
	if (request->has_timer)
		timer_cancel_sync(&request->timer);
	unsigned long flags = spin_lock_irqsave(&ring->lock);
	list_remove(&request->ready_link);
	spin_unlock_irqrestore(&ring->lock, flags);
	list_remove(&request->link);
}

/* --- Times --- */

static void time_over(struct timer *timer)
{
	make_ready(container_of(timer, struct uring_request, timer));
}

/* The time that a request of either kind of timeout names: 0 or an error. */
static int read_time(const struct uring_sqe *sqe, nsec_t *time)
{
	if (sqe->length != 1 || sqe->op_flags & ~(u32)IORING_TIMEOUT_ABS)
		return -EINVAL;
	int error = timespec_from_user(time, sqe->address);
	if (error == 0 && !(sqe->op_flags & IORING_TIMEOUT_ABS))
		*time += clock_monotonic();
	return error;
}

static void start_timer(struct uring_request *request, nsec_t time)
{
	request->has_timer = true;
	list_add_tail(&request->link, &request->ring->waiting);
	timer_init(&request->timer, time_over);
	timer_start(&request->timer, time);
}

void uring_begin_timeout(struct uring_request *request)
{
	const struct uring_sqe *sqe = &request->sqe;
	nsec_t time;
	int error = read_time(sqe, &time);

	if (error != 0) {
		uring_finish(request, error);
		return;
	}
	if (sqe->offset != 0)
		request->target = request->ring->answers + sqe->offset;
	start_timer(request, time);
}

int uring_begin_link_timeout(struct uring_request *request)
{
	struct uring_request *timeout = request->next;
	nsec_t time;

	if (request->timeout != NULL || timeout == NULL ||
	    timeout->sqe.opcode != IORING_OP_LINK_TIMEOUT ||
	    request->sqe.opcode == IORING_OP_LINK_TIMEOUT)
		return 0;
	int error = timeout->result != 0 ? timeout->result : read_time(&timeout->sqe, &time);
	if (error == 0 && timeout->sqe.offset != 0)
		error = -EINVAL;
	if (error != 0)
		return error;
	/* Out of the chain, which goes on behind it. */
	request->next = timeout->next;
	timeout->next = NULL;
	request->timeout = timeout;
	timeout->limits = request;
	start_timer(timeout, time);
	return 0;
}

/* It is over: so is what it is linked to. */
static void end_limited(struct uring_request *timeout)
{
	struct uring_request *limited = timeout->limits;

	uring_finish(timeout, -ETIME);
	if (limited == NULL)
		return;
	uring_disarm(limited);
	uring_finish(limited, -ECANCELED);
}

/* Those that wait for a number of answers are over when it is reached. */
void uring_check_timeouts(struct uring *ring)
{
	struct uring_request *request, *following;

again:
	list_for_each_entry_safe (request, following, &ring->waiting, link) {
		if (request->target != 0 && ring->answers >= request->target) {
			uring_disarm(request);
			uring_finish(request, 0);
			goto again;
		}
	}
}

/* --- What is ready --- */

static struct uring_request *next_ready(struct uring *ring)
{
	unsigned long flags = spin_lock_irqsave(&ring->lock);
	struct uring_request *request =
		list_first_entry_or_null(&ring->ready, struct uring_request, ready_link);

	if (request != NULL)
		list_remove(&request->ready_link);
	spin_unlock_irqrestore(&ring->lock, flags);
	return request;
}

void uring_run_ready(struct uring *ring)
{
	struct uring_request *request;

	uring_flush_overflow(ring);
	while ((request = next_ready(ring)) != NULL) {
		uring_disarm(request);
		if (request->sqe.opcode == IORING_OP_TIMEOUT)
			uring_finish(request, -ETIME);
		else if (request->sqe.opcode == IORING_OP_LINK_TIMEOUT)
			end_limited(request);
		else
			uring_issue(request);
	}
	uring_check_timeouts(ring);
	uring_start_drained(ring);
}

static bool has_ready(struct uring *ring)
{
	return !list_empty(&ring->ready);
}

int uring_wait(struct uring *ring, u32 count, nsec_t deadline)
{
	for (;;) {
		task_work_clear(current, TASK_WORK_URING);
		uring_run();
		mutex_lock(&ring->mutex);
		uring_run_ready(ring);
		mutex_unlock(&ring->mutex);
		if (uring_answers_there(ring) >= MIN(count, ring->cq_entries))
			return 0;
		int error = wait_event_timeout(
			&ring->answered, has_ready(ring) || uring_answers_there(ring) >= count,
			deadline, WAIT_INTERRUPTIBLE);
		if (error == -ETIMEDOUT)
			return -ETIME;
		if (error != 0 && !has_ready(ring) && !(task_work(current) & TASK_WORK_URING))
			return -EINTR;
	}
}

/* --- Calling off --- */

static bool is_meant(const struct uring_request *request, const struct uring_sqe *sqe)
{
	bool timeout = request->sqe.opcode == IORING_OP_TIMEOUT;

	if (sqe->opcode == IORING_OP_TIMEOUT_REMOVE && !timeout)
		return false;
	if (sqe->opcode == IORING_OP_POLL_REMOVE && request->sqe.opcode != IORING_OP_POLL_ADD)
		return false;
	if (sqe->opcode == IORING_OP_ASYNC_CANCEL) {
		if (sqe->op_flags & IORING_ASYNC_CANCEL_ANY)
			return true;
		if (sqe->op_flags & IORING_ASYNC_CANCEL_FD)
			return !timeout && request->sqe.fd == sqe->fd;
	}
	return request->sqe.user_data == sqe->address;
}

static struct uring_request *find(struct uring *ring, const struct uring_sqe *sqe)
{
	struct uring_request *request;

	list_for_each_entry (request, &ring->waiting, link)
		if (is_meant(request, sqe))
			return request;
	return NULL;
}

long uring_cancel(struct uring *ring, const struct uring_sqe *sqe, struct uring_request *but)
{
	const u32 known =
		IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY;
	bool all = sqe->opcode == IORING_OP_ASYNC_CANCEL &&
		   sqe->op_flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
	struct uring_request *request;
	long count = 0;

	if (sqe->op_flags & ~(sqe->opcode == IORING_OP_ASYNC_CANCEL ? known : 0))
		return -EINVAL;
	while ((request = find(ring, sqe)) != NULL && request != but) {
		uring_disarm(request);
		uring_finish(request, -ECANCELED);
		count++;
		if (!all)
			return 0;
	}
	return count > 0 ? count : -ENOENT;
}

void uring_cancel_all(struct uring *ring)
{
	while (!list_empty(&ring->waiting) || !list_empty(&ring->draining)) {
		bool waits = !list_empty(&ring->waiting);
		struct uring_request *request = list_first_entry(
			waits ? &ring->waiting : &ring->draining, struct uring_request, link);

		if (!waits)
			for (struct uring_request *at = request; at != NULL; at = at->next)
				ring->in_flight++;
		uring_disarm(request);
		request->sqe.flags &= (u8)~IOSQE_IO_HARDLINK;
		uring_finish(request, -ECANCELED);
	}
	while (!list_empty(&ring->overflow)) {
		struct uring_request *request =
			list_first_entry(&ring->overflow, struct uring_request, link);

		list_remove(&request->link);
		uring_free_request(request);
	}
}
