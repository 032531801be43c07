/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files by directory and name, the older calls for the same, times, extended attributes, and what
 * makes data safe.
 */
#include "abi.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

static struct stat st;

static int mode_of(const char *name)
{
	return lstat(name, &st) == 0 ? (int)st.st_mode : -1;
}

static void names_below_directories(void)
{
	mkdir("d", 0755);
	int dir = open("d", O_RDONLY | O_DIRECTORY);
	int file = open("plain", O_RDWR | O_CREAT, 0644);

	is(mkdirat(dir, "sub", 0750), 0, "mkdirat");
	is(mode_of("d/sub"), S_IFDIR | 0750, "makes a directory");
	fails(mkdirat(dir, "sub", 0750), EEXIST, "once");
	fails(mkdirat(file, "x", 0750), ENOTDIR, "not below a file");
	fails(mkdirat(-1, "x", 0750), EBADF, "nor below nothing");
	is(mkdirat(-1, "/tmp", 0750) == -1 && errno == EEXIST, 1,
	   "which an absolute name does not need");
	is(mknodat(dir, "fifo", S_IFIFO | 0600, 0), 0, "mknodat");
	is(mode_of("d/fifo"), S_IFIFO | 0600, "makes a fifo");
	is(mknodat(dir, "null", S_IFCHR | 0600, makedev(1, 3)), 0, "and a device");
	is(lstat("d/null", &st) == 0 && st.st_rdev == makedev(1, 3), 1, "with its number");
	fails(mknodat(dir, "x", S_IFDIR | 0600, 0), EPERM, "but no directory");
	fails(mknodat(dir, "x", 0170000 | 0600, 0), EINVAL, "nor what there is not");
	is(symlinkat("../plain", dir, "link"), 0, "symlinkat");
	fails(symlinkat("", dir, "empty"), ENOENT, "to nothing");
	fails(symlinkat("x", dir, "link"), EEXIST, "over a name that is there");
	is(fchmodat(dir, "link", 0600, 0), 0, "fchmodat");
	is(mode_of("plain"), S_IFREG | 0600, "follows a link");
	fails(fchmodat(dir, "none", 0600, 0), ENOENT, "to something");
	is(syscall(SYS_faccessat, dir, "link", R_OK | W_OK), 0, "faccessat");
	fails(syscall(SYS_faccessat, dir, "none", F_OK), ENOENT, "asks for what is there");
	fails(syscall(SYS_faccessat, dir, "link", 8), EINVAL, "with bits that it knows");
	fails(syscall(SYS_faccessat, file, "x", F_OK), ENOTDIR, "below a directory");
	close(file);
	close(dir);
}

static void times(void)
{
	struct timeval both[2] = {{.tv_sec = 1000, .tv_usec = 500000}, {.tv_sec = 2000}};
	struct utimbuf old = {.actime = 11, .modtime = 22};
	int dir = open("d", O_RDONLY | O_DIRECTORY);

	is(utimes("plain", both), 0, "utimes");
	stat("plain", &st);
	is(st.st_atim.tv_sec, 1000, "sets the time of access");
	is(st.st_atim.tv_nsec, 500000000, "to the microsecond");
	is(st.st_mtim.tv_sec, 2000, "and of change");
	both[1].tv_usec = 1000000;
	fails(utimes("plain", both), EINVAL, "a second has a million of them");
	both[1].tv_usec = 0;
	is(syscall(SYS_futimesat, dir, "link", both), 0, "futimesat");
	is(syscall(SYS_utime, "plain", &old), 0, "utime");
	stat("plain", &st);
	is(st.st_atim.tv_sec, 11, "sets the time of access");
	is(st.st_mtim.tv_sec, 22, "and of change");
	fails(syscall(SYS_utime, "none", &old), ENOENT, "of a file");
	fails(syscall(SYS_utime, "plain", BAD_POINTER), EFAULT, "from memory");
	is(syscall(SYS_utime, "plain", NULL), 0, "or to now");
	stat("plain", &st);
	ok(st.st_mtim.tv_sec > 100000, "which is later");
	close(dir);
}

