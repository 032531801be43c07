/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: numbers and links, mappings, set-id bits, rights, mounter, overlays on overlays, directories with many
 * names, and calls on open files.
 */
#include "overlay.h"

#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>

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

/* --- One on another --- */

static void stacked(void)
{
	struct stat st, st2;
	int fd;

	put("low/f", "low");
	put("low2/g", "g");
	mkdir("up2", 0755);
	mkdir("work2", 0755);
	mkdir("m2", 0755);
	if (!mount_overlay(0))
		return;
	is(put("m/h", "h"), 0, "a file in the first");
	is(mount("o", "m2", "overlay", 0, "lowerdir=m,upperdir=up2,workdir=work2"), 0,
	   "an overlay on it");
	is_str(names("m2"), "f g h ", "has all of it");
	is(stat("m2/f", &st), 0, "a file");
	is(put("m2/f", "changed"), 0, "is changed");
	is_str(content("m2/f"), "changed", "there");
	is_str(content("m/f"), "low", "and not in the first");
	is(stat("m2/f", &st2), 0, "stat");
	ok(st.st_ino == st2.st_ino, "the same file");
	is(unlink("m2/g"), 0, "another is removed");
	is_str(names("m2"), "f h ", "there");
	is_str(names("m"), "f g h ", "and not in the first");
	fd = open("m2/h", O_RDONLY);
	char *text = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	ok(text != MAP_FAILED && text[0] == 'h', "a mapping through both");
	munmap(text, PAGE);
	close(fd);
	is(umount("m2"), 0, "unmounted");
	unmount_overlay();
}

/* --- Directories with many names --- */

static void many_names(void)
{
	enum { COUNT = 300 };
	char name[64];
	struct dirent *entry;
	int seen = 0, wrong = 0;
	long middle = 0, place = 0;
	char at_middle[64] = "";
	DIR *dir;

	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "%s/a name that is not short %d",
			 i % 3 == 0   ? "low"
			 : i % 3 == 1 ? "low2"
				      : "up",
			 i);
		put(name, "x");
	}
	if (!mount_overlay(0))
		return;
	for (int i = 0; i < COUNT; i += 10) {
		snprintf(name, sizeof(name), "m/a name that is not short %d", i);
		wrong += unlink(name) != 0;
	}
	is(wrong, 0, "every tenth is removed");
	dir = opendir("m");
	while ((entry = readdir(dir)) != NULL) {
		seen += entry->d_name[0] == 'a';
		if (seen == 100 && middle == 0) {
			middle = telldir(dir);
			entry = readdir(dir);
			snprintf(at_middle, sizeof(at_middle), "%s", entry->d_name);
			seen++;
		}
	}
	is(seen, COUNT - COUNT / 10, "the others are listed");
	seekdir(dir, middle);
	entry = readdir(dir);
	is_str(entry != NULL ? entry->d_name : "?", at_middle, "and found again by position");
	put("m/a new one", "new");
	rewinddir(dir);
	for (place = 0; (entry = readdir(dir)) != NULL;)
		place += entry->d_name[0] == 'a';
	is(place, COUNT - COUNT / 10 + 1, "from the beginning, with what has come");
	closedir(dir);
	wrong = 0;
	dir = opendir("m");
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] == 'a')
			wrong += unlinkat(dirfd(dir), entry->d_name, 0) != 0;
	closedir(dir);
	is(wrong, 0, "all are removed while they are listed");
	is_str(names("m"), "", "and gone");
	unmount_overlay();
}

/* --- What else there is --- */

