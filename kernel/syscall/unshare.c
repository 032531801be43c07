/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unshare(2): a thread stops sharing what clone(2) let it share, or goes to namespaces of its own;
 * setns(2): it goes to somebody else's.
 *
 * Everything that can fail is done first: the new context, credentials and set of namespaces are
 * made, then installed one after the other.
 */
#include "fs/calls.h"
#include "fs/mount.h"
#include "fs/nsfs.h"
#include "ipc/pidfd.h"
#include "ipc/sem.h"
#include "lib/abi/sched.h"
#include "lib/errno.h"
#include "mm/vmm.h"
#include "proc/access.h"
#include "proc/hooks.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/user_namespace.h"
#include "syscall/table.h"

/* Threads, handlers and memory cannot be parted: it is all right when nobody shares them. */
static bool is_alone(u64 flags)
{
	const struct process *process = current->process;

	if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) &&
	    READ_ONCE(process->thread_count) != 1)
		return false;
	if (flags & (CLONE_SIGHAND | CLONE_VM) &&
	    READ_ONCE(process->signals.actions->references) != 1)
		return false;
	return !(flags & CLONE_VM) || READ_ONCE(current->space->refs) == 1;
}

/* Credentials of a new user namespace, or NULL for none; ERR_PTR. */
static struct credentials *new_credentials(u64 flags)
{
	if (!(flags & CLONE_NEWUSER))
		return NULL;
	if (fs_is_chrooted())
		return ERR_PTR(-EPERM);
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return ERR_PTR(-ENOMEM);
	int error = user_namespace_create(changed);
	if (error == 0)
		return changed;
	credentials_abort(changed);
	return ERR_PTR(error);
}

static int unshare_namespaces(u64 flags)
{
	struct credentials *changed = new_credentials(flags);

	if (IS_ERR(changed))
		return (int)PTR_ERR(changed);
	const struct credentials *credentials = changed != NULL ? changed : current_credentials();
	const struct namespace_request request = {
		.flags = flags,
		.owner = credentials->user_namespace,
		.fs = current->fs,
	};
	struct namespaces *set = namespaces_make(&request, credentials);
	if (IS_ERR(set)) {
		if (changed != NULL)
			credentials_abort(changed);
		return (int)PTR_ERR(set);
	}
	if (flags & CLONE_NEWIPC)
		sem_leave_undo(current);
	namespaces_install(set);
	if (changed != NULL)
		credentials_commit(changed);
	return 0;
}

long sys_unshare(u64 flags)
{
	const u64 namespaces = CLONE_NAMESPACES_IN_SET | CLONE_NEWUSER;
	const u64 known = CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES |
			  CLONE_SYSVSEM | namespaces;
	int error = 0;

	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	if (flags & CLONE_NEWIPC)
		flags |= CLONE_SYSVSEM;
	if (flags & ~known || !is_alone(flags))
		return -EINVAL;
	if (flags & CLONE_FS)
		error = fs_context_unshare();
	if (error == 0 && flags & CLONE_FILES)
		error = files_unshare();
	if (error == 0 && flags & namespaces)
		error = unshare_namespaces(flags);
	if (error == 0 && flags & CLONE_SYSVSEM)
		sem_leave_undo(current);
	return error;
}

/* --- setns --- */

/* One of each kind that is to be entered; NULL: not that kind.  References. */
struct entrance {
	struct namespace *of[NAMESPACE_KINDS];
};

static void entrance_drop(struct entrance *entrance)
{
	for (unsigned i = 0; i < NAMESPACE_KINDS; i++)
		if (entrance->of[i] != NULL)
			namespace_put(entrance->of[i]);
}

/* Those of a process that `flags` name. */
static int entrance_of_process(struct entrance *entrance, struct process *process, u32 flags)
{
	unsigned long irq = process_tree_lock();
	struct task *task = process->leader;

	if (task != NULL)
		task_get(task);
	process_tree_unlock(irq);
	if (task == NULL)
		return -ESRCH;
	int error = task_may_inspect(task);
	for (unsigned i = 0; error == 0 && i < NAMESPACE_KINDS; i++) {
		if (!(flags & namespace_flag(i)))
			continue;
		entrance->of[i] = namespace_of_task(task, i, false);
		if (entrance->of[i] == NULL)
			error = -ESRCH;
	}
	task_put(task);
	return error;
}

