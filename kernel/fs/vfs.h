/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual file system: inodes, names, mounts, and the walk from a path to them.
 *
 * An inode is a file; a dentry is a name in a directory, or the cached knowledge that there is no
 * such name (negative: inode NULL).  A dentry's inode is set once and never changes: removing a
 * name takes the dentry out of the cache, and whoever still holds it keeps the file.  A mount puts
 * the tree of a superblock at a dentry of another mount.  A path is a dentry as seen through a
 * mount.
 *
 * References: a dentry holds one on its parent and its inode, a file and a path hold one on mount
 * and dentry; who stores a pointer owns a reference.
 *
 * Locks, in the order in which they are taken:
 *	superblock->rename_lock   (mutex) directory renames of one file system
 *	inode->lock               (rwlock, sleeps) a directory's names: read to look up, write to
 *	                          change; a file's size and writes.  Two directories: ancestor
 *	                          first, else by address; then the files
 *	files->lock, fs->lock, mount_lock, dentry->lock, the cache's bucket locks, lru locks
 *	                          (spin locks)
 *	inode->attribute_lock     (spin) owner, mode, times
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/sync.h"
#include "lib/types.h"
#include "mm/iov.h"
#include "mm/pagecache.h"

struct acl;
struct block_device;
struct file;
struct file_operations;
struct inode;
struct dentry;
struct mount;
struct superblock;
struct credentials;
struct lock_context;
struct linux_statfs;
struct name;
struct xattr_list;
struct notify_watch;

#define NAME_MAX      255
#define PATH_MAX      4096
#define MAX_SYMLINKS  40
#define MAX_FILE_SIZE ((off_t)INT64_MAX & ~(off_t)4095)

struct vfs_time {
	s64 seconds;
	u32 nanoseconds;
};

/* The wall clock, for time stamps.  Any context. */
struct vfs_time vfs_now(void);

/* --- Inodes --- */

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

/* What stat(2) reports. */
struct file_status {
	dev_t device; /* of the file system */
	dev_t rdev;   /* of a device node */
	ino_t ino;
	mode_t mode;
	u32 nlink;
	uid_t uid;
	gid_t gid;
	u32 block_size;
	u64 size;
	u64 blocks; /* of 512 bytes */
	struct vfs_time atime, mtime, ctime, btime;
	bool has_btime;
	u32 attributes;       /* STATX_ATTR_* of the file system */
	u32 known_attributes; /* what it has an answer about */
};

/* From flags as chattr(1) has them: the attributes in `known` have the same numbers. */
static inline void status_take_flags(struct file_status *status, u32 flags, u32 known)
{
	status->attributes = flags & known;
	status->known_attributes = known;
}

enum attr_valid {
	ATTR_MODE = 1 << 0,
	ATTR_UID = 1 << 1,
	ATTR_GID = 1 << 2,
	ATTR_SIZE = 1 << 3,
	ATTR_ATIME = 1 << 4,
	ATTR_MTIME = 1 << 5,
	ATTR_CTIME = 1 << 6,
	ATTR_ATIME_SET = 1 << 7, /* to the given value: needs the owner; without it, to now */
	ATTR_MTIME_SET = 1 << 8,
	ATTR_FORCE = 1 << 9, /* no permission checks: the kernel's own change */
	ATTR_KILL_SETID = 1 << 10,
	ATTR_TOUCH = 1 << 11,       /* both times to now: writers may */
	ATTR_NEEDS_OWNER = 1 << 12, /* to now, but as strict as a given time */
};

struct attr_change {
	u32 valid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	off_t size;
	struct vfs_time atime, mtime, ctime;
};

/* The answer of get_link: text to walk, or a place to jump to. */
struct link_target {
	const char *text; /* stays while the inode is referenced, unless `allocated` */
	char *allocated;  /* NULL, or what the caller kfrees */
	struct path jump; /* dentry not NULL: go there (referenced); procfs's magic links */
};

/*
 * What a file system does with its inodes.  Directory changes run with the directory's lock held
 * for writing, lookup with it held at least for reading; `dentry` is then negative and in the cache
 * (or not, after a race: the caller made sure).  Missing operations: -EPERM for changes (-ENOTDIR
 * for lookup), a sensible default for the others.
 */
