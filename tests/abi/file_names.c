/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: mkdir, rmdir, link, symlink, readlink, unlink, rename with its flags, and the working
 * directory.
 */
#include "abi.h"

#include <limits.h>

enum { NOREPLACE = 1, EXCHANGE = 2 };

static long renameat2_(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static long links_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? (long)st.st_nlink : -1;
}

static void put(const char *path)
{
	put_file(path, path, strlen(path), 0644);
}

static void directories_come_and_go(void)
{
	struct stat st;

	umask(022);
	is(mkdir("d", 0777), 0, "mkdir");
	is(stat("d", &st), 0, "stat");
	is(st.st_mode, S_IFDIR | 0755, "a directory, its mode cut by umask");
	is(st.st_nlink, 2, "with two links");
	is(mkdir("d/sub/", 0700), 0, "a trailing slash is fine for mkdir");
	is(links_of("d"), 3, "a subdirectory is a link more");
	fails(mkdir("d", 0700), EEXIST, "mkdir of what exists");
	fails(mkdir("none/d", 0700), ENOENT, "in a missing directory");
	put("f");
	fails(mkdir("f", 0700), EEXIST, "over a file");
	fails(mkdir("f/d", 0700), ENOTDIR, "in a file");
	fails(mkdir("", 0700), ENOENT, "without a name");
	fails(mkdir("/", 0700), EEXIST, "of the root");
	fails(rmdir("d"), ENOTEMPTY, "rmdir of a directory with content");
	fails(rmdir("f"), ENOTDIR, "rmdir of a file");
	fails(rmdir("none"), ENOENT, "rmdir of nothing");
	fails(rmdir("d/."), EINVAL, "rmdir of .");
	fails(rmdir("d/sub/.."), ENOTEMPTY, "rmdir of ..");
	fails(unlink("d"), EISDIR, "unlink of a directory");
	is(rmdir("d/sub"), 0, "rmdir");
	is(links_of("d"), 2, "takes its link away");
	is(syscall(SYS_unlinkat, AT_FDCWD, "d", AT_REMOVEDIR), 0, "unlinkat with AT_REMOVEDIR");
	fails(syscall(SYS_unlinkat, AT_FDCWD, "f", 0x77), EINVAL, "with unknown flags");
	fails(rmdir("/proc"), EBUSY, "rmdir of a mount point");
}

/* A path that ends where the memory of the program does. */
static const char *at_end_of_memory(const char *path)
{
	static char *page;

	if (page == NULL) {
		page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		munmap(page + PAGE, PAGE);
	}
	return strcpy(page + PAGE - strlen(path) - 1, path);
}

/* Names that differ in their last byte alone, with names that are their beginnings. */
static void names_of_every_length(void)
{
	char path[2 + NAME_MAX + 2] = "n/", moved[sizeof(path)] = "n/";
	unsigned wrong = 0;
	struct stat st;

	is(mkdir("n", 0755), 0, "mkdir");
	for (unsigned length = 1; length <= NAME_MAX; length++) {
		memset(path + 2, 'a', length);
		path[2 + length - 1] = 'b';
		path[2 + length] = '\0';
		int fd = open(at_end_of_memory(path), O_CREAT | O_EXCL | O_WRONLY, 0600);
		wrong += fd < 0 || write(fd, path, length) != (ssize_t)length;
		close(fd);
		path[2 + length - 1] = 'c';
		wrong += exists(path);
	}
	is(wrong, 0, "each name is another file");
	for (unsigned length = 1; length <= NAME_MAX; length++) {
		memset(path + 2, 'a', length);
		path[2 + length - 1] = 'b';
		path[2 + length] = '\0';
		wrong += stat(at_end_of_memory(path), &st) != 0 || st.st_size != (off_t)length;
		strcpy(moved, path);
		moved[2 + length - 1] = 'd';
		wrong += rename(path, moved) != 0 || exists(path);
		wrong += stat(at_end_of_memory(moved), &st) != 0 || st.st_size != (off_t)length;
		wrong += unlink(moved) != 0;
	}
	is(wrong, 0, "and is found, moved and removed");
	memset(path + 2, 'a', NAME_MAX + 1);
	path[2 + NAME_MAX + 1] = '\0';
	fails(stat(path, &st), ENAMETOOLONG, "a name too long by one");
	is(rmdir("n"), 0, "nothing is left");
}

