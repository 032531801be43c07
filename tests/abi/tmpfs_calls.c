/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: its options, what a remount may change, its limits and what they count, attributes, files without
 * a name, holes and blocks ahead.
 */
#include "ns.h"

#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* As in linux/falloc.h, which musl lacks. */
enum { KEEP_SIZE = 1, PUNCH_HOLE = 2, COLLAPSE_RANGE = 8, ZERO_RANGE = 16, INSERT_RANGE = 32 };

static char place[256];

/* A tmpfs with these options, entered; what was there before goes. */
static int fresh(const char *options)
{
	if (chdir(place) != 0)
		return -1;
	umount2("t", MNT_DETACH);
	if (mount("none", "t", "tmpfs", 0, options) != 0)
		return -1;
	return chdir("t");
}

static int again(const char *options)
{
	return mount("none", ".", "tmpfs", MS_REMOUNT, options);
}

static int put(const char *path, size_t size)
{
	static char data[PAGE * 64];

	memset(data, 'd', sizeof(data));
	return put_file(path, data, size, 0644);
}

static struct statfs figures(void)
{
	struct statfs result;

	memset(&result, 0, sizeof(result));
	ok(statfs(".", &result) == 0, "statfs");
	return result;
}

static long blocks_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_blocks : -1;
}

static bool shown(const char *what)
{
	static char text[65536];
	char start[300];
	char *line;

	snprintf(start, sizeof(start), " %s/t tmpfs ", place);
	if (get_file("/proc/self/mounts", text, sizeof(text)) <= 0)
		return false;
	line = strstr(text, start);
	if (line == NULL)
		return false;
	*strchr(line, '\n') = '\0';
	return strstr(line, what) != NULL;
}

/* --- Options --- */

static void options(void)
{
	static const char *const bad[] = {"size=x",   "size=12q", "mode=9",      "nr_inodes=-",
					  "nothing",  "uid=x",    "nr_blocks=x", "huge=perhaps",
					  "mode=rwx", "size"};
	struct stat st;

	is(fresh("size=64k"), 0, "size=64k");
	is(figures().f_blocks, 16, "is 16 pages");
	ok(shown("size=64k"), "as /proc/mounts tells");
	is(fresh("size=65537"), 0, "size in bytes");
	is(figures().f_blocks, 17, "is rounded up");
	is(fresh("nr_blocks=10,nr_inodes=5"), 0, "nr_blocks and nr_inodes");
	is(figures().f_blocks, 10, "blocks");
	is(figures().f_files, 5, "inodes");
	is(figures().f_ffree, 4, "of which the root has one");
	ok(shown("nr_inodes=5"), "as /proc/mounts tells");
	is(fresh("size=10%"), 0, "a share of the memory");
	ok(figures().f_blocks > 100, "is some");
	is(fresh("size=1m,nr_inodes=1k"), 0, "with suffixes");
	is(figures().f_blocks, 256, "blocks");
	is(figures().f_files, 1024, "inodes");
	is(fresh("mode=1750,uid=5,gid=6"), 0, "mode and owner");
	is(stat(".", &st), 0, "stat of the root");
	is(st.st_mode, S_IFDIR | 01750, "mode");
	is(st.st_uid, 5, "owner");
	is(st.st_gid, 6, "group");
	ok(shown("mode=1750") && shown("uid=5") && shown("gid=6"), "as /proc/mounts tells");
	is(fresh(NULL), 0, "no options at all");
	is(stat(".", &st), 0, "stat of the root");
	is(st.st_mode, S_IFDIR | 01777, "a mode for everybody");
	is(fresh("inode64"), 0, "inode64");
	is(fresh("huge=never"), 0, "huge=never");
	ok(!shown("size="), "what was not given is not told");
	is(fresh("size=0"), 0, "size=0");
	is(figures().f_blocks, 0, "is no limit");
	is(put("f", PAGE), 0, "so that files can be made");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		fails(mount("none", ".", "tmpfs", 0, bad[i]), EINVAL, "the option %s", bad[i]);
}

