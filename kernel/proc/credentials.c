/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials as objects: counting, copying, installing; group sets; the accounts of users; the
 * questions that others ask.
 *
 * A set that a task points at never changes.  A change copies it (credentials_prepare), edits the
 * copy, and installs that (credentials_commit) under task->lock; the old set lives on while others
 * hold it.  Accounts are kept in a small hash table under accounts_lock (interrupts off,
 * innermost), which also guards their counts of references.
 */
#include "proc/credentials.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials_internal.h"
#include "proc/key.h"
#include "proc/landlock.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

enum { ACCOUNT_BUCKETS = 64 };

static spinlock_t accounts_lock;
static struct user_account *accounts[ACCOUNT_BUCKETS]; /* accounts_lock */

void user_account_get(struct user_account *account)
{
	__atomic_add_fetch(&account->references, 1, __ATOMIC_RELAXED);
}

struct user_account *user_account_find(uid_t uid)
{
	struct user_account **bucket = &accounts[uid % ACCOUNT_BUCKETS];
	struct user_account *account;
	unsigned long flags = spin_lock_irqsave(&accounts_lock);

	for (account = *bucket; account != NULL && account->uid != uid; account = account->next)
		;
	if (account == NULL) {
		account = kzalloc(sizeof(*account));
		if (account != NULL) {
			account->uid = uid;
			account->next = *bucket;
			*bucket = account;
		}
	}
	if (account != NULL)
		user_account_get(account);
	spin_unlock_irqrestore(&accounts_lock, flags);
	return account;
}

/* The last reference goes under the lock, because whoever finds an account in the table holds that.
 */