static int entrance_of_file(struct entrance *entrance, const struct file *file, u32 flags)
{
	const u64 all = CLONE_NAMESPACES_IN_SET | CLONE_NEWUSER;
	struct namespace *space = nsfs_namespace_of_file(file);
	struct process *process = pidfd_process(file);

	if (space != NULL) {
		if (flags != 0 && flags != namespace_flag(space->kind))
			return -EINVAL;
		entrance->of[space->kind] = namespace_get(space);
		return 0;
	}
	if (process == NULL || flags == 0 || flags & ~all)
		return -EINVAL;
	return entrance_of_process(entrance, process, flags);
}

/* May current enter all of them, being whom the credentials say? */
static int check_all(const struct entrance *entrance, const struct credentials *credentials)
{
	for (unsigned i = 0; i < NAMESPACE_IN_SET; i++) {
		struct namespace *space = entrance->of[i];

		if (space == NULL)
			continue;
		if (!credentials_capable_in(credentials, space->owner, CAP_SYS_ADMIN) ||
		    !credentials_capable_in(credentials, credentials->user_namespace,
					    CAP_SYS_ADMIN))
			return -EPERM;
		int error = namespace_check(space, credentials);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Credentials in the user namespace that is entered, or a copy of current's; ERR_PTR. */
static struct credentials *enter_user(struct namespace *base)
{
	int error = 0;

	if (base != NULL) {
		error = namespace_check(base, current_credentials());
		if (error == 0 && file_hooks->fs_shared(current->fs))
			error = -EINVAL;
		if (error == 0 && !capable_in(user_namespace_of(base), CAP_SYS_ADMIN))
			error = -EPERM;
	}
	struct credentials *changed = error == 0 ? credentials_prepare() : ERR_PTR(error);
	if (changed == NULL)
		return ERR_PTR(-ENOMEM);
	if (base != NULL && !IS_ERR(changed))
		user_namespace_join(changed, user_namespace_of(base));
	return changed;
}

/* Current's set with those that are entered; ERR_PTR. */
static struct namespaces *new_set(const struct entrance *entrance)
{
	struct namespaces *set = namespaces_get(current->namespaces);

	for (unsigned i = 0; i < NAMESPACE_IN_SET; i++) {
		if (entrance->of[i] == NULL)
			continue;
		struct namespaces *next = namespaces_with(set, entrance->of[i]);
		namespaces_put(set);
		if (next == NULL)
			return ERR_PTR(-ENOMEM);
		set = next;
	}
	return set;
}

static long enter(const struct entrance *entrance)
{
	struct namespaces *set = new_set(entrance);

	if (IS_ERR(set))
		return PTR_ERR(set);
	struct credentials *changed = enter_user(entrance->of[NAMESPACE_USER]);
	long error = IS_ERR(changed) ? PTR_ERR(changed) : check_all(entrance, changed);
	if (error != 0) {
		if (!IS_ERR(changed))
			credentials_abort(changed);
		namespaces_put(set);
		return error;
	}
	if (entrance->of[NAMESPACE_IPC] != NULL)
		sem_leave_undo(current);
	credentials_commit(changed);
	namespaces_install(set);
	for (unsigned i = 0; i < NAMESPACE_IN_SET; i++)
		if (entrance->of[i] != NULL)
			namespace_enter(entrance->of[i]);
	return 0;
}

long sys_setns(int fd, u32 flags)
{
	struct fd_borrow borrow = fd_borrow(fd);
	struct entrance entrance = {{NULL}};

	if (borrow.file == NULL)
		return -EBADF;
	long result = entrance_of_file(&entrance, borrow.file, flags);
	if (result == 0)
		result = enter(&entrance);
	entrance_drop(&entrance);
	fd_return(borrow);
	return result;
}
