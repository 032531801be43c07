/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: another program takes the place of the one that calls.
 *
 * First everything that can fail is done beside the running program: its arguments are copied, the
 * file and its dynamic linker opened and checked, a new address space made and filled, the stack
 * built, private copies made of what was shared.  Then the other threads are ended; that is the
 * point of no return, and what follows cannot fail: the new space, credentials, signal actions and
 * registers are put in place.
 */
#include "proc/exec.h"

#include "lib/abi/fcntl.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/trace.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/exec_internal.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/rlimit.h"
#include "proc/sched.h"
#include "proc/rseq.h"
#include "proc/signal.h"
#include "proc/time.h"

#define ADDR_NO_RANDOMIZE 0x0040000 /* personality(2) */

/* --- Before the point of no return --- */

/* From the file that was named to the ELF program that is to run. */
static int find_program(struct exec *exec)
{
	int error = exec_read_head(exec);
	if (error)
		return error;
	for (u32 depth = 0; depth <= EXEC_SCRIPT_DEPTH; depth++) {
		int followed = exec_follow_script(exec);
		if (followed < 0)
			return followed;
		if (!followed)
			return exec_elf_check(exec);
	}
	return -ELOOP;
}

static int prepare_identity(struct exec *exec)
{
	const struct exec_attributes *attributes = &exec->attributes;
	/* A tracer gets no power over what he may not trace. */
	bool may_set_id = !attributes->no_set_id &&
			  (!ptrace_is_traced(current) || current->ptrace.privileged);

	exec->credentials = credentials_for_exec(attributes->uid, attributes->gid, attributes->mode,
						 may_set_id, &exec->secure);
	return exec->credentials ? 0 : -ENOMEM;
}

static int prepare_space(struct exec *exec)
{
	exec->space = vmm_create_address_space();
	if (!exec->space)
		return -ENOMEM;
	rlimits_to_space(current->process, &exec->space->limits);
	exec->space->no_huge = current->space != NULL && READ_ONCE(current->space->no_huge);
	exec->randomize = !(current->process->personality & ADDR_NO_RANDOMIZE);
	vmm_init_layout(exec->space, exec->randomize);
	int error = exec_elf_map(exec);
	if (!error)
		error = vmm_map_vdso(exec->space);
	if (!error)
		error = exec_stack_build(exec);
	return error;
}

static int prepare_files(struct exec *exec)
{
	if (!file_hooks->files_shared(current->files))
		return 0;
	struct files *files = file_hooks->files_copy(current->files);
	if (IS_ERR(files))
		return (int)PTR_ERR(files);
	exec->files = files;
	return 0;
}

static int prepare(struct exec *exec, const struct exec_vector *arguments,
		   const struct exec_vector *environment)
{
	int error = exec_strings_gather(exec, arguments, environment);
	if (!error)
		error = find_program(exec);
	if (!error)
		error = prepare_identity(exec);
	if (!error)
		error = prepare_space(exec);
	if (!error)
		error = prepare_files(exec);
	if (!error)
		error = signal_exec_prepare();
	return error;
}

static void discard(struct exec *exec)
{
	exec_image_free(&exec->program);
	exec_image_free(&exec->interpreter);
	exec_strings_free(&exec->strings);
	for (u32 i = 0; i < exec->prefix_count; i++)
		kfree(exec->prefix[i]);
	if (exec->credentials)
		credentials_abort(exec->credentials);
	if (exec->files)
		file_hooks->files_put(exec->files);
	vmm_put_address_space(exec->space);
	kfree(exec);
}

