/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces in general: counting them, and the sets that tasks have: see namespace.h.
 *
 * The first set is static and never goes: kernel threads have it, and init.  Numbers begin where
 * Linux's do, so that the first of each kind is known by its number.
 */
#include "proc/namespace.h"

#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/pid_namespace.h"
#include "proc/proc_internal.h"
#include "proc/user_namespace.h"

#define FIRST_NUMBER  0xf0000000u /* 4026531840: free for those that are made */
#define DEFAULT_LIMIT 4096

static struct {
	const char *name;
	u64 flag;
	u32 first_number;
	const struct namespace_kind_ops *ops;
	struct namespace *first;
	u32 count; /* atomic */
	u32 limit; /* single loads and stores */
} kinds[NAMESPACE_KINDS] = {
	[NAMESPACE_MOUNT] = {.name = "mnt", .flag = CLONE_NEWNS, .first_number = 0xf0000000u},
	[NAMESPACE_UTS] = {.name = "uts", .flag = CLONE_NEWUTS, .first_number = 0xeffffffeu},
	[NAMESPACE_IPC] = {.name = "ipc", .flag = CLONE_NEWIPC, .first_number = 0xefffffffu},
	[NAMESPACE_PID] = {.name = "pid", .flag = CLONE_NEWPID, .first_number = 0xeffffffcu},
	[NAMESPACE_NET] = {.name = "net", .flag = CLONE_NEWNET, .first_number = 0xeffffff9u},
	[NAMESPACE_CGROUP] = {.name = "cgroup",
			      .flag = CLONE_NEWCGROUP,
			      .first_number = 0xeffffffbu},
	[NAMESPACE_USER] = {.name = "user", .flag = CLONE_NEWUSER, .first_number = 0xeffffffdu},
};

static struct namespaces first_set = {.refs = 1};
static u32 last_number = FIRST_NUMBER; /* atomic */

void namespace_register(enum namespace_kind kind, const struct namespace_kind_ops *ops,
			struct namespace *first)
{
	first->refs = 1;
	first->kind = kind;
	first->number = kinds[kind].first_number;
	if (kind != NAMESPACE_USER)
		first->owner = user_namespace_first();
	kinds[kind].ops = ops;
	kinds[kind].first = first;
	kinds[kind].limit = DEFAULT_LIMIT;
	if (kind < NAMESPACE_IN_SET)
		first_set.of[kind] = first;
}

struct namespace *namespace_first(enum namespace_kind kind)
{
	return kinds[kind].first;
}

bool namespace_made(enum namespace_kind kind)
{
	return READ_ONCE(kinds[kind].count) > 0;
}

u64 namespace_flag(enum namespace_kind kind)
{
	return kinds[kind].flag;
}

const char *namespace_name(enum namespace_kind kind)
{
	return kinds[kind].name;
}

u32 namespace_limit(enum namespace_kind kind)
{
	return READ_ONCE(kinds[kind].limit);
}

void namespace_set_limit(enum namespace_kind kind, u32 limit)
{
	WRITE_ONCE(kinds[kind].limit, limit);
}

