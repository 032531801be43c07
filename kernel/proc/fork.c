/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making processes and threads: fork, vfork, clone, clone3.
 *
 * Everything that can fail is done on a task that nobody can see; each step has its undoing in
 * child_discard.  Then, under process_tree_lock, the child is linked, and from there nothing fails.
 * A signal that comes before the link makes the call start over, so that one sent to a whole
 * process group reaches either the parent before the fork or both.
 */
#include "proc/fork.h"

#include "lib/abi/resource.h"
#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/hooks.h"
#include "proc/key.h"
#include "proc/namespace.h"
#include "proc/pid_namespace.h"
#include "proc/proc_internal.h"
#include "proc/ptrace.h"
#include "proc/rlimit.h"
#include "proc/rseq.h"
#include "proc/sched.h"
#include "proc/sched_internal.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/time.h"
#include "proc/user_namespace.h"

/* A parent in vfork.  Lives on its stack; the child's lock guards the pointer to it and `done`. */
struct vfork_wait {
	wait_queue_t queue;
	bool done;
};

void vfork_complete(struct task *task)
{
	if (!READ_ONCE(task->vfork))
		return;
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct vfork_wait *wait = task->vfork;
	task->vfork = NULL;
	if (wait) {
		wait->done = true;
		wake_up_all(&wait->queue);
	}
	spin_unlock_irqrestore(&task->lock, flags);
}

/* Only death ends the wait early: the child then runs on in memory that is its own from now on. */
static void wait_for_vfork(struct task *child, struct vfork_wait *wait)
{
	(void)!wait_event_killable(&wait->queue, READ_ONCE(wait->done));
	/* Whoever completes holds the lock until it no longer touches *wait. */
	unsigned long flags = spin_lock_irqsave(&child->lock);
	child->vfork = NULL;
	spin_unlock_irqrestore(&child->lock, flags);
}

