/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify: which events a watch on a file and on its directory see, in which order; masks, limits,
 * the queue.
 */
#include "abi.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static char buffer[65536];
static size_t filled, at;
static uint32_t last_cookie;

/* The next event as text: "number mask name", or "-" when there is none. */
static const char *next_event(int fd)
{
	static const char *names[] = {"access", "modify",  "attrib",      "close_write",
				      "close",  "open",    "from",        "to",
				      "create", "delete",  "delete_self", "move_self",
				      "?",      "unmount", "overflow",    "ignored"};
	static char text[400];

	if (at == filled) {
		ssize_t got = read(fd, buffer, sizeof(buffer));
		if (got <= 0)
			return "-";
		filled = (size_t)got;
		at = 0;
	}
	const struct inotify_event *event = (const void *)(buffer + at);
	at += sizeof(*event) + event->len;
	last_cookie = event->cookie;
	size_t used = (size_t)sprintf(text, "%d", event->wd);
	for (int bit = 0; bit < 16; bit++)
		if (event->mask & 1u << bit)
			used += (size_t)sprintf(text + used, " %s", names[bit]);
	if (event->mask & IN_ISDIR)
		used += (size_t)sprintf(text + used, " dir");
	if (event->len > 0)
		sprintf(text + used, " %s", event->name);
	return text;
}

/* Asserts that exactly these come next; in the texts F is the file's watch, D the directory's. */
static void expect_all(int fd, int file, int directory, const char *what, const char *list)
{
	char copy[1000], *rest = copy, *one;

	strcpy(copy, list);
	while ((one = strsep(&rest, ",")) != NULL && *one) {
		char wanted[400];
		int number = *one == 'F' ? file : *one == 'D' ? directory : -1;
		sprintf(wanted, "%d%s", number, one + 1);
		is_str(next_event(fd), wanted, "%s: %s", what, one);
	}
	is_str(next_event(fd), "-", "%s: no more", what);
}

static void file_events(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char data[8];

	ok(fd >= 0, "an inotify file");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "closed by exec");
	mkdir("d", 0755);
	put_file("d/f", "hello", 5, 0644);
	int f = inotify_add_watch(fd, "d/f", IN_ALL_EVENTS);
	int d = inotify_add_watch(fd, "d", IN_ALL_EVENTS);
	ok(f > 0 && d > f, "two watches");
	expect_all(fd, f, d, "nothing yet", "");
	int file = open("d/f", O_RDONLY);
	expect_all(fd, f, d, "open", "D open f,F open");
	is(read(file, data, 5), 5, "read");
	expect_all(fd, f, d, "read", "D access f,F access");
	is(read(file, data, 5), 0, "read at the end");
	expect_all(fd, f, d, "that tells nothing", "");
	close(file);
	expect_all(fd, f, d, "close", "D close f,F close");
	int modified = inotify_init1(IN_NONBLOCK);
	int m = inotify_add_watch(modified, "d/f", IN_MODIFY);
	file = open("d/f", O_RDWR | O_TRUNC);
	expect_all(modified, m, 0, "truncating", "F modify");
	close(modified);
	while (strcmp(next_event(fd), "-") != 0)
		;
	is(write(file, "x", 1), 1, "write");
	is(write(file, "x", 1), 1, "and again");
	expect_all(fd, f, d, "write", "D modify f,F modify,D modify f,F modify");
	is(ftruncate(file, 1), 0, "ftruncate");
	expect_all(fd, f, d, "ftruncate", "D modify f,F modify");
	is(fallocate(file, 0, 0, 100), 0, "fallocate");
	expect_all(fd, f, d, "fallocate", "D modify f,F modify");
	is(fchmod(file, 0600), 0, "fchmod");
	expect_all(fd, f, d, "fchmod", "D attrib f,F attrib");
	close(file);
	expect_all(fd, f, d, "close", "D close_write f,F close_write");
	is(truncate("d/f", 3), 0, "truncate");
	expect_all(fd, f, d, "truncate", "D modify f,F modify");
	is(chown("d/f", getuid(), getgid()), 0, "chown");
	expect_all(fd, f, d, "chown", "D attrib f,F attrib");
	is(utimensat(AT_FDCWD, "d/f", NULL, 0), 0, "utimensat");
	expect_all(fd, f, d, "utimensat", "D attrib f,F attrib");
	struct timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
	is(utimensat(AT_FDCWD, "d/f", times, 0), 0, "the time of change alone");
	expect_all(fd, f, d, "utimensat", "D modify f,F modify");
	if (setxattr("d/f", "trusted.x", "y", 1, 0) == 0) {
		expect_all(fd, f, d, "setxattr", "D attrib f,F attrib");
		removexattr("d/f", "trusted.x");
		expect_all(fd, f, d, "removexattr", "D attrib f,F attrib");
	} else {
		skip(6, "no extended attributes here");
	}
	close(fd);
}

