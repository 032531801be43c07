/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors: poll, ppoll, select, pselect and epoll; eventfd and signalfd.
 */
#include "abi.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>

static int poll_one(int fd, short events, int timeout)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, timeout);

	return n == 1 ? p.revents : n;
}

static void poll_tells_readiness(void)
{
	int ends[2];
	struct pollfd many[3];

	pipe(ends);
	is(poll_one(ends[0], POLLIN, 0), 0, "an empty pipe is not readable");
	is(poll_one(ends[1], POLLOUT, 0), POLLOUT, "but writable");
	(void)!write(ends[1], "x", 1);
	is(poll_one(ends[0], POLLIN | POLLRDNORM, 0), POLLIN | POLLRDNORM, "a byte is readable");
	many[0] = (struct pollfd){.fd = -1, .events = POLLIN};
	many[1] = (struct pollfd){.fd = ends[0], .events = POLLIN};
	many[2] = (struct pollfd){.fd = 9999, .events = POLLIN};
	is(poll(many, 3, -1), 2, "poll of three");
	ok(many[0].revents == 0 && many[1].revents == POLLIN && many[2].revents == POLLNVAL,
	   "a negative one is skipped, a closed one POLLNVAL");
	close(ends[1]);
	is(poll_one(ends[0], POLLIN, 0), POLLIN | POLLHUP, "POLLHUP without writers");
	close(ends[0]);
	pipe(ends);
	close(ends[0]);
	is(poll_one(ends[1], POLLOUT, 0), POLLOUT | POLLERR, "POLLERR without readers");
	close(ends[1]);
	scratch();
	put_file("f", "x", 1, 0600);
	int fd = open("f", O_RDWR);
	is(poll_one(fd, POLLIN | POLLOUT, 0), POLLIN | POLLOUT, "a file is always ready");
	close(fd);
	fails(syscall(SYS_poll, BAD_POINTER, 1, 0), EFAULT, "a bad pointer");
	fails(syscall(SYS_poll, many, 1U << 30, 0), EINVAL, "too many");
}

static void poll_waits(void)
{
	struct timespec limit = {.tv_nsec = 30000000}, bad = {.tv_nsec = -1};
	int ends[2];
	long start = now_ms();

	is(poll(NULL, 0, 30), 0, "a time-out");
	ok(now_ms() - start >= 29 && now_ms() - start < 3000, "takes its time");
	start = now_ms();
	is(ppoll(NULL, 0, &limit, NULL), 0, "of ppoll");
	ok(now_ms() - start >= 29, "takes its time");
	fails(ppoll(NULL, 0, &bad, NULL), EINVAL, "a bad one");
	pipe(ends);
	pid_t pid = spawn();
	if (pid == 0) {
		sleep_ms(40);
		_exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
	}
	is(poll_one(ends[0], POLLIN, 5000), POLLIN, "a writer wakes it");
	reap(pid);
	close(ends[0]);
	close(ends[1]);
}

static volatile sig_atomic_t hits;

static void count(int sig)
{
	(void)sig;
	hits++;
}

static void masks_are_swapped(void)
{
	sigset_t set, empty, now;

	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signal(SIGUSR1, count);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	fails(ppoll(NULL, 0, NULL, &empty), EINTR, "ppoll's mask lets a pending signal in");
	is(hits, 1, "its handler ran");
	raise(SIGUSR1);
	fails(pselect(0, NULL, NULL, NULL, NULL, &empty), EINTR, "pselect's as well");
	is(hits, 2, "its handler ran");
	sigprocmask(SIG_SETMASK, NULL, &now);
	ok(sigismember(&now, SIGUSR1), "the mask is the old one afterwards");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void select_tells_readiness(void)
{
	struct timeval none = {0}, limit = {.tv_usec = 30000};
	fd_set r, w;
	int ends[2];

	pipe(ends);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(ends[0], &r);
	FD_SET(ends[1], &w);
	is(select(ends[1] + 1, &r, &w, NULL, &none), 1, "select of an empty pipe");
	ok(!FD_ISSET(ends[0], &r) && FD_ISSET(ends[1], &w), "finds the writing end");
	(void)!write(ends[1], "x", 1);
	FD_SET(ends[0], &r);
	is(select(ends[1] + 1, &r, &w, NULL, &none), 2, "with a byte both");
	FD_ZERO(&r);
	FD_SET(60, &r);
	fails(select(61, &r, NULL, NULL, &none), EBADF, "a closed descriptor");
	fails(select(-1, NULL, NULL, NULL, &none), EINVAL, "a negative count");
	long start = now_ms();
	is(select(0, NULL, NULL, NULL, &limit), 0, "a time-out");
	ok(now_ms() - start >= 29, "takes its time");
	close(ends[0]);
	close(ends[1]);
}

static int wait_one(int ep, struct epoll_event *e, int timeout)
{
	memset(e, 0, sizeof(*e));
	return epoll_wait(ep, e, 1, timeout);
}

static void epoll_level_and_edge(void)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = 0x1234567890};
	int ends[2], ep = epoll_create1(EPOLL_CLOEXEC);
	char buf[8];

	ok(ep >= 0 && fcntl(ep, F_GETFD) == FD_CLOEXEC, "epoll_create1");
	pipe(ends);
	is(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &e), 0, "EPOLL_CTL_ADD");
	fails(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &e), EEXIST, "once");
	is(wait_one(ep, &e, 0), 0, "nothing is ready");
	(void)!write(ends[1], "abc", 3);
	is(wait_one(ep, &e, 1000), 1, "a byte is");
	ok(e.events == EPOLLIN && e.data.u64 == 0x1234567890, "with its event and data");
	is(wait_one(ep, &e, 0), 1, "level-triggered: again while bytes wait");
	e = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.u32 = 7};
	is(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e), 0, "EPOLL_CTL_MOD to edge-triggered");
	is(wait_one(ep, &e, 0), 1, "the first time");
	is(wait_one(ep, &e, 0), 0, "not again");
	(void)!write(ends[1], "d", 1);
	is(wait_one(ep, &e, 0), 1, "after another write again");
	e = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT};
	epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e);
	is(wait_one(ep, &e, 0), 1, "EPOLLONESHOT: once");
	(void)!write(ends[1], "e", 1);
	is(wait_one(ep, &e, 0), 0, "then never");
	is(poll_one(ep, POLLIN, 0), 0, "an epoll with nothing ready is not readable itself");
	is(epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL), 0, "EPOLL_CTL_DEL");
	fails(epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL), ENOENT, "once");
	e.events = EPOLLIN;
	epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &e);
	is(poll_one(ep, POLLIN, 0), POLLIN, "one with something ready is");
	is(read(ends[0], buf, 8), 5, "the bytes are still there");
	close(ends[0]);
	is(wait_one(ep, &e, 0), 0, "closing takes a descriptor out");
	close(ends[1]);
	close(ep);
}

