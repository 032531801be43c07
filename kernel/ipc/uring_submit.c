/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking requests from the ring, and carrying them out.
 *
 * A request is copied before it is looked at.  Those linked to a chain are begun one after the
 * other; one that drains is begun when all before it are done, and those behind it wait with it.
 */
#include "ipc/uring_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

enum { TRIES = 4, MOST_REQUESTS = 4 * URING_MAX_ENTRIES };

/* The file of a request that is about one, with a reference; -EBADF. */
static int find_file(struct uring_request *request)
{
	struct uring *ring = request->ring;
	const struct uring_sqe *sqe = &request->sqe;

	if (request->file != NULL || uring_ops->events(sqe->opcode) == 0)
		return 0;
	if (sqe->flags & IOSQE_FIXED_FILE) {
		u32 index = (u32)sqe->fd;

		if (index < ring->file_count && ring->files[index] != NULL)
			request->file = file_get_ref(ring->files[index]);
	} else {
		request->file = fd_get(sqe->fd);
	}
	return request->file != NULL ? 0 : -EBADF;
}

static bool must_wait(s64 result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
	       result == -ERESTART_RESTARTBLOCK || result == -EINTR;
}

/* Without sleeping for anybody: see TASK_NO_WAIT. */
static s64 execute(struct uring_request *request)
{
	struct uring *ring = request->ring;
	struct uring_sqe sqe = request->sqe;
	bool selects = sqe.flags & IOSQE_BUFFER_SELECT;
	u16 id = 0;
	int error = selects ? uring_select_buffer(ring, &sqe, &id) : 0;

	request->answer_flags = 0;
	if (error != 0)
		return error;
	current->flags |= TASK_NO_WAIT;
	s64 result = uring_ops->execute(ring, &sqe, request->file);
	current->flags &= ~(u32)TASK_NO_WAIT;
	if (selects && result >= 0) {
		uring_take_buffer(ring, sqe.buffer);
		request->answer_flags = IORING_CQE_F_BUFFER | (u32)id << IORING_CQE_BUFFER_SHIFT;
	}
	return result;
}

/* Does it go on after that result? */
static bool goes_on(const struct uring_request *request, s64 result)
{
	const struct uring_sqe *sqe = &request->sqe;

	return (sqe->opcode == IORING_OP_ACCEPT && sqe->ioprio & IORING_ACCEPT_MULTISHOT &&
		result >= 0) ||
	       (sqe->opcode == IORING_OP_RECV && sqe->ioprio & IORING_RECV_MULTISHOT && result > 0);
}

/* A poll for more than one event: an answer each time that somebody is woken and something holds. */
static void poll_on(struct uring_request *request)
{
	bool waits = uring_arm(request, request->sqe.op_flags);
	u32 ready = uring_ready_events(request);

	if (waits && (ready == 0 || uring_post(request, ready)))
		return;
	uring_disarm(request);
	uring_finish(request, ready != 0 ? (s64)ready : -EAGAIN);
}

static void poll_or_try(struct uring_request *request)
{
	u32 events = uring_ops->events(request->sqe.opcode);

	for (unsigned tries = 0; tries < TRIES; tries++) {
		s64 result;

		if (request->sqe.opcode == IORING_OP_POLL_ADD) {
			events = request->sqe.op_flags;
			u32 ready = uring_ready_events(request);
			result = ready != 0 ? (s64)ready : -EINTR;
		} else {
			result = execute(request);
		}
		if (goes_on(request, result) && uring_post(request, result)) {
			tries = 0;
			continue;
		}
		if (!must_wait(result)) {
			uring_finish(request, result);
			return;
		}
		if (events == 0)
			break;
		/* What comes from now on is noticed; what came before the last look is seen again. */
		if (!uring_arm(request, events))
			break;
		if (uring_ready_events(request) == 0)
			return;
		uring_disarm(request);
	}
	uring_finish(request, events == 0 ? -EINTR : -EAGAIN);
}

void uring_issue(struct uring_request *request)
{
	const struct uring_sqe *sqe = &request->sqe;
	int error = request->result != 0 ? request->result : find_file(request);

	if (error == 0)
		error = uring_begin_link_timeout(request);
	if (error != 0) {
		uring_finish(request, error);
	} else if (sqe->opcode == IORING_OP_POLL_ADD && sqe->length == IORING_POLL_ADD_MULTI) {
		poll_on(request);
	} else if (sqe->opcode == IORING_OP_LINK_TIMEOUT) {
		uring_finish(request, -EINVAL); /* there is nothing before it */
	} else if (sqe->opcode == IORING_OP_TIMEOUT) {
		uring_begin_timeout(request);
	} else if (request->sqe.opcode == IORING_OP_ASYNC_CANCEL ||
		   request->sqe.opcode == IORING_OP_POLL_REMOVE ||
		   request->sqe.opcode == IORING_OP_TIMEOUT_REMOVE) {
		uring_finish(request, uring_cancel(request->ring, &request->sqe, request));
	} else {
		poll_or_try(request);
	}
}

