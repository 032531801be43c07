/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files and descriptors.
 *
 * A struct file is an open file description: position, flags and operations, shared by dup and
 * fork.  A struct files is a table of descriptors, shared by the threads of a process
 * (CLONE_FILES).
 *
 * Locks: files->lock (spin) guards the table; file->position_lock (mutex) makes read, write and
 * lseek on a shared description one after the other, before inode->lock; file->lock (spin, leaf)
 * guards flags and the signal owner.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/poll.h"
#include "fs/vfs.h"
#include "lib/abi/fcntl.h"
#include "proc/task.h"

/* Collects directory entries.  `position` is the entry's own; see dir_emit. */
struct dir_context {
	/* Takes one entry (ctx->position is its own); false when it has no more room: readdir then
	 * returns 0. */
	bool (*emit)(struct dir_context *context, const char *name, size_t length, ino_t ino,
		     unsigned type);
	off_t position; /* where to go on; the file system sets it behind each entry that was taken
			 */
};

static inline bool dir_emit(struct dir_context *context, const char *name, size_t length, ino_t ino,
			    unsigned type)
{
	return context->emit(context, name, length, ino, type);
}
/* Emits "." and ".." at positions 0 and 1, leaving the position at 2; false when there was no room.
 */
bool dir_emit_dots(struct file *file, struct dir_context *context);

/*
 * What an open file can do.  All may sleep.  Missing: read and write -EINVAL, ioctl -ENOTTY, mmap
 * -ENODEV, readdir -ENOTDIR, fsync -EINVAL, seek as for a regular file.
 */
struct file_operations {
	int (*open)(struct inode *inode,
		    struct file *file);     /* may replace file->ops and set file->private */
	void (*release)(struct file *file); /* the last reference is gone */
	int (*flush)(struct file *file);    /* a descriptor is closed; its result is close(2)'s */
	/* Count or error; they advance *position (of streams: leave it). */
	ssize_t (*read)(struct file *file, struct io_cursor *cursor, off_t *position);
	ssize_t (*write)(struct file *file, struct io_cursor *cursor, off_t *position);
	off_t (*seek)(struct file *file, off_t offset, int whence);
	u32 (*poll)(struct file *file, struct poll_table *table);
	long (*ioctl)(struct file *file, unsigned command,
		      vaddr_t argument); /* -ENOTTY: not mine */
	/*
	 * What a mapping of the file maps: *result referenced, or NULL in it for anonymous memory
	 * (/dev/zero). prot and flags as mmap(2).  Default for files with a page cache: that.
	 */
	int (*mmap)(struct file *file, unsigned prot, unsigned flags, struct backing **result);
	/*
	 * The page of the file with that index, with a reference, in *frame; 0 in it for a hole.
	 * For splice(2): its content may change with the file.  Missing: the file is read.
	 */
	int (*get_page)(struct file *file, u64 index, phys_t *frame);
	int (*readdir)(struct file *file,
		       struct dir_context *context); /* inode->lock held for reading */
	int (*fsync)(struct file *file, off_t start, off_t end, bool data_only);
	long (*fallocate)(struct file *file, int mode, off_t offset, off_t length);
	long (*fcntl)(struct file *file, unsigned command,
		      vaddr_t argument); /* commands that are not generic: -EINVAL */
	int (*change_flags)(struct file *file,
			    u32 flags); /* before F_SETFL or FIONBIO; may refuse */
	/* A line or more for /proc/PID/fdinfo; as snprintf. */
	int (*show_info)(struct file *file, char *buffer, size_t size);
	bool stream;       /* no position: lseek and pread answer -ESPIPE */
	bool asynchronous; /* O_ASYNC has an effect, though it is no pipe, socket or terminal */
};

enum file_modes {
	FILE_READ = 1 << 0,
	FILE_WRITE = 1 << 1,
	FILE_SEEK = 1 << 2,    /* has a position */
	FILE_PATH = 1 << 3,    /* O_PATH: a name only */
	FILE_EXEC = 1 << 4,    /* opened to be executed */
	FILE_COUNTED = 1 << 5, /* counts among the inode's and superblock's writers */
	FILE_NO_ATIME = 1 << 6,
	FILE_DIRECTORY = 1 << 7,
	FILE_LOCKED = 1 << 8, /* may have record or flock locks: to be dropped at close */
	FILE_OWNED = 1 << 9,  /* has an owner, to be dropped at close */
	FILE_QUIET = 1 << 10, /* behind another file: watchers are told of that one */
};