/* --- After it --- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void install_layout(const struct exec *exec)
{
	struct vm_layout *layout = &exec->space->layout;
	const struct exec_image *program = &exec->program;

	layout->code_start = program->code_start;
	layout->code_end = program->code_end;
	layout->data_start = program->data_start;
	layout->data_end = program->data_end;
	layout->argument_start = exec->arguments_start;
	layout->argument_end = exec->environment_start;
	layout->environment_start = exec->environment_start;
	layout->environment_end = exec->strings_end;
}

static void install_process(struct exec *exec)
{
	struct process *process = current->process;
	struct file *executable = exec->program.file;

	bool dumpable = !exec->secure && file_hooks->exec_readable(executable);
	file_hooks->file_get(executable);
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct file *old = process->executable;
	process->executable = executable;
	process->auxiliary = exec->auxiliary;
	process->dumpable = dumpable;
	spin_unlock_irqrestore(&process->lock, flags);
	if (old)
		file_hooks->file_put(old);

	flags = process_tree_lock();
	process->exec_done = true;
	if (exec->secure)
		current->parent_death_signal = 0;
	process_tree_unlock(flags);
	process_timers_exec(process);
}

static void install_files(struct exec *exec)
{
	if (exec->files) {
		unsigned long flags = spin_lock_irqsave(&current->lock);
		struct files *old = current->files;
		current->files = exec->files;
		spin_unlock_irqrestore(&current->lock, flags);
		file_hooks->files_put(old);
		exec->files = NULL;
	}
	file_hooks->files_close_on_exec(current->files);
}

static void install(struct exec *exec)
{
	struct task *task = current;

	if (uring_exec_hook)
		uring_exec_hook();
	install_layout(exec);
	/* From here on the memory is the new program's, and soon its credentials are. */
	if (exec->secure)
		WRITE_ONCE(task->process->dumpable, false);
	task_leave_space(exec->space);
	exec->space = NULL;
	task->robust_list = 0;
	task->robust_list_size = 0;
	rseq_exec();
	signal_exec();
	install_files(exec);
	credentials_commit_exec(exec->credentials);
	exec->credentials = NULL;
	install_process(exec);
	task_set_name(task, base_name(exec->filename));
	arch_exec(&task->arch, task_frame(), exec->entry, exec->stack);
}

static long run(struct file *file, const char *filename, const struct exec_vector *arguments,
		const struct exec_vector *environment)
{
	struct exec *exec = kzalloc(sizeof(*exec));

	if (!exec) {
		file_hooks->exec_close(file);
		return -ENOMEM;
	}
	exec->program.file = file;
	exec->filename = filename;
	pid_t old_tid = ptrace_number(current);
	long error = prepare(exec, arguments, environment);
	if (!error)
		error = exec_become_single();
	if (!error)
		install(exec);
	discard(exec);
	if (!error) {
		trace_point(TRACE_TASK_EXEC, (u64)old_tid, 0, 0, 0);
		ptrace_exec(old_tid);
	}
	return error;
}

/* A program opened relative to a descriptor is named by that: /dev/fd/N, or /dev/fd/N/path. */
static char *descriptor_name(int dirfd, const char *path)
{
	size_t size = sizeof("/dev/fd/") + 11 + 1 + strlen(path) + 1;
	char *name = kmalloc(size);

	if (name)
		ksnprintf(name, size, path[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d%s", dirfd, path);
	return name;
}

long exec_user(int dirfd, const char *path, vaddr_t argv, vaddr_t envp, int flags)
{
	struct exec_vector arguments = {.user = argv}, environment = {.user = envp};
	char *name = NULL;

	if (dirfd != AT_FDCWD && path[0] != '/') {
		name = descriptor_name(dirfd, path);
		if (!name)
			return -ENOMEM;
	}
	struct file *file = file_hooks->exec_open(dirfd, path, flags);
	long result = IS_ERR(file) ? PTR_ERR(file)
				   : run(file, name ? name : path, &arguments, &environment);
	kfree(name);
	return result;
}

long exec_kernel(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec_vector arguments = {.from_kernel = true, .kernel = argv};
	struct exec_vector environment = {.from_kernel = true, .kernel = envp};

	struct file *file = file_hooks->exec_open(AT_FDCWD, path, 0);
	return IS_ERR(file) ? PTR_ERR(file) : run(file, path, &arguments, &environment);
}
