/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that a program resolves itself: what is behind userfaultfd(2).
 *
 * A *userfault* is what one descriptor stands for.  Regions are registered with it
 * (REGION_WATCH_*): a thread that then touches a page that is not there, or writes to one that is
 * marked, becomes a message, and sleeps until whoever reads the descriptor has put something there
 * and wakes it. Then it looks again.  With the features for it, changes of the regions are
 * messages, too, and who made the change waits until it has been read.
 *
 * Registered regions and shared tables.  A child of fork does not get the registration, so its
 * empty entries mean something else than its parent's.  Therefore no node that touches a registered
 * region is ever shared: registering makes the range the space's own, and fork makes the child's
 * copy of it at once (region_map_adapt).  So whatever is done to entries here is done to one space.
 *
 * A page that is write-protected has PAGE_WATCHED in its entry (entry.h).  The mark is believed in
 * regions with REGION_WATCH_WRITES only, and marks that are left over are cleared when a region
 * gets that flag; so nobody needs to clear them when a registration ends.  Pages of files, and of
 * pools of huge pages, leave the entry and come back: there the mark stays in an entry without a
 * page (a watch), which can also be made before the page has ever come.
 *
 * Huge pages of pools (hugetlb.h) are asked for, brought and protected whole, those of 2 MiB only.
 *
 * Locks: `lock`, a spin lock, guards a userfault's lists; inside of map locks and leaf locks, the
 * wait queues' are inside of it.  The list of a space's userfaults has a lock of its own for all.
 */
#ifndef MM_USERFAULT_H
#define MM_USERFAULT_H

#include "lib/abi/userfault.h"
#include "lib/list.h"
#include "lib/sync.h"
#include "mm/huge.h"
#include "mm/region.h"
#include "mm/vmm.h"

struct fault;

/* What may be asked for; one more bit says that it was. */
enum {
	USERFAULT_FEATURES = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_EVENT_FORK |
			     UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |
			     UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MISSING_SHMEM |
			     UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_SIGBUS |
			     UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_HUGETLBFS |
			     UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS |
			     UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
	USERFAULT_READY = 1 << 30,
};

struct userfault {
	u32 refs;                    /* atomic: the descriptor, regions, who waits */
	bool user_only;              /* constant: faults of the kernel's are not resolved */
	u32 features;                /* atomic: UFFD_FEATURE_*, USERFAULT_READY; set once */
	u32 changing;                /* atomic: changes of regions that nobody has read of yet */
	struct address_space *space; /* no reference; NULL: gone; the list's lock */
	struct list_head space_link; /* in space->userfaults; the list's lock */
	spinlock_t lock;
	bool closed;                /* lock; read without it: nobody will ever answer */
	struct list_head pending;   /* faults that were not read yet; lock */
	struct list_head delivered; /* and those that were; lock */
	struct list_head events;    /* that were not read yet; lock */
	wait_queue_t readers;
};

/* What mm does not know of the current thread. */
struct userfault_hooks {
	u32 (*thread_id)(void);
	bool (*may_wait)(void); /* it is not about to end */
};
void userfault_set_hooks(const struct userfault_hooks *hooks); /* once */

/* --- Life --- */

/* A userfault for a space with one reference, or NULL. */
struct userfault *__must_check userfault_create(struct address_space *space, bool user_only);
/* NULL is allowed for both. */
static inline void userfault_get(struct userfault *userfault)
{
	if (unlikely(userfault != NULL))
		__atomic_fetch_add(&userfault->refs, 1, __ATOMIC_RELAXED);
}
void userfault_destroy(struct userfault *userfault); /* for the last reference */
static inline void userfault_put(struct userfault *userfault)
{
	if (unlikely(userfault != NULL) &&
	    __atomic_fetch_sub(&userfault->refs, 1, __ATOMIC_ACQ_REL) == 1)
		userfault_destroy(userfault);
}
/* The descriptor is closed: who waits goes on, regions are no longer registered.  May sleep. */
void userfault_close(struct userfault *userfault);
/* Its space, with a reference, or NULL when it has gone. */
struct address_space *__must_check userfault_space(struct userfault *userfault);
/* A space is about to go. */
void userfault_forget_space(struct address_space *space);

static inline bool userfault_has(const struct userfault *userfault, u32 features)
{
	return __atomic_load_n(&userfault->features, __ATOMIC_ACQUIRE) & features;
}

/* --- For faults --- */

/*
 * Is the fault, at an entry that is `entry`, one for a userfault?  To be asked in registered
 * regions. Map lock held.
 */
bool userfault_wanted(const struct fault *fault, pte_t entry);
/* Tells whoever reads of it, and waits.  An enum fault_result, FAULT_RETRY after an answer.  No
 * lock held. */
int __must_check userfault_wait(struct fault *fault);

/* --- For readers --- */

/*
 * The next message: false when there is none.  *forked: for UFFD_EVENT_FORK, the child's userfault,
 * a reference; else NULL.
 */
bool userfault_next(struct userfault *userfault, struct linux_uffd_msg *message,
		    struct userfault **forked);
