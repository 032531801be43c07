/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User namespaces: numbers by maps, who may set them, capabilities inside and outside, and what an
 * ordinary user can do in one of his own.
 */
#include "ns.h"

#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>

static volatile int *shared;

static unsigned long long effective(void)
{
	char text[8192];
	const char *line;

	if (get_file("/proc/self/status", text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, "CapEff:");
	return line != NULL ? strtoull(line + 7, NULL, 16) : 0;
}

static void unmapped(void)
{
	int status;

	if (child(&status) == 0) {
		char text[256] = "x";
		is(unshare(CLONE_NEWUSER), 0, "root makes a user namespace");
		is(getuid(), 65534, "without a map nobody has a number");
		is(getgid(), 65534, "nor a group");
		is(get_file("/proc/self/uid_map", text, sizeof(text)), 0, "the map is empty");
		ok(effective() != 0, "there are capabilities");
		fails(setuid(0), EINVAL, "but no user 0");
		fails(setgroups(0, NULL), EPERM, "nor groups to set");
		is(get_file("/proc/self/setgroups", text, sizeof(text)), 6, "setgroups says");
		is_str(text, "allow\n", "allow");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void mapped_by_oneself(void)
{
	int status;

	if (child(&status) == 0) {
		char text[256];
		struct stat st;
		scratch();
		put_file("mine", "", 0, 0600);
		put_file("roots", "", 0, 0600);
		is(chown(".", 1000, 1000), 0, "a folder of the user's");
		is(chown("mine", 1000, 1000), 0, "a file of the user's");
		is(become(1000, 1000), 0, "an ordinary user");
		/* Linux gives /proc/self to root when the identity has changed. */
		prctl(PR_SET_DUMPABLE, 1);
		is(unshare(CLONE_NEWUSER), 0, "makes a user namespace");
		fails(ns_write("/proc/self/uid_map", "0 1000 2"), EPERM, "he cannot map others");
		fails(ns_write("/proc/self/uid_map", "0 0 1"), EPERM, "nor be root outside");
		fails(ns_write("/proc/self/uid_map", "0 x 1"), EINVAL, "nor write nonsense");
		fails(ns_write("/proc/self/gid_map", "0 1000 1"), EPERM,
		      "groups have to wait for setgroups");
		is(ns_write("/proc/self/setgroups", "deny"), 0, "to be denied");
		fails(ns_write("/proc/self/setgroups", "allow"), EPERM, "for ever");
		is(ns_write("/proc/self/uid_map", "0 1000 1\n"), 0, "himself he can map");
		is(ns_write("/proc/self/gid_map", "0 1000 1\n"), 0, "and his group");
		fails(ns_write("/proc/self/uid_map", "0 1000 1\n"), EPERM, "once");
		is(getuid(), 0, "he is root here");
		is(getegid(), 0, "with root's group");
		get_file("/proc/self/uid_map", text, sizeof(text));
		is_str(text, "         0       1000          1\n", "the map says so");
		is(stat("mine", &st), 0, "his file");
		is(st.st_uid, 0, "is root's");
		is(stat("roots", &st), 0, "root's file");
		is(st.st_uid, 65534, "is nobody's");
		fails(chown("roots", 0, 0), EPERM, "and stays so");
		fails(open("roots", O_RDONLY), EACCES, "and closed");
		fails(chown("mine", 1, 1), EINVAL, "others have no numbers");
		fails(setgroups(0, NULL), EPERM, "setgroups is denied");
		is(setuid(0), 0, "he may be himself");
		fails(setuid(1), EINVAL, "and nobody else");
		is(unlink("mine"), 0, "his own he removes");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void powers(void)
{
	int status;

	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		prctl(PR_SET_DUMPABLE, 1);
		is(unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC), 0,
		   "with namespaces of his own");
		ns_write("/proc/self/setgroups", "deny");
		ns_write("/proc/self/uid_map", "0 1000 1\n");
		ns_write("/proc/self/gid_map", "0 1000 1\n");
		is(sethostname("mine", 4), 0, "sets his name");
		is(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0, "rules his mounts");
		is(mount("none", "/tmp", "tmpfs", 0, "size=1m"), 0, "mounts memory");
		is(put_file("/tmp/file", "x", 1, 0600), 0, "writes to it");
		struct stat st;
		is(stat("/tmp/file", &st), 0, "his file");
		is(st.st_uid, 0, "is root's");
		fails(mknod("/tmp/null", S_IFCHR | 0600, 0x103), EPERM, "makes no devices");
		ok(mount("none", "/tmp", "ext4", 0, NULL) < 0 &&
			   (errno == EPERM || errno == ENODEV),
		   "nor mounts what has to be trusted");
		fails(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x01234567, NULL), EPERM,
		      "nor ends the system");
		fails(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &(int){1}), EPERM,
		      "nor gets a priority");
		struct timespec zero = {0, 0};
		fails(clock_settime(CLOCK_REALTIME, &zero), EPERM, "nor sets the clock");
		is(chroot("/tmp"), 0, "his root he may move");
		fails(unshare(CLONE_NEWUSER), EPERM, "but then makes no more user namespaces");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void names_outside(void)
{
	int status;

	if (child(&status) == 0) {
		is(unshare(CLONE_NEWUSER), 0, "a user namespace alone");
		fails(sethostname("x", 1), EPERM, "has no power over names outside");
		fails(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM, "nor over mounts");
		fails(setns(open("/proc/self/ns/user", O_RDONLY), CLONE_NEWUSER), EINVAL,
		      "one's own is not entered again");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

/* The parent maps the child, who waits. */
static void mapped_by_parent(void)
{
	int status, ready[2], go[2];
	char path[64], byte;

	if (pipe(ready) || pipe(go))
		return;
	pid_t pid = (pid_t)ns_clone(CLONE_NEWUSER);
	if (pid == 0) {
		alarm(10);
		(void)!write(ready[1], "", 1);
		(void)!read(go[0], &byte, 1);
		is(getuid(), 5, "the child's number is what the parent chose");
		is(setresuid(7, 8, 9), 0, "others of the map can be had");
		uid_t r, e, s;
		getresuid(&r, &e, &s);
		ok(r == 7 && e == 8 && s == 9, "each its own");
		fails(setuid(15), EINVAL, "but none beyond");
		is(setgroups(2, (gid_t[]){3, 4}), 0, "groups are set");
		gid_t groups[4];
		is(getgroups(4, groups), 2, "and got");
		ok(groups[0] + groups[1] == 7, "by their numbers here");
		fails(setgroups(1, (gid_t[]){99}), EINVAL, "all must be in the map");
		shared[0] = 1;
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	(void)!read(ready[0], &byte, 1);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	is(ns_write(path, "0 1000 5\n5 0 1\n6 2000 9\n"), 0, "three ranges");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	is(ns_write(path, "0 0 10\n"), 0, "and groups");
	(void)!write(go[1], "", 1);
	wait_until(shared[0]);
	char text[8192];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	get_file(path, text, sizeof(text));
	ok(strstr(text, "Uid:\t2001\t2002\t2003\t2002\n") != NULL, "outside they are others");
	(void)!write(go[1], "", 1);
	waitpid(pid, &status, 0);
	is(status, 0, "the child is done");
}

static void nonsense(void)
{
	static const char *const maps[] = {
		"",
		"0",
		"0 0",
		"0 0 0",
		"0 0 1 1",
		"0 0 1\n0 5 1",
		"0 0 1\n1 0 1",
		"4294967295 0 1",
		"-1 0 1",

		"0 0 1\nx",
	};
	int status;

	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		char path[64], byte;
		int go[2];

		if (pipe(go))
			return;
		pid_t pid = (pid_t)ns_clone(CLONE_NEWUSER);
		if (pid == 0) {
			alarm(10);
			(void)!read(go[0], &byte, 1);
			_exit(0);
		}
		snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		int fd = open(path, O_WRONLY);
		if (maps[i][0] != '\0')
			fails(write(fd, maps[i], strlen(maps[i])), EINVAL, "no map: %zu", i);
		close(fd);
		(void)!write(go[1], "", 1);
		close(go[0]);
		close(go[1]);
		waitpid(pid, &status, 0);
	}
}

/* Signals and sizes of trust: a namespace's root and those outside. */
static void towards_others(void)
{
	int status;
	pid_t pid = spawn();

	if (pid == 0)
		for (;;)
			pause();
	if (child(&status) == 0) {
		is(unshare(CLONE_NEWUSER), 0, "root below");
		is(kill(pid, 0), 0, "who is the same user outside may send signals");
		is(syscall(SYS_prlimit64, pid, 7, NULL, NULL), 0, "and look at limits");
		_exit(0);
	}
	is(status, 0, "the child is done");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "another user");
		prctl(PR_SET_DUMPABLE, 1);
		is(unshare(CLONE_NEWUSER), 0, "with all capabilities below");
		fails(kill(pid, 0), EPERM, "has none over those outside");
		fails(syscall(SYS_prlimit64, pid, 7, NULL, NULL), EPERM, "nor over their limits");
		_exit(0);
	}
	is(status, 0, "the child is done");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void set_id_programs(void)
{
	int status;

	if (child(&status) == 0) {
		char text[8192], *line;
		scratch();
		is(chmod(".", 0755), 0, "a folder for all");
		/* A file of somebody who has no number in the namespace. */
		is(copy_file("/proc/self/exe", "program", 0755), 0, "a program");
		is(chown("program", 4444, 4444), 0, "of somebody else's");
		is(chmod("program", 04755), 0, "that runs as he");
		is(become(1000, 1000), 0, "an ordinary user");
		prctl(PR_SET_DUMPABLE, 1);
		is(unshare(CLONE_NEWUSER), 0, "in a namespace of his own");
		ns_write("/proc/self/setgroups", "deny");
		ns_write("/proc/self/uid_map", "0 1000 1\n");
		int ends[2];
		if (pipe(ends))
			_exit(1);
		pid_t pid = fork();
		if (pid == 0) {
			dup2(ends[1], 1);
			execl("program", "program", "who", NULL);
			_exit(1);
		}
		close(ends[1]);
		ssize_t length = read(ends[0], text, sizeof(text) - 1);
		text[length > 0 ? length : 0] = '\0';
		waitpid(pid, &status, 0);
		line = text;
		is_str(line, "0\n", "the bit has no effect there");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "who") == 0) {
		printf("%d\n", geteuid());
		return 0;
	}
	shared = shared_ints();
	unmapped();
	mapped_by_oneself();
	powers();
	names_outside();
	mapped_by_parent();
	nonsense();
	towards_others();
	set_id_programs();
	return done();
}