/* In a tmpfs, which both kernels have. */
static void attributes(void)
{
	char value[16];

	mkdir("t", 0755);
	mount("t", "t", "tmpfs", 0, NULL);
	put_file("t/f", "x", 1, 0644);
	symlink("f", "t/l");
	int fd = open("t/f", O_RDWR);
	is(setxattr("t/l", "trusted.one", "1", 1, 0), 0, "setxattr");
	is(getxattr("t/f", "trusted.one", value, sizeof(value)), 1, "getxattr");
	is(value[0], '1', "gives what was set");
	is(getxattr("t/f", "trusted.one", NULL, 0), 1, "or its size");
	is(lsetxattr("t/l", "trusted.link", "link", 4, XATTR_CREATE), 0, "lsetxattr");
	fails(lsetxattr("t/l", "trusted.link", "link", 4, XATTR_CREATE), EEXIST, "once");
	fails(lgetxattr("t/l", "trusted.one", value, sizeof(value)), ENODATA, "lgetxattr");
	is(fsetxattr(fd, "trusted.one", "22", 2, XATTR_REPLACE), 0, "fsetxattr");
	fails(fsetxattr(fd, "trusted.two", "22", 2, XATTR_REPLACE), ENODATA, "replaces");
	fails(fgetxattr(fd, "trusted.one", value, 1), ERANGE, "fgetxattr, with too little room");
	is(fgetxattr(fd, "trusted.one", value, sizeof(value)), 2, "and enough");
	char list[64];
	is(listxattr("t/f", list, sizeof(list)), sizeof("trusted.one"), "listxattr");
	is_str(list, "trusted.one", "has the name");
	is(flistxattr(fd, NULL, 0), sizeof("trusted.one"), "flistxattr");
	is(llistxattr("t/l", list, sizeof(list)), sizeof("trusted.link"), "llistxattr");
	fails(listxattr("t/f", list, 3), ERANGE, "with too little room");
	fails(setxattr("t/f", "nonsense", "1", 1, 0), EOPNOTSUPP, "a name without a family");
	fails(setxattr("t/f", "trusted.one", "1", 1, 8), EINVAL, "unknown flags");
	fails(setxattr("t/f", "trusted.one", BAD_POINTER, 1, 0), EFAULT, "no memory");
	fails(getxattr("none", "trusted.one", value, 1), ENOENT, "no file");
	fails(fremovexattr(fd, "trusted.none"), ENODATA, "fremovexattr");
	is(removexattr("t/f", "trusted.one"), 0, "removexattr");
	fails(getxattr("t/f", "trusted.one", value, 1), ENODATA, "takes it away");
	is(lremovexattr("t/l", "trusted.link"), 0, "lremovexattr");
	is(llistxattr("t/l", NULL, 0), 0, "leaves none");
	fails(fgetxattr(-1, "trusted.one", value, 1), EBADF, "no descriptor");
	close(fd);
	umount("t");
}

struct how {
	uint64_t flags, mode, resolve;
};

