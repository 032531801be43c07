/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leases of fcntl(2): who may have one, and what opening the file does to it.
 */
#include "abi.h"

enum { SETLEASE = 1024, GETLEASE = 1025, SETSIG = 10 };

static volatile sig_atomic_t signals, last_fd, last_code;

static void count(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	signals++;
	last_fd = info->si_fd;
	last_code = info->si_code;
}

static void who_may(void)
{
	int ends[2], status;
	int reader = open("file", O_RDONLY), folder = open(".", O_RDONLY);

	is(fcntl(reader, GETLEASE), F_UNLCK, "no lease at first");
	is(fcntl(reader, SETLEASE, F_RDLCK), 0, "one for reading");
	is(fcntl(reader, GETLEASE), F_RDLCK, "is there");
	int other = open("file", O_RDONLY);
	ok(other >= 0, "others may read");
	is(fcntl(other, GETLEASE), F_UNLCK, "without one");
	is(fcntl(other, SETLEASE, F_RDLCK), 0, "or with their own");
	fails(fcntl(other, SETLEASE, F_WRLCK), EAGAIN, "but not for writing");
	is(fcntl(other, SETLEASE, F_UNLCK), 0, "given back");
	fails(fcntl(other, SETLEASE, F_UNLCK), EAGAIN, "once");
	close(other);
	is(fcntl(reader, SETLEASE, F_UNLCK), 0, "the first one, too");
	is(fcntl(reader, SETLEASE, F_WRLCK), 0, "one for writing, of who is alone");
	is(fcntl(reader, GETLEASE), F_WRLCK, "is there");
	is(fcntl(reader, SETLEASE, F_RDLCK), 0, "and is cut down");
	is(fcntl(reader, SETLEASE, F_UNLCK), 0, "and given back");
	int writer = open("file", O_WRONLY);
	fails(fcntl(reader, SETLEASE, F_RDLCK), EAGAIN, "not while somebody writes");
	fails(fcntl(writer, SETLEASE, F_RDLCK), EAGAIN, "not even oneself");
	close(writer);
	fails(fcntl(reader, SETLEASE, 77), EINVAL, "no such kind");
	fails(fcntl(folder, SETLEASE, F_RDLCK), EINVAL, "not of folders");
	is(pipe(ends), 0, "a pipe");
	fails(fcntl(ends[0], SETLEASE, F_RDLCK), EINVAL, "nor of pipes");
	fails(fcntl(999, SETLEASE, F_RDLCK), EBADF, "nor of nothing");
	is(chmod("file", 0644) | chmod(".", 0755), 0, "for others to see");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		int theirs = open("file", O_RDONLY);
		fails(fcntl(theirs, SETLEASE, F_RDLCK), EACCES, "not of others' files");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	close(reader);
	close(folder);
	close(ends[0]);
	close(ends[1]);
}

static void broken(void)
{
	struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};
	int fd = open("file", O_RDONLY);

	sigaction(SIGUSR1, &action, NULL);
	is(fcntl(fd, SETSIG, SIGUSR1), 0, "a signal of one's choice");
	is(fcntl(fd, SETLEASE, F_RDLCK), 0, "a lease");
	int other = open("file", O_RDONLY | O_NONBLOCK);
	ok(other >= 0, "reading goes with it");
	close(other);
	is(signals, 0, "nobody is told");
	fails(open("file", O_WRONLY | O_NONBLOCK), EAGAIN, "writing does not");
	wait_until(signals == 1);
	is(signals, 1, "that is told");
	is(last_fd, fd, "which file it is");
	is(fcntl(fd, GETLEASE), F_UNLCK, "and what the lease is to become");
	fails(open("file", O_WRONLY | O_NONBLOCK), EAGAIN, "meanwhile it does not either");
	is(fcntl(fd, SETLEASE, F_UNLCK), 0, "it is given back");
	other = open("file", O_WRONLY | O_NONBLOCK);
	ok(other >= 0, "so others may write");
	close(other);
	signals = 0;
	is(fcntl(fd, 11), 0, "the signal went with the lease");
	is(fcntl(fd, SETSIG, SIGUSR1), 0, "chosen again");
	is(fcntl(fd, SETLEASE, F_WRLCK), 0, "one for writing");
	fails(open("file", O_RDONLY | O_NONBLOCK), EAGAIN, "not even reading goes with that");
	wait_until(signals == 1);
	is(fcntl(fd, GETLEASE), F_RDLCK, "it is to become one for reading");
	is(fcntl(fd, SETLEASE, F_RDLCK), 0, "which it does");
	other = open("file", O_RDONLY | O_NONBLOCK);
	ok(other >= 0, "then others read");
	close(other);
	close(fd);
	other = open("file", O_WRONLY | O_NONBLOCK);
	ok(other >= 0, "it goes with its file");
	close(other);
}

/* Who opens without O_NONBLOCK waits until the lease is given back. */
static void waiting(void)
{
	volatile int *shared = shared_ints();
	int fd = open("file", O_RDONLY);

	signals = 0;
	is(fcntl(fd, SETSIG, SIGUSR1), 0, "a signal");
	is(fcntl(fd, SETLEASE, F_WRLCK), 0, "a lease");
	pid_t pid = spawn();
	if (pid == 0) {
		int other = open("file", O_RDWR);
		shared[1] = shared[0];
		_exit(other >= 0 ? 0 : 1);
	}
	wait_until(signals == 1);
	is(signals, 1, "the holder is told");
	shared[0] = 1;
	is(fcntl(fd, SETLEASE, F_UNLCK), 0, "and gives it back");
	is(reap(pid), EXITED(0), "then the file is opened");
	is(shared[1], 1, "not before");
	/* With a lease goes the signal that was chosen. */
	is(fcntl(fd, SETSIG, SIGUSR1), 0, "a signal again");
	is(fcntl(fd, SETLEASE, F_RDLCK), 0, "a lease");
	pid = spawn();
	if (pid == 0) {
		close(fd);
		_exit(truncate("file", 0) == 0 ? 0 : 1);
	}
	wait_until(signals == 2);
	is(signals, 2, "cutting the file is told, too");
	close(fd);
	is(reap(pid), EXITED(0), "and waits for the end of the lease");
}

int main(void)
{
	scratch();
	is(put_file("file", "text", 4, 0644), 0, "a file");
	who_may();
	broken();
	waiting();
	return done();
}