static int check_flags(const struct clone_request *request)
{
	u64 flags = request->flags;

	if (flags & (CLONE_INTO_CGROUP | CLONE_NEWTIME))
		return -EINVAL;
	if (flags & CLONE_FS && flags & (CLONE_NEWNS | CLONE_NEWUSER))
		return -EINVAL;
	if (flags & CLONE_SYSVSEM && flags & CLONE_NEWIPC)
		return -EINVAL;
	/* Threads of one process are in one namespace of numbers. */
	if (flags & CLONE_THREAD && (flags & (CLONE_NEWUSER | CLONE_NEWPID) ||
				     pid_namespace_for_children() != pid_namespace_current()))
		return -EINVAL;
	if (flags & CLONE_PIDFD && flags & (CLONE_THREAD | CLONE_DETACHED))
		return -EINVAL;
	if (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if (flags & CLONE_SIGHAND && !(flags & CLONE_VM))
		return -EINVAL;
	if (flags & CLONE_SIGHAND && flags & CLONE_CLEAR_SIGHAND)
		return -EINVAL;
	/* Siblings of init would be children of the kernel, or of another namespace. */
	if (flags & CLONE_PARENT && current->process->signals.unkillable)
		return -EINVAL;
	return 0;
}

/* An eighth of memory in kernel stacks and the like is the most that tasks may take. */
static bool too_many_tasks(void)
{
	u64 limit = frame_get_total_memory() / (8 * KERNEL_STACK_SIZE);

	return task_count() >= MAX(limit, 64);
}

/* --- What a child has of its parent --- */

static int give_space(struct task *child, u64 flags)
{
	if (flags & CLONE_VM)
		child->space = vmm_get_address_space(current->space);
	else if (commit_check_fork(current->space) == 0)
		child->space = vmm_copy_address_space(current->space);
	return child->space ? 0 : -ENOMEM;
}

static int give_files(struct task *child, u64 flags)
{
	if (flags & CLONE_FILES) {
		file_hooks->files_get(current->files);
		child->files = current->files;
	} else {
		struct files *files = file_hooks->files_copy(current->files);
		if (IS_ERR(files))
			return (int)PTR_ERR(files);
		child->files = files;
	}
	if (flags & CLONE_FS) {
		file_hooks->fs_get(current->fs);
		child->fs = current->fs;
	} else {
		struct fs_context *fs = file_hooks->fs_copy(current->fs);
		if (IS_ERR(fs))
			return (int)PTR_ERR(fs);
		child->fs = fs;
	}
	return 0;
}

static void give_scheduling(struct task *child)
{
	const struct sched_task *from = &current->sched;
	struct sched_task *to = &child->sched;

	to->allowed = from->allowed;
	to->cpu = from->cpu;
	if (!from->reset_on_fork) {
		to->policy = from->policy;
		to->rt_priority = from->rt_priority;
		to->nice = from->nice;
	} else {
		to->nice = from->rt_priority || from->nice < 0 ? 0 : from->nice;
	}
	to->priority = to->rt_priority;
	sched_set_weight(to);
}

static int give_process(struct task *child, u64 flags)
{
	struct process *from = current->process;

	if (flags & CLONE_THREAD) {
		child->process = process_get(from);
		return 0;
	}
	struct process *process = process_alloc();
	if (!process)
		return -ENOMEM;
	child->process = process;
	process->leader = child;

	unsigned long irq = spin_lock_irqsave(&from->lock);
	process->executable = from->executable;
	if (process->executable)
		file_hooks->file_get(process->executable);
	process->auxiliary = from->auxiliary;
	process->dumpable = from->dumpable;
	process->no_new_privileges = from->no_new_privileges;
	process->personality = from->personality;
	process->oom_score_adjust = from->oom_score_adjust;
	spin_unlock_irqrestore(&from->lock, irq);
	rlimits_copy(process, from);
	return signal_fork_process(process, flags);
}

static void give_rest(struct task *child, const struct clone_request *request)
{
	u64 flags = request->flags;

	task_set_name(child, current->comm);
	signal_fork_task(child, flags);
	rseq_fork(child, flags);
	child->policy = current->policy;
	give_scheduling(child);
	child->timer_slack = current->timer_slack;
	child->io_priority = current->io_priority;
	if (flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = request->child_tid;
	if (flags & CLONE_CHILD_SETTID) {
		child->set_child_tid = request->child_tid;
		task_work_set(child, TASK_WORK_SET_TID);
	}
}

/* --- Making and unmaking --- */

/* Undoes child_make, however far it came. */
static void child_discard(struct task *child)
{
	if (child->pid)
		pid_put(child->pid);
	child->pid = NULL;
	if (child->sem_undo)
		ipc_hooks->leave_undo(child);
	namespaces_leave(child);
	if (child->files)
		file_hooks->files_put(child->files);
	if (child->fs)
		file_hooks->fs_put(child->fs);
	if (child->space)
		vmm_put_address_space(child->space);
	child->files = NULL;
	child->fs = NULL;
	child->space = NULL;
	if (child->credentials)
		user_account_release_process(child->credentials);
	task_free(child);
}

static int child_number(struct task *child, const struct clone_request *request)
{
	struct pid_namespace *space = pid_namespace_from(child->namespaces->of[NAMESPACE_PID]);

	if (request->wanted_count > space->level + 1)
		return -EINVAL;
	struct pid *pid = pid_alloc(space, request->wanted_tids, request->wanted_count);
	if (IS_ERR(pid))
		return (int)PTR_ERR(pid);
	child->pid = pid;
	child->numbers = pid_hold(pid);
	if (!(request->flags & CLONE_THREAD))
		child->process->numbers = pid_hold(pid);
	child->tid = pid->number;
	return 0;
}

/* The namespaces that current has, or new ones.  The child has files and credentials already. */
static int give_namespaces(struct task *child, u64 flags)
{
	const struct namespace_request request = {
		.flags = flags,
		.owner = child->credentials->user_namespace,
		.fs = child->fs,
	};
	struct namespaces *set = namespaces_make(&request, child->credentials);

	if (IS_ERR(set))
		return (int)PTR_ERR(set);
	child->namespaces = set;
	return 0;
}

/* Current's credentials, or some of their own: in a new user namespace, or with fewer keyrings. */
static int give_credentials(struct task *child, u64 flags)
{
	bool new_space = flags & CLONE_NEWUSER, thread = flags & CLONE_THREAD;

	if (!new_space && !keys_stay_behind(current->credentials, thread)) {
		child->credentials = credentials_get(current->credentials);
		return 0;
	}
	if (new_space && file_hooks->fs_chrooted())
		return -EPERM;
	struct credentials *credentials = credentials_prepare();
	if (!credentials)
		return -ENOMEM;
	keys_leave_behind(credentials, thread);
	int error = new_space ? user_namespace_create(credentials) : 0;
	if (error)
		credentials_abort(credentials);
	else
		child->credentials = credentials;
	return error;
}

static int child_fill(struct task *child, const struct clone_request *request)
{
	u64 flags = request->flags;

	/* What a deadline task has reserved is for it alone. */
	if (current->sched.policy == SCHED_DEADLINE && !current->sched.reset_on_fork)
		return -EAGAIN;
	int error = give_process(child, flags);

	if (!error)
		error = give_space(child, flags);
	if (!error)
		error = give_files(child, flags);
	if (!error)
		error = give_namespaces(child, flags);
	if (error)
		return error;
	give_rest(child, request);
	if (flags & CLONE_SYSVSEM && ipc_hooks)
		error = ipc_hooks->share_undo(child);
	if (!error)
		error = arch_task_init_fork(&child->arch, child->kernel_stack, &current->arch,
					    task_frame(), request->stack, flags & CLONE_SETTLS,
					    request->tls);
	if (!error)
		error = child_number(child, request);
	return error;
}

static struct task *child_make(const struct clone_request *request)
{
	const struct credentials *credentials = current->credentials;

	if (too_many_tasks())
		return ERR_PTR(-EAGAIN);
	struct task *child = task_alloc();
	if (!child)
		return ERR_PTR(-ENOMEM);
	int error = user_account_charge_process(credentials, rlimit_current(RLIMIT_NPROC));
	if (!error) {
		error = give_credentials(child, request->flags);
		if (error)
			user_account_release_process(credentials);
		else
			error = child_fill(child, request);
	}
	if (error) {
		child_discard(child);
		return ERR_PTR(error);
	}
	return child;
}

/* --- A descriptor for the child --- */

struct child_file {
	int fd;
	struct file *file; /* NULL: not wanted */
};

static int prepare_pidfd(struct child_file *pidfd, struct task *child,
			 const struct clone_request *request)
{
	pidfd->file = NULL;
	if (!(request->flags & CLONE_PIDFD))
		return 0;
	if (!pidfd_hooks)
		return -EINVAL;
	pidfd->fd = pidfd_hooks->prepare(child->process, &pidfd->file);
	if (pidfd->fd < 0)
		return pidfd->fd;
	if (put_user(pidfd->fd, request->pidfd) == 0)
		return 0;
	pidfd_hooks->discard(pidfd->fd, pidfd->file);
	return -EFAULT;
}

static void settle_pidfd(const struct child_file *pidfd, bool linked)
{
	if (!pidfd->file)
		return;
	if (linked)
		pidfd_hooks->install(pidfd->fd, pidfd->file);
	else
		pidfd_hooks->discard(pidfd->fd, pidfd->file);
}

/* --- Linking --- */

static void link_process_locked(struct task *child, const struct clone_request *request)
{
	struct process *from = current->process, *process = child->process;

	process->pid = child->tid;
	if (request->flags & CLONE_PARENT) {
		process->parent = from->parent;
		process->parent_thread = from->parent_thread;
		process->exit_signal = from->exit_signal;
	} else {
		process->parent = from;
		process->parent_thread = current;
		process->exit_signal = request->exit_signal;
	}
	process->parent_pid =
		pid_number_in(process->parent->numbers, pid_namespace_of(process->numbers));
	list_add_tail(&process->sibling_link, &process->parent->children);
	process_get(process); /* the tree's */
	session_fork_locked(process, from);
}

/* The event that this is for a tracer, if he wants to know; else 0. */
static int clone_event(const struct clone_request *request)
{
	int event = PTRACE_EVENT_FORK;

	if (request->flags & CLONE_UNTRACED)
		return 0;
	if (request->flags & CLONE_VFORK)
		event = PTRACE_EVENT_VFORK;
	else if (request->flags & CLONE_THREAD || request->exit_signal != SIGCHLD)
		event = PTRACE_EVENT_CLONE;
	return ptrace_wants_event(event) ? event : 0;
}

/* Makes the child visible, unless something has come up that the parent must see to first. */
static int child_link(struct task *child, const struct clone_request *request, int event)
{
	u64 flags = request->flags;
	int error = 0;

	unsigned long irq = process_tree_lock();
	if (flags & CLONE_THREAD ? task_kill_pending(current) : task_signal_pending(current)) {
		error = -ERESTARTNOINTR;
	} else {
		if (!(flags & CLONE_THREAD))
			link_process_locked(child, request);
		task_get(child); /* the number's */
		child->pid->task = child;
		process_add_thread_locked(child->process, child);
		if (READ_ONCE(trace_mask) & TRACE_CALL_EVENTS)
			child->call_work |= CALL_WATCHED;
		pid_namespace_enter_locked(child);
		if (current->ptrace.tracer && (event || flags & CLONE_PTRACE))
			ptrace_join_locked(child);
		process_count_task(1);
		process_count_fork();
	}
	process_tree_unlock(irq);
	return error;
}

long process_clone(const struct clone_request *request)
{
	int error = check_flags(request);
	if (error)
		return error;
	if (!(request->flags & CLONE_THREAD) && task_signal_pending(current))
		return -ERESTARTNOINTR;

	struct task *child = child_make(request);
	if (IS_ERR(child))
		return PTR_ERR(child);
	struct vfork_wait wait = {.done = false};
	if (request->flags & CLONE_VFORK) {
		wait_queue_init(&wait.queue);
		child->vfork = &wait;
	}
	struct child_file pidfd;
	int event = clone_event(request);
	error = prepare_pidfd(&pidfd, child, request);
	if (!error) {
		error = child_link(child, request, event);
		settle_pidfd(&pidfd, error == 0);
	}
	if (error) {
		child_discard(child);
		return error;
	}

	pid_t tid = task_shown(child);
	if (!(request->flags & CLONE_THREAD) && rlimit_current(RLIMIT_CPU) != RLIM_INFINITY)
		process_timers_watch_cpu_limit(child->process);
	if (request->flags & CLONE_PARENT_SETTID)
		(void)!put_user(tid, request->parent_tid);
	pid_t seen = ptrace_number(child);
	trace_point(TRACE_TASK_NEW, (u64)tid, request->flags, trace_name_word(child->comm, 0),
		    trace_name_word(child->comm, 1));
	task_get(child);
	task_start(child);
	if (event)
		ptrace_event(event, (u64)seen);
	if (request->flags & CLONE_VFORK) {
		wait_for_vfork(child, &wait);
		ptrace_event(PTRACE_EVENT_VFORK_DONE, (u64)seen);
	}
	task_put(child);
	return tid;
}
