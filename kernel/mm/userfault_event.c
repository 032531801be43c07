/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of registered regions as messages: fork, mremap, munmap, and pages that are dropped; see
 * userfault.h.
 *
 * A change is noted while the map lock is held, and told when it no longer is; the thread that made
 * it goes on when the message has been read.  In between userfault->changing is not zero, and
 * nothing can be filled: who does not know of the change yet would fill the wrong pages.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/space.h"
#include "mm/userfault.h"

/* Adds a notice to the end of a list; the caller completes its message.  NULL: no memory. */
static struct userfault_notice *add_notice(struct userfault_notice **list,
					   struct userfault *userfault, enum userfault_event event)
{
	struct userfault_notice *notice = kzalloc(sizeof(*notice));

	if (notice == NULL)
		return NULL;
	while (*list != NULL)
		list = &(*list)->next;
	*list = notice;
	notice->message.event = (u8)event;
	notice->userfault = userfault;
	userfault_get(userfault);
	__atomic_fetch_add(&userfault->changing, 1, __ATOMIC_RELEASE);
	return notice;
}

/* Does anybody want to hear of what happens to this region of the space? */
static bool wants(const struct address_space *space, const struct region *region, u32 feature)
{
	const struct userfault *userfault = region->userfault;

	return userfault != NULL && userfault->space == space &&
	       userfault_has(userfault, feature) && !READ_ONCE(userfault->closed);
}

/* --- Noting --- */

static bool is_noted(const struct userfault_notice *notices, const struct userfault *userfault,
		     vaddr_t start, vaddr_t end)
{
	for (; notices != NULL; notices = notices->next)
		if (notices->userfault == userfault && notices->message.event == UFFD_EVENT_UNMAP &&
		    notices->message.range.start == start && notices->message.range.end == end)
			return true;
	return false;
}

int userfault_note_unmap(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct region *region = region_find_first(space, start);

	for (; region != NULL && region->start < end; region = region_next(space, region)) {
		if (!wants(space, region, UFFD_FEATURE_EVENT_UNMAP) ||
		    is_noted(space->notices, region->userfault, start, end))
			continue;
		struct userfault_notice *notice =
			add_notice(&space->notices, region->userfault, UFFD_EVENT_UNMAP);
		if (notice == NULL)
			return -ENOMEM;
		notice->message.range.start = start;
		notice->message.range.end = end;
	}
	return 0;
}

int userfault_note_move(struct address_space *space, struct region *wanted, vaddr_t from,
			u64 length)
{
	if (!wants(space, wanted, UFFD_FEATURE_EVENT_REMAP)) {
		wanted->flags &= ~(u32)REGION_WATCH;
		wanted->userfault = NULL;
		return 0;
	}
	struct userfault_notice *notice =
		add_notice(&space->notices, wanted->userfault, UFFD_EVENT_REMAP);
	if (notice == NULL)
		return -ENOMEM;
	notice->message.remap.from = from;
	notice->message.remap.to = wanted->start;
	notice->message.remap.length = length;
	return 0;
}

int userfault_tell_remove(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct userfault_notice *notices = NULL;
	int result = 0;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find_first(space, start);
	for (; region != NULL && region->start < end; region = region_next(space, region)) {
		if (!wants(space, region, UFFD_FEATURE_EVENT_REMOVE))
			continue;
		struct userfault_notice *notice =
			add_notice(&notices, region->userfault, UFFD_EVENT_REMOVE);
		if (notice == NULL) {
			result = -ENOMEM;
			break;
		}
		notice->message.range.start = MAX(region->start, start);
		notice->message.range.end = MIN(region->end, end);
	}
	rwlock_read_unlock(&space->map_lock);
	if (result == 0)
		userfault_tell(notices);
	else
		userfault_forget(notices);
	return result;
}

/* --- fork --- */

/* The child's userfault, which stands for its parent's: one for all regions. */
static int fork_userfault(struct address_space *child, struct userfault *parent,
			  struct userfault **result)
{
	struct userfault_notice **notices = &parent->space->notices;

	for (struct userfault_notice *notice = *notices; notice != NULL; notice = notice->next)
		if (notice->userfault == parent && notice->forked != NULL) {
			*result = notice->forked;
			return 0;
		}
	struct userfault *forked = userfault_create(child, parent->user_only);
	if (forked == NULL)
		return -ENOMEM;
	forked->features = __atomic_load_n(&parent->features, __ATOMIC_RELAXED);
	struct userfault_notice *notice = add_notice(notices, parent, UFFD_EVENT_FORK);
	if (notice == NULL) {
		userfault_put(forked);
		return -ENOMEM;
	}
	notice->forked = *result = forked;
	return 0;
}

int userfault_fork_region(struct address_space *child, struct region *region)
{
	struct userfault *parent = region->userfault, *forked = NULL;
	u32 flags = region->flags;
	int result = 0;

	if (userfault_has(parent, UFFD_FEATURE_EVENT_FORK) && !READ_ONCE(parent->closed))
		result = fork_userfault(child, parent, &forked);
	if (forked == NULL)
		flags &= ~(u32)REGION_WATCH;
	if (result == 0)
		result = tree_isolate(child, region->start, region->end, COVERED_COPY);
	if (result == 0)
		result = region_set_watch(child, region, region->start, region->end, flags, forked);
	return result;
}

/* --- Telling --- */

/* A child whose userfault nobody will ever hold goes on without. */
static void abandon(struct userfault *forked)
{
	if (forked == NULL)
		return;
	userfault_close(forked);
	userfault_put(forked);
}

/* Waits until the message has been read, or never will be. */
static void tell(struct userfault *userfault, struct userfault_waiter *waiter)
{
	spin_lock(&userfault->lock);
	bool open = !userfault->closed;
	if (open)
		list_add_tail(&waiter->link, &userfault->events);
	spin_unlock(&userfault->lock);
	if (!open)
		return;
	wake_up_all(&userfault->readers);
	(void)!wait_event_killable(&waiter->queue, READ_ONCE(waiter->done));
	spin_lock(&userfault->lock);
	if (!waiter->done)
		list_remove(&waiter->link);
	spin_unlock(&userfault->lock);
}

static struct userfault_notice *drop_first(struct userfault_notice *notice)
{
	struct userfault_notice *next = notice->next;

	__atomic_fetch_sub(&notice->userfault->changing, 1, __ATOMIC_RELEASE);
	abandon(notice->forked);
	userfault_put(notice->userfault);
	kfree(notice);
	return next;
}

void userfault_tell(struct userfault_notice *notices)
{
	while (notices != NULL) {
		struct userfault_waiter waiter;

		userfault_waiter_init(&waiter);
		waiter.message = notices->message;
		waiter.forked = notices->forked;
		tell(notices->userfault, &waiter);
		/* Who has read it took it. */
		notices->forked = waiter.forked;
		notices = drop_first(notices);
	}
}

void userfault_forget(struct userfault_notice *notices)
{
	while (notices != NULL)
		notices = drop_first(notices);
}