struct inode_operations {
	/*
	 * Of file systems to which names of different spelling are one: how `directory` spells, or
	 * would spell, that name, into `spelling` (NAME_MAX bytes); its length, 0: as it is, or an
	 * error.  The dentry gets that name.  That there is none is not remembered; who makes the
	 * file puts the dentry into the cache.
	 */
	ssize_t (*spell)(struct inode *directory, const struct name *name, char *spelling);
	/*
	 * Finds dentry->name; calls dentry_instantiate(dentry, inode) with a reference when it is
	 * there, leaves the dentry negative and returns 0 when not.
	 */
	int (*lookup)(struct inode *directory, struct dentry *dentry);
	/* Makes a file of any type but directory and symlink; mode has the type bits.  device: for
	 * nodes. */
	int (*create)(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device);
	int (*mkdir)(struct inode *directory, struct dentry *dentry, mode_t mode);
	int (*symlink)(struct inode *directory, struct dentry *dentry, const char *target);
	int (*link)(struct inode *directory, struct dentry *dentry, struct inode *inode);
	int (*unlink)(struct inode *directory, struct dentry *dentry);
	int (*rmdir)(struct inode *directory, struct dentry *dentry);
	/* flags: RENAME_*.  The VFS has checked types and permissions, and moves the dentries
	 * afterwards. */
	int (*rename)(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		      struct dentry *to, unsigned flags);
	/* A nameless file: a new inode with nlink 0 in *result. */
	int (*tmpfile)(struct inode *directory, mode_t mode, struct inode **result);
	int (*get_link)(struct dentry *dentry, struct inode *inode, struct link_target *target);
	/* readlink(2) of links without text to walk; kernel buffer; length or error.  Default:
	 * get_link's text. */
	ssize_t (*readlink)(struct dentry *dentry, char *buffer, size_t size);
	int (*permission)(struct inode *inode, unsigned mask); /* instead of the mode bits */
	/* May fill or correct *status, which already holds the inode's fields.  Without
	 * status_sleeps it does not sleep, and may run in a reading section
	 * (fs/read_section.h). */
	int (*get_status)(const struct path *path, struct inode *inode, struct file_status *status);
	bool status_sleeps;
	/* Applies a checked change.  inode->lock held for writing.  Default: inode_apply_change().
	 */
	int (*set_attributes)(struct inode *inode, const struct attr_change *change);
	/* Extended attributes that the file system keeps itself, to be read alone; without them the
	 * inode has a list (xattr.c).  size 0 asks for the length; -ENODATA, -ERANGE, … */
	ssize_t (*get_xattr)(struct inode *inode, const char *name, void *value, size_t size);
	/* Calls a function for each name. */
	int (*list_xattrs)(struct inode *inode, void (*function)(void *context, const char *name),
			   void *context);
	/* Sets one, or, value NULL, removes it; flags: XATTR_*.  inode->lock held for writing.
	 * NULL: they cannot be changed. */
	int (*set_xattr)(struct inode *inode, const char *name, const void *value, size_t size,
			 int flags);
	/*
	 * Before data goes into the pages of a regular file: for how many of `size` bytes from
	 * `position` on there is room, or an error.  inode->lock held for writing.  NULL: all.
	 */
	ssize_t (*prepare_write)(struct inode *inode, u64 position, size_t size);
	/*
	 * Where a file's data is on the device that *device then names, for swapon(2): calls `add`
	 * for each stretch of it, in sectors, from the beginning on, all of the size; ends with its
	 * error.  -EINVAL: a part is nowhere, or was never written.  The file has been synced, and
	 * is INODE_SWAPFILE by now.
	 */
	int (*swap_extents)(struct inode *inode, struct block_device **device,
			    int (*add)(void *context, u64 sector, u64 count), void *context);
	/*
	 * Moves data of a file that is open with O_DIRECT: bytes, or an error if none.  After
	 * prepare_write, inode->lock held for writing.  NULL: it goes to the page cache.
	 */
	ssize_t (*write_direct)(struct inode *inode, struct io_cursor *cursor, u64 position);
	bool direct; /* regular files may be opened with O_DIRECT: the operations look at it */
};

enum inode_flags {
	INODE_IMMUTABLE = 1 << 0,
	INODE_APPEND_ONLY = 1 << 1,
	INODE_NO_ATIME = 1 << 2,   /* reads leave no time stamp */
	INODE_PAGE_CACHE = 1 << 3, /* `cache` is initialised and keeps the size */
	INODE_SWAPFILE = 1 << 4,   /* a swap area: never written, cut or removed; lock */
};

