/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getdents64: every name once, in directories of any size, while they change; and chroot and mount.
 */
#include "abi.h"

#include <sys/mount.h>
#include <dirent.h>

enum { MANY = 5000 };

struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static unsigned char seen[MANY];

/* Reads a directory in pieces of `size` bytes; counts the numbered names, others in `others`. */
static long count_names(int fd, size_t size, int *others)
{
	char *buf = map_pages(16);
	long n, count = 0;

	*others = 0;
	memset(seen, 0, sizeof(seen));
	while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0) {
		for (long at = 0; at < n;) {
			struct entry *e = (struct entry *)(buf + at);
			int number;
			if (sscanf(e->name, "file-%d", &number) == 1) {
				count++;
				seen[number]++;
			} else {
				(*others)++;
			}
			at += e->reclen;
		}
	}
	munmap(buf, 16 * PAGE);
	return n < 0 ? -1 : count;
}

static void small_directories(void)
{
	char buf[1024];
	struct stat st;
	bool dot = false, dotdot = false, typed = true;

	mkdir("d", 0755);
	put_file("d/file", "x", 1, 0644);
	mkdir("d/dir", 0755);
	symlink("x", "d/link");
	mkfifo("d/fifo", 0600);
	int fd = open("d", O_RDONLY | O_DIRECTORY);
	long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	ok(n > 0, "getdents64");
	for (long at = 0; at < n;) {
		struct entry *e = (struct entry *)(buf + at);
		dot |= strcmp(e->name, ".") == 0;
		dotdot |= strcmp(e->name, "..") == 0;
		typed &= e->type == (!strcmp(e->name, "file")   ? DT_REG
				     : !strcmp(e->name, "link") ? DT_LNK
				     : !strcmp(e->name, "fifo") ? DT_FIFO
								: DT_DIR);
		if (strcmp(e->name, "file") == 0 && stat("d/file", &st) == 0)
			is(e->ino, st.st_ino, "an entry has the file's inode number");
		ok(e->reclen % 8 == 0 && e->reclen >= 19 + strlen(e->name) + 1,
		   "the record of %s is long enough and aligned", e->name);
		at += e->reclen;
	}
	ok(dot && dotdot, ". and .. are there");
	ok(typed, "types are told");
	is(syscall(SYS_getdents64, fd, buf, sizeof(buf)), 0, "then comes the end");
	lseek(fd, 0, SEEK_SET);
	is(syscall(SYS_getdents64, fd, buf, sizeof(buf)), n, "lseek to 0 starts again");
	lseek(fd, 0, SEEK_SET);
	fails(syscall(SYS_getdents64, fd, buf, 10), EINVAL, "a buffer too small for one");
	fails(syscall(SYS_getdents64, fd, BAD_POINTER, 1024), EFAULT, "a bad buffer");
	close(fd);
	fd = open("d/file", O_RDONLY);
	fails(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOTDIR, "a file");
	close(fd);
	fails(syscall(SYS_getdents64, -1, buf, sizeof(buf)), EBADF, "nothing");
	fd = open("d/dir", O_RDONLY);
	rmdir("d/dir");
	n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	ok(n == 0 || (n == -1 && errno == ENOENT), "a removed directory has nothing to list");
	close(fd);
}

static bool each_once(void)
{
	for (int i = 0; i < MANY; i++)
		if (seen[i] != 1)
			return false;
	return true;
}

static void large_directories(void)
{
	char name[32];
	int made = 0, others, fd;

	mkdir("many", 0755);
	chdir("many");
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		made += fd >= 0;
		close(fd);
	}
	is(made, MANY, "five thousand files");
	fd = open(".", O_RDONLY);
	is(count_names(fd, 65536, &others), MANY, "are listed");
	ok(each_once() && others == 2, "each once");
	lseek(fd, 0, SEEK_SET);
	is(count_names(fd, 200, &others), MANY, "in small pieces as well");
	ok(each_once() && others == 2, "each once");
	close(fd);
}

/* Removes every file while the directory is read: none may be missed. */
static void deletion_while_reading(void)
{
	char buf[2048];
	int removed = 0, others;
	long n;

	int fd = open(".", O_RDONLY);
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			struct entry *e = (struct entry *)(buf + at);
			removed += unlink(e->name) == 0;
			at += e->reclen;
		}
	}
	is(removed, MANY, "all are met and removed while reading");
	close(fd);
	fd = open(".", O_RDONLY);
	is(count_names(fd, 4096, &others), 0, "none is left");
	is(others, 2, "but . and ..");
	close(fd);
	chdir("..");
	is(rmdir("many"), 0, "the directory is empty");
}

