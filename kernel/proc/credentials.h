/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a thread is: user and group numbers, supplementary groups, capabilities (credentials(7),
 * capabilities(7)).
 *
 * struct credentials is immutable once a task points at it, and counted; a change makes a copy and
 * swaps the task's pointer.  A task reads its own (current_credentials()) without any lock; others
 * take a reference through credentials_of_task, under the process's signal lock, which also guards
 * the swap.
 */
#ifndef PROC_CREDENTIALS_H
#define PROC_CREDENTIALS_H

#include "lib/types.h"

struct key;
struct process;
struct task;
struct user_namespace;

enum capability {
	CAP_CHOWN = 0,
	CAP_DAC_OVERRIDE = 1,
	CAP_DAC_READ_SEARCH = 2,
	CAP_FOWNER = 3,
	CAP_FSETID = 4,
	CAP_KILL = 5,
	CAP_SETGID = 6,
	CAP_SETUID = 7,
	CAP_SETPCAP = 8,
	CAP_LINUX_IMMUTABLE = 9,
	CAP_NET_BIND_SERVICE = 10,
	CAP_NET_BROADCAST = 11,
	CAP_NET_ADMIN = 12,
	CAP_NET_RAW = 13,
	CAP_IPC_LOCK = 14,
	CAP_IPC_OWNER = 15,
	CAP_SYS_MODULE = 16,
	CAP_SYS_RAWIO = 17,
	CAP_SYS_CHROOT = 18,
	CAP_SYS_PTRACE = 19,
	CAP_SYS_PACCT = 20,
	CAP_SYS_ADMIN = 21,
	CAP_SYS_BOOT = 22,
	CAP_SYS_NICE = 23,
	CAP_SYS_RESOURCE = 24,
	CAP_SYS_TIME = 25,
	CAP_SYS_TTY_CONFIG = 26,
	CAP_MKNOD = 27,
	CAP_LEASE = 28,
	CAP_AUDIT_WRITE = 29,
	CAP_AUDIT_CONTROL = 30,
	CAP_SETFCAP = 31,
	CAP_SYSLOG = 34,
	CAP_LAST = 40,
};
#define CAP_ALL (BIT(CAP_LAST + 1) - 1)

/* What one user has in use, over all of his processes.  Counted; found by number. */
struct user_account {
	struct user_account *next; /* in the hash chain; the table's lock */
	uid_t uid;
	u32 references;      /* atomic; the last goes under the table's lock */
	u32 processes;       /* atomic: against RLIMIT_NPROC */
	u32 pending_signals; /* atomic: against RLIMIT_SIGPENDING */
	u32 files_in_flight; /* atomic: sent over unix sockets and not received; RLIMIT_NOFILE */
	u32 inotify_instances, inotify_watches; /* atomic: against /proc/sys/fs/inotify */
	u32 fanotify_groups;                    /* atomic: against ipc/fanotify.c's limit */
	u64 queue_bytes;     /* atomic: of POSIX message queues; RLIMIT_MSGQUEUE */
	u64 keys, key_bytes; /* proc/key.c's lock and limits */
};

struct group_set {
	u32 references; /* atomic */
	u32 count;
	gid_t ids[]; /* ascending */
};

struct credentials {
	u32 references; /* atomic */
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	u32 securebits;
	u64 cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	struct group_set *groups;              /* never NULL */
	struct user_account *user;             /* of uid */
	struct user_namespace *user_namespace; /* counted: where the capabilities hold */
	struct landlock_layer *landlock;       /* counted: what it has forbidden itself; or NULL */
	struct key *thread_keyring, *process_keyring, *session_keyring; /* counted; or NULL */
};

/* A set of `count` groups to be filled in, with one reference, or NULL. */
struct group_set *group_set_create(u32 count);
void group_set_put(struct group_set *groups);

/* Root's, with all capabilities: the first task's.  Panics without memory. */
struct credentials *credentials_initial(void);

struct credentials *credentials_get(const struct credentials *credentials);
void credentials_put(const struct credentials *credentials);

/* Those it acts with.  No reference taken. */
const struct credentials *current_credentials(void);
/*
 * Has current act with other credentials (NULL: with its own), which the caller keeps alive: for what
 * the kernel does on somebody's behalf with another's rights.  Others see nothing of it.  The result
 * is what to give back.
 */
const struct credentials *credentials_act(const struct credentials *credentials);
/* Another task's, with a reference for the caller. */
struct credentials *credentials_of_task(struct task *task);
/* A process's: any living thread's, or its leader's. */
struct credentials *credentials_of_process(struct process *process);
/* The real user of a process that has not been reaped, so that its leader is there.  Any context.
 */
