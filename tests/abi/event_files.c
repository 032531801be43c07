/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd, and corners of epoll, timerfd and fifos: events that are shared between waiters, nests
 * of sets, timers faster than the reader, a writer that comes and goes while a reader opens.
 */
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static sigset_t set_of(int first, int second)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, first);
	sigaddset(&set, second);
	return set;
}

static int ready(int fd, int timeout)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout) == 1 ? p.revents : 0;
}

/* --- signalfd */

static void signals_are_read(void)
{
	struct signalfd_siginfo info[3];
	sigset_t set = set_of(SIGUSR1, SIGRTMIN + 1);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

	if (!ok(fd >= 0, "signalfd"))
		return;
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK), "with its flags");
	fails(signalfd(-1, &set, 0x10), EINVAL, "an unknown flag");
	fails(signalfd(0, &set, 0), EINVAL, "a descriptor of another kind");
	fails(signalfd(9999, &set, 0), EBADF, "a closed one");
	fails(read(fd, info, 127), EINVAL, "too little room");
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 5});
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = -6});
	kill(getpid(), SIGUSR1);
	is(read(fd, info, sizeof(info)), sizeof(info), "three signals in one read");
	is(info[0].ssi_signo, SIGUSR1, "the lowest number first");
	ok(info[1].ssi_int == 5 && info[2].ssi_int == -6 && info[1].ssi_code == SI_QUEUE,
	   "queued ones in order, with their values");
	set = set_of(SIGUSR2, SIGUSR2);
	is(signalfd(fd, &set, 0), fd, "another set for the same file");
	kill(getpid(), SIGUSR1);
	is(ready(fd, 0), 0, "signals outside the set do not show");
	kill(getpid(), SIGUSR2);
	is(ready(fd, 0), POLLIN, "those of the new set do");
	is(read(fd, info, sizeof(info[0])), sizeof(info[0]), "and are read");
	sigtimedwait((sigset_t[]){set_of(SIGUSR1, SIGUSR1)}, NULL, &(struct timespec){0});
	close(fd);
}

static void readers_of_signals_wait(void)
{
	struct signalfd_siginfo info;
	sigset_t set = set_of(SIGUSR1, SIGCHLD);
	int fd = signalfd(-1, &set, 0);
	pid_t parent = getpid();
	pid_t pid = spawn();

	if (pid == 0) {
		sleep_ms(50);
		kill(parent, SIGUSR1);
		sleep_ms(50);
		_exit(3);
	}
	ok(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1 &&
		   info.ssi_pid == (uint32_t)pid,
	   "a read waits for a signal");
	is(ready(fd, 2000), POLLIN, "poll does, too");
	ok(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGCHLD &&
		   info.ssi_status == 3 && info.ssi_code == CLD_EXITED,
	   "and SIGCHLD tells how the child ended");
	reap(pid);
	close(fd);
}

/* The process that joined the set's queues is gone when the file goes. */
static void sets_outlive_their_makers(void)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR1);
	int fd = signalfd(-1, &set, SFD_NONBLOCK), ep = epoll_create1(0), st;

	if (child(&st) == 0) {
		struct epoll_event e = {.events = EPOLLIN};

		is(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0, "a child puts the file into a set");
		kill(getpid(), SIGUSR1);
		is(epoll_wait(ep, &e, 1, 1000), 1, "which tells of the child's signals");
		_exit(0);
	}
	is(st, 0, "the child ended");
	kill(getpid(), SIGUSR1);
	sigtimedwait(&set, NULL, &(struct timespec){0});
	is(close(fd) | close(ep), 0, "the set and the file close after it");
}

/* --- epoll */

static void errors_need_no_asking(void)
{
	struct epoll_event e = {.events = 0};
	int ep = epoll_create1(0), ends[2];

	pipe(ends);
	epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &e);
	(void)!write(ends[1], "x", 1);
	is(epoll_wait(ep, &e, 1, 0), 0, "who asks for nothing is told nothing");
	close(ends[1]);
	ok(epoll_wait(ep, &e, 1, 1000) == 1 && e.events == EPOLLHUP, "but of a hang-up");
	e.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e);
	ok(epoll_wait(ep, &e, 1, 1000) == 1 && e.events == (EPOLLIN | EPOLLHUP), "once");
	is(epoll_wait(ep, &e, 1, 0), 0, "and with EPOLLONESHOT not even that again");
	close(ends[0]);
	close(ep);
}

