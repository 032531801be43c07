/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Promises of memory: what is counted, and what each mode of /proc/sys/vm/overcommit_memory
 * refuses.
 *
 * Modes other than the one that is set are only tried on Cowslip: they are the whole machine's.
 */
#include <sys/utsname.h>

#include "abi.h"

#define MIB  (1UL << 20)
#define HUGE (1UL << 46)

static const char mode_file[] = "/proc/sys/vm/overcommit_memory";

static void *map(size_t size, int prot, int flags)
{
	return mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
}

static bool can_map(size_t size, int prot, int flags)
{
	void *p = map(size, prot, flags);

	if (p == MAP_FAILED)
		return false;
	munmap(p, size);
	return true;
}

static long number_in(const char *path)
{
	char text[64], *end;
	ssize_t length = get_file(path, text, sizeof(text));

	if (length < 2 || text[length - 1] != '\n')
		return -1;
	long value = strtol(text, &end, 10);
	return *end == '\n' ? value : -1;
}

static long write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return -1;
	long result = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

static void set(const char *path, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld\n", value);
	is(write_text(path, text), (long)strlen(text), "%s is set to %ld", path, value);
	is(number_in(path), value, "and reads so");
}

/* A line of /proc/meminfo, in KiB. */
static long meminfo(const char *name)
{
	char text[8192];

	if (get_file("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	char *line = strstr(text, name);
	return line ? atol(line + strlen(name)) : -1;
}

static void settings(void)
{
	static const char *const names[] = {"admin_reserve_kbytes", "max_map_count",
					    "min_free_kbytes",      "mmap_min_addr",
					    "overcommit_kbytes",    "overcommit_memory",
					    "overcommit_ratio",     "user_reserve_kbytes"};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "/proc/sys/vm/%s", names[i]);
		ok(number_in(path) >= 0, "%s is a number", names[i]);
	}
	int fd = open(mode_file, O_WRONLY);
	if (fd < 0) {
		skip(3, "the settings may not be written");
		return;
	}
	close(fd);
	fails(write_text(mode_file, "3\n"), EINVAL, "there is no mode 3");
	fails(write_text(mode_file, "-1\n"), EINVAL, "nor -1");
	fails(write_text(mode_file, "x\n"), EINVAL, "nor x");
}

/* Does Committed_AS grow by most of such a mapping?  Others come and go meanwhile. */
static bool is_counted(int prot, int flags)
{
	for (int tries = 0; tries < 20; tries++) {
		long before = meminfo("Committed_AS:");
		void *p = map(64 * MIB, prot, flags);
		long with = meminfo("Committed_AS:");
		if (p != MAP_FAILED)
			munmap(p, 64 * MIB);
		long after = meminfo("Committed_AS:");
		if (p == MAP_FAILED || before < 0)
			return false;
		if (with - before > 48 * 1024 && with - after > 48 * 1024)
			return true;
		if (labs(with - before) < 8 * 1024 && labs(with - after) < 8 * 1024)
			return false;
	}
	return false;
}

static void counting(void)
{
	ok(is_counted(PROT_READ | PROT_WRITE, MAP_PRIVATE), "private writable memory counts");
	ok(is_counted(PROT_READ | PROT_WRITE, MAP_SHARED), "shared anonymous memory, too");
	ok(!is_counted(PROT_READ, MAP_PRIVATE), "not what is only read");
	ok(meminfo("CommitLimit:") > 0, "there is a limit");
}

static void heuristic(void)
{
	ok(!can_map(HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), "what cannot be is refused");
	is(errno, ENOMEM, "with ENOMEM");
	ok(!can_map(HUGE, PROT_READ | PROT_WRITE, MAP_SHARED), "shared, too");
	ok(can_map(HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE), "not MAP_NORESERVE");
	ok(can_map(HUGE, PROT_NONE, MAP_PRIVATE), "nor what cannot be touched");
}

static void always(void)
{
	set(mode_file, 1);
	ok(can_map(HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), "mode 1 promises anything");
}

static void strict(void)
{
	int status;

	set("/proc/sys/vm/overcommit_kbytes", meminfo("Committed_AS:") + 64 * 1024);
	is(number_in("/proc/sys/vm/overcommit_ratio"), 0, "a size takes the ratio's place");
	is(meminfo("CommitLimit:"), number_in("/proc/sys/vm/overcommit_kbytes"), "it is the limit");
	set(mode_file, 2);
	char *p = map(40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ok(p != MAP_FAILED, "mode 2: within the limit");
	ok(!can_map(40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE), "no more than that");
	is(errno, ENOMEM, "ENOMEM");
	ok(!can_map(40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE),
	   "MAP_NORESERVE does not help");
	ok(!can_map(40 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED), "nor sharing");
	char *q = map(40 * MIB, PROT_READ, MAP_PRIVATE);
	ok(q != MAP_FAILED, "read-only memory is free");
	fails(mprotect(q, 40 * MIB, PROT_READ | PROT_WRITE), ENOMEM, "until it may be written");
	fails(fork(), ENOMEM, "fork promises all once more");
	fails(mremap(p, 40 * MIB, 80 * MIB, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0, ENOMEM,
	      "growing is refused");
	munmap(p, 40 * MIB);
	if (child(&status) == 0)
		_exit(!can_map(40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	is(status, EXITED(0), "what was given back can be promised again");
	munmap(q, 40 * MIB);
	set("/proc/sys/vm/overcommit_ratio", 50);
	is(number_in("/proc/sys/vm/overcommit_kbytes"), 0, "a ratio takes the size's place");
}

int main(void)
{
	struct utsname name;

	settings();
	counting();
	if (number_in(mode_file) == 0)
		heuristic();
	else
		skip(5, "another mode is set");
	if (uname(&name) == 0 && strstr(name.version, "Cowslip")) {
		always();
		strict();
		set(mode_file, 0);
	} else {
		skip(24, "the machine's modes are left alone");
	}
	return done();
}
