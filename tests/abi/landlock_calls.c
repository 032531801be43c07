/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Landlock: rulesets and what they refuse, layer by layer: opening, making, removing, moving between
 * directories, mounting, tracing. A kernel that was told not to use it says so, and is left alone.
 */
#include "abi.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SYS_CREATE   444
#define SYS_ADD      445
#define SYS_RESTRICT 446

enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_CHAR = 1 << 6,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,
	ALL = (1 << 14) - 1,
	READ = READ_FILE | READ_DIR,
};

struct beneath {
	uint64_t allowed;
	int fd;
} __attribute__((packed));

static int ruleset(uint64_t handled)
{
	return (int)syscall(SYS_CREATE, &handled, sizeof(handled), 0);
}

static int allow(int rules, const char *path, uint64_t rights)
{
	struct beneath rule = {rights, open(path, O_PATH | O_CLOEXEC)};
	int result = (int)syscall(SYS_ADD, rules, 1, &rule, 0);
	int saved = errno;

	close(rule.fd);
	errno = saved;
	return result;
}

static int restrict_self(int rules)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_RESTRICT, rules, 0);
}

/* Opens and closes: 0 or -1 with errno. */
static int try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void rulesets(void)
{
	uint64_t handled = READ, longer[2] = {READ, 0}, unknown[40] = {READ};
	struct beneath rule = {READ_FILE, -1};
	int st;

	ok(syscall(SYS_CREATE, NULL, 0, 1) >= 2, "the version");
	fails(syscall(SYS_CREATE, &handled, 8, 1), EINVAL, "which takes no attributes");
	fails(syscall(SYS_CREATE, NULL, 0, 1u << 30), EINVAL, "a wrong flag");
	fails(syscall(SYS_CREATE, &handled, 7, 0), EINVAL, "too short");
	fails(syscall(SYS_CREATE, &handled, PAGE + 1, 0), E2BIG, "too long");
	fails(syscall(SYS_CREATE, BAD_POINTER, 8, 0), EFAULT, "no memory");
	unknown[39] = 1;
	fails(syscall(SYS_CREATE, unknown, sizeof(unknown), 0), E2BIG, "with what nobody knows");
	fails(ruleset(1ull << 63), EINVAL, "an unknown right");
	fails(ruleset(0), ENOMSG, "nothing handled");
	int fd = (int)syscall(SYS_CREATE, longer, sizeof(longer), 0);
	ok(fd >= 0, "a ruleset");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "that is closed by exec");
	fails(syscall(SYS_ADD, fd, 1, &rule, 1), EINVAL, "rules have no flags");
	fails(syscall(SYS_ADD, -1, 1, &rule, 0), EBADF, "nor stand alone");
	fails(syscall(SYS_ADD, 1, 1, &rule, 0), EBADFD, "nor in other files");
	fails(syscall(SYS_ADD, fd, 99, &rule, 0), EINVAL, "of an unknown type");
	fails(syscall(SYS_ADD, fd, 1, BAD_POINTER, 0), EFAULT, "without memory");
	fails(syscall(SYS_ADD, fd, 1, &rule, 0), EBADF, "about no file");
	fails(allow(fd, ".", 0), ENOMSG, "that allow nothing");
	fails(allow(fd, ".", MAKE_REG), EINVAL, "or what is not handled");
	fails(allow(fd, "open/file", READ_DIR), EINVAL, "a file is no directory");
	rule.fd = fd;
	fails(syscall(SYS_ADD, fd, 1, &rule, 0), EBADFD, "a ruleset is no place");
	is(allow(fd, "open/file", READ_FILE), 0, "a rule about a file");
	is(allow(fd, ".", READ), 0, "and one about a directory");
	fails(syscall(SYS_RESTRICT, fd, 1u << 30), EINVAL, "restricting has no flags");
	fails(syscall(SYS_RESTRICT, -1, 0), EBADF, "wants a descriptor");
	fails(syscall(SYS_RESTRICT, 1, 0), EBADFD, "of a ruleset");
	if (child(&st) == 0) {
		become(1000, 1000);
		fails(syscall(SYS_RESTRICT, fd, 0), EPERM, "and the promise of no new privileges");
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		is(syscall(SYS_RESTRICT, fd, 0), 0, "which is enough");
		_exit(0);
	}
	close(fd);
}

