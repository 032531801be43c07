/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll: waiting for items to become ready, and handing their events out.
 *
 * The ready list says what may be ready; whether it is, the file is asked when the event is handed
 * out.  A level-triggered item goes back on the list behind the others, so the next look asks
 * again; an edge-triggered one waits for the next wake-up.
 */
#include "ipc/epoll_internal.h"
#include "mm/usercopy.h"

static bool maybe_ready(struct epoll_set *set)
{
	return READ_ONCE(set->ready.next) != &set->ready;
}

/* The first of the ready list; NULL when there is none, or it is the one to stop at. */
static struct epoll_item *pop_ready(struct epoll_set *set, const struct epoll_item *stop)
{
	struct epoll_item *item = NULL;

	/* Only the holder of set->lock takes items off, so where to stop does not change. */
	if (!maybe_ready(set) || (stop != NULL && READ_ONCE(set->ready.next) == &stop->ready_link))
		return NULL;
	unsigned long flags = spin_lock_irqsave(&set->ready_lock);
	if (!list_empty(&set->ready)) {
		item = list_first_entry(&set->ready, struct epoll_item, ready_link);
		list_remove(&item->ready_link);
		list_init(&item->ready_link);
	}
	spin_unlock_irqrestore(&set->ready_lock, flags);
	return item;
}

/* Keeps an item for the next look, behind the others or at the front, unless a wake-up has put it
 * back on the list already. */
static void keep(struct epoll_set *set, struct epoll_item *item, bool front)
{
	unsigned long flags = spin_lock_irqsave(&set->ready_lock);

	if (list_empty(&item->ready_link) && front)
		list_add(&item->ready_link, &set->ready);
	else if (list_empty(&item->ready_link))
		list_add_tail(&item->ready_link, &set->ready);
	spin_unlock_irqrestore(&set->ready_lock, flags);
}

/* While an item that was kept was off the list, others may have found that empty and gone to sleep,
 * and wake-ups of kept items wake nobody. */
static void wake_for_kept(struct epoll_set *set)
{
	/* Who waits was on the queue before looking at the list. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (wait_queue_active(&set->wait))
		wake_up_events(&set->wait, 1, EPOLL_WAKE_WAITERS);
}

/* Hands out what is ready, up to `limit` events.  Their number, or -EFAULT if the first could not
 * be written. */
static long hand_out(struct epoll_set *set, vaddr_t to, u32 limit)
{
	struct epoll_item *item, *kept = NULL; /* the first one that was */
	u32 count = 0;
	bool fault = false;

	mutex_lock(&set->lock);
	while (!fault && count < limit && (item = pop_ready(set, kept)) != NULL) {
		struct linux_epoll_event event = {epoll_item_events(item), item->event.data};

		if (event.events == 0)
			continue;
		vaddr_t at = to + count * sizeof(event);
		fault = put_user(event.events, at + offsetof(struct linux_epoll_event, events)) ||
			put_user(event.data, at + offsetof(struct linux_epoll_event, data));
		count += !fault;
		if (!fault && (item->event.events & EPOLLONESHOT)) {
			WRITE_ONCE(item->event.events,
				   item->event.events &
					   (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP));
		} else if (fault || !(item->event.events & EPOLLET)) {
			keep(set, item, false);
			kept = kept != NULL ? kept : item;
		}
	}
	if (kept != NULL)
		wake_for_kept(set);
	mutex_unlock(&set->lock);
	return count == 0 && fault ? -EFAULT : (long)count;
}

bool epoll_set_is_ready(struct epoll_set *set)
{
	struct epoll_item *item;
	bool found = false;

	if (!maybe_ready(set))
		return false;
	mutex_lock_nested(&set->lock, LOCK_NEST_NEXT);
	while (!found && (item = pop_ready(set, NULL)) != NULL) {
		found = epoll_item_events(item) != 0;
		if (found)
			keep(set, item, true);
	}
	if (found)
		wake_for_kept(set);
	mutex_unlock(&set->lock);
	return found;
}

long epoll_wait_events(struct file *epoll, vaddr_t events, u32 limit, nsec_t deadline)
{
	struct epoll_set *set = epoll->private;

	for (;;) {
		if (maybe_ready(set)) {
			long count = hand_out(set, events, limit);
			if (count != 0)
				return count;
		}
		if (deadline == 0)
			return 0;
		int error = wait_event_timeout(&set->wait, maybe_ready(set), deadline,
					       WAIT_INTERRUPTIBLE);
		if (error == -ETIMEDOUT)
			deadline = 0; /* one last look */
		else if (error)
			return -EINTR;
	}
}
