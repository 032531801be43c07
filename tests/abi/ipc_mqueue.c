/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues: names, order, limits, waiting, notification, their file system.
 */
#include "abi.h"

#include <mqueue.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>

static char name[64], text[8192];

static long raw_open(const char *raw, int flags)
{
	return syscall(SYS_mq_open, raw, flags, 0600, NULL);
}

static mqd_t make(long messages, long size, int flags)
{
	struct mq_attr attributes = {.mq_maxmsg = messages, .mq_msgsize = size};

	return mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attributes);
}

static void names(void)
{
	int status;

	fails(mq_open(name, O_RDWR), ENOENT, "nothing there");
	mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0640, NULL);
	ok(queue >= 0, "made");
	is(fcntl(queue, F_GETFD), FD_CLOEXEC, "closed by exec");
	fails(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST, "not new");
	mqd_t again = mq_open(name, O_RDONLY | O_CREAT, 0600, NULL);
	ok(again >= 0, "found");
	fails(mq_send(again, "x", 1, 0), EBADF, "only to receive");
	mq_close(again);
	again = mq_open(name, O_WRONLY);
	fails(mq_receive(again, text, sizeof(text), NULL), EBADF, "only to send");
	mq_close(again);
	struct stat status_of;
	is(fstat(queue, &status_of), 0, "its status");
	ok(status_of.st_mode == (S_IFREG | 0640) && status_of.st_uid == geteuid(),
	   "mode and owner");
	if (child(&status) == 0) {
		become(1000, 1000);
		fails(mq_open(name, O_RDWR), EACCES, "not ours");
		fails(mq_unlink(name), EACCES, "nor to be removed");
		exit(0);
	}
	fails(raw_open("a/b", O_RDWR | O_CREAT), EACCES, "a slash");
	fails(raw_open("..", O_RDWR | O_CREAT), EACCES, "two dots");
	fails(raw_open("", O_RDWR | O_CREAT), ENOENT, "nothing");
	fails(raw_open(BAD_POINTER, O_RDWR), EFAULT, "a bad pointer");
	memset(text, 'a', 300);
	text[300] = 0;
	fails(raw_open(text, O_RDWR | O_CREAT), ENAMETOOLONG, "too long");
	is(mq_unlink(name), 0, "removed");
	fails(mq_unlink(name), ENOENT, "not twice");
	is(mq_send(queue, "x", 1, 0), 0, "it lives on while it is open");
	mq_close(queue);
	fails(mq_open(name, O_RDWR), ENOENT, "gone");
	fails(mq_send(-1, "x", 1, 0), EBADF, "no file");
	int null = open("/dev/null", O_RDWR);
	fails(mq_send(null, "x", 1, 0), EBADF, "another file");
	close(null);
}

static void attributes(void)
{
	struct mq_attr now = {0};
	int status;

	mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
	is(mq_getattr(queue, &now), 0, "the defaults");
	ok(now.mq_flags == 0 && now.mq_maxmsg == 10 && now.mq_msgsize == 8192 &&
		   now.mq_curmsgs == 0,
	   "are Linux's");
	mq_send(queue, "abc", 3, 0);
	now.mq_flags = O_NONBLOCK;
	struct mq_attr old;
	is(mq_setattr(queue, &now, &old), 0, "set");
	ok(old.mq_flags == 0 && old.mq_curmsgs == 1, "the old ones");
	mq_getattr(queue, &now);
	is(now.mq_flags, O_NONBLOCK, "does not wait now");
	now.mq_flags = 1;
	fails(mq_setattr(queue, &now, NULL), EINVAL, "no such flag");
	char line[128];
	ssize_t length = pread(queue, line, sizeof(line) - 1, 0);
	line[length > 0 ? length : 0] = 0;
	is_str(line, "QSIZE:3          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n", "read");
	mq_close(queue);
	mq_unlink(name);
	fails(make(0, 10, 0), EINVAL, "no message");
	fails(make(10, 0, 0), EINVAL, "of no size");
	fails(make(65537, 10, 0), EINVAL, "more than root may have");
	if (child(&status) == 0) {
		become(1000, 1000);
		fails(make(11, 10, 0), EINVAL, "more than others may have");
		fails(make(10, 8193, 0), EINVAL, "larger");
		struct rlimit limit = {10000, 10000};
		setrlimit(RLIMIT_MSGQUEUE, &limit);
		fails(make(10, 8192, 0), EMFILE, "over the limit");
		queue = make(5, 100, 0);
		ok(queue >= 0, "within it");
		mq_unlink(name);
		exit(0);
	}
	char setting[32];
	get_file("/proc/sys/fs/mqueue/msg_max", setting, sizeof(setting));
	is_str(setting, "10\n", "the setting");
}

