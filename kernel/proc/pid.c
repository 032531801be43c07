/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process numbers: a tree a namespace, and a counter that says where to look for a free one.
 *
 * Numbers go upwards and wrap at the limit, so that one that has just become free is not given out
 * again soon.  After a wrap the search walks the tree from the counter along the run of numbers in
 * use.
 */
#include "proc/pid.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"

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
	return READ_ONCE(pid_namespace_current()->last);
}

/* --- Looking up --- */

static struct pid_number *entry_of(const struct rb_node *node)
{
	return rb_entry(node, struct pid_number, node);
}

static struct pid_number *next_number(const struct pid_namespace *space, pid_t number)
{
	struct rb_node *node = space->numbers.top;
	struct pid_number *best = NULL;

	while (node) {
		struct pid_number *entry = entry_of(node);
		if (entry->number >= number) {
			best = entry;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct pid *pid_next_in_locked(const struct pid_namespace *space, pid_t number)
{
	struct pid_number *entry = next_number(space, number);

	return entry ? entry->pid : NULL;
}

struct pid *pid_find_in_locked(const struct pid_namespace *space, pid_t number)
{
	struct rb_node *node = space->numbers.top;

	while (node) {
		struct pid_number *entry = entry_of(node);
		if (entry->number == number)
			return entry->pid;
		node = number < entry->number ? node->left : node->right;
	}
	return NULL;
}

struct pid *pid_find_locked(pid_t number)
{
	return pid_find_in_locked(pid_namespace_current(), number);
}

pid_t pid_number_in(const struct pid *pid, const struct pid_namespace *space)
{
	if (!pid || space->level > pid->level || pid->numbers[space->level].space != space)
		return 0;
	return pid->numbers[space->level].number;
}

pid_t pid_shown(const struct pid *pid)
{
	const struct pid *mine = current->numbers;

	/* Who is in the first namespace is shown the kernel's own. */
	if (likely(mine && mine->level == 0))
		return pid ? pid->number : 0;
	return pid_number_in(pid, pid_namespace_current());
}

pid_t pid_show_number(pid_t number)
{
	const struct pid_namespace *space = pid_namespace_current();

	if (likely(space->level == 0) || number <= 0)
		return number;
	unsigned long flags = process_tree_lock();
	number = pid_number_in(pid_find_in_locked(pid_namespace_first(), number), space);
	process_tree_unlock(flags);
	return number;
}

/* --- Giving out --- */

/* The first number at or after `from` and below `end` that nobody has; 0 when there is none. */
static pid_t find_free(const struct pid_namespace *space, pid_t from, pid_t end)
{
	struct pid_number *taken = next_number(space, from);

	while (from < end && taken && taken->number == from) {
		taken = rb_entry_or_null(rb_next(&taken->node), struct pid_number, node);
		from++;
	}
	return from < end ? from : 0;
}

static void insert(struct pid_number *entry)
{
	struct rb_root *root = &entry->space->numbers;
	struct rb_node **link = &root->top, *parent = NULL;

	while (*link) {
		parent = *link;
		link = entry->number < entry_of(parent)->number ? &parent->left : &parent->right;
	}
	rb_insert(root, &entry->node, parent, link);
}

/* A free one, or the wanted one: the number, or an error. */
static pid_t choose(struct pid_namespace *space, pid_t wanted)
{
	if (space->closed)
		return -ENOMEM;
	if (wanted) {
		if (wanted < 1 || wanted >= maximum || (wanted != 1 && !space->init))
			return -EINVAL;
		return pid_find_in_locked(space, wanted) ? -EEXIST : wanted;
	}
	pid_t number = find_free(space, space->last + 1, maximum);
	if (!number)
		number = find_free(space, space->last < PID_RESERVED ? 1 : PID_RESERVED, maximum);
	if (!number)
		return -EAGAIN;
	WRITE_ONCE(space->last, number);
	return number;
}

/* All numbers, or an error and none. */
static int number_locked(struct pid *pid, const pid_t *wanted, u32 count)
{
	for (u32 level = pid->level + 1; level-- > 0;) {
		struct pid_number *entry = &pid->numbers[level];
		u32 depth = pid->level - level;
		pid_t number = choose(entry->space, depth < count ? wanted[depth] : 0);

		if (number < 0) {
			while (++level <= pid->level)
				rb_erase(&pid->numbers[level].space->numbers,
					 &pid->numbers[level].node);
			return number;
		}
		entry->number = number;
		insert(entry);
	}
	pid->number = pid->numbers[0].number;
	return 0;
}

struct pid *pid_alloc(struct pid_namespace *space, const pid_t *wanted, u32 count)
{
	u32 levels = space->level + 1;
	struct pid *pid = kzalloc(sizeof(*pid) + levels * sizeof(pid->numbers[0]));
	if (!pid)
		return ERR_PTR(-ENOMEM);

	pid->level = space->level;
	pid->refs = 1;
	pid->holds = 1;
	for (struct pid_namespace *at = space; at; at = at->parent) {
		pid->numbers[at->level].space = at;
		pid->numbers[at->level].pid = pid;
	}
	unsigned long flags = process_tree_lock();
	int error = number_locked(pid, wanted, count);
	process_tree_unlock(flags);

	if (error) {
		kfree(pid);
		return ERR_PTR(error);
	}
	namespace_get(&space->base); /* which holds those above */
	return pid;
}

/* --- References --- */

struct pid *pid_get(struct pid *pid)
{
	__atomic_add_fetch(&pid->refs, 1, __ATOMIC_RELAXED);
	return pid;
}

/* Whoever finds a pid in the tree holds the lock, so the last reference has to go under it, too. */
void pid_put_locked(struct pid *pid)
{
	if (__atomic_sub_fetch(&pid->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (u32 level = 0; level <= pid->level; level++)
		rb_erase(&pid->numbers[level].space->numbers, &pid->numbers[level].node);
	pid_release(pid);
}

void pid_put(struct pid *pid)
{
	unsigned long flags = process_tree_lock();
	pid_put_locked(pid);
	process_tree_unlock(flags);
}

struct pid *pid_hold(struct pid *pid)
{
	__atomic_add_fetch(&pid->holds, 1, __ATOMIC_RELAXED);
	return pid;
}

void pid_release(struct pid *pid)
{
	if (!pid || __atomic_sub_fetch(&pid->holds, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	namespace_put(&pid_namespace_of(pid)->base);
	kfree(pid);
}