static void hard_links(void)
{
	struct stat a, b;

	is(link("f", "g"), 0, "link");
	stat("f", &a);
	stat("g", &b);
	ok(a.st_ino == b.st_ino && a.st_nlink == 2, "the same file with two links");
	fails(link("f", "g"), EEXIST, "over a name");
	fails(link("none", "h"), ENOENT, "of nothing");
	mkdir("d", 0755);
	fails(link("d", "h"), EPERM, "of a directory");
	fails(link("f", "/dev/shm/x"), EXDEV, "to another file system");
	symlink("f", "s");
	is(link("s", "s2"), 0, "of a symbolic link");
	lstat("s2", &a);
	ok(S_ISLNK(a.st_mode) && a.st_nlink == 2, "links the link itself");
	is(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW), 0, "AT_SYMLINK_FOLLOW");
	is(links_of("f"), 3, "links its target");
	is(unlink("s3"), 0, "unlink");
	int fd = open("g", O_RDWR);
	unlink("f");
	unlink("g");
	fstat(fd, &a);
	is(a.st_nlink, 0, "an open file without names has no links");
	char c = 0;
	ok(read(fd, &c, 1) == 1 && c == 'f', "and can still be read");
	close(fd);
	fails(unlink("f"), ENOENT, "unlink of nothing");
}

static void symbolic_links(void)
{
	char buf[64] = "";
	struct stat st;

	is(symlink("any/thing", "sym"), 0, "symlink to anything");
	is(readlink("sym", buf, sizeof(buf)), 9, "readlink returns the length");
	ok(memcmp(buf, "any/thing", 9) == 0 && buf[9] == 0, "and no terminator");
	is(readlink("sym", buf, 4), 4, "cut at the buffer");
	lstat("sym", &st);
	ok(S_ISLNK(st.st_mode) && st.st_size == 9, "lstat shows the link, of its target's length");
	is(st.st_mode & 07777, 0777, "with mode 0777");
	fails(stat("sym", &st), ENOENT, "stat follows it");
	fails(symlink("x", "sym"), EEXIST, "over a name");
	fails(symlink("", "empty"), ENOENT, "to an empty target");
	fails(readlink("d", buf, 64), EINVAL, "readlink of a directory");
	fails(readlink("none", buf, 64), ENOENT, "of nothing");
	fails(syscall(SYS_readlink, "sym", buf, 0), EINVAL, "into no space");
	fails(syscall(SYS_readlink, "sym", BAD_POINTER, 9), EFAULT, "into a bad pointer");
	symlink("d", "dl");
	fails(rmdir("dl"), ENOTDIR, "rmdir does not follow a link");
	is(unlink("dl"), 0, "unlink takes the link");
	ok(exists("d"), "and not its target");
}

static void renames(void)
{
	char buf[16];

	put("a");
	put("b");
	is(rename("a", "c"), 0, "rename");
	ok(!exists("a") && exists("c"), "moves the name");
	is(rename("c", "b"), 0, "over a file");
	get_file("b", buf, sizeof(buf));
	is_str(buf, "a", "replaces it");
	fails(rename("none", "x"), ENOENT, "of nothing");
	is(rename("b", "b"), 0, "onto itself");
	link("b", "b2");
	is(rename("b", "b2"), 0, "onto a link of the same file");
	ok(exists("b") && exists("b2"), "does nothing");
	mkdir("d1", 0755);
	mkdir("d2", 0755);
	put("d2/x");
	fails(rename("b", "d1"), EISDIR, "a file over a directory");
	fails(rename("d1", "b"), ENOTDIR, "a directory over a file");
	fails(rename("d1", "d2"), ENOTEMPTY, "over a directory with content");
	fails(rename("d2", "d2/sub"), EINVAL, "a directory into itself");
	is(rename("d2", "d1"), 0, "over an empty directory");
	ok(exists("d1/x") && !exists("d2"), "with its content");
	is(rename("b", "d1/y"), 0, "into another directory");
	fails(rename("d1/.", "z"), EBUSY, "of .");
	fails(rename("d1", "/proc/x"), EXDEV, "to another file system");
	fails(rename("d1/x/", "z"), ENOTDIR, "of a file with a slash");
	mkdir("p", 0755);
	is(rename("d1", "p/d1"), 0, "of a directory into another");
	is(links_of("p"), 3, "moves the parent's link");
}

