/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: what is seen of the layers, copying up, whiteouts and opaque directories, renames, and what may
 * be mounted.
 */
#include "overlay.h"

#include <sys/statfs.h>

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
	mkdir("low/in", 0755);
	fails(mount("o", "n", "overlay", 0, "lowerdir=low:low/in"), ELOOP, "layers in each other");
	fails(mount("o", "n", "overlay", 0, "lowerdir=low2:low2"), ELOOP, "one twice");
	fails(mount("o", "n", "overlay", 0, "lowerdir=up,upperdir=up,workdir=work"), ELOOP,
	      "the upper below itself");
	fails(mount("o", "n", "overlay", 0, "lowerdir=work,upperdir=up,workdir=work"), ELOOP,
	      "the work directory as a layer");
	mkdir("low/up", 0755);
	is(mount("o", "n", "overlay", 0, "lowerdir=low,upperdir=low/up,workdir=work"), 0,
	   "the upper inside of a lower one");
	fails(open("n/up", O_RDONLY), ELOOP, "is not to be seen there");
	is(umount("n"), 0, "unmounted");
	/* Left by a crash. */
	mkdir("work/work", 0700);
	put("work/work/#1", "half a file");
	mkdir("work/work/#2", 0755);
	mknod("work/work/#2/w", S_IFCHR, 0);
	if (!mount_overlay(0))
		return;
	ok(!exists("work/work/#1") && !exists("work/work/#2"), "what was left is cleared away");
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

int main(void)
{
	static void (*const tests[])(void) = {seeing,   copy_up,    copy_ways, removing,
					      renaming, over_empty, mounting,  full};

	if (!overlay_begin())
		return done();
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		if (overlay_fresh())
			tests[i]();
	overlay_end();
	return done();
}
