/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts: which tree sits where, in which namespace (mount_namespaces(7)).
 *
 * mount_lock (spin) guards the trees of mounts, flags and the table that finds a mount by its mount
 * point.  The change mutex, outside of it, is held by whoever changes a tree, from first to last;
 * it alone guards what mounts have to do with others: peers, masters and slaves.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "fs/vfs.h"
#include "lib/abi/statfs.h"
#include "proc/namespace.h"

struct mount_namespace {
	struct namespace base;
	struct mount *root;      /* const once it is made: a reference */
	struct list_head mounts; /* mount_lock: in order of mounting */
};

struct mount {
	u32 refs;  /* atomic */
	u32 flags; /* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME …; mount_lock, read
		      without */
	int id;
	struct superblock *superblock;
	struct dentry *root;           /* referenced */
	struct mount *parent;          /* mount_lock; referenced; NULL: the top, or detached */
	struct dentry *mountpoint;     /* mount_lock; referenced */
	struct list_head hash;         /* mount_lock: the bucket of (parent, mountpoint) */
	struct list_head children;     /* mount_lock */
	struct list_head sibling;      /* mount_lock */
	struct list_head all;          /* mount_lock: the namespace's list */
	struct mount_namespace *space; /* mount_lock; NULL: detached, or nobody's */
	u32 locked_flags; /* change mutex: MS_*: those that stay, as somebody else set them */
	bool detached; /* change mutex: the top of a tree that only a file holds (mount_tree.c) */
	u32 writers;   /* atomic: files open for writing through it */
	bool internal; /* const: the kernel's own, that programs reach by descriptors alone */
	bool locked;   /* change mutex: stays where it is: it may hide something */

	/* Propagation (propagate.c); change mutex. */
	u32 group;               /* number of its peer group; 0: not shared */
	struct list_head peers;  /* the ring of its group */
	struct mount *master;    /* whom it follows, or NULL */
	struct list_head slaves; /* who follow it */
	struct list_head slave_link;
	bool unbindable;
	struct mount *copy;     /* while one is propagated: what it will get */
	struct mount *receiver; /* of such a copy: who will get it */
	struct list_head work;  /* of who makes or unmakes several */
	struct path was_at;     /* while it waits to be dropped */
	char *source;           /* "tmpfs", "/dev/sda1"; NULL: none */
};

/* One line of /proc/PID/mounts and mountinfo, copied out. */
struct mount_info {
	int id, parent_id;
	dev_t device;
	char source[128];
	char *root;  /* the path of the mounted root within its file system; in `buffer` */
	char *point; /* as seen from the caller's root; in `buffer` */
	char type[32];
	char flags[96];          /* the mount's "rw,nosuid" */
	char relations[64];      /* " shared:1 master:2" */
	char super_options[256]; /* the superblock's "rw,size=4k" */
	char buffer[2 * 1024];
};

/* Fills *info with the `index`th mount of a namespace that can be reached from `root`; false at the
 * end.  May sleep. */
bool mount_describe(struct mount_namespace *space, const struct path *root, size_t index,
		    struct mount_info *info);

static inline struct mount_namespace *mount_namespace_from(struct namespace *space)
{
	return (struct mount_namespace *)space;
}
/* Current's, no reference. */
static inline struct mount_namespace *mount_namespace_current(void)
{
	return mount_namespace_from(namespace_current(NAMESPACE_MOUNT));
}
/* The root of what is mounted on top of a namespace's root, with references. */
void mount_namespace_top(struct mount_namespace *space, struct path *result);

/* mount(2), umount2(2) and pivot_root(2) with kernel strings.  The caller has seen that current has
 * CAP_SYS_ADMIN over its namespace. */
int __must_check mount_filesystem(const char *source, const char *target, const char *type,
				  u64 flags, const char *options);
int __must_check mount_bind(const char *source, const char *target, bool recursive);
int __must_check mount_move(const char *source, const char *target);
int __must_check mount_move_path(const struct path *from, const struct path *to);
int __must_check mount_remount(const char *target, u64 flags, const char *options, bool bind);
/* MS_SHARED and the like, with MS_REC perhaps. */
int __must_check mount_set_propagation(const char *target, u64 flags);
int __must_check mount_umount(const char *target, int flags);
int __must_check mount_pivot_root(const char *new_root, const char *put_old);

/*
 * open_tree(2): the place as a file of O_PATH; clone: a copy of the mount there, or, recursive, of
 * the tree, which nobody sees, and which ends with the file unless it is moved to a place before.
 * May sleep.
 */
struct file *mount_open_tree(const struct path *path, bool clone, bool recursive);

/* mount_setattr(2), MS_* flags: those to clear go before those to set; propagation 0: stays. */
struct mount_attributes {
	u32 clear, set;
	u64 propagation;
};
/* All of the mounts, or none.  The path is a mount's root.  -EINVAL, -EPERM: locked, -EBUSY:
 * somebody writes. */
int __must_check mount_set_attributes(const struct path *path,
				      const struct mount_attributes *change, bool recursive);

/* fsopen(2), fspick(2): a file that collects what a new file system, or the one mounted at a path,
 * is to be like; fsconfig(2) with kernel strings; fsmount(2): a mount as by mount_open_tree.  The
 * caller has checked CAP_SYS_ADMIN over the namespace.  May sleep. */
struct file *mount_context_open(const char *type);
struct file *mount_context_pick(const struct path *path);
bool mount_context_is(const struct file *file);
int __must_check mount_context_set(struct file *file, const char *key, const char *value);
int __must_check mount_context_create(struct file *file);
int __must_check mount_context_reconfigure(struct file *file);
struct file *mount_context_mount(struct file *file, u32 flags);

/* Makes a mount of a superblock that nobody sees (for internal file systems); takes over its
 * reference. */
struct mount *mount_create(struct superblock *superblock, const char *source, u32 flags);
static inline void mount_get(struct mount *mount)
{
	__atomic_add_fetch(&mount->refs, 1, __ATOMIC_RELAXED);
}
void mount_free(struct mount *mount); /* the last reference is gone */
/* May sleep. */
/* Of a mount that was seen in a reading section; false: it is going away. */
static inline bool mount_try_get(struct mount *mount)
{
	u32 refs = __atomic_load_n(&mount->refs, __ATOMIC_RELAXED);

	while (refs != 0)
		if (__atomic_compare_exchange_n(&mount->refs, &refs, refs + 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}
static inline void mount_put(struct mount *mount)
{
	if (unlikely(__atomic_sub_fetch(&mount->refs, 1, __ATOMIC_ACQ_REL) == 0))
		mount_free(mount);
}

/* The file-system statistics of statfs(2). */
int __must_check path_statfs(const struct path *path, struct linux_statfs *result);

/* Is current's root another directory than that of its namespace? */
bool fs_is_chrooted(void);
/* Replaces a mounted-on path by what is mounted there (references move along). */
void mount_cross_down(struct path *path);
/* Is the mount, or its superblock, read-only? */
bool mount_is_readonly(const struct mount *mount);

#endif
