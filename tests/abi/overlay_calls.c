/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: what is seen of the layers, copying up, whiteouts and opaque directories, renames, links,
 * attributes, what was open before, and what may not be.
 */
#include "overlay.h"

#include <dirent.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* The names of a directory in one line, sorted. */
static const char *names(const char *path)
{
	static char text[4096];
	struct dirent **list;
	int count = scandir(path, &list, NULL, alphasort);

	text[0] = '\0';
	for (int i = 0; i < count; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0) {
			strcat(text, list[i]->d_name);
			strcat(text, " ");
		}
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return count < 0 ? "?" : text;
}

static const char *content(const char *path)
{
	static char text[256];

	return get_file(path, text, sizeof(text)) < 0 ? "?" : text;
}

static bool is_whiteout(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static bool is_opaque(const char *path)
{
	char value[4];

	return getxattr(path, "trusted.overlay.opaque", value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* --- Seeing --- */

static void prepare_seeing(void)
{
	mkdir("low/dir", 0755);
	mkdir("low2/dir", 0755);
	mkdir("low2/dir/deep", 0755);
	put("low/file", "low");
	put("low2/file", "low2");
	put("low2/other", "other");
	put("low/dir/a", "a");
	put("low2/dir/a", "a2");
	put("low2/dir/b", "b2");
	put("low2/dir/deep/c", "c2");
	symlink("dir/a", "low2/link");
	mkdir("up/dir", 0755);
	put("up/dir/u", "u");
	mknod("up/dir/b", S_IFCHR, 0);
	mkdir("low2/hidden", 0755);
	put("low2/hidden/h", "h");
	put("low/hidden", "a file");
	mkdir("low2/opaque", 0755);
	put("low2/opaque/not", "seen");
	mkdir("up/opaque", 0755);
	put("up/opaque/own", "own");
	setxattr("up/opaque", "trusted.overlay.opaque", "y", 1, 0);
}

static void seeing(void)
{
	struct stat st, st2;

	prepare_seeing();
	if (!mount_overlay(0))
		return;
	is_str(names("m"), "dir file hidden link opaque other ", "names of all layers, once each");
	is_str(content("m/file"), "low", "the upper of two lower files is it");
	is_str(content("m/other"), "other", "one of the lowest layer");
	is_str(names("m/dir"), "a deep u ", "a merged directory, without what has a whiteout");
	is_str(content("m/dir/a"), "a", "a file in it");
	is_str(content("m/dir/deep/c"), "c2", "deep in the lowest layer");
	fails(open("m/dir/b", O_RDONLY), ENOENT, "a whiteout is no file");
	is_str(content("m/hidden"), "a file", "a file hides a directory");
	is_str(names("m/opaque"), "own ", "an opaque directory hides what is below");
	is_str(content("m/link"), "a", "a link goes on in the overlay");
	is(stat("m/dir", &st), 0, "stat of a merged directory");
	is(st.st_nlink, 1, "its links are not counted");
	is(stat("m", &st2) | stat("m/dir", &st), 0, "stat of directories");
	is(st.st_dev, st2.st_dev, "one device for all directories");
	struct statfs fs;
	is(statfs("m", &fs), 0, "statfs");
	is(fs.f_type, 0x794c7630, "tells the type");
	unmount_overlay();
}

/* --- Copying up --- */

static void copy_up(void)
{
	struct timespec times[2] = {{1000, 5000}, {2000, 6000}};
	struct stat before, st;
	char buffer[8] = "";
	int fd, old;

	mkdir("low/d", 0755);
	mkdir("low/d/e", 0750);
	put("low/d/e/f", "lower");
	chmod("low/d/e/f", 0640);
	chown("low/d/e/f", 5, 6);
	setxattr("low/d/e/f", "trusted.mark", "kept", 4, 0);
	utimensat(AT_FDCWD, "low/d/e/f", times, 0);
	utimensat(AT_FDCWD, "low/d/e", times, 0);
	if (!mount_overlay(0))
		return;
	is(stat("m/d/e/f", &before), 0, "stat before");
	ok(!exists("up/d"), "nothing is up yet");
	old = open("m/d/e/f", O_RDONLY);
	is(read(old, buffer, 2), 2, "read from below");
	ok(!exists("up/d"), "reading copies nothing");
	fd = open("m/d/e/f", O_WRONLY | O_APPEND);
	ok(fd >= 0, "opened to be written");
	is_str(content("up/d/e/f"), "lower", "which has copied it");
	is(stat("up/d/e/f", &st), 0, "the copy");
	is(st.st_mode & 07777, 0640, "mode");
	is(st.st_uid, 5, "owner");
	is(st.st_gid, 6, "group");
	is(st.st_mtim.tv_sec, 2000, "time of change");
	is(st.st_mtim.tv_nsec, 6000, "to the nanosecond");
	is(getxattr("up/d/e/f", "trusted.mark", buffer, sizeof(buffer)), 4, "attributes");
	is(stat("up/d/e", &st), 0, "its directory");
	is(st.st_mode & 07777, 0750, "with its mode");
	is(st.st_mtim.tv_sec, 2000, "and time");
	is(write(fd, "+up", 3), 3, "a write");
	is_str(content("m/d/e/f"), "lower+up", "is seen");
	is_str(content("low/d/e/f"), "lower", "and not below");
	is(pread(old, buffer, 8, 0), 8, "what was opened before sees the copy");
	is(stat("m/d/e/f", &st), 0, "stat after");
	ok(st.st_ino == before.st_ino && st.st_dev == before.st_dev, "the same file");
	is(fstat(old, &st), 0, "fstat of the old descriptor");
	is(st.st_size, 8, "the new size");
	close(fd);
	close(old);
	is(chmod("m/d", 0700), 0, "chmod of a merged directory");
	is(stat("low/d", &st) | (st.st_mode & 0777), 0755, "is not one below");
	unmount_overlay();
}

static void copy_ways(void)
{
	char list[64];
	struct stat st;

	for (int i = 0; i < 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "low/f%d", i);
		put(name, "0123456789");
	}
	symlink("f0", "low/s");
	mkfifo("low/p", 0644);
	if (!mount_overlay(0))
		return;
	is(truncate("m/f0", 4), 0, "truncate");
	is_str(content("up/f0"), "0123", "copies");
	is(chmod("m/f1", 0600), 0, "chmod");
	is_str(content("up/f1"), "0123456789", "copies");
	is(close(open("m/f2", O_WRONLY | O_TRUNC)), 0, "open with O_TRUNC");
	is_str(content("up/f2"), "", "copies no data");
	is(setxattr("m/f3", "trusted.x", "1", 1, 0), 0, "setxattr");
	ok(exists("up/f3"), "copies");
	is(link("m/f4", "m/l4"), 0, "link");
	is(stat("m/l4", &st), 0, "stat");
	is(st.st_nlink, 2, "both are there");
	is(lchown("m/s", 3, 4), 0, "lchown of a link");
	is(lstat("up/s", &st), 0, "copies");
	is(st.st_uid, 3, "with the new owner");
	is(readlink("m/s", list, sizeof(list)), 2, "its text");
	is(utimensat(AT_FDCWD, "m/p", NULL, 0), 0, "times of a fifo");
	is(lstat("up/p", &st) | (S_ISFIFO(st.st_mode) ? 0 : 1), 0, "copies");
	is(listxattr("m/f3", list, sizeof(list)), 10, "what the overlay notes is not listed");
	ok(getxattr("m/f3", "trusted.overlay.origin", list, sizeof(list)) < 0, "nor to be had");
	fails(removexattr("m/f5", "trusted.none"), ENODATA, "an attribute that is not there");
	ok(!exists("up/f5"), "copies nothing");
	is(access("m/f5", W_OK), 0, "access");
	ok(!exists("up/f5"), "copies nothing either");
	unmount_overlay();
}

/* --- Names --- */

static void removing(void)
{
	struct stat st;
	int fd;

	mkdir("low/d", 0755);
	put("low/d/a", "a");
	put("low/x", "x");
	put("low/y", "y");
	put("up/z", "z");
	mkdir("low/e", 0755);
	put("low/e/1", "1");
	if (!mount_overlay(0))
		return;
	fd = open("m/x", O_RDONLY);
	is(unlink("m/x"), 0, "unlink of a lower file");
	ok(is_whiteout("up/x"), "leaves a whiteout");
	ok(exists("low/x"), "and the lower file");
	is(fstat(fd, &st), 0, "which is still open");
	(void)!fchmod(fd, 0600); /* Linux has no place for a copy */
	ok(is_whiteout("up/x"), "and does not come back when it is changed");
	close(fd);
	is(unlink("m/z"), 0, "unlink of an upper file");
	ok(!exists("up/z"), "leaves nothing");
	is(chmod("m/y", 0600) | unlink("m/y"), 0, "unlink of a copied file");
	ok(is_whiteout("up/y"), "leaves a whiteout");
	fails(rmdir("m/d"), ENOTEMPTY, "rmdir of one with names below");
	is(unlink("m/d/a"), 0, "without them");
	is_str(names("m/d"), "", "it is empty");
	is(rmdir("m/d"), 0, "and can be removed");
	ok(is_whiteout("up/d"), "leaving a whiteout");
	is(mkdir("m/d", 0711), 0, "a new one in its place");
	ok(is_opaque("up/d"), "is opaque");
	is_str(names("m/d"), "", "and empty");
	is(rmdir("m/d"), 0, "and goes again");
	ok(is_whiteout("up/d"), "to a whiteout");
	is(put("m/x", "new"), 0, "a file in a whiteout's place");
	is_str(content("m/x"), "new", "is there");
	is_str(content("up/x"), "new", "as a file");
	is_str(names("m"), "e x ", "what is left");
	is(unlink("m/e/1") | put("m/e/2", "2"), 0, "one goes, one comes");
	is_str(names("m/e"), "2 ", "as it should");
	unmount_overlay();
	if (!mount_overlay(0))
		return;
	is_str(names("m"), "e x ", "the same when mounted again");
	is_str(names("m/e"), "2 ", "and in it");
	unmount_overlay();
}

static void renaming(void)
{
	mkdir("low/d", 0755);
	put("low/d/a", "a");
	put("low/f", "f");
	put("low/g", "g");
	put("low/h", "h");
	if (!mount_overlay(0))
		return;
	fails(rename("m/d", "m/d2"), EXDEV, "a lower directory stays");
	is(rename("m/f", "m/f2"), 0, "a lower file goes");
	ok(is_whiteout("up/f"), "leaving a whiteout");
	is_str(content("m/f2"), "f", "to its new name");
	is(rename("m/f2", "m/g"), 0, "over a lower file");
	is_str(content("m/g"), "f", "which it hides");
	ok(!exists("up/f2"), "leaving nothing where nothing was below");
	is(rename("m/g", "m/f"), 0, "to a whiteout");
	ok(is_whiteout("up/g"), "which goes to the old name");
	is_str(content("m/f"), "f", "and the file is back");
	is(mkdir("m/n", 0755) | put("m/n/1", "1"), 0, "a new directory");
	is(rename("m/n", "m/g"), 0, "goes to a whiteout");
	is_str(content("m/g/1"), "1", "with what is in it");
	ok(!exists("up/n"), "and nothing stays");
	ok(is_opaque("up/g"), "and is opaque");
	is(rename("m/g", "m/d/g"), 0, "into a merged directory");
	is_str(names("m/d"), "a g ", "where it is seen");
	is(syscall(SYS_renameat2, AT_FDCWD, "m/h", AT_FDCWD, "m/d/g", 2), 0, "exchange");
	is_str(content("m/d/g"), "h", "one");
	is_str(content("m/h/1"), "1", "and the other");
	fails(syscall(SYS_renameat2, AT_FDCWD, "m/h", AT_FDCWD, "m/f", 1), EEXIST, "no replacing");
	fails(syscall(SYS_renameat2, AT_FDCWD, "m/h", AT_FDCWD, "m/q", 4), EINVAL, "no whiteouts");
	fails(syscall(SYS_renameat2, AT_FDCWD, "m/h", AT_FDCWD, "m/d", 2), EXDEV,
	      "no exchange with a lower directory");
	unmount_overlay();
}

static void over_empty(void)
{
	mkdir("low/d", 0755);
	put("low/d/a", "a");
	mkdir("low/full", 0755);
	put("low/full/a", "a");
	if (!mount_overlay(0))
		return;
	is(mkdir("m/n", 0755) | put("m/n/1", "1"), 0, "a directory");
	fails(rename("m/n", "m/full"), ENOTEMPTY, "does not replace one with lower names");
	is(unlink("m/d/a"), 0, "one that is empty by a whiteout");
	is(rename("m/n", "m/d"), 0, "is replaced");
	is_str(names("m/d"), "1 ", "altogether");
	is(unlink("m/d/1") | rmdir("m/d"), 0, "and removed");
	ok(is_whiteout("up/d"), "to a whiteout");
	unmount_overlay();
}

/* --- Links and numbers --- */

static void numbers(void)
{
	struct stat st, st2;
	struct dirent *entry;
	DIR *dir;
	int wrong = 0, count = 0;

	mkdir("low/d", 0755);
	put("low/d/a", "a");
	put("low/d/b", "b");
	put("low/hard", "one");
	link("low/hard", "low/hard2");
	if (!mount_overlay(0))
		return;
	is(stat("m/d/a", &st), 0, "a lower file");
	is(chmod("m/d/a", 0600), 0, "is changed");
	unmount_overlay();
	if (!mount_overlay(0))
		return;
	is(stat("m/d/a", &st2), 0, "and after another mount");
	ok(st.st_ino == st2.st_ino, "has its number");
	put("m/d/new", "new");
	dir = opendir("m/d");
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[300];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "m/d/%s", entry->d_name);
		count++;
		if (stat(path, &st) != 0 || st.st_ino != entry->d_ino)
			wrong++;
	}
	closedir(dir);
	is(count, 3, "names in the directory");
	is(wrong, 0, "whose numbers are those of the files");
	is(stat("m/hard", &st) | stat("m/hard2", &st2), 0, "two names of a lower file");
	is(put("m/hard", "two"), 0, "one is written");
	is_str(content("m/hard2"), "one", "the other stays as it was");
	is(link("m/hard", "m/hard3"), 0, "another name of the copy");
	is(stat("m/hard", &st) | stat("m/hard3", &st2), 0, "both");
	ok(st.st_ino == st2.st_ino && st.st_nlink == 2, "one file");
	put("m/hard3", "three");
	is_str(content("m/hard"), "three", "in what it says, too");
	unmount_overlay();
}

