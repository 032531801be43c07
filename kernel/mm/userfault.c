/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Userfaults: their life, their queues of messages, and the faults that wait in them; see
 * userfault.h.
 *
 * A fault joins the queue first and looks at its entry afterwards.  Whoever resolves it changes the
 * entry first and wakes afterwards.  So no wake-up is lost.  A waiter is on its thread's stack:
 * whoever wakes it holds the userfault's lock until he no longer touches it, and the thread takes
 * that lock before it goes on.
 */
#include "mm/userfault.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/family.h"
#include "mm/fault.h"
#include "mm/hugetlb_internal.h"
#include "mm/kmalloc.h"
#include "mm/pagecache_internal.h"

static const struct userfault_hooks *hooks; /* set once; may be NULL */
static spinlock_t spaces_lock;              /* guards which userfaults a space has */

void userfault_set_hooks(const struct userfault_hooks *the_hooks)
{
	hooks = the_hooks;
}

/* --- Life --- */

struct userfault *userfault_create(struct address_space *space, bool user_only)
{
	struct userfault *userfault = kzalloc(sizeof(*userfault));

	if (userfault == NULL)
		return NULL;
	userfault->refs = 1;
	userfault->user_only = user_only;
	spin_lock_init(&userfault->lock);
	list_init(&userfault->pending);
	list_init(&userfault->delivered);
	list_init(&userfault->events);
	wait_queue_init(&userfault->readers);
	userfault->space = space;
	spin_lock(&spaces_lock);
	list_add_tail(&userfault->space_link, &space->userfaults);
	spin_unlock(&spaces_lock);
	return userfault;
}

void userfault_destroy(struct userfault *userfault)
{
	spin_lock(&spaces_lock);
	if (userfault->space != NULL)
		list_remove(&userfault->space_link);
	spin_unlock(&spaces_lock);
	kfree(userfault);
}

struct address_space *userfault_space(struct userfault *userfault)
{
	spin_lock(&spaces_lock);
	struct address_space *space = userfault->space;
	if (space != NULL && !space_try_get(space))
		space = NULL;
	spin_unlock(&spaces_lock);
	return space;
}

void userfault_forget_space(struct address_space *space)
{
	spin_lock(&spaces_lock);
	while (!list_empty(&space->userfaults)) {
		struct userfault *userfault =
			container_of(space->userfaults.next, struct userfault, space_link);
		list_remove(&userfault->space_link);
		userfault->space = NULL;
	}
	spin_unlock(&spaces_lock);
}

static void unregister_all(struct userfault *userfault, struct address_space *space)
{
	rwlock_write_lock(&space->map_lock);
	struct region *region = region_find_first(space, 0);
	while (region != NULL) {
		vaddr_t end = region->end;
		/* Without memory it stays as it is: nobody asks a userfault that is closed. */
		if (region->userfault == userfault)
			(void)!region_set_watch(space, region, region->start, end,
						region->flags & ~(u32)REGION_WATCH, NULL);
		region = region_find_first(space, end);
	}
	rwlock_write_unlock(&space->map_lock);
}

static void release_all_locked(struct list_head *waiters)
{
	while (!list_empty(waiters))
		userfault_release_locked(
			container_of(waiters->next, struct userfault_waiter, link));
}

void userfault_close(struct userfault *userfault)
{
	spin_lock(&userfault->lock);
	WRITE_ONCE(userfault->closed, true);
	release_all_locked(&userfault->pending);
	release_all_locked(&userfault->delivered);
	release_all_locked(&userfault->events);
	spin_unlock(&userfault->lock);
	struct address_space *space = userfault_space(userfault);
	if (space == NULL)
		return;
	unregister_all(userfault, space);
	vmm_put_address_space(space);
}

/* --- Queues --- */

void userfault_waiter_init(struct userfault_waiter *waiter)
{
	memset(waiter, 0, sizeof(*waiter));
	list_init(&waiter->link);
	wait_queue_init(&waiter->queue);
}

