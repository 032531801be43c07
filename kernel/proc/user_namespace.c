/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User namespaces: making them, and translating numbers: see user_namespace.h.  Maps are written in
 * user_map.c.
 */
#include "proc/user_namespace.h"

#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/credentials_internal.h"
#include "proc/proc_internal.h"

static struct id_extent everybody = {.first = 0, .base = 0, .count = NOBODY_ID};
static struct user_namespace first = {
	.base = {.refs = 1, .kind = NAMESPACE_USER},
	.maps = {[0 ... ID_KINDS - 1] = {.extents = &everybody, .count = 1}},
};

static void release(struct namespace *base)
{
	struct user_namespace *space = user_namespace_of(base);

	for (unsigned i = 0; i < ID_KINDS; i++)
		kfree(space->maps[i].extents);
	namespace_fini(base);
	kfree(space);
}

/* setns(2): one's own cannot be entered again, for that would give capabilities back. */
static int check(struct namespace *space, const struct credentials *credentials)
{
	if (user_namespace_of(space) == credentials->user_namespace ||
	    !process_is_single(current->process))
		return -EINVAL;
	return 0;
}

static const struct namespace_kind_ops operations = {.release = release, .check = check};

struct user_namespace *user_namespace_first(void)
{
	return &first;
}

void user_namespaces_init(void)
{
	namespace_register(NAMESPACE_USER, &operations, &first.base);
}

/* --- Numbers --- */

u32 id_to_kernel(const struct user_namespace *space, enum id_kind kind, u32 id)
{
	const struct id_map *map = &space->maps[kind];
	u32 count = __atomic_load_n(&map->count, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < count; i++) {
		const struct id_extent *extent = &map->extents[i];

		if (id >= extent->first && id - extent->first < extent->count)
			return extent->base + (id - extent->first);
	}
	return NOBODY_ID;
}

u32 id_from_kernel(const struct user_namespace *space, enum id_kind kind, u32 id)
{
	const struct id_map *map = &space->maps[kind];
	u32 count = __atomic_load_n(&map->count, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < count; i++) {
		const struct id_extent *extent = &map->extents[i];

		if (id >= extent->base && id - extent->base < extent->count)
			return extent->first + (id - extent->base);
	}
	return NOBODY_ID;
}

static u32 given(enum id_kind kind, u32 id)
{
	const struct user_namespace *space = current->credentials->user_namespace;

	return likely(space == &first) ? id : id_to_kernel(space, kind, id);
}

static u32 shown_in(const struct user_namespace *space, enum id_kind kind, u32 id)
{
	if (likely(space == &first))
		return id;
	u32 number = id_from_kernel(space, kind, id);
	return number != NOBODY_ID ? number : OVERFLOW_ID;
}

uid_t uid_given(uid_t uid)
{
	return given(ID_USER, uid);
}

gid_t gid_given(gid_t gid)
{
	return given(ID_GROUP, gid);
}

uid_t uid_shown_in(const struct user_namespace *space, uid_t uid)
{
	return shown_in(space, ID_USER, uid);
}

gid_t gid_shown_in(const struct user_namespace *space, gid_t gid)
{
	return shown_in(space, ID_GROUP, gid);
}

uid_t uid_shown(uid_t uid)
{
	return shown_in(current->credentials->user_namespace, ID_USER, uid);
}

gid_t gid_shown(gid_t gid)
{
	return shown_in(current->credentials->user_namespace, ID_GROUP, gid);
}

uid_t user_namespace_root(const struct user_namespace *space)
{
	return id_to_kernel(space, ID_USER, 0);
}

/* --- Making and entering --- */

bool user_namespace_is_below(const struct user_namespace *space,
			     const struct user_namespace *ancestor)
{
	while (space->level > ancestor->level)
		space = space->parent;
	return space == ancestor;
}

static void give_all(struct credentials *credentials)
{
	credentials->securebits = 0;
	credentials->cap_inheritable = 0;
	credentials->cap_permitted = CAP_ALL;
	credentials->cap_effective = CAP_ALL;
	credentials->cap_bounding = CAP_ALL;
	credentials->cap_ambient = 0;
}

void user_namespace_join(struct credentials *credentials, struct user_namespace *space)
{
	struct user_namespace *old = credentials->user_namespace;

	credentials->user_namespace = user_namespace_get(space);
	user_namespace_put(old);
	give_all(credentials);
}

int user_namespace_create(struct credentials *credentials)
{
	struct user_namespace *parent = credentials->user_namespace, *space;

	if (parent->level >= USER_NAMESPACE_MAX_LEVEL)
		return -ENOSPC;
	if (id_from_kernel(parent, ID_USER, credentials->euid) == NOBODY_ID ||
	    id_from_kernel(parent, ID_GROUP, credentials->egid) == NOBODY_ID)
		return -EPERM;
	space = kzalloc(sizeof(*space));
	if (space == NULL)
		return -ENOMEM;
	int error = namespace_init(&space->base, NAMESPACE_USER, parent);
	if (error != 0) {
		kfree(space);
		return error;
	}
	spin_lock_init(&space->lock);
	space->parent = parent;
	space->level = parent->level + 1;
	space->uid = credentials->euid;
	space->gid = credentials->egid;
	space->no_setgroups = READ_ONCE(parent->no_setgroups);
	user_namespace_join(credentials, space);
	user_namespace_put(space);
	return 0;
}

bool user_namespace_may_setgroups(const struct user_namespace *space)
{
	return __atomic_load_n(&space->maps[ID_GROUP].count, __ATOMIC_ACQUIRE) > 0 &&
	       !READ_ONCE(space->no_setgroups);
}

int user_namespace_set_setgroups(struct user_namespace *space, bool allow)
{
	int error = 0;
	unsigned long flags = spin_lock_irqsave(&space->lock);

	if (allow)
		error = space->no_setgroups ? -EPERM : 0;
	else if (space->maps[ID_GROUP].count > 0)
		error = -EPERM;
	else
		space->no_setgroups = true;
	spin_unlock_irqrestore(&space->lock, flags);
	return error;
}