static void order(void)
{
	mqd_t queue = make(4, 10, O_NONBLOCK);
	unsigned priority = 99;

	fails(mq_receive(queue, text, 10, NULL), EAGAIN, "empty");
	is(mq_send(queue, "low", 3, 1), 0, "sent");
	is(mq_send(queue, "high", 4, 7), 0, "sent");
	is(mq_send(queue, "low2", 4, 1), 0, "sent");
	is(mq_send(queue, "", 0, 32767), 0, "nothing, and soon");
	fails(mq_send(queue, "x", 1, 0), EAGAIN, "full");
	fails(mq_send(queue, "x", 1, 32768), EINVAL, "no such priority");
	fails(mq_send(queue, "01234567890", 11, 0), EMSGSIZE, "too large");
	fails(mq_receive(queue, text, 9, NULL), EMSGSIZE, "too small");
	is(mq_receive(queue, text, 10, &priority), 0, "the most urgent");
	is(priority, 32767, "its priority");
	is(mq_receive(queue, text, 10, &priority), 4, "then");
	ok(memcmp(text, "high", 4) == 0 && priority == 7, "the next");
	is(mq_receive(queue, text, 10, &priority), 3, "then the oldest");
	is(mq_receive(queue, text, 10, &priority), 4, "and the other");
	fails(mq_send(queue, BAD_POINTER, 5, 0), EFAULT, "a bad message");
	struct pollfd poller = {.fd = queue, .events = POLLIN | POLLOUT};
	is(poll(&poller, 1, 0), 1, "poll");
	is(poller.revents, POLLOUT, "room");
	mq_send(queue, "x", 1, 0);
	poll(&poller, 1, 0);
	is(poller.revents, POLLIN | POLLOUT, "and a message");
	mq_close(queue);
	mq_unlink(name);
}

static struct timespec soon(long ms)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += ms * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_nsec -= 1000000000;
		time.tv_sec++;
	}
	return time;
}

static void waiting(void)
{
	mqd_t queue = make(1, 10, 0);
	long start = now_ms();
	struct timespec time = soon(30), past = {1, 0}, wrong = {0, -1};

	fails(mq_timedreceive(queue, text, 10, NULL, &time), ETIMEDOUT, "waits no longer");
	ok(now_ms() - start >= 28, "than that");
	fails(mq_timedreceive(queue, text, 10, NULL, &past), ETIMEDOUT, "long ago");
	fails(mq_timedreceive(queue, text, 10, NULL, &wrong), EINVAL, "no time");
	pid_t receiver = spawn();
	if (receiver == 0)
		exit(mq_receive(queue, text, 10, NULL) == 2 ? 0 : 1);
	sleep_ms(20);
	mq_send(queue, "ab", 2, 0);
	is(reap(receiver), 0, "a receiver waits");
	mq_send(queue, "ab", 2, 0);
	pid_t sender = spawn();
	if (sender == 0)
		exit(mq_send(queue, "cde", 3, 0));
	sleep_ms(20);
	is(mq_receive(queue, text, 10, NULL), 2, "makes room");
	is(reap(sender), 0, "a sender waits");
	is(mq_receive(queue, text, 10, NULL), 3, "and its message comes");
	mq_close(queue);
	mq_unlink(name);
}

static volatile int told, told_code, told_pid, told_value;

static void on_told(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	told++;
	told_code = info->si_code;
	told_pid = info->si_pid;
	told_value = info->si_value.sival_int;
}