/* Which one an inode's lock is of those that are held together: see rename.c. */
enum inode_nest {
	INODE_NEST_DIRECTORY = 1, /* a rename's second directory */
	INODE_NEST_CHILD,         /* what is in a directory whose lock is held */
	INODE_NEST_TARGET,        /* what a rename replaces or exchanges */
	INODE_NEST_FIFO,          /* outside of its pipe's lock; a regular file's is inside that */
};

struct inode {
	u32 refs;    /* atomic */
	mode_t mode; /* type bits never change; permission bits: attribute_lock */
	uid_t uid;   /* attribute_lock */
	gid_t gid;
	u32 nlink; /* the lock of the directories concerned */
	u32 flags;
	dev_t rdev;
	ino_t ino;
	off_t size; /* without a page cache; read through inode_size() */
	u64 blocks; /* the file system's */
	u32 seals;  /* F_SEAL_*; lock */
	const struct inode_operations *ops;
	const struct file_operations *file_ops;
	struct superblock *superblock;
	rwlock_t lock;
	spinlock_t attribute_lock;
	s32 writers; /* atomic: files open for writing, or, negative, programs that run it (ETXTBSY)
		      */
	struct vfs_time atime, mtime, ctime, btime; /* attribute_lock */
	struct page_cache cache;                    /* of regular files */
	struct lock_context *locks;                 /* fs/locks.c; set once */
	struct xattr_list *xattrs;                  /* fs/xattr.c; lock */
	const struct acl *acl, *default_acl;        /* fs/acl.h; NULL: none */
	struct notify_watch *watches;               /* fs/notify.h; attribute_lock */
	const char *link_text;                      /* a symlink's text, for get_link's default */
	wait_queue_t *poll_queue;                   /* free for the file system */
	void *private;                              /* the file system's, or a fifo's pipe (lock) */
};

/*
 * Fills in a fresh inode, which the file system allocated (zeroed): one reference, nlink 1, owner
 * the caller's fsuid and fsgid, times now, ino the next of the superblock.
 */
void inode_init(struct inode *inode, struct superblock *superblock, mode_t mode);
/* The owner of a file made in `directory`: set-group-id directories hand down their group (and
 * directories the bit). */
void inode_init_owner(struct inode *inode, const struct inode *directory);
/* A zeroed struct inode from the general cache, initialised; freed by the default of destroy_inode.
 * NULL: no memory. */
struct inode *inode_alloc(struct superblock *superblock, mode_t mode);
/* Frees one of inode_alloc: for file systems whose destroy_inode does more. */
void inode_free(struct inode *inode);

/* A reference, unless the last one has gone: for tables that hold none. */
bool __must_check reference_try_get(u32 *refs);
static inline bool inode_try_get(struct inode *inode)
{
	return reference_try_get(&inode->refs);
}
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* may sleep: the last reference destroys */

/* Fits the file operations of devices, fifos and sockets to inode->mode: call after setting mode
 * and rdev. */
void inode_set_special(struct inode *inode);

/* Directories: takes and drops a link with ctime. */
void inode_change_nlink(struct inode *inode, int change);
void inode_touch(struct inode *inode,
		 u32 which); /* ATTR_ATIME | ATTR_MTIME | ATTR_CTIME set to now */
void inode_apply_change(struct inode *inode, const struct attr_change *change); /* all but size */

enum permission_mask { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };
/* May current do `mask` with the inode?  0, -EACCES, -EPERM.  Never sleeps but in the file system's
 * own operation. */
int __must_check inode_permission(struct inode *inode, unsigned mask);
/* Is current the owner, or does it have CAP_FOWNER? */
bool inode_owner_or_capable(const struct inode *inode);

/* The size that programs see. */
static inline off_t inode_size(const struct inode *inode)
{
	return inode->flags & INODE_PAGE_CACHE ? (off_t)page_cache_size(&inode->cache)
					       : READ_ONCE(inode->size);
}

/* --- Dentries --- */

/* A component of a path, in whole words and a last one of 0 to 7 bytes (lib/word.h). */
struct name {
	const char *text; /* not terminated */
	union {
		struct {
			u32 length;
			u32 hash; /* of all the words, by name_hash_word */
		};
		u64 digest; /* both, to be compared at once */
	};
	u64 tail; /* the last word */
};