static void directory_events(void)
{
	int fd = inotify_init1(IN_NONBLOCK);
	int d = inotify_add_watch(fd, "d", IN_ALL_EVENTS);
	char data[1024];

	close(open("d/new", O_CREAT | O_WRONLY, 0644));
	expect_all(fd, 0, d, "creating", "D create new,D open new,D close_write new");
	mkdir("d/sub", 0755);
	expect_all(fd, 0, d, "mkdir", "D create dir sub");
	is(symlink("f", "d/link"), 0, "symlink");
	is(mknod("d/fifo", S_IFIFO | 0600, 0), 0, "mknod");
	expect_all(fd, 0, d, "others", "D create link,D create fifo");
	int f = inotify_add_watch(fd, "d/f", IN_ALL_EVENTS);
	is(link("d/f", "d/f2"), 0, "link");
	expect_all(fd, f, d, "link", "F attrib,D create f2");
	int sub = open("d", O_RDONLY | O_DIRECTORY);
	expect_all(fd, f, d, "opening it", "D open dir");
	ok(syscall(SYS_getdents64, sub, data, sizeof(data)) > 0, "listing");
	expect_all(fd, f, d, "listing", "D access dir");
	close(sub);
	expect_all(fd, f, d, "closing it", "D close dir");
	close(open("d/sub", O_RDONLY));
	expect_all(fd, f, d, "a directory in it", "D open dir sub,D close dir sub");
	chmod("d", 0750);
	expect_all(fd, f, d, "its mode", "D attrib dir");
	is(rename("d/new", "d/old"), 0, "rename");
	expect_all(fd, f, d, "rename", "D from new,D to old");
	is(rename("d/f", "d/g"), 0, "rename");
	is_str(next_event(fd), (sprintf(data, "%d from f", d), data), "a watched file moves");
	uint32_t cookie = last_cookie;
	is_str(next_event(fd), (sprintf(data, "%d to g", d), data), "to");
	ok(cookie != 0 && last_cookie == cookie, "under one cookie");
	is_str(next_event(fd), (sprintf(data, "%d move_self", f), data), "and is told");
	expect_all(fd, f, d, "rename", "");
	is(last_cookie, 0, "without one");
	is(rename("d/old", "d/g"), 0, "rename over it");
	expect_all(fd, f, d, "replaced, with another name", "D from old,D to g,F attrib");
	is(unlink("d/f2"), 0, "its last name");
	expect_all(fd, f, d, "unlink", "F attrib,F delete_self,F ignored,D delete f2");
	fails(inotify_rm_watch(fd, f), EINVAL, "that watch is gone");
	f = inotify_add_watch(fd, "d/sub", IN_ALL_EVENTS);
	is(rmdir("d/sub"), 0, "rmdir");
	expect_all(fd, f, d, "rmdir", "F delete_self,F ignored,D delete dir sub");
	is(syscall(SYS_renameat2, AT_FDCWD, "d/g", AT_FDCWD, "d/link", 2), 0, "exchange");
	expect_all(fd, f, d, "exchange", "D from g,D to link,D from link,D to g");
	unlink("d/g");
	unlink("d/link");
	unlink("d/fifo");
	close(fd);
}

static void open_and_unlinked(void)
{
	int fd = inotify_init1(IN_NONBLOCK);
	int d = inotify_add_watch(fd, "d", IN_ALL_EVENTS);

	put_file("d/f", "x", 1, 0644);
	int f = inotify_add_watch(fd, "d/f", IN_ALL_EVENTS);
	int file = open("d/f", O_WRONLY);
	while (strcmp(next_event(fd), "-") != 0)
		;
	unlink("d/f");
	expect_all(fd, f, d, "unlinked while open", "F attrib,D delete f");
	is(write(file, "x", 1), 1, "write");
	expect_all(fd, f, d, "still told", "D modify f,F modify");
	is(inotify_add_watch(fd, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK), d,
	   "but not with EXCL_UNLINK");
	is(write(file, "x", 1), 1, "write");
	expect_all(fd, f, d, "to the directory", "F modify");
	close(file);
	expect_all(fd, f, d, "the last close", "F close_write,F delete_self,F ignored");
	close(fd);
}

