/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: proc(5).  What its files share.
 *
 * The tree is data: tables of struct proc_entry, one a directory.  A node is an entry applied to
 * something: to a process or thread (`pid`), perhaps to one of its descriptors.  Nodes are made
 * when they are looked up, and say no more once the process is gone.
 *
 * A regular file's text is made as a whole when it is first read, so what a program reads in
 * several pieces is one snapshot.
 */
#ifndef FS_PROCFS_PROCFS_H
#define FS_PROCFS_PROCFS_H

#include "fs/file.h"
#include "fs/vfs.h"
#include "lib/text.h"

struct pid;
struct pid_namespace;
struct process;
struct task;
struct address_space;
struct proc_entry;
struct region_info;

struct proc_node {
	const struct proc_entry *entry;
	struct pid *pid; /* counted; NULL outside /proc/PID */
	int fd;          /* of an entry of fd or fdinfo */
	bool thread;     /* below /proc/PID/task/TID: the thread is meant, not the process */
	struct pid_namespace
		*space; /* whose numbers it shows: the superblock's; NULL: it shows none */
	u32 number;     /* in sysfs: which of several equal things a directory or file is about */
};

/* One child of a directory whose children are not in a table. */
struct proc_child {
	struct proc_node node; /* pid without a reference of its own */
	char name[64];
};

/* Entries that others add to a directory. */
struct proc_addition {
	const struct proc_entry *entry;
	struct proc_addition *next; /* the directory's; atomic */
};

struct proc_entry {
	const char *name;
	mode_t mode; /* with the type */
	u8 which;    /* free for the functions: what they tell entries apart by */

	/* Is what it speaks of still there?  NULL: always, or as long as the node's process. */
	bool (*is_there)(const struct proc_node *node);

	/* A file: writes its text.  0 or an error, which read(2) returns. */
	int (*show)(const struct proc_node *node, struct text *text);
	/* … and takes what is written (terminated; `size` without that).  0 or an error. */
	int (*store)(const struct proc_node *node, char *value, size_t size);
	const struct file_operations *operations; /* or a file with operations of its own */

	/* A symbolic link: where it leads, or its text. */
	int (*get_link)(const struct proc_node *node, struct link_target *target);
	void (*readlink)(const struct proc_node *node, char *buffer, size_t size);

	/* A directory: its table, what was added, and, behind that, children that come and go.
	 * `find`: false when there is no such name; `next`: the first child at or after *position
	 * (which it moves behind it), false at the end. */
	const struct proc_entry *children;
	struct proc_addition **additions; /* or NULL */
	bool (*find)(const struct proc_node *node, const char *name, size_t length,
		     struct proc_node *child);
	bool (*next)(const struct proc_node *node, u64 *position, struct proc_child *child);
};

#define PROC_FILE(entry_name, bits, show_function)                                      \
	{                                                                               \
		.name = (entry_name), .mode = S_IFREG | (bits), .show = (show_function) \
	}
#define PROC_SETTING(entry_name, bits, show_function, store_function)                    \
	{                                                                                \
		.name = (entry_name), .mode = S_IFREG | (bits), .show = (show_function), \
		.store = (store_function)                                                \
	}
#define PROC_DIRECTORY(entry_name, table)                                         \
	{                                                                         \
		.name = (entry_name), .mode = S_IFDIR | 0555, .children = (table) \
	}
#define PROC_END             \
	{                    \
		.name = NULL \
	}

/* The node behind an inode of procfs. */
static inline const struct proc_node *proc_node_of(const struct inode *inode)
{
	return inode->private;
}

/* inode.c: the process whose directory /proc/PID the file is, with a reference (process_put); NULL if
 * it is another file, or the process is gone. */
struct process *proc_directory_process(const struct file *file);

/* --- node.c: who a node speaks of --- */

/* Referenced, or NULL when it is gone. */
struct process *proc_node_process(const struct proc_node *node);
struct task *proc_node_task(const struct proc_node *node);
/* The process's memory with a reference (vmm_put_address_space), or NULL for kernel threads and the
 * dead. */
struct address_space *proc_process_space(struct process *process);
struct address_space *proc_node_space(const struct proc_node *node);
/* May current look into the process's memory and files (ptrace(2), PTRACE_MODE_READ)?  0, -EACCES,
 * -ESRCH. */