static void opening(void)
{
	int st, before = open("shut/file", O_RDONLY);

	if (child(&st) == 0) {
		int rules = ruleset(READ | WRITE_FILE | EXECUTE);
		allow(rules, "open", READ);
		allow(rules, "open/deep/file", WRITE_FILE);
		allow(rules, "shut/deep/there", READ);
		is(restrict_self(rules), 0, "a domain");
		char c;
		is(read(before, &c, 1), 1, "an open file stays open");
		is(try_open("open/file", O_RDONLY), 0, "what is allowed is read");
		is(try_open("open/deep/file", O_RDONLY), 0, "further down, too");
		fails(try_open("open/file", O_WRONLY), EACCES, "but not written");
		is(try_open("open/deep/file", O_RDWR), 0, "but for the file that may be");
		fails(try_open("shut/file", O_RDONLY), EACCES, "the rest is not read");
		fails(try_open("shut", O_RDONLY), EACCES, "nor listed");
		fails(try_open("shut/deep", O_RDONLY), EACCES, "above what is");
		is(try_open("shut/deep/there", O_RDONLY), 0, "which is listed");
		is(try_open("shut/file", O_PATH), 0, "O_PATH asks for nothing");
		struct stat status;
		is(stat("shut/file", &status), 0, "nor does stat");
		fails(execl("open/file", "file", NULL), EACCES, "nothing is run");
		int pipes[2];
		is(pipe(pipes), 0, "pipes are free");
		_exit(0);
	}
	is(st, 0, "so much for opening");
	close(before);
	is(try_open("shut/file", O_RDONLY), 0, "outside nothing has changed");
}

static void making(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "shut/socket"};
	int st;

	if (child(&st) == 0) {
		int rules = ruleset(ALL & ~(READ | WRITE_FILE | EXECUTE));
		allow(rules, "open", MAKE_REG | MAKE_DIR | REMOVE_FILE | MAKE_SYM);
		is(restrict_self(rules), 0, "a domain for names");
		is(try_open("open/new", O_CREAT | O_WRONLY), 0, "a file is made");
		is(unlink("open/new"), 0, "and removed");
		is(mkdir("open/folder", 0700), 0, "a folder is made");
		fails(rmdir("open/folder"), EACCES, "and stays");
		is(symlink("x", "open/link"), 0, "a link is made");
		fails(mkfifo("open/fifo", 0600), EACCES, "but no fifo");
		fails(try_open("shut/new", O_CREAT | O_WRONLY), EACCES, "elsewhere no file");
		is(try_open("shut/file", O_CREAT | O_WRONLY), 0, "but for those that are there");
		fails(mkdir("shut/folder", 0700), EACCES, "no folder");
		fails(symlink("x", "shut/link"), EACCES, "no link");
		fails(mknod("shut/null", S_IFCHR | 0600, 0x103), EACCES, "no device");
		fails(unlink("shut/file"), EACCES, "nothing is removed");
		fails(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof(name)), EACCES,
		      "and no socket bound");
		is(rename("open/link", "open/other"), 0, "within a folder names change");
		fails(rename("shut/file", "shut/moved"), EACCES, "where that is allowed");
		fails(rename("open/other", "shut/other"), EACCES, "not to where nothing is made");
		fails(mount("none", "shut", "tmpfs", 0, NULL), EPERM, "no mounts are made");
		fails(umount2("/proc", MNT_DETACH), EPERM, "or taken away");
		_exit(0);
	}
	is(st, 0, "so much for making");
	rmdir("open/folder");
	unlink("open/other");
}

/* Between directories: REFER on both sides, and no right may be won. */
static void moving(void)
{
	int st;

	mkdir("a", 0700);
	mkdir("b", 0700);
	mkdir("c", 0700);
	put_file("a/file", "x", 1, 0600);
	put_file("a/second", "x", 1, 0600);
	/* Who runs the tests in a domain of his own may have forbidden this. */
	if (rename("a/file", "b/file")) {
		skip(1, "nothing moves between directories here");
		return;
	}
	rename("b/file", "a/file");
	if (child(&st) == 0) {
		int rules = ruleset(READ_FILE);
		allow(rules, ".", READ_FILE);
		restrict_self(rules);
		fails(rename("a/file", "b/file"), EXDEV,
		      "nothing moves where REFER is not handled");
		fails(link("a/file", "b/file"), EXDEV, "or is linked");
		is(rename("a/file", "a/moved"), 0, "within a directory it does");
		is(rename("a/moved", "a/file"), 0, "and back");
		_exit(0);
	}
	is(st, 0, "the old way");
	if (child(&st) == 0) {
		int rules = ruleset(READ_FILE | WRITE_FILE | REFER);
		allow(rules, "a", READ_FILE | REFER);
		allow(rules, "b", READ_FILE | REFER);
		allow(rules, "c", READ_FILE | WRITE_FILE | REFER);
		restrict_self(rules);
		is(rename("a/file", "b/file"), 0, "between equals a file moves");
		is(link("b/file", "a/again"), 0, "and is linked");
		fails(rename("b/file", "c/file"), EXDEV, "but not to where it might be written");
		fails(link("b/file", "c/file"), EXDEV, "by either name");
		fails(rename("b/file", "file"), EXDEV, "nor to where nothing refers");
		put_file("c/new", "x", 1, 0600);
		is(rename("c/new", "a/new"), 0, "losing rights is free");
		fails(syscall(SYS_renameat2, AT_FDCWD, "a/second", AT_FDCWD, "c", 2), EXDEV,
		      "exchanged names count both ways");
		_exit(0);
	}
	is(st, 0, "the new way");
	unlink("a/again");
	if (child(&st) == 0) {
		int rules = ruleset(MAKE_REG | REMOVE_FILE | REFER);
		allow(rules, "a", REMOVE_FILE | REFER);
		allow(rules, "b", REFER);
		restrict_self(rules);
		fails(rename("a/second", "b/second"), EACCES, "what may not be made is not moved");
		_exit(0);
	}
	is(st, 0, "with other rights");
}

