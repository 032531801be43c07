/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces (namespaces(7)): which names, numbers and trees a task sees.
 *
 * Every kind begins with a struct namespace: a count, a number of its own, and the user namespace
 * whose capabilities rule it (its owner).  A task points at a struct namespaces, one of each kind
 * but the user's, which is in its credentials.  That set never changes while anybody has it: a task
 * that gets another namespace gets another set.  The `for children` kinds are what a child gets;
 * the numbers that a task has itself are in its struct pid.
 *
 * Higher floors bring the kinds that are theirs: they register what to do with one.
 */
#ifndef PROC_NAMESPACE_H
#define PROC_NAMESPACE_H

#include "lib/types.h"

struct credentials;
struct fs_context;
struct task;
struct user_namespace;

enum namespace_kind {
	NAMESPACE_MOUNT,
	NAMESPACE_UTS,
	NAMESPACE_IPC,
	NAMESPACE_PID, /* in a set: the one for children */
	NAMESPACE_NET,
	NAMESPACE_CGROUP,
	NAMESPACE_IN_SET, /* how many a set has */
	NAMESPACE_USER = NAMESPACE_IN_SET,
	NAMESPACE_KINDS
};

struct namespace
{
	u32 refs;                     /* atomic */
	u32 kind;                     /* const: enum namespace_kind */
	u32 number;                   /* const: what links in /proc/PID/ns show */
	struct user_namespace *owner; /* const; counted; NULL for the first of users */
};

struct namespaces {
	u32 refs;                               /* atomic */
	struct namespace *of[NAMESPACE_IN_SET]; /* const; counted */
};

/* What a new set is made with. */
struct namespace_request {
	u64 flags;                    /* CLONE_NEW* */
	struct user_namespace *owner; /* of those that are new */
	struct fs_context *fs;        /* whose places move to the new tree of mounts */
};

struct namespace_kind_ops {
	/* Another one, that begins as `from`, with a reference; ERR_PTR.  May sleep. */
	struct namespace *(*copy)(struct namespace *from, const struct namespace_request *request);
	/* The last reference is gone.  May sleep, but for the kinds PID and user. */
	void (*release)(struct namespace *space);
	/* setns(2): may current enter it with these credentials, beyond having CAP_SYS_ADMIN in it?
	 * 0 or an error.  Then it enters, which cannot fail.  NULL: nothing but to point at it. */
	int (*check)(struct namespace *space, const struct credentials *credentials);
	void (*enter)(struct namespace *space);
};

/* The first of a kind, which is there from the start; once, at start-up. */
void namespace_register(enum namespace_kind kind, const struct namespace_kind_ops *ops,
			struct namespace *first);
/* The same for a kind whose namespaces are nothing but a number and an owner. */
void namespace_register_bare(enum namespace_kind kind, struct namespace *first);
struct namespace *namespace_first(enum namespace_kind kind);
/* Fills in a new one: one reference; the owner gets one, too.  -ENOSPC when there are too many. */
int __must_check namespace_init(struct namespace *space, enum namespace_kind kind,
				struct user_namespace *owner);
/* The other half: called by `release`, before the memory is freed. */
void namespace_fini(struct namespace *space);

static inline struct namespace *namespace_get(struct namespace *space)
{
	__atomic_add_fetch(&space->refs, 1, __ATOMIC_RELAXED);
	return space;
}
/* May sleep, but for the kinds PID and user. */
void namespace_put(struct namespace *space);

/* Are there others of the kind than the first? */
bool namespace_made(enum namespace_kind kind);
/* The CLONE_NEW* of a kind, its name ("uts"), and how many there are and may be. */
u64 namespace_flag(enum namespace_kind kind);
const char *namespace_name(enum namespace_kind kind);
u32 namespace_limit(enum namespace_kind kind);
void namespace_set_limit(enum namespace_kind kind, u32 limit);

/* Current's, no reference.  User: that of the credentials; PID: the one it has numbers in. */
struct namespace *namespace_current(enum namespace_kind kind);
/* Another task's, with a reference; NULL when it has left.  `children`: PID: what its children
 * get. */
struct namespace *namespace_of_task(struct task *task, enum namespace_kind kind, bool children);

#define CLONE_NAMESPACES_IN_SET \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)

struct namespaces *namespaces_get(struct namespaces *set);
/* The first of each kind: for the first program. */
struct namespaces *namespaces_get_first(void);
void namespaces_put(struct namespaces *set); /* may sleep */
/*
 * Current's set with new ones in the place of those that request->flags name; another reference on
 * the same when there are none.  -EPERM without CAP_SYS_ADMIN in request->owner.  ERR_PTR.  May
 * sleep.
 */
struct namespaces *namespaces_make(const struct namespace_request *request,
				   const struct credentials *credentials);
/* Current has that set from now on; takes over the reference.  May sleep. */
void namespaces_install(struct namespaces *set);
/* The same set but for one: a set with one reference, or NULL without memory. */
struct namespaces *namespaces_with(const struct namespaces *from, struct namespace *space);
/* The kind's own part of setns(2). */
int __must_check namespace_check(struct namespace *space, const struct credentials *credentials);
void namespace_enter(struct namespace *space);
/* A task that ends leaves its set.  May sleep. */
void namespaces_leave(struct task *task);

#endif