uid_t process_uid(struct process *process);

/* A private copy to change, or NULL.  Commit makes it current's (and takes it over); abort drops
 * it. */
struct credentials *credentials_prepare(void);
void credentials_commit(struct credentials *changed);
void credentials_abort(struct credentials *changed);

/*
 * set*id(2), setgroups(2), capset(2) for current: 0, -EPERM, -EINVAL, -ENOMEM, -EAGAIN.  (uid_t)-1:
 * as it is.  The setfs* functions return the former value, whatever happens.  setgroups takes over
 * its argument's reference if it succeeds; the caller has checked CAP_SETGID.
 */
int __must_check credentials_setuid(uid_t uid);
int __must_check credentials_setreuid(uid_t uid, uid_t euid);
int __must_check credentials_setresuid(uid_t uid, uid_t euid, uid_t suid);
int __must_check credentials_setgid(gid_t gid);
int __must_check credentials_setregid(gid_t gid, gid_t egid);
int __must_check credentials_setresgid(gid_t gid, gid_t egid, gid_t sgid);
uid_t credentials_setfsuid(uid_t uid);
gid_t credentials_setfsgid(gid_t gid);
int __must_check credentials_setgroups(struct group_set *groups);
int __must_check credentials_capset(u64 effective, u64 permitted, u64 inheritable);

enum { GROUPS_MAX = 65536 }; /* supplementary groups of one process */

/*
 * Does current (or the holder) have the capability in effect: over the whole system, or over what
 * belongs to a user namespace (user_namespaces(7), "Capabilities")?
 */
bool capable(enum capability capability);
bool credentials_capable(const struct credentials *credentials, enum capability capability);
bool capable_in(const struct user_namespace *space, enum capability capability);
bool credentials_capable_in(const struct credentials *credentials,
			    const struct user_namespace *space, enum capability capability);
/* Over current's own user namespace, and, with `task`, over another task's. */
bool capable_here(enum capability capability);
bool capable_towards(struct task *task, enum capability capability);
/* Over a file that belongs to that user and group: they must have numbers in current's namespace.
 */
bool capable_over(uid_t owner, gid_t group, enum capability capability);

/* Is `gid` the file-system group or a supplementary one? */
bool credentials_in_group(const struct credentials *credentials, gid_t gid);
bool credentials_in_effective_group(const struct credentials *credentials, gid_t gid);

/*
 * The rule for files (path_resolution(7)): 0 or -EACCES.  `mode` is the inode's, with its type;
 * `want` is an or of PERMISSION_*.  Capabilities that override are taken into account.
 */
enum { PERMISSION_EXECUTE = 1, PERMISSION_WRITE = 2, PERMISSION_READ = 4 };
int __must_check credentials_permission(const struct credentials *credentials, uid_t owner,
					gid_t group, mode_t mode, unsigned want);
/* The same where the mode does not let them: by capabilities alone. */
int __must_check credentials_override(const struct credentials *credentials, uid_t owner,
				      gid_t group, mode_t mode, unsigned want);
/* Owner, or CAP_FOWNER: for chmod, utimes and sticky directories. */
bool credentials_owner_or_capable(const struct credentials *credentials, uid_t owner, gid_t group);

/*
 * exec of a file with that owner and mode: the new credentials (a reference; the same object if
 * nothing changes), or NULL without memory.  `setid_allowed` is false on nosuid mounts.  *secure:
 * AT_SECURE.
 */
struct credentials *credentials_for_exec(uid_t owner, gid_t group, mode_t mode, bool setid_allowed,
					 bool *secure);
/* Makes them current's, at the point of no return. */
void credentials_commit_exec(struct credentials *credentials);

/*
 * prctl(2)'s options about credentials: PR_SET/GET_KEEPCAPS, SECUREBITS, NO_NEW_PRIVS, CAPBSET_*,
 * CAP_AMBIENT, DUMPABLE.  -EINVAL for others.
 */
long credentials_prctl(int option, u64 argument2, u64 argument3, u64 argument4, u64 argument5);

/* Process accounting for fork: -EAGAIN over RLIMIT_NPROC (root and CAP_SYS_RESOURCE, CAP_SYS_ADMIN
 * are exempt). */
int __must_check user_account_charge_process(const struct credentials *credentials, u64 limit);
void user_account_release_process(const struct credentials *credentials);

#endif