void userfault_release_locked(struct userfault_waiter *waiter)
{
	list_remove(&waiter->link);
	WRITE_ONCE(waiter->done, true);
	wake_up_all(&waiter->queue);
}

bool userfault_has_messages(struct userfault *userfault)
{
	spin_lock(&userfault->lock);
	bool some = !list_empty(&userfault->pending) || !list_empty(&userfault->events);
	spin_unlock(&userfault->lock);
	return some;
}

bool userfault_next(struct userfault *userfault, struct linux_uffd_msg *message,
		    struct userfault **forked)
{
	struct userfault_waiter *waiter = NULL;

	*forked = NULL;
	spin_lock(&userfault->lock);
	if (!list_empty(&userfault->pending)) {
		waiter = container_of(userfault->pending.next, struct userfault_waiter, link);
		*message = waiter->message;
		list_move_tail(&waiter->link, &userfault->delivered);
	} else if (!list_empty(&userfault->events)) {
		waiter = container_of(userfault->events.next, struct userfault_waiter, link);
		*message = waiter->message;
		*forked = waiter->forked;
		waiter->forked = NULL;
		userfault_release_locked(waiter);
	}
	spin_unlock(&userfault->lock);
	return waiter != NULL;
}

static void wake_range_locked(struct list_head *waiters, vaddr_t start, u64 length)
{
	struct list_head *link = waiters->next;

	while (link != waiters) {
		struct userfault_waiter *waiter = container_of(link, struct userfault_waiter, link);
		link = link->next;
		if (waiter->page - start < length)
			userfault_release_locked(waiter);
	}
}

void userfault_wake(struct userfault *userfault, vaddr_t start, u64 length)
{
	spin_lock(&userfault->lock);
	wake_range_locked(&userfault->pending, start, length);
	wake_range_locked(&userfault->delivered, start, length);
	spin_unlock(&userfault->lock);
}

/* --- Faults --- */

/* Does the file have the page, in memory or in swap space?  Beyond its end nobody is asked, the
 * program gets its signal. */
static bool is_cached(const struct region *region, vaddr_t page, bool *beyond)
{
	struct page_cache *cache = region_cache(region);
	u64 index = region_index(region, page);

	*beyond = index >= DIV_ROUND_UP(page_cache_size(cache), PAGE_SIZE);
	if (cache->huge != NULL)
		return hugetlb_file_has(cache->huge, index);
	phys_t frame;
	int result = page_cache_look_up(cache, index, &frame);
	if (result == 0 && frame != 0)
		frame_free(frame);
	return result != 0 || frame != 0;
}

bool region_watches_writes(const struct region *region)
{
	return (region->flags & REGION_WATCH_WRITES) && region->userfault != NULL &&
	       !READ_ONCE(region->userfault->closed);
}

/* UFFD_PAGEFAULT_FLAG_*, or a negative number: it is no fault for a userfault. */
static int fault_reason(const struct fault *fault, pte_t entry)
{
	const struct region *region = fault->region;
	u32 watch = region->flags & REGION_WATCH;
	int written = fault->flags & FAULT_WRITE ? UFFD_PAGEFAULT_FLAG_WRITE : 0;

	if (region->userfault == NULL || READ_ONCE(region->userfault->closed))
		return -1;
	if (!entry_is_vacant(entry)) {
		bool marked = pte_is_present(entry) && (entry_marks(entry) & PAGE_WATCHED);
		return written && marked && (watch & REGION_WATCH_WRITES)
			       ? UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP
			       : -1;
	}
	if (region->backing != NULL) {
		bool beyond, cached = is_cached(region, fault->page, &beyond);
		if (beyond)
			return -1;
		if (cached)
			return watch & REGION_WATCH_MINOR ? written | UFFD_PAGEFAULT_FLAG_MINOR
							  : -1;
	}
	return watch & REGION_WATCH_MISSING ? written : -1;
}