struct file_owner;

struct file {
	u32 refs;  /* atomic */
	u32 mode;  /* FILE_*; fixed after open, but for FILE_LOCKED and FILE_OWNED (atomic or) */
	u32 flags; /* O_*; lock */
	spinlock_t lock;
	const struct file_operations *ops;
	struct path path;
	struct inode *inode; /* path's; held through the dentry */
	off_t position;      /* position_lock when shared */
	mutex_t position_lock;
	struct backing backing;   /* what mappings of the file hold; counts in refs */
	void *private;            /* the operations' */
	struct file_owner *owner; /* who gets signals: fs/async.c's; set once */
	u32 error_mark;           /* atomic: errors of write-backs that it has told: fsync */
	u32 hangups;              /* of terminals: how many there had been at open; const */
	u64 id;                   /* unique, never reused: epoll's key */
	struct list_head watches; /* epoll's, with its own lock */
};

struct file *file_get_ref(struct file *file); /* adds a reference */
void file_put(struct file *file);             /* drops one; may sleep */

/* What write-backs of the file had to report since it was last asked, or 0. */
static inline int file_new_error(struct file *file)
{
	return page_cache_new_error(file->backing.cache, &file->error_mark);
}

/*
 * Opens by kernel path.  flags as open(2).  A file or ERR_PTR.  May sleep.
 */
struct file *file_open(int directory, const char *text, u32 flags, mode_t mode);
/* Opens what a path names, with current's permissions. */
struct file *file_open_path(const struct path *path, u32 flags);
/* The same without asking for permission, and watchers are told of nothing that is done to it. */
struct file *file_open_quiet(const struct path *path, u32 flags);
/*
 * A file without a name (pipes, epoll, eventfd …): `name` is what /proc/PID/fd shows,
 * "anon_inode:[eventfd]"; flags: O_ACCMODE, O_NONBLOCK.  All share one inode.  ERR_PTR(-ENOMEM,
 * -ENFILE).
 */
struct file *anon_file_create(const char *name, const struct file_operations *ops, void *private,
			      u32 flags);
/*
 * The same with an inode of its own, of the given mode (S_IFIFO | 0600 …); name is followed by
 * ":[ino]" ("pipe", "socket").  inode->private is the caller's.
 */
struct file *anon_inode_create(const char *name, mode_t mode, const struct file_operations *ops,
			       void *private, u32 flags);
/* A second open file on an anonymous inode: a pipe's other end. */
struct file *anon_file_clone(struct file *file, const struct file_operations *ops, void *private,
			     u32 flags);

/* Kernel reads and writes; count or error. */
ssize_t file_read_kernel(struct file *file, void *to, size_t size, off_t position);
ssize_t file_write_kernel(struct file *file, const void *from, size_t size, off_t position);
/* The operations with all checks (mode, rlimits, locks, access time): what the system calls use. */
ssize_t file_read(struct file *file, struct io_cursor *cursor, off_t *position);
ssize_t file_write(struct file *file, struct io_cursor *cursor, off_t *position);
off_t file_seek(struct file *file, off_t offset, int whence);
/* For directories whose positions say nothing about sizes: SEEK_SET and SEEK_CUR. */
off_t file_seek_directory(struct file *file, off_t offset, int whence);
u32 file_poll(struct file *file, struct poll_table *table);
/*
 * Around file_backing and the making of a shared mapping: meanwhile no seal against writing is set
 * (the attempt is refused, as if the mapping were there).  May sleep.
 */
void file_begin_mapping(struct file *file);
void file_end_mapping(struct file *file);
/* For mmap(2): what to map; checks mode against prot and flags.  *result may be NULL: anonymous
 * memory. */
int __must_check file_backing(struct file *file, unsigned prot, unsigned flags,
			      struct backing **result);

