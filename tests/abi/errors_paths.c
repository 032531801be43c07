/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The errors that calls on paths have in common: each call and each error, by name.
 */
#include "abi.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#define REFUSES(call, error) fails(call, error, #call)

static struct stat status;
static char text[64], buffer[512];
static char *const no_words[] = {NULL};

static long statx_of(const char *path)
{
	return syscall(SYS_statx, AT_FDCWD, path, 0, 0x7ff, buffer);
}

static void loops(void)
{
	is(symlink("loop", "loop"), 0, "a loop");
	REFUSES(open("loop", O_RDONLY), ELOOP);
	REFUSES(stat("loop", &status), ELOOP);
	REFUSES(lstat("loop/x", &status), ELOOP);
	REFUSES(statx_of("loop"), ELOOP);
	REFUSES(access("loop", F_OK), ELOOP);
	REFUSES(faccessat(AT_FDCWD, "loop", F_OK, 0), ELOOP);
	REFUSES(chmod("loop", 0600), ELOOP);
	REFUSES(chown("loop", 0, 0), ELOOP);
	REFUSES(chdir("loop"), ELOOP);
	REFUSES(mkdir("loop/x", 0700), ELOOP);
	REFUSES(rmdir("loop/x"), ELOOP);
	REFUSES(unlink("loop/x"), ELOOP);
	REFUSES(readlink("loop/x", text, sizeof(text)), ELOOP);
	REFUSES(rename("loop/x", "y"), ELOOP);
	REFUSES(symlink("x", "loop/x"), ELOOP);
	REFUSES(link("file", "loop/x"), ELOOP);
	REFUSES(truncate("loop", 0), ELOOP);
	REFUSES(mknod("loop/x", S_IFREG | 0600, 0), ELOOP);
	REFUSES(execve("loop", no_words, no_words), ELOOP);
}

static void long_names(void)
{
	static char name[300];

	memset(name, 'n', sizeof(name) - 1);
	REFUSES(open(name, O_RDONLY), ENAMETOOLONG);
	REFUSES(stat(name, &status), ENAMETOOLONG);
	REFUSES(lstat(name, &status), ENAMETOOLONG);
	REFUSES(statx_of(name), ENAMETOOLONG);
	REFUSES(access(name, F_OK), ENAMETOOLONG);
	REFUSES(faccessat(AT_FDCWD, name, F_OK, 0), ENAMETOOLONG);
	REFUSES(chmod(name, 0600), ENAMETOOLONG);
	REFUSES(chown(name, 0, 0), ENAMETOOLONG);
	REFUSES(chdir(name), ENAMETOOLONG);
	REFUSES(mkdir(name, 0700), ENAMETOOLONG);
	REFUSES(rmdir(name), ENAMETOOLONG);
	REFUSES(unlink(name), ENAMETOOLONG);
	REFUSES(readlink(name, text, sizeof(text)), ENAMETOOLONG);
	REFUSES(rename(name, "y"), ENAMETOOLONG);
	REFUSES(symlink("x", name), ENAMETOOLONG);
	REFUSES(link("file", name), ENAMETOOLONG);
	REFUSES(truncate(name, 0), ENAMETOOLONG);
	REFUSES(mknod(name, S_IFREG | 0600, 0), ENAMETOOLONG);
	REFUSES(execve(name, no_words, no_words), ENAMETOOLONG);
}

static void no_folders(void)
{
	REFUSES(open("file/x", O_RDONLY), ENOTDIR);
	REFUSES(stat("file/x", &status), ENOTDIR);
	REFUSES(lstat("file/x", &status), ENOTDIR);
	REFUSES(statx_of("file/x"), ENOTDIR);
	REFUSES(access("file/x", F_OK), ENOTDIR);
	REFUSES(chmod("file/x", 0600), ENOTDIR);
	REFUSES(chown("file/x", 0, 0), ENOTDIR);
	REFUSES(chdir("file"), ENOTDIR);
	REFUSES(mkdir("file/x", 0700), ENOTDIR);
	REFUSES(rmdir("file"), ENOTDIR);
	REFUSES(unlink("file/x"), ENOTDIR);
	REFUSES(readlink("file/x", text, sizeof(text)), ENOTDIR);
	REFUSES(rename("file/x", "y"), ENOTDIR);
	REFUSES(symlink("x", "file/x"), ENOTDIR);
	REFUSES(link("file", "file/x"), ENOTDIR);
	REFUSES(truncate("file/x", 0), ENOTDIR);
	REFUSES(mknod("file/x", S_IFREG | 0600, 0), ENOTDIR);
	REFUSES(execve("file/x", no_words, no_words), ENOTDIR);
}

