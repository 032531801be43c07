/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open and openat: every flag and every refusal; O_PATH, O_TMPFILE, O_APPEND; and the walk along a
 * path.
 */
#include "abi.h"

#include <limits.h>

static void files_are_created(void)
{
	struct stat st;
	int fd;

	umask(022);
	fails(open("new", O_RDONLY), ENOENT, "a missing file");
	fd = open("new", O_RDWR | O_CREAT, 0666);
	ok(fd > 2, "O_CREAT makes it");
	is(fstat(fd, &st), 0, "fstat");
	is(st.st_mode, S_IFREG | 0644, "a regular file, its mode cut by umask");
	ok(st.st_size == 0 && st.st_nlink == 1 && st.st_uid == 0, "empty, one link, root's");
	is(close(fd), 0, "close");
	fails(close(fd), EBADF, "once");
	fails(open("new", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST, "O_EXCL refuses what exists");
	symlink("nowhere", "dangling");
	fails(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST, "even a dangling link");
	fd = open("dangling", O_RDWR | O_CREAT, 0600);
	ok(fd >= 0 && stat("nowhere", &st) == 0, "without it the link's target is made");
	close(fd);
	fd = open("readonly", O_RDWR | O_CREAT, 0400);
	is(write(fd, "x", 1), 1, "a file made read-only is still written by its maker");
	close(fd);
}

static void truncation(void)
{
	struct stat st;

	put_file("t", "content", 7, 0644);
	int fd = open("t", O_WRONLY | O_TRUNC);
	ok(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0, "O_TRUNC empties a file");
	fails(read(fd, &st, 1), EBADF, "a write-only descriptor is not read");
	close(fd);
	fd = open("t", O_RDONLY);
	fails(write(fd, "x", 1), EBADF, "a read-only one is not written");
	close(fd);
}

static void directories(void)
{
	char c;

	mkdir("d", 0755);
	fails(open("d", O_RDWR), EISDIR, "a directory is not opened for writing");
	fails(open("d", O_RDONLY | O_CREAT, 0644), EISDIR, "nor with O_CREAT");
	fails(open("t", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY refuses a file");
	int fd = open("d", O_RDONLY | O_DIRECTORY);
	ok(fd >= 0, "and takes a directory");
	fails(read(fd, &c, 1), EISDIR, "which read refuses");
	close(fd);
	fails(open("d/", O_RDWR | O_CREAT, 0644), EISDIR, "a created name with a slash is EISDIR");
	fails(open("t/", O_RDONLY), ENOTDIR, "a file with a slash is ENOTDIR");
	fails(open("none/", O_RDWR | O_CREAT, 0644), EISDIR, "a new file with a slash is EISDIR");
}

static void links(void)
{
	char name[32], target[32];

	symlink("t", "link");
	fails(open("link", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW refuses a link");
	symlink("a", "b");
	symlink("b", "a");
	fails(open("a", O_RDONLY), ELOOP, "two links that name each other");
	symlink("t", "chain0");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "chain%d", i);
		snprintf(target, sizeof(target), "chain%d", i - 1);
		symlink(target, name);
	}
	int fd = open("chain39", O_RDONLY);
	ok(fd >= 0, "forty links in a row are followed");
	close(fd);
	fails(open("chain40", O_RDONLY), ELOOP, "forty-one are not");
	symlink("d", "dlink");
	fd = open("dlink/../t", O_RDONLY);
	ok(fd >= 0, "a link to a directory is walked through");
	close(fd);
}

static void long_names(void)
{
	static char name[300], path[5000];

	memset(name, 'n', 255);
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	ok(fd >= 0, "a name of 255 bytes");
	close(fd);
	name[255] = 'n';
	fails(open(name, O_RDWR | O_CREAT, 0600), ENAMETOOLONG, "one of 256 is too long");
	fails(mkdir(name, 0700), ENAMETOOLONG, "for mkdir too");
	for (int i = 0; i < 4092; i += 2)
		memcpy(path + i, "./", 2);
	strcpy(path + 4092, "t");
	fd = open(path, O_RDONLY);
	ok(fd >= 0, "a path of 4093 bytes");
	close(fd);
	strcpy(path + 4092, "././t");
	fails(open(path, O_RDONLY), ENAMETOOLONG, "one of 4097 is too long");
	fails(open("", O_RDONLY), ENOENT, "an empty path");
	fails(open("t/x", O_RDONLY), ENOTDIR, "a file as a directory");
	fails(open("none/x", O_RDWR | O_CREAT, 0600), ENOENT, "a missing directory");
	fd = open("//tmp///../tmp/.", O_RDONLY);
	ok(fd >= 0, "slashes, dots and double dots");
	close(fd);
	fd = open("/../../..", O_RDONLY);
	ok(fd >= 0, "the parent of the root is the root");
	close(fd);
	fails(syscall(SYS_open, BAD_POINTER, O_RDONLY, 0), EFAULT, "a bad path");
	fails(syscall(SYS_open, KERNEL_POINTER, O_RDONLY, 0), EFAULT, "a kernel path");
}

static void relative_to_a_descriptor(void)
{
	int dir = open("d", O_RDONLY | O_DIRECTORY), file = open("t", O_RDONLY);

	int fd = openat(dir, "inside", O_RDWR | O_CREAT, 0600);
	ok(fd >= 0 && access("d/inside", F_OK) == 0, "openat makes a file in a directory");
	close(fd);
	fails(openat(file, "inside", O_RDONLY), ENOTDIR, "relative to a file");
	fails(openat(-1, "inside", O_RDONLY), EBADF, "relative to nothing");
	fd = openat(-1, "/tmp", O_RDONLY);
	ok(fd >= 0, "an absolute path needs no directory");
	close(fd);
	fd = openat(AT_FDCWD, "t", O_RDONLY);
	ok(fd >= 0, "AT_FDCWD is the working directory");
	close(fd);
	rmdir("gone");
	mkdir("gone", 0755);
	fd = open("gone", O_RDONLY);
	rmdir("gone");
	fails(openat(fd, "x", O_RDWR | O_CREAT, 0600), ENOENT, "in a removed directory");
	close(fd);
	close(dir);
	close(file);
}

static void append_writes_at_the_end(void)
{
	char buf[16];

	put_file("ap", "abc", 3, 0644);
	int fd = open("ap", O_RDWR | O_APPEND), other = open("ap", O_WRONLY | O_APPEND);
	lseek(fd, 0, SEEK_SET);
	is(write(fd, "d", 1), 1, "a write with O_APPEND");
	is(lseek(fd, 0, SEEK_CUR), 4, "goes to the end and takes the offset along");
	(void)!write(other, "e", 1);
	(void)!write(fd, "f", 1);
	is(pwrite(fd, "g", 1, 0), 1, "pwrite as well");
	get_file("ap", buf, sizeof(buf));
	is_str(buf, "abcdefg", "nothing is overwritten");
	close(fd);
	close(other);
}

static void nameless_files(void)
{
	char path[64];
	struct stat st;

	int fd = open(".", O_RDWR | O_TMPFILE, 0600);
	if (!ok(fd >= 0, "O_TMPFILE"))
		return;
	is(write(fd, "hello", 5), 5, "can be written");
	fstat(fd, &st);
	is(st.st_nlink, 0, "has no name");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	is(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0, "linkat names it");
	fstat(fd, &st);
	is(st.st_nlink, 1, "then it has one link");
	close(fd);
	fails(open(".", O_RDONLY | O_TMPFILE, 0600), EINVAL, "O_TMPFILE wants to write");
	fails(open("t", O_RDWR | O_TMPFILE, 0600), ENOTDIR, "and a directory");
	fd = open(".", O_RDWR | O_TMPFILE | O_EXCL, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fails(linkat(AT_FDCWD, path, AT_FDCWD, "no", AT_SYMLINK_FOLLOW), ENOENT,
	      "with O_EXCL it stays nameless");
	close(fd);
}

static void path_descriptors(void)
{
	struct stat st;
	char c, target[16];

	int fd = open("t", O_PATH);
	ok(fd >= 0, "O_PATH");
	fails(read(fd, &c, 1), EBADF, "is not read");
	fails(write(fd, "x", 1), EBADF, "nor written");
	fails(syscall(SYS_fchmod, fd, 0600), EBADF, "nor changed");
	is(fstat(fd, &st), 0, "fstat works");
	is(fcntl(fd, F_GETFL) & O_PATH, O_PATH, "F_GETFL tells");
	close(fd);
	fd = open("link", O_PATH | O_NOFOLLOW);
	ok(fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode), "a link itself is opened");
	is(readlinkat(fd, "", target, sizeof(target)), 1, "and read with an empty path");
	close(fd);
	fd = open("d", O_PATH | O_DIRECTORY);
	int inside = openat(fd, "inside", O_RDONLY);
	ok(inside >= 0, "a directory of O_PATH can be walked from");
	close(inside);
	is(fchdir(fd), 0, "and changed to");
	(void)!chdir("..");
	close(fd);
}

static void lowest_descriptor_is_taken(void)
{
	int a = open("t", O_RDONLY), b = open("t", O_RDONLY), c = open("t", O_RDONLY);

	ok(b == a + 1 && c == b + 1, "descriptors are given in order");
	close(b);
	is(open("t", O_RDONLY), b, "the lowest free one is taken");
	close(a);
	close(b);
	close(c);
	int fd = open("t", O_RDONLY | O_CLOEXEC);
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "O_CLOEXEC");
	close(fd);
	fd = open("t", O_RDWR | O_NONBLOCK | O_APPEND);
	is(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND | O_CREAT),
	   O_RDWR | O_NONBLOCK | O_APPEND, "F_GETFL shows the status flags");
	close(fd);
	fd = creat("made", 0640);
	ok(fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY, "creat opens for writing");
	close(fd);
}

int main(void)
{
	scratch();
	files_are_created();
	truncation();
	directories();
	links();
	long_names();
	relative_to_a_descriptor();
	append_writes_at_the_end();
	nameless_files();
	path_descriptors();
	lowest_descriptor_is_taken();
	return done();
}