/* --- Mappings, positions, executing --- */

static void mapping(void)
{
	char *low, *up;
	int fd;

	put("low/f", "0123456789");
	if (!mount_overlay(0))
		return;
	fd = open("m/f", O_RDONLY);
	low = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	ok(low != MAP_FAILED && low[3] == '3', "a lower file mapped");
	close(fd);
	fd = open("m/f", O_RDWR);
	up = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(up != MAP_FAILED, "and the copy");
	up[3] = 'x';
	is_str(content("m/f"), "012x456789", "written through it");
	is_str(content("low/f"), "0123456789", "not below");
	is(low[3], '3', "nor in the old mapping");
	is(lseek(fd, 0, SEEK_END), 10, "SEEK_END");
	is(lseek(fd, -4, SEEK_CUR), 6, "SEEK_CUR");
	is(write(fd, "ab", 2), 2, "a write there");
	is_str(content("m/f"), "012x45ab89", "is there");
	is(ftruncate(fd, 4), 0, "ftruncate");
	is(fsync(fd), 0, "fsync");
	is(lseek(fd, 0, SEEK_END), 4, "the new end");
	munmap(low, PAGE);
	munmap(up, PAGE);
	close(fd);
	is(copy_file("/proc/self/exe", "m/prog", 0755), 0, "a program");
	int status;
	if (child(&status) == 0) {
		execl("m/prog", "prog", "run", NULL);
		_exit(1);
	}
	is(status, EXITED(42), "runs");
	unmount_overlay();
}

