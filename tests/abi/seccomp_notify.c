/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp's listeners: filters that have somebody else decide about a call.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

struct seccomp_data {
	int nr;
	unsigned arch;
	uint64_t ip, args[6];
};
struct sock_filter {
	unsigned short code;
	unsigned char jt, jf;
	unsigned k;
};
struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};
struct notice {
	uint64_t id;
	uint32_t pid, flags;
	struct seccomp_data data;
};
struct reply {
	uint64_t id;
	int64_t val;
	int32_t error;
	uint32_t flags;
};
struct gift {
	uint64_t id;
	uint32_t flags, srcfd, newfd, newfd_flags;
};

enum { TSYNC = 1, NEW_LISTENER = 8, WAIT_KILLABLE = 32 };
enum { CONTINUE = 1, GIFT_SETFD = 1, GIFT_SEND = 2 };
#define USER_NOTIF 0x7fc00000u
#define ALLOW      0x7fff0000u
#define RECV       0xc0502100UL
#define SEND       0xc0182101UL
#define ID_VALID   0x40082102UL
#define ADDFD      0x40182103UL

/* The call is asked about from now on: the listener's descriptor. */
static long listen_to(int number, unsigned flags)
{
	struct sock_filter code[] = {
		{0x20, 0, 0, offsetof(struct seccomp_data, nr)},
		{0x15, 0, 1, (unsigned)number},
		{0x06, 0, 0, USER_NOTIF},
		{0x06, 0, 0, ALLOW},
	};
	struct sock_fprog program = {ARRAY_LEN(code), code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, 1, flags, &program);
}

static int numbers[2];

/* Starts a child that has getppid (or another call) asked about, and then does `work`. */
static pid_t start(int (*work)(void), unsigned flags, int number, int *listener)
{
	int fd = -1;

	if (pipe(numbers) != 0)
		return -1;
	pid_t pid = spawn();
	if (pid == 0) {
		fd = (int)listen_to(number, NEW_LISTENER | flags);
		if (write(numbers[1], &fd, sizeof(fd)) != sizeof(fd))
			_exit(99);
		_exit(work());
	}
	*listener = -1;
	if (read(numbers[0], &fd, sizeof(fd)) == sizeof(fd) && fd >= 0) {
		int handle = (int)syscall(SYS_pidfd_open, pid, 0);
		*listener = (int)syscall(SYS_pidfd_getfd, handle, fd, 0);
		close(handle);
	}
	close(numbers[0]);
	close(numbers[1]);
	return pid;
}

static int answers_work(void)
{
	if (syscall(SYS_getppid, 11, 22) != 4711)
		return 1;
	if (syscall(SYS_getppid) != -1 || errno != ENOTTY)
		return 2;
	return syscall(SYS_getppid) == getppid() ? 3 : 5;
}

static void answers(void)
{
	int listener;
	struct notice notice = {0};
	struct pollfd poll_in = {.events = POLLIN | POLLOUT};
	pid_t pid = start(answers_work, 0, SYS_getppid, &listener);

	ok(listener >= 0, "a listener");
	poll_in.fd = listener;
	is(poll(&poll_in, 1, 10000), 1, "is asked");
	is(poll_in.revents, POLLIN, "so there is something to read");
	is(ioctl(listener, RECV, &notice), 0, "read");
	is(notice.pid, pid, "from whom");
	is(notice.data.nr, SYS_getppid, "which call");
	ok(notice.data.args[0] == 11 && notice.data.args[1] == 22, "with which arguments");
	is(poll(&poll_in, 1, 10000), 1, "it waits");
	is(poll_in.revents, POLLOUT, "for an answer");
	is(ioctl(listener, ID_VALID, &notice.id), 0, "as it says");
	struct reply reply = {.id = notice.id, .val = 4711};
	is(ioctl(listener, SEND, &reply), 0, "a value");
	memset(&notice, 0, sizeof(notice));
	is(ioctl(listener, RECV, &notice), 0, "the next call");
	reply = (struct reply){.id = notice.id, .error = -ENOTTY};
	is(ioctl(listener, SEND, &reply), 0, "gets an error");
	memset(&notice, 0, sizeof(notice));
	is(ioctl(listener, RECV, &notice), 0, "the last one");
	reply = (struct reply){.id = notice.id, .flags = CONTINUE};
	is(ioctl(listener, SEND, &reply), 0, "is to be made");
	/* It asks once more, for its exit status. */
	memset(&notice, 0, sizeof(notice));
	is(ioctl(listener, RECV, &notice), 0, "made twice");
	reply = (struct reply){.id = notice.id, .flags = CONTINUE};
	is(ioctl(listener, SEND, &reply), 0, "both times");
	is(reap(pid), EXITED(3), "all came as they were sent");
	wait_until(poll(&poll_in, 1, 0) == 1 && poll_in.revents & POLLHUP);
	ok(poll_in.revents & POLLHUP, "nobody is left to be asked about");
	close(listener);
}

