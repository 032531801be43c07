/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Propagation between mounts (mount_namespaces(7), "Shared subtrees").
 *
 * Shared mounts form peer groups: a ring through `peers`, and a number.  A slave follows its
 * master, in whose list of slaves it is; every peer of a group of slaves is in such a list of its
 * own.  What is mounted below a shared mount is copied to all its peers and, further, to their
 * slaves: copies on peers are peers of each other, those on slaves follow those on their masters.
 *
 * Everything here is done with the change mutex held.
 */
#include "fs/fs_internal.h"

static u32 last_group; /* change mutex */

/* --- What a mount is --- */

static void leave_master(struct mount *mount)
{
	if (!mount->master)
		return;
	list_remove(&mount->slave_link);
	mount->master = NULL;
}

void mount_become_slave(struct mount *mount, struct mount *master)
{
	leave_master(mount);
	mount->master = master;
	list_add_tail(&mount->slave_link, &master->slaves);
}

void mount_join_group(struct mount *mount, struct mount *peer)
{
	mount->group = peer->group;
	list_add(&mount->peers, &peer->peers);
}

/* Out of its group.  Its slaves follow a peer, or else whom it followed itself.  Returns that one,
 * or NULL. */
static struct mount *leave_group(struct mount *mount)
{
	struct mount *heir = mount->master, *slave;

	if (!list_empty(&mount->peers))
		heir = list_first_entry(&mount->peers, struct mount, peers);
	list_remove(&mount->peers);
	mount->group = 0;
	while (!list_empty(&mount->slaves)) {
		slave = list_first_entry(&mount->slaves, struct mount, slave_link);
		leave_master(slave);
		if (heir)
			mount_become_slave(slave, heir);
	}
	return heir;
}

void mount_make_private(struct mount *mount)
{
	leave_group(mount);
	leave_master(mount);
	mount->unbindable = false;
}

void mount_change_propagation(struct mount *mount, u64 type)
{
	struct mount *heir;

	switch (type) {
	case MS_SHARED:
		mount->unbindable = false;
		if (!mount->group)
			mount->group = ++last_group;
		break;
	case MS_SLAVE:
		mount->unbindable = false;
		if (!mount->group)
			break;
		heir = leave_group(mount);
		if (heir)
			mount_become_slave(mount, heir);
		break;
	default:
		mount_make_private(mount);
		mount->unbindable = type == MS_UNBINDABLE;
	}
}

/* --- Who gets what it gets --- */

static bool is_peer(const struct mount *mount, const struct mount *other)
{
	return mount == other || (mount->group && mount->group == other->group);
}

struct mount *mount_next_receiver(struct mount *at, const struct mount *origin)
{
	if (!list_empty(&at->slaves))
		return list_first_entry(&at->slaves, struct mount, slave_link);
	for (;;) {
		if (is_peer(at, origin)) {
			if (list_empty(&at->peers))
				return NULL;
			at = list_next_entry(at, peers);
			if (at == origin)
				return NULL;
			return at;
		}
		/* A slave: those of the same master, then the master is done with. */
		if (!list_is_last(&at->slave_link, &at->master->slaves))
			return list_next_entry(at, slave_link);
		at = at->master;
	}
}

/* A copy that one of its peers has got already. */
static struct mount *copy_of_group(struct mount *mount)
{
	struct mount *peer;

	if (mount->copy || !mount->group)
		return mount->copy;
	list_for_each_entry (peer, &mount->peers, peers)
		if (peer->copy)
			return peer->copy;
	return NULL;
}

/* What a receiver's copy is made of, and how; the nearest master that has one. */
static struct mount *source_for(struct mount *receiver, unsigned *flags)
{
	struct mount *source = copy_of_group(receiver);

	*flags = COPY_PEER;
	if (source)
		return source;
	*flags = COPY_SLAVE | (receiver->group ? COPY_SHARED : 0);
	for (struct mount *master = receiver->master; master && !source; master = master->master)
		source = copy_of_group(master);
	return source;
}

static int copy_to(struct mount *receiver, const struct mount *origin, struct list_head *copies)
{
	unsigned flags;
	struct mount *source = source_for(receiver, &flags), *copy;

	if (!source)
		return 0;
	if (receiver->space->base.owner != origin->space->base.owner)
		flags |= COPY_LOCKED;
	copy = mount_copy_tree(source, source->root, flags);
	if (!copy)
		return -ENOMEM;
	if (flags & COPY_LOCKED)
		copy->locked = true;
	receiver->copy = copy;
	copy->receiver = receiver;
	list_add_tail(&copy->work, copies);
	return 0;
}

static void forget_copies(struct mount *origin, const struct list_head *copies)
{
	struct mount *copy;

	origin->copy = NULL;
	list_for_each_entry (copy, copies, work)
		copy->receiver->copy = NULL;
}

int mount_propagate(struct mount *tree, const struct path *place, struct list_head *copies)
{
	struct mount *origin = place->mount, *at;
	int error = 0;

	list_init(copies);
	if (!origin->group)
		return 0;
	for (at = tree; at; at = mount_next_locked(at, tree))
		mount_change_propagation(at, MS_SHARED);
	origin->copy = tree;
	for (at = mount_next_receiver(origin, origin); at && !error;
	     at = mount_next_receiver(at, origin)) {
		if (at->space && dentry_is_below(place->dentry, at->root))
			error = copy_to(at, origin, copies);
	}
	forget_copies(origin, copies);
	while (error && !list_empty(copies)) {
		at = list_first_entry(copies, struct mount, work);
		list_remove(&at->work);
		mount_discard_tree(at);
	}
	return error;
}

void mount_attach_copies_locked(struct list_head *copies, struct dentry *mountpoint)
{
	while (!list_empty(copies)) {
		struct mount *copy = list_first_entry(copies, struct mount, work);

		list_remove(&copy->work);
		mount_attach_locked(copy, copy->receiver, mountpoint);
	}
}

/* --- Unmounting --- */

static bool is_going(const struct mount *mount)
{
	return !list_empty(&mount->work);
}

/* Those that have something else mounted on them stay. */
static bool may_go_along(const struct mount *mount)
{
	const struct mount *child;

	if (is_going(mount) || mount->locked)
		return false;
	list_for_each_entry (child, &mount->children, sibling)
		if (!is_going(child))
			return false;
	return true;
}

static struct mount *counterpart(struct mount *receiver, const struct mount *of)
{
	struct mount *mount;

	spin_lock(mount_tree_lock());
	mount = mount_find_locked(receiver, of->mountpoint);
	spin_unlock(mount_tree_lock());
	return mount;
}

void mount_propagate_umount(struct list_head *victims)
{
	struct mount *victim, *last = list_last_entry(victims, struct mount, work);

	list_for_each_entry (victim, victims, work) {
		struct mount *parent = victim->parent, *at;

		for (at = mount_next_receiver(parent, parent); at;
		     at = mount_next_receiver(at, parent)) {
			struct mount *child = counterpart(at, victim);

			if (child && may_go_along(child))
				list_add_tail(&child->work, victims);
		}
		if (victim == last)
			break;
	}
}

bool mount_is_busy_elsewhere(const struct mount *mount)
{
	struct mount *parent = mount->parent, *at;

	for (at = mount_next_receiver(parent, parent); at; at = mount_next_receiver(at, parent)) {
		struct mount *child = counterpart(at, mount);

		if (child && may_go_along(child) &&
		    __atomic_load_n(&child->refs, __ATOMIC_ACQUIRE) > 1)
			return true;
	}
	return false;
}