int __must_check proc_may_inspect(const struct proc_node *node);
/* The memory of a process that current may inspect: a reference or NULL for none in *space.  0,
 * -EACCES, -ESRCH. */
int __must_check proc_inspect_space(const struct proc_node *node, struct address_space **space);

/* text.c: operations of files with `show` and `store`. */
extern const struct file_operations proc_text_operations;
/* For files that are more than their text: what they are made of, and something of theirs for each
 * open file; false: there is one already. */
int proc_text_open(struct inode *inode, struct file *file);
void proc_text_release(struct file *file);
ssize_t proc_text_read(struct file *file, struct io_cursor *cursor, off_t *position);
void *proc_text_extra(struct file *file);
bool proc_text_set_extra(struct file *file, void *extra);

/* --- The tables --- */

extern const struct proc_entry proc_root_entries[];        /* root.c */
extern const struct proc_entry proc_process_entries[];     /* process.c: of /proc/PID */
extern const struct proc_entry proc_task_entries[];        /* process.c: of /proc/PID/task/TID */
extern const struct proc_entry proc_sys_entries[];         /* sys.c: of /proc/sys */
extern const struct proc_entry proc_pressure_entries[];    /* pressure.c: of /proc/pressure */
extern const struct proc_entry proc_sys_vm_entries[];      /* sys_vm.c: of /proc/sys/vm */
extern const struct proc_entry proc_sys_inotify_entries[]; /* sys_ipc.c: of fs/inotify */
extern const struct proc_entry proc_sys_keys_entries[];    /* and of kernel/keys */
extern const struct proc_entry proc_sys_mqueue_entries[];  /* sys_ipc.c: of fs/mqueue */
/* sys_ipc.c: settings that are in the directories of sys.c. */
int proc_show_ipc_setting(const struct proc_node *node, struct text *text);
int proc_store_ipc_setting(const struct proc_node *node, char *value, size_t size);
int proc_show_queues(const struct proc_node *node, struct text *text);
int proc_store_queues(const struct proc_node *node, char *value, size_t size);
int proc_show_sem(const struct proc_node *node, struct text *text);
int proc_show_acct(const struct proc_node *node, struct text *text);
int proc_store_acct(const struct proc_node *node, char *value, size_t size);
int proc_store_sem(const struct proc_node *node, char *value, size_t size);
int proc_show_sched(const struct proc_node *node, struct text *text); /* sched.c */
int proc_show_schedstat(const struct proc_node *node, struct text *text);
int proc_show_cpu_schedstat(const struct proc_node *node, struct text *text); /* /proc/schedstat */
/* sys_sched.c: the scheduler's. */
int proc_show_sched_setting(const struct proc_node *node, struct text *text);
int proc_store_sched_setting(const struct proc_node *node, char *value, size_t size);
extern const struct proc_entry proc_sysvipc_entries[]; /* sysvipc.c: of /proc/sysvipc */

int proc_show_stat(const struct proc_node *node, struct text *text); /* process_stat.c */
int proc_show_statm(const struct proc_node *node, struct text *text);
int proc_show_status(const struct proc_node *node, struct text *text);
int proc_show_maps(const struct proc_node *node, struct text *text);        /* process_memory.c */
void proc_show_region(const struct region_info *region, struct text *text); /* a line of maps */
int proc_show_smaps(const struct proc_node *node, struct text *text);       /* smaps.c */
int proc_show_smaps_rollup(const struct proc_node *node, struct text *text);
/* inspect.c: the memory manager laid open. */
int proc_show_cow(const struct proc_node *node, struct text *text);
int proc_show_tree(const struct proc_node *node, struct text *text);
int proc_store_clear_refs(const struct proc_node *node, char *value, size_t size);
extern const struct file_operations proc_pagemap_operations;
/* Adds its switch to /sys/kernel/mm. */
void proc_inspect_init(void);