/* Every layer has to allow; later ones take away only. */
static void layers(void)
{
	int st;

	if (child(&st) == 0) {
		int first = ruleset(READ_FILE), second = ruleset(READ_FILE | WRITE_FILE);
		allow(first, "open", READ_FILE);
		allow(second, ".", READ_FILE);
		allow(second, "open/deep", WRITE_FILE);
		is(restrict_self(first), 0, "one layer");
		is(try_open("shut/file", O_WRONLY), 0, "does not care for writing");
		is(restrict_self(second), 0, "another on top");
		is(try_open("open/file", O_RDONLY), 0, "what both allow");
		fails(try_open("shut/file", O_RDONLY), EACCES, "what the first does not");
		fails(try_open("shut/file", O_WRONLY), EACCES, "what the second does not");
		is(try_open("open/deep/file", O_WRONLY), 0, "what it does");
		if (child(&st) == 0)
			_exit(try_open("shut/file", O_RDONLY) == -1 && errno == EACCES ? 0 : 1);
		is(st, 0, "children are in it, too");
		int count = 2;
		while (count < 17 && restrict_self(second) == 0)
			count++;
		is(errno, E2BIG, "there is an end");
		ok(count <= 16, "at sixteen, or before when we were in a domain already");
		_exit(0);
	}
	is(st, 0, "so much for layers");
}

/* Rules reach through mounts, and are about files, not names. */
static void places(void)
{
	int st;

	mkdir("open/mounted", 0700);
	if (mount("none", "open/mounted", "tmpfs", 0, NULL)) {
		skip(1, "no mounts");
		return;
	}
	put_file("open/mounted/file", "x", 1, 0600);
	if (child(&st) == 0) {
		int rules = ruleset(READ_FILE);
		allow(rules, "open", READ_FILE);
		rename("open", "renamed");
		restrict_self(rules);
		is(try_open("renamed/mounted/file", O_RDONLY), 0,
		   "below a mount, under a new name");
		fails(try_open("shut/file", O_RDONLY), EACCES, "but not beside it");
		_exit(0);
	}
	is(st, 0, "so much for places");
	rename("renamed", "open");
	umount2("open/mounted", MNT_DETACH);
}

static void tracing(void)
{
	volatile int *told = shared_ints();
	int st;
	pid_t outside = spawn();

	if (outside == 0) {
		wait_until(told[0]);
		_exit(0);
	}
	if (child(&st) == 0) {
		int rules = ruleset(READ_FILE);
		restrict_self(rules);
		fails(ptrace(PTRACE_ATTACH, outside, NULL, NULL), EPERM,
		      "who is outside is not traced");
		pid_t inside = spawn();
		if (inside == 0) {
			wait_until(told[0]);
			_exit(0);
		}
		is(ptrace(PTRACE_ATTACH, inside, NULL, NULL), 0, "who is inside is");
		waitpid(inside, &st, 0);
		ptrace(PTRACE_DETACH, inside, NULL, NULL);
		told[0] = 1;
		reap(inside);
		_exit(0);
	}
	is(st, 0, "so much for tracing");
	told[0] = 1;
	reap(outside);
}

int main(void)
{
	scratch();
	if (syscall(SYS_CREATE, NULL, 0, 1) < 2) {
		skip(1, "no Landlock, or the first version of it");
		return done();
	}
	mkdir("open", 0700);
	mkdir("open/deep", 0700);
	mkdir("shut", 0700);
	mkdir("shut/deep", 0700);
	mkdir("shut/deep/there", 0700);
	put_file("open/file", "#!/none\n", 8, 0700);
	put_file("open/deep/file", "x", 1, 0600);
	put_file("shut/file", "x", 1, 0600);
	rulesets();
	opening();
	making();
	moving();
	layers();
	places();
	tracing();
	return done();
}
