/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mlock and its kin: what is counted as locked (VmLck, RLIMIT_MEMLOCK) through every call that
 * changes memory, what becomes resident, and the errors of mlock(2).
 */
#include "abi.h"

#include <sys/resource.h>

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static char text[8192];

/* KiB. */
static long status_of(const char *name)
{
	get_file("/proc/self/status", text, sizeof(text));
	const char *line = strstr(text, name);

	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

static long locked(void)
{
	return status_of("VmLck:");
}

static size_t resident(void *p, size_t pages)
{
	unsigned char vector[64];
	size_t count = 0;

	if (mincore(p, pages * PAGE, vector) != 0)
		return (size_t)-1;
	for (size_t i = 0; i < pages; i++)
		count += vector[i] & 1;
	return count;
}

static long lock2(void *p, size_t length, int flags)
{
	return syscall(SYS_mlock2, p, length, flags);
}

static void counts(void)
{
	char *p = map_pages(16);
	long before = locked();

	is(before, 0, "nothing is locked at first");
	is(mlock(p, 4 * PAGE), 0, "mlock");
	is(locked(), 16, "is counted");
	is(resident(p, 4), 4, "and brings the pages");
	is(mlock(p + PAGE, PAGE), 0, "what is locked can be locked");
	is(locked(), 16, "and counts once");
	is(mlock(p + 3 * PAGE + 100, PAGE), 0, "any address will do");
	is(locked(), 20, "whole pages are locked");
	is(lock2(p + 8 * PAGE, 4 * PAGE, MLOCK_ONFAULT), 0, "mlock2 on fault");
	is(locked(), 36, "is counted, too");
	is(resident(p + 8 * PAGE, 4), 0, "but brings nothing");
	p[8 * PAGE] = 'a';
	is(resident(p + 8 * PAGE, 4), 1, "until it is touched");
	is(lock2(p + 8 * PAGE, 4 * PAGE, 0), 0, "mlock2 without flags");
	is(resident(p + 8 * PAGE, 4), 4, "is mlock");
	is(munlock(p + PAGE, PAGE), 0, "munlock of one in the middle");
	is(locked(), 32, "is counted");
	is(mprotect(p, 2 * PAGE, PROT_READ), 0, "mprotect");
	is(locked(), 32, "changes nothing");
	is(munmap(p + 2 * PAGE, 2 * PAGE), 0, "munmap");
	is(locked(), 24, "unlocks");
	char *moved = mremap(p + 8 * PAGE, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
	is(locked(), 32, "what mremap adds is locked");
	is(resident(moved, 6), 6, "and there");
	mremap(moved, 6 * PAGE, 2 * PAGE, 0);
	is(locked(), 16, "what it takes away no longer");
	fails(madvise(moved, PAGE, MADV_DONTNEED), EINVAL, "locked pages are not dropped");
	is(madvise(moved, PAGE, MADV_DONTNEED_LOCKED), 0, "but for who says that he knows");
	fails(madvise(moved, PAGE, MADV_PAGEOUT), EINVAL, "nor paged out");
	fails(msync(moved, PAGE, MS_INVALIDATE), EBUSY, "nor made invalid");
	is(mmap(moved, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == moved, 1,
	   "mapping over it");
	is(locked(), 12, "unlocks");
	is(munlockall(), 0, "munlockall");
	is(locked(), 0, "unlocks all");
	p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
		 -1, 0);
	is(locked(), 12, "MAP_LOCKED");
	is(resident(p, 3), 3, "brings its pages");
	munmap(p, 3 * PAGE);
	is(locked(), 0, "gone with it");
}

static void errors(void)
{
	char *p = map_pages(4);

	munmap(p + PAGE, PAGE);
	fails(mlock(p, 4 * PAGE), ENOMEM, "a hole");
	is(locked(), 4, "what is in front of it is locked");
	fails(munlock(p, 4 * PAGE), ENOMEM, "munlock of a hole");
	is(locked(), 0, "what is in front of it is unlocked");
	fails(mlock(p, (size_t)-PAGE), EINVAL, "beyond the end of the world");
	fails(lock2(p, PAGE, 2), EINVAL, "an unknown flag");
	is(mlock(p, 0), 0, "nothing at all");
	is(mlock(p + 100, 0), 0, "at no page's address");
	munlockall();
	fails(mlockall(0), EINVAL, "mlockall of nothing");
	fails(mlockall(MCL_ONFAULT), EINVAL, "or how, but not what");
	fails(mlockall(64), EINVAL, "an unknown flag");
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fails(mlock(none, PAGE), ENOMEM, "what cannot be brought in");
	munmap(none, PAGE);
	munlockall();
}

static void future(void)
{
	int status;

	if (child(&status) == 0) {
		is(mlockall(MCL_FUTURE), 0, "mlockall of what comes");
		long before = locked();
		char *p = map_pages(4);
		is(locked() - before, 16, "is counted as it comes");
		is(resident(p, 4), 4, "and there");
		long end = syscall(SYS_brk, 0);
		syscall(SYS_brk, end + 2 * PAGE);
		is(locked() - before, 24, "the heap, too");
		is(mlockall(MCL_FUTURE | MCL_ONFAULT), 0, "on fault");
		char *q = map_pages(4);
		is(locked() - before, 40, "is counted, too");
		is(resident(q, 4), 0, "but not there");
		is(mlockall(MCL_CURRENT), 0, "what is there, and no more what comes");
		ok(locked() > 40, "is locked");
		is(resident(q, 4), 4, "and brought in");
		before = locked();
		map_pages(4);
		is(locked(), before, "what comes is not");
		if (fork() == 0)
			_exit(locked() == 0 ? 0 : 1);
		int inner = -1;
		wait(&inner);
		is(inner, 0, "a child has nothing locked");
		_exit(0);
	}
	is(status, 0, "and all that in a process");
}

static void limits(void)
{
	struct rlimit limit = {.rlim_cur = 8 * PAGE, .rlim_max = 8 * PAGE}, none = {0, 0};
	int status;

	if (child(&status) == 0) {
		char *p = map_pages(32);
		setrlimit(RLIMIT_MEMLOCK, &limit);
		is(mlock(p, 16 * PAGE), 0, "the privileged have no limit");
		munlockall();
		become(1000, 1000);
		is(mlock(p, 8 * PAGE), 0, "others may lock as much as the limit says");
		fails(mlock(p + 8 * PAGE, 1), ENOMEM, "and no more");
		is(mlock(p, 8 * PAGE), 0, "again what is locked");
		fails(mlock(p + 4 * PAGE, 8 * PAGE), ENOMEM, "what is new in it counts");
		is(locked(), 32, "nothing of it is locked");
		munlock(p, 4 * PAGE);
		is(mlock(p + 12 * PAGE, 4 * PAGE), 0, "what was unlocked is free again");
		fails((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
				 -1, 0),
		      EAGAIN, "MAP_LOCKED");
		char *end = p + 16 * PAGE;
		munmap(end, 16 * PAGE);
		fails((long)mremap(p + 12 * PAGE, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), EAGAIN,
		      "mremap");
		fails(mlockall(MCL_CURRENT), ENOMEM, "mlockall");
		is(mlockall(MCL_FUTURE), 0, "of what comes");
		fails((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EAGAIN,
		      "fails as it comes");
		munlockall();
		setrlimit(RLIMIT_MEMLOCK, &none);
		fails(mlock(p, PAGE), EPERM, "without any limit mlock is forbidden");
		fails(mlockall(MCL_CURRENT), EPERM, "and mlockall");
		fails(syscall(SYS_mmap, NULL, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
		      EPERM, "and MAP_LOCKED");
		is(munlock(p, PAGE), 0, "but not munlock");
		_exit(0);
	}
	is(status, 0, "and all that as an ordinary user");
}

/* exec begins anew. */
static void after_exec(char **arguments)
{
	int status;

	if (child(&status) == 0) {
		mlockall(MCL_CURRENT | MCL_FUTURE);
		execv("/proc/self/exe", (char *[]){arguments[0], "locked", NULL});
		_exit(9);
	}
	is(status, EXITED(0), "a program that is executed has nothing locked");
}

int main(int count, char **arguments)
{
	if (count > 1)
		_exit(locked() == 0 ? 0 : 1);
	counts();
	errors();
	future();
	limits();
	after_exec(arguments);
	return done();
}