static void set_id(void)
{
	struct stat st;
	int status;

	put("low/s", "s");
	chmod("low/s", 06777);
	mkdir("low/g", 0);
	chown("low/g", 0, 77);
	chmod("low/g", 02777);
	chmod("up", 0777);
	if (!mount_overlay(0))
		return;
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "somebody else");
		int fd = open("m/s", O_WRONLY);
		ok(fd >= 0, "may write");
		is(write(fd, "t", 1), 1, "and does");
		is(put("m/g/f", "f"), 0, "makes a file");
		is(mkdir("m/g/d", 0755), 0, "and a directory");
		is(put("m/mine", "mine"), 0, "and one more");
		is(unlink("m/mine") | put("m/mine", "again"), 0, "and again");
		_exit(0);
	}
	is(status, 0, "all of that");
	is(stat("m/s", &st), 0, "the file");
	is(st.st_mode & 07777, 0777, "has lost its bits");
	is(stat("m/g/f", &st), 0, "the file in a set-group-id directory");
	is(st.st_gid, 77, "has its group");
	is(st.st_uid, 1000, "and the maker as owner");
	is(stat("m/g/d", &st), 0, "the directory there");
	is(st.st_mode & 07777, 02755, "hands it down");
	is(stat("up/mine", &st), 0, "the last");
	is(st.st_uid, 1000, "belongs to whoever made it");
	unmount_overlay();
}

