/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What few programs ask for: groups that change, capabilities as the kernel has them, personality,
 * scheduling by attributes, locked memory, the clock's adjustment, the kernel's log.
 */
#include "abi.h"

#include <sys/epoll.h>
#include <sys/fsuid.h>
#include <sys/klog.h>
#include <sys/personality.h>
#include <sys/timex.h>
#include <sys/utsname.h>

/* capget(2)'s, as the kernel has them. */
enum { CAP_CHOWN = 0, CAPABILITIES_3 = 0x20080522 };
struct cap_header {
	uint32_t version;
	int pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};

static void groups(void)
{
	int status;

	if (child(&status) == 0) {
		is(setregid(100, 200), 0, "setregid");
		is(getgid(), 100, "sets the real group");
		is(getegid(), 200, "and the effective one");
		is(setfsgid(-1), 200, "which files get");
		is(setfsgid(300), 200, "setfsgid tells the one before");
		is(setfsgid(-1), 300, "and sets another");
		become(1000, 1000);
		is(setregid(-1, -1), 0, "nothing changes for anybody");
		fails(setregid(5, -1), EPERM, "but for who may");
		is(setfsgid(5), 1000, "setfsgid");
		is(setfsgid(-1), 1000, "refuses in silence");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void capabilities(void)
{
	struct cap_header head = {.version = CAPABILITIES_3};
	struct cap_data data[2], bad[2];
	int status;

	is(syscall(SYS_capget, &head, data), 0, "capget");
	ok(data[0].effective & (1 << CAP_CHOWN), "root has them");
	head.version = 7;
	fails(syscall(SYS_capget, &head, data), EINVAL, "an unknown version");
	is(head.version, CAPABILITIES_3, "is answered with the best one");
	is(syscall(SYS_capget, &head, NULL), 0, "asking for the version alone is allowed");
	head.pid = -1;
	fails(syscall(SYS_capget, &head, data), EINVAL, "no process");
	head.pid = 0x3fffffff;
	fails(syscall(SYS_capget, &head, data), ESRCH, "none that is there");
	head.pid = 0;
	fails(syscall(SYS_capget, BAD_POINTER, data), EFAULT, "no memory");
	if (child(&status) == 0) {
		memcpy(bad, data, sizeof(bad));
		data[0].effective &= ~(1U << CAP_CHOWN);
		data[0].permitted &= ~(1U << CAP_CHOWN);
		is(syscall(SYS_capset, &head, data), 0, "capset gives one away");
		put_file("own", "", 0, 0600);
		fails(chown("own", 5, 5), EPERM, "and it is gone");
		fails(syscall(SYS_capset, &head, bad), EPERM, "for good");
		bad[0] = data[0];
		bad[0].effective |= 1U << CAP_CHOWN;
		fails(syscall(SYS_capset, &head, bad), EPERM,
		      "nothing is effective that is not permitted");
		head.pid = getppid();
		fails(syscall(SYS_capset, &head, data), EPERM, "of oneself alone");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void personalities(void)
{
	int before = personality(0xffffffff), status;

	ok(before >= 0, "personality is told");
	if (child(&status) == 0) {
		is(personality(ADDR_NO_RANDOMIZE), before, "setting it tells the one before");
		is(personality(0xffffffff), ADDR_NO_RANDOMIZE, "and is remembered");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(personality(0xffffffff), before, "by that process");
}

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t clamp_min, clamp_max;
};

static void scheduling(void)
{
	struct attributes got, set = {.size = sizeof(set), .policy = SCHED_BATCH, .nice = 5};
	struct sched_param none = {.sched_priority = 0}, some = {.sched_priority = 5};
	int status;

	if (child(&status) == 0) {
		is(syscall(SYS_sched_setattr, 0, &set, 0), 0, "sched_setattr");
		is(syscall(SYS_sched_getattr, 0, &got, (long)sizeof(got), 0), 0, "sched_getattr");
		is(got.policy, SCHED_BATCH, "tells the policy");
		is(got.nice, 5, "and the nice value");
		is(syscall(SYS_sched_setparam, 0, &none), 0, "sched_setparam");
		fails(syscall(SYS_sched_setparam, 0, &some), EINVAL,
		      "no priority without real time");
		fails(syscall(SYS_sched_setparam, 0, NULL), EINVAL, "nothing");
		fails(syscall(SYS_sched_setparam, -1, &none), EINVAL, "nobody");
		fails(syscall(SYS_sched_setparam, 0x3fffffff, &none), ESRCH, "nobody there");
		set.policy = SCHED_FIFO;
		set.priority = 7;
		is(syscall(SYS_sched_setattr, 0, &set, 0), 0, "real time");
		syscall(SYS_sched_getattr, 0, &got, (long)sizeof(got), 0);
		is(got.priority, 7, "with a priority");
		set.priority = 0;
		fails(syscall(SYS_sched_setattr, 0, &set, 0), EINVAL, "and not without");
		set.policy = 77;
		fails(syscall(SYS_sched_setattr, 0, &set, 0), EINVAL, "an unknown policy");
		fails(syscall(SYS_sched_setattr, 0, &set, 1), EINVAL, "unknown flags");
		fails(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL, "nothing");
		set.size = 8;
		fails(syscall(SYS_sched_setattr, 0, &set, 0), E2BIG, "too small");
		fails(syscall(SYS_sched_getattr, 0, &got, 8L, 0), EINVAL, "too little room");
		fails(syscall(SYS_sched_getattr, 0x3fffffff, &got, (long)sizeof(got), 0), ESRCH,
		      "of nobody");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void locked_memory(void)
{
	char *pages = map_pages(4);
	unsigned char there[4];

	is(syscall(SYS_mlock2, pages, PAGE, 0), 0, "mlock2");
	mincore(pages, 4 * PAGE, there);
	is(there[0] & 1, 1, "brings the pages");
	is(syscall(SYS_mlock2, pages + PAGE, PAGE, 1 /* MLOCK_ONFAULT */), 0, "or not");
	mincore(pages, 4 * PAGE, there);
	is(there[1] & 1, 0, "until they are touched");
	fails(syscall(SYS_mlock2, pages, PAGE, 2), EINVAL, "unknown flags");
	munlock(pages, 4 * PAGE);
	fails(mlockall(0), EINVAL, "mlockall of nothing");
	fails(mlockall(8), EINVAL, "of something unknown");
	fails(mlockall(MCL_ONFAULT), EINVAL, "of nothing, on faults");
	is(mlockall(MCL_CURRENT), 0, "of all there is");
	mincore(pages, 4 * PAGE, there);
	is(there[3] & 1, 1, "brings it");
	is(mlockall(MCL_FUTURE), 0, "or of what comes");
	char *later = map_pages(1);
	mincore(later, PAGE, there);
	is(there[0] & 1, 1, "which is there at once");
	is(munlockall(), 0, "munlockall");
	munmap(later, PAGE);
	munmap(pages, 4 * PAGE);
}

static void clock_adjustment(void)
{
	struct timex timex = {.modes = 0};
	int status;

	ok(adjtimex(&timex) >= 0, "adjtimex");
	ok(timex.tick >= 9000 && timex.tick <= 11000, "tells the length of a tick");
	ok(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &timex) >= 0, "clock_adjtime");
	fails(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &timex), EOPNOTSUPP,
	      "of the wall's clock");
	fails(syscall(SYS_clock_adjtime, 77, &timex), EINVAL, "not of an unknown one");
	fails(syscall(SYS_adjtimex, BAD_POINTER), EFAULT, "no memory");
	if (child(&status) == 0) {
		become(1000, 1000);
		timex.modes = ADJ_OFFSET_SS_READ;
		ok(adjtimex(&timex) >= 0 && timex.offset == 0,
		   "anybody may ask how much adjtime has left");
		timex.modes = ADJ_FREQUENCY;
		fails(adjtimex(&timex), EPERM, "for who may");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void names_and_log(void)
{
	char before[65], buf[4096];
	struct utsname name;
	int status;

	getdomainname(before, sizeof(before));
	is(setdomainname("test", 4), 0, "setdomainname");
	uname(&name);
	is_str(name.domainname, "test", "uname tells it");
	fails(setdomainname("x", -1), EINVAL, "no length");
	fails(setdomainname("x", 65), EINVAL, "too long");
	fails(syscall(SYS_setdomainname, BAD_POINTER, 4L), EFAULT, "no memory");
	setdomainname(before, strlen(before));
	ok(klogctl(10, NULL, 0) > 0, "syslog tells the log's size");
	ok(klogctl(3, buf, sizeof(buf)) >= 0, "and the log");
	fails(klogctl(3, NULL, 10), EINVAL, "into memory");
	fails(klogctl(3, buf, -1), EINVAL, "of some size");
	fails(klogctl(77, buf, 1), EINVAL, "unknown");
	if (child(&status) == 0) {
		become(1000, 1000);
		fails(setdomainname("x", 1), EPERM, "setdomainname for who may");
		fails(klogctl(5, NULL, 0), EPERM, "clearing the log, too");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

static void epoll_with_masks(void)
{
	struct epoll_event event;
	struct timespec soon = {.tv_nsec = 1000000};
	uint64_t mask = 0;
	int fd = (int)syscall(SYS_epoll_create, 1);

	ok(fd >= 0, "epoll_create");
	fails(syscall(SYS_epoll_create, 0), EINVAL, "of some size");
	is(syscall(SYS_epoll_pwait, fd, &event, 1, 1, &mask, 8L), 0, "epoll_pwait");
	fails(syscall(SYS_epoll_pwait, fd, &event, 1, 1, &mask, 4L), EINVAL, "with a whole mask");
	fails(syscall(SYS_epoll_pwait, fd, &event, 0, 1, NULL, 8L), EINVAL, "for something");
	is(syscall(SYS_epoll_pwait2, fd, &event, 1, &soon, NULL, 8L), 0, "epoll_pwait2");
	soon.tv_nsec = 1000000000;
	fails(syscall(SYS_epoll_pwait2, fd, &event, 1, &soon, NULL, 8L), EINVAL, "a time");
	fails(syscall(SYS_epoll_pwait2, -1, &event, 1, NULL, NULL, 8L), EBADF, "a descriptor");
	close(fd);
}

#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

static void odd_ones(void)
{
	char *pages = map_pages(2);

	fails(syscall(SYS_restart_syscall), EINTR, "restart_syscall with nothing to restart");
	fails(syscall(SYS_set_mempolicy_home_node, pages, PAGE, 0L, 1L), EINVAL,
	      "set_mempolicy_home_node with flags");
	fails(syscall(SYS_set_mempolicy_home_node, pages, PAGE, 10000L, 0L), EINVAL, "of no node");
	fails(syscall(SYS_set_mempolicy_home_node, pages + 1, PAGE, 0L, 0L), EINVAL,
	      "of half a page");
	munmap(pages, 2 * PAGE);
}

int main(void)
{
	scratch();
	groups();
	capabilities();
	personalities();
	scheduling();
	locked_memory();
	clock_adjustment();
	names_and_log();
	epoll_with_masks();
	odd_ones();
	return done();
}