/* VM_ACCESS_* (mm/vmm.h) that mappings of the file have. */
u32 file_map_access(const struct file *file);
/* How many files are open in all, and may be: /proc/sys/fs/file-nr. */
void files_count(u64 *open, u64 *limit);

/* --- Descriptors --- */

struct fd_table {
	u32 capacity; /* descriptors; a multiple of 64 */
	struct file **files;
	u64 *open;
	u64 *close_on_exec;
};

#define FD_INLINE 64

struct files {
	u32 refs; /* atomic: tasks */
	spinlock_t lock;
	u32 next;              /* lock: no free descriptor below */
	struct fd_table table; /* lock; read without it by the only user */
	struct file *inline_files[FD_INLINE];
	u64 inline_open, inline_close_on_exec;
};

/* The file of one of current's descriptors, with a reference, or NULL.  fd_get refuses O_PATH
 * descriptors. */
struct file *fd_get(int fd);
struct file *fd_get_any(int fd);

/*
 * The same for the length of a call, without touching the count when no other task shares the
 * table: struct fd_borrow borrow = fd_borrow(fd); if (!borrow.file) return -EBADF; …
 * fd_return(borrow);
 */
struct fd_borrow {
	struct file *file;
	bool counted;
};
struct fd_borrow fd_borrow_any(int fd);
/* The slow half of fd_borrow: others use the table too, or there is none. */
struct fd_borrow fd_borrow_shared(int fd);
/* Refuses O_PATH descriptors. */
static inline struct fd_borrow fd_borrow(int fd)
{
	const struct files *files = current->files;
	struct file *file = NULL;

	if (unlikely(!files || __atomic_load_n(&files->refs, __ATOMIC_ACQUIRE) != 1))
		return fd_borrow_shared(fd);
	if (likely((u32)fd < files->table.capacity))
		file = files->table.files[fd];
	if (unlikely(file && file->mode & FILE_PATH))
		file = NULL;
	return (struct fd_borrow){file, false};
}
static inline void fd_return(struct fd_borrow borrow)
{
	if (borrow.counted)
		file_put(borrow.file);
}

/* Installs a file as current's lowest free descriptor >= `from`; takes over the reference on
 * success.  fd or -EMFILE, -ENOMEM. */
int fd_install_from(struct file *file, int from, bool close_on_exec);
/* The same, lowest of all; flags: O_CLOEXEC counts.  On failure the file is put. */
int fd_install(struct file *file, u32 flags);
/* Reserves without a file (look-ups answer EBADF); then exactly one of the two. */
int fd_reserve(u32 flags);
void fd_fill(int fd, struct file *file);
void fd_release(int fd);
int fd_close(int fd);

/* The next open descriptor >= from, or -1. */
int files_next_open(struct files *files, int from);
/* Another task's table, for procfs: a file with a reference or NULL; next open descriptor >= from
 * or -1.  May sleep. */
struct file *task_get_file(struct task *task, int fd);
int task_next_fd(struct task *task, int from);

/* --- Current directory, root and umask --- */

struct fs_context {
	u32 refs; /* atomic */
	spinlock_t lock;
	mode_t umask;     /* lock */
	struct path root; /* lock */
	struct path cwd;  /* lock */
};

void fs_context_root(struct fs_context *context, struct path *result); /* a reference */
void fs_context_cwd(struct fs_context *context, struct path *result);
void fs_context_put(struct fs_context *context); /* drops a reference; may sleep */

/* --- What the floor of pipes and event files brings, once, at start-up --- */

/* The operations of fifos: their `open` joins the inode's pipe. */
void fifo_register(const struct file_operations *ops);
/* Called when a file on whose `watches` list anything stands is released for good, before its
 * release operation; may sleep. */
void file_set_release_hook(void (*hook)(struct file *file));

/* A record lock or flock that somebody has, for /proc/locks. */
struct lock_shown {
	bool is_flock, is_of_file; /* of an open file, not of a process */
	bool is_write;
	pid_t pid; /* who took it; the kernel's number */
	dev_t device;
	ino_t ino;
	s64 start, end; /* inclusive; end INT64_MAX: all that follows */
};
/* All of them, *count, in memory that the caller frees; NULL: no memory.  Takes locks_lock. */
struct lock_shown *locks_shown(size_t *count);

#endif
