/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TAP producer and the helpers of the abi programs.
 *
 * Every line goes out with one write(2), so that lines of a parent and its children do not mix and
 * nothing is lost or doubled by a buffer when a process forks or is killed. The counters sit in a
 * shared anonymous page; a kernel without such mappings gets private ones, and only programs that
 * assert in children notice.
 */
#include "abi.h"

#include <ftw.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/utsname.h>

enum { CHILD_SECONDS = 10 };

struct counters {
	int run;
	int failed;
};

void *volatile abi_bad_pointer = (void *)0x10;
void *volatile abi_kernel_pointer = (void *)0xffff800000001000UL;

static struct counters private_counters;
static struct counters *counters;
static char scratch_path[64];

static struct counters *get_counters(void)
{
	if (counters)
		return counters;
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	counters = p == MAP_FAILED ? &private_counters : p;
	return counters;
}

void leave_counters(void)
{
	if (counters && counters != &private_counters)
		munmap(counters, PAGE);
	counters = &private_counters;
}

/* Counters exist before the first fork of any program. */
__attribute__((constructor)) static void open_counters(void)
{
	get_counters();
}

static void put_line(const char *line, size_t length)
{
	while (length > 0) {
		ssize_t n = write(STDOUT_FILENO, line, length);
		if (n <= 0)
			return;
		line += n;
		length -= (size_t)n;
	}
}

static size_t clamp(int n, size_t size)
{
	return n < 0 ? 0 : (size_t)n >= size ? size - 1 : (size_t)n;
}

/* Prints "ok N - text" or "not ok N - text"; `suffix` is a directive or empty. */
static void tap(bool good, const char *suffix, const char *fmt, va_list args)
{
	char line[512];
	int number = __atomic_add_fetch(&get_counters()->run, 1, __ATOMIC_SEQ_CST);

	if (!good)
		__atomic_add_fetch(&get_counters()->failed, 1, __ATOMIC_SEQ_CST);
	size_t n = clamp(snprintf(line, sizeof(line), "%s %d - ", good ? "ok" : "not ok", number),
			 sizeof(line));
	n += clamp(vsnprintf(line + n, sizeof(line) - n, fmt, args), sizeof(line) - n);
	n += clamp(snprintf(line + n, sizeof(line) - n, "%s\n", suffix), sizeof(line) - n);
	put_line(line, n);
}

void note(const char *fmt, ...)
{
	char line[512] = "# ";
	va_list args;

	va_start(args, fmt);
	size_t n = 2 + clamp(vsnprintf(line + 2, sizeof(line) - 3, fmt, args), sizeof(line) - 3);
	va_end(args);
	line[n++] = '\n';
	put_line(line, n);
}

bool abi_ok(bool cond, const char *file, int line, const char *what, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, fmt);
	tap(cond, "", fmt, args);
	va_end(args);
	if (!cond)
		note("  %s:%d: %s (errno %d, %s)", file, line, what, saved, strerror(saved));
	return cond;
}

bool abi_is(long got, long want, const char *file, int line, const char *what, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, fmt);
	tap(got == want, "", fmt, args);
	va_end(args);
	if (got != want)
		note("  %s:%d: %s: got %ld (%#lx), want %ld (%#lx), errno %d (%s)", file, line,
		     what, got, (unsigned long)got, want, (unsigned long)want, saved,
		     strerror(saved));
	return got == want;
}

bool abi_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	bool good = got && strcmp(got, want) == 0;
	va_list args;

	va_start(args, fmt);
	tap(good, "", fmt, args);
	va_end(args);
	if (!good)
		note("  %s:%d: got \"%.120s\", want \"%.120s\"", file, line, got ? got : "(null)",
		     want);
	return good;
}