int proc_show_cmdline(const struct proc_node *node, struct text *text);
int proc_show_environ(const struct proc_node *node, struct text *text);
int proc_show_auxv(const struct proc_node *node, struct text *text);
extern const struct file_operations proc_memory_operations;
int proc_show_mounts(const struct proc_node *node, struct text *text); /* mounts.c */
int proc_show_mountinfo(const struct proc_node *node, struct text *text);
int proc_show_vmstat(const struct proc_node *node, struct text *text);  /* system.c */
int proc_show_cpuinfo(const struct proc_node *node, struct text *text); /* system.c */
void proc_show_hugetlb(struct text *text); /* sysfs_hugetlb.c: its lines of meminfo */
int proc_show_meminfo(const struct proc_node *node, struct text *text);
/* The order of locks, as seen so far; empty but in the checking build. */
int proc_show_lock_order(const struct proc_node *node, struct text *text);
int proc_show_slabinfo(const struct proc_node *node, struct text *text); /* slabinfo.c */
int proc_show_system_stat(const struct proc_node *node, struct text *text);

/* frames.c: physical memory. */
int proc_show_buddyinfo(const struct proc_node *node, struct text *text);
int proc_show_zoneinfo(const struct proc_node *node, struct text *text);
int proc_show_pagetypeinfo(const struct proc_node *node, struct text *text);
extern const struct file_operations proc_kpagecount_operations;
extern const struct file_operations proc_kpageflags_operations;
extern const struct file_operations proc_kpagecgroup_operations;
/* Adds its files to /sys/kernel/mm. */
void proc_frames_init(void);
int proc_show_partitions(const struct proc_node *node, struct text *text); /* block/block_proc.c */
int proc_show_diskstats(const struct proc_node *node, struct text *text);

/* process_files.c: what a process has open. */
/* The umask of a thread; 0 when it has none. */
mode_t proc_task_umask(struct task *task);
/* Where a thread has its root, with references.  0 or -EINVAL. */
int __must_check proc_task_root(struct task *task, struct path *root);
int proc_get_exe(const struct proc_node *node, struct link_target *target);
int proc_get_cwd(const struct proc_node *node, struct link_target *target);
int proc_get_root(const struct proc_node *node, struct link_target *target);
int proc_get_fd(const struct proc_node *node, struct link_target *target);
int proc_show_fdinfo(const struct proc_node *node, struct text *text);
bool proc_find_fd(const struct proc_node *node, const char *name, size_t length,
		  struct proc_node *child);
bool proc_next_fd(const struct proc_node *node, u64 *position, struct proc_child *child);
bool proc_find_fdinfo(const struct proc_node *node, const char *name, size_t length,
		      struct proc_node *child);
bool proc_next_fdinfo(const struct proc_node *node, u64 *position, struct proc_child *child);

/* process_namespaces.c: /proc/PID/ns, and the maps of user namespaces. */
extern const struct proc_entry proc_ns_entries[];
int proc_show_uid_map(const struct proc_node *node, struct text *text);
int proc_show_gid_map(const struct proc_node *node, struct text *text);
int proc_show_projid_map(const struct proc_node *node, struct text *text);
int proc_store_uid_map(const struct proc_node *node, char *value, size_t size);
int proc_store_gid_map(const struct proc_node *node, char *value, size_t size);
int proc_store_projid_map(const struct proc_node *node, char *value, size_t size);
int proc_show_setgroups(const struct proc_node *node, struct text *text);
int proc_store_setgroups(const struct proc_node *node, char *value, size_t size);

/* "0", "17": the number, or -1 for anything else. */
int proc_parse_number(const char *name, size_t length);

/* net.c: /proc/PID/net, whose files are brought by the floor of sockets, at start-up; the entry
 * stays. */
void proc_net_register(const struct proc_entry *entry);
/* sys.c: an entry of /proc/sys/net; likewise. */
void proc_sys_net_add(struct proc_addition *addition);
bool proc_find_net(const struct proc_node *node, const char *name, size_t length,
		   struct proc_node *child);
bool proc_next_net(const struct proc_node *node, u64 *position, struct proc_child *child);

/* Registers the file system. */
void procfs_init(void);

/* inode.c: makes a file system of such entries.  `root` has no name; `space`: see struct proc_node;
 * the superblock has a reference on it.  0, or -ENOMEM, which is
 * logged. */
struct superblock *proc_superblock(const struct filesystem *type, u32 magic,
				   const struct proc_entry *root, struct pid_namespace *space);

#endif