static void bad_pointers(void)
{
	const char *bad = BAD_POINTER;

	REFUSES(open(bad, O_RDONLY), EFAULT);
	REFUSES(stat(bad, &status), EFAULT);
	REFUSES(syscall(SYS_lstat, "file", BAD_POINTER), EFAULT);
	REFUSES(statx_of(bad), EFAULT);
	REFUSES(access(bad, F_OK), EFAULT);
	REFUSES(faccessat(AT_FDCWD, bad, F_OK, 0), EFAULT);
	REFUSES(chmod(bad, 0600), EFAULT);
	REFUSES(chown(bad, 0, 0), EFAULT);
	REFUSES(chdir(bad), EFAULT);
	REFUSES(mkdir(bad, 0700), EFAULT);
	REFUSES(rmdir(bad), EFAULT);
	REFUSES(unlink(bad), EFAULT);
	REFUSES(readlink(bad, text, sizeof(text)), EFAULT);
	REFUSES(rename(bad, "y"), EFAULT);
	REFUSES(symlink(bad, "y"), EFAULT);
	REFUSES(link("file", bad), EFAULT);
	REFUSES(truncate(bad, 0), EFAULT);
	REFUSES(mknod(bad, S_IFREG | 0600, 0), EFAULT);
	REFUSES(execve(bad, no_words, no_words), EFAULT);
}

static void bad_descriptors(void)
{
	REFUSES(openat(999, "x", O_RDONLY), EBADF);
	REFUSES(fstatat(999, "x", &status, 0), EBADF);
	REFUSES(syscall(SYS_statx, 999, "x", 0, 0x7ff, buffer), EBADF);
	REFUSES(faccessat(999, "x", F_OK, 0), EBADF);
	REFUSES(fchmodat(999, "x", 0600, 0), EBADF);
	REFUSES(fchownat(999, "x", 0, 0, 0), EBADF);
	REFUSES(fchdir(999), EBADF);
	REFUSES(mkdirat(999, "x", 0700), EBADF);
	REFUSES(unlinkat(999, "x", 0), EBADF);
	REFUSES(readlinkat(999, "x", text, sizeof(text)), EBADF);
	REFUSES(renameat(999, "x", AT_FDCWD, "y"), EBADF);
	REFUSES(symlinkat("x", 999, "y"), EBADF);
	REFUSES(linkat(999, "x", AT_FDCWD, "y", 0), EBADF);
	REFUSES(linkat(AT_FDCWD, "file", AT_FDCWD, "y", 1), EINVAL);
	REFUSES(mknodat(999, "x", S_IFREG | 0600, 0), EBADF);
	REFUSES(syscall(SYS_execveat, 999, "x", no_words, no_words, 0), EBADF);
}