bool abi_fails(long got, int error, const char *file, int line, const char *what, const char *fmt,
	       ...)
{
	int saved = errno;
	bool good = got == -1 && saved == error;
	va_list args;

	va_start(args, fmt);
	tap(good, "", fmt, args);
	va_end(args);
	if (!good)
		note("  %s:%d: %s: got %ld, errno %d (%s), want -1, errno %d (%s)", file, line,
		     what, got, saved, strerror(saved), error, strerror(error));
	return good;
}

void skip(int count, const char *fmt, ...)
{
	for (int i = 0; i < count; i++) {
		va_list args;

		va_start(args, fmt);
		tap(true, " # SKIP", fmt, args);
		va_end(args);
	}
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

int done(void)
{
	char line[32];

	if (scratch_path[0] && chdir("/") == 0)
		nftw(scratch_path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	put_line(line,
		 clamp(snprintf(line, sizeof(line), "1..%d\n", get_counters()->run), sizeof(line)));
	return get_counters()->failed ? 1 : 0;
}

pid_t spawn(void)
{
	pid_t pid = fork();

	if (pid == 0)
		alarm(CHILD_SECONDS);
	return pid;
}

int reap(pid_t pid)
{
	int status;

	for (int tries = 0; tries < 2000; tries++) {
		pid_t got = waitpid(pid, &status, tries < 1000 ? WNOHANG : 0);
		if (got == pid)
			return status;
		if (got < 0 && errno != EINTR)
			return -1;
		if (tries < 100)
			sched_yield();
		else if (tries < 1000)
			sleep_ms(11);
		else if (tries == 1000)
			kill(pid, SIGKILL);
	}
	return -1;
}

pid_t child(int *status)
{
	pid_t pid = spawn();

	if (pid == 0)
		return 0;
	*status = pid < 0 ? -1 : reap(pid);
	return pid;
}

void sleep_ms(long ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

long now_ms(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

time_t stamp_now(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return t.tv_sec;
}

void scratch(void)
{
	const char *where = getenv("TMPDIR");

	snprintf(scratch_path, sizeof(scratch_path), "%s/abi.%d", where ? where : "/tmp",
		 (int)getpid());
	if ((mkdir(scratch_path, 0755) < 0 && errno != EEXIST) || chdir(scratch_path) < 0 ||
	    chmod(scratch_path, 0755) < 0) {
		note("no scratch folder %s: %s", scratch_path, strerror(errno));
		_exit(1);
	}
}

int put_file(const char *path, const void *data, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		return -1;
	bool good = write(fd, data, size) == (ssize_t)size && fchmod(fd, mode) == 0;
	close(fd);
	return good ? 0 : -1;
}

ssize_t get_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (length + 1 < size && (n = read(fd, buf + length, size - 1 - length)) > 0)
		length += (size_t)n;
	int saved = errno;
	close(fd);
	errno = saved;
	buf[length] = '\0';
	return n < 0 ? -1 : (ssize_t)length;
}

char *map_pages(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED) {
		note("mmap of %zu pages: %s", pages, strerror(errno));
		_exit(1);
	}
	return p;
}

volatile int *shared_ints(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		note("shared mmap: %s", strerror(errno));
		_exit(1);
	}
	return p;
}

bool readable(const void *p)
{
	int ends[2];

	if (pipe(ends) < 0)
		return false;
	bool good = write(ends[1], p, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return good;
}

int copy_file(const char *from, const char *to, mode_t mode)
{
	char buf[16384];
	ssize_t n;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int result = in < 0 || out < 0 ? -1 : 0;

	while (result == 0 && (n = read(in, buf, sizeof(buf))) != 0)
		if (n < 0 || write(out, buf, (size_t)n) != n)
			result = -1;
	if (result == 0)
		result = fchmod(out, mode);
	close(in);
	close(out);
	return result;
}

int become(uid_t uid, gid_t gid)
{
	return syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, gid, gid, gid) ||
			       syscall(SYS_setresuid, uid, uid, uid)
		       ? -1
		       : 0;
}

bool is_linux_6_1(void)
{
	struct utsname name;

	return uname(&name) == 0 && strncmp(name.release, "6.1.", 4) == 0;
}