static void masks(void)
{
	int fd = inotify_init1(IN_NONBLOCK), other = open("/dev/null", O_RDONLY);

	put_file("m", "x", 1, 0644);
	fails(inotify_init1(1), EINVAL, "unknown flags");
	fails(inotify_add_watch(fd, "m", 0), EINVAL, "no event");
	fails(inotify_add_watch(fd, "m", 0x1000), EINVAL, "an unknown bit");
	fails(inotify_add_watch(-1, "m", IN_OPEN), EBADF, "no file");
	fails(inotify_add_watch(other, "m", IN_OPEN), EINVAL, "another file");
	fails(inotify_add_watch(fd, "none", IN_OPEN), ENOENT, "nothing there");
	fails(inotify_add_watch(fd, BAD_POINTER, IN_OPEN), EFAULT, "a bad pointer");
	fails(inotify_add_watch(fd, "m", IN_OPEN | IN_ONLYDIR), ENOTDIR, "not a directory");
	fails(inotify_add_watch(fd, "m", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL,
	      "add and create");
	fails(inotify_rm_watch(fd, 1), EINVAL, "no watch");
	fails(inotify_rm_watch(fd, -1), EINVAL, "a number below all");
	fails(inotify_rm_watch(-1, 1), EBADF, "no file");
	fails(inotify_rm_watch(other, 1), EINVAL, "another file");
	int m = inotify_add_watch(fd, "m", IN_OPEN | IN_MASK_CREATE);
	ok(m > 0, "a new watch");
	fails(inotify_add_watch(fd, "m", IN_OPEN | IN_MASK_CREATE), EEXIST, "not twice");
	is(inotify_add_watch(fd, "m", IN_CLOSE_NOWRITE | IN_MASK_ADD), m, "more events");
	close(open("m", O_RDONLY));
	expect_all(fd, m, 0, "both", "F open,F close");
	is(inotify_add_watch(fd, "m", IN_CLOSE), m, "others instead");
	close(open("m", O_RDONLY));
	expect_all(fd, m, 0, "only those", "F close");
	is(inotify_add_watch(fd, "m", IN_OPEN | IN_ONESHOT), m, "once");
	close(open("m", O_RDONLY));
	close(open("m", O_RDONLY));
	expect_all(fd, m, 0, "once", "F open,F ignored");
	m = inotify_add_watch(fd, "m", IN_OPEN);
	is(m, 2, "numbers are not used again soon");
	is(inotify_rm_watch(fd, m), 0, "removed");
	close(open("m", O_RDONLY));
	expect_all(fd, m, 0, "removed", "F ignored");
	symlink("m", "s");
	m = inotify_add_watch(fd, "s", IN_ATTRIB | IN_DONT_FOLLOW);
	chmod("m", 0600);
	expect_all(fd, m, 0, "the link itself", "");
	chmod("m", 0);
	int status;
	if (child(&status) == 0) {
		become(1000, 1000);
		fails(inotify_add_watch(fd, "m", IN_OPEN), EACCES, "a file that one may not read");
		exit(0);
	}
	close(other);
	close(fd);
}

static void reading(void)
{
	int fd = inotify_init1(IN_NONBLOCK);
	struct inotify_event *event = (void *)buffer;
	int bytes = -1;

	fails(read(fd, buffer, sizeof(buffer)), EAGAIN, "nothing to read");
	fails(write(fd, "x", 1), EBADF, "not written");
	struct pollfd poller = {.fd = fd, .events = POLLIN | POLLOUT};
	is(poll(&poller, 1, 0), 0, "not ready");
	inotify_add_watch(fd, ".", IN_CREATE);
	mkdir("longer-name-than-16", 0700);
	mkdir("n2", 0700);
	is(poll(&poller, 1, 0), 1, "ready");
	is(poller.revents, POLLIN, "to be read");
	is(ioctl(fd, FIONREAD, &bytes), 0, "FIONREAD");
	is(bytes, 16 + 32 + 16 + 16, "counts with padding");
	fails(read(fd, buffer, 16), EINVAL, "too small for the first");
	memset(buffer, 'x', 100);
	is(read(fd, buffer, 70), 48, "one fits, the second does not");
	ok(event->len == 32 && memcmp(event->name, "longer-name-than-16", 20) == 0 &&
		   event->name[31] == 0 && buffer[48] == 'x',
	   "zeros behind the name");
	is(ioctl(fd, FIONREAD, &bytes), 0, "FIONREAD");
	is(bytes, 32, "one left");
	fails(read(fd, BAD_POINTER, 100), EFAULT, "a bad buffer");
	char path[64], info[1000];
	sprintf(path, "/proc/self/fdinfo/%d", fd);
	get_file(path, info, sizeof(info));
	struct stat status;
	stat(".", &status);
	char wanted[64];
	sprintf(wanted, "inotify wd:1 ino:%lx", (unsigned long)status.st_ino);
	ok(strstr(info, wanted) != NULL && strstr(info, " mask:100 ignored_mask:0") != NULL,
	   "fdinfo tells the watch");
	sprintf(path, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(path, info, sizeof(info) - 1);
	info[length > 0 ? length : 0] = 0;
	is_str(info, "anon_inode:inotify", "its name");
	rmdir("longer-name-than-16");
	rmdir("n2");
	close(fd);
}

static void equal_events(void)
{
	int fd = inotify_init1(IN_NONBLOCK);
	int m = inotify_add_watch(fd, "m", IN_ATTRIB);

	for (int i = 0; i < 10; i++)
		chmod("m", 0600);
	expect_all(fd, m, 0, "equal ones are one", "F attrib");
	close(fd);
}

static void *make_it(void *argument)
{
	(void)argument;
	sleep_ms(50);
	mkdir("made", 0700);
	return NULL;
}

static void waiting(void)
{
	int fd = inotify_init();
	pthread_t thread;

	inotify_add_watch(fd, ".", IN_CREATE);
	pthread_create(&thread, NULL, make_it, NULL);
	ok(read(fd, buffer, sizeof(buffer)) == 32, "a reader waits for the event");
	pthread_join(thread, NULL);
	rmdir("made");
	close(fd);
}

/* Limits are raised and lowered as root; they are as they were afterwards. */
static void overflow(void)
{
	const char *name = "/proc/sys/fs/inotify/max_queued_events";
	char before[32], path[32];
	int fd = inotify_init1(IN_NONBLOCK);

	if (get_file(name, before, sizeof(before)) <= 0 || access(name, W_OK) != 0) {
		skip(3, "the limit is not ours to change");
		close(fd);
		return;
	}
	int limit = open(name, O_WRONLY);
	ok(write(limit, "3\n", 2) == 2, "a short queue");
	close(fd);
	fd = inotify_init1(IN_NONBLOCK);
	int d = inotify_add_watch(fd, "d", IN_CREATE);
	for (int i = 0; i < 6; i++) {
		sprintf(path, "d/o%d", i);
		mkdir(path, 0700);
	}
	for (int i = 0; i < 6; i++) {
		sprintf(path, "d/o%d", i);
		rmdir(path);
	}
	close(limit);
	limit = open(name, O_WRONLY);
	ok(write(limit, before, strlen(before)) == (ssize_t)strlen(before), "back");
	close(limit);
	expect_all(fd, 0, d, "the queue is full",
		   "D create dir o0,D create dir o1,D create dir o2,O overflow");
	close(fd);
}

static void unmounting(void)
{
	int status;

	mkdir("mnt", 0755);
	if (child(&status) == 0) {
		if (unshare(CLONE_NEWNS) == -1 && errno != ENOSYS && errno != EINVAL)
			exit(1);
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		if (mount("none", "mnt", "tmpfs", 0, NULL) == -1)
			exit(1);
		put_file("mnt/f", "x", 1, 0644);
		int fd = inotify_init1(IN_NONBLOCK);
		int f = inotify_add_watch(fd, "mnt/f", IN_OPEN);
		is(umount("mnt"), 0, "a watch does not hold the mount");
		expect_all(fd, f, 0, "unmounted", "F unmount,F ignored");
		exit(0);
	}
	is(status, 0, "in a file system of its own");
	rmdir("mnt");
}

static void *toggle(void *argument)
{
	int fd = *(int *)argument;

	for (int i = 0; i < 300; i++) {
		int number = inotify_add_watch(fd, "race", IN_ALL_EVENTS);
		if (number > 0)
			inotify_rm_watch(fd, number);
	}
	return NULL;
}

static void *churn(void *argument)
{
	(void)argument;
	for (int i = 0; i < 300; i++) {
		put_file("race", "x", 1, 0600);
		unlink("race");
	}
	return NULL;
}

/* Watches come and go with what they watch; the last close comes in between. */
static void races(void)
{
	int fds[2] = {inotify_init1(IN_NONBLOCK), inotify_init1(IN_NONBLOCK)};
	pthread_t threads[4];

	put_file("race", "x", 1, 0600);
	pthread_create(&threads[0], NULL, toggle, &fds[0]);
	pthread_create(&threads[1], NULL, toggle, &fds[0]);
	pthread_create(&threads[2], NULL, toggle, &fds[1]);
	pthread_create(&threads[3], NULL, churn, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ok(read(fds[0], buffer, sizeof(buffer)) > 0, "watches race with unlink");
	for (int round = 0; round < 6; round++) {
		int fd = inotify_init();
		put_file("race", "x", 1, 0600);
		inotify_add_watch(fd, "race", IN_ALL_EVENTS);
		pthread_create(&threads[0], NULL, churn, NULL);
		close(fd);
		pthread_join(threads[0], NULL);
	}
	close(fds[0]);
	close(fds[1]);
	ok(true, "and with the last close");
}

int main(void)
{
	scratch();
	umask(022);
	file_events();
	directory_events();
	open_and_unlinked();
	masks();
	reading();
	equal_events();
	waiting();
	overflow();
	unmounting();
	races();
	return done();
}