static void rights(void)
{
	int status;

	mkdir("low/secret", 0700);
	put("low/secret/s", "s");
	put("low/ro", "ro");
	chmod("low/ro", 0444);
	if (!mount_overlay(0))
		return;
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "somebody else");
		fails(open("m/secret/s", O_RDONLY), EACCES, "no way in");
		fails(open("m/ro", O_WRONLY), EACCES, "no writing");
		fails(chmod("m/ro", 0666), EPERM, "no chmod");
		fails(unlink("m/ro"), EACCES, "no unlink");
		fails(put("m/new", "new"), EACCES, "no new file");
		_exit(0);
	}
	is(status, 0, "all of that");
	ok(!exists("up/ro"), "and nothing was copied");
	unmount_overlay();
}

/* --- Mounting --- */

static void mounting(void)
{
	char text[1024];

	put("low/f", "f");
	put("low2/f", "f2");
	fails(mount("o", "m", "overlay", 0, "lowerdir=low,upperdir=up"), EINVAL, "no workdir");
	fails(mount("o", "m", "overlay", 0, "upperdir=up,workdir=work"), EINVAL, "no lowerdir");
	fails(mount("o", "m", "overlay", 0, "lowerdir=low,upperdir=up,workdir=up"), EINVAL,
	      "one for both");
	fails(mount("o", "m", "overlay", 0, "lowerdir=none,upperdir=up,workdir=work"), ENOENT,
	      "a layer that is not there");
	is(mount("o", "m", "overlay", 0, "lowerdir=low:low2"), 0, "without an upper layer");
	is_str(content("m/f"), "f", "it can be read");
	fails(put("m/f", "x"), EROFS, "but not written");
	fails(unlink("m/f"), EROFS, "nor anything else");
	fails(mkdir("m/d", 0755), EROFS, "be done");
	is(umount("m"), 0, "unmounted");
	mkdir("a:b", 0755);
	put("a:b/f", "colon");
	is(mount("o", "m", "overlay", 0, "lowerdir=a\\:b:low2,upperdir=up,workdir=work"), 0,
	   "a path with a colon");
	is_str(content("m/f"), "colon", "is that path");
	ok(get_file("/proc/self/mounts", text, sizeof(text)) > 0, "the list of mounts");
	is(umount("m"), 0, "unmounted");
	mkdir("n", 0755);
	if (!mount_overlay(0))
		return;
	fails(mount("o", "n", "overlay", 0, "lowerdir=low3,upperdir=up,workdir=work"), ENOENT,
	      "no such layer");
	is(put("m/f", "written"), 0, "a change");
	is(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0, "read-only from now on");
	fails(put("m/f", "x"), EROFS, "no more changes");
	is(mount(NULL, "m", NULL, MS_REMOUNT, NULL), 0, "and again");
	is(put("m/f", "y"), 0, "changes");
	unmount_overlay();
}

