/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: arguments and environment arrive, and what a process keeps and loses across it.
 *
 * The program executes itself; its first argument says which part it plays then.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/resource.h>

static const char *self;

static int play_count(int argc, char **argv)
{
	size_t bytes = 0;

	for (int i = 2; i < argc; i++)
		bytes += strlen(argv[i]);
	return (int)(bytes / 1024 % 200) + (argc > 1000 ? 50 : 0);
}

static int play_arguments(int argc, char **argv)
{
	extern char **environ;

	if (argc != 5 || argv[5] || strcmp(argv[0], "zeroth") || strcmp(argv[2], "") ||
	    strcmp(argv[3], "two words") || strcmp(argv[4], "\xff\x01"))
		return 1;
	return environ[0] && strcmp(environ[0], "A=1") == 0 && environ[1] &&
			       strcmp(environ[1], "B=") == 0 && !environ[2]
		       ? 0
		       : 2;
}

/* Checks everything that signals keep and lose. */
static int play_signals(void)
{
	struct sigaction usr1, usr2, term;
	sigset_t blocked, pending;
	stack_t alt;

	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	sigaction(SIGTERM, NULL, &term);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigpending(&pending);
	sigaltstack(NULL, &alt);
	return (usr1.sa_handler == SIG_IGN) | (usr2.sa_handler == SIG_DFL) << 1 |
	       (term.sa_handler == SIG_DFL) << 2 | sigismember(&blocked, SIGHUP) << 3 |
	       sigismember(&pending, SIGHUP) << 4 | ((alt.ss_flags & SS_DISABLE) != 0) << 5;
}

static int play_descriptors(char **argv)
{
	return (fcntl(atoi(argv[2]), F_GETFD) >= 0) | (fcntl(atoi(argv[3]), F_GETFD) >= 0) << 1;
}

static int play_identity(char **argv)
{
	char comm[64], where[256], name[16];
	bool good = getpid() == atoi(argv[2]) && getppid() == atoi(argv[3]) && umask(0) == 0027 &&
		    getcwd(where, sizeof(where)) && !strcmp(where, "/tmp") &&
		    getpriority(PRIO_PROCESS, 0) == 5;
	ssize_t n = get_file("/proc/self/comm", comm, sizeof(comm));

	snprintf(name, sizeof(name), "%s", strrchr(argv[0], '/') + 1);
	if (n > 0 && comm[n - 1] == '\n')
		comm[n - 1] = '\0';
	return (good ? 0 : 1) | (n > 0 && strcmp(comm, name) == 0 ? 0 : 2);
}

/* The one child is found among those of the only thread. */
static int play_thread(void)
{
	int st = 0;

	return waitpid(-1, &st, __WNOTHREAD) > 0 && st == EXITED(7) ? 0 : 1;
}

static int play(int argc, char **argv)
{
	if (strcmp(argv[1], "arguments") == 0)
		return play_arguments(argc, argv);
	if (strcmp(argv[1], "count") == 0)
		return play_count(argc, argv);
	if (strcmp(argv[1], "thread") == 0)
		return play_thread();
	if (strcmp(argv[1], "signals") == 0)
		return play_signals();
	if (strcmp(argv[1], "descriptors") == 0)
		return play_descriptors(argv);
	if (strcmp(argv[1], "identity") == 0)
		return play_identity(argv);
	return atoi(argv[1]);
}

static void arguments_arrive(void)
{
	char *argv[] = {"zeroth", "arguments", "", "two words", "\xff\x01", NULL};
	char *envp[] = {"A=1", "B=", NULL};
	int st;

	if (child(&st) == 0) {
		execve(self, argv, envp);
		_exit(99);
	}
	is(st, 0, "arguments and environment arrive byte by byte");
}

static void exec_without_environment(void)
{
	char *argv[] = {(char *)self, "7", NULL};
	int st;

	if (child(&st) == 0) {
		execve(self, argv, NULL);
		_exit(99);
	}
	is(st, EXITED(7), "a null environment is an empty one");
}

static void many_arguments(void)
{
	enum { COUNT = 2000 };
	static char *argv[COUNT + 3];
	static char text[60000];
	int st;

	argv[0] = (char *)self;
	argv[1] = "count";
	for (int i = 0; i < COUNT; i++)
		argv[i + 2] = "0123456789abcdef0123456789abcdef0123456789abcdef";
	if (child(&st) == 0) {
		execv(self, argv);
		_exit(99);
	}
	is(st, EXITED(2000 * 48 / 1024 + 50), "two thousand arguments");
	memset(text, 'x', sizeof(text) - 1);
	argv[2] = argv[3] = text;
	argv[4] = NULL;
	if (child(&st) == 0) {
		execv(self, argv);
		_exit(99);
	}
	is(st, EXITED(2 * 59999 / 1024), "two arguments of 60 KB");
}