int namespace_init(struct namespace *space, enum namespace_kind kind, struct user_namespace *owner)
{
	u32 count = __atomic_add_fetch(&kinds[kind].count, 1, __ATOMIC_RELAXED);

	if (count > READ_ONCE(kinds[kind].limit)) {
		__atomic_sub_fetch(&kinds[kind].count, 1, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	space->refs = 1;
	space->kind = kind;
	space->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	space->owner = user_namespace_get(owner);
	return 0;
}

void namespace_fini(struct namespace *space)
{
	__atomic_sub_fetch(&kinds[space->kind].count, 1, __ATOMIC_RELAXED);
	user_namespace_put(space->owner);
}

void namespace_put(struct namespace *space)
{
	if (__atomic_sub_fetch(&space->refs, 1, __ATOMIC_ACQ_REL) == 0)
		kinds[space->kind].ops->release(space);
}

/* --- Kinds that have nothing of their own --- */

static struct namespace *copy_bare(struct namespace *from, const struct namespace_request *request)
{
	struct namespace *space = kzalloc(sizeof(*space));

	if (space == NULL)
		return ERR_PTR(-ENOMEM);
	int error = namespace_init(space, from->kind, request->owner);
	if (error == 0)
		return space;
	kfree(space);
	return ERR_PTR(error);
}

static void release_bare(struct namespace *space)
{
	namespace_fini(space);
	kfree(space);
}

void namespace_register_bare(enum namespace_kind kind, struct namespace *first)
{
	static const struct namespace_kind_ops operations = {.copy = copy_bare,
							     .release = release_bare};

	namespace_register(kind, &operations, first);
}

/* --- Whose is which --- */

static struct namespaces *set_of(const struct task *task)
{
	return task->namespaces != NULL ? task->namespaces : &first_set;
}

struct namespace *namespace_current(enum namespace_kind kind)
{
	if (kind == NAMESPACE_USER)
		return &current->credentials->user_namespace->base;
	if (kind == NAMESPACE_PID)
		return &pid_namespace_current()->base;
	return set_of(current)->of[kind];
}

struct namespace *namespace_of_task(struct task *task, enum namespace_kind kind, bool children)
{
	struct namespace *space = NULL;
	unsigned long flags = spin_lock_irqsave(&task->lock);

	if (kind == NAMESPACE_USER)
		space = &task->credentials->user_namespace->base;
	else if (kind == NAMESPACE_PID && !children)
		space = &pid_namespace_of(task->numbers)->base;
	else if (task->namespaces != NULL)
		space = task->namespaces->of[kind];
	if (space != NULL)
		namespace_get(space);
	spin_unlock_irqrestore(&task->lock, flags);
	return space;
}

/* --- Sets --- */

struct namespaces *namespaces_get(struct namespaces *set)
{
	__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
	return set;
}

struct namespaces *namespaces_get_first(void)
{
	return namespaces_get(&first_set);
}

void namespaces_put(struct namespaces *set)
{
	if (__atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	ASSERT(set != &first_set);
	for (unsigned i = 0; i < NAMESPACE_IN_SET; i++)
		if (set->of[i] != NULL)
			namespace_put(set->of[i]);
	kfree(set);
}

static int fill(struct namespaces *set, const struct namespaces *from,
		const struct namespace_request *request)
{
	for (unsigned i = 0; i < NAMESPACE_IN_SET; i++) {
		struct namespace *space = from->of[i];

		if (request->flags & kinds[i].flag)
			space = kinds[i].ops->copy(space, request);
		else
			namespace_get(space);
		if (IS_ERR(space))
			return (int)PTR_ERR(space);
		set->of[i] = space;
	}
	return 0;
}

struct namespaces *namespaces_make(const struct namespace_request *request,
				   const struct credentials *credentials)
{
	struct namespaces *mine = set_of(current);

	if (!(request->flags & CLONE_NAMESPACES_IN_SET))
		return namespaces_get(mine);
	if (!credentials_capable_in(credentials, request->owner, CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	struct namespaces *set = kzalloc(sizeof(*set));
	if (set == NULL)
		return ERR_PTR(-ENOMEM);
	set->refs = 1;
	int error = fill(set, mine, request);
	if (error == 0)
		return set;
	namespaces_put(set);
	return ERR_PTR(error);
}

struct namespaces *namespaces_with(const struct namespaces *from, struct namespace *space)
{
	struct namespaces *set = kzalloc(sizeof(*set));

	if (set == NULL)
		return NULL;
	set->refs = 1;
	for (unsigned i = 0; i < NAMESPACE_IN_SET; i++)
		set->of[i] = namespace_get(i == space->kind ? space : from->of[i]);
	return set;
}

static struct namespaces *exchange(struct task *task, struct namespaces *set)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct namespaces *old = task->namespaces;

	task->namespaces = set;
	spin_unlock_irqrestore(&task->lock, flags);
	return old;
}

void namespaces_install(struct namespaces *set)
{
	struct namespaces *old = exchange(current, set);

	if (old != NULL)
		namespaces_put(old);
}

void namespaces_leave(struct task *task)
{
	struct namespaces *old = exchange(task, NULL);

	if (old != NULL)
		namespaces_put(old);
}

int namespace_check(struct namespace *space, const struct credentials *credentials)
{
	const struct namespace_kind_ops *ops = kinds[space->kind].ops;

	return ops->check != NULL ? ops->check(space, credentials) : 0;
}

void namespace_enter(struct namespace *space)
{
	const struct namespace_kind_ops *ops = kinds[space->kind].ops;

	if (ops->enter != NULL)
		ops->enter(space);
}