static void rename_flags(void)
{
	char buf[16];

	put("one");
	put("two");
	fails(renameat2_("one", "two", NOREPLACE), EEXIST, "NOREPLACE keeps what exists");
	is(renameat2_("one", "three", NOREPLACE), 0, "and takes a free name");
	is(renameat2_("three", "two", EXCHANGE), 0, "EXCHANGE");
	get_file("two", buf, sizeof(buf));
	is_str(buf, "one", "swaps one");
	get_file("three", buf, sizeof(buf));
	is_str(buf, "two", "and the other");
	is(renameat2_("p", "two", EXCHANGE), 0, "a directory and a file");
	ok(exists("two/d1/x"), "swap as well");
	is(renameat2_("p", "two", EXCHANGE), 0, "and back");
	fails(renameat2_("two", "none", EXCHANGE), ENOENT, "EXCHANGE with nothing");
	fails(renameat2_("two", "three", NOREPLACE | EXCHANGE), EINVAL, "both flags");
	fails(renameat2_("two", "three", 0x100), EINVAL, "an unknown flag");
	fails(renameat2_("p", "p/d1", EXCHANGE), EINVAL, "with one's own child");
}

static void working_directory(const char *top)
{
	char buf[PATH_MAX], want[PATH_MAX];

	snprintf(want, sizeof(want), "%s/p/d1", top);
	is(chdir("p/d1"), 0, "chdir");
	is_str(getcwd(buf, sizeof(buf)), want, "getcwd");
	is(syscall(SYS_getcwd, buf, sizeof(buf)), strlen(want) + 1, "returns the length with NUL");
	fails(syscall(SYS_getcwd, buf, strlen(want)), ERANGE, "into too little space");
	fails(syscall(SYS_getcwd, BAD_POINTER, 100), EFAULT, "into a bad pointer");
	rename("../../p", "../../q");
	snprintf(want, sizeof(want), "%s/q/d1", top);
	is_str(getcwd(buf, sizeof(buf)), want, "a rename above shows");
	fails(chdir("x"), ENOTDIR, "chdir to a file");
	fails(chdir("none"), ENOENT, "to nothing");
	int fd = open("x", O_RDONLY);
	fails(fchdir(fd), ENOTDIR, "fchdir to a file");
	close(fd);
	fails(fchdir(-1), EBADF, "to nothing");
	is(chdir("../.."), 0, "two up");
	is_str(getcwd(buf, sizeof(buf)), top, "back at the top");
	mkdir("gone", 0755);
	chdir("gone");
	rmdir("../gone");
	fails(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT, "a removed directory has no name");
	fails(open("x", O_RDWR | O_CREAT, 0600), ENOENT, "and takes no files");
	is(chdir(".."), 0, "but there is a way out");
	is_str(getcwd(buf, sizeof(buf)), top, "to its parent");
}

static void special_files(void)
{
	struct stat st;

	is(mknod("fifo", S_IFIFO | 0600, 0), 0, "mknod of a fifo");
	is(mknod("null", S_IFCHR | 0600, 0x103), 0, "of a device");
	stat("null", &st);
	ok(S_ISCHR(st.st_mode) && st.st_rdev == 0x103, "with its number");
	int fd = open("null", O_RDWR);
	is(write(fd, "x", 1), 1, "which is the real one");
	close(fd);
	is(mknod("plain", S_IFREG | 0600, 0), 0, "of a regular file");
	fails(mknod("dir", S_IFDIR | 0600, 0), EPERM, "of a directory");
	fails(mknod("fifo", S_IFIFO | 0600, 0), EEXIST, "over a name");
	fails(mknod("odd", 0170000 | 0600, 0), EINVAL, "of no kind");
}

int main(void)
{
	char top[PATH_MAX];

	scratch();
	directories_come_and_go();
	names_of_every_length();
	hard_links();
	symbolic_links();
	renames();
	rename_flags();
	working_directory(getcwd(top, sizeof(top)));
	special_files();
	return done();
}