static void openat2_calls(void)
{
	struct how how = {.flags = O_RDONLY, .resolve = 8 /* RESOLVE_BENEATH */};
	int dir = open("d", O_RDONLY | O_DIRECTORY);

	fails(syscall(SYS_openat2, dir, "link", &how, sizeof(how)), EXDEV,
	      "openat2: not out of the directory");
	how.resolve = 4; /* RESOLVE_NO_SYMLINKS */
	fails(syscall(SYS_openat2, dir, "link", &how, sizeof(how)), ELOOP, "not through a link");
	how.resolve = 0;
	int fd = (int)syscall(SYS_openat2, dir, "link", &how, sizeof(how));
	ok(fd >= 0, "openat2");
	close(fd);
	how.mode = 0600;
	fails(syscall(SYS_openat2, dir, "link", &how, sizeof(how)), EINVAL,
	      "a mode for nothing new");
	how.mode = 0;
	how.resolve = 1 << 20;
	fails(syscall(SYS_openat2, dir, "link", &how, sizeof(how)), EINVAL, "an unknown way");
	how.resolve = 0;
	fails(syscall(SYS_openat2, dir, "link", &how, 8UL), EINVAL, "too small");
	struct {
		struct how how;
		uint64_t more;
	} large = {.how = how, .more = 1};
	fails(syscall(SYS_openat2, dir, "link", &large, sizeof(large)), E2BIG,
	      "more than is known");
	large.more = 0;
	fd = (int)syscall(SYS_openat2, dir, "link", &large, sizeof(large));
	ok(fd >= 0, "unless it is zero");
	close(fd);
	/* RESOLVE_IN_ROOT: "/plain" is below the directory. */
	how.resolve = 16;
	fails(syscall(SYS_openat2, dir, "/plain", &how, sizeof(how)), ENOENT,
	      "with a root of its own");
	close(dir);
}

static void safe_data(void)
{
	char buf[16];
	struct iovec vector = {.iov_base = "data", .iov_len = 4};
	int fd = open("plain", O_RDWR), fifo = open("d/fifo", O_RDWR);

	is(syscall(SYS_pwritev2, fd, &vector, 1, 2L, 0L, 2 /* RWF_DSYNC */), 4, "pwritev2");
	is(pread(fd, buf, sizeof(buf), 0), 6, "writes where it should");
	fails(syscall(SYS_pwritev2, fd, &vector, 1, 0L, 0L, 1 << 20), EOPNOTSUPP,
	      "with flags that it knows");
	is(syncfs(fd), 0, "syncfs");
	fails(syncfs(-1), EBADF, "of a descriptor");
	is(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE), 0, "sync_file_range");
	fails(sync_file_range(fd, -1, 0, 0), EINVAL, "not before the file");
	fails(sync_file_range(fd, 0, 0, 8), EINVAL, "unknown flags");
	fails(sync_file_range(fifo, 0, 0, 0), ESPIPE, "nor of a pipe");
	is(readahead(fd, 0, PAGE), 0, "readahead");
	fails(readahead(fifo, 0, PAGE), EINVAL, "of a file");
	fails(readahead(-1, 0, PAGE), EBADF, "that is open");
	close(fifo);
	close(fd);
}

static void old_directories(void)
{
	char buf[1024];
	int dir = open("d", O_RDONLY | O_DIRECTORY), fd = open("plain", O_RDONLY);
	long n = syscall(SYS_getdents, dir, buf, sizeof(buf));
	bool found = false;

	ok(n > 0, "getdents");
	for (long at = 0; at < n; at += *(uint16_t *)(buf + at + 16))
		found = found || strcmp(buf + at + 18, "fifo") == 0;
	ok(found, "has the names");
	is(syscall(SYS_getdents, dir, buf, sizeof(buf)), 0, "and ends");
	fails(syscall(SYS_getdents, fd, buf, sizeof(buf)), ENOTDIR, "of a directory");
	lseek(dir, 0, SEEK_SET);
	fails(syscall(SYS_getdents, dir, buf, 8UL), EINVAL, "with room for one");
	close(fd);
	close(dir);
}

/* The old root goes below the new one. */
static void another_root(void)
{
	mkdir("new", 0755);
	mount("new", "new", "tmpfs", 0, NULL);
	mkdir("new/old", 0755);
	fails(syscall(SYS_pivot_root, "none", "new/old"), ENOENT, "pivot_root to nothing");
	fails(syscall(SYS_pivot_root, "new/old", "new/old"), EINVAL, "to what is no mount point");
	fails(syscall(SYS_pivot_root, "new", "d"), EINVAL, "with the old root not below");
	umount("new");
}

int main(void)
{
	scratch();
	umask(0);
	names_below_directories();
	times();
	attributes();
	openat2_calls();
	safe_data();
	old_directories();
	another_root();
	return done();
}
