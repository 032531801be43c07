/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll: the set of files.  Waiting and handing out events is in epoll_wait.c.
 *
 * An item is one (file, descriptor) of a set.  It sits in the set's tree, in the file's list of
 * watches, and, through hooks, on the wait queues that the file's poll operation named.  It holds
 * no reference on the file: when a file is released for good, epoll_file_released takes its items
 * out first, so an item's file is always there.
 *
 * Locks, in order: watch_lock (a mutex: every file's list of watches, and the nesting of sets),
 * set->lock (a mutex: the tree and the items; a set inside a set is taken inside), the wait queue's
 * lock, set->ready_lock (a spin lock, interrupts off: the ready list), the lock of set->wait.
 */
#include "ipc/epoll_internal.h"

#include "lib/format.h"
#include "mm/slab.h"
#include "mm/kmalloc.h"

#define MAX_NESTING       5
#define MAX_NESTING_STEPS 100000

/* What a program may ask to be told of. */
#define EVENT_BITS                                                                               \
	(POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLRDBAND | POLLWRNORM | \
	 POLLWRBAND | POLLMSG | POLLRDHUP)
#define FLAG_BITS (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)

static mutex_t watch_lock = MUTEX_INIT(watch_lock);

static int compare(const struct epoll_item *item, const struct file *file, int fd)
{
	if (item->file != file)
		return item->file < file ? -1 : 1;
	return item->fd < fd ? -1 : item->fd > fd;
}

static struct epoll_item *find_item(struct epoll_set *set, const struct file *file, int fd)
{
	struct rb_node *node = set->items.top;

	while (node != NULL) {
		struct epoll_item *item = rb_entry(node, struct epoll_item, node);
		int order = compare(item, file, fd);

		if (order == 0)
			return item;
		node = order < 0 ? node->right : node->left;
	}
	return NULL;
}

static void insert_item(struct epoll_set *set, struct epoll_item *new)
{
	struct rb_node **link = &set->items.top, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		struct epoll_item *item = rb_entry(parent, struct epoll_item, node);
		link = compare(item, new->file, new->fd) < 0 ? &parent->right : &parent->left;
	}
	rb_insert(&set->items, &new->node, parent, link);
}

/* --- Hooks --- */

void epoll_mark_ready(struct epoll_item *item)
{
	struct epoll_set *set = item->set;
	unsigned long flags = spin_lock_irqsave(&set->ready_lock);
	bool added = list_empty(&item->ready_link);

	if (added)
		list_add_tail(&item->ready_link, &set->ready);
	spin_unlock_irqrestore(&set->ready_lock, flags);
	if (added)
		wake_up_nested(&set->wait, 1, POLLIN | POLLRDNORM);
}

/* Something happened to the file.  Under the queue's lock, perhaps in an interrupt.  An exclusive
 * item takes the event for itself only if somebody waits for it. */
static bool hook_wake(struct waiter *waiter, u32 events)
{
	struct epoll_item *item = container_of(waiter, struct epoll_hook, waiter)->item;
	u32 wanted = READ_ONCE(item->event.events) & ~FLAG_BITS;

	if (wanted == 0 || (events != 0 && (events & (wanted | POLLERR | POLLHUP)) == 0))
		return false;
	bool taken = !waiter->exclusive || wait_queue_active(&item->set->wait);
	epoll_mark_ready(item);
	return taken;
}

struct enrolment {
	struct poll_table table;
	struct epoll_item *item;
	bool failed;
};

static void enrol(struct poll_table *table, struct file *file __unused, wait_queue_t *queue)
{
	struct enrolment *enrolment = container_of(table, struct enrolment, table);
	struct epoll_hook *hook = kzalloc(sizeof(*hook));

	if (hook == NULL) {
		enrolment->failed = true;
		return;
	}
	hook->item = enrolment->item;
	hook->queue = queue;
	waiter_init(&hook->waiter);
	hook->waiter.wake = hook_wake;
	hook->waiter.exclusive = (enrolment->item->event.events & EPOLLEXCLUSIVE) != 0;
	hook->next = enrolment->item->hooks;
	enrolment->item->hooks = hook;
	wait_queue_add(queue, &hook->waiter);
}