static void remounts(void)
{
	struct stat st;
	int fd;

	is(fresh("size=64k,nr_inodes=10"), 0, "64k");
	is(put("f", 8 * PAGE), 0, "half of it used");
	is(again("size=128k"), 0, "more");
	is(figures().f_blocks, 32, "is there");
	is(again("size=32k"), 0, "just enough");
	is(figures().f_bfree, 0, "is full");
	fails(again("size=16k"), EINVAL, "less than what is used");
	is(figures().f_blocks, 8, "changes nothing");
	fails(again("nr_inodes=1"), EINVAL, "nor too few inodes");
	is(again("nr_inodes=2"), 0, "just enough of them");
	fails(put("g", 1), ENOSPC, "are too few for one more");
	is(again("mode=700"), 0, "another mode");
	is(stat(".", &st), 0, "stat");
	is(st.st_mode & 07777, 01777, "is the first one's matter");
	fails(again("nothing=3"), EINVAL, "an option that is none");
	is(fresh("size=0,nr_inodes=0"), 0, "no limits");
	is(put("f", PAGE), 0, "a file");
	fails(again("size=1m"), EINVAL, "no limit comes later");
	fails(again("nr_inodes=100"), EINVAL, "nor one of inodes");
	is(fresh("size=64k"), 0, "limited");
	is(again("size=0"), 0, "and not any more");
	is(figures().f_blocks, 0, "no limit");
	fd = open("w", O_WRONLY | O_CREAT, 0644);
	fails(mount("none", ".", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), EBUSY,
	      "not read-only while somebody writes");
	close(fd);
	is(mount("none", ".", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0, "read-only");
	fails(open("w", O_WRONLY), EROFS, "then nobody does");
	fails(mkdir("d", 0755), EROFS, "nor makes anything");
}

/* --- Limits --- */

static void limits(void)
{
	static char data[PAGE * 20];
	int fd;

	is(fresh("size=64k,nr_inodes=6"), 0, "16 pages, 6 inodes");
	fd = open("f", O_RDWR | O_CREAT, 0644);
	memset(data, 'x', sizeof(data));
	is(write(fd, data, sizeof(data)), 16 * PAGE, "a write goes as far as there is room");
	fails(write(fd, data, 1), ENOSPC, "and then not at all");
	is(figures().f_bfree, 0, "nothing is left");
	is(pwrite(fd, "yes", 3, 100), 3, "what is there can be written");
	is(ftruncate(fd, PAGE), 0, "cut to a page");
	is(figures().f_bavail, 15, "all else is free");
	is(lseek(fd, 100 * PAGE, SEEK_SET) >= 0 && write(fd, "x", 1) == 1, 1, "far behind");
	is(figures().f_bfree, 14, "costs a page");
	close(fd);
	is(unlink("f"), 0, "removed");
	is(figures().f_bfree, 16, "gives all back");
	is(figures().f_ffree, 5, "five inodes are free");
	is(put("a", 0), 0, "a file");
	is(link("a", "b"), 0, "another name");
	is(figures().f_ffree, 3, "counts as one");
	is(symlink("a", "s"), 0, "a link");
	is(mkdir("d", 0755), 0, "a directory");
	is(link("a", "d/c"), 0, "one more name");
	is(figures().f_ffree, 0, "they are all used");
	fails(link("a", "e"), ENOSPC, "no more names");
	fails(mkfifo("p", 0644), ENOSPC, "nor fifos");
	is(unlink("b"), 0, "a name goes");
	is(figures().f_ffree, 1, "and its inode is free");
	is(rename("a", "d/c"), 0, "to another name of the same file");
	is(unlink("d/c"), 0, "the second goes");
	is(figures().f_ffree, 2, "one more is free");
	is(rename("a", "z") | unlink("z"), 0, "the last goes");
	is(figures().f_ffree, 3, "and the file");
	is(put("a", 0) | link("a", "b") | put("n", 0), 0, "three again");
	is(rename("n", "b"), 0, "a name that is replaced");
	is(figures().f_ffree, 1, "gives its inode back");
	is(figures().f_type, 0x01021994, "type");
	is(figures().f_bsize, 4096, "size of blocks");
	is(figures().f_namelen, 255, "length of names");
}

/* --- Blocks ahead, and holes --- */

static void allocating(void)
{
	struct stat st;
	int fd;

	is(fresh("size=64k"), 0, "16 pages");
	fd = open("f", O_RDWR | O_CREAT, 0644);
	is(fallocate(fd, 0, 0, 4 * PAGE), 0, "four pages ahead");
	is(fstat(fd, &st), 0, "stat");
	is(st.st_size, 4 * PAGE, "size");
	is(st.st_blocks, 32, "blocks");
	is(fallocate(fd, KEEP_SIZE, 4 * PAGE, 2 * PAGE), 0, "two behind the end");
	is(fstat(fd, &st), 0, "stat");
	is(st.st_size, 4 * PAGE, "the size stays");
	is(st.st_blocks, 48, "blocks");
	is(fallocate(fd, PUNCH_HOLE | KEEP_SIZE, PAGE, PAGE), 0, "a hole");
	is(blocks_of("f"), 40, "has no block");
	fails(fallocate(fd, PUNCH_HOLE, PAGE, PAGE), EOPNOTSUPP, "a hole that may change the size");
	fails(fallocate(fd, ZERO_RANGE, 0, PAGE), EOPNOTSUPP, "zeroing");
	fails(fallocate(fd, COLLAPSE_RANGE, 0, PAGE), EOPNOTSUPP, "taking out");
	fails(fallocate(fd, INSERT_RANGE, 0, PAGE), EOPNOTSUPP, "putting in");
	fails(fallocate(fd, 0, 0, 0), EINVAL, "nothing");
	fails(fallocate(fd, 0, -1, PAGE), EINVAL, "before the beginning");
	is(ftruncate(fd, 0), 0, "cut");
	is(blocks_of("f"), 0, "takes what was ahead, too");
	is(pwrite(fd, "x", 1, 2 * PAGE), 1, "one page");
	fails(fallocate(fd, 0, 0, 17 * PAGE), ENOSPC, "more than there is");
	is(fstat(fd, &st), 0, "stat");
	is(st.st_size, 2 * PAGE + 1, "changes no size");
	is(st.st_blocks, 8, "and keeps no blocks");
	is(fallocate(fd, 0, 0, 16 * PAGE), 0, "all there is");
	is(figures().f_bfree, 0, "is all");
	close(fd);
}

static void holes(void)
{
	int fd;

	is(fresh(NULL), 0, "a tmpfs");
	fd = open("f", O_RDWR | O_CREAT, 0644);
	is(ftruncate(fd, 10 * PAGE), 0, "ten pages of nothing");
	fails(lseek(fd, 0, SEEK_DATA), ENXIO, "no data");
	is(lseek(fd, 5, SEEK_HOLE), 5, "all hole");
	is(pwrite(fd, "x", 1, 3 * PAGE + 7), 1, "a byte");
	is(lseek(fd, 0, SEEK_DATA), 3 * PAGE, "is a page of data");
	is(lseek(fd, 3 * PAGE + 5, SEEK_DATA), 3 * PAGE + 5, "all of it");
	is(lseek(fd, 3 * PAGE + 5, SEEK_HOLE), 4 * PAGE, "with a hole behind");
	fails(lseek(fd, 4 * PAGE, SEEK_DATA), ENXIO, "and nothing more");
	fails(lseek(fd, 10 * PAGE, SEEK_HOLE), ENXIO, "the end is no hole");
	fails(lseek(fd, -1, SEEK_DATA), ENXIO, "nor what is before the beginning");
	is(pwrite(fd, "x", 1, 10 * PAGE - 1), 1, "the last byte");
	is(lseek(fd, 9 * PAGE, SEEK_HOLE), 10 * PAGE, "the end is where holes begin");
	close(fd);
}

/* --- Attributes --- */

static void attributes(void)
{
	char text[64];
	int status;

	is(fresh(NULL), 0, "a tmpfs");
	is(put("f", 1) | mkdir("d", 0777) | symlink("f", "l"), 0, "files");
	is(setxattr("f", "trusted.a", "one", 3, 0), 0, "trusted.");
	is(setxattr("f", "security.b", "two", 3, 0), 0, "security.");
	is(getxattr("f", "trusted.a", text, sizeof(text)), 3, "read");
	is(getxattr("f", "trusted.a", NULL, 0), 3, "its length");
	fails(getxattr("f", "trusted.a", text, 2), ERANGE, "too little room");
	fails(getxattr("f", "trusted.c", text, 2), ENODATA, "one that is not there");
	fails(setxattr("f", "trusted.a", "x", 1, XATTR_CREATE), EEXIST, "XATTR_CREATE");
	fails(setxattr("f", "trusted.c", "x", 1, XATTR_REPLACE), ENODATA, "XATTR_REPLACE");
	is(setxattr("f", "trusted.a", "other", 5, XATTR_REPLACE), 0, "replaced");
	is(listxattr("f", NULL, 0), 21, "the list");
	fails(listxattr("f", text, 5), ERANGE, "that finds no room");
	is(removexattr("f", "security.b"), 0, "removed");
	fails(removexattr("f", "security.b"), ENODATA, "once");
	is(setxattr("f", "trusted.e", "", 0, 0), 0, "an empty one");
	is(getxattr("f", "trusted.e", text, sizeof(text)), 0, "is there");
	fails(setxattr("f", "nothing.a", "x", 1, 0), EOPNOTSUPP, "another space");
	is(lsetxattr("l", "trusted.l", "x", 1, 0), 0, "of a link");
	is(setxattr("d", "trusted.d", "x", 1, 0), 0, "of a directory");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "somebody else");
		fails(setxattr("d", "trusted.x", "x", 1, 0), EPERM, "may set none");
		fails(getxattr("d", "trusted.d", text, sizeof(text)), ENODATA, "sees none");
		is(listxattr("d", text, sizeof(text)), 0, "and is told of none");
		_exit(0);
	}
	is(status, 0, "all of that");
}

