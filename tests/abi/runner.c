/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runner of the abi ring.
 *
 * As /init of an initramfs it mounts what the programs want, runs those that the kernel command
 * line selects (abi=name,name, with shell patterns; all without the word) in the order of
 * /abi/order, and powers off. Called on an ordinary Linux (runner FOLDER [PATTERN...]) it first
 * moves to namespaces of its own, so that the programs meet the same surroundings there: a private
 * /tmp, and process ids that they may signal as they like.
 *
 * The programs' TAP streams are joined into one, renumbered, each line prefixed with the program's
 * name. A crash, a time-out and a plan that does not fit count as a failure each.
 *
 * It asks little of the kernel: fork, execve, wait4, a non-blocking pipe, nanosleep and a clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_SECONDS = 90, MAX_PROGRAMS = 256, MAX_PATTERNS = 64, LINE = 1024 };

struct stream {
	const char *program;
	char line[LINE];
	size_t length;
	int lines; /* TAP results seen */
	int plan;  /* what the program announced, -1 before */
};

static int passed, failed, skipped;
static long time_limit = DEFAULT_SECONDS;
static const char *folder = "/abi";
static char order_text[16384];
static const char *programs[MAX_PROGRAMS];
static int program_count;
static char command_line[4096];
static const char *patterns[MAX_PATTERNS];
static int pattern_count;
static char disk_type[16];
static const char *disk; /* NULL: none */

static void say(const char *fmt, ...)
{
	char line[LINE + 128];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	for (ssize_t at = 0, put; at < n; at += put) {
		put = write(STDOUT_FILENO, line + at, (size_t)(n - at));
		if (put <= 0)
			return;
	}
}

static void result(bool good, const char *program, const char *text)
{
	bool skip = good && strstr(text, "# SKIP");

	if (skip)
		skipped++;
	else if (good)
		passed++;
	else
		failed++;
	say("%s %d - %s: %s", good ? "ok" : "not ok", passed + failed + skipped, program, text);
}

/* The text after "ok 12 - ". */
static const char *description(const char *text)
{
	text += strspn(text, " 0123456789");
	return strncmp(text, "- ", 2) == 0 ? text + 2 : text;
}

static void take_line(struct stream *s)
{
	s->line[s->length] = '\0';
	s->length = 0;
	if (strncmp(s->line, "ok ", 3) == 0 || strncmp(s->line, "not ok ", 7) == 0) {
		bool good = s->line[0] == 'o';

		s->lines++;
		result(good, s->program, description(s->line + (good ? 3 : 7)));
	} else if (strncmp(s->line, "1..", 3) == 0) {
		s->plan = atoi(s->line + 3);
	} else if (s->line[0]) {
		say("# %s", s->line + (s->line[0] == '#' ? strspn(s->line, "# ") : 0));
	}
}

/* Takes what the pipe holds now. */
static void drain(int fd, struct stream *s)
{
	char buf[2048];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n' || s->length == LINE - 1)
				take_line(s);
			if (buf[i] != '\n')
				s->line[s->length++] = buf[i];
		}
	}
}

static long seconds_now(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void pause_ms(long ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};

	nanosleep(&t, NULL);
}

/* Runs until the program ends or its time is up. Returns its wait status; -1 after a time-out. */
static int supervise(pid_t pid, int fd, struct stream *s)
{
	long deadline = seconds_now() + time_limit;
	int status = -1;

	for (;;) {
		pid_t got = waitpid(-1, &status, WNOHANG);
		drain(fd, s);
		if (got == pid)
			return status;
		if (got <= 0) {
			if (seconds_now() >= deadline)
				return -1;
			pause_ms(3);
		}
	}
}

static void start(const char *program, int out)
{
	char path[256];
	char *argv[] = {path, NULL};
	char *envp[] = {"PATH=/bin:/usr/bin", "HOME=/", "LC_ALL=C", NULL};

	snprintf(path, sizeof(path), "%s/%s", folder, program);
	setsid();
	int null = open("/dev/null", O_RDWR);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (syscall(SYS_close_range, 3U, ~0U, 0) < 0)
		for (int fd = 3; fd < 64; fd++)
			close(fd);
	execve(path, argv, envp);
	dprintf(STDERR_FILENO, "execve %s: %s\n", path, strerror(errno));
	_exit(127);
}

static void run_program(const char *program)
{
	struct stream s = {.program = program, .plan = -1};
	int ends[2];
	char text[96];

	say("# program %s", program);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		result(false, program, "the runner cannot make a pipe");
		return;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	pid_t pid = fork();
	if (pid == 0)
		start(program, ends[1]);
	close(ends[1]);
	int status = pid < 0 ? -1 : supervise(pid, ends[0], &s);
	if (pid > 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	drain(ends[0], &s);
	if (s.length > 0)
		take_line(&s);
	close(ends[0]);

	if (status == -1)
		snprintf(text, sizeof(text), "took more than %ld s and was killed", time_limit);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "was killed by signal %d", WTERMSIG(status));
	else if (s.plan != s.lines)
		snprintf(text, sizeof(text), "announced %d assertions, made %d, exit status %d",
			 s.plan, s.lines, WEXITSTATUS(status));
	else
		return;
	result(false, program, text);
}