static bool drop_unless_last(struct user_account *account)
{
	u32 references = __atomic_load_n(&account->references, __ATOMIC_RELAXED);

	while (references > 1)
		if (__atomic_compare_exchange_n(&account->references, &references, references - 1,
						true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void user_account_put(struct user_account *account)
{
	struct user_account **link;

	if (likely(drop_unless_last(account)))
		return;
	unsigned long flags = spin_lock_irqsave(&accounts_lock);
	if (__atomic_sub_fetch(&account->references, 1, __ATOMIC_ACQ_REL) > 0) {
		spin_unlock_irqrestore(&accounts_lock, flags);
		return;
	}
	for (link = &accounts[account->uid % ACCOUNT_BUCKETS]; *link != account;
	     link = &(*link)->next)
		;
	*link = account->next;
	spin_unlock_irqrestore(&accounts_lock, flags);
	kfree(account);
}

struct user_account *user_account_of_task(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct user_account *account = task->credentials->user;

	user_account_get(account);
	spin_unlock_irqrestore(&task->lock, flags);
	return account;
}

int user_account_charge_process(const struct credentials *credentials, u64 limit)
{
	struct user_account *account = credentials->user;
	u32 processes = __atomic_add_fetch(&account->processes, 1, __ATOMIC_RELAXED);

	if (processes <= limit || account->uid == 0)
		return 0;
	if (credentials_capable(credentials, CAP_SYS_RESOURCE) ||
	    credentials_capable(credentials, CAP_SYS_ADMIN))
		return 0;
	__atomic_sub_fetch(&account->processes, 1, __ATOMIC_RELAXED);
	return -EAGAIN;
}

void user_account_release_process(const struct credentials *credentials)
{
	__atomic_sub_fetch(&credentials->user->processes, 1, __ATOMIC_RELAXED);
}

struct group_set *group_set_create(u32 count)
{
	struct group_set *groups = kmalloc(sizeof(*groups) + count * sizeof(gid_t));

	if (groups != NULL) {
		groups->references = 1;
		groups->count = count;
	}
	return groups;
}

void group_set_put(struct group_set *groups)
{
	if (__atomic_sub_fetch(&groups->references, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(groups);
}

struct credentials *credentials_initial(void)
{
	struct credentials *root = kzalloc(sizeof(*root));

	ENSURE(root != NULL);
	root->references = 1;
	root->cap_permitted = CAP_ALL;
	root->cap_effective = CAP_ALL;
	root->cap_bounding = CAP_ALL;
	root->groups = group_set_create(0);
	root->user = user_account_find(0);
	root->user_namespace = user_namespace_get(user_namespace_first());
	ENSURE(root->groups != NULL && root->user != NULL);
	return root;
}

struct credentials *credentials_get(const struct credentials *credentials)
{
	struct credentials *counted = (struct credentials *)credentials;

	__atomic_add_fetch(&counted->references, 1, __ATOMIC_RELAXED);
	return counted;
}

void credentials_put(const struct credentials *credentials)
{
	struct credentials *counted = (struct credentials *)credentials;

	if (counted == NULL || __atomic_sub_fetch(&counted->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	group_set_put(counted->groups);
	user_account_put(counted->user);
	user_namespace_put(counted->user_namespace);
	keys_put(counted);
	landlock_put(counted->landlock);
	kfree(counted);
}

const struct credentials *current_credentials(void)
{
	return current->acting ? current->acting : current->credentials;
}

const struct credentials *credentials_act(const struct credentials *credentials)
{
	const struct credentials *before = current->acting;

	current->acting = credentials;
	return before;
}

struct credentials *credentials_of_task(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct credentials *credentials = credentials_get(task->credentials);

	spin_unlock_irqrestore(&task->lock, flags);
	return credentials;
}

struct credentials *credentials_of_process(struct process *process)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct task *task = process->leader != NULL ? process->leader : current;
	struct credentials *credentials = credentials_of_task(task);

	spin_unlock_irqrestore(&process->lock, flags);
	return credentials;
}

uid_t process_uid(struct process *process)
{
	struct task *leader = process->leader;
	unsigned long flags = spin_lock_irqsave(&leader->lock);
	uid_t uid = leader->credentials->uid;

	spin_unlock_irqrestore(&leader->lock, flags);
	return uid;
}

struct credentials *credentials_prepare(void)
{
	struct credentials *copy = kmemdup(current->credentials, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->references = 1;
	__atomic_add_fetch(&copy->groups->references, 1, __ATOMIC_RELAXED);
	user_account_get(copy->user);
	user_namespace_get(copy->user_namespace);
	keys_copied(copy);
	landlock_get(copy->landlock);
	return copy;
}

void credentials_abort(struct credentials *changed)
{
	credentials_put(changed);
}

/* Moves the count of this thread from one user to the other. */
static void move_charge(const struct credentials *old, const struct credentials *changed)
{
	if (old->user == changed->user)
		return;
	__atomic_add_fetch(&changed->user->processes, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&old->user->processes, 1, __ATOMIC_RELAXED);
}

void credentials_commit(struct credentials *changed)
{
	const struct credentials *old = current->credentials;
	struct process *process = current->process;

	move_charge(old, changed);
	if (old->euid != changed->euid || old->egid != changed->egid ||
	    old->fsuid != changed->fsuid || old->fsgid != changed->fsgid ||
	    (changed->user_namespace == old->user_namespace &&
	     (changed->cap_permitted & ~old->cap_permitted))) {
		process->dumpable = false;
		current->parent_death_signal = 0;
	}
	unsigned long flags = spin_lock_irqsave(&current->lock);
	current->credentials = changed;
	spin_unlock_irqrestore(&current->lock, flags);
	credentials_put(old);
}

/* In one's own namespace and those below, and whoever made a namespace has all in it. */
bool credentials_capable_in(const struct credentials *credentials,
			    const struct user_namespace *space, enum capability capability)
{
	const struct user_namespace *mine = credentials->user_namespace;

	for (; space != mine; space = space->parent) {
		if (space->level <= mine->level)
			return false;
		if (space->parent == mine && space->uid == credentials->euid)
			return true;
	}
	return credentials->cap_effective & BIT(capability);
}

bool credentials_capable(const struct credentials *credentials, enum capability capability)
{
	return credentials->user_namespace == user_namespace_first() &&
	       credentials->cap_effective & BIT(capability);
}

/* Accounting tells who has used a capability. */
static bool note_use(bool may)
{
	if (may && !(current->flags & TASK_SUPERUSER))
		current->flags |= TASK_SUPERUSER;
	return may;
}

bool capable(enum capability capability)
{
	return note_use(credentials_capable(current_credentials(), capability));
}

bool capable_in(const struct user_namespace *space, enum capability capability)
{
	return note_use(credentials_capable_in(current_credentials(), space, capability));
}

bool capable_here(enum capability capability)
{
	return note_use(current_credentials()->cap_effective & BIT(capability));
}

bool capable_towards(struct task *task, enum capability capability)
{
	struct credentials *theirs = credentials_of_task(task);
	bool may = capable_in(theirs->user_namespace, capability);

	credentials_put(theirs);
	return may;
}

/* Capabilities over files end where their owners have no numbers. */
static bool has_over(const struct credentials *credentials, uid_t owner, gid_t group,
		     enum capability capability)
{
	const struct user_namespace *space = credentials->user_namespace;

	if (!(credentials->cap_effective & BIT(capability)))
		return false;
	return space == user_namespace_first() ||
	       (id_from_kernel(space, ID_USER, owner) != NOBODY_ID &&
		id_from_kernel(space, ID_GROUP, group) != NOBODY_ID);
}

bool capable_over(uid_t owner, gid_t group, enum capability capability)
{
	return has_over(current_credentials(), owner, group, capability);
}

static bool in_groups(const struct group_set *groups, gid_t gid)
{
	u32 low = 0, high = groups->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (groups->ids[middle] == gid)
			return true;
		if (groups->ids[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool credentials_in_group(const struct credentials *credentials, gid_t gid)
{
	return credentials->fsgid == gid || in_groups(credentials->groups, gid);
}

bool credentials_in_effective_group(const struct credentials *credentials, gid_t gid)
{
	return credentials->egid == gid || in_groups(credentials->groups, gid);
}

enum { MODE_TYPE = 0170000, MODE_DIRECTORY = 0040000, MODE_ANY_EXECUTE = 0111 };

int credentials_permission(const struct credentials *credentials, uid_t owner, gid_t group,
			   mode_t mode, unsigned want)
{
	unsigned granted = mode & 7;

	if (credentials->fsuid == owner)
		granted = mode >> 6 & 7;
	else if (credentials_in_group(credentials, group))
		granted = mode >> 3 & 7;
	if ((want & ~granted) == 0)
		return 0;
	return credentials_override(credentials, owner, group, mode, want);
}

int credentials_override(const struct credentials *credentials, uid_t owner, gid_t group,
			 mode_t mode, unsigned want)
{
	bool directory = (mode & MODE_TYPE) == MODE_DIRECTORY;

	if (has_over(credentials, owner, group, CAP_DAC_OVERRIDE) &&
	    (directory || !(want & PERMISSION_EXECUTE) || (mode & MODE_ANY_EXECUTE)))
		return 0;
	if (has_over(credentials, owner, group, CAP_DAC_READ_SEARCH) &&
	    (directory ? !(want & PERMISSION_WRITE) : want == PERMISSION_READ))
		return 0;
	return -EACCES;
}

bool credentials_owner_or_capable(const struct credentials *credentials, uid_t owner, gid_t group)
{
	return credentials->fsuid == owner || has_over(credentials, owner, group, CAP_FOWNER);
}
