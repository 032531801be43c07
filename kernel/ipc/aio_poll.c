/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for events of files, IOCB_CMD_POLL.
 *
 * What waits is on its file's wait queues.  Whoever wakes one, perhaps in an interrupt, puts the
 * poll on the list of those that are ready and wakes a thread of the kernel, which looks again at
 * the file, and answers, or waits on.  So answers come without the program entering the kernel:
 * it may look at its ring, or wait for its eventfd.
 *
 * polls_lock (mutex) guards what waits; ready_lock (spin, interrupts off, inside wait queues'
 * locks) the list of those that are ready.  Files are let go outside of both.
 */
#include "ipc/aio_internal.h"

#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/sched.h"
#include "proc/task.h"

struct hook {
	struct waiter waiter;
	wait_queue_t *queue;
	struct poll *poll;
	struct hook *next;
};

struct poll {
	struct list_head link;       /* polls_lock: of `polls`, or of those to be freed */
	struct list_head ready_link; /* ready_lock */
	struct aio_context *context; /* counted */
	struct aio_event event;
	struct file *file, *eventfd; /* counted; eventfd may be NULL */
	u32 events;
	struct hook *hooks;
};

static mutex_t polls_lock = MUTEX_INIT(polls_lock);
static struct list_head polls = LIST_INIT(polls); /* polls_lock */
static struct task *thread;                       /* polls_lock; set once: counted */
static spinlock_t ready_lock;
static struct list_head ready = LIST_INIT(ready); /* ready_lock */
static wait_queue_t ready_queue = WAIT_QUEUE_INIT(ready_queue);

/* --- Queues --- */

static bool hook_wake(struct waiter *waiter, u32 events __unused)
{
	struct poll *poll = container_of(waiter, struct hook, waiter)->poll;
	unsigned long flags = spin_lock_irqsave(&ready_lock);

	if (list_empty(&poll->ready_link))
		list_add_tail(&poll->ready_link, &ready);
	spin_unlock_irqrestore(&ready_lock, flags);
	task_wake(READ_ONCE(thread));
	return false;
}

struct enrolment {
	struct poll_table table;
	struct poll *poll;
	bool failed;
};

static void enrol(struct poll_table *table, struct file *file __unused, wait_queue_t *queue)
{
	struct enrolment *enrolment = container_of(table, struct enrolment, table);
	struct hook *hook = kzalloc(sizeof(*hook));

	if (hook == NULL) {
		enrolment->failed = true;
		return;
	}
	hook->poll = enrolment->poll;
	hook->queue = queue;
	waiter_init(&hook->waiter);
	hook->waiter.wake = hook_wake;
	hook->next = enrolment->poll->hooks;
	enrolment->poll->hooks = hook;
	wait_queue_add(queue, &hook->waiter);
}

static void disarm_locked(struct poll *poll)
{
	while (poll->hooks != NULL) {
		struct hook *hook = poll->hooks;

		poll->hooks = hook->next;
		wait_queue_remove(hook->queue, &hook->waiter);
		kfree(hook);
	}
	unsigned long flags = spin_lock_irqsave(&ready_lock);
	list_remove(&poll->ready_link);
	spin_unlock_irqrestore(&ready_lock, flags);
}

/* Joins the file's queues: what holds of the events already, or an error. */
static int arm_locked(struct poll *poll, u32 *held)
{
	struct enrolment enrolment = {.table = {.queue = enrol, .events = poll->events},
				      .poll = poll};

	*held = file_poll(poll->file, &enrolment.table) & poll->events;
	if (enrolment.failed)
		return -ENOMEM;
	return *held == 0 && poll->hooks == NULL ? -EINVAL : 0;
}

/* --- Ends --- */

static void answer_locked(struct poll *poll, u32 events, struct list_head *over)
{
	disarm_locked(poll);
	poll->event.result = events;
	aio_complete(poll->context, &poll->event, poll->eventfd);
	list_move_tail(&poll->link, over);
}

