/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process accounting: the records of processes that end, and turning it on and off.
 */
#include "abi.h"

#include <sys/prctl.h>
#include <sys/statfs.h>

struct record {
	uint8_t flag, version;
	uint16_t tty;
	uint32_t exitcode, uid, gid, pid, ppid, btime;
	float etime;
	uint16_t utime, stime, mem, io, rw, minflt, majflt, swaps;
	char comm[16];
};

enum { AFORK = 1, ASU = 2, AXSIG = 0x10 };

static struct record records[64];

/* Reads all records; the one of a process, or NULL. */
static const struct record *record_of(pid_t pid)
{
	ssize_t size = get_file("acct", (char *)records, sizeof(records));

	for (size_t i = 0; size > 0 && i < (size_t)size / sizeof(records[0]); i++)
		if (records[i].pid == (uint32_t)pid)
			return &records[i];
	return NULL;
}

static double unpack(uint16_t packed)
{
	return (double)((uint64_t)(packed & 0x1fff) << (packed >> 13) * 3);
}

static void on_and_off(void)
{
	struct stat before, after;
	int status;

	is(put_file("acct", "", 0, 0600), 0, "an empty file");
	is(syscall(SYS_acct, "acct"), 0, "gets records");
	pid_t pid = child(&status);
	if (pid == 0) {
		prctl(PR_SET_NAME, "recorded");
		_exit(3);
	}
	is(status, EXITED(3), "a process ends");
	const struct record *record = record_of(pid);
	ok(record != NULL, "its record is there once it was waited for");
	if (record == NULL)
		return;
	is(record->version, 3, "version 3");
	is(record->flag & AFORK, AFORK, "it did not exec");
	is(record->flag & AXSIG, 0, "no signal killed it");
	is(record->exitcode, EXITED(3), "its exit status");
	is_str(record->comm, "recorded", "its name");
	is(record->ppid, getpid(), "its parent");
	is(record->uid, getuid(), "its user");
	is(record->gid, getgid(), "its group");
	/* Both are worked out from two clocks. */
	ok(labs((long)record->btime - (long)time(NULL)) < 60, "when it began");
	ok(record->etime >= 0 && record->etime < 6000, "how long it lived");
	ok(unpack(record->mem) > 8, "how large it was");
	ok(unpack(record->minflt) >= 1, "its faults");
	is(syscall(SYS_acct, NULL), 0, "no more records");
	stat("acct", &before);
	if (child(&status) == 0)
		_exit(0);
	stat("acct", &after);
	is(after.st_size, before.st_size, "the file stays as it is");
	is(syscall(SYS_acct, NULL), 0, "off once more is no error");
}

static void kinds(void)
{
	int status;

	is(syscall(SYS_acct, "acct"), 0, "records go to the end");
	pid_t killed = child(&status);
	if (killed == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	is(status, KILLED(SIGKILL), "killed");
	pid_t exec = child(&status);
	if (exec == 0) {
		execl("/proc/self/exe", "again", "end", NULL);
		_exit(9);
	}
	is(status, EXITED(7), "ran a program");
	pid_t root = child(&status);
	if (root == 0) {
		if (chroot("/") != 0)
			_exit(1);
		_exit(0);
	}
	is(status, EXITED(0), "used a capability");
	is(syscall(SYS_acct, NULL), 0, "off");
	const struct record *record = record_of(killed);
	ok(record != NULL && record->flag & AXSIG && record->exitcode == SIGKILL,
	   "the signal is in the record");
	record = record_of(exec);
	ok(record != NULL && !(record->flag & AFORK) && record->exitcode == EXITED(7),
	   "an exec is, too");
	record = record_of(root);
	ok(record != NULL && record->flag & ASU, "and the use of a capability");
}

static void refused(void)
{
	int status;
	char name[300];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	mkdir("directory", 0755);
	is(put_file("file", "", 0, 0600), 0, "a file");
	fails(syscall(SYS_acct, "nothing"), ENOENT, "there is no such file");
	fails(syscall(SYS_acct, "directory"), EISDIR, "a directory");
	fails(syscall(SYS_acct, "/dev/null"), EACCES, "no regular file");
	fails(syscall(SYS_acct, "file/file"), ENOTDIR, "a file is no directory");
	fails(syscall(SYS_acct, name), ENAMETOOLONG, "a name that is too long");
	fails(syscall(SYS_acct, BAD_POINTER), EFAULT, "no name");
	is(symlink("loop", "loop"), 0, "a loop");
	fails(syscall(SYS_acct, "loop"), ELOOP, "goes nowhere");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		fails(syscall(SYS_acct, "file"), EPERM, "may not");
		fails(syscall(SYS_acct, NULL), EPERM, "not even turn it off");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void settings(void)
{
	char text[64] = "";
	int resume = 0, suspend = 0, interval = 0;

	ok(get_file("/proc/sys/kernel/acct", text, sizeof(text)) > 0, "the settings are shown");
	is(sscanf(text, "%d %d %d", &resume, &suspend, &interval), 3, "three of them");
	ok(resume > suspend && interval > 0, "that make sense");
}

/* Records are left out while little of the file system is free. */
static bool is_possible(void)
{
	struct statfs figures;

	if (syscall(SYS_acct, NULL) != 0 || statfs(".", &figures) != 0)
		return false;
	return figures.f_blocks == 0 || figures.f_bavail * 100 / figures.f_blocks > 5;
}

int main(int count, char **words)
{
	if (count > 1 && strcmp(words[1], "end") == 0)
		return 7;
	scratch();
	if (!is_possible()) {
		skip(1, "this kernel has no process accounting, or there is no room for records");
		return done();
	}
	on_and_off();
	kinds();
	refused();
	settings();
	return done();
}