static void without_permission(void)
{
	int child_status;

	is(mkdir("locked", 0700) | put_file("locked/x", "", 0, 0666), 0, "a folder for root alone");
	is(mkdir("sticky", 0777) | chmod("sticky", 01777), 0, "one where names have owners");
	is(put_file("sticky/theirs", "", 0, 0666) | mkdir("sticky/folder", 0777), 0,
	   "root's names");
	is(chmod(".", 0755) | chmod("file", 0644), 0, "others may look");
	if (child(&child_status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		REFUSES(open("locked/x", O_RDONLY), EACCES);
		REFUSES(open("file", O_RDONLY | O_NOATIME), EPERM);
		REFUSES(stat("locked/x", &status), EACCES);
		REFUSES(statx_of("locked/x"), EACCES);
		REFUSES(access("locked/x", F_OK), EACCES);
		REFUSES(chmod("locked/x", 0600), EACCES);
		REFUSES(chmod("file", 0600), EPERM);
		REFUSES(chown("locked/x", 1000, 1000), EACCES);
		REFUSES(chown("file", 1000, 1000), EPERM);
		REFUSES(chdir("locked"), EACCES);
		REFUSES(mkdir("x", 0700), EACCES);
		REFUSES(rmdir("locked/x"), EACCES);
		REFUSES(rmdir("sticky/folder"), EPERM);
		REFUSES(unlink("file"), EACCES);
		REFUSES(unlink("sticky/theirs"), EPERM);
		REFUSES(readlink("locked/x", text, sizeof(text)), EACCES);
		REFUSES(rename("file", "y"), EACCES);
		REFUSES(rename("sticky/theirs", "sticky/mine"), EPERM);
		REFUSES(symlink("x", "y"), EACCES);
		REFUSES(link("sticky/theirs", "y"), EACCES);
		REFUSES(truncate("file", 0), EACCES);
		REFUSES(mknod("x", S_IFREG | 0600, 0), EACCES);
		REFUSES(mknod("sticky/x", S_IFCHR | 0600, makedev(1, 3)), EPERM);
		REFUSES(execve("file", no_words, no_words), EACCES);
		_exit(0);
	}
	is(child_status, EXITED(0), "the child ends");
	REFUSES(link("sticky", "y"), EPERM);
}

static int bind_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int result = bind(fd, (struct sockaddr *)&address, sizeof(address)), saved = errno;
	close(fd);
	errno = saved;
	return result;
}

static void sockets(void)
{
	int child_status;

	fails(bind_to("file/x"), ENOTDIR, "bind: no folder");
	fails(bind_to("loop/x"), ELOOP, "bind: a loop");
	if (child(&child_status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		fails(bind_to("x"), EACCES, "bind: where one may not write");
		_exit(0);
	}
	is(child_status, EXITED(0), "the child ends");
}

static void read_only(void)
{
	is(unshare(CLONE_NEWNS), 0, "mounts of one's own");
	is(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0, "private ones");
	is(mkdir("ro", 0755), 0, "a folder");
	is(mount("none", "ro", "tmpfs", 0, NULL), 0, "for a file system");
	is(mkdir("ro/d", 0755) | put_file("ro/x", "", 0, 0755), 0, "with a few names");
	is(symlink("x", "ro/l"), 0, "of all kinds");
	REFUSES(unlinkat(AT_FDCWD, "ro", AT_REMOVEDIR), EBUSY);
	is(mount(NULL, "ro", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0, "that is read-only now");
	REFUSES(open("ro/x", O_WRONLY), EROFS);
	REFUSES(open("ro/y", O_WRONLY | O_CREAT, 0600), EROFS);
	REFUSES(access("ro/x", W_OK), EROFS);
	REFUSES(chmod("ro/x", 0600), EROFS);
	REFUSES(chown("ro/x", 0, 0), EROFS);
	REFUSES(mkdir("ro/y", 0700), EROFS);
	REFUSES(rmdir("ro/d"), EROFS);
	REFUSES(unlink("ro/x"), EROFS);
	REFUSES(rename("ro/x", "ro/y"), EROFS);
	REFUSES(symlink("x", "ro/y"), EROFS);
	REFUSES(link("ro/x", "ro/y"), EROFS);
	REFUSES(truncate("ro/x", 0), EROFS);
	REFUSES(mknod("ro/y", S_IFREG | 0600, 0), EROFS);
	fails(bind_to("ro/y"), EROFS, "bind: on a read-only file system");
	is(umount("ro"), 0, "gone");
}

static void full(void)
{
	is(mount("none", "ro", "tmpfs", 0, "nr_inodes=3"), 0, "a file system for few files");
	is(put_file("ro/a", "", 0, 0600) | put_file("ro/b", "", 0, 0600), 0, "that is full");
	REFUSES(open("ro/c", O_WRONLY | O_CREAT, 0600), ENOSPC);
	REFUSES(mkdir("ro/c", 0700), ENOSPC);
	REFUSES(symlink("x", "ro/c"), ENOSPC);
	REFUSES(mknod("ro/c", S_IFREG | 0600, 0), ENOSPC);
	is(umount("ro"), 0, "gone");
}

int main(void)
{
	scratch();
	is(put_file("file", "", 0, 0644), 0, "a file");
	loops();
	long_names();
	no_folders();
	bad_pointers();
	bad_descriptors();
	without_permission();
	sockets();
	read_only();
	full();
	return done();
}