static void positions_can_be_kept(void)
{
	char name[16], buf[64], again[64];
	bool good = true;

	mkdir("pos", 0755);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "pos/%d", i);
		put_file(name, "", 0, 0600);
	}
	int fd = open("pos", O_RDONLY);
	long offset = 0, n;
	while (good && (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		lseek(fd, offset, SEEK_SET);
		good = syscall(SYS_getdents64, fd, again, sizeof(again)) == n &&
		       memcmp(buf, again, (size_t)n) == 0;
		for (long at = 0; at < n; at += ((struct entry *)(buf + at))->reclen)
			offset = ((struct entry *)(buf + at))->off;
	}
	ok(good, "lseek to an entry's position continues behind it");
	close(fd);
}

static void roots_change(void)
{
	char where[64];
	int st;

	mkdir("root", 0755);
	put_file("root/inner", "x", 1, 0644);
	symlink("/inner", "root/link");
	if (child(&st) == 0) {
		ok(chroot("root") == 0 && chdir("/") == 0, "chroot");
		is(access("/inner", F_OK), 0, "the new root's files are there");
		is(access("/../../inner", F_OK), 0, "and nothing is above it");
		is(access("/link", F_OK), 0, "absolute links start there");
		fails(access("/tmp", F_OK), ENOENT, "the old root is gone");
		is_str(getcwd(where, sizeof(where)), "/", "the working directory is /");
		_exit(0);
	}
	is(st, 0, "the child came to its end");
	ok(access("/tmp", F_OK) == 0, "the parent's root is the old one");
	fails(chroot("root/inner"), ENOTDIR, "chroot to a file");
	fails(chroot("none"), ENOENT, "to nothing");
}

static void file_systems_are_mounted(void)
{
	struct stat outer, inner;
	char text[4096];

	mkdir("m", 0755);
	put_file("m/below", "x", 1, 0644);
	stat("m", &outer);
	is(mount("tmp", "m", "tmpfs", 0, "size=1m"), 0, "mount of a tmpfs");
	stat("m", &inner);
	ok(outer.st_dev != inner.st_dev, "is another device");
	fails(access("m/below", F_OK), ENOENT, "and hides what was there");
	put_file("m/x", "x", 1, 0644);
	get_file("/proc/self/mounts", text, sizeof(text));
	ok(strstr(text, "/m tmpfs "), "/proc/self/mounts lists it");
	fails(rename("m/x", "x"), EXDEV, "no rename across");
	fails(rmdir("m"), EBUSY, "the mount point is busy");
	int fd = open("m/x", O_RDONLY);
	fails(umount("m"), EBUSY, "an open file keeps it");
	close(fd);
	fd = open("m/big", O_WRONLY | O_CREAT, 0600);
	char *block = map_pages(64);
	ssize_t n, sum = 0;
	while ((n = write(fd, block, 64 * PAGE)) > 0 && sum < (8 << 20))
		sum += n;
	ok(n == -1 && errno == ENOSPC && sum <= 1 << 20, "its size is limited: ENOSPC");
	close(fd);
	is(umount("m"), 0, "umount");
	is(access("m/below", F_OK), 0, "shows what was there");
	is(mount("p", "m", "proc", 0, NULL), 0, "mount of a proc");
	is(access("m/self/status", F_OK), 0, "works");
	is(umount2("m", MNT_DETACH), 0, "umount with MNT_DETACH");
	fails(umount("m"), EINVAL, "umount of no mount point");
	fails(mount("x", "m", "nosuchfs", 0, NULL), ENODEV, "an unknown file system");
	fails(mount("x", "none", "tmpfs", 0, NULL), ENOENT, "at nothing");
	fails(mount("x", "m/below", "tmpfs", 0, NULL), ENOTDIR, "at a file");
	is(mount("ro", "m", "tmpfs", MS_RDONLY, NULL), 0, "a read-only mount");
	fails(open("m/x", O_WRONLY | O_CREAT, 0600), EROFS, "is not written");
	fails(mkdir("m/d", 0700), EROFS, "nor changed");
	umount("m");
}

int main(void)
{
	scratch();
	small_directories();
	large_directories();
	deletion_while_reading();
	positions_can_be_kept();
	roots_change();
	file_systems_are_mounted();
	return done();
}