bool userfault_wanted(const struct fault *fault, pte_t entry)
{
	return fault_reason(fault, entry) >= 0;
}

/* Must the fault be resolved without anybody being asked? */
static bool may_not_ask(const struct fault *fault, const struct userfault *userfault)
{
	if (userfault_has(userfault, UFFD_FEATURE_SIGBUS))
		return true;
	if (userfault->user_only && !(fault->flags & FAULT_USER))
		return true;
	return hooks != NULL && !hooks->may_wait();
}

static void describe(struct userfault_waiter *waiter, const struct fault *fault,
		     const struct userfault *userfault, int reason)
{
	bool exact = userfault_has(userfault, UFFD_FEATURE_EXACT_ADDRESS);

	waiter->page = fault->page;
	waiter->message.event = UFFD_EVENT_PAGEFAULT;
	waiter->message.pagefault.flags = (u64)reason;
	waiter->message.pagefault.address =
		exact ? fault->address
		      : ALIGN_DOWN(fault->page, userfault_page_size(fault->region));
	if (userfault_has(userfault, UFFD_FEATURE_THREAD_ID) && hooks != NULL)
		waiter->message.pagefault.thread = hooks->thread_id();
}

/* Joins the queue; false when the userfault is closed. */
static bool join(struct userfault *userfault, struct userfault_waiter *waiter)
{
	spin_lock(&userfault->lock);
	bool open = !userfault->closed;
	if (open)
		list_add_tail(&waiter->link, &userfault->pending);
	spin_unlock(&userfault->lock);
	return open;
}

static void leave(struct userfault *userfault, struct userfault_waiter *waiter)
{
	spin_lock(&userfault->lock);
	if (!waiter->done)
		list_remove(&waiter->link);
	spin_unlock(&userfault->lock);
}

/* Finds out what to wait for, and joins its queue.  FAULT_WAIT: done so, *userfault is a reference;
 * FAULT_RETRY: there is nothing to wait for.  Map lock held. */
static enum fault_result begin_wait(struct fault *fault, struct userfault_waiter *waiter,
				    struct userfault **userfault)
{
	fault->region = region_find(fault->space, fault->page);
	if (fault->region == NULL || !(fault->region->flags & REGION_WATCH))
		return FAULT_RETRY;
	int reason = fault_reason(fault, tree_peek(fault->space, fault->page));
	if (reason < 0)
		return FAULT_RETRY;
	*userfault = fault->region->userfault;
	if (may_not_ask(fault, *userfault))
		return FAULT_NO_PAGE;
	describe(waiter, fault, *userfault, reason);
	if (!join(*userfault, waiter))
		return FAULT_RETRY;
	/* Somebody may have resolved it just before we joined. */
	if (fault_reason(fault, tree_peek(fault->space, fault->page)) < 0) {
		leave(*userfault, waiter);
		return FAULT_RETRY;
	}
	userfault_get(*userfault);
	return FAULT_WAIT;
}

int userfault_wait(struct fault *fault)
{
	struct userfault_waiter waiter;
	struct userfault *userfault;
	bool user = fault->flags & FAULT_USER;

	userfault_waiter_init(&waiter);
	rwlock_read_lock(&fault->space->map_lock);
	enum fault_result result = begin_wait(fault, &waiter, &userfault);
	rwlock_read_unlock(&fault->space->map_lock);
	if (result != FAULT_WAIT)
		return result;
	wake_up_all(&userfault->readers);
	/* A program's own access starts over after a signal; the kernel's cannot. */
	int error = user ? wait_event_interruptible(&waiter.queue, READ_ONCE(waiter.done))
			 : wait_event_killable(&waiter.queue, READ_ONCE(waiter.done));
	leave(userfault, &waiter);
	userfault_put(userfault);
	if (error == 0)
		return FAULT_RETRY;
	return user ? FAULT_DONE : FAULT_NO_PAGE;
}