static void epoll_errors(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	int ep = epoll_create1(0), ends[2];

	pipe(ends);
	fails(epoll_create1(99), EINVAL, "unknown flags");
	fails(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL, "an epoll in itself");
	fails(epoll_ctl(ep, EPOLL_CTL_ADD, 9999, &e), EBADF, "a closed descriptor");
	fails(epoll_ctl(9999, EPOLL_CTL_ADD, ends[0], &e), EBADF, "a closed epoll");
	fails(epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], &e), EINVAL, "a pipe as an epoll");
	fails(epoll_ctl(ep, 99, ends[0], &e), EINVAL, "an unknown operation");
	fails(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e), ENOENT, "a change of what is not there");
	int file = open("f", O_RDONLY);
	fails(epoll_ctl(ep, EPOLL_CTL_ADD, file, &e), EPERM, "a regular file");
	fails(epoll_wait(ep, &e, 0, 0), EINVAL, "room for no event");
	fails(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, ends[0], BAD_POINTER), EFAULT,
	      "a bad event");
	close(file);
	close(ep);
	close(ends[0]);
	close(ends[1]);
}

static void event_counters(void)
{
	uint64_t v = 5;
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);

	ok(fd >= 0, "eventfd");
	is(write(fd, &v, 8), 8, "a write adds");
	is(read(fd, &v, 8), 8, "a read");
	is(v, 8, "takes the sum");
	fails(read(fd, &v, 8), EAGAIN, "then it is empty");
	is(poll_one(fd, POLLIN | POLLOUT, 0), POLLOUT, "and writable only");
	v = UINT64_MAX;
	fails(write(fd, &v, 8), EINVAL, "the largest number is refused");
	v = UINT64_MAX - 1;
	is(write(fd, &v, 8), 8, "the one below fits");
	v = 1;
	fails(write(fd, &v, 8), EAGAIN, "then it is full");
	fails(read(fd, &v, 4), EINVAL, "a read of less than 8 bytes");
	close(fd);
	fd = eventfd(2, EFD_SEMAPHORE);
	read(fd, &v, 8);
	is(v, 1, "EFD_SEMAPHORE gives one at a time");
	read(fd, &v, 8);
	is(poll_one(fd, POLLIN, 0), 0, "as often as there are");
	close(fd);
	fails(eventfd(0, 0x10), EINVAL, "unknown flags");
}

static void signals_as_a_file(void)
{
	struct signalfd_siginfo info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK);
	if (fd < 0 && errno == ENOSYS) {
		skip(6, "signalfd is not there");
		return;
	}
	if (!ok(fd >= 0, "signalfd"))
		return;
	fails(read(fd, &info, sizeof(info)), EAGAIN, "without a signal");
	kill(getpid(), SIGUSR1);
	is(poll_one(fd, POLLIN, 0), POLLIN, "a pending signal is readable");
	is(read(fd, &info, sizeof(info)), sizeof(info), "and read");
	ok(info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid() &&
		   info.ssi_code == SI_USER,
	   "with its siginfo");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	is(hits, 2, "then it is not delivered any more");
	close(fd);
}

int main(void)
{
	poll_tells_readiness();
	poll_waits();
	masks_are_swapped();
	select_tells_readiness();
	epoll_level_and_edge();
	epoll_errors();
	event_counters();
	signals_as_a_file();
	return done();
}