static void nameless(void)
{
	char path[64], text[16];
	struct stat st;
	int fd;

	is(fresh("size=64k,nr_inodes=4"), 0, "a tmpfs");
	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	ok(fd >= 0, "a file without a name");
	is(fstat(fd, &st), 0, "stat");
	is(st.st_nlink, 0, "no links");
	is(figures().f_ffree, 2, "but an inode");
	is(write(fd, "text", 4), 4, "written");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	is(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0, "gets a name");
	is(get_file("named", text, sizeof(text)), 4, "with what is in it");
	is(figures().f_ffree, 2, "the same inode");
	is(linkat(AT_FDCWD, path, AT_FDCWD, "second", AT_SYMLINK_FOLLOW), 0, "and a second");
	is(figures().f_ffree, 1, "for one more");
	close(fd);
	is(unlink("named") | unlink("second"), 0, "both removed");
	is(figures().f_ffree, 3, "all is free");
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fails(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT,
	      "with O_EXCL it gets none");
	close(fd);
	is(figures().f_ffree, 3, "all is free again");
	fails(open(".", O_TMPFILE | O_RDONLY, 0640), EINVAL, "not to be read alone");
}

int main(void)
{
	static void (*const tests[])(void) = {options, remounts,   limits,  allocating,
					      holes,   attributes, nameless};

	umask(0);
	scratch();
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		skip(1, "no mounts of our own");
		return done();
	}
	if (getcwd(place, sizeof(place)) == NULL || mkdir("t", 0755) != 0)
		return done();
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tests[i]();
	if (chdir(place) == 0)
		umount2("t", MNT_DETACH);
	return done();
}
