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

/* The first of the ready list, or NULL. */
static struct epoll_item *pop_ready(struct epoll_set *set)
{
	struct epoll_item *item = NULL;

	if (!maybe_ready(set))
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

/* Keeps an item for the next look, unless a wake-up has put it back on the list already. */
static void keep(struct epoll_set *set, struct epoll_item *item, struct list_head *list)
{
	unsigned long flags = spin_lock_irqsave(&set->ready_lock);

	if (list_empty(&item->ready_link))
		list_add_tail(&item->ready_link, list);
	spin_unlock_irqrestore(&set->ready_lock, flags);
}

/*
 * Puts a list of kept items back; at the front if they have not been handed out.  While they were
 * off the ready list others found it empty and went to sleep, and wake-ups of these items woke
 * nobody.
 */
static void put_back(struct epoll_set *set, struct list_head *kept, bool front)
{
	unsigned long flags = spin_lock_irqsave(&set->ready_lock);
	bool any = !list_empty(kept);

	if (front)
		list_splice(kept, &set->ready);
	else
		list_splice_tail(kept, &set->ready);
	spin_unlock_irqrestore(&set->ready_lock, flags);
	if (!any)
		return;
	/* Who waits was on the queue before looking at the list. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (wait_queue_active(&set->wait))
		wake_up_events(&set->wait, 1, EPOLL_WAKE_WAITERS);
}

/* Hands out what is ready, up to `limit` events.  Their number, or -EFAULT if the first could not
 * be written. */
static long hand_out(struct epoll_set *set, vaddr_t to, u32 limit)
{
	struct list_head again = LIST_INIT(again);
	struct epoll_item *item;
	u32 count = 0;
	bool fault = false;

	mutex_lock(&set->lock);
	while (count < limit && (item = pop_ready(set)) != NULL) {
		struct linux_epoll_event event = {epoll_item_events(item), item->event.data};

		if (event.events == 0)
			continue;
		vaddr_t at = to + count * sizeof(event);

		if (put_user(event.events, at + offsetof(struct linux_epoll_event, events)) ||
		    put_user(event.data, at + offsetof(struct linux_epoll_event, data))) {
			keep(set, item, &again);
			fault = true;
			break;
		}
		count++;
		if (item->event.events & EPOLLONESHOT)
			WRITE_ONCE(item->event.events,
				   item->event.events &
					   (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP));
		else if (!(item->event.events & EPOLLET))
			keep(set, item, &again);
	}
	put_back(set, &again, false);
	mutex_unlock(&set->lock);
	return count == 0 && fault ? -EFAULT : (long)count;
}

bool epoll_set_is_ready(struct epoll_set *set)
{
	struct list_head ready = LIST_INIT(ready);
	struct epoll_item *item;
	bool found = false;

	if (!maybe_ready(set))
		return false;
	mutex_lock_nested(&set->lock, LOCK_NEST_NEXT);
	while (!found && (item = pop_ready(set)) != NULL) {
		found = epoll_item_events(item) != 0;
		if (found)
			keep(set, item, &ready);
	}
	put_back(set, &ready, true);
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