static void free_poll(struct poll *poll)
{
	file_put(poll->file);
	if (poll->eventfd != NULL)
		file_put(poll->eventfd);
	aio_put(poll->context);
	kfree(poll);
}

static void free_all(struct list_head *over)
{
	struct poll *poll, *following;

	list_for_each_entry_safe (poll, following, over, link) {
		list_remove(&poll->link);
		free_poll(poll);
	}
}

/* --- The thread --- */

static struct poll *next_ready(void)
{
	unsigned long flags = spin_lock_irqsave(&ready_lock);
	struct poll *poll = list_first_entry_or_null(&ready, struct poll, ready_link);

	if (poll != NULL)
		list_remove(&poll->ready_link);
	spin_unlock_irqrestore(&ready_lock, flags);
	return poll;
}

static void work(void)
{
	struct list_head over = LIST_INIT(over);
	struct poll *poll;

	mutex_lock(&polls_lock);
	while ((poll = next_ready()) != NULL) {
		u32 held = file_poll(poll->file, NULL) & poll->events;

		if (held != 0)
			answer_locked(poll, held, &over);
	}
	mutex_unlock(&polls_lock);
	free_all(&over);
}

static bool is_any_ready(void)
{
	return !list_empty(&ready);
}

static void run(void *argument __unused)
{
	for (;;) {
		wait_event(&ready_queue, is_any_ready());
		work();
	}
}

static int start_thread_locked(void)
{
	if (thread != NULL)
		return 0;
	struct task *made = kernel_thread_create(run, NULL, "aio");
	if (IS_ERR(made))
		return (int)PTR_ERR(made);
	WRITE_ONCE(thread, made);
	return 0;
}

/* --- What contexts use --- */

int aio_poll(struct aio_context *context, const struct aio_event *event, struct file *file,
	     struct file *eventfd, u32 events)
{
	struct list_head over = LIST_INIT(over);
	struct poll *poll = kzalloc(sizeof(*poll));
	u32 held = 0;

	if (poll == NULL)
		return -ENOMEM;
	*poll = (struct poll){.context = context,
			      .event = *event,
			      .file = file,
			      .eventfd = eventfd,
			      .events = events | POLLERR | POLLHUP};
	list_init(&poll->link);
	list_init(&poll->ready_link);
	mutex_lock(&polls_lock);
	int error = start_thread_locked();
	if (error == 0)
		error = arm_locked(poll, &held);
	if (error != 0) {
		disarm_locked(poll);
		mutex_unlock(&polls_lock);
		kfree(poll);
		return error;
	}
	__atomic_add_fetch(&context->refs, 1, __ATOMIC_RELAXED);
	list_add_tail(&poll->link, &polls);
	/* Nobody would call off what came after the end; aio_cancel_all waits for our lock. */
	if (held != 0 || READ_ONCE(context->ended))
		answer_locked(poll, held, &over);
	mutex_unlock(&polls_lock);
	free_all(&over);
	return 0;
}

/* request 0: all of them.  How many there were. */
static u32 cancel(struct aio_context *context, vaddr_t request)
{
	struct list_head over = LIST_INIT(over);
	struct poll *poll, *following;
	u32 count = 0;

	mutex_lock(&polls_lock);
	list_for_each_entry_safe (poll, following, &polls, link) {
		if (poll->context != context || (request != 0 && poll->event.request != request))
			continue;
		answer_locked(poll, 0, &over);
		count++;
		if (request != 0)
			break;
	}
	mutex_unlock(&polls_lock);
	free_all(&over);
	return count;
}

int aio_cancel(struct aio_context *context, vaddr_t request)
{
	return request != 0 && cancel(context, request) > 0 ? 0 : -EINVAL;
}

void aio_cancel_all(struct aio_context *context)
{
	(void)cancel(context, 0);
}
