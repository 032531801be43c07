/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations that are made in an overlay, at m, and in an ordinary directory, plain, to be compared.
 */
#ifndef ABI_OVERLAY_MODEL_H
#define ABI_OVERLAY_MODEL_H

#include "overlay.h"

enum { PATH_SIZE = 64 };

/* --- Both trees --- */

/* An operation in one of them: what came of it, or a negative errno. */
struct operation {
	int kind;
	char path[PATH_SIZE], other[PATH_SIZE];
	unsigned number;
};

enum {
	CREATE,
	WRITE,
	APPEND,
	TRUNCATE,
	MKDIR,
	UNLINK,
	RMDIR,
	RENAME,
	NOREPLACE,
	EXCHANGE,
	LINK,
	SYMLINK,
	CHMOD,
	CHOWN,
	XATTR,
	UNXATTR,
	FIFO,
	READ,
	KINDS
};

static inline long write_file(const char *path, int flags, unsigned number)
{
	char text[64];
	int fd = open(path, flags, 0644);
	long result;

	if (fd < 0)
		return -1;
	snprintf(text, sizeof(text), "%u ", number);
	result = write(fd, text, strlen(text));
	close(fd);
	return result;
}

static inline long act(const struct operation *o, const char *path, const char *other)
{
	char value[32];

	snprintf(value, sizeof(value), "v%u", o->number);
	switch (o->kind) {
	case CREATE:
		return write_file(path, O_WRONLY | O_CREAT | O_EXCL, o->number);
	case WRITE:
		return write_file(path,
				  O_WRONLY | O_CREAT | (o->number & 1 ? O_TRUNC : 0) | O_NONBLOCK,
				  o->number);
	case APPEND:
		return write_file(path, O_WRONLY | O_APPEND | O_NONBLOCK, o->number);
	case TRUNCATE:
		return truncate(path, o->number % 5000);
	case MKDIR:
		return mkdir(path, 0700 | o->number % 64);
	case UNLINK:
		return unlink(path);
	case RMDIR:
		return rmdir(path);
	case RENAME:
		return rename(path, other);
	case NOREPLACE:
		return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 1);
	case EXCHANGE:
		return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 2);
	case LINK:
		return link(path, other);
	case SYMLINK:
		return symlink(value, path);
	case CHMOD:
		return fchmodat(AT_FDCWD, path, 0400 | o->number % 256, 0);
	case CHOWN:
		return lchown(path, o->number % 10, o->number % 7);
	case XATTR:
		return lsetxattr(path, "trusted.t", value, strlen(value), 0);
	case UNXATTR:
		return lremovexattr(path, "trusted.t");
	case FIFO:
		return mkfifo(path, 0600);
	default: {
		char buffer[8192];
		int fd = open(path, O_RDONLY | O_NONBLOCK);
		long size = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));

		if (fd >= 0)
			close(fd);
		return size;
	}
	}
}

static inline long act_in(const struct operation *o, const char *tree)
{
	char path[PATH_SIZE + 8], other[PATH_SIZE + 8];
	long result;

	snprintf(path, sizeof(path), "%s/%s", tree, o->path);
	snprintf(other, sizeof(other), "%s/%s", tree, o->other);
	errno = 0;
	result = act(o, path, other);
	return result < 0 ? -errno : result;
}

/* --- Comparing --- */

static inline bool same_file(const char *one, const char *other, const struct stat *a)
{
	static char left[65536], right[65536];

	if (S_ISREG(a->st_mode)) {
		ssize_t size = get_file(one, left, sizeof(left));

		return size == get_file(other, right, sizeof(right)) &&
		       memcmp(left, right, (size_t)size) == 0;
	}
	if (S_ISLNK(a->st_mode)) {
		ssize_t size = readlink(one, left, sizeof(left));

		return size == readlink(other, right, sizeof(right)) &&
		       memcmp(left, right, (size_t)size) == 0;
	}
	return true;
}

static inline bool same_attributes(const char *one, const char *other, const struct stat *a,
				   const struct stat *b)
{
	char left[64] = "", right[64] = "";
	ssize_t size = lgetxattr(one, "trusted.t", left, sizeof(left));

	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       (S_ISDIR(a->st_mode) || (a->st_nlink == b->st_nlink && a->st_size == b->st_size)) &&
	       size == lgetxattr(other, "trusted.t", right, sizeof(right)) &&
	       strcmp(left, right) == 0;
}

static inline bool same_tree(const char *one, const char *other)
{
	struct dirent **left, **right;
	int count = scandir(one, &left, NULL, alphasort);
	int other_count = scandir(other, &right, NULL, alphasort);
	bool same = count == other_count && count >= 0;

	if (!same)
		printf("# %s has %d names, %s %d\n", one, count, other, other_count);
	for (int i = 0; i < count; i++) {
		char a_path[300], b_path[300];
		struct stat a, b;

		if (i < other_count && same && left[i]->d_name[0] != '.') {
			snprintf(a_path, sizeof(a_path), "%s/%s", one, left[i]->d_name);
			snprintf(b_path, sizeof(b_path), "%s/%s", other, right[i]->d_name);
			same = strcmp(left[i]->d_name, right[i]->d_name) == 0 &&
			       lstat(a_path, &a) == 0 && lstat(b_path, &b) == 0 &&
			       same_attributes(a_path, b_path, &a, &b) &&
			       same_file(a_path, b_path, &a) && a.st_ino == left[i]->d_ino;
			if (!same)
				printf("# %s and %s are not the same\n", a_path, b_path);
			if (same && S_ISDIR(a.st_mode))
				same = same_tree(a_path, b_path);
		}
	}
	for (int i = 0; i < count; i++)
		free(left[i]);
	for (int i = 0; i < other_count; i++)
		free(right[i]);
	if (count >= 0)
		free(left);
	if (other_count >= 0)
		free(right);
	return same;
}

/* What the overlay shows, in an ordinary directory. */
static inline bool copy_tree(const char *from, const char *to)
{
	struct dirent **list;
	int count = scandir(from, &list, NULL, alphasort);
	bool good = count >= 0;

	for (int i = 0; i < count; i++) {
		char a[300], b[300], value[64];
		struct stat st;
		ssize_t size;

		snprintf(a, sizeof(a), "%s/%s", from, list[i]->d_name);
		snprintf(b, sizeof(b), "%s/%s", to, list[i]->d_name);
		if (list[i]->d_name[0] != '.' && lstat(a, &st) == 0) {
			if (S_ISDIR(st.st_mode)) {
				good &= mkdir(b, 0700) == 0 && copy_tree(a, b);
			} else if (S_ISLNK(st.st_mode)) {
				size = readlink(a, value, sizeof(value) - 1);
				value[size] = '\0';
				good &= symlink(value, b) == 0;
			} else {
				good &= copy_file(a, b, 0600) == 0;
			}
			if (!S_ISLNK(st.st_mode))
				good &= chmod(b, st.st_mode & 07777) == 0;
			size = lgetxattr(a, "trusted.t", value, sizeof(value));
			if (size >= 0)
				good &= lsetxattr(b, "trusted.t", value, (size_t)size, 0) == 0;
		}
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return good;
}

#endif