/* Takes the item off all queues and lists and frees it.  watch_lock and set->lock held. */
static void remove_item_locked(struct epoll_item *item)
{
	struct epoll_set *set = item->set;

	while (item->hooks != NULL) {
		struct epoll_hook *hook = item->hooks;

		item->hooks = hook->next;
		wait_queue_remove(hook->queue, &hook->waiter);
		kfree(hook);
	}
	unsigned long flags = spin_lock_irqsave(&set->ready_lock);
	list_remove(&item->ready_link);
	spin_unlock_irqrestore(&set->ready_lock, flags);
	list_remove(&item->watch_link);
	rb_erase(&set->items, &item->node);
	kfree(item);
}

/* --- epoll_ctl --- */

u32 epoll_item_events(const struct epoll_item *item)
{
	u32 wanted = item->event.events & ~FLAG_BITS;

	if (wanted == 0)
		return 0;
	return file_poll(item->file, NULL) & (wanted | POLLERR | POLLHUP);
}

/*
 * Would adding `file` to `set` make a circle, or too deep a nest?  *steps bounds the walk: sets
 * that share members make many paths of few sets, and everybody waits for watch_lock, which is
 * held.
 */
static int check_nesting(const struct epoll_set *target, struct file *file, int depth, int *steps)
{
	if (--*steps < 0)
		return -EINVAL;
	if (!file_is_epoll(file))
		return 0;
	struct epoll_set *set = file->private;
	if (set == target || depth >= MAX_NESTING)
		return -ELOOP;
	int error = 0;
	mutex_lock_nested(&set->lock, LOCK_NEST_NEXT);
	for (struct rb_node *node = rb_first(&set->items); node != NULL && error == 0;
	     node = rb_next(node))
		error = check_nesting(target, rb_entry(node, struct epoll_item, node)->file,
				      depth + 1, steps);
	mutex_unlock(&set->lock);
	return error;
}

/* How many sets are nested around this one; too many when *steps do not suffice.  watch_lock held.
 */
static int outer_depth(const struct file *file, int depth, int *steps)
{
	const struct epoll_item *item;
	int deepest = depth;

	if (depth > MAX_NESTING || --*steps < 0)
		return MAX_NESTING + 1;
	list_for_each_entry (item, &file->watches, watch_link) {
		deepest = MAX(deepest, outer_depth(item->set->file, depth + 1, steps));
		if (deepest > MAX_NESTING)
			break;
	}
	return deepest;
}

static int check_new_nesting(const struct epoll_set *set, struct file *file)
{
	int steps = MAX_NESTING_STEPS;
	int depth = outer_depth(set->file, 0, &steps);

	return check_nesting(set, file, 1 + depth, &steps);
}

static int add_item_locked(struct epoll_set *set, struct file *file, int fd,
			   const struct linux_epoll_event *event)
{
	if (find_item(set, file, fd) != NULL)
		return -EEXIST;
	struct epoll_item *item = kzalloc(sizeof(*item));
	if (item == NULL)
		return -ENOMEM;
	item->set = set;
	item->file = file;
	item->fd = fd;
	item->event = *event;
	list_init(&item->ready_link);
	insert_item(set, item);
	list_add_tail(&item->watch_link, &file->watches);

	struct enrolment enrolment = {.table = {.queue = enrol, .events = event->events},
				      .item = item};
	u32 holds = file_poll(file, &enrolment.table);
	if (enrolment.failed) {
		remove_item_locked(item);
		return -ENOMEM;
	}
	if (holds & ((event->events & ~FLAG_BITS) | POLLERR | POLLHUP))
		epoll_mark_ready(item);
	return 0;
}

