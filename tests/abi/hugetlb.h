/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs about the pool of huge pages share: the pool, and what the kernel tells of it.
 */
#ifndef ABI_HUGETLB_H
#define ABI_HUGETLB_H

#include "abi.h"

#define HUGE_PAGE (2UL << 20)
#define GIGANTIC  (1UL << 30)
#define POOL      "/proc/sys/vm/nr_hugepages"
#define POOL_1G   "/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define POOL_2M   "/sys/kernel/mm/hugepages/hugepages-2048kB/"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif
#ifndef SHM_HUGETLB
#define SHM_HUGETLB 04000
#endif

enum { BLOCKS = 6, SHIFT_2M = 21, SHIFT_1G = 30 };

/* A line of meminfo. */
static inline long figure(const char *name)
{
	char text[8192], label[64];

	snprintf(label, sizeof(label), "%s:", name);
	get_file("/proc/meminfo", text, sizeof(text));
	const char *found = strstr(text, label);
	return found ? strtol(found + strlen(label), NULL, 10) : -1;
}

/* A file with a number. */
static inline long number_in(const char *path)
{
	char text[64];

	return get_file(path, text, sizeof(text)) > 0 ? strtol(text, NULL, 10) : -1;
}

static inline bool set_number(const char *path, long number)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%ld\n", number);
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, (size_t)length) == length;

	if (fd >= 0)
		close(fd);
	return done;
}

static inline bool set_pool(long blocks)
{
	return set_number(POOL, blocks);
}

/* A pool of BLOCKS pages for this program alone; or it says that it skips. */
static inline bool make_pool(void)
{
	if (figure("HugePages_Total") == 0 && set_pool(BLOCKS) &&
	    figure("HugePages_Total") == BLOCKS)
		return true;
	skip(1, "no pool of huge pages of our own");
	set_pool(0);
	return false;
}

/* What is free of it, and promised. */
#define pool_is(free, reserved, what)                                           \
	do {                                                                    \
		is(figure("HugePages_Free"), (free), "%s: free", what);         \
		is(figure("HugePages_Rsvd"), (reserved), "%s: promised", what); \
	} while (0)

/* A line of smaps for the mapping that begins at an address, in KiB. */
static inline long smaps_of(const void *address, const char *name)
{
	char line[512], start[64];
	bool here = false;
	long found = -1;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)address);
	FILE *file = fopen("/proc/self/smaps", "r");
	while (file && fgets(line, sizeof(line), file)) {
		unsigned long first, last;
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			here = strncmp(line, start, strlen(start)) == 0;
		if (here && strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			found = strtol(line + strlen(name) + 1, NULL, 10);
	}
	if (file)
		fclose(file);
	return found;
}

/* How a child ends that writes there. */
static inline int writes_end(char *address)
{
	int status;

	if (child(&status) == 0) {
		leave_counters();
		*(volatile char *)address = 1;
		_exit(0);
	}
	return status;
}

static inline bool is_bus_error(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

#endif