static u32 chain_length(const struct uring_request *head)
{
	u32 length = 0;

	for (; head != NULL; head = head->next)
		length++;
	return length;
}

void uring_start_drained(struct uring *ring)
{
	struct uring_request *head;

	for (;;) {
		head = list_first_entry_or_null(&ring->continuing, struct uring_request, link);
		if (head != NULL) {
			list_remove(&head->link);
			uring_issue(head);
			continue;
		}
		head = list_first_entry_or_null(&ring->draining, struct uring_request, link);
		if (head == NULL)
			return;

		if (head->sqe.flags & IOSQE_IO_DRAIN && ring->in_flight > 0)
			return;
		list_remove(&head->link);
		ring->in_flight += chain_length(head);
		uring_issue(head);
	}
}

/* A chain, or a single request, is complete. */
static void begin(struct uring *ring, struct uring_request *head)
{
	list_add_tail(&head->link, &ring->draining);
	uring_start_drained(ring);
}

static struct uring_request *take(struct uring *ring, u32 head)
{
	u32 at = SQ_ARRAY + (head & (ring->sq_entries - 1)) * (u32)sizeof(u32);
	u32 index = READ_ONCE(*uring_sq_word(ring, at));
	struct uring_request *request;

	if (index >= ring->sq_entries) {
		__atomic_add_fetch(uring_sq_word(ring, SQ_DROPPED), 1, __ATOMIC_RELAXED);
		return NULL;
	}
	request = ring->requests < MOST_REQUESTS ? kzalloc(sizeof(*request)) : NULL;
	if (request == NULL)
		return ERR_PTR(-EAGAIN);
	ring->requests++;
	memcpy(&request->sqe, uring_at(&ring->sqes, index * (u32)sizeof(struct uring_sqe)),
	       sizeof(request->sqe));
	request->ring = ring;
	request->task = task_get(current);
	list_init(&request->link);
	list_init(&request->ready_link);
	return request;
}

static int check(const struct uring_sqe *sqe)
{
	const u8 known = IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_IO_LINK | IOSQE_IO_HARDLINK |
			 IOSQE_ASYNC | IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS;

	if (!uring_ops->is_known(sqe->opcode) || sqe->flags & ~known || sqe->personality != 0)
		return -EINVAL;
	if (sqe->flags & IOSQE_BUFFER_SELECT && sqe->opcode != IORING_OP_READ &&
	    sqe->opcode != IORING_OP_RECV)
		return -EOPNOTSUPP;
	if (sqe->opcode == IORING_OP_POLL_ADD && sqe->length & ~(u32)IORING_POLL_ADD_MULTI)
		return -EINVAL;
	if (sqe->opcode == IORING_OP_RECV && sqe->ioprio & IORING_RECV_MULTISHOT &&
	    !(sqe->flags & IOSQE_BUFFER_SELECT))
		return -EINVAL;
	return sqe->flags & IOSQE_FIXED_FILE && uring_ops->events(sqe->opcode) == 0 ? -EBADF : 0;
}

/* Those of one call; the last chain ends with them. */
static u32 take_all(struct uring *ring, u32 count, int *error)
{
	struct uring_request *head = NULL, *last = NULL;
	u32 at = READ_ONCE(*uring_sq_word(ring, SQ_HEAD)), done = 0;

	for (; done < count; done++) {
		struct uring_request *request = take(ring, at);

		if (IS_ERR(request)) {
			*error = (int)PTR_ERR(request);
			break;
		}
		__atomic_store_n(uring_sq_word(ring, SQ_HEAD), ++at, __ATOMIC_RELEASE);
		if (request == NULL)
			break;
		request->result = check(&request->sqe);
		if (head == NULL)
			head = request;
		else
			last->next = request;
		last = request;
		if (request->sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK))
			continue;
		begin(ring, head);
		head = NULL;
	}
	if (head != NULL)
		begin(ring, head);
	return done;
}

long uring_submit(struct uring *ring, u32 count)
{
	int error = 0;
	u32 done;

	if (ring->process != current->process)
		return -EPERM;
	mutex_lock(&ring->mutex);
	uring_flush_overflow(ring);
	/* Who does not read the answers gets no more. */
	if (!list_empty(&ring->overflow)) {
		mutex_unlock(&ring->mutex);
		return -EBUSY;
	}
	u32 tail = __atomic_load_n(uring_sq_word(ring, SQ_TAIL), __ATOMIC_ACQUIRE);
	u32 there = tail - READ_ONCE(*uring_sq_word(ring, SQ_HEAD));
	done = take_all(ring, MIN(count, MIN(there, ring->sq_entries)), &error);
	uring_run_ready(ring);
	mutex_unlock(&ring->mutex);
	return done == 0 && error != 0 ? error : (long)done;
}