bool userfault_has_messages(struct userfault *userfault);
/* Wakes those whose faults lie in [start, start + length). */
void userfault_wake(struct userfault *userfault, vaddr_t start, u64 length);

/*
 * What is done to the space; its map lock is not held.  Ranges are whole pages in the user half.
 * Results in bytes where they say how much was done.
 */
/* -ENOMEM, -EINVAL, -EPERM, -EBUSY: as ioctl_userfaultfd(2).  *huge: some are huge pages of pools. */
int __must_check userfault_register(struct userfault *userfault, struct address_space *space,
				    vaddr_t start, vaddr_t end, u32 watch, bool *huge);
int __must_check userfault_unregister(struct address_space *space, vaddr_t start, vaddr_t end);
/* Marks pages, of private memory those that are there, or takes the marks away.  -ENOENT, -EAGAIN,
 * -EINVAL; -ENOMEM: some are not marked. */
int __must_check userfault_protect(struct userfault *userfault, struct address_space *space,
				   vaddr_t start, vaddr_t end, bool protect);

/* What fills one page that is missing. */
struct userfault_fill {
	enum { FILL_COPY, FILL_ZERO, FILL_CONTINUE } how;
	vaddr_t start, length; /* of the whole call: it must lie in one region */
	vaddr_t source;        /* FILL_COPY: of the whole call, in the current space */
	bool protect;          /* FILL_COPY: the pages are write-protected */
};
/* Bytes, fewer after an error; the error when that is nothing: -ENOENT, -EEXIST, -EAGAIN, -EFAULT,
 * -EINVAL, -ENOMEM, -ENOSPC. */
ssize_t __must_check userfault_fill(struct userfault *userfault, struct address_space *space,
				    const struct userfault_fill *fill);

/* --- Changes of regions --- */

/*
 * What has to be told once the map lock is no longer held.  A space collects notices while its map
 * lock is held for writing; space_write_unlock tells them.
 */
struct userfault_notice {
	struct userfault_notice *next;
	struct userfault *userfault; /* a reference */
	struct userfault *forked;    /* UFFD_EVENT_FORK: the child's, a reference */
	struct linux_uffd_msg message;
};

/* [start, end) is about to be unmapped.  0 or -ENOMEM.  Map lock held for writing. */
int __must_check userfault_note_unmap(struct address_space *space, vaddr_t start, vaddr_t end);
/* Pages of [start, end) are about to be dropped: tells at once.  0 or -ENOMEM.  No lock held. */
int __must_check userfault_tell_remove(struct address_space *space, vaddr_t start, vaddr_t end);
/*
 * A registered region is about to move; `wanted` is what it will be, which loses its registration
 * unless its userfault wants to hear of such.  0 or -ENOMEM.  Map lock held for writing.
 */
int __must_check userfault_note_move(struct address_space *space, struct region *wanted,
				     vaddr_t from, u64 length);
/* Gives a child of fork its part of a registered region, which is its own from then on.  0 or
 * -ENOMEM.  Both map locks held for writing. */
int __must_check userfault_fork_region(struct address_space *child, struct region *region);

/* Tells a list of notices; or forgets it, what they were about did not happen. */
void userfault_tell(struct userfault_notice *notices);
void userfault_forget(struct userfault_notice *notices);

static inline struct userfault_notice *userfault_take_notices(struct address_space *space)
{
	struct userfault_notice *notices = space->notices;

	if (unlikely(notices != NULL))
		space->notices = NULL;
	return notices;
}

/* Unlocks the map after changes that programs may want to hear of, and tells them. */
static inline void space_write_unlock(struct address_space *space)
{
	struct userfault_notice *notices = userfault_take_notices(space);

	rwlock_write_unlock(&space->map_lock);
	if (unlikely(notices != NULL))
		userfault_tell(notices);
}

/* --- Between userfault*.c --- */

/* What is asked for, and brought, at a time. */
static inline u64 userfault_page_size(const struct region *region)
{
	return region->flags & REGION_HUGETLB ? HUGE_SIZE : PAGE_SIZE;
}

/* The region that the whole call is for, if it may be filled so now: 0, -EAGAIN, -ENOENT, -EINVAL.
 * Map lock held. */
int __must_check userfault_fill_region(struct address_space *space,
				       const struct userfault *userfault,
				       const struct userfault_fill *call, struct region **region);
/* userfault_fill for huge pages: userfault_huge.c. */
ssize_t __must_check userfault_fill_huge(struct userfault *userfault, struct address_space *space,
					 const struct userfault_fill *call);

/* Somebody who waits until he is answered; on his stack. */
struct userfault_waiter {
	struct list_head link; /* the userfault's lock */
	bool done;             /* the same; read without it */
	wait_queue_t queue;
	vaddr_t page; /* of a fault */
	struct linux_uffd_msg message;
	struct userfault *forked; /* of an event: a reference; the lock */
};
void userfault_waiter_init(struct userfault_waiter *waiter);
/* The waiter leaves its list and may go on.  The userfault's lock is held. */
void userfault_release_locked(struct userfault_waiter *waiter);

#endif