enum dentry_flags {
	DENTRY_HASHED = 1 << 0,     /* bucket lock and dentry->lock */
	DENTRY_ON_LRU = 1 << 1,     /* dentry->lock */
	DENTRY_REFERENCED = 1 << 2, /* hint */
	DENTRY_NO_CACHE = 1 << 3,   /* dies with its last reference */
	DENTRY_ROOT = 1 << 4,       /* a file system's root, or of an anonymous file: no name */
};

struct dentry_operations {
	/* Is a cached dentry still right?  false: it is dropped and looked up again.  No locks
	 * held; must not sleep. */
	bool (*revalidate)(struct dentry *dentry);
	/* The path of an anonymous file ("pipe:[12]"); kernel buffer; as snprintf. */
	int (*describe)(struct dentry *dentry, char *buffer, size_t size);
};

#define DENTRY_INLINE_NAME 32

struct dentry {
	s32 refs;   /* atomic; negative once dying */
	u32 flags;  /* lock, but for the hints */
	u32 mounts; /* mount_lock: how many mounts sit here */
	spinlock_t lock;
	union { /* struct name's; the rest of the name likewise: move_lock and lock */
		struct {
			u32 length, hash;
		};
		u64 digest;
	};
	const char *text;      /* terminated, with zeros up to a whole word */
	struct dentry *parent; /* lock; itself for roots; referenced */
	struct inode *inode;   /* NULL, then set once (release) */
	struct superblock *superblock;
	const struct dentry_operations *ops;
	struct dentry *hash_next, **hash_link; /* bucket lock */
	struct list_head children;             /* lock */
	struct list_head sibling;              /* parent->lock */
	struct list_head lru;                  /* superblock->lru_lock */
	void *private;                         /* the file system's */
	alignas(u64) char inline_name[DENTRY_INLINE_NAME];
};

static inline u64 name_hash_word(u64 hash, u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 32;
}
struct name name_of(const char *text, size_t length);

