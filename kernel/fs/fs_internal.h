/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of kernel/fs share among themselves.
 */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include "fs/calls.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "lib/assert.h"

/* --- Start-up, called by vfs_init in this order --- */

void dentry_cache_init(void);
void inode_cache_init(void);
void file_cache_init(void);
void anon_init(void);
void mount_init(void); /* the root tmpfs; then descriptors and contexts can be made */
void devices_init(void);
void file_hooks_register(void);
void tmpfs_init(void);
void hugetlbfs_init(void);
void memfd_init(void);
void ext4_init(void);    /* ext4/super.c */
void p9_init(void);      /* 9p/super.c */
void iso9660_init(void); /* iso9660/super.c */
void fat_init(void);     /* fat/super.c */
void overlay_init(void); /* overlay/super.c */

/* --- Walking (walk.c) --- */

enum last_kind { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk_pin {
	struct dentry *link; /* whose text is being walked */
	char *allocated;
};

/* A walk in progress: belongs to one task, lives on its stack. */
struct walk {
	struct path path; /* where we are; referenced */
	struct path root; /* referenced; mount NULL until it is needed */
	u32 flags;        /* LOOKUP_* */
	u32 links;        /* symlinks so far; also how many pins */
	u32 depth;        /* of rests */
	const char *text; /* what is left at this level */
	struct name last;
	enum last_kind last_kind;
	bool must_be_directory; /* there was a slash behind the last component */
	bool jumped;            /* the last step was a magic link: path is the result */
	const char *rests[MAX_SYMLINKS];
	struct walk_pin pins[MAX_SYMLINKS];
};

/*
 * Where to start; takes references.  text must stay until walk_end.  It goes ahead as far as that
 * is easy, but not over the last component without LOOKUP_WHOLE.
 */
int __must_check walk_begin(struct walk *walk, int directory, const char *text, u32 flags);
void walk_begin_at(struct walk *walk, const struct path *start, const char *text, u32 flags);
/* Goes to the directory of the last component, which is left in walk->last. */
int __must_check walk_to_parent(struct walk *walk);
/*
 * Takes the last component, following a link there when `follow`: returns 1 when a link was taken
 * up (go on with walk_to_parent), 0 at the goal, or an error.
 */
int __must_check walk_last(struct walk *walk, bool follow);
/* The same for a dentry (referenced, taken over) that the caller has looked up. */
int __must_check walk_into(struct walk *walk, struct dentry *dentry, bool follow);
/* All of it. */
int __must_check walk_whole(struct walk *walk);
void walk_end(struct walk *walk); /* drops all references, walk->path too */
/*
 * A whole path in a reading section, without references, from the root or the working directory.
 * false: it is not as easy as that, and needs a walk.
 */
bool path_peek(const char *text, u32 flags, struct path *result);
/* The same, but the references of walk->path are the caller's now. */
void walk_drop_pins(struct walk *walk);
static inline void walk_end_keeping_path(struct walk *walk)
{
	if (walk->root.mount || walk->links > 0)
		walk_drop_pins(walk);
}
/* Finds walk->last in walk->path's directory: cache or file system.  Referenced, perhaps negative,
 * or ERR_PTR. */
struct dentry *walk_lookup(struct walk *walk);

/* --- Dentries (dentry.c) --- */

/* A dentry of that name below parent, one reference, neither hashed nor positive. */
struct dentry *dentry_alloc(struct dentry *parent, const struct name *name);
/* Makes `dentry` the name `parent`/`name` (rename); rename locks held. */
void dentry_move(struct dentry *dentry, struct dentry *target);
void dentry_exchange(struct dentry *one, struct dentry *other);
/* Puts a dentry into the cache. */
void dentry_hash(struct dentry *dentry);
/* Is `ancestor` the dentry itself or above it? */
bool dentry_is_below(struct dentry *dentry, const struct dentry *ancestor);
/* Frees all unused dentries of a superblock. */
void dentry_shrink_superblock(struct superblock *superblock);
/* Frees up to `count` of the unused ones that were not used again lately.  How many it looked at.
 */
u32 dentry_shrink_some(struct superblock *superblock, u32 count);
/* shrink.c: a superblock is mounted, or goes. */
void names_init(void);
void superblock_enlist(struct superblock *superblock);
void superblock_delist(struct superblock *superblock);
/* The parent, with a reference. */
struct dentry *dentry_get_parent(struct dentry *dentry);
spinlock_t *dentry_move_lock(void); /* held: no name or parent changes anywhere */
/* From the cache alone, without a reference, in a reading section (read_section.h); or NULL. */
struct dentry *dentry_peek(const struct dentry *parent, const struct name *name);

/* --- Mounts (mount.c) --- */

spinlock_t *mount_tree_lock(void);
struct mount *mount_root(void); /* of the first tree; no reference */
/* What is mounted at that place, no reference; mount_lock held. */
struct mount *mount_find_locked(const struct mount *parent, const struct dentry *mountpoint);
/* Hangs `mount` at a path, and unhooks it; mount_lock held.  Both move references as mount.c says.
 */
void mount_attach_locked(struct mount *mount, struct mount *parent, struct dentry *mountpoint);
void mount_detach_locked(struct mount *mount, struct path *was_at);
struct mount *mount_next_locked(struct mount *at, const struct mount *top);
/* As mount_cross_down, in a reading section and without references. */
void mount_peek_down(struct path *path);
/* Root and working directory of a context, likewise. */
struct path fs_context_peek_root(struct fs_context *context);
struct path fs_context_peek_cwd(struct fs_context *context);
/* The tree belongs to a namespace (NULL: to none) from now on; mount_lock held. */
void mount_enlist_tree_locked(struct mount *top, struct mount_namespace *space);
/* Changes of the trees are made one after the other.  Unlocking may drop mounts, which may sleep. */
void mount_change_lock(void);
void mount_change_unlock(void);

/* mount_copy.c: copies; change mutex held.  `flags`: */
enum mount_copy {
	COPY_PEER = 1 << 0,       /* a peer, if the original is shared, and as much a slave as it */
	COPY_SLAVE = 1 << 1,      /* a slave of the original, if that is shared */
	COPY_SHARED = 1 << 2,     /* the first of a peer group of its own */
	COPY_UNBINDABLE = 1 << 3, /* of a tree: of those, too */
	COPY_LOCKED = 1 << 4,     /* for somebody less privileged: places and flags stay */
};
/* Of one mount from `root` on, or with all that is mounted below that, in nobody's namespace; the
 * top is not locked.  NULL: no memory, or there are too many. */
struct mount *mount_copy(struct mount *from, struct dentry *root, unsigned flags);
struct mount *mount_copy_tree(struct mount *from, struct dentry *root, unsigned flags);
/* Undoes that: a tree that was never attached. */
void mount_discard_tree(struct mount *top);
/* Unhooks a tree and what was propagated from it: references of all are dropped.  `top` is in the
 * tree of mounts. */
void mount_unhook_tree(struct mount *top);
/* The same without a look at others: the last reference on a namespace is gone. */
void mount_unhook_alone(struct mount *top);

/* mount_tree.c: a file that holds a tree which is in nobody's namespace; takes over the reference
 * on it, also when it fails. */
struct file *mount_detached_file(struct mount *mount);

/* propagate.c; change mutex held. */
void mount_make_private(struct mount *mount);
void mount_change_propagation(struct mount *mount, u64 type); /* MS_SHARED, … */
void mount_join_group(struct mount *mount, struct mount *peer);
void mount_become_slave(struct mount *mount, struct mount *master);
/*
 * What is mounted on a shared mount appears on its peers and slaves: makes `tree` shared, and
 * copies of it, which then hang in *copies (by `work`), each with the place where it goes as
 * `copy_place`.  0 or -ENOMEM, and nothing.
 */
int __must_check mount_propagate(struct mount *tree, const struct path *place,
				 struct list_head *copies);
/* Hangs the copies where they belong.  mount_lock held. */
void mount_attach_copies_locked(struct list_head *copies, struct dentry *mountpoint);
/* Adds to *victims (by `work`, leaves first) those that went along to elsewhere. */
void mount_propagate_umount(struct list_head *victims);
/* Does somebody use what would go along? */
bool mount_is_busy_elsewhere(const struct mount *mount);
/* The next mount that gets what `origin` gets, NULL at the end; begin with `at` = `origin`. */
struct mount *mount_next_receiver(struct mount *at, const struct mount *origin);

/* mount_namespace.c */
void mount_namespaces_init(struct mount *root);
bool mount_is_mine(const struct mount *mount); /* in current's namespace? */

/* nsfs.c: the namespace that an inode stands for, or NULL. */
struct namespace *nsfs_namespace(const struct inode *inode);
void nsfs_init(void);
/* Replaces the root of a mount by the place it is mounted on; false: it is at the top. */
bool mount_cross_up(struct path *path);

const struct filesystem *filesystem_find(const char *name); /* or NULL */

/* --- Names (names.c) --- */

int __must_check may_create(const struct inode *directory);
int __must_check may_delete(const struct inode *directory, const struct dentry *victim,
			    bool is_directory);
/* rename.c: renameat2(2) of names in two directories of one file system, with current's permissions.
 * No locks held. */
int __must_check vfs_rename_in(struct dentry *from, const struct name *from_name, struct dentry *to,
			       const struct name *to_name, unsigned flags);

/* --- Attributes --- */

/* Before a write or truncation: takes away the set-id bits where the rules say so.  inode->lock
 * held for writing. */
int __must_check inode_remove_setid(struct inode *inode);
int __must_check inode_change(struct inode *inode, struct attr_change *change);

/* --- Files --- */

/* 0, or -EPERM when one of the seals (F_SEAL_*) is set. */
int __must_check seals_check(const struct inode *inode, u32 seals);
long seals_fcntl(struct file *file, unsigned command, vaddr_t argument);

struct file *
file_alloc(const struct path *path,
	   u32 flags); /* takes references on path; ops not set; keeps O_EXCL for the open */
/* Sets mode and operations by flags and inode, and opens. */
int __must_check file_open_checked(struct file *file);
/* Opens what a path names; without asking for permission when the caller has just made it. */
struct file *file_open_made(const struct path *path, u32 flags, bool made);
mode_t current_umask(void);
int __must_check may_open(const struct path *path, u32 flags, bool exec);
/* Takes and drops the right to write, against programs that run the file. */
int __must_check inode_take_write(struct inode *inode);
void inode_drop_write(struct inode *inode);
/* The other way round: nobody may write while the program runs. */
int __must_check inode_deny_write(struct inode *inode);
void inode_allow_write(struct inode *inode);

void locks_release_file(struct file *file); /* at the last reference: flock and open-file locks */
void async_release(struct file *file);      /* likewise: async.c */
/* The file's owner, which it has, is told that the directory has changed.  Does not sleep. */
void async_tell_changed(struct file *file);

/* leases.c: is there any at all?  Without a lock. */
bool leases_exist(void);
/* Somebody opens the file so (O_*): waits until no lease is in the way.  0, -EAGAIN with O_NONBLOCK,
 * or the error of a signal. */
int __must_check leases_break(struct inode *inode, u32 flags);
/* A file with FILE_LOCKED is released. */
void leases_release(const struct file *file);
void dnotify_release(struct file *file); /* before that: dnotify.c */
void locks_free_inode(struct inode *inode);
void xattrs_free(struct xattr_list *list);

struct files *files_create(void);
void files_put(struct files *files);
void fs_context_put(struct fs_context *context);
/* Where it is at `from`, it is at `to` now. */
void fs_context_replace(struct fs_context *context, const struct path *from, const struct path *to);
struct files *files_copy(struct files *from); /* NULL: no memory */

extern const struct file_operations block_file_ops; /* block/block_file.c */
extern const struct file_operations special_char_ops, special_block_ops, special_fifo_ops,
	special_socket_ops;
extern const struct file_operations regular_file_ops;

#endif