static bool selected(const char *program)
{
	for (int i = 0; i < pattern_count; i++)
		if (fnmatch(patterns[i], program, 0) == 0)
			return true;
	return pattern_count == 0;
}

static void read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);

	buf[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
}

static void read_order(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/order", folder);
	read_text(path, order_text, sizeof(order_text));
	for (char *p = strtok(order_text, " \n"); p && program_count < MAX_PROGRAMS;
	     p = strtok(NULL, " \n"))
		programs[program_count++] = p;
	if (program_count == 0)
		say("# %s is missing or empty", path);
}

/* The words abi=PATTERN,PATTERN and abi_timeout=SECONDS; abi_disk=TYPE:DEVICE is mounted on /tmp. */
static void read_command_line(void)
{
	char *words[64];
	int count = 0;

	read_text("/proc/cmdline", command_line, sizeof(command_line));
	for (char *p = strtok(command_line, " \n"); p && count < 64; p = strtok(NULL, " \n"))
		words[count++] = p;
	for (int i = 0; i < count; i++) {
		if (strncmp(words[i], "abi_timeout=", 12) == 0)
			time_limit = atol(words[i] + 12);
		if (sscanf(words[i], "abi_disk=%15[^:]:", disk_type) == 1)
			disk = strchr(words[i], ':') + 1;
		if (strncmp(words[i], "abi=", 4) != 0)
			continue;
		for (char *p = strtok(words[i] + 4, ","); p && pattern_count < MAX_PATTERNS;
		     p = strtok(NULL, ","))
			patterns[pattern_count++] = p;
	}
}

static void mount_at(const char *type, const char *path, const char *options)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, options) < 0)
		say("# mount %s on %s: %s", type, path, strerror(errno));
}

/* What a booted system has; the programs expect it. */
static void furnish(void)
{
	struct stat st;

	if (stat("/dev/null", &st) < 0)
		mount_at("devtmpfs", "/dev", NULL);
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		int fd = open("/dev/console", O_RDWR);
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
	}
	if (stat("/proc/self", &st) < 0)
		mount_at("proc", "/proc", NULL);
	if (stat("/sys/kernel", &st) < 0)
		mount_at("sysfs", "/sys", NULL);
	if (stat("/dev/pts/ptmx", &st) < 0)
		mount_at("devpts", "/dev/pts", "mode=0620,ptmxmode=0666");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
}

/* In memory, unless the command line names a disk. */
static void mount_tmp(void)
{
	if (disk == NULL || mount(disk, "/tmp", disk_type, 0, NULL) < 0 ||
	    chmod("/tmp", 01777) < 0) {
		if (disk != NULL)
			result(false, "runner", "the disk cannot be mounted");
		mount_at("tmpfs", "/tmp", "mode=1777");
	}
}

/* Runs the rest in namespaces of its own; the caller only hands the exit status on. */
static void enter_namespaces(void)
{
	if (geteuid() != 0) {
		say("1..0 # SKIP the abi programs want root");
		exit(0);
	}
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		say("Bail out! namespaces: %s", strerror(errno));
		exit(1);
	}
	pid_t pid = fork();
	if (pid == 0)
		return;
	int status = 1;
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	exit(pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* The checking kernel tells which locks were taken inside which: remarks for tools/check-locks. */
static void show_lock_order(void)
{
	FILE *file = fopen("/proc/lock_order", "r");
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		printf("# lock %s", line);
	if (file != NULL)
		fclose(file);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool booted = getpid() == 1;

	if (booted) {
		furnish();
		read_command_line();
		mount_tmp();
	} else {
		if (argc < 2) {
			say("usage: %s FOLDER [PATTERN...]", argv[0]);
			return 2;
		}
		folder = realpath(argv[1], NULL);
		for (int i = 2; i < argc && pattern_count < MAX_PATTERNS; i++)
			patterns[pattern_count++] = argv[i];
		enter_namespaces();
		mount("proc", "/proc", "proc", 0, NULL);
		/* The folder may lie below /tmp, which is about to be covered. */
		if (mount(folder, "/mnt", NULL, MS_BIND, NULL) == 0)
			folder = "/mnt";
		mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
	}
	read_order();
	for (int i = 0; i < program_count; i++)
		if (selected(programs[i]))
			run_program(programs[i]);
	if (booted)
		show_lock_order();
	say("1..%d", passed + failed + skipped);
	say("abi: %d passed, %d failed, %d skipped", passed, failed, skipped);
	if (booted) {
		sync();
		reboot(RB_POWER_OFF);
	}
	return failed ? 1 : 0;
}
