/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers: putting them into the ring, those for which there is no room, and what follows on one.
 *
 * The ring's tail is ours alone; of the program's head only the distance to it counts.  An answer
 * without room waits on ring->overflow, in its request, and the program is told by a flag.
 */
#include "ipc/uring_internal.h"

#include "ipc/event.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"

u32 uring_answers_there(struct uring *ring)
{
	u32 head = __atomic_load_n(uring_cq_word(ring, CQ_HEAD), __ATOMIC_ACQUIRE);

	return MIN(READ_ONCE(ring->cq_tail) - head, ring->cq_entries);
}

static bool put_answer(struct uring *ring, u64 user_data, s32 result, u32 flags)
{
	u32 head = __atomic_load_n(uring_cq_word(ring, CQ_HEAD), __ATOMIC_ACQUIRE);
	u32 index = ring->cq_tail & (ring->cq_entries - 1);

	if (ring->cq_tail - head >= ring->cq_entries)
		return false;
	struct uring_cqe *cqe =
		uring_at(&ring->cq, CQ_CQES + index * (u32)sizeof(struct uring_cqe));
	*cqe = (struct uring_cqe){user_data, result, flags};
	WRITE_ONCE(ring->cq_tail, ring->cq_tail + 1);
	__atomic_store_n(uring_cq_word(ring, CQ_TAIL), ring->cq_tail, __ATOMIC_RELEASE);
	return true;
}

static void tell(struct uring *ring)
{
	wake_up_events(&ring->answered, UINT_MAX, POLLIN | POLLRDNORM);
	if (ring->eventfd != NULL)
		eventfd_count(ring->eventfd);
}

bool uring_post(const struct uring_request *request, s64 result)
{
	struct uring *ring = request->ring;

	if (ring->closed || !list_empty(&ring->overflow) ||
	    !put_answer(ring, request->sqe.user_data, (s32)result,
			request->answer_flags | IORING_CQE_F_MORE))
		return false;
	ring->answers++;
	tell(ring);
	return true;
}

void uring_free_request(struct uring_request *request)
{
	if (request->file != NULL)
		file_put(request->file);
	task_put(request->task);
	request->ring->requests--;
	kfree(request);
}

void uring_flush_overflow(struct uring *ring)
{
	bool any = false;

	while (!list_empty(&ring->overflow)) {
		struct uring_request *request =
			list_first_entry(&ring->overflow, struct uring_request, link);

		if (!put_answer(ring, request->sqe.user_data, request->result,
				request->answer_flags))
			break;
		list_remove(&request->link);
		uring_free_request(request);
		any = true;
	}
	if (any && list_empty(&ring->overflow))
		__atomic_and_fetch(uring_sq_word(ring, SQ_FLAGS), ~(u32)IORING_SQ_CQ_OVERFLOW,
				   __ATOMIC_RELEASE);
	if (any)
		tell(ring);
}

/* The next of the chain goes on, or all of the rest are called off. */
static void follow(struct uring_request *next, bool failed)
{
	if (next == NULL)
		return;
	/* Not from here: chains may be long. */
	if (!failed) {
		list_add_tail(&next->link, &next->ring->continuing);
		return;
	}
	while (next != NULL) {
		struct uring_request *after = next->next;

		next->next = NULL;
		uring_finish(next, -ECANCELED);
		next = after;
	}
}

void uring_finish(struct uring_request *request, s64 result)
{
	struct uring *ring = request->ring;
	struct uring_request *next = request->next;
	bool failed = result < 0 && !(request->sqe.flags & IOSQE_IO_HARDLINK);
	bool silent = request->sqe.flags & IOSQE_CQE_SKIP_SUCCESS && result >= 0;

	struct uring_request *timeout = request->timeout;

	if (timeout != NULL)
		timeout->limits = NULL;
	if (request->limits != NULL)
		request->limits->timeout = NULL;
	request->next = NULL;
	request->result = (s32)result;
	ring->in_flight--;
	ring->answers++;
	if (ring->closed || silent ||
	    (list_empty(&ring->overflow) &&
	     put_answer(ring, request->sqe.user_data, request->result, request->answer_flags))) {
		uring_free_request(request);
	} else {
		list_add_tail(&request->link, &ring->overflow);
		__atomic_or_fetch(uring_sq_word(ring, SQ_FLAGS), IORING_SQ_CQ_OVERFLOW,
				  __ATOMIC_RELEASE);
	}
	if (!ring->closed)
		tell(ring);
	if (timeout != NULL) {
		uring_disarm(timeout);
		uring_finish(timeout, -ECANCELED);
	}
	follow(next, failed);
}