static int gifts_work(void)
{
	char c = 0;
	int fd = (int)syscall(SYS_getppid);

	if (read(fd, &c, 1) != 1 || c != 'g' || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 1;
	fd = (int)syscall(SYS_getppid);
	return fd == 55 && fcntl(55, F_GETFD) == 0 ? 4 : 2;
}

static void gifts(void)
{
	int listener, ends[2];
	struct notice notice = {0};

	is(pipe(ends), 0, "a pipe");
	is(write(ends[1], "g", 1), 1, "with something in it");
	pid_t pid = start(gifts_work, 0, SYS_getppid, &listener);
	ok(listener >= 0, "a listener that gives");
	is(ioctl(listener, RECV, &notice), 0, "asked");
	struct gift gift = {.id = notice.id,
			    .srcfd = (uint32_t)ends[0],
			    .flags = GIFT_SEND,
			    .newfd_flags = O_CLOEXEC};
	long number = ioctl(listener, ADDFD, &gift);
	ok(number > 2, "a descriptor is the answer");
	fails(ioctl(listener, ID_VALID, &notice.id), ENOENT, "which is an answer");
	memset(&notice, 0, sizeof(notice));
	is(ioctl(listener, RECV, &notice), 0, "asked again");
	gift = (struct gift){.id = notice.id, .srcfd = (uint32_t)ends[0]};
	gift.newfd = 5;
	fails(ioctl(listener, ADDFD, &gift), EINVAL, "a number without the flag");
	gift.newfd = 0;
	gift.newfd_flags = 1;
	fails(ioctl(listener, ADDFD, &gift), EINVAL, "a flag of no descriptor");
	gift.newfd_flags = 0;
	gift.flags = 4;
	fails(ioctl(listener, ADDFD, &gift), EINVAL, "no such flag");
	gift.flags = 0;
	gift.srcfd = 999;
	fails(ioctl(listener, ADDFD, &gift), EBADF, "no descriptor");
	gift.srcfd = (uint32_t)ends[0];
	gift.id = 12345678;
	fails(ioctl(listener, ADDFD, &gift), ENOENT, "no such request");
	fails(ioctl(listener, ADDFD, BAD_POINTER), EFAULT, "no structure");
	gift.id = notice.id;
	gift.flags = GIFT_SETFD;
	gift.newfd = 55;
	is(ioctl(listener, ADDFD, &gift), 55, "a number of one's choice");
	struct reply reply = {.id = notice.id, .val = 55};
	is(ioctl(listener, SEND, &reply), 0, "and the answer by itself");
	is(reap(pid), EXITED(4), "both came");
	close(listener);
	close(ends[0]);
	close(ends[1]);
}

static int one_call(void)
{
	return syscall(SYS_getppid) == -1 ? errno : 0;
}

static void refused(void)
{
	int listener;
	struct notice notice = {0};
	pid_t pid = start(one_call, 0, SYS_getppid, &listener);
	uint64_t id = 12345678;

	ok(listener >= 0, "a listener");
	notice.pid = 1;
	fails(ioctl(listener, RECV, &notice), EINVAL, "the structure must be empty");
	fails(ioctl(listener, RECV, BAD_POINTER), EFAULT, "and there");
	notice.pid = 0;
	is(ioctl(listener, RECV, &notice), 0, "read");
	struct reply reply = {.id = notice.id, .flags = 2};
	fails(ioctl(listener, SEND, &reply), EINVAL, "no such flag");
	reply = (struct reply){.id = notice.id, .flags = CONTINUE, .val = 1};
	fails(ioctl(listener, SEND, &reply), EINVAL, "made, and with a value");
	reply = (struct reply){.id = id};
	fails(ioctl(listener, SEND, &reply), ENOENT, "no such request");
	fails(ioctl(listener, SEND, BAD_POINTER), EFAULT, "no structure");
	fails(ioctl(listener, ID_VALID, &id), ENOENT, "no such request");
	fails(ioctl(listener, ID_VALID, BAD_POINTER), EFAULT, "no number");
	fails(ioctl(listener, 0x5401, &id), EINVAL, "no such command");
	reply = (struct reply){.id = notice.id, .error = -EXDEV};
	is(ioctl(listener, SEND, &reply), 0, "a good one at last");
	is(reap(pid), EXITED(EXDEV), "comes");
	close(listener);

	int status;
	if (child(&status) == 0) {
		fails(listen_to(SYS_getppid, NEW_LISTENER | TSYNC), EINVAL, "two results in one");
		fails(listen_to(SYS_getppid, WAIT_KILLABLE), EINVAL, "nothing to wait for");
		long fd = listen_to(SYS_getppid, NEW_LISTENER);
		ok(fd >= 0, "a listener");
		is(fcntl((int)fd, F_GETFD), FD_CLOEXEC, "that is closed on exec");
		fails(listen_to(SYS_getpgid, NEW_LISTENER), EBUSY, "one for a thread");
		close((int)fd);
		fails(syscall(SYS_getppid), ENOSYS, "nobody listens any more");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	struct {
		uint16_t notice, reply, data;
	} sizes;
	is(syscall(SYS_seccomp, 3, 0, &sizes), 0, "sizes");
	ok(sizes.notice == 80 && sizes.reply == 24 && sizes.data == 64, "are as here");
	fails(syscall(SYS_seccomp, 3, 1, &sizes), EINVAL, "no flags");
	fails(syscall(SYS_seccomp, 3, 0, BAD_POINTER), EFAULT, "no memory");
	unsigned action = USER_NOTIF;
	is(syscall(SYS_seccomp, 2, 0, &action), 0, "the action is there");
}

static volatile sig_atomic_t signals;

static void count(int number)
{
	(void)number;
	signals++;
}

static int interrupted_work(void)
{
	struct sigaction action = {.sa_handler = count};

	sigaction(SIGUSR1, &action, NULL);
	long first = syscall(SYS_getppid);
	return first == -1 && errno == EINTR && signals == 1 ? 6 : 7;
}

static void interrupted(void)
{
	int listener;
	struct notice notice = {0};
	pid_t pid = start(interrupted_work, 0, SYS_getppid, &listener);

	is(ioctl(listener, RECV, &notice), 0, "asked");
	kill(pid, SIGUSR1);
	is(reap(pid), EXITED(6), "a signal ends the wait");
	struct reply reply = {.id = notice.id};
	fails(ioctl(listener, SEND, &reply), ENOENT, "the answer comes too late");
	close(listener);

	pid = start(interrupted_work, WAIT_KILLABLE, SYS_getppid, &listener);
	if (listener < 0) {
		skip(3, "this kernel has no uninterrupted waits");
		reap(pid);
		return;
	}
	memset(&notice, 0, sizeof(notice));
	is(ioctl(listener, RECV, &notice), 0, "asked");
	kill(pid, SIGUSR1);
	reply = (struct reply){.id = notice.id, .error = -EINTR};
	is(ioctl(listener, SEND, &reply), 0, "with the flag it waits for the answer");
	is(reap(pid), EXITED(6), "and takes the signal then");
	close(listener);
}

static void killed(void)
{
	int listener;
	struct notice notice = {0};
	pid_t pid = start(one_call, 0, SYS_getppid, &listener);

	is(ioctl(listener, RECV, &notice), 0, "asked");
	kill(pid, SIGKILL);
	is(reap(pid), KILLED(SIGKILL), "killed while it waits");
	fails(ioctl(listener, ID_VALID, &notice.id), ENOENT, "its request is gone");
	close(listener);
}

int main(void)
{
	answers();
	gifts();
	refused();
	interrupted();
	killed();
	return done();
}
