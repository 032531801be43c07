/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling who watches files what happens to them: what inotify is built on.
 *
 * A watch belongs to a watcher (an inotify instance) and hangs on the list of one inode, which it
 * references.  The VFS reports each event with one of the inline functions here; while nobody
 * watches anything at all, that is a load and a branch.
 *
 * Locks: inode->attribute_lock guards the inode's list, and each watch's mask and `attached`.
 * Watchers' own locks come after it.  Whoever clears `attached` has taken the watch off the list,
 * and alone ends it.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include "fs/file.h"
#include "fs/vfs.h"
#include "lib/abi/fanotify.h"

/* The numbers are those of inotify(7). */
enum notify_event {
	NOTIFY_ACCESS = 0x1,
	NOTIFY_MODIFY = 0x2,
	NOTIFY_ATTRIB = 0x4,
	NOTIFY_CLOSE_WRITE = 0x8,
	NOTIFY_CLOSE_NOWRITE = 0x10,
	NOTIFY_OPEN = 0x20,
	NOTIFY_MOVED_FROM = 0x40,
	NOTIFY_MOVED_TO = 0x80,
	NOTIFY_CREATE = 0x100,
	NOTIFY_DELETE = 0x200,
	NOTIFY_DELETE_SELF = 0x400,
	NOTIFY_MOVE_SELF = 0x800,
	NOTIFY_ALL = 0xfff,
	NOTIFY_OPEN_EXEC = 0x1000, /* for those who watch by notify_wide alone */
	NOTIFY_UNMOUNT = 0x2000,
	NOTIFY_IS_DIRECTORY = 0x40000000,
};
/* What a directory is told of the files in it. */
#define NOTIFY_ON_CHILD                                                       \
	(NOTIFY_ACCESS | NOTIFY_MODIFY | NOTIFY_ATTRIB | NOTIFY_CLOSE_WRITE | \
	 NOTIFY_CLOSE_NOWRITE | NOTIFY_OPEN)

/* What happened. */
struct notification {
	u32 mask;
	u32 cookie;       /* joins the two ends of a rename */
	const char *name; /* in the watched directory, or NULL; not terminated */
	u32 name_length;
	bool unlinked; /* by a file that has no name any more */
};

struct notify_watch;

struct notify_watch_operations {
	/* One of the wanted events.  attribute_lock held: does not sleep. */
	void (*event)(struct notify_watch *watch, const struct notification *what);
	/* The inode's list has it no more, and never will again.  No spin lock held. */
	void (*detached)(struct notify_watch *watch);
	/* The last reference is gone. */
	void (*free)(struct notify_watch *watch);
};

struct notify_watch {
	struct notify_watch *next; /* on the inode's list; attribute_lock */
	struct list_head all;      /* of all watches; notify.c's lock */
	struct inode *inode;       /* a reference; const */
	u32 mask;                  /* NOTIFY_*: what is wanted; attribute_lock */
	bool once;                 /* ends with its first event; attribute_lock */
	bool not_unlinked;         /* wants nothing of unlinked files; attribute_lock */
	bool attached;             /* attribute_lock */
	u32 refs;                  /* atomic; the list has one */
	const struct notify_watch_operations *ops;
};

/* Hangs a watch on its inode, whose reference it takes over; the list gets a reference on it. */
void notify_attach(struct notify_watch *watch);
/* Takes it off, unless that has happened.  May sleep. */
void notify_detach(struct notify_watch *watch);
void notify_watch_put(struct notify_watch *watch);

/*
 * Those who watch more than single inodes (fanotify): they are told of everything, and may stop what
 * is about to happen.  They count among notify_watches while they want that.
 */
struct notify_facts {
	u32 mask;                /* NOTIFY_* */
	const struct path *path; /* or NULL, where the mount is not known */
	struct inode *inode;     /* what it happened to */
	struct inode *directory; /* where it has its name, or NULL */
	const char *name;        /* not terminated */
	u32 name_length;
	bool entry; /* it happened to the directory: a name came or went */
};
struct notify_wide {
	/* Not with spin locks held. */
	void (*event)(const struct notify_facts *facts);
	/* facts->mask: FAN_*_PERM: 0 or an error.  No lock of files held; sleeps. */
	int (*permission)(const struct notify_facts *facts);
};
/* Once, at start-up. */
void notify_set_wide(const struct notify_wide *wide);
/* One more or less of them; notify_wide_users is atomic. */
void notify_wide_begin(void);
void notify_wide_end(void);

extern u32 notify_watches; /* atomic: how many there are */

static inline bool notify_active(void)
{
	return unlikely(READ_ONCE(notify_watches) != 0);
}

/* The slow halves: somebody watches something. */
void notify_dentry_slow(struct dentry *dentry, u32 mask);
void notify_path_slow(const struct path *path, u32 mask);
int notify_permission_slow(const struct path *path, u32 mask);
void notify_inode_slow(struct inode *inode, u32 mask);
void notify_name_slow(struct inode *directory, const struct dentry *dentry, u32 mask);
void notify_unlinked_slow(struct inode *directory, struct dentry *dentry);
void notify_removed_slow(struct inode *inode);
void notify_unmount_slow(struct superblock *superblock);

/* Something happened to the file behind a name: told to the directory as well.  May not be called
 * with spin locks held; that holds for all of these. */
static inline void notify_dentry(struct dentry *dentry, u32 mask)
{
	if (notify_active())
		notify_dentry_slow(dentry, mask);
}
static inline void notify_file(struct file *file, u32 mask)
{
	if (notify_active() && !(file->mode & (FILE_PATH | FILE_QUIET)))
		notify_path_slow(&file->path, mask);
}
/* May current go on and do it?  mask: FAN_*_PERM.  0 or an error.  Sleeps. */
static inline int __must_check notify_permission(const struct path *path, u32 mask)
{
	return notify_active() ? notify_permission_slow(path, mask) : 0;
}
static inline int __must_check notify_file_permission(struct file *file, u32 mask)
{
	return notify_active() && !(file->mode & (FILE_PATH | FILE_QUIET))
		       ? notify_permission_slow(&file->path, mask)
		       : 0;
}
/* A file's number of links changed. */
static inline void notify_links(struct inode *inode)
{
	if (notify_active())
		notify_inode_slow(inode, NOTIFY_ATTRIB);
}
/* A name came into being.  The directory's lock is held. */
static inline void notify_create(struct inode *directory, const struct dentry *dentry)
{
	if (notify_active())
		notify_name_slow(directory, dentry, NOTIFY_CREATE);
}
/* A name was removed, and its dentry dropped; the directory's lock is held. */
static inline void notify_unlinked(struct inode *directory, struct dentry *dentry)
{
	if (notify_active())
		notify_unlinked_slow(directory, dentry);
}
/* A dentry dies: perhaps its file's last. */
static inline void notify_removed(struct inode *inode)
{
	if (notify_active() && inode->nlink == 0)
		notify_removed_slow(inode);
}
/* The file system goes: it has no more mounts. */
static inline void notify_unmount(struct superblock *superblock)
{
	if (notify_active())
		notify_unmount_slow(superblock);
}

/*
 * A rename, in two steps, since the old name is lost on the way: before it, and after it with both
 * directories' locks still held.  `replaced`: the file that lost its name, or NULL.
 */
struct notify_rename {
	struct inode *from;
	u32 length;
	char name[NAME_MAX];
};
void notify_rename_begin(struct notify_rename *rename, struct inode *from,
			 const struct dentry *dentry);
void notify_rename_end(const struct notify_rename *rename, struct inode *to,
		       const struct dentry *dentry, struct inode *replaced);

#endif