static inline struct dentry *dentry_get(struct dentry *dentry)
{
	__atomic_add_fetch(&dentry->refs, 1, __ATOMIC_RELAXED);
	return dentry;
}
/* Of one that may be dying or unused; false: too late. */
static inline bool dentry_try_get(struct dentry *dentry)
{
	s32 refs = __atomic_load_n(&dentry->refs, __ATOMIC_RELAXED);

	while (refs >= 0)
		if (__atomic_compare_exchange_n(&dentry->refs, &refs, refs + 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}
/* The slow half of dentry_put: the reference may be the last. */
void dentry_put_last(struct dentry *dentry);
/* May sleep. */
static inline void dentry_put(struct dentry *dentry)
{
	s32 refs = __atomic_load_n(&dentry->refs, __ATOMIC_RELAXED);

	while (likely(refs > 1))
		if (__atomic_compare_exchange_n(&dentry->refs, &refs, refs - 1, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	dentry_put_last(dentry);
}
static inline struct inode *dentry_inode(const struct dentry *dentry)
{
	return __atomic_load_n(&dentry->inode, __ATOMIC_ACQUIRE);
}
/* Makes a negative dentry positive; takes over the caller's reference on the inode. */
void dentry_instantiate(struct dentry *dentry, struct inode *inode);
/* Takes the dentry (and, with the second, what is cached below it) out of the cache. */
void dentry_drop(struct dentry *dentry);
void dentry_drop_tree(struct dentry *dentry);
/* The root of a superblock, or of an anonymous file; takes over the inode's reference.  NULL: no
 * memory. */
struct dentry *dentry_alloc_root(struct superblock *superblock, struct inode *inode);
/* From cache alone, a reference or NULL. */
struct dentry *dentry_find(struct dentry *parent, const struct name *name);
/*
 * From the cache or the file system: a referenced dentry, perhaps negative, or ERR_PTR.  The
 * directory's lock is held (for reading at least).  No permission check.
 */
struct dentry *dentry_lookup_locked(struct dentry *parent, const struct name *name);

/* --- Superblocks and file-system types --- */

struct superblock_operations {
	/* The last reference is gone: free data and the inode itself.  NULL: inode_free after the
	 * page cache.  Memory of inodes goes through read_section_free. */
	void (*destroy_inode)(struct inode *inode);
	void (*destroy)(struct superblock *superblock); /* the last unmount: frees private */
	int (*statfs)(struct superblock *superblock, struct linux_statfs *result);
	/* Everything to stable storage: 0 or the first error.  NULL: there is none. */
	int (*sync)(struct superblock *superblock);
	/* A thread begins to write what is dirty now; nobody waits.  NULL: there is none. */
	void (*hurry)(struct superblock *superblock);
	int (*remount)(struct superblock *superblock, u64 flags, const char *options);
	/* Memory is short: gives back `part` of `whole` of what is kept beside names and pages.
	 * Must not wait for memory.  NULL: nothing is. */
	void (*shrink)(struct superblock *superblock, size_t part, size_t whole);
	/* The generation of an inode's number, for file handles.  NULL: always 0. */
	u32 (*generation)(const struct inode *inode);
	/* Of file systems whose files are found by handles (fs/handle.h).  The inode of that number,
	 * referenced, and generation, where 0 stands for any; ERR_PTR: -ESTALE, …  May sleep. */
	struct inode *(*find_number)(struct superblock *superblock, u64 number, u32 generation);
	/* The file is to be found by find_number from now on; must not sleep.  NULL: all are. */
	void (*keep_number)(struct inode *inode);
	/* The directory above one, referenced; rename_lock held.  NULL: listing it tells. */
	struct inode *(*parent)(struct inode *directory);
	/* ",size=4k,mode=755" as in /proc/mounts; as snprintf. */
	int (*show_options)(struct superblock *superblock, char *buffer, size_t size);
};

struct linux_statfs;
struct filesystem;

struct superblock {
	u32 refs; /* atomic: mounts */
	u32 block_size;
	u64 flags; /* MS_RDONLY …; mount_lock */
	u64 magic;
	u64 id; /* const: no other ever has it */
	dev_t device;
	struct user_namespace *owner; /* const; counted: of whoever made it */
	off_t max_size;
	bool has_xattrs; /* trusted. and security. attributes are kept */
	bool has_acls;   /* access control lists: fs/acl.h */
	u8 uuid[16];     /* const: of the file system, wherever it is mounted; zeros: none */
	ino_t next_ino;  /* atomic */
	const struct filesystem *type;
	const struct superblock_operations *ops;
	const struct dentry_operations *dentry_ops; /* given to every dentry */
	struct dentry *root;                        /* referenced */
	mutex_t rename_lock;
	spinlock_t lru_lock;
	struct list_head lru; /* lru_lock: unused dentries, newest first */
	u32 lru_count;        /* lru_lock */
	struct list_head all; /* shrink.c */
	u32 writers;          /* atomic: files open for writing */
	void *private;
};

struct filesystem {
	const char *name;
	bool in_user_namespaces; /* whoever rules a user namespace may mount it */
	bool needs_device;       /* for /proc/filesystems: without "nodev" */
	/* A mounted superblock (a new one or another reference) in *result.  options: may be NULL.
	 */
	int (*mount)(const struct filesystem *type, u64 flags, const char *source,
		     const char *options, struct superblock **result);
	struct list_head link; /* the registry's */
};

/* Registers a type for mount(2); at start-up; the structure stays. */
void filesystem_register(struct filesystem *type);
/* Calls function for each type: /proc/filesystems. */
void filesystem_iterate(void (*function)(const struct filesystem *type, void *argument),
			void *argument);

/* A new superblock with a device number of its own, one reference, no root.  NULL: no memory. */
struct superblock *superblock_alloc(const struct filesystem *type,
				    const struct superblock_operations *ops);
static inline bool superblock_try_get(struct superblock *superblock)
{
	return reference_try_get(&superblock->refs);
}
void superblock_put(struct superblock *superblock);
/* Has the file system bring everything to stable storage: syncfs(2), and all of them: sync(2). */
int superblock_sync(struct superblock *superblock);
void superblocks_sync(void);
void superblock_free(struct superblock *superblock); /* one that was never complete; or NULL */
/* Its root: takes over the inode's reference, or hands its error (ERR_PTR) on.  0, -ENOMEM;
 * -ENOTDIR. */
int __must_check superblock_set_root(struct superblock *superblock, struct inode *root);
/* Another reference, unless the last is gone already: then NULL. */
struct superblock *superblock_get_live(struct superblock *superblock);

/* The one with a device number, with a reference, or NULL. */
struct superblock *superblock_find_device(dev_t device);
/* The figures of statfs(2), but for the flags.  May sleep. */
int __must_check superblock_statfs(struct superblock *superblock, struct linux_statfs *result);

/* --- Paths --- */

static inline struct inode *path_inode(const struct path *path)
{
	return dentry_inode(path->dentry);
}
void path_get(const struct path *path);
void path_put(const struct path *path); /* may sleep */
static inline bool path_equal(const struct path *a, const struct path *b)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

enum lookup_flags {
	LOOKUP_FOLLOW = 1 << 0,    /* a symlink as last component */
	LOOKUP_DIRECTORY = 1 << 1, /* the result must be one */
	LOOKUP_EMPTY = 1 << 2,     /* "" means the directory itself */
	LOOKUP_NO_SYMLINKS = 1 << 3,
	LOOKUP_NO_MAGICLINKS = 1 << 4,
	LOOKUP_NO_XDEV = 1 << 5,
	LOOKUP_BENEATH = 1 << 6,
	LOOKUP_IN_ROOT = 1 << 7,
	LOOKUP_REAL_IDS = 1 << 8, /* check with the real user and group (access(2)) */
	LOOKUP_WHOLE = 1 << 9,    /* the last component, too, is looked up if it is there */
};

/*
 * Walks `text` (kernel memory) from `directory` (a descriptor or AT_FDCWD) to an existing file.  0
 * and a referenced path, or ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EBADF, ….  May sleep.
 */
int __must_check path_lookup(int directory, const char *text, u32 flags, struct path *result);
int __must_check path_lookup_user(int directory, vaddr_t text, u32 flags, struct path *result);
/* The same from a given path: no credentials involved in finding the start. */
int __must_check path_lookup_from(const struct path *start, const char *text, u32 flags,
				  struct path *result);

/*
 * The path's name as seen from current's root, ending at buffer + size; ERR_PTR(-ENAMETOOLONG).
 * Removed files get " (deleted)", anonymous ones their description.  Never sleeps.  Returns a
 * pointer into the buffer.
 */
char *path_name(const struct path *path, char *buffer, size_t size);

/* Reads a link's text into a kernel buffer, not terminated; its length. */
ssize_t __must_check path_readlink(const struct path *path, char *buffer, size_t size);

/* What stat(2) reports. */
int __must_check path_status(const struct path *path, struct file_status *status);
/* The same of what `text` names: path_lookup and path_status in one.  flags: LOOKUP_FOLLOW,
 * LOOKUP_EMPTY. */
int __must_check path_status_at(int directory, const char *text, u32 flags,
				struct file_status *status);

/* --- Changes, by kernel path: for the kernel's own use and the system calls --- */

int __must_check vfs_mkdir(int directory, const char *text, mode_t mode);
int __must_check vfs_mknod(int directory, const char *text, mode_t mode, dev_t device);
/* The same; *result: where the node is, referenced. */
int __must_check vfs_mknod_path(int directory, const char *text, mode_t mode, dev_t device,
				struct path *result);
int __must_check vfs_symlink(const char *target, int directory, const char *text);
int __must_check vfs_link(int from_directory, const char *from, int to_directory, const char *to,
			  u32 lookup_flags);
/* The same for a file that was looked up or opened already (O_TMPFILE). */
int __must_check vfs_link_path(const struct path *from, int to_directory, const char *to);
int __must_check vfs_unlink(int directory, const char *text);
int __must_check vfs_rmdir(int directory, const char *text);
int __must_check vfs_rename(int from_directory, const char *from, int to_directory, const char *to,
			    unsigned flags);
/* Changes attributes after checking that current may.  May sleep. */
int __must_check vfs_change(const struct path *path, struct attr_change *change);
int __must_check vfs_truncate(const struct path *path, off_t size);

/* kernel/main.c: the caches, the root tmpfs, the types, the devices.  Once, before the first
 * program.
 */
void vfs_init(void);

/* Unpacks the initramfs that the boot loader brought into / and gives its memory back.  In a task.
 * 0 or an error. */
int initramfs_unpack(void);

/* Names that nobody uses (shrink.c): forgets up to that many; how many went.  May sleep. */
u32 names_shrink(u32 count);
/* As in /proc/sys/vm: vfs_cache_pressure, how much of them goes when memory is short, in per cent
 * of the share of other memory; single loads and stores. */
struct names_settings {
	u32 cache_pressure;
};
extern struct names_settings names_settings;

#endif