static int shared_set;
static volatile int woken;

static void *wait_once(void *unused)
{
	struct epoll_event e;

	if (epoll_wait(shared_set, &e, 1, 3000) == 1)
		__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return unused;
}

static void level_events_reach_all_waiters(void)
{
	pthread_t threads[4];
	struct epoll_event e = {.events = EPOLLIN};
	int ends[2];

	shared_set = epoll_create1(0);
	pipe(ends);
	epoll_ctl(shared_set, EPOLL_CTL_ADD, ends[0], &e);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_create(&threads[i], NULL, wait_once, NULL);
	sleep_ms(50);
	(void)!write(ends[1], "x", 1);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	is(woken, 4, "a byte that nobody reads wakes one waiter after the other");
	close(ends[0]);
	close(ends[1]);
	close(shared_set);
}

static void nests_are_bounded(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	int chain[7], error = 0;

	for (size_t i = 0; i < ARRAY_LEN(chain); i++)
		chain[i] = epoll_create1(0);
	for (size_t i = 1; i < ARRAY_LEN(chain) && error == 0; i++)
		if (epoll_ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1], &e))
			error = errno;
	is(error, ELOOP, "a nest too deep");
	fails(epoll_ctl(chain[0], EPOLL_CTL_ADD, chain[2], &e), ELOOP, "a circle");
	for (size_t i = 0; i < ARRAY_LEN(chain); i++)
		close(chain[i]);
}

/* Sets of a layer that all hold all sets of the next make many paths; adding must stay quick. */
static void wide_nests_are_quick(void)
{
	enum { LAYERS = 4, WIDTH = 24 };
	int sets[LAYERS][WIDTH];
	struct epoll_event e = {.events = EPOLLIN};
	long start = now_ms();

	for (int layer = 0; layer < LAYERS; layer++) {
		for (int i = 0; i < WIDTH; i++) {
			sets[layer][i] = epoll_create1(0);
			for (int j = 0; layer > 0 && j < WIDTH; j++)
				epoll_ctl(sets[layer][i], EPOLL_CTL_ADD, sets[layer - 1][j], &e);
		}
	}
	for (int layer = 0; layer < LAYERS; layer++)
		for (int i = 0; i < WIDTH; i++)
			close(sets[layer][i]);
	ok(now_ms() - start < 20000, "a wide nest is made or refused in reasonable time");
}

/* --- timerfd */

static void fast_timers_leave_time(void)
{
	struct itimerspec every_ns = {.it_value = {.tv_nsec = 1}, .it_interval = {.tv_nsec = 1}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	uint64_t count = 0;
	long start = now_ms();

	is(timerfd_settime(fd, 0, &every_ns, NULL), 0, "a timer of one nanosecond");
	sleep_ms(50);
	ok(now_ms() - start < 2000, "does not stop the machine");
	is(ready(fd, 1000), POLLIN, "it has run out");
	is(read(fd, &count, sizeof(count)), sizeof(count), "and counted");
	ok(count > 10000000, "every time, with nobody looking");
	is(ready(fd, 1000), POLLIN, "and goes on after that");
	close(fd);
}

/* --- fifos */

static void short_visits_are_seen(void)
{
	int meetings = 0, st;

	scratch();
	mkfifo("fifo", 0600);
	for (int i = 0; i < 200; i++) {
		pid_t pid = spawn();

		if (pid == 0) {
			close(open("fifo", O_WRONLY));
			_exit(0);
		}
		int fd = open("fifo", O_RDONLY);
		close(fd);
		st = reap(pid);
		meetings += fd >= 0 && st == 0;
	}
	is(meetings, 200, "a writer that comes and goes lets the reader in");
}

int main(void)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2);

	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals_are_read();
	readers_of_signals_wait();
	sets_outlive_their_makers();
	errors_need_no_asking();
	level_events_reach_all_waiters();
	nests_are_bounded();
	wide_nests_are_quick();
	fast_timers_leave_time();
	short_visits_are_seen();
	return done();
}