static void notification(void)
{
	mqd_t queue = make(4, 10, O_NONBLOCK);
	struct sigaction action = {.sa_sigaction = on_told, .sa_flags = SA_SIGINFO};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	int status;

	sigaction(SIGUSR1, &action, NULL);
	event.sigev_value.sival_int = 42;
	is(mq_notify(queue, &event), 0, "asked");
	fails(mq_notify(queue, &event), EBUSY, "once");
	char line[128];
	ssize_t length = pread(queue, line, sizeof(line) - 1, 0);
	line[length > 0 ? length : 0] = 0;
	char wanted[128];
	sprintf(wanted, "QSIZE:0          NOTIFY:0     SIGNO:10    NOTIFY_PID:%-6d\n", getpid());
	is_str(line, wanted, "read");
	if (child(&status) == 0) {
		fails(mq_notify(queue, &event), EBUSY, "nor by others");
		is(mq_notify(queue, NULL), 0, "who cannot take it back");
		mq_send(queue, "x", 1, 0);
		exit(0);
	}
	is(told, 1, "told");
	ok(told_code == SI_MESGQ && told_value == 42 && told_pid > 0 && told_pid != getpid(),
	   "by whom");
	mq_send(queue, "x", 1, 0);
	is(told, 1, "but once");
	is(mq_notify(queue, &event), 0, "asked again");
	mq_send(queue, "x", 1, 0);
	is(told, 1, "not while it is not empty");
	while (mq_receive(queue, text, 10, NULL) >= 0)
		;
	mq_send(queue, "x", 1, 0);
	is(told, 2, "told when it had become empty");
	is(mq_notify(queue, &event), 0, "asked");
	is(mq_notify(queue, NULL), 0, "taken back");
	while (mq_receive(queue, text, 10, NULL) >= 0)
		;
	mq_send(queue, "x", 1, 0);
	is(told, 2, "not told");
	event.sigev_signo = 65;
	fails(mq_notify(queue, &event), EINVAL, "no such signal");
	event.sigev_notify = 99;
	fails(mq_notify(queue, &event), EINVAL, "no such way");
	fails(mq_notify(-1, NULL), EBADF, "no file");
	event = (struct sigevent){.sigev_notify = SIGEV_NONE};
	is(mq_notify(queue, &event), 0, "told of nothing, but alone");
	int other = dup(queue);
	close(other);
	event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	is(mq_notify(queue, &event), 0, "closing a descriptor takes it back");
	mq_close(queue);
	mq_unlink(name);
}

static void file_system(void)
{
	struct stat status;
	char path[96];
	int result;

	scratch();
	mkdir("m", 0755);
	if (child(&result) == 0) {
		unshare(CLONE_NEWNS);
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		is(mount("mqueue", "m", "mqueue", 0, NULL), 0, "mounted");
		is(stat("m", &status), 0, "its directory");
		is(status.st_mode, S_IFDIR | S_ISVTX | 0777, "is everybody's");
		mqd_t queue = make(2, 10, 0);
		sprintf(path, "m%s", name);
		is(stat(path, &status), 0, "the queue is there");
		ok(S_ISREG(status.st_mode) && status.st_size == 80, "as a file");
		int file = open(path, O_RDONLY);
		ok(read(file, text, 100) > 20, "that tells");
		close(file);
		is(unlink(path), 0, "removed there");
		fails(mq_open(name, O_RDWR), ENOENT, "is removed");
		mq_close(queue);
		is(close(open(path, O_CREAT | O_RDWR, 0600)), 0, "made there");
		queue = mq_open(name, O_RDWR);
		ok(queue >= 0, "is made");
		mq_unlink(name);
		is(umount("m"), 0, "unmounted");
		exit(0);
	}
	is(result, 0, "the file system");
}

#define LETTERS 500

static void crowd(void)
{
	mqd_t queue = make(4, 10, 0);
	volatile int *sum = shared_ints();
	pid_t children[4];

	for (int i = 0; i < 4; i++) {
		children[i] = spawn();
		if (children[i] != 0)
			continue;
		for (int n = 1; n <= LETTERS; n++) {
			char buffer[10];
			if (i < 2)
				mq_send(queue, (char *)&n, sizeof(n), (unsigned)n % 3);
			else if (mq_receive(queue, buffer, 10, NULL) == sizeof(int))
				__atomic_add_fetch(&sum[0], *(int *)buffer, __ATOMIC_RELAXED);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		is(reap(children[i]), 0, "one of the crowd");
	is(sum[0], LETTERS * (LETTERS + 1), "each arrived once");
	mq_close(queue);
	mq_unlink(name);
}

int main(void)
{
	umask(0);
	sprintf(name, "/abi-mqueue-%d", getpid());
	names();
	attributes();
	order();
	waiting();
	notification();
	file_system();
	crowd();
	return done();
}
