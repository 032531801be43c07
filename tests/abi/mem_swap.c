/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap as a program sees it: errors of swapon and swapoff, and the figures.  Nothing here would
 * become a swap area.
 */
#include <poll.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "abi.h"

static char text[65536];

static long line_of(const char *path, const char *name)
{
	if (get_file(path, text, sizeof(text)) < 0)
		return -1;
	for (char *line = text; line && *line;) {
		if (strncmp(line, name, strlen(name)) == 0)
			return atol(line + strlen(name));
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return -1;
}

static void figures(void)
{
	struct sysinfo info;

	ok(get_file("/proc/swaps", text, sizeof(text)) > 0, "/proc/swaps");
	ok(strncmp(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", 44) == 0,
	   "has Linux's heading");
	long total = line_of("/proc/meminfo", "SwapTotal:");
	long left = line_of("/proc/meminfo", "SwapFree:");
	ok(total >= 0 && left >= 0 && left <= total, "SwapTotal and SwapFree");
	ok(line_of("/proc/meminfo", "SwapCached:") >= 0, "SwapCached");
	ok(line_of("/proc/vmstat", "pswpin ") >= 0, "pswpin");
	ok(line_of("/proc/vmstat", "pswpout ") >= 0, "pswpout");
	is(sysinfo(&info), 0, "sysinfo");
	is((long)(info.totalswap * info.mem_unit / 1024), total, "tells of the same total");
	ok(info.freeswap <= info.totalswap, "and of what is free");
	ok(line_of("/proc/sys/vm/swappiness", "") >= 0, "swappiness");
	ok(line_of("/proc/sys/vm/page-cluster", "") >= 0, "page-cluster");
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same with "full". */
static bool is_pressure(const char *path)
{
	float means[6];
	unsigned long long totals[2];
	int length = 0;

	if (get_file(path, text, sizeof(text)) < 0)
		return false;
	int fields = sscanf(text,
			    "some avg10=%f avg60=%f avg300=%f total=%llu\n"
			    "full avg10=%f avg60=%f avg300=%f total=%llu\n%n",
			    &means[0], &means[1], &means[2], &totals[0], &means[3], &means[4],
			    &means[5], &totals[1], &length);
	for (int i = 0; i < 6; i++)
		if (fields == 8 && (means[i] < 0 || means[i] > 100))
			return false;
	return fields == 8 && text[length] == '\0' && totals[1] <= totals[0];
}

static void pressure(void)
{
	if (access("/proc/pressure", F_OK) < 0) {
		skip(3, "this kernel tells of no pressure");
		return;
	}
	ok(is_pressure("/proc/pressure/cpu"), "pressure on CPUs");
	ok(is_pressure("/proc/pressure/memory"), "on memory");
	ok(is_pressure("/proc/pressure/io"), "on devices");
}

enum { BUSY = 6, PATIENCE_MS = 15000 };

static int trigger(int fd, const char *line)
{
	return write(fd, line, strlen(line) + 1) == (ssize_t)strlen(line) + 1 ? 0 : -1;
}

/* More processes than CPUs: they have to wait for their turn, which somebody is told. */
static void triggers(void)
{
	int fd = open("/proc/pressure/cpu", O_RDWR);
	pid_t busy[BUSY];
	char byte;

	if (fd < 0) {
		skip(10, "no triggers here");
		return;
	}
	struct pollfd wait = {.fd = fd, .events = POLLPRI};
	is(poll(&wait, 1, 0), 1, "without a trigger poll says");
	is(wait.revents, POLLERR | POLLPRI, "that there is nothing to wait for");
	fails(trigger(fd, "any 1000 1000000"), EINVAL, "neither some nor full");
	fails(trigger(fd, "some 1000"), EINVAL, "no window");
	fails(trigger(fd, "some 1000 1000"), EINVAL, "too short a window");
	fails(trigger(fd, "some 1000001 1000000"), EINVAL, "more than a window");
	if (trigger(fd, "some 20000 1000000") != 0) {
		skip(4, "triggers are not permitted here");
		close(fd);
		return;
	}
	fails(trigger(fd, "some 20000 1000000"), EBUSY, "one trigger a file");
	is(pread(fd, &byte, 1, 0) == 1 && byte == 's', true, "which can still be read");
	for (int i = 0; i < BUSY; i++) {
		busy[i] = fork();
		if (busy[i] == 0)
			for (alarm(30);;)
				;
	}
	is(poll(&wait, 1, PATIENCE_MS), 1, "a trigger fires");
	is(wait.revents, POLLPRI, "and says so");
	for (int i = 0; i < BUSY; i++) {
		kill(busy[i], SIGKILL);
		waitpid(busy[i], NULL, 0);
	}
	close(fd);
}

static void errors(void)
{
	scratch();
	char page[PAGE];
	memset(page, 0, sizeof(page));
	for (int i = 0; i < 16; i++) {
		int fd = open("file", O_CREAT | O_WRONLY | O_APPEND, 0600);
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			note("write failed");
		close(fd);
	}
	mkdir("folder", 0700);
	fails(swapon("nothing", 0), ENOENT, "swapon: there is no such file");
	fails(swapon("folder", 0), EISDIR, "a folder");
	fails(swapon("file", 0), EINVAL, "a file without signature");
	fails(swapon("/dev/null", 0), EINVAL, "a device that has no blocks");
	fails(swapon("file", 0x80000), EINVAL, "a flag that there is not");
	fails(swapon("nothing", SWAP_FLAG_PREFER | 7), ENOENT, "a priority");
	fails(syscall(SYS_swapon, BAD_POINTER, 0), EFAULT, "a bad pointer");
	fails(syscall(SYS_swapoff, BAD_POINTER), EFAULT, "swapoff: a bad pointer");
	fails(swapoff("nothing"), ENOENT, "no such file");
	fails(swapoff("file"), EINVAL, "no area");
	fails(swapoff("/dev/null"), EINVAL, "nor this");
}

static void permission(void)
{
	int status;

	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		fails(swapon("file", 0), EPERM, "may not swapon");
		fails(swapoff("file"), EPERM, "nor swapoff");
		fails(swapon("file", 0x80000), EINVAL, "flags are looked at first");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

int main(void)
{
	figures();
	pressure();
	triggers();
	if (swapon("/nothing/there", 0) < 0 && errno == EPERM) {
		skip(11, "swapon is not permitted here");
	} else {
		errors();
	}
	permission();
	return done();
}
