/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process numbers: a tree by number, and a counter that says where to look for a free one.
 *
 * Numbers go upwards and wrap at the limit, so that one that has just become free is not given out
 * again soon.  After a wrap the search walks the tree from the counter along the run of numbers in
 * use.
 */
#include "proc/pid.h"

#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/process.h"

static struct rb_root pids = {NULL, NULL}; /* process_tree_lock */
static pid_t last_pid;                     /* process_tree_lock to write */
static pid_t maximum =
	PID_MAX_DEFAULT; /* one more than the largest number; process_tree_lock to write */

pid_t pid_max(void)
{
	return READ_ONCE(maximum);
}

int pid_set_max(pid_t max)
{
	if (max <= PID_RESERVED || max > PID_MAX_LIMIT)
		return -EINVAL;
	unsigned long flags = process_tree_lock();
	WRITE_ONCE(maximum, max);
	process_tree_unlock(flags);
	return 0;
}

pid_t pid_last(void)
{
	return READ_ONCE(last_pid);
}

struct pid *pid_next_locked(pid_t number)
{
	struct rb_node *node = pids.top;
	struct pid *best = NULL;

	while (node) {
		struct pid *pid = rb_entry(node, struct pid, node);
		if (pid->number >= number) {
			best = pid;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct pid *pid_find_locked(pid_t number)
{
	struct rb_node *node = pids.top;

	while (node) {
		struct pid *pid = rb_entry(node, struct pid, node);
		if (pid->number == number)
			return pid;
		node = number < pid->number ? node->left : node->right;
	}
	return NULL;
}

/* The first number at or after `from` and below `end` that nobody has; 0 when there is none. */
static pid_t find_free(pid_t from, pid_t end)
{
	struct pid *taken = pid_next_locked(from);

	while (from < end && taken && taken->number == from) {
		taken = rb_entry_or_null(rb_next(&taken->node), struct pid, node);
		from++;
	}
	return from < end ? from : 0;
}

static void insert(struct pid *pid)
{
	struct rb_node **link = &pids.top, *parent = NULL;

	while (*link) {
		parent = *link;
		link = pid->number < rb_entry(parent, struct pid, node)->number ? &parent->left
										: &parent->right;
	}
	rb_insert(&pids, &pid->node, parent, link);
}

struct pid *pid_alloc(void)
{
	struct pid *pid = kzalloc(sizeof(*pid));
	if (!pid)
		return ERR_PTR(-ENOMEM);

	unsigned long flags = process_tree_lock();
	pid_t number = find_free(last_pid + 1, maximum);
	if (!number)
		number = find_free(last_pid < PID_RESERVED ? 1 : PID_RESERVED, maximum);
	if (number) {
		pid->number = number;
		pid->refs = 1;
		insert(pid);
		WRITE_ONCE(last_pid, number);
	}
	process_tree_unlock(flags);

	if (!number) {
		kfree(pid);
		return ERR_PTR(-EAGAIN);
	}
	return pid;
}

struct pid *pid_alloc_number(pid_t number)
{
	if (number < 1 || number >= pid_max())
		return ERR_PTR(-EINVAL);
	struct pid *pid = kzalloc(sizeof(*pid));
	if (!pid)
		return ERR_PTR(-ENOMEM);

	pid->number = number;
	pid->refs = 1;
	unsigned long flags = process_tree_lock();
	bool taken = pid_find_locked(number) != NULL;
	if (!taken)
		insert(pid);
	process_tree_unlock(flags);

	if (taken) {
		kfree(pid);
		return ERR_PTR(-EEXIST);
	}
	return pid;
}

struct pid *pid_get(struct pid *pid)
{
	__atomic_add_fetch(&pid->refs, 1, __ATOMIC_RELAXED);
	return pid;
}

/* Whoever finds a pid in the tree holds the lock, so the last reference has to go under it, too. */
void pid_put_locked(struct pid *pid)
{
	if (__atomic_sub_fetch(&pid->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		rb_erase(&pids, &pid->node);
		kfree(pid);
	}
}

void pid_put(struct pid *pid)
{
	unsigned long flags = process_tree_lock();
	pid_put_locked(pid);
	process_tree_unlock(flags);
}