static int modify_item_locked(struct epoll_set *set, struct file *file, int fd,
			      const struct linux_epoll_event *event)
{
	struct epoll_item *item = find_item(set, file, fd);

	if (item == NULL)
		return -ENOENT;
	if ((item->event.events | event->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	item->event.data = event->data;
	WRITE_ONCE(item->event.events, event->events);
	mb(); /* a wake-up from now on sees the new events, or we see what it announced */
	if (epoll_item_events(item) != 0)
		epoll_mark_ready(item);
	return 0;
}

static int delete_item_locked(struct epoll_set *set, struct file *file, int fd)
{
	struct epoll_item *item = find_item(set, file, fd);

	if (item == NULL)
		return -ENOENT;
	remove_item_locked(item);
	return 0;
}

static int check_event(int operation, struct file *file, const struct linux_epoll_event *event)
{
	if (operation == EPOLL_CTL_DEL)
		return 0;
	if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_MOD)
		return -EINVAL;
	if ((event->events & EPOLLEXCLUSIVE) &&
	    (operation == EPOLL_CTL_MOD || file_is_epoll(file) ||
	     (event->events &
	      ~(POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLET | EPOLLEXCLUSIVE | EPOLLWAKEUP))))
		return -EINVAL;
	return 0;
}

int epoll_control(struct file *epoll, int operation, struct file *file, int fd,
		  const struct linux_epoll_event *event)
{
	struct linux_epoll_event wanted = *event;

	if (file->ops->poll == NULL)
		return -EPERM;
	if (!file_is_epoll(epoll) || file == epoll)
		return -EINVAL;
	int error = check_event(operation, file, event);
	if (error)
		return error;
	wanted.events &= EVENT_BITS | FLAG_BITS;
	wanted.events |= POLLERR | POLLHUP;

	struct epoll_set *set = epoll->private;
	mutex_lock(&watch_lock);
	if (operation == EPOLL_CTL_ADD && file_is_epoll(file))
		error = check_new_nesting(set, file);
	if (!error) {
		mutex_lock(&set->lock);
		error = operation == EPOLL_CTL_ADD   ? add_item_locked(set, file, fd, &wanted)
			: operation == EPOLL_CTL_MOD ? modify_item_locked(set, file, fd, &wanted)
						     : delete_item_locked(set, file, fd);
		mutex_unlock(&set->lock);
	}
	mutex_unlock(&watch_lock);
	return error;
}

/* --- The set as a file --- */

/* A file is being released for good: it leaves all sets. */
static void epoll_file_released(struct file *file)
{
	mutex_lock(&watch_lock);
	while (!list_empty(&file->watches)) {
		struct epoll_item *item =
			list_first_entry(&file->watches, struct epoll_item, watch_link);
		struct epoll_set *set = item->set;

		mutex_lock(&set->lock);
		remove_item_locked(item);
		mutex_unlock(&set->lock);
	}
	mutex_unlock(&watch_lock);
}

static void epoll_release(struct file *file)
{
	struct epoll_set *set = file->private;
	struct rb_node *node;

	mutex_lock(&watch_lock);
	mutex_lock(&set->lock);
	while ((node = rb_first(&set->items)) != NULL)
		remove_item_locked(rb_entry(node, struct epoll_item, node));
	mutex_unlock(&set->lock);
	mutex_unlock(&watch_lock);
	kfree(set);
}

static u32 epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll_set *set = file->private;

	poll_wait(file, &set->wait, table);
	return epoll_set_is_ready(set) ? POLLIN | POLLRDNORM : 0;
}

static int epoll_show_info(struct file *file, char *buffer, size_t size)
{
	struct epoll_set *set = file->private;
	int length = 0;

	mutex_lock(&set->lock);
	for (struct rb_node *node = rb_first(&set->items); node != NULL; node = rb_next(node)) {
		const struct epoll_item *item = rb_entry(node, struct epoll_item, node);
		size_t used = MIN((size_t)length, size);

		length += snprintf(buffer + used, size - used, "tfd: %8d events: %8x data: %16lx\n",
				   item->fd, item->event.events, (unsigned long)item->event.data);
	}
	mutex_unlock(&set->lock);
	return length;
}

static const struct file_operations epoll_operations = {
	.release = epoll_release,
	.poll = epoll_poll,
	.show_info = epoll_show_info,
	.stream = true,
};

bool file_is_epoll(const struct file *file)
{
	return file->ops == &epoll_operations;
}

struct file *epoll_create_file(void)
{
	struct epoll_set *set = kzalloc(sizeof(*set));

	if (set == NULL)
		return ERR_PTR(-ENOMEM);
	mutex_init(&set->lock);
	spin_lock_init(&set->ready_lock);
	list_init(&set->ready);
	wait_queue_init(&set->wait);
	set->file = anon_file_create("anon_inode:[eventpoll]", &epoll_operations, set, O_RDWR);
	struct file *file = set->file;
	if (IS_ERR(file))
		kfree(set);
	return file;
}

void epoll_init(void)
{
	file_set_release_hook(epoll_file_released);
}