static void full(void)
{
	char *data = map_pages(256);
	struct stat st;

	memset(data, 'd', 256 * PAGE);
	is(mkdir("big", 0755) | mount("t", "big", "tmpfs", 0, "size=512k"), 0, "a small layer");
	mkdir("big/up", 0755);
	mkdir("big/work", 0755);
	put_file("low/f", data, 256 * PAGE, 0644);
	if (mount("o", "m", "overlay", 0, "lowerdir=low,upperdir=big/up,workdir=big/work") != 0) {
		skip(6, "no overlay on it");
		umount("big");
		return;
	}
	fails(open("m/f", O_WRONLY), ENOSPC, "no room for a copy");
	ok(!exists("big/up/f"), "so there is none");
	is(stat("m/f", &st), 0, "the file is there");
	is(st.st_size, 256 * PAGE, "as it was");
	is(unlink("m/f"), 0, "and can be removed");
	ok(is_whiteout("big/up/f"), "by a whiteout");
	is(umount("m"), 0, "unmounted");
	is(umount("big"), 0, "all of it");
	munmap(data, 256 * PAGE);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "run") == 0)
		return 42;
	static void (*const tests[])(void) = {seeing,   copy_up,    copy_ways, removing,
					      renaming, over_empty, numbers,   mapping,
					      set_id,   rights,     mounting,  full};

	if (!overlay_begin())
		return done();
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		if (overlay_fresh())
			tests[i]();
	overlay_end();
	return done();
}
