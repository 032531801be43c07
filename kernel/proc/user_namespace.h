/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User namespaces (user_namespaces(7)): users and groups by other numbers, and capabilities that
 * hold in a part of the system only.
 *
 * The kernel keeps the numbers of the first namespace everywhere.  They are translated where
 * programs give or get them, by the functions below.  A number that a namespace does not map has no
 * translation: NOBODY_ID inwards, and the overflow number outwards.
 *
 * A map is set once, and then only read: `count` is stored last.
 */
#ifndef PROC_USER_NAMESPACE_H
#define PROC_USER_NAMESPACE_H

#include "proc/credentials.h"
#include "proc/namespace.h"
#include "lib/spinlock.h"

struct text;

#define NOBODY_ID                ((u32)-1)
#define OVERFLOW_ID              65534u
#define USER_NAMESPACE_MAX_LEVEL 32
#define ID_MAP_MAX               340

struct id_extent {
	u32 first; /* in the namespace */
	u32 base;  /* in the parent, as written, then in the first namespace */
	u32 count;
};

struct id_map {
	struct id_extent *extents;
	u32 count; /* atomic, release: 0 until the map is set */
};

enum id_kind { ID_USER, ID_GROUP, ID_PROJECT, ID_KINDS };

struct user_namespace {
	struct namespace base;
	struct user_namespace *parent; /* const; NULL for the first; base.owner counts it */
	u32 level;                     /* const */
	uid_t uid;                     /* const: of whoever made it */
	gid_t gid;
	spinlock_t lock;
	struct id_map maps[ID_KINDS]; /* lock to set */
	bool no_setgroups;            /* lock to set; never cleared */
};

struct user_namespace *user_namespace_first(void);
/* Registers the kind; once, before the first credentials. */
void user_namespaces_init(void);
static inline struct user_namespace *user_namespace_get(struct user_namespace *space)
{
	namespace_get(&space->base);
	return space;
}
static inline void user_namespace_put(struct user_namespace *space)
{
	namespace_put(&space->base);
}
static inline struct user_namespace *user_namespace_of(struct namespace *space)
{
	return (struct user_namespace *)space;
}

/* From a namespace's number to the kernel's: NOBODY_ID when there is none. */
u32 id_to_kernel(const struct user_namespace *space, enum id_kind kind, u32 id);
/* The other way: NOBODY_ID when it has no number there. */
u32 id_from_kernel(const struct user_namespace *space, enum id_kind kind, u32 id);

/* For current: what a program says, (u32)-1 included, and what it is shown. */
uid_t uid_given(uid_t uid);
gid_t gid_given(gid_t gid);
uid_t uid_shown(uid_t uid);
gid_t gid_shown(gid_t gid);
/* As a namespace is shown it. */
uid_t uid_shown_in(const struct user_namespace *space, uid_t uid);
gid_t gid_shown_in(const struct user_namespace *space, gid_t gid);
/* User 0 of a namespace, in the kernel's numbers; NOBODY_ID: there is none. */
uid_t user_namespace_root(const struct user_namespace *space);

/*
 * Makes the credentials those of a new namespace below theirs, with all capabilities in it.  0;
 * -ENOSPC: too deep, or too many; -EPERM: the owner has no number where it is made; -ENOMEM.  The
 * caller has seen that current's root is its mounts'.
 */
int __must_check user_namespace_create(struct credentials *credentials);
/* Makes them belong to that namespace, with all capabilities in it. */
void user_namespace_join(struct credentials *credentials, struct user_namespace *space);
/* Is it `ancestor`, or below? */
bool user_namespace_is_below(const struct user_namespace *space,
			     const struct user_namespace *ancestor);

/* /proc/PID/uid_map and its like, as current sees them; and setting one, by whoever opened the
 * file.  0, -EPERM, -EINVAL, -ENOMEM. */
void user_namespace_show_map(struct user_namespace *space, enum id_kind kind, struct text *text);
int __must_check user_namespace_set_map(struct user_namespace *space, enum id_kind kind,
					const char *value, size_t size);
/* "deny" is for ever, "allow" for who has not denied. */
int __must_check user_namespace_set_setgroups(struct user_namespace *space, bool allow);
/* May a program in it call setgroups(2), capabilities aside? */
bool user_namespace_may_setgroups(const struct user_namespace *space);

#endif
