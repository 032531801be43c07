/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc as programs read it: one's own process, other processes, and the whole system; sysinfo and
 * getrandom.
 */
#include "abi.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static char text[65536];

static const char *contents(const char *path)
{
	ssize_t n = get_file(path, text, sizeof(text));

	return n < 0 ? "" : text;
}

/* The number behind "Key:" in the text read last, or -1. */
static long number(const char *key)
{
	const char *p = strstr(text, key);

	return p ? atol(p + strlen(key) + strspn(p + strlen(key), ": \t")) : -1;
}

static const char *target(const char *path)
{
	static char buf[512];
	ssize_t n = readlink(path, buf, sizeof(buf) - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static void links_of_the_process(const char *self)
{
	char path[64], where[256];

	snprintf(path, sizeof(path), "%d", getpid());
	is_str(target("/proc/self"), path, "/proc/self is one's pid");
	snprintf(path, sizeof(path), "%d/task/%d", getpid(), getpid());
	is_str(target("/proc/thread-self"), path, "/proc/thread-self one's thread");
	is_str(target("/proc/self/exe"), self, "exe is the program");
	is_str(target("/proc/self/cwd"), getcwd(where, sizeof(where)), "cwd the directory");
	is_str(target("/proc/self/root"), "/", "root is /");
	put_file("f", "data", 4, 0600);
	int fd = open("f", O_RDWR);
	char name[300];
	snprintf(name, sizeof(name), "%s/f", where);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	is_str(target(path), name, "fd/N is the file's path");
	int again = open(path, O_RDONLY);
	ok(again >= 0 && again != fd, "and can be opened");
	close(again);
	unlink("f");
	strcat(name, " (deleted)");
	is_str(target(path), name, "a removed file is marked");
	again = open(path, O_RDONLY);
	ok(again >= 0, "and can still be opened");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	lseek(fd, 3, SEEK_SET);
	contents(path);
	is(number("pos"), 3, "fdinfo tells the offset");
	close(again);
	close(fd);
	fd = open("/", O_PATH);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	contents(path);
	ok(number("flags") != -1, "fdinfo of a descriptor that is but a path");
	close(fd);
	int ends[2];
	pipe(ends);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	is(strncmp(target(path), "pipe:[", 6), 0, "a pipe is called pipe:[N]");
	close(ends[0]);
	close(ends[1]);
	fails(open(path, O_RDONLY), ENOENT, "a closed descriptor is not there");
}

static void words_of_the_process(const char *self)
{
	is_str(contents("/proc/self/comm"), "proc_files\n", "comm");
	is_str(contents("/proc/self/cmdline"), self, "cmdline is argv");
	is(get_file("/proc/self/cmdline", text, sizeof(text)), strlen(self) + 1, "NUL-separated");
	is(strncmp(contents("/proc/self/environ"), "PATH=", 5), 0, "environ");
	is(prctl(PR_SET_NAME, "renamed"), 0, "a new name");
	is_str(contents("/proc/self/comm"), "renamed\n", "shows in comm");
	ok(strstr(contents("/proc/self/stat"), "(renamed)"), "and in stat");
	prctl(PR_SET_NAME, "proc_files");
}

static void stat_has_its_fields(void)
{
	char state;
	int pid, ppid, pgrp, session;
	int fields = 0;

	contents("/proc/self/stat");
	int n = sscanf(text, "%d (proc_files) %c %d %d %d", &pid, &state, &ppid, &pgrp, &session);
	is(n, 5, "stat begins with pid, name, state, parent, group and session");
	ok(pid == getpid() && ppid == getppid() && pgrp == getpgrp() && session == getsid(0),
	   "the right ones");
	ok(state == 'R', "the reader is running");
	for (char *p = strtok(text, " "); p; p = strtok(NULL, " "))
		fields++;
	is(fields, 52, "it has 52 fields");
	long size, resident;
	is(sscanf(contents("/proc/self/statm"), "%ld %ld", &size, &resident), 2, "statm");
	ok(size > 0 && resident > 0 && resident <= size, "tells pages");
}

static void status_has_its_lines(void)
{
	is(strncmp(contents("/proc/self/status"), "Name:\tproc_files\n", 17), 0, "Name");
	is(number("Pid"), getpid(), "Pid");
	is(number("PPid"), getppid(), "PPid");
	is(number("Tgid"), getpid(), "Tgid");
	is(number("Threads"), 1, "Threads");
	ok(strstr(text, "\nState:\tR (running)\n"), "State");
	ok(strstr(text, "\nUid:\t0\t0\t0\t0\n"), "Uid");
	ok(strstr(text, "\nGid:\t0\t0\t0\t0\n"), "Gid");
	ok(number("VmSize") > 0 && number("VmRSS") > 0, "VmSize and VmRSS");
	ok(number("VmSize") >= number("VmRSS"), "in the right order");
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	contents("/proc/self/status");
	ok(strstr(text, "\nSigBlk:\t0000000000000001\n"), "SigBlk");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static bool mapped_as(const void *p, const char *permissions, const char *name)
{
	char rights[8], path[256];
	unsigned long low, high;

	contents("/proc/self/maps");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		path[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255[^\n]", &low, &high, rights, path) <
		    3)
			return false;
		if ((uintptr_t)p >= low && (uintptr_t)p < high)
			return strcmp(rights, permissions) == 0 && strcmp(path, name) == 0;
	}
	return false;
}

static int data = 1;

static void maps_show_memory(const char *self)
{
	int local;
	char *p = map_pages(2);

	ok(mapped_as(p, "rw-p", ""), "maps shows an anonymous mapping");
	mprotect(p, PAGE, PROT_READ);
	ok(mapped_as(p, "r--p", ""), "with its protection");
	ok(mapped_as(p + PAGE, "rw-p", ""), "page by page");
	munmap(p, 2 * PAGE);
	ok(!mapped_as(p, "r--p", ""), "and no more when it is gone");
	ok(mapped_as((void *)(uintptr_t)maps_show_memory, "r-xp", self), "program text");
	ok(mapped_as(&data, "rw-p", self), "program data");
	ok(mapped_as(&local, "rw-p", "[stack]"), "the stack");
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("/dev/zero", O_RDWR), 0);
	ok(mapped_as(shared, "r--s", "/dev/zero (deleted)"), "shared memory");
	char *heap = (char *)syscall(SYS_brk, NULL);
	syscall(SYS_brk, heap + PAGE);
	ok(mapped_as(heap, "rw-p", "[heap]"), "the heap");
	ok(strstr(contents("/proc/self/maps"), "[vdso]"), "the vDSO");
}

static void descriptors_are_listed(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int count = 0;

	while (d && (e = readdir(d)))
		count += isdigit((unsigned char)e->d_name[0]) != 0;
	is(count, 4, "fd lists the open descriptors, the listing's own included");
	if (d)
		closedir(d);
}

static int link_mode(int fd)
{
	char path[64];
	struct stat st = {0};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ok(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "the descriptor is a link");
	return st.st_mode & 07777;
}

static void links_tell_what_files_are_open_for(void)
{
	int fd = open("linked", O_WRONLY | O_CREAT, 0600);

	is(link_mode(fd), 0300, "writing");
	int reader = open("linked", O_RDONLY);
	is(link_mode(reader), 0500, "reading");
	is(dup2(open("linked", O_RDWR), reader), reader, "the number gets another file");
	is(link_mode(reader), 0700, "both");
	int place = open("linked", O_PATH);
	is(link_mode(place), 0, "neither");
	for (int n = fd; n <= place; n++)
		close(n);
}

static void other_processes_are_seen(void)
{
	char path[64];
	pid_t pid = spawn();
	bool found = false;

	if (pid == 0)
		for (;;)
			pause();
	sleep_ms(30);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	ok(strstr(contents(path), ") S "), "a sleeping child's state is S");
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	ok(strstr(contents(path), ") T "), "a stopped one's T");
	DIR *d = opendir("/proc");
	struct dirent *e;
	while (d && (e = readdir(d)))
		found |= atoi(e->d_name) == pid;
	ok(found, "/proc lists it");
	if (d)
		closedir(d);
	kill(pid, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	ok(strstr(contents(path), ") Z "), "a dead one's Z");
	reap(pid);
	fails(open(path, O_RDONLY), ENOENT, "after wait it is gone");
	fails(open("/proc/999999/stat", O_RDONLY), ENOENT, "a process that does not exist");
}

static void children_are_listed(void)
{
	char path[64], expected[64];
	pid_t first = spawn(), second;

	if (first == 0)
		for (;;)
			pause();
	second = spawn();
	if (second == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	snprintf(expected, sizeof(expected), "%d %d ", first, second);
	is_str(contents(path), expected, "children");
	kill(first, SIGKILL);
	kill(second, SIGKILL);
	reap(first);
	reap(second);
	is_str(contents(path), "", "nobody is left");
}

static void system_files(void)
{
	double up, idle, load;
	struct sysinfo info;
	struct utsname name;

	is(sscanf(contents("/proc/uptime"), "%lf %lf", &up, &idle), 2, "uptime");
	ok(up > 0, "is positive");
	is(sscanf(contents("/proc/loadavg"), "%lf %*f %*f %*d/%*d", &load), 1, "loadavg");
	contents("/proc/meminfo");
	ok(number("MemTotal") > 0 && number("MemFree") > 0 && number("MemAvailable") > 0,
	   "meminfo has totals");
	ok(number("MemTotal") >= number("MemFree"), "in the right order");
	ok(number("Cached") >= 0 && number("Buffers") >= 0 && number("SwapTotal") >= 0,
	   "and what free reads");
	long total = number("MemTotal");
	is(sysinfo(&info), 0, "sysinfo");
	is((long)(info.totalram * info.mem_unit / 1024), total, "agrees on MemTotal");
	ok(info.procs > 0, "counts processes");
	contents("/proc/stat");
	ok(strncmp(text, "cpu  ", 5) == 0 && strstr(text, "\ncpu0 "), "stat has its cpu lines");
	ok(number("btime") > 1600000000 && number("processes") > 0, "btime and processes");
	contents("/proc/cpuinfo");
	is(strncmp(text, "processor\t: 0\n", 14), 0, "cpuinfo");
	ok(strstr(text, "\nflags\t\t: fpu"), "with flags");
	uname(&name);
	contents("/proc/version");
	ok(strncmp(text, "Linux version ", 14) == 0 && strstr(text, name.release), "version");
	ok(strstr(contents("/proc/filesystems"), "nodev\ttmpfs\n"), "filesystems");
	ok(strstr(contents("/proc/mounts"), " /proc proc "), "mounts");
	ok(strstr(contents("/proc/self/mountinfo"), " /proc "), "mountinfo");
	ok(get_file("/proc/cmdline", text, sizeof(text)) > 0, "cmdline");
	snprintf(text, sizeof(text), "%s\n", name.release);
	char *release = strdup(text);
	is_str(contents("/proc/sys/kernel/osrelease"), release, "sys/kernel/osrelease");
	ok(atoi(contents("/proc/sys/kernel/pid_max")) >= 32768, "sys/kernel/pid_max");
}

static void random_bytes(void)
{
	unsigned char a[256] = {0}, b[256] = {0};
	int same = 0;

	is(getrandom(a, 256, 0), 256, "getrandom");
	is(getrandom(b, 256, GRND_NONBLOCK), 256, "with GRND_NONBLOCK");
	for (int i = 0; i < 256; i++)
		same += a[i] == b[i];
	ok(same < 20, "gives different bytes");
	fails(getrandom(a, 16, 0x100), EINVAL, "unknown flags");
	is(getrandom(a, 0, 0), 0, "no bytes");
}

int main(int argc, char **argv)
{
	(void)argc;
	scratch();
	links_of_the_process(argv[0]);
	words_of_the_process(argv[0]);
	stat_has_its_fields();
	status_has_its_lines();
	descriptors_are_listed();
	links_tell_what_files_are_open_for();
	maps_show_memory(argv[0]);
	other_processes_are_seen();
	children_are_listed();
	system_files();
	random_bytes();
	return done();
}