static void other_calls(void)
{
	char path[64], events[4096];
	struct stat st;
	int fd, watch;

	put("low/f", "0123456789");
	mkdir("low/d", 0755);
	if (!mount_overlay(0))
		return;
	fd = open("m/d", O_TMPFILE | O_RDWR, 0600);
	if (fd >= 0) {
		is(write(fd, "nameless", 8), 8, "a file without a name is written");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		is(linkat(AT_FDCWD, path, AT_FDCWD, "m/d/named", AT_SYMLINK_FOLLOW), 0,
		   "gets a name");
		is_str(content("m/d/named"), "nameless", "and is there");
		close(fd);
	} else {
		is(errno, EOPNOTSUPP, "or there are none");
		skip(2, "no files without a name in overlays here");
	}
	fails(mknod("m/w", S_IFCHR | 0666, 0), EPERM, "a whiteout is not made by hand");
	is(mknod("m/null", S_IFCHR | 0666, makedev(1, 3)), 0, "a device is");
	fd = open("m/null", O_RDWR);
	ok(fd >= 0 && write(fd, "x", 1) == 1, "and works");
	close(fd);
	is(mkfifo("m/p", 0600), 0, "a fifo");
	fd = open("m/p", O_RDWR);
	ok(fd >= 0 && write(fd, "x", 1) == 1 && read(fd, path, 8) == 1, "works, too");
	close(fd);
	fd = open("m/f", O_RDWR);
	is(fcntl(fd, F_SETFL, O_APPEND), 0, "to append from now on");
	is(write(fd, "+", 1), 1, "a write");
	is_str(content("m/f"), "0123456789+", "goes to the end");
	is(fallocate(fd, 0, 0, 20), 0, "fallocate");
	is(fstat(fd, &st), 0, "stat");
	is(st.st_size, 20, "the new size");
	is(lseek(fd, 0, SEEK_HOLE), 20, "SEEK_HOLE");
	watch = inotify_init1(IN_NONBLOCK);
	is(inotify_add_watch(watch, "m/f", IN_MODIFY | IN_OPEN | IN_CLOSE) > 0, 1, "watched");
	is(write(fd, "!", 1), 1, "a write");
	is(read(watch, events, sizeof(events)), sizeof(struct inotify_event), "is one event");
	close(watch);
	int pipes[2];
	off_t from = 0;
	ok(pipe(pipes) == 0 && splice(fd, &from, pipes[1], NULL, 10, 0) == 10, "splice");
	is(read(pipes[0], path, 10), 10, "brings");
	ok(memcmp(path, "0123456789", 10) == 0, "the bytes");
	close(pipes[0]);
	close(pipes[1]);
	int to = open("m/g", O_WRONLY | O_CREAT, 0600);
	is(sendfile(to, fd, &from, 5), 5, "sendfile");
	close(to);
	is(flock(fd, LOCK_EX), 0, "flock");
	int other = open("m/f", O_RDONLY);
	fails(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK, "is of the overlay's file");
	close(other);
	close(fd);
	fd = open("m/d", O_RDONLY);
	is(fsync(fd), 0, "fsync of a directory");
	close(fd);
	fd = open("m", O_RDONLY);
	is(syncfs(fd), 0, "syncfs");
	close(fd);
	unmount_overlay();
}

/* --- With whose rights --- */

/* Whether root may read whatever it wants. */
static int overriding(bool may)
{
	struct {
		uint32_t version;
		int pid;
	} head = {0x20080522, 0};
	uint32_t sets[2][3];
	uint32_t both = 1u << 1 | 1u << 2; /* CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH */

	if (syscall(SYS_capget, &head, sets) != 0)
		return -1;
	sets[0][0] = may ? sets[0][0] | both : sets[0][0] & ~both;
	return (int)syscall(SYS_capset, &head, sets);
}

static void mounter(void)
{
	int status;

	put("low/private", "private");
	put("low/public", "public");
	chown("low/private", 1000, 1000);
	chmod("low/private", 0600);
	is(overriding(false), 0, "less rights");
	is(mount("overlay", "m", "overlay", 0, "lowerdir=low:low2"), 0, "an overlay to read");
	is(overriding(true), 0, "and back");
	fails(open("m/private", O_RDONLY), EACCES, "what the mounter may not read, nobody does");
	is_str(content("m/public"), "public", "all else is there");
	is_str(content("low/private"), "private", "and the layer by itself");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "the owner");
		fails(open("m/private", O_RDONLY), EACCES, "neither");
		_exit(0);
	}
	is(status, 0, "all of that");
	unmount_overlay();
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "run") == 0)
		return 42;
	static void (*const tests[])(void) = {numbers, mapping,    set_id,      rights,
					      stacked, many_names, other_calls, mounter};

	if (!overlay_begin())
		return done();
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		if (overlay_fresh())
			tests[i]();
	overlay_end();
	return done();
}
