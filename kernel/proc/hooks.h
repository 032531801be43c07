/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What processes need of higher floors.  Each floor fills in its table once, when it is set up; a
 * table that nobody has filled in answers as if there were no files and no futexes.
 */
#ifndef PROC_HOOKS_H
#define PROC_HOOKS_H

#include "lib/types.h"

struct backing;
struct file;
struct files;
struct fs_context;
struct process;
struct task;

/* What exec wants to know about a program file. */
struct exec_attributes {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	u64 size;
	bool no_set_id; /* the mount ignores set-user-ID bits */
};

struct file_hooks {
	/* Descriptor tables, counted.  copy: a new one with the same open files, or an ERR_PTR.
	 * put: closes with the last. */
	struct files *(*files_copy)(struct files *files);
	void (*files_get)(struct files *files);
	void (*files_put)(struct files *files);            /* may sleep */
	bool (*files_shared)(struct files *files);         /* does anybody else hold it? */
	size_t (*files_weight)(const struct files *files); /* about how many bytes its open files
							      cost; any context */
	void (*files_close_on_exec)(struct files *files);  /* may sleep */

	/* Working directory, root, umask; counted. */
	struct fs_context *(*fs_copy)(struct fs_context *context);
	void (*fs_get)(struct fs_context *context);
	void (*fs_put)(struct fs_context *context);
	bool (*fs_shared)(struct fs_context *context);
	/* Is current's root another directory than that of its tree of mounts? */
	bool (*fs_chrooted)(void);

	/*
	 * Opens a program by path (kernel memory) relative to dirfd (AT_FDCWD or a descriptor;
	 * flags AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW): a regular file on which the caller has
	 * execute permission, not open for writing, and from now on not writable until exec_close.
	 * An ERR_PTR: -ENOENT, -EACCES, -ETXTBSY, -ELOOP, ….  May sleep.
	 */
	struct file *(*exec_open)(int dirfd, const char *path, int flags);
	void (*exec_close)(
		struct file *file); /* ends the denial of writing and drops the reference */
	/* Bytes read into kernel memory (short at the end of the file), or negative errno. */
	ssize_t (*exec_read)(struct file *file, u64 offset, void *buffer, size_t size);
	int (*exec_attributes)(struct file *file, struct exec_attributes *attributes);
	/* May the caller read the file?  (If not, its process is not dumpable.) */
	bool (*exec_readable)(struct file *file);
	/* What vmm_mmap takes for a private mapping of the file, with a reference that vmm_mmap's
	 * region keeps. */
	struct backing *(*exec_backing)(struct file *file);
	/* Drops a reference from exec_backing that no mapping took over. */
	void (*backing_put)(struct backing *backing);

	/* A further reference on a program file, for process->executable; it denies writing too. */
	void (*file_get)(struct file *file);
	void (*file_put)(struct file *file);

	/* A core file, created or emptied, for writing; ERR_PTR.  May sleep. */
	struct file *(*core_create)(const char *name);
	ssize_t (*core_write)(struct file *file, u64 offset, const void *buffer, size_t size);
	void (*core_close)(struct file *file);

	/* A file that grows (acct(2)): bytes written to its end, or negative errno; how much of its
	 * file system is free; dropping the reference.  May sleep. */
	ssize_t (*append)(struct file *file, const void *buffer, size_t size);
	u32 (*append_percent_free)(struct file *file);
	void (*append_close)(struct file *file);

	/* For the first program: gives `task` (current) a descriptor table with the console as 0, 1
	 * and 2, and a context at /. */
	int (*init_files)(struct task *task);
};

struct futex_hooks {
	/*
	 * The current task is about to leave its address space (exit or exec): hand over its robust
	 * futexes and drop its futex state.  May fault, may sleep.
	 */
	void (*release)(struct task *task);
	/* Wakes up to `count` waiters of a private or shared futex at a user address of the current
	 * space. */
	void (*wake)(vaddr_t address, u32 count);
};

struct ipc_hooks {
	/* CLONE_SYSVSEM: a new task is to share current's list of semaphores to undo.  0 or
	 * -ENOMEM. */
	int (*share_undo)(struct task *child);
	/* A task that has such a list (task->sem_undo) leaves it.  May sleep. */
	void (*leave_undo)(struct task *task);
};

struct pidfd_hooks {
	/*
	 * CLONE_PIDFD: makes the file that stands for a process and reserves a descriptor of
	 * current's for it.  The descriptor, or negative errno; then exactly one of the others.
	 */
	int (*prepare)(struct process *process, struct file **file);
	void (*install)(int fd, struct file *file);
	void (*discard)(int fd, struct file *file);
};

struct seccomp_listener;
struct linux_seccomp_data;

struct seccomp_hooks {
	/*
	 * SECCOMP_FILTER_FLAG_NEW_LISTENER: makes a listener, with a reference, and its file, and
	 * reserves a descriptor of current's for that.  The descriptor, or negative errno; then
	 * exactly one of install and discard.
	 */
	int (*prepare)(bool killable, struct seccomp_listener **listener, struct file **file);
	void (*install)(int fd, struct file *file);
	void (*discard)(int fd, struct file *file);
	/* Asks who listens about current's call: true: it is to be made; false: *result is what it
	 * returns.  May sleep. */
	bool (*ask)(struct seccomp_listener *listener, const struct linux_seccomp_data *data,
		    long *result);
	/* The filter is gone: drops its reference.  Any context. */
	void (*filter_gone)(struct seccomp_listener *listener);
};

/* Before a thread with TASK_WORK_URING next runs the program.  May sleep. */
extern void (*uring_hook)(void);
/* An exec is about to replace current's memory.  May sleep. */
extern void (*uring_exec_hook)(void);
extern const struct file_hooks *file_hooks;
extern const struct futex_hooks *futex_hooks;
extern const struct ipc_hooks *ipc_hooks;
extern const struct pidfd_hooks *pidfd_hooks;
extern const struct seccomp_hooks *seccomp_hooks;

#endif
