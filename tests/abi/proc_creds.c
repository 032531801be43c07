/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User and group ids: the rules of set*id for root and for users, saved ids, set-user-id programs,
 * and what a user may not do.
 */
#include "abi.h"

#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

static bool uids(uid_t r, uid_t e, uid_t s)
{
	uid_t ruid, euid, suid;

	return getresuid(&ruid, &euid, &suid) == 0 && ruid == r && euid == e && suid == s &&
	       getuid() == r && geteuid() == e;
}

static bool gids(gid_t r, gid_t e, gid_t s)
{
	gid_t rgid, egid, sgid;

	return getresgid(&rgid, &egid, &sgid) == 0 && rgid == r && egid == e && sgid == s &&
	       getgid() == r && getegid() == e;
}

static void root_sets_all(void)
{
	ok(uids(0, 0, 0) && gids(0, 0, 0), "the program starts as root");
	is(setresgid(10, 20, 30), 0, "root sets three group ids");
	ok(gids(10, 20, 30), "each its own");
	is(setresuid(10, 20, 0), 0, "root sets three user ids");
	ok(uids(10, 20, 0), "each its own");
	is(setresuid(-1, 0, -1), 0, "the saved id brings root back");
	ok(uids(10, 0, 0), "-1 leaves an id alone");
	is(setuid(1000), 0, "root's setuid");
	ok(uids(1000, 1000, 1000), "sets all three");
	fails(setuid(0), EPERM, "there is no way back");
	fails(setresuid(-1, -1, 0), EPERM, "nor by setresuid");
	fails(setgid(0), EPERM, "groups cannot be changed any more");
	is(setgid(30), 0, "but to the saved one");
	ok(gids(10, 30, 30), "which becomes the effective one");
	fails(syscall(SYS_setgroups, 0, NULL), EPERM, "nor the supplementary groups");
}

static void user_swaps(void)
{
	is(setresuid(1000, 2000, 3000), 0, "three different user ids");
	is(setreuid(2000, 1000), 0, "a user swaps real and effective");
	ok(uids(2000, 1000, 1000), "the saved id follows the effective one");
	fails(setreuid(3000, -1), EPERM, "the old saved id is out of reach");
	is(seteuid(2000), 0, "seteuid to the real id");
	ok(uids(2000, 2000, 1000), "leaves the saved one");
	is(setuid(1000), 0, "a user's setuid");
	ok(uids(2000, 1000, 1000), "sets the effective id only");
	fails(setuid(5), EPERM, "to an id of one's own only");
}

static void filesystem_id(void)
{
	is(syscall(SYS_setfsuid, -1), 0, "setfsuid returns the old id");
	is(syscall(SYS_setfsuid, 1000), 0, "and changes it");
	is(syscall(SYS_setfsuid, -1), 1000, "as shows");
	seteuid(0);
	is(syscall(SYS_setfsuid, -1), 0, "seteuid sets it again");
}

static void supplementary_groups(void)
{
	gid_t list[4] = {7, 3, 5, 3}, got[8];

	is(syscall(SYS_setgroups, 3, list), 0, "three supplementary groups");
	is(getgroups(0, got), 3, "getgroups counts them");
	is(getgroups(8, got), 3, "and lists them");
	ok((got[0] == 7 || got[0] == 3) && got[0] + got[1] + got[2] == 15, "as they were set");
	fails(getgroups(2, got), EINVAL, "a list too short");
	fails(syscall(SYS_getgroups, -1, got), EINVAL, "a negative size");
	fails(syscall(SYS_getgroups, 8, BAD_POINTER), EFAULT, "a bad pointer");
	fails(syscall(SYS_setgroups, 70000, list), EINVAL, "too many groups");
	fails(syscall(SYS_setgroups, 2, BAD_POINTER), EFAULT, "setgroups from a bad pointer");
	is(syscall(SYS_setgroups, 0, NULL), 0, "none again");
	is(getgroups(8, got), 0, "as getgroups shows");
}

static void users_are_limited(void)
{
	pid_t victim = getppid();
	struct timeval tv = {0};
	struct rlimit lim;

	become(1000, 1000);
	fails(kill(victim, SIGTERM), EPERM, "a user may not signal root's process");
	fails(kill(1, 0), EPERM, "not even probe it");
	fails(sethostname("x", 1), EPERM, "nor set the host name");
	fails(settimeofday(&tv, NULL), EPERM, "nor the clock");
	fails(chroot("/"), EPERM, "nor change the root");
	fails(mknod("/tmp/null", S_IFCHR | 0666, 0x103), EPERM, "nor make devices");
	fails(setpriority(PRIO_PROCESS, 0, -5), EACCES, "nor raise its priority");
	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_max++;
	fails(setrlimit(RLIMIT_NOFILE, &lim), EPERM, "nor raise a hard limit");
	fails(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL), EPERM, "nor reboot");
	fails(syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL), EPERM, "nor mount");
	fails(syscall(SYS_umount2, "/tmp", 0), EPERM, "nor unmount");
}

/* Ids over a set-user-id program: prints through the exit status what it became. */
static int play(void)
{
	return uids(1000, 2000, 2000) && gids(1000, 3000, 3000) && getauxval(AT_SECURE) == 1 ? 0
											     : 1;
}

static void set_user_id_programs(const char *self)
{
	int st;

	scratch();
	copy_file(self, "suid", 0755);
	is(chown("suid", 2000, 3000), 0, "a program of another user");
	is(chmod("suid", 06755), 0, "with set-user-id and set-group-id");
	if (child(&st) == 0) {
		become(1000, 1000);
		execl("./suid", "suid", "play", (char *)NULL);
		_exit(99);
	}
	is(st, 0, "runs with its owner's ids and AT_SECURE");
	if (child(&st) == 0) {
		become(1000, 1000);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		execl("./suid", "suid", "play", (char *)NULL);
		_exit(99);
	}
	is(st, EXITED(1), "not with no_new_privs");
}

static void exec_sets_the_saved_id(const char *self)
{
	int st;

	if (child(&st) == 0) {
		if (setresuid(1000, 2000, 3000) < 0)
			_exit(2);
		execl(self, self, "saved", (char *)NULL);
		_exit(99);
	}
	is(st, 0, "execve copies the effective to the saved id");
}

static void in_child(void (*fn)(void))
{
	int st;

	if (child(&st) == 0) {
		fn();
		_exit(0);
	}
	is(st, 0, "the child came to its end");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "saved") == 0)
		return uids(1000, 2000, 2000) ? 0 : 1;
	if (argc > 1)
		return play();
	in_child(root_sets_all);
	in_child(user_swaps);
	in_child(filesystem_id);
	in_child(supplementary_groups);
	in_child(users_are_limited);
	set_user_id_programs(argv[0]);
	exec_sets_the_saved_id(argv[0]);
	return done();
}
