/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the system calls on files use of fs beyond files, names and mounts themselves (fs/file.h,
 * fs/vfs.h, fs/mount.h).
 */
#ifndef FS_CALLS_H
#define FS_CALLS_H

#include "fs/file.h"
#include "fs/mount.h"
#include "mm/kmalloc.h"

/* --- Paths --- */

/* A path from user memory: short ones stay on the stack. */
#define PATHNAME_INLINE 120
struct pathname {
	const char *text;
	char *allocated;
	char inline_text[PATHNAME_INLINE];
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM.  Empty strings are fine here. */
int __must_check pathname_get(struct pathname *name, vaddr_t user);
static inline void pathname_put(struct pathname *name)
{
	if (unlikely(name->allocated != NULL))
		kfree(name->allocated);
}

/* As path_name() with a given root; *reached: the root was met on the way up. */
char *path_name_from(const struct path *path, const struct path *root, char *buffer, size_t size,
		     bool *reached);
/* Opens by walking: the body of open(2) and openat2(2).  A file or ERR_PTR. */
struct file *file_open_walk(int directory, const char *text, u32 flags, mode_t mode,
			    u32 lookup_flags, bool exec);
/* With the real user and group in the place of the effective ones (access(2)). */
int __must_check inode_permission_real(struct inode *inode, unsigned mask);

/* --- Inodes --- */

/* inode->flags, inode->lock: a removed directory, which takes no new names; an O_TMPFILE that may
 * get its first name. */
#define INODE_DEAD     (1u << 31)
#define INODE_LINKABLE (1u << 30)
/* Access time by relatime and the mount's flags. */
void inode_accessed(const struct mount *mount, struct inode *inode);
/* Changes the size after checks; inode->lock not held. */
int __must_check inode_truncate(struct inode *inode, off_t size);
/* 0, or -EROFS. */
static inline int mount_want_write(const struct mount *mount)
{
	return mount_is_readonly(mount) ? -EROFS : 0;
}
/* Extended attributes; kernel memory.  size 0: asks for the length.  Length, 0 or negative errno.
 */
ssize_t xattr_get(struct inode *inode, const char *name, void *value, size_t size);
int __must_check xattr_set(struct inode *inode, const char *name, const void *value, size_t size,
			   int flags);
ssize_t xattr_list(struct inode *inode, char *list, size_t size);
int __must_check xattr_remove(struct inode *inode, const char *name);

/* --- Open files --- */

/* A nameless file in memory (memfd.c), with MFD_ALLOW_SEALING and MFD_HUGETLB as in memfd_create(2),
 * checked by the caller; `name` is what /proc shows.  Open for reading and writing, or ERR_PTR. */
struct file *memfd_create(const char *name, u32 flags);
/* F_SETFL and FIONBIO: replaces the flags in `mask`, if the operations agree. */
int __must_check file_change_flags(struct file *file, u32 mask, u32 flags);
/* fcntl(2): F_GETLK, F_SETLK, F_SETLKW and the open-file-description kinds; flock(2). */
long locks_fcntl(struct file *file, unsigned command, vaddr_t argument);
long locks_flock(struct file *file, int operation);
/* F_SETLEASE and F_GETLEASE (leases.c); `fd`: what the signal's information names. */
long leases_set(struct file *file, int fd, int type);
long leases_get(const struct file *file);
/* /proc/sys/fs/lease-break-time: single word. */
struct lease_settings {
	u64 break_seconds;
};
extern struct lease_settings lease_settings;
/* At each close: lets go of the record locks that the table's process has on the file. */
void locks_release_owner(struct file *file, const struct files *owner);
/* Moves the `fd`'s position lock rules: see readwrite.c. */
bool file_lock_position(struct file *file);
void file_unlock_position(struct file *file, bool locked);

/* --- Descriptors and contexts --- */

int files_unshare(void);      /* gives current a table of its own: 0 or -ENOMEM */
int fs_context_unshare(void); /* and a root, working directory and umask */
/* close_range(2): closes, or only marks, the descriptors first to last of a table. */
void files_close_range(struct files *files, u32 first, u32 last, bool only_close_on_exec);
/* Puts another reference on `file` at exactly `fd`, closing what was there (dup2).  fd or an error.
 */
int fd_replace(struct file *file, int fd, bool close_on_exec);
int fd_flags(int fd); /* FD_CLOEXEC, 0 or -EBADF */
int fd_set_flags(int fd, bool close_on_exec);
/* Makes a path the root or the working directory. */
void fs_context_set(struct fs_context *context, const struct path *path, bool root);

#endif