static void too_much_is_refused(void)
{
	static char text[131073];
	static char *argv[3000];
	int st;

	memset(text, 'x', sizeof(text) - 1);
	argv[0] = (char *)self;
	argv[1] = text;
	argv[2] = NULL;
	fails(execv(self, argv), E2BIG, "an argument of 128 KiB is too long");
	text[131071] = '\0';
	argv[1] = "count";
	argv[2] = text;
	if (child(&st) == 0) {
		execv(self, argv);
		_exit(99);
	}
	is(st, EXITED(131071 / 1024), "one of a byte less is not");
	for (int i = 1; i < 100; i++)
		argv[i] = text;
	argv[100] = NULL;
	fails(execv(self, argv), E2BIG, "13 MB of arguments are too much for 8 MiB of stack");
}

static void handler(int sig)
{
	(void)sig;
}

static void signals_are_reset(void)
{
	int st;

	if (child(&st) == 0) {
		stack_t alt = {.ss_sp = malloc(16384), .ss_size = 16384};
		sigset_t set;

		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR2, handler);
		sigaltstack(&alt, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGHUP);
		execl(self, self, "signals", (char *)NULL);
		_exit(99);
	}
	int bits = st >> 8;
	ok(bits & 1, "an ignored signal stays ignored");
	ok(bits & 2, "a handler is reset to the default");
	ok(bits & 4, "a default action stays");
	ok(bits & 8, "the mask stays");
	ok(bits & 16, "a pending signal stays pending");
	ok(bits & 32, "the alternate stack is gone");
}

static void descriptors_close_on_exec(void)
{
	char a[16], b[16];
	int st;

	if (child(&st) == 0) {
		snprintf(a, sizeof(a), "%d", dup(1));
		int fd = dup(1);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		snprintf(b, sizeof(b), "%d", fd);
		execl(self, self, "descriptors", a, b, (char *)NULL);
		_exit(99);
	}
	is(st, EXITED(1), "descriptors stay open, those with FD_CLOEXEC are closed");
}

static void identity_is_kept(void)
{
	char pid[16], parent[16];
	int st;

	snprintf(parent, sizeof(parent), "%d", getpid());
	if (child(&st) == 0) {
		snprintf(pid, sizeof(pid), "%d", getpid());
		umask(0027);
		chdir("/tmp");
		setpriority(PRIO_PROCESS, 0, 5);
		execl(self, self, "identity", pid, parent, (char *)NULL);
		_exit(99);
	}
	is(st & ~0x200, 0, "pid, parent, umask, directory and nice value are kept");
	is(st & 0x200, 0, "the command name is the program's");
}

static void execveat_runs_a_descriptor(void)
{
	char *argv[] = {(char *)self, "13", NULL};
	char *envp[] = {NULL};
	int st, fd = open(self, O_RDONLY | O_CLOEXEC);

	if (child(&st) == 0) {
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(99);
	}
	is(st, EXITED(13), "execveat with AT_EMPTY_PATH runs an open file");
	fails(syscall(SYS_execveat, fd, "", argv, envp, 0), ENOENT, "not without the flag");
	fails(syscall(SYS_execveat, fd, "x", argv, envp, 0), ENOTDIR,
	      "a path relative to a file is ENOTDIR");
	fails(syscall(SYS_execveat, -1, "x", argv, envp, 0), EBADF, "relative to nothing is EBADF");
	fails(syscall(SYS_execveat, AT_FDCWD, self, argv, envp, 1), EINVAL, "an unknown flag");
	close(fd);
	fd = open("/", O_RDONLY | O_DIRECTORY);
	if (child(&st) == 0) {
		syscall(SYS_execveat, fd, self + 1, argv, envp, 0);
		_exit(99);
	}
	is(st, EXITED(13), "execveat relative to a directory");
	close(fd);
}

static void vfork_and_exec(void)
{
	char *argv[] = {(char *)self, "21", NULL};
	int st = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		execv(self, argv);
		_exit(99);
	}
	is(waitpid(pid, &st, 0), pid, "vfork and execve");
	is(st, EXITED(21), "run the program");
}

static void exec_starts_with_fresh_memory(void)
{
	int good = 0, st;

	for (int i = 0; i < 30; i++) {
		if (child(&st) == 0) {
			memset(map_pages(256), i, 256 * PAGE);
			execl(self, self, "3", (char *)NULL);
			_exit(99);
		}
		good += st == EXITED(3);
	}
	is(good, 30, "thirty times fork and exec with a megabyte in use");
}

static void *exec_from_thread(void *unused)
{
	(void)unused;
	execl(self, self, "thread", (char *)NULL);
	_exit(99);
}

/* What the leader forked is a child of the thread that takes its place. */
static void threads_take_children_over(void)
{
	int st;

	if (child(&st) == 0) {
		pthread_t thread;
		pid_t pid = fork();
		if (pid == 0)
			_exit(7);
		pthread_create(&thread, NULL, exec_from_thread, NULL);
		for (;;)
			pause();
	}
	is(st, 0, "exec by another thread: the leader's child is waited for, as its own");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return play(argc, argv);
	self = argv[0];
	arguments_arrive();
	exec_without_environment();
	many_arguments();
	too_much_is_refused();
	signals_are_reset();
	descriptors_close_on_exec();
	identity_is_kept();
	execveat_runs_a_descriptor();
	vfork_and_exec();
	exec_starts_with_fresh_memory();
	threads_take_children_over();
	return done();
}
